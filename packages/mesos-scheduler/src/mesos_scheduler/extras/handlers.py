"""Handlers around a scheduler's callbacks (`chain`) and around a driver's calls (`intercept`).

A middleware is a function of three arguments: the driver, an event of `mesos_scheduler.events` or a call of
`mesos_scheduler.commands`, and what comes next. It may look, wait, change, drop or repeat:

    def measured(driver, event, proceed):
        began = time.monotonic()
        try:
            return proceed(driver, event)
        finally:
            print(kind(event), time.monotonic() - began)
"""

from __future__ import annotations

import inspect
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TypeAlias, TypeVar, cast

from .._event_scheduler import EventScheduler
from ..errors import DriverMisuse
from ..events import Event
from ..scheduler import SchedulerDriver
from ._composition import (
    AnyMiddleware,
    CallMiddleware,
    EventMiddleware,
    Handler,
    Middleware,
    chain,
    combine,
    intercept,
    is_coroutine,
)
from ._items import Call, Item, describe, kind
from .revive import RateLimit

__all__ = [
    "AnyMiddleware",
    "Call",
    "CallMiddleware",
    "Event",
    "EventMiddleware",
    "EventScheduler",
    "Handler",
    "Item",
    "Middleware",
    "around",
    "chain",
    "combine",
    "describe",
    "drop",
    "intercept",
    "kind",
    "limited",
    "log",
    "observe",
    "once",
    "tolerate",
    "translate",
    "when",
]

_T = TypeVar("_T")
_E = TypeVar("_E", bound=Item)

Selection: TypeAlias = type | tuple[type, ...] | Callable[[_T], bool]
"""Which events or calls: those of a type or of some types, or those for which a function says so."""


def log(
    level: int = logging.DEBUG, logger: logging.Logger | None = None, text: Callable[[Item], str] = describe
) -> AnyMiddleware:
    """Write a line for each event or call before it goes on.

    By default the line names ids, states and numbers (`describe`): what tasks are made of may be secret.
    """
    to = logger or logging.getLogger("mesos.scheduler")

    def logged(driver: SchedulerDriver, item: _T, proceed: Handler[_T]) -> object:
        if to.isEnabledFor(level):
            to.log(level, "%s", text(item))  # type: ignore[arg-type]
        return proceed(driver, item)

    return logged


def observe(which: type[_E], function: Callable[[SchedulerDriver, _E], object]) -> AnyMiddleware:
    """Call a function for each event or call of a type, before it goes on. It is no coroutine."""
    if is_coroutine(function):
        raise DriverMisuse("nothing awaits what observe calls; write a middleware that is a coroutine")

    def observed(driver: SchedulerDriver, item: _T, proceed: Handler[_T]) -> object:
        if isinstance(item, which):
            function(driver, item)
        return proceed(driver, item)

    return observed


def when(which: Selection[_T], *middleware: Middleware[_T]) -> Middleware[_T]:
    """Apply middleware to some events or calls; the others go on without."""
    chosen = _selected(which)
    inner = combine(*middleware)

    def selective(driver: SchedulerDriver, item: _T, proceed: Handler[_T]) -> object:
        return inner(driver, item, proceed) if chosen(item) else proceed(driver, item)

    return selective


def drop(which: Selection[_T]) -> Middleware[_T]:
    """Let some events or calls go no further. An update that is dropped counts as handled."""
    chosen = _selected(which)

    def dropped(driver: SchedulerDriver, item: _T, proceed: Handler[_T]) -> object:
        return None if chosen(item) else proceed(driver, item)

    return dropped


def once(*middleware: Middleware[_T]) -> Middleware[_T]:
    """Apply middleware to the first event or call there is; the others go on without.

    `when(kind, once(...))` means the first one of a kind.
    """
    inner = combine(*middleware)
    first = threading.Lock()  # Taken once, and never given back.

    def single(driver: SchedulerDriver, item: _T, proceed: Handler[_T]) -> object:
        return (inner if first.acquire(blocking=False) else _pass)(driver, item, proceed)

    return single


def limited(
    limit: RateLimit,
    *middleware: Middleware[_T],
    otherwise: Middleware[_T] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Middleware[_T]:
    """Apply middleware as often as a limit allows; the others go on without, or through `otherwise`."""
    inner = combine(*middleware)
    instead = _pass if otherwise is None else combine(otherwise)
    lock = threading.Lock()

    def rationed(driver: SchedulerDriver, item: _T, proceed: Handler[_T]) -> object:
        with lock:
            allowed = limit.take(clock())
        return (inner if allowed else instead)(driver, item, proceed)

    return rationed


def around(context: Callable[[SchedulerDriver, _T], AbstractContextManager[object]]) -> Middleware[_T]:
    """Run what comes next inside a context manager, also when it is a coroutine.

    @around
    @contextmanager
    def measured(driver, event):
        began = time.monotonic()
        yield
        print(kind(event), time.monotonic() - began)
    """

    def inside(driver: SchedulerDriver, item: _T, proceed: Handler[_T]) -> object:
        result: object = None
        with ExitStack() as stack:
            stack.enter_context(context(driver, item))
            result = proceed(driver, item)
            if inspect.isawaitable(result):
                return _inside(stack.pop_all(), result)
        return result

    return inside


def tolerate(*exceptions: type[Exception], logger: logging.Logger | None = None) -> AnyMiddleware:
    """Log exceptions of these types, and go on as if nothing had been raised.

    Without it an exception out of a callback aborts the driver. An update whose callback has raised a
    tolerated one counts as handled.
    """
    to = logger or logging.getLogger("mesos.scheduler")

    @contextmanager
    def tolerant(driver: SchedulerDriver, item: object) -> Iterator[None]:
        try:
            yield
        except exceptions as error:
            to.error("tolerated %s on %s", type(error).__name__, describe(item), exc_info=error)  # type: ignore[arg-type]

    return cast("AnyMiddleware", around(tolerant))


def translate(errors: Mapping[type[Exception], Callable[[str], Exception]]) -> AnyMiddleware:
    """Raise other exceptions in place of some: `translate({KeyError: UnknownTask})`."""

    @contextmanager
    def translated(driver: SchedulerDriver, item: object) -> Iterator[None]:
        try:
            yield
        except tuple(errors) as error:
            make = next(make for kind, make in errors.items() if isinstance(error, kind))
            raise make(str(error)) from error

    return cast("AnyMiddleware", around(translated))


def _selected(which: Selection[_T]) -> Callable[[_T], bool]:
    if isinstance(which, type | tuple):
        types = which
        return lambda item: isinstance(item, types)
    return which


def _pass(driver: SchedulerDriver, item: _T, proceed: Handler[_T]) -> object:
    return proceed(driver, item)


async def _inside(stack: ExitStack, result: Awaitable[object]) -> object:
    settled: object = None
    with stack:
        settled = await result
    return settled
