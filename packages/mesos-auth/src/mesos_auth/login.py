"""Authentication with one master, attempt after attempt, until it is decided: a pure session.

Each attempt is a new Authenticatee with a libprocess process of its own, so that what an earlier one's peer
still sends cannot disturb it. As in the real driver, an attempt that times out is followed by the next at
once, with a wider range for its limit. One that fails earlier (the real driver would go round at full speed)
is followed by the next after a random wait that doubles. A refusal is final.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from mesos_auth._exchange import Begin, Cancelled, Done, Received, Send, TimedOut
from mesos_auth.attempts import AttemptTimeouts
from mesos_auth.authenticatee import Authenticatee
from mesos_auth.credential import Credential
from mesos_auth.errors import (
    AuthenticationCancelledError,
    AuthenticationError,
    AuthenticationRefusedError,
    AuthenticationTimeoutError,
)
from mesos_auth.mechanism import MECHANISMS, Mechanisms


@dataclass(frozen=True, slots=True)
class AttemptReceived:
    """Event: a message for the process of an attempt."""

    attempt: int
    received: Received


@dataclass(frozen=True, slots=True)
class AttemptTimer:
    """Event: the timer set for an attempt has run out."""

    attempt: int


@dataclass(frozen=True, slots=True)
class OpenAttempt:
    """Command: start the libprocess process of an attempt; that of the one before is of no more use."""

    attempt: int


@dataclass(frozen=True, slots=True)
class SetAttemptTimer:
    """Command: (re)start the one timer; its end is AttemptTimer with this attempt."""

    attempt: int
    seconds: float


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """Command: say that an attempt has failed and another will follow."""

    attempt: int
    error: AuthenticationError


LoginEvent: TypeAlias = Begin | Cancelled | AttemptReceived | AttemptTimer
LoginCommand: TypeAlias = OpenAttempt | SetAttemptTimer | AttemptFailed | Send | Done


class Login:
    """Decides when to try, and when it is decided. `chance` arguments are random numbers in [0, 1)."""

    def __init__(
        self,
        credential: Credential,
        client_upid: str,
        master_upid: str,
        *,
        timeouts: AttemptTimeouts | None = None,
        max_attempts: int | None = None,
        mechanisms: Mechanisms = MECHANISMS,
    ) -> None:
        self._credential = credential
        self._client = client_upid
        self._master = master_upid
        self._timeouts = timeouts or AttemptTimeouts()
        self._max_attempts = max_attempts
        self._mechanisms = mechanisms
        self._attempt = -1
        self._authenticatee: Authenticatee | None = None
        self._done = False

    def handle(self, event: LoginEvent, chance: float) -> list[LoginCommand]:
        """Take an event, return what is to be done; the last command of all is the only Done."""
        if self._done:
            return []
        if isinstance(event, Begin):
            return self._next(chance) if self._attempt < 0 else []
        if isinstance(event, Cancelled):
            return self._finish(Done(None, AuthenticationCancelledError("cancelled")))
        if event.attempt != self._attempt:
            return []
        if isinstance(event, AttemptReceived):
            return self._feed(event.received, chance)
        if self._authenticatee is None:
            return self._next(chance)
        return self._feed(TimedOut(), chance)

    def _next(self, chance: float) -> list[LoginCommand]:
        self._attempt += 1
        self._authenticatee = Authenticatee(
            self._credential, self._client, self._master, mechanisms=self._mechanisms
        )
        return [
            OpenAttempt(self._attempt),
            SetAttemptTimer(self._attempt, self._timeouts.limit(self._attempt, chance)),
            *self._feed(Begin(), chance),
        ]

    def _feed(self, event: Begin | Received | TimedOut, chance: float) -> list[LoginCommand]:
        if self._authenticatee is None:
            return []
        commands: list[LoginCommand] = []
        for command in self._authenticatee.handle(event):
            if isinstance(command, Send):
                commands.append(command)
            elif isinstance(command, Done):
                commands += self._decide(command, chance)
        return commands

    def _decide(self, done: Done, chance: float) -> list[LoginCommand]:
        error = done.error
        self._authenticatee = None
        last = self._max_attempts is not None and self._attempt + 1 >= self._max_attempts
        if error is None or isinstance(error, AuthenticationRefusedError) or last:
            return self._finish(done)
        failed = AttemptFailed(self._attempt, error)
        if isinstance(error, AuthenticationTimeoutError):
            return [failed, *self._next(chance)]
        longest = min(self._timeouts.backoff_factor * 2.0 ** min(self._attempt, 60), self._timeouts.maximum)
        return [failed, SetAttemptTimer(self._attempt, longest * chance)]

    def _finish(self, done: Done) -> list[LoginCommand]:
        self._done = True
        self._authenticatee = None
        return [done]
