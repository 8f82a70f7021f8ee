"""Attempts to authenticate, one at a time, reported to the session.

Each attempt is a libprocess process of its own at the driver's endpoint, so that what the peer of an
earlier one still sends cannot disturb it. When to try again is the session's business.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable

from google.protobuf.message import Message
from mesos_auth import (
    Authenticatee,
    AuthenticationError,
    AuthenticationRefusedError,
    Begin,
    Credential,
    Done,
    Link,
    Received,
    Send,
)
from mesos_messenger import UPID, Messenger
from mesos_proto.v0 import authentication_pb2

from .commands import AuthenticationSettled, Verdict

_log = logging.getLogger("mesos.scheduler")
_numbers = itertools.count(1)

_MESSAGES: tuple[type[Message], ...] = (
    authentication_pb2.AuthenticationMechanismsMessage,
    authentication_pb2.AuthenticationStepMessage,
    authentication_pb2.AuthenticationCompletedMessage,
    authentication_pb2.AuthenticationFailedMessage,
    authentication_pb2.AuthenticationErrorMessage,
)


class Authentication:
    """Authenticates the messenger's process with masters. To be used on the loop's thread alone."""

    def __init__(
        self,
        messenger: Messenger,
        credential: Credential,
        settled: Callable[[AuthenticationSettled], None],
    ) -> None:
        self._messenger = messenger
        self._credential = credential
        self._settled = settled
        self._process: Messenger | None = None

    def begin(self, master: UPID, attempt: int) -> None:
        """Begin an attempt, in place of one that runs."""
        self.cancel()
        process = Messenger(f"crammd5-authenticatee({next(_numbers)})", endpoint=self._messenger.endpoint)
        authenticatee = Authenticatee(self._credential, str(self._messenger.upid), str(master))

        def perform(event: Begin | Received) -> None:
            for command in authenticatee.handle(event):
                if isinstance(command, Send):
                    process.send(UPID.parse(command.to, resolve=False), command.message)
                elif isinstance(command, Done):
                    self._end(attempt, command.error)
                else:
                    assert isinstance(command, Link)  # Only servers link.

        for kind in _MESSAGES:
            process.install(kind, lambda sender, message: perform(Received(str(sender), message)))
        process.start()
        self._process = process
        perform(Begin())

    def cancel(self) -> None:
        """Give up on the attempt running; nothing more is heard of it."""
        process, self._process = self._process, None
        if process is not None:
            process.stop()

    def _end(self, attempt: int, error: AuthenticationError | None) -> None:
        self.cancel()
        if error is None:
            self._settled(AuthenticationSettled(attempt, Verdict.ACCEPTED))
        elif isinstance(error, AuthenticationRefusedError):
            self._settled(AuthenticationSettled(attempt, Verdict.REFUSED, str(error)))
        else:
            self._settled(AuthenticationSettled(attempt, Verdict.FAILED, str(error)))
