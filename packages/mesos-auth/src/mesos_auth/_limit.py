"""A bound on how often something is said."""

from __future__ import annotations


class RateLimit:
    """Allows `burst` events, and one more each `interval` seconds; counts those it holds back."""

    def __init__(self, *, burst: int, interval: float) -> None:
        self._burst = float(burst)
        self._interval = interval
        self._left = float(burst)
        self._last: float | None = None
        self._held_back = 0

    def allow(self, now: float) -> int | None:
        """Return None to hold this event back, else how many were held back before it."""
        if self._last is not None:
            self._left = min(self._burst, self._left + max(0.0, now - self._last) / self._interval)
        self._last = now
        if self._left < 1:
            self._held_back += 1
            return None
        self._left -= 1
        held_back, self._held_back = self._held_back, 0
        return held_back
