"""Authenticate over libprocess: carries out a Login's commands at an endpoint."""

from __future__ import annotations

import itertools
import logging
import random
import threading
from collections.abc import Callable

from google.protobuf.message import Message
from mesos_messenger import UPID, Endpoint, Messenger, MessengerError, TimerHandle
from mesos_proto.v0 import authentication_pb2

from mesos_auth._exchange import Begin, Cancelled, Done, Received, Send
from mesos_auth.attempts import AttemptTimeouts
from mesos_auth.credential import Credential
from mesos_auth.errors import (
    AuthenticationCancelledError,
    AuthenticationError,
    AuthenticationTimeoutError,
    AuthError,
)
from mesos_auth.login import (
    AttemptFailed,
    AttemptReceived,
    AttemptTimer,
    Login,
    LoginCommand,
    LoginEvent,
    OpenAttempt,
    SetAttemptTimer,
)
from mesos_auth.mechanism import MECHANISMS, Mechanisms

log = logging.getLogger("mesos.auth")

_MESSAGES: tuple[type[Message], ...] = (
    authentication_pb2.AuthenticationMechanismsMessage,
    authentication_pb2.AuthenticationStepMessage,
    authentication_pb2.AuthenticationCompletedMessage,
    authentication_pb2.AuthenticationFailedMessage,
    authentication_pb2.AuthenticationErrorMessage,
)
_numbers = itertools.count(1)


def authenticate(
    endpoint: Endpoint,
    master: UPID | str,
    client: UPID | str,
    credential: Credential,
    on_done: Callable[[AuthenticationError | None], None] | None = None,
    *,
    timeouts: AttemptTimeouts | None = None,
    max_attempts: int | None = None,
    mechanisms: Mechanisms = MECHANISMS,
) -> Authentication:
    """Prove to a master that the process `client` speaks for the credential's principal.

    It is tried again, as the real driver does, until it succeeds or is refused, or for `max_attempts`.
    `on_done(error)` is called once on the endpoint's thread: None is success, AuthenticationRefusedError
    final; not after `cancel`. When the master changes, cancel and begin anew with the other.
    """
    master_upid = master if isinstance(master, UPID) else UPID.parse(master)
    client_upid = client if isinstance(client, UPID) else UPID.parse(client)
    for name, upid, given in (("master", master_upid, master), ("client", client_upid, client)):
        if not upid:
            raise AuthError(f"{name} is no libprocess address (id@ip:port): {given!s:.100}")
    login = Login(
        credential,
        str(client_upid),
        str(master_upid),
        timeouts=timeouts,
        max_attempts=max_attempts,
        mechanisms=mechanisms,
    )
    authentication = Authentication(endpoint, str(master_upid), login, on_done)
    try:
        endpoint.call_soon(authentication.begin)
    except MessengerError as error:
        raise AuthError("the endpoint does not run; start it before authenticating") from error
    return authentication


class Authentication:
    """An authentication under way, made by `authenticate`."""

    def __init__(
        self,
        endpoint: Endpoint,
        master: str,
        login: Login,
        on_done: Callable[[AuthenticationError | None], None] | None,
    ) -> None:
        self._endpoint = endpoint
        self._master = master
        self._login = login
        self._on_done = on_done
        self._random = random.Random()
        self._process: Messenger | None = None
        self._timer: TimerHandle | None = None
        self._lock = threading.Lock()
        self._cancelled = False
        self._over = threading.Event()
        self._error: AuthenticationError | None = None

    def __repr__(self) -> str:
        return f"<Authentication with {self._master}>"

    def cancel(self) -> None:
        """Give up: `on_done` is not called any more (unless it is being called on the endpoint's thread)."""
        with self._lock:
            if self._cancelled or self._over.is_set():
                return
            self._cancelled = True
        self._error = AuthenticationCancelledError("cancelled")
        self._over.set()
        try:
            self._endpoint.call_soon(self._feed, Cancelled())
        except MessengerError:
            log.debug("The endpoint has stopped, and this authentication with it")

    def wait(self, timeout: float | None = None) -> None:
        """Wait for the outcome, on any thread but the endpoint's; raise the AuthenticationError if it is one.

        Raises AuthenticationTimeoutError when it is not over after `timeout` seconds; it goes on then.
        """
        if not self._over.wait(timeout):
            raise AuthenticationTimeoutError(f"authentication with {self._master} is not over yet")
        if self._error is not None:
            raise self._error

    def begin(self) -> None:
        """Begin, on the endpoint's thread (called by `authenticate`)."""
        self._feed(Begin())

    def _feed(self, event: LoginEvent) -> None:
        for command in self._login.handle(event, self._random.random()):
            self._perform(command)

    def _perform(self, command: LoginCommand) -> None:
        if isinstance(command, OpenAttempt):
            self._open(command.attempt)
        elif isinstance(command, SetAttemptTimer):
            self._cancel_timer()
            timer = AttemptTimer(command.attempt)
            self._timer = self._endpoint.call_later(command.seconds, self._feed, timer)
        elif isinstance(command, Send):
            self._send(command)
        elif isinstance(command, AttemptFailed):
            self._close()
            number = command.attempt + 1
            log.warning("Attempt %d to authenticate with %s failed: %s", number, self._master, command.error)
        else:
            self._finish(command)

    def _open(self, attempt: int) -> None:
        self._close()
        process = Messenger(f"crammd5-authenticatee({next(_numbers)})", endpoint=self._endpoint)

        def received(sender: UPID, message: Message) -> None:
            self._feed(AttemptReceived(attempt, Received(str(sender) if sender else "", message)))

        for kind in _MESSAGES:
            process.install(kind, received)
        process.start()
        self._process = process

    def _send(self, command: Send) -> None:
        assert self._process is not None
        try:
            self._process.send(UPID.parse(command.to, resolve=False), command.message)
        except MessengerError as error:
            log.debug(
                "A message to %s was not sent: %s", command.to, error
            )  # The attempt's limit sees to it.

    def _finish(self, done: Done) -> None:
        self._close()
        self._cancel_timer()
        with self._lock:
            if self._cancelled:
                return
            self._error = done.error
            self._over.set()
        if done.error is None:
            log.info("Authenticated with %s as %r", self._master, done.principal)
        else:
            log.warning("Authentication with %s has failed for good: %s", self._master, done.error)
        if self._on_done is not None:
            self._on_done(done.error)

    def _close(self) -> None:
        if self._process is not None:
            self._process.stop()
            self._process = None

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
