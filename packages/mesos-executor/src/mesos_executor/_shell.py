"""Performs the commands of a session: sockets and timers through a messenger, ends through a short thread.

The session is entered under one lock by whoever has news: the messenger's loop thread, or a thread of the
user that sends an update. No command waits for anything, so neither ever holds the other up.
"""

from __future__ import annotations

import itertools
import logging
import os
import socket
import threading
import time
from collections.abc import Callable

from google.protobuf.message import Message
from mesos_messenger import UPID, Messenger
from mesos_proto.v0 import messages_pb2 as internal

from . import events
from ._watchdog import start_watchdog
from .commands import (
    Close,
    Command,
    Ended,
    Invoke,
    Link,
    LinkBroken,
    Received,
    Send,
    SessionEvent,
    Start,
    StartTimer,
    StartWatchdog,
)
from .environment import ExecutorEnvironment
from .session import ExecutorSession
from .status import Status

_log = logging.getLogger("mesos.executor")
_numbers = itertools.count(1)

CLOSE_TIMEOUT = 5.0
"""Seconds given to the bytes still queued at the end."""

_MESSAGES: tuple[type[Message], ...] = (
    internal.ExecutorRegisteredMessage,
    internal.ExecutorReregisteredMessage,
    internal.ReconnectExecutorMessage,
    internal.RunTaskMessage,
    internal.KillTaskMessage,
    internal.StatusUpdateAcknowledgementMessage,
    internal.FrameworkToExecutorMessage,
    internal.ShutdownExecutorMessage,
)


class Shell:
    """Runs one session. `deliver` takes each event for the user, `ended` the final status, after which
    nothing more is delivered; both are called under the shell's lock and must not block."""

    def __init__(
        self,
        environment: ExecutorEnvironment,
        deliver: Callable[[events.Event], None],
        ended: Callable[[Status], None],
        closed: Callable[[], None],
    ) -> None:
        self._environment = environment
        self._deliver = deliver
        self._ended = ended
        self._closed = closed
        self._lock = threading.RLock()
        self._messenger: Messenger | None = None
        self._session: ExecutorSession | None = None

    @property
    def status(self) -> Status:
        """The driver's status."""
        session = self._session
        return Status.NOT_STARTED if session is None else session.status

    def start(self) -> None:
        """Listen and register; a second call does nothing. Raises what the messenger does when it cannot."""
        with self._lock:
            if self._session is not None:
                return
            messenger = _make_messenger(self._environment)
            for kind in _MESSAGES:
                messenger.install(kind, self._received)
            messenger.start()
            self._messenger = messenger
            self._session = ExecutorSession(self._environment, messenger.upid, _random_uuid)
            self.handle(Start())

    def handle(self, event: SessionEvent) -> Status:
        """Give the session an event and perform what it says; return the driver's status after it."""
        with self._lock:
            if self._session is None:
                return Status.NOT_STARTED
            for command in self._session.handle(event, time.time()):
                self._perform(command)
            return self._session.status

    def _received(self, sender: UPID, message: Message) -> None:
        self.handle(Received(sender, message))

    def _perform(self, command: Command) -> None:
        assert self._messenger is not None
        if isinstance(command, Send):
            self._messenger.send(command.upid, command.message)
        elif isinstance(command, Invoke):
            self._deliver(command.event)
        elif isinstance(command, Link):
            number = command.number
            self._messenger.link(
                command.upid, lambda _: self._link_broken(number), reconnect=command.reconnect
            )
        elif isinstance(command, StartTimer):
            self._messenger.call_later(command.seconds, self._timer_fired, command)
        elif isinstance(command, StartWatchdog):
            start_watchdog(command.seconds)
        elif isinstance(command, Ended):
            self._ended(command.status)
        else:
            assert isinstance(command, Close)
            # Not a daemon: the process must not exit before the last updates have left.
            threading.Thread(target=self._close, name="mesos-executor-close").start()

    def _link_broken(self, number: int) -> None:
        self.handle(LinkBroken(number))

    def _timer_fired(self, timer: StartTimer) -> None:
        self.handle(timer.fired)

    def _close(self) -> None:
        assert self._messenger is not None
        try:
            self._messenger.stop(timeout=CLOSE_TIMEOUT)
        finally:
            self._closed()


def _make_messenger(environment: ExecutorEnvironment) -> Messenger:
    ip = environment.bind_ip
    advertise_ip = environment.advertise_ip
    if ip is None:
        # libprocess takes what the host's name resolves to; the way to the agent is the surer answer.
        ip = "0.0.0.0"
        advertise_ip = advertise_ip or _address_towards(environment.agent)
    return Messenger(
        f"executor({next(_numbers)})",
        bind=f"{ip}:{environment.bind_port}",
        advertise=None if advertise_ip is None else f"{advertise_ip}:{environment.advertise_port or 0}",
    )


def _address_towards(agent: UPID) -> str:
    """Return the local address that packets to the agent leave from; none is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((agent.ip, agent.port or 1))
        except OSError as error:
            _log.warning("no way to the agent at %s: %s", agent, error)
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _random_uuid() -> bytes:
    """Return the 16 bytes of a version 4 UUID; the `uuid` module would cost every start milliseconds."""
    raw = bytearray(os.urandom(16))
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    return bytes(raw)
