"""Performs the commands of a v1 session: threads, timers, detection, connections.

The session lives on one thread, the shell's own, and is entered nowhere else. Whoever has news for it
appends to a queue, and one wake-up serves everything queued.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

from mesos_detector import Detector, DetectorError, Leader
from mesos_http import Transport

from .. import commands as v0
from .. import events
from ..errors import FrameworkIdStoreError
from . import commands
from ._flow import Flow
from ._link import Reader, Sender
from ._performer import News, Performer
from ._place import Place
from .client import Client
from .commands import Command, SessionEvent
from .session import HttpSession

_log = logging.getLogger("mesos.scheduler")

CLOSE_TIMEOUT = 5.0
"""Seconds given to the calls still queued at the end."""


class Shell:
    """Runs one session.

    `deliver` takes each batch of events for the user, `ended` the end of the session; both are called on
    the shell's thread and must not block. `forget` is called, before all is closed, when the framework is
    no more. `closed` is set when every socket is.
    """

    def __init__(
        self,
        session: HttpSession,
        place: Place[Transport],
        deliver: Callable[[v0.Deliver | v0.RememberFramework], None],
        ended: Callable[[v0.Ended], None],
        forget: Callable[[], None],
    ) -> None:
        self.closed = threading.Event()
        self._place = place
        self._deliver = deliver
        self._forget = forget
        self._forgotten = False
        self._condition = threading.Condition()
        self._inbox: list[News] = []
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._over = False
        self._detector: Detector | None = None
        self._client: tuple[str, Client] | None = None
        self._reader: Reader | None = None
        self._readers: list[Reader] = []
        self._flow = Flow(place.queue_limit, lambda congested: self.post(v0.Congested(congested)))
        self._sender = Sender(self.post)
        self._thread = threading.Thread(target=self._run, name="mesos-scheduler-session", daemon=True)
        self._performer = Performer(
            session,
            {
                commands.SendCall: self._send,
                v0.Deliver: self._perform_deliver,
                commands.OpenStream: self._open,
                commands.CloseStream: self._close_stream,
                commands.StartTimer: lambda c: self.call_later(c.seconds, lambda: self.post(c.fired)),
                v0.Redetect: self._redetect,
                v0.RememberFramework: deliver,
                v0.ForgetFramework: self._forget_framework,
                v0.Ended: ended,
                v0.Close: self._begin_close,
            },
        )

    def start(self) -> None:
        """Look for the leading master; `DriverMisuse` for a master that cannot be meant."""
        master = self._place.master
        if self._place.is_fixed:
            self._client = (master, self._place.client(_client, master))
        else:
            self._detector = self._place.detector()
        self._sender.start()
        self._thread.start()
        self.post(v0.Start())
        if self._detector is not None:
            self._detector.watch(self._detected, on_failure=self._detection_failed)
        else:
            self.post(commands.LeaderDetected(master))

    # News for the session, from any thread.

    def post(self, event: SessionEvent, /) -> None:
        """Give the session an event; after the end it goes nowhere."""
        self._put(event)

    def post_quietly(self, item: events.Acknowledgement | v0.AcknowledgeStatusUpdate, /) -> None:
        """Give the session an acknowledgement."""
        self._put(item)

    def call_later(self, seconds: float, call: Callable[[], None], /) -> None:
        """Call on the shell's thread after that many seconds, unless all is closed by then."""
        with self._condition:
            heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), call))
            self._condition.notify()

    def batch_done(self, size: int) -> None:
        """Take note that a batch of callbacks is through; from the callbacks' thread."""
        self._flow.done(size)

    def close_soon(self) -> None:
        """Close: nobody will call `stop` any more."""
        self.post(commands.CloseNow())

    def _put(self, item: News) -> None:
        with self._condition:
            self._inbox.append(item)
            self._condition.notify()

    def _detected(self, leader: Leader | None) -> None:
        self.post(commands.LeaderDetected(None if leader is None else leader.url))

    def _detection_failed(self, error: DetectorError) -> None:
        self.post(v0.DetectionFailed(str(error)))

    # The shell's thread.

    def _run(self) -> None:
        while not self._over:
            items, due = self._next()
            for call in due:
                call()
            self._performer.take(items)

    def _next(self) -> tuple[list[News], list[Callable[[], None]]]:
        """Wait for news; return it, and what is due."""
        with self._condition:
            while True:
                now = time.monotonic()
                due = []
                while self._timers and self._timers[0][0] <= now:
                    due.append(heapq.heappop(self._timers)[2])
                if self._inbox or due or self._over:
                    items, self._inbox = self._inbox, []
                    return items, due
                self._condition.wait(self._timers[0][0] - now if self._timers else None)

    # Commands.

    def _perform_deliver(self, command: v0.Deliver) -> None:
        self._deliver(command)
        self._flow.add(command.size)

    def _open(self, command: commands.OpenStream) -> None:
        if self._client is None or self._client[0] != command.url:
            self._close_client()
            self._client = (command.url, self._place.client(_client, command.url))
        self._readers = [reader for reader in self._readers if reader.alive]
        self._reader = Reader(command, self._client[1], self._flow, self.post)
        self._readers.append(self._reader)

    def _close_stream(self, command: commands.CloseStream) -> None:
        reader = self._reader
        if reader is not None and reader.attempt == command.attempt and not reader.close():
            # Still waits for its answer: only the end of all connections ends that.
            self._close_client()

    def _close_client(self) -> None:
        if self._client is not None:
            self._client[1].close()
            self._client = None

    def _send(self, command: commands.SendCall) -> None:
        if self._client is not None:
            self._sender.send(self._client[1], command)

    def _redetect(self, command: Command) -> None:
        if self._detector is not None:
            self._detector.refresh()

    # The end.

    def _forget_framework(self, command: Command) -> None:
        self._forgotten = True

    def _begin_close(self, command: Command) -> None:
        # Not a daemon: the process must not exit before the last calls have left.
        threading.Thread(target=self._close, name="mesos-scheduler-close").start()

    def _close(self) -> None:
        """Send the calls still queued, then close everything."""
        try:
            if not self._sender.finish(CLOSE_TIMEOUT):
                _log.warning("calls were still unsent after %g s", CLOSE_TIMEOUT)
            for reader in self._readers:
                reader.close()
            self._close_client()
            self._sender.finish(CLOSE_TIMEOUT)
            for reader in self._readers:
                reader.join(CLOSE_TIMEOUT)
            if self._detector is not None:
                self._detector.stop()
            if self._forgotten:
                self._forget()
        except FrameworkIdStoreError as error:
            _log.error("the framework is no more, but its id is still stored: %s", error)
        finally:
            self._over = True
            with self._condition:
                self._condition.notify()
            self._thread.join(CLOSE_TIMEOUT)
            self.closed.set()


def _client(url: str, place: Place[Transport]) -> Client:
    return Client(
        url, codec=place.codec, auth=place.auth, transport=place.transport(), settings=place.settings
    )
