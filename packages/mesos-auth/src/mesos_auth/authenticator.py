"""The server's side of one authentication: a pure session.

The order is that of src/authentication/cram_md5/authenticator.cpp. The session answers the address that
asked, hears nobody else, and ends at the first message out of order. It ends without a word when the time
is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto

from mesos_proto.v0 import authentication_pb2

from mesos_auth._exchange import (
    Begin,
    Cancelled,
    Command,
    Done,
    Event,
    Link,
    PeerLost,
    Received,
    Send,
    TimedOut,
)
from mesos_auth.errors import (
    AuthenticationCancelledError,
    AuthenticationError,
    AuthenticationFailedError,
    AuthenticationRefusedError,
    AuthenticationTimeoutError,
    MechanismError,
)
from mesos_auth.mechanism import MECHANISMS, Mechanisms, ServerMechanism


class AuthenticatorState(Enum):
    """Where an exchange stands, seen from the server."""

    READY = auto()
    STARTING = auto()
    STEPPING = auto()
    COMPLETED = auto()
    ENDED = auto()


class AuthenticatorSession:
    """Judges one attempt of the authenticatee at `peer`. It is used once.

    `secrets` maps principals to secrets; `challenge` must be fresh and unpredictable
    (`mesos_auth.cram_md5.make_challenge`).
    """

    def __init__(
        self,
        secrets: Mapping[str, str],
        peer: str,
        challenge: bytes,
        *,
        mechanisms: Mechanisms = MECHANISMS,
    ) -> None:
        self._secrets = secrets
        self._peer = peer
        self._challenge = challenge
        self._mechanisms = mechanisms
        self._mechanism: ServerMechanism | None = None
        self._state = AuthenticatorState.READY
        self.ignored = 0

    def __repr__(self) -> str:
        return f"<AuthenticatorSession with {self._peer}: {self._state.name}>"

    @property
    def state(self) -> AuthenticatorState:
        """Where the exchange stands."""
        return self._state

    def handle(self, event: Event) -> list[Command]:
        """Take an event, return what is to be done; the last command of an exchange is its only Done."""
        if self._state in (AuthenticatorState.COMPLETED, AuthenticatorState.ENDED):
            return []
        if isinstance(event, Begin):
            return self._begin()
        if isinstance(event, TimedOut):
            return self._end(AuthenticationTimeoutError(f"{self._peer} did not finish in time"))
        if isinstance(event, PeerLost):
            return self._end(AuthenticationFailedError(f"the connection to {self._peer} is lost"))
        if isinstance(event, Cancelled):
            return self._end(AuthenticationCancelledError(f"{self._peer} began anew, or has left"))
        return self._received(event)

    def _begin(self) -> list[Command]:
        if self._state is not AuthenticatorState.READY:
            return []
        self._state = AuthenticatorState.STARTING
        offer = authentication_pb2.AuthenticationMechanismsMessage(mechanisms=self._mechanisms.servers)
        return [Link(self._peer), Send(self._peer, offer)]

    def _received(self, event: Received) -> list[Command]:
        if event.sender != self._peer or self._state is AuthenticatorState.READY:
            self.ignored += 1
            return []
        message = event.message
        try:
            if isinstance(message, authentication_pb2.AuthenticationStartMessage):
                return self._start(message.mechanism, message.data)
            if isinstance(message, authentication_pb2.AuthenticationStepMessage):
                return self._step(message.data)
        except MechanismError as error:
            return self._report(str(error))
        self.ignored += 1
        return []

    def _start(self, name: str, data: bytes) -> list[Command]:
        if self._state is not AuthenticatorState.STARTING:
            return self._report("Unexpected authentication 'start' received")
        self._mechanism = self._mechanisms.server(name, self._secrets, self._challenge)
        challenge = self._mechanism.start(data)
        self._state = AuthenticatorState.STEPPING
        return [Send(self._peer, authentication_pb2.AuthenticationStepMessage(data=challenge))]

    def _step(self, data: bytes) -> list[Command]:
        if self._state is not AuthenticatorState.STEPPING or self._mechanism is None:
            return self._report("Unexpected authentication 'step' received")
        principal = self._mechanism.step(data)
        if principal is None:
            refusal = AuthenticationRefusedError(f"{self._peer} gave an unknown principal or a wrong secret")
            return [
                Send(self._peer, authentication_pb2.AuthenticationFailedMessage()),
                *self._end(refusal),
            ]
        self._state = AuthenticatorState.COMPLETED
        return [Send(self._peer, authentication_pb2.AuthenticationCompletedMessage()), Done(principal)]

    def _report(self, text: str) -> list[Command]:
        error = AuthenticationFailedError(f"{self._peer}: {text}")
        return [
            Send(self._peer, authentication_pb2.AuthenticationErrorMessage(error=text)),
            *self._end(error),
        ]

    def _end(self, error: AuthenticationError) -> list[Command]:
        self._state = AuthenticatorState.ENDED
        return [Done(None, error)]
