"""How often and how long to try: the real driver's backoff between attempts (src/sched/sched.cpp)."""

from __future__ import annotations

from dataclasses import dataclass

from mesos_auth.errors import AuthError


@dataclass(frozen=True, slots=True)
class AttemptTimeouts:
    """The range from which the time limit of an attempt is drawn, in seconds; it widens with each attempt.

    It starts as [minimum, minimum + 2 * backoff_factor] and its width doubles, up to `maximum`. The
    defaults are those of the flags authentication_timeout_min, authentication_timeout_max and
    authentication_backoff_factor.
    """

    minimum: float = 5.0
    maximum: float = 60.0
    backoff_factor: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.minimum <= self.maximum or self.backoff_factor < 0:
            raise AuthError(
                "authentication timeouts must satisfy 0 < minimum <= maximum, 0 <= backoff_factor"
            )

    def upper(self, attempt: int) -> float:
        """Return the longest limit of an attempt; the first is number 0."""
        width = 2 * self.backoff_factor * 2.0 ** min(attempt, 60)
        return min(self.minimum + width, self.maximum)

    def limit(self, attempt: int, chance: float) -> float:
        """Return the limit of an attempt; `chance` is a random number in [0, 1)."""
        return self.minimum + (self.upper(attempt) - self.minimum) * chance
