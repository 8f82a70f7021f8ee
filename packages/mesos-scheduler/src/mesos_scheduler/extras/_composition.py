"""How handlers are put around one another, around a scheduler's callbacks and around a driver's calls."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol, TypeAlias, TypeVar, cast

from .._api import DriverCalls
from .._dispatch import Handlers, handlers
from .._event_scheduler import EventScheduler
from .._life import DriverLife
from ..errors import DriverMisuse
from ..events import Event
from ..scheduler import Scheduler, SchedulerDriver
from ._items import Call

_T = TypeVar("_T")
_D = TypeVar("_D", bound=DriverCalls)

Handler: TypeAlias = Callable[[SchedulerDriver, _T], object]
"""Takes an event or a call."""

Middleware: TypeAlias = Callable[[SchedulerDriver, _T, Handler[_T]], object]
"""Takes an event or a call, and what comes next: `return proceed(driver, item)` lets it pass."""

_Wrap: TypeAlias = Callable[[Handler[_T]], Handler[_T]]

EventMiddleware: TypeAlias = Middleware[Event]
CallMiddleware: TypeAlias = Middleware[Call]


class AnyMiddleware(Protocol):
    """A middleware for events as well as for calls."""

    def __call__(self, driver: SchedulerDriver, item: _T, proceed: Handler[_T], /) -> object:
        """Take an event or a call, and what comes next."""


def combine(*middleware: Middleware[_T]) -> Middleware[_T]:
    """Make one middleware of several; the first is the outermost."""
    wraps = [_adapted(one) for one in middleware]

    def combined(driver: SchedulerDriver, item: _T, proceed: Handler[_T]) -> object:
        return compose(wraps, proceed)(driver, item)

    if not any(map(is_coroutine, middleware)):
        return combined

    async def awaited(driver: SchedulerDriver, item: _T, proceed: Handler[_T]) -> object:
        return await settled(combined(driver, item, proceed))

    return awaited


def chain(*middleware: EventMiddleware) -> Callable[[Scheduler], Scheduler]:
    """Put middleware around the callbacks of a scheduler; the first is the outermost.

        driver = MesosSchedulerDriver(chain(log(), metrics.events)(MyScheduler()), framework, master)

    For the asyncio drivers middleware may be coroutine functions, which then await `proceed`.
    """
    return partial(_Chained, middleware)


def intercept(driver: _D, *middleware: CallMiddleware) -> _D:
    """Put middleware around every call of a driver, whoever makes it, and return the driver.

        intercept(driver, log(), metrics.calls).run()

    What a middleware returns is ignored, as each call returns the driver's status. What it raises reaches
    the caller. `start`, `stop`, `abort` and `join` are no such calls. Do this before the driver is started.
    """
    if any(map(is_coroutine, middleware)):
        raise DriverMisuse("the calls of a driver are no coroutines; give functions that are none")

    wraps = [_adapted(one) for one in middleware]
    this = cast("SchedulerDriver", driver)
    driver._wrap_calls(lambda send: partial(compose(wraps, lambda _driver, call: send(call)), this))
    return driver


def compose(wraps: Iterable[_Wrap[_T]], handle: Handler[_T]) -> Handler[_T]:
    """Put what `_adapted` made around a handler; the first is the outermost."""
    for wrap in reversed(list(wraps)):
        handle = wrap(handle)
    return handle


def _adapted(one: Middleware[_T]) -> _Wrap[_T]:
    if not is_coroutine(one):
        return lambda handle: lambda driver, item: one(driver, item, handle)

    def wrap(handle: Handler[_T]) -> Handler[_T]:
        async def proceed(driver: SchedulerDriver, item: _T) -> object:
            return await settled(handle(driver, item))

        return lambda driver, item: one(driver, item, proceed)

    return wrap


def is_coroutine(function: Callable[..., object]) -> bool:
    """Tell whether calling it makes a coroutine."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


async def settled(result: object) -> object:
    """Await what can be awaited."""
    return await result if inspect.isawaitable(result) else result


class _Chained(EventScheduler):
    """A scheduler inside middleware."""

    def __init__(self, middleware: Sequence[EventMiddleware], scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._through = compose([_adapted(one) for one in middleware], self._dispatch)
        self._driver: SchedulerDriver | None = None
        self._table: Handlers = {}

    def handle(self, driver: SchedulerDriver, event: Event) -> object:
        result = self._through(driver, event)
        if result is not None and isinstance(driver, DriverLife) and inspect.iscoroutine(result):
            result.close()
            raise DriverMisuse("a callback or middleware is a coroutine; an asyncio driver awaits those")
        return result

    def _dispatch(self, driver: SchedulerDriver, event: Event) -> object:
        if driver is not self._driver:
            self._table = handlers(self._scheduler, driver)
            self._driver = driver
        return self._table[type(event)](event)

    def __repr__(self) -> str:
        return f"<chain around {self._scheduler!r}>"
