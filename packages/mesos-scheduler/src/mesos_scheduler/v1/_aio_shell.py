"""Performs the commands of a v1 session on the event loop of the program.

The session is entered on that loop alone. News from other threads (calls of the program) is queued, and one
wake-up serves everything queued; so are news from the loop itself, but for what the stream brings.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable

from mesos_detector import AsyncDetector, DetectorError
from mesos_http.aio import AsyncTransport

from .. import commands as v0
from .. import events
from ..errors import FrameworkIdStoreError
from . import commands
from ._aio_link import AsyncReader, AsyncSender
from ._flow import Flow
from ._performer import News, Performer
from ._place import Place
from .aio_client import AsyncClient
from .commands import Command, SessionEvent, TimerKind
from .session import HttpSession

_log = logging.getLogger("mesos.scheduler")

CLOSE_TIMEOUT = 5.0
"""Seconds given to the calls still queued at the end."""


class AsyncShell:
    """Runs one session, as `Shell` does; all that it calls, but for `forget`, it calls on the loop.

    `on_closed` follows when every socket is closed and every task has ended.
    """

    def __init__(
        self,
        session: HttpSession,
        place: Place[AsyncTransport],
        deliver: Callable[[v0.Deliver | v0.RememberFramework], None],
        ended: Callable[[v0.Ended], None],
        forget: Callable[[], None],
        on_closed: Callable[[], None],
    ) -> None:
        self.closed = threading.Event()
        self._place = place
        self._deliver = deliver
        self._forget = forget
        self._forgotten = False
        self._on_closed = on_closed
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._inbox: list[News] = []
        self._awake = False
        self._timers: dict[TimerKind, asyncio.TimerHandle] = {}
        self._detector: AsyncDetector | None = None
        self._client: tuple[str, AsyncClient] | None = None
        self._reader: AsyncReader | None = None
        self._sender: AsyncSender | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing: asyncio.Task[None] | None = None
        self._close_begun = False
        self._room = asyncio.Event()
        self._room.set()
        self._flow = Flow(place.queue_limit, self._flow_changed)
        self._performer = Performer(
            session,
            {
                commands.SendCall: self._send,
                v0.Deliver: self._perform_deliver,
                commands.OpenStream: self._open,
                commands.CloseStream: self._close_stream,
                commands.StartTimer: self._start_timer,
                v0.Redetect: self._redetect,
                v0.RememberFramework: deliver,
                v0.ForgetFramework: self._forget_framework,
                v0.Ended: ended,
                v0.Close: self._begin_close,
            },
        )

    def start(self) -> None:
        """Look for the leading master; `DriverMisuse` for a master that cannot be meant."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        master = self._place.master
        if self._place.is_fixed:
            self._client = (master, self._place.client(_client, master))
        else:
            self._detector = AsyncDetector(self._place.detector())
        self._sender = AsyncSender(self.post)
        self._keep(self._sender.task)
        self.post(v0.Start())
        if self._detector is not None:
            self._keep(asyncio.ensure_future(self._watch(self._detector)))
        else:
            self.post(commands.LeaderDetected(master))

    # News for the session, from any thread.

    def post(self, event: SessionEvent, /) -> None:
        """Give the session an event; after the end it goes nowhere."""
        self._put(event)

    def post_quietly(self, item: events.Acknowledgement | v0.AcknowledgeStatusUpdate, /) -> None:
        """Give the session an acknowledgement."""
        self._put(item)

    def batch_done(self, size: int) -> None:
        """Take note that the program has seen a batch; on the loop."""
        self._flow.done(size)

    def close_soon(self) -> None:
        """Close: nobody will call `stop` any more."""
        self.post(commands.CloseNow())

    def _put(self, item: News) -> None:
        self._inbox.append(item)
        loop = self._loop
        if self._awake or loop is None or loop.is_closed():
            return
        self._awake = True
        if threading.get_ident() == self._thread:
            loop.call_soon(self._turn)
            return
        try:
            loop.call_soon_threadsafe(self._turn)
        except RuntimeError:
            _log.debug("the program's loop is closed; %r comes too late", item)

    # On the loop.

    def _turn(self) -> None:
        self._awake = False
        news, self._inbox = self._inbox, []
        if not self.closed.is_set():
            self._performer.take(news)

    def _take(self, event: SessionEvent) -> None:
        """Give the session an event now, after those that wait."""
        self._inbox.append(event)
        self._turn()

    async def _watch(self, detector: AsyncDetector) -> None:
        try:
            async for leader in detector:
                self.post(commands.LeaderDetected(None if leader is None else leader.url))
        except DetectorError as error:
            self.post(v0.DetectionFailed(str(error)))

    def _keep(self, task: asyncio.Task[None]) -> None:
        """See to it that a task has ended before all is closed."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _flow_changed(self, congested: bool) -> None:
        (self._room.clear if congested else self._room.set)()
        self.post(v0.Congested(congested))

    # Commands.

    def _perform_deliver(self, command: v0.Deliver) -> None:
        self._deliver(command)
        self._flow.add(command.size)

    def _open(self, command: commands.OpenStream) -> None:
        if self._client is None or self._client[0] != command.url:
            self._close_client()
            self._client = (command.url, self._place.client(_client, command.url))
        self._reader = AsyncReader(command, self._client[1], self._room, self._take)
        self._keep(self._reader.task)

    def _close_stream(self, command: commands.CloseStream) -> None:
        if self._reader is not None and self._reader.attempt == command.attempt:
            self._reader.close()

    def _close_client(self) -> None:
        if self._client is not None:
            self._keep(asyncio.ensure_future(self._client[1].close()))
            self._client = None

    def _send(self, command: commands.SendCall) -> None:
        if self._client is not None and self._sender is not None:
            self._sender.send(self._client[1], command)

    def _start_timer(self, command: commands.StartTimer) -> None:
        assert self._loop is not None
        earlier = self._timers.get(command.fired.kind)
        if earlier is not None:
            earlier.cancel()
        self._timers[command.fired.kind] = self._loop.call_later(command.seconds, self.post, command.fired)

    def _redetect(self, command: Command) -> None:
        if self._detector is not None:
            self._detector.detector.refresh()

    # The end.

    def _forget_framework(self, command: Command) -> None:
        self._forgotten = True

    def _begin_close(self, command: Command) -> None:
        self._start_closing()

    def _start_closing(self) -> None:
        self._closing = asyncio.ensure_future(self._close())
        self._closing.add_done_callback(self._closing_over)

    def _closing_over(self, closing: asyncio.Task[None]) -> None:
        if not self._close_begun:
            # Cancelled before its first step, so that it did not even get to its `finally`.
            self._start_closing()
            return
        if not closing.cancelled() and closing.exception() is not None:
            _log.error("the driver fails while it closes", exc_info=closing.exception())
        self.closed.set()
        self._on_closed()

    async def _close(self) -> None:
        """Send the calls still queued, then close everything, even when cancelled."""
        self._close_begun = True
        try:
            if self._sender is not None and not await self._sender.finish(CLOSE_TIMEOUT):
                _log.warning("calls were still unsent after %g s", CLOSE_TIMEOUT)
        finally:
            try:
                await self._close_rest()
            except FrameworkIdStoreError as error:
                _log.error("the framework is no more, but its id is still stored: %s", error)

    async def _close_rest(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        if self._sender is not None:
            self._sender.task.cancel()
        if self._reader is not None:
            self._reader.close()
        if self._client is not None:
            await self._client[1].close()
        if self._detector is not None:
            await self._detector.stop()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._forgotten:
            await asyncio.to_thread(self._forget)


def _client(url: str, place: Place[AsyncTransport]) -> AsyncClient:
    return AsyncClient(
        url, codec=place.codec, auth=place.auth, transport=place.transport(), settings=place.settings
    )
