"""Calls on the loop's thread, from any thread: in order, one wake-up for a burst of them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from .errors import NotRunningError

if TYPE_CHECKING:
    from ._runner import Runner

__all__ = ["Calls", "TimerHandle", "run_guarded"]

logger = logging.getLogger("mesos.messenger")

_TURN: Final = 512


def run_guarded(call: Callable[..., object], *args: object) -> None:
    """Call a function; what it raises is logged."""
    try:
        call(*args)
    except Exception:
        logger.exception("%r failed", call)


class TimerHandle:
    """A call that `call_later` has arranged."""

    __slots__ = ("_handle", "_runner", "cancelled")

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._handle: asyncio.TimerHandle | None = None
        self.cancelled = False

    def cancel(self) -> None:
        """See to it that the call is not made; from any thread."""
        self.cancelled = True
        if self._handle is not None and self._runner.on_loop():
            self._handle.cancel()

    def arm(self, delay: float, call: Callable[..., object], args: tuple[object, ...]) -> None:
        """Start the timer (called on the loop's thread)."""
        if not self.cancelled:
            self._handle = self._runner.loop.call_later(max(0.0, delay), self._fire, call, args)

    def _fire(self, call: Callable[..., object], args: tuple[object, ...]) -> None:
        if not self.cancelled:
            run_guarded(call, *args)


class Calls:
    """What waits to be called on the loop's thread."""

    __slots__ = ("_runner", "_scheduled", "_waiting")

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._waiting: deque[tuple[Callable[..., object], tuple[object, ...]]] = deque()
        self._scheduled = False

    def soon(self, call: Callable[..., object], *args: object) -> None:
        """Have a function called; raises `NotRunningError` before the start and after the stop."""
        self._waiting.append((call, args))
        if self._scheduled:
            return
        self._scheduled = True
        try:
            loop = self._runner.loop
            if self._runner.on_loop():
                loop.call_soon(self.make)
            else:
                loop.call_soon_threadsafe(self.make)
        except RuntimeError as error:
            self._scheduled = False
            self._waiting.clear()
            raise NotRunningError("the messenger is not running") from error

    def later(self, delay: float, call: Callable[..., object], *args: object) -> TimerHandle:
        """Have a function called after some seconds."""
        timer = TimerHandle(self._runner)
        if self._runner.on_loop():
            timer.arm(delay, call, args)
        else:
            self.soon(timer.arm, delay, call, args)
        return timer

    def hold(self) -> None:
        """Promise that `make` will be called presently (on the loop's thread)."""
        self._scheduled = True

    def make(self) -> None:
        """Make the calls that wait (on the loop's thread)."""
        # Cleared first: who adds a call from now on sees to its being made.
        self._scheduled = False
        waiting = self._waiting
        for _ in range(min(len(waiting), _TURN)):
            call, args = waiting.popleft()
            run_guarded(call, *args)
        if waiting and not self._scheduled:
            self._scheduled = True
            self._runner.loop.call_soon(self.make)

    def make_all(self) -> None:
        """Make the calls that wait, and those that they add (on the loop's thread)."""
        while self._waiting:
            self.make()
