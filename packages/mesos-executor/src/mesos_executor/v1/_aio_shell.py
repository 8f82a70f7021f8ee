"""Performs the commands of a v1 session on the event loop of the program.

The session is entered under a lock, by the loop or by a thread of the user; what it says is performed by the
loop alone, in the order in which it was said.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from mesos_http.aio import AsyncClient, AsyncTransport

from .. import commands as v0
from .. import events
from .._shell import CLOSE_TIMEOUT, random_uuid
from .._watchdog import start_watchdog
from ..status import Status
from . import commands
from ._aio_link import AsyncLink
from ._backlog import Backlog
from ._place import Place
from .commands import Command, SessionEvent, TimerKind
from .session import HttpExecutorSession

_log = logging.getLogger("mesos.executor")


class AsyncShell:
    """Runs one session. `deliver` takes each event for the user, `ended` the final status and what ended it,
    after which nothing more is delivered; `closed` is called when every socket is closed."""

    def __init__(
        self,
        place: Place[AsyncTransport],
        deliver: Callable[[events.Event], None],
        ended: Callable[[Status, str | None], None],
        closed: Callable[[], None],
    ) -> None:
        self.session = HttpExecutorSession(place.environment, random_uuid, place.options)
        self._place = place
        self._deliver = deliver
        self._ended = ended
        self._closed = closed
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: int | None = None
        self._lock = threading.RLock()  # a signal handler may interrupt its own thread here
        self._commands: deque[Command] = deque()
        self._backlog = Backlog(place.options.backlog_limit, self._set_congested)
        self._room = asyncio.Event()
        self._room.set()
        self._timers: dict[TimerKind, asyncio.TimerHandle] = {}
        self._link: AsyncLink | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._performers: dict[type, Callable[[Any], None]] = {
            commands.SendCall: self._send,
            v0.Invoke: self._invoke,
            commands.StartTimer: self._start_timer,
            commands.OpenStream: self._open,
            commands.CloseStream: lambda c: self._close_link(),
            v0.StartWatchdog: lambda c: start_watchdog(c.seconds),
            v0.Ended: self._end,
            v0.Close: lambda c: self._keep(self._close()),
        }

    @property
    def status(self) -> Status:
        """The driver's status."""
        return self.session.status

    def start(self) -> None:
        """Subscribe, on the running loop; a second call does nothing."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._thread = threading.get_ident()
            self.post(v0.Start())

    def handle(self, event: v0.UserCall, /) -> Status:
        """Do what the user wants; return the driver's status after it. What is too much is lost."""
        if (
            isinstance(event, v0.SendFrameworkMessage)
            and self.session.queued >= self._place.options.queue_limit
        ):
            _log.warning("a message of %d bytes is dropped: too many wait", len(event.data))
            return self.status
        return self._handle(event)

    def handled(self, event: events.Event, /) -> None:
        """Take note that the user has handled an event."""
        self._backlog.handled(event)
        if isinstance(event, events.Shutdown):
            self.post(v0.ShutdownReturned())

    def post(self, event: SessionEvent, /) -> None:
        """Give the session an event; a fault of ours ends the driver."""
        try:
            self._handle(event)
        except Exception:
            _log.exception("the driver fails")
            self._handle(v0.End(Status.ABORTED))

    def _handle(self, event: SessionEvent) -> Status:
        with self._lock:
            self._commands += self.session.handle(event, time.time())
            status = self.session.status
        if threading.get_ident() == self._thread:
            self._perform()
        elif self._commands and self._loop is not None:
            # A loop that was closed without waiting for the driver has nobody left to perform anything.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._perform)
        return status

    # On the loop.

    def _perform(self) -> None:
        while self._commands:
            command = self._commands.popleft()
            self._performers[type(command)](command)

    def _invoke(self, command: v0.Invoke) -> None:
        self._deliver(command.event)
        self._backlog.add(command.event)

    def _set_congested(self, congested: bool) -> None:
        if congested:
            self._room.clear()
        else:
            self._room.set()
        self.post(commands.Congested(congested))

    def _start_timer(self, command: commands.StartTimer) -> None:
        assert self._loop is not None
        kind = command.fired.kind
        if kind in self._timers:
            self._timers[kind].cancel()
        self._timers[kind] = self._loop.call_later(command.seconds, self.post, command.fired)

    def _make_client(self) -> AsyncClient:
        place = self._place
        return AsyncClient(
            place.environment.url,
            codec=place.codec,
            auth=place.auth,
            transport=place.transport(),
            settings=place.settings,
        )

    def _open(self, command: commands.OpenStream) -> None:
        self._link = AsyncLink(command, self._make_client, self.post, self._room.wait)

    def _close_link(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            self._keep(link.close())

    def _send(self, command: commands.SendCall) -> None:
        if self._link is not None:
            self._link.send(command)

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # The end.

    def _end(self, command: v0.Ended) -> None:
        self._ended(command.status, command.reason)
        self._backlog.clear()  # for the acknowledgements that are still due

    async def _close(self) -> None:
        """Close everything, even when cancelled."""
        try:
            self._close_link()
            others = self._tasks - {asyncio.current_task()}
            if others:
                await asyncio.wait(others, timeout=CLOSE_TIMEOUT)
        finally:
            for timer in self._timers.values():
                timer.cancel()
            self._closed()
