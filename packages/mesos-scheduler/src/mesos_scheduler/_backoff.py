"""How long the driver waits between attempts; the same figures as in Mesos's own (sched/constants.hpp)."""

from __future__ import annotations

from collections.abc import Callable

REGISTRATION_INTERVAL_MAX = 60.0


class RegistrationBackoff:
    """Draws the delay before the next SUBSCRIBE: uniform below a bound that doubles.

    `failover_timeout` bounds the bound by a tenth of it, so that a framework is never lost to waiting.
    """

    def __init__(self, factor: float, uniform: Callable[[], float]) -> None:
        self._factor = factor
        self._uniform = uniform
        self._bound = factor

    def reset(self) -> None:
        """Begin anew, for another master."""
        self._bound = self._factor

    def next(self, failover_timeout: float) -> float:
        """Return the seconds to wait now."""
        bound = min(self._bound, REGISTRATION_INTERVAL_MAX)
        if failover_timeout > 0:
            bound = min(bound, failover_timeout / 10)
        self._bound = bound * 2
        return bound * self._uniform()


class AuthenticationWindow:
    """Draws the time limit of an authentication attempt: uniform in a window that doubles up to a maximum."""

    def __init__(self, factor: float, shortest: float, longest: float, uniform: Callable[[], float]) -> None:
        self._factor = factor
        self._shortest = shortest
        self._longest = max(longest, shortest)
        self._uniform = uniform
        self._width = 0.0
        self.reset()

    def reset(self) -> None:
        """Begin anew, for another master."""
        self._width = min(2 * self._factor, self._longest - self._shortest)

    def next(self) -> float:
        """Return the seconds that the attempt now beginning may take."""
        seconds = self._shortest + self._width * self._uniform()
        self._width = min(2 * self._width, self._longest - self._shortest)
        return seconds

    def pause(self) -> float:
        """Return the seconds to wait after an attempt that failed before its time."""
        return self._width * self._uniform()
