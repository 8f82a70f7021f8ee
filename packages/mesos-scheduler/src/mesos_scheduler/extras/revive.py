"""Offers revived at a bounded rate: masters walk over every agent and filter for each such call.

    limiter = ReviveLimiter(burst=3, seconds=1.0)
    intercept(driver, limiter)

From then on `driver.revive_offers` may be called at any rate.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol

from ..commands import ReviveOffers, SuppressOffers
from ..errors import DriverMisuse
from ..scheduler import SchedulerDriver
from ._composition import Handler
from ._items import Call

_log = logging.getLogger("mesos.scheduler")


class RateLimit:
    """Tokens, `burst` of them, each of which is back `seconds` after it was taken.

    So there are never more than `burst` in any stretch of `seconds`. Times are what the caller says, of any
    clock that does not run backwards; not for several threads at once.
    """

    def __init__(self, burst: int, seconds: float) -> None:
        if burst < 1 or not 0 <= seconds < float("inf"):
            raise DriverMisuse(
                f"a rate limit needs 1 token or more, and a finite time; not {burst}, {seconds}"
            )
        self._seconds = seconds
        self._free = burst
        self._back: deque[float] = deque()

    def take(self, now: float) -> bool:
        """Take a token; False when there is none."""
        if self.wait(now) > 0:
            return False
        self._free -= 1
        self._back.append(now + self._seconds)
        return True

    def wait(self, now: float) -> float:
        """Return the seconds until there is a token; 0 when there is one."""
        while self._back and self._back[0] <= now:
            self._back.popleft()
            self._free += 1
        return 0.0 if self._free else self._back[0] - now


class Timer(Protocol):
    """A call that is to come, as `threading.Timer` is one."""

    def start(self) -> None:
        """Begin to wait."""

    def cancel(self) -> None:
        """Let the call not come."""


def _timer(seconds: float, call: Callable[[], None]) -> Timer:
    timer = threading.Timer(seconds, call)
    timer.name = "mesos-scheduler-revive"
    timer.daemon = True
    return timer


@dataclass(slots=True)
class Waiting:
    """What was asked for and not yet sent: every role (but some suppressed since), or some roles."""

    every: bool = False
    roles: set[str] = field(default_factory=set)

    def revive(self, roles: Iterable[str]) -> None:
        """Ask for offers for these roles; none: for every role."""
        named = set(roles)
        if not named:
            self.every, self.roles = True, set()
        elif self.every:
            self.roles -= named
        else:
            self.roles |= named

    def suppress(self, roles: Iterable[str]) -> None:
        """Ask for no offers for these roles; none: for no role."""
        named = set(roles)
        if not named:
            self.every, self.roles = False, set()
        elif self.every:
            self.roles |= named
        else:
            self.roles -= named

    def calls(self) -> list[Call]:
        """Return what to send. Roles suppressed since are so again: REVIVE cannot leave some out."""
        roles = sorted(self.roles)
        if not self.every:
            return [ReviveOffers(roles)] if roles else []
        return [ReviveOffers([]), *([SuppressOffers(roles)] if roles else [])]


class ReviveLimiter:
    """A middleware for calls that lets at most `burst` REVIVE calls pass in any `seconds`.

    What is asked for beyond that becomes one call for all the roles, sent as soon as it may be. A SUPPRESS
    call cancels what waits for its roles. One limiter for each driver. `close` (or the end of a `with`
    block) forgets what waits and ends the limiter: from then on every call passes.
    """

    def __init__(
        self,
        burst: int = 3,
        seconds: float = 1.0,
        *,
        clock: Callable[[], float] = time.monotonic,
        timer: Callable[[float, Callable[[], None]], Timer] = _timer,
    ) -> None:
        self._limit = RateLimit(burst, seconds)
        self._clock = clock
        self._make_timer = timer
        # Held while calls are sent, so that none overtakes another; a call may lead to a call.
        self._lock = threading.RLock()
        self._waiting = Waiting()
        self._timer: Timer | None = None
        self._closed = False

    def __call__(self, driver: SchedulerDriver, call: Call, proceed: Handler[Call]) -> object:
        if not isinstance(call, ReviveOffers | SuppressOffers):
            return proceed(driver, call)
        with self._lock:
            if isinstance(call, SuppressOffers):
                self._waiting.suppress(call.roles)
            elif not self._closed and (self._timer is not None or not self._limit.take(self._clock())):
                self._waiting.revive(call.roles)
                self._wait(lambda: self._send(driver, proceed))
                return None
            return proceed(driver, call)

    def _wait(self, send: Callable[[], None]) -> None:
        if self._timer is None:
            self._timer = self._make_timer(self._limit.wait(self._clock()), send)
            self._timer.start()

    def _send(self, driver: SchedulerDriver, proceed: Handler[Call]) -> None:
        """Send what waits, on the timer's thread."""
        with self._lock:
            if self._closed:
                return
            self._timer = None
            calls = self._waiting.calls()
            if calls and not self._limit.take(self._clock()):
                self._wait(lambda: self._send(driver, proceed))
                return
            self._waiting = Waiting()
            try:
                for call in calls:
                    proceed(driver, call)
            except Exception:
                _log.exception("offers could not be revived")

    def close(self) -> None:
        """Forget what waits; from now on every call passes."""
        with self._lock:
            self._closed = True
            self._waiting = Waiting()
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def __enter__(self) -> ReviveLimiter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
