"""The client's side of one authentication: a pure session.

The order is that of src/authentication/cram_md5/authenticatee.cpp: AuthenticateMessage to the master, its
session's list of mechanisms, our start, its challenge, our response, its verdict. Success is the master's
AuthenticationCompleted after our response, nothing less. Every message must come from the master's address,
and all after the first from the session that sent the first; what comes from elsewhere is counted and
ignored. A message out of order ends the exchange.
"""

from __future__ import annotations

from enum import Enum, auto

from google.protobuf.message import Message
from mesos_proto.v0 import authentication_pb2

from mesos_auth._exchange import Begin, Cancelled, Command, Done, Event, PeerLost, Received, Send, TimedOut
from mesos_auth.credential import Credential
from mesos_auth.errors import (
    AuthenticationCancelledError,
    AuthenticationError,
    AuthenticationFailedError,
    AuthenticationRefusedError,
    AuthenticationTimeoutError,
    MechanismError,
)
from mesos_auth.mechanism import MECHANISMS, ClientMechanism, Mechanisms

_MAX_TEXT = 200


class AuthenticateeState(Enum):
    """Where an exchange stands, seen from the client."""

    READY = auto()
    STARTING = auto()
    STEPPING = auto()
    ANSWERED = auto()
    COMPLETED = auto()
    ENDED = auto()


class Authenticatee:
    """One attempt to prove a credential to a master. It is used once."""

    def __init__(
        self,
        credential: Credential,
        client_upid: str,
        master_upid: str,
        *,
        mechanisms: Mechanisms = MECHANISMS,
    ) -> None:
        self._credential = credential
        self._client = client_upid
        self._master = master_upid
        self._mechanisms = mechanisms
        self._mechanism: ClientMechanism | None = None
        self._session: str | None = None
        self._state = AuthenticateeState.READY
        self.ignored = 0
        self._stranger = ""

    def __repr__(self) -> str:
        return f"<Authenticatee of {self._client} with {self._master}: {self._state.name}>"

    @property
    def state(self) -> AuthenticateeState:
        """Where the exchange stands."""
        return self._state

    def handle(self, event: Event) -> list[Command]:
        """Take an event, return what is to be done; the last command of an exchange is its only Done."""
        if self._state in (AuthenticateeState.COMPLETED, AuthenticateeState.ENDED):
            return []
        if isinstance(event, Begin):
            return self._begin()
        if isinstance(event, TimedOut):
            return self._end(
                AuthenticationTimeoutError(f"{self._master} did not finish in time{self._hint()}")
            )
        if isinstance(event, Cancelled):
            return self._end(AuthenticationCancelledError("cancelled"))
        if isinstance(event, PeerLost):
            return self._end(AuthenticationFailedError(f"the connection to {self._master} is lost"))
        return self._received(event)

    def _begin(self) -> list[Command]:
        if self._state is not AuthenticateeState.READY:
            return []
        self._state = AuthenticateeState.STARTING
        return [Send(self._master, authentication_pb2.AuthenticateMessage(pid=self._client))]

    def _received(self, event: Received) -> list[Command]:
        known = self._session is None or event.sender == self._session
        if self._state is AuthenticateeState.READY or not known or not self._is_of_master(event.sender):
            self.ignored += 1
            self._stranger = event.sender
            return []
        message = event.message
        if isinstance(message, authentication_pb2.AuthenticationMechanismsMessage):
            return self._mechanisms_offered(event.sender, list(message.mechanisms))
        if isinstance(message, authentication_pb2.AuthenticationStepMessage):
            return self._step(message.data)
        if isinstance(message, authentication_pb2.AuthenticationCompletedMessage):
            return self._completed()
        if isinstance(message, authentication_pb2.AuthenticationFailedMessage):
            return self._refused()
        if isinstance(message, authentication_pb2.AuthenticationErrorMessage):
            text = _printable(message.error)
            return self._end(AuthenticationFailedError(f"{self._master} reports: {text}"))
        return self._unexpected(message)

    def _mechanisms_offered(self, sender: str, offered: list[str]) -> list[Command]:
        if self._state is not AuthenticateeState.STARTING:
            return self._unexpected(authentication_pb2.AuthenticationMechanismsMessage())
        name = self._mechanisms.choose(offered)
        if name is None:
            shown = ", ".join(_printable(name) for name in offered[:10]) or "none"
            wanted = ", ".join(self._mechanisms.clients)
            return self._end(
                AuthenticationFailedError(f"{self._master} offers the mechanisms {shown}; we know {wanted}")
            )
        try:
            self._mechanism = self._mechanisms.client(name, self._credential)
            data = self._mechanism.start()
        except MechanismError as error:
            return self._end(AuthenticationFailedError(str(error)))
        self._session = sender
        self._state = AuthenticateeState.STEPPING
        start = authentication_pb2.AuthenticationStartMessage(mechanism=name)
        if data:
            start.data = data
        return [Send(sender, start)]

    def _step(self, challenge: bytes) -> list[Command]:
        if self._state not in (AuthenticateeState.STEPPING, AuthenticateeState.ANSWERED):
            return self._unexpected(authentication_pb2.AuthenticationStepMessage())
        assert self._mechanism is not None and self._session is not None
        try:
            response = self._mechanism.step(challenge)
        except MechanismError as error:
            return self._end(AuthenticationFailedError(str(error)))
        self._state = AuthenticateeState.ANSWERED
        return [Send(self._session, authentication_pb2.AuthenticationStepMessage(data=response))]

    def _completed(self) -> list[Command]:
        if self._state is not AuthenticateeState.ANSWERED:
            return self._unexpected(authentication_pb2.AuthenticationCompletedMessage())
        self._forget()
        self._state = AuthenticateeState.COMPLETED
        return [Done(self._credential.principal)]

    def _refused(self) -> list[Command]:
        if self._state is AuthenticateeState.STARTING:
            return self._unexpected(authentication_pb2.AuthenticationFailedMessage())
        text = f"{self._master} refused the principal {self._credential.principal!r} or its secret"
        return self._end(AuthenticationRefusedError(text))

    def _unexpected(self, message: Message) -> list[Command]:
        name = message.DESCRIPTOR.name
        return self._end(
            AuthenticationFailedError(f"{self._master} sent {name} out of order ({self._state.name})")
        )

    def _end(self, error: AuthenticationError) -> list[Command]:
        self._forget()
        self._state = AuthenticateeState.ENDED
        return [Done(None, error)]

    def _hint(self) -> str:
        """Say what was ignored, which shows a master that calls itself by another address."""
        if not self.ignored:
            return ""
        return (
            f"; ignored {self.ignored} messages from elsewhere, the last from {_printable(self._stranger)!r}"
        )

    def _forget(self) -> None:
        if self._mechanism is not None:
            self._mechanism.dispose()
            self._mechanism = None

    def _is_of_master(self, sender: str) -> bool:
        """Whether a sender lives at the master's address: its sessions are processes of the same server."""
        return "@" in sender and sender.partition("@")[2] == self._master.partition("@")[2]


def _printable(given: str | bytes) -> str:
    # Text that is not UTF-8 comes as bytes: proto2 lets it pass.
    text = given.decode("utf-8", "replace") if isinstance(given, bytes) else given
    shown = "".join(character if character.isprintable() else "?" for character in text[:_MAX_TEXT])
    return shown + ("…" if len(text) > _MAX_TEXT else "")
