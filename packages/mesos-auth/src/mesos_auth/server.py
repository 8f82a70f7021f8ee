"""Let others authenticate over libprocess: what a master runs, at its endpoint."""

from __future__ import annotations

import itertools
import logging
import secrets
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from google.protobuf.message import Message
from mesos_messenger import UPID, Endpoint, Messenger, MessengerError, TimerHandle
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
from mesos_auth._limit import RateLimit
from mesos_auth.authenticator import AuthenticatorSession
from mesos_auth.cram_md5 import make_challenge
from mesos_auth.credential import Credential
from mesos_auth.errors import AuthenticationError, AuthError
from mesos_auth.mechanism import MECHANISMS, Mechanisms

log = logging.getLogger("mesos.auth")

_REMEMBERED = 100_000
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class AuthenticationResult:
    """What came of an attempt of the process at `pid`: the principal it proved, or None and why."""

    pid: str
    principal: str | None
    error: AuthenticationError | None


class Authenticator:
    """Judges all who want to authenticate, one exchange at a time for each client address.

    `credentials` are those it accepts (none: all are refused, as a real master does). An exchange that
    does not end in `timeout` seconds is dropped without a word. At most `max_sessions` run at once; beyond
    that the newcomers are sent an error. `on_result` is called on the endpoint's thread. Use it on that
    thread, but for the constructor and `stop`.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: Iterable[Credential] = (),
        *,
        timeout: float = 15.0,
        max_sessions: int = 1000,
        mechanisms: Mechanisms = MECHANISMS,
        on_result: Callable[[AuthenticationResult], None] | None = None,
    ) -> None:
        if timeout <= 0 or max_sessions < 1:
            raise AuthError("timeout must be more than 0 seconds, max_sessions at least 1")
        self._endpoint = endpoint
        self._secrets = {credential.principal: credential.secret for credential in credentials}
        self._timeout = timeout
        self._max_sessions = max_sessions
        self._mechanisms = mechanisms
        self._on_result = on_result
        self._sessions: dict[str, _Running] = {}
        self._principals: OrderedDict[str, str] = OrderedDict()
        self._complaints = RateLimit(burst=10, interval=6.0)
        self._host = socket.gethostname()
        self._stopped = False
        self.failures = 0

    def __repr__(self) -> str:
        return f"<Authenticator: {len(self._secrets)} principals, {len(self._sessions)} sessions>"

    def install(self, messenger: Messenger) -> None:
        """Take the AuthenticateMessages that come to this process, which is the master's."""

        def asked(sender: UPID, message: authentication_pb2.AuthenticateMessage) -> None:
            self.authenticate(messenger, sender, message.pid)

        messenger.install(authentication_pb2.AuthenticateMessage, asked)

    def authenticate(self, messenger: Messenger, sender: UPID, pid: str) -> None:
        """Begin an exchange with `sender`, who asks for the client at `pid`; replaces one that runs."""
        if self._stopped or not sender:
            return
        # A pid that is not UTF-8 comes as bytes: proto2 lets it pass.
        upid = UPID.parse(pid, resolve=False) if isinstance(pid, str) else UPID()
        client = str(upid)
        self.forget(client)
        problem = ""
        if not upid:
            problem = "pid is no libprocess address"
        elif len(self._sessions) >= self._max_sessions:
            problem = "too many authentications at once"
        if problem:
            self._report(AuthenticationResult(client, None, AuthenticationError(f"{sender}: {problem}")))
            _send(messenger, str(sender), authentication_pb2.AuthenticationErrorMessage(error=problem))
            return
        challenge = make_challenge(secrets.randbits(64), time.time(), self._host)
        session = AuthenticatorSession(self._secrets, str(sender), challenge, mechanisms=self._mechanisms)
        running = _Running(self._endpoint, session, lambda done: self._done(client, running, done))
        self._sessions[client] = running
        running.begin(self._timeout)

    def principal(self, pid: str) -> str | None:
        """Return the principal that the client at this address has proved, None if none."""
        return self._principals.get(pid)

    def authenticating(self, pid: str) -> bool:
        """Tell whether an exchange for this client is under way."""
        return pid in self._sessions

    def forget(self, pid: str) -> None:
        """Forget what a client has proved, and drop its exchange: it has left, or begins anew."""
        self._principals.pop(pid, None)
        running = self._sessions.get(pid)
        if running is not None:
            running.feed(Cancelled())

    def stop(self) -> None:
        """Drop all exchanges and forget everybody; from any thread."""
        self._stopped = True
        if self._endpoint.running:
            try:
                self._endpoint.run(self._clear)
            except MessengerError:
                log.debug("The endpoint has stopped, and every exchange with it")

    def _clear(self) -> None:
        for pid in list(self._sessions):
            self.forget(pid)
        self._principals.clear()

    def _done(self, pid: str, running: _Running, done: Done) -> None:
        if self._sessions.get(pid) is running:
            del self._sessions[pid]
        if done.principal is not None:
            self._principals[pid] = done.principal
            self._principals.move_to_end(pid)
            if len(self._principals) > _REMEMBERED:
                self._principals.popitem(last=False)
        self._report(AuthenticationResult(pid, done.principal, done.error))

    def _report(self, result: AuthenticationResult) -> None:
        if result.error is None:
            log.info("%s has authenticated as %r", result.pid, result.principal)
        else:
            self.failures += 1
            held_back = self._complaints.allow(time.monotonic())
            if held_back is not None:
                more = f" ({held_back} more not logged)" if held_back else ""
                log.warning("%s has not authenticated: %s%s", result.pid, result.error, more)
        if self._on_result is not None:
            self._on_result(result)


class _Running:
    """One exchange: a session, the libprocess process it speaks from, its timer."""

    def __init__(
        self, endpoint: Endpoint, session: AuthenticatorSession, done: Callable[[Done], None]
    ) -> None:
        self._endpoint = endpoint
        self._session = session
        self._done = done
        self._process = Messenger(f"crammd5-authenticator-session({next(_numbers)})", endpoint=endpoint)
        self._timer: TimerHandle | None = None

    def begin(self, timeout: float) -> None:
        """Offer the mechanisms."""

        def received(sender: UPID, message: Message) -> None:
            self.feed(Received(str(sender) if sender else "", message))

        self._process.install(authentication_pb2.AuthenticationStartMessage, received)
        self._process.install(authentication_pb2.AuthenticationStepMessage, received)
        self._process.start()
        self._timer = self._endpoint.call_later(timeout, self.feed, TimedOut())
        self.feed(Begin())

    def feed(self, event: Event) -> None:
        """Take an event."""
        for command in self._session.handle(event):
            self._perform(command)

    def _perform(self, command: Command) -> None:
        if isinstance(command, Send):
            _send(self._process, command.to, command.message)
        elif isinstance(command, Link):
            upid = UPID.parse(command.to, resolve=False)
            self._process.link(upid, lambda _: self.feed(PeerLost()))
        else:
            if self._timer is not None:
                self._timer.cancel()
            self._process.stop()
            self._done(command)


def _send(messenger: Messenger, to: str, message: Message) -> None:
    try:
        messenger.send(UPID.parse(to, resolve=False), message)
    except MessengerError as error:
        log.debug("A message to %s was not sent: %s", to, error)  # The exchange's time limit sees to it.
