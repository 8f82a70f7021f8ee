"""Performs the commands of a session: sockets and timers through a messenger, ends through a short thread.

The session is entered under one lock by whoever has news: the messenger's loop thread, or a thread of the
user that sends an update. Nothing waits under that lock. Messages go out under another one, in the order the
session gave them: a thread of the user may have to wait there while too much is queued for the agent, the
loop's thread never does.

What is delivered and not yet handled is counted in bytes; beyond a limit the shell reads nothing more from
the agent until half of it is handled.
"""

from __future__ import annotations

import itertools
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable

from google.protobuf.message import Message
from mesos_messenger import UPID, Messenger, NotRunningError, Options, QueueFullError
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
    ShutdownReturned,
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

BACKLOG_LIMIT = 16 * 1024 * 1024
"""Bytes delivered and not yet handled, beyond which nothing more is read from the agent."""

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
        self._outgoing: deque[Send] = deque()
        self._sending = threading.Lock()
        self._sender: int | None = None
        self._backlog = 0
        self._paused: UPID | None = None
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
            self._session = ExecutorSession(self._environment, messenger.upid, random_uuid)
        self.handle(Start())

    def handle(self, event: SessionEvent) -> Status:
        """Give the session an event and perform what it says; return the driver's status after it."""
        with self._lock:
            if self._session is None:
                return Status.NOT_STARTED
            for command in self._session.handle(event, time.time()):
                self._perform(command)
            status = self._session.status
        self._send_outgoing()
        return status

    def handled(self, event: events.Event) -> None:
        """Take note that the user has handled an event."""
        with self._lock:
            self._backlog -= events.size(event)
            if self._backlog <= BACKLOG_LIMIT // 2:
                self._resume()
        if isinstance(event, events.Shutdown):
            self.handle(ShutdownReturned())

    def _received(self, sender: UPID, message: Message) -> None:
        self.handle(Received(sender, message))

    def _perform(self, command: Command) -> None:
        assert self._messenger is not None
        if isinstance(command, Send):
            self._outgoing.append(command)
        elif isinstance(command, Invoke):
            self._backlog += events.size(command.event)
            if self._backlog > BACKLOG_LIMIT and self._paused is None:
                assert self._session is not None
                self._paused = self._session.agent
                self._messenger.pause(self._paused)
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
            self._resume()  # for the acknowledgements that are still due
        else:
            assert isinstance(command, Close)
            # Not a daemon: the process must not exit before the last updates have left.
            threading.Thread(target=self._close, name="mesos-executor-close").start()

    def _send_outgoing(self) -> None:
        """Send what is queued, unless another thread is about to."""
        messenger = self._messenger
        me = threading.get_ident()
        while self._outgoing and messenger is not None and self._sender != me:
            # On the loop's thread waiting would stop everything; who holds the lock sends ours too.
            # So does our own thread when a signal has interrupted it there.
            if not self._sending.acquire(blocking=not messenger.on_loop()):
                return
            self._sender = me
            try:
                while self._outgoing:
                    send = self._outgoing.popleft()
                    try:
                        messenger.send(send.upid, send.message)
                    except (NotRunningError, QueueFullError) as error:
                        _log.warning("%s was not sent: %s", type(send.message).__name__, error)
            finally:
                self._sender = None
                self._sending.release()

    def _resume(self) -> None:
        if self._paused is not None:
            assert self._messenger is not None
            self._messenger.resume(self._paused)
            self._paused = None

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
    """Return the executor's messenger; what libprocess's variables leave open is settled by the way to the
    agent."""
    advertise_port = environment.advertise_port
    return Messenger(
        f"executor({next(_numbers)})",
        bind=f"{environment.bind_ip or ''}:{environment.bind_port}",
        advertise=f"{environment.advertise_ip or ''}{'' if advertise_port is None else f':{advertise_port}'}",
        towards=f"{environment.agent.ip}:{environment.agent.port}",
        options=Options(require_peer_address_ip_match=environment.require_peer_address_ip_match),
        tls=environment.tls,
        environ={},
    )


def random_uuid() -> bytes:
    """Return the 16 bytes of a version 4 UUID; the `uuid` module would cost every start milliseconds."""
    raw = bytearray(os.urandom(16))
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    return bytes(raw)
