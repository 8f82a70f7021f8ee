"""Performs the commands of a v1 session: threads, timers, connections.

The session is entered under one lock by whoever has news: the thread that reads the stream, the one that
sends calls, the one of the timers, or a thread of the user. Nothing waits under that lock.

What is delivered and not yet handled is counted in bytes; beyond a limit the stream is not read until half of
it is handled. Messages that wait to be sent are counted as well; who sends more has to wait.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from mesos_http import Transport

from .. import commands as v0
from .. import events
from .._shell import CLOSE_TIMEOUT, random_uuid
from .._watchdog import start_watchdog
from ..status import Status
from . import commands
from ._backlog import Backlog
from ._link import Link, Sender
from ._place import Place
from ._timers import Timers
from .client import Client
from .commands import SessionEvent
from .session import HttpExecutorSession

_log = logging.getLogger("mesos.executor")


class Shell:
    """Runs one session. `deliver` takes each event for the user, `ended` the final status and what ended it,
    after which nothing more is delivered; both are called under the shell's lock and must not block."""

    def __init__(
        self,
        place: Place[Transport],
        deliver: Callable[[events.Event], None],
        ended: Callable[[Status, str | None], None],
        closed: Callable[[], None],
    ) -> None:
        self.session = HttpExecutorSession(place.environment, random_uuid, place.options)
        self._place = place
        self._deliver = deliver
        self._ended = ended
        self._closed = closed
        self._lock = threading.RLock()  # a signal handler may interrupt its own thread here
        self._room = threading.Condition(self._lock)
        self._backlog = Backlog(
            place.options.backlog_limit, lambda congested: self.post(commands.Congested(congested))
        )
        self._timers = Timers()
        self._sender = Sender(self.post)
        self._links: list[Link] = []
        self._performers: dict[type, Callable[[Any], None]] = {
            commands.SendCall: lambda c: self._sender.send(self._links[-1], c),
            v0.Invoke: self._invoke,
            commands.StartTimer: lambda c: self._timers.call_later(c.seconds, lambda: self.post(c.fired)),
            commands.OpenStream: self._open,
            commands.CloseStream: lambda c: self._links[-1].close(),
            v0.StartWatchdog: lambda c: start_watchdog(c.seconds),
            v0.Ended: self._end,
            v0.Close: lambda c: self._begin_close(),
        }

    @property
    def status(self) -> Status:
        """The driver's status."""
        return self.session.status

    def start(self) -> None:
        """Subscribe; a second call does nothing."""
        with self._lock:
            if self.status is Status.NOT_STARTED:
                self._timers.start()
                self._sender.start()
                self._handle(v0.Start())

    def handle(self, event: v0.UserCall, /) -> Status:
        """Do what the user wants; return the driver's status after it. Who sends too much has to wait."""
        if isinstance(event, v0.SendFrameworkMessage):
            with self._room:
                self._room.wait_for(lambda: self.session.queued < self._place.options.queue_limit)
        return self._handle(event)

    def _handle(self, event: SessionEvent) -> Status:
        with self._room:
            for command in self.session.handle(event, time.time()):
                self._performers[type(command)](command)
            self._room.notify_all()
            return self.session.status

    def post(self, event: SessionEvent, /) -> None:
        """Give the session an event, on a thread that must go on: a fault of ours ends the driver."""
        try:
            self._handle(event)
        except Exception:
            _log.exception("the driver fails")
            self._handle(v0.End(Status.ABORTED))

    def handled(self, event: events.Event, /) -> None:
        """Take note that the user has handled an event."""
        with self._lock:
            self._backlog.handled(event)
        if isinstance(event, events.Shutdown):
            self._handle(v0.ShutdownReturned())

    def _invoke(self, command: v0.Invoke) -> None:
        self._deliver(command.event)
        self._backlog.add(command.event)

    def _wait_room(self, link: Link) -> None:
        with self._room:
            self._room.wait_for(lambda: not self._backlog.congested or link.closed)

    # Connections.

    def _make_client(self) -> Client:
        place = self._place
        return Client(
            place.environment.url,
            codec=place.codec,
            auth=place.auth,
            transport=place.transport(),
            settings=place.settings,
        )

    def _open(self, command: commands.OpenStream) -> None:
        self._links = [link for link in self._links if link.alive]
        self._links.append(Link(command, self._make_client, self.post, self._wait_room))

    # The end.

    def _end(self, command: v0.Ended) -> None:
        self._ended(command.status, command.reason)
        self._backlog.clear()  # for the acknowledgements that are still due

    def _begin_close(self) -> None:
        # Not a daemon: the process must not exit before the last updates have left.
        threading.Thread(target=self._close, name="mesos-executor-close").start()

    def _close(self) -> None:
        try:
            for link in self._links:
                link.close()
            self._sender.finish(CLOSE_TIMEOUT)
            for link in self._links:
                link.join(CLOSE_TIMEOUT)
            self._timers.stop(CLOSE_TIMEOUT)
        finally:
            self._closed()
