"""Helpers of the authentication tests: a network in memory with a clock moved by hand, waiting."""

from __future__ import annotations

import functools
import heapq
import itertools
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.message import Message
from mesos_auth import (
    AttemptFailed,
    AttemptReceived,
    AttemptTimeouts,
    AttemptTimer,
    AuthenticatorSession,
    Begin,
    Credential,
    Done,
    Login,
    OpenAttempt,
    Received,
    Send,
    SetAttemptTimer,
    TimedOut,
)
from mesos_auth.cram_md5 import make_challenge
from mesos_proto.v0 import authentication_pb2 as wire

DEADLINE = 30.0
MASTER = "master@10.0.0.1:5050"
CLIENT = "scheduler-1@10.0.0.2:4000"
SERVER_TIMEOUT = 15.0


def wait_for(condition: Callable[[], Any], timeout: float = DEADLINE) -> None:
    """Wait until something that gives no sign is so."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"not so after {timeout} s"
        time.sleep(0.005)


class Network:
    """A Login and a master's sessions, joined; `fate(n)` says how many copies of the n-th message arrive."""

    def __init__(
        self,
        credential: Credential,
        secrets: Mapping[str, str],
        fate: Callable[[int], int],
        *,
        seed: int = 0,
        timeouts: AttemptTimeouts | None = None,
        max_attempts: int | None = None,
    ) -> None:
        self.login = Login(credential, CLIENT, MASTER, timeouts=timeouts, max_attempts=max_attempts)
        self.secrets = secrets
        self.fate = fate
        self.random = random.Random(seed)
        self.now = 0.0
        self.sent = 0
        self.names: list[str] = []
        self.attempts = 0
        self.failures: list[AttemptFailed] = []
        self.done: Done | None = None
        self.principals: set[str] = set()
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._sessions: dict[str, AuthenticatorSession] = {}
        self._timer = 0
        self._session_numbers = itertools.count(1)

    def run(self, until: float) -> None:
        """Let everything happen that happens before a point in time."""
        self._at(0.0, lambda: self._client(self.login.handle(Begin(), self.random.random())))
        while self._queue and self._queue[0][0] <= until and self.done is None:
            self.now, _, call = heapq.heappop(self._queue)
            call()

    def _at(self, delay: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (self.now + delay, next(self._order), call))

    def _client(self, commands: list[Any]) -> None:
        for command in commands:
            if isinstance(command, OpenAttempt):
                self.attempts = command.attempt + 1
            elif isinstance(command, SetAttemptTimer):
                self._timer += 1
                self._at(command.seconds, functools.partial(self._fire, self._timer, command))
            elif isinstance(command, AttemptFailed):
                self.failures.append(command)
            elif isinstance(command, Send):
                self._carry(command.message, lambda message, to=command.to: self._to_master(to, message))  # type: ignore[misc]
            else:
                assert isinstance(command, Done) and self.done is None
                self.done = command

    def _fire(self, number: int, command: SetAttemptTimer) -> None:
        if number == self._timer:
            self._client(self.login.handle(AttemptTimer(command.attempt), self.random.random()))

    def _process(self, attempt: int) -> str:
        return f"crammd5-authenticatee({attempt + 1})@10.0.0.2:4000"

    def _carry(self, message: Message, deliver: Callable[[Message], None]) -> None:
        copies = self.fate(self.sent)
        self.sent += 1
        self.names.append(type(message).__name__)
        for copy in range(copies):
            self._at(0.001 * (copy + 1), lambda: deliver(message))

    def _to_master(self, to: str, message: Message) -> None:
        attempt = self.attempts - 1
        if isinstance(message, wire.AuthenticateMessage):
            name = f"crammd5-authenticator-session({next(self._session_numbers)})@10.0.0.1:5050"
            challenge = make_challenge(self.random.getrandbits(64), self.now, "master")
            session = AuthenticatorSession(self.secrets, self._process(attempt), challenge)
            # The master drops the session that runs for the same client.
            self._sessions = {name: session}
            self._server(name, attempt, session.handle(Begin()))
            self._at(SERVER_TIMEOUT, lambda: self._server(name, attempt, session.handle(TimedOut())))
        elif to in self._sessions:
            received = Received(self._process(attempt), message)
            self._server(to, attempt, self._sessions[to].handle(received))

    def _server(self, name: str, attempt: int, commands: list[Any]) -> None:
        for command in commands:
            if isinstance(command, Send):
                self._carry(command.message, lambda message: self._to_client(name, attempt, message))
            elif isinstance(command, Done) and command.principal is not None:
                self.principals.add(command.principal)

    def _to_client(self, name: str, attempt: int, message: Message) -> None:
        received = AttemptReceived(attempt, Received(name, message))
        self._client(self.login.handle(received, self.random.random()))
