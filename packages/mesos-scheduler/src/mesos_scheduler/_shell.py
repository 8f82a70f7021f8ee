"""Performs the commands of a session: sockets, timers, detection, authentication.

The session lives on the messenger's loop thread and is entered nowhere else. Whoever has news for it (the
loop's own handlers, callbacks, the detector's thread, a thread of the user) appends to a queue; one wake-up
then serves everything queued. Acknowledgements wake nobody while a batch of callbacks runs: the loop looks
for them every `POLL` seconds, and only when it found none has itself woken by the next one.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from google.protobuf.message import Message
from mesos_auth import Credential
from mesos_detector import Detector, DetectorError, Leader, detect
from mesos_detector.address import redact
from mesos_messenger import UPID, Messenger, MessengerError, NotRunningError, Tls

from . import events
from ._authentication import Authentication
from ._inbound import MESSAGES
from .commands import (
    Abort,
    AcknowledgeStatusUpdate,
    Authenticate,
    CancelAuthentication,
    Close,
    Command,
    Congested,
    Deliver,
    DetectionFailed,
    Ended,
    ForgetFramework,
    Handled,
    Link,
    LinkBroken,
    MasterDetected,
    Received,
    Redetect,
    RememberFramework,
    Send,
    SessionEvent,
    Start,
    StartTimer,
)
from .errors import DriverMisuse, FrameworkIdStoreError
from .session import SchedulerSession

_log = logging.getLogger("mesos.scheduler")

POLL = 0.002
"""Seconds between two looks for acknowledgements while callbacks run."""

CLOSE_TIMEOUT = 5.0
"""Seconds given to the bytes still queued at the end."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the driver listens and whom it looks for."""

    master: str = field(repr=False)
    bind: str | None = None
    advertise: str | None = None
    tls: Tls | None = None
    credential: Credential | None = None
    queue_limit: int = 64 * 1024 * 1024


class Shell:
    """Runs one session.

    `deliver` takes each batch of events for the user, `ended` the end of the session; both are called on
    the loop thread and must not block. `forget` is called, before all is closed, when the framework is no
    more. `closed` is set when every socket is.
    """

    def __init__(
        self,
        session: SchedulerSession,
        place: Place,
        deliver: Callable[[Deliver | RememberFramework], None],
        ended: Callable[[Ended], None],
        forget: Callable[[], None],
        on_closed: Callable[[], None] = lambda: None,
    ) -> None:
        self.closed = threading.Event()
        self._forget = forget
        self._forgotten = False
        self._on_closed = on_closed
        self._session = session
        self._place = place
        self._deliver = deliver
        self._ended = ended
        self._messenger = Messenger(
            f"scheduler-{uuid.uuid4()}", bind=place.bind, advertise=place.advertise, tls=place.tls
        )
        self._authentication: Authentication | None = None
        self._detector: Detector | None = None
        self._linked: UPID | None = None
        self._arrived: list[tuple[UPID, Message]] = []
        self._inbox: deque[SessionEvent | events.Acknowledgement] = deque()
        self._awake = False
        self._parked = True
        self._pending_size = 0
        self._congested = False
        self._paused: set[UPID] = set()
        self._closing = threading.Lock()
        self._performers: dict[type, Callable[..., None]] = {
            Send: self._send,
            Deliver: self._perform_deliver,
            RememberFramework: deliver,
            Link: self._link,
            StartTimer: self._start_timer,
            Authenticate: self._authenticate,
            CancelAuthentication: self._cancel_authentication,
            Redetect: self._redetect,
            ForgetFramework: self._forget_framework,
            Ended: ended,
            Close: self._begin_close,
        }

    def start(self) -> None:
        """Listen, and look for the leading master; `DriverMisuse` for a master that cannot be meant."""
        try:
            detector = detect(self._place.master)
        except DetectorError as error:
            raise DriverMisuse(f"{redact(self._place.master)!r} is no master: {error}") from error
        try:
            for kind in MESSAGES:
                self._messenger.install(kind, self._received)
            self._messenger.start()
        except BaseException:
            detector.stop()
            raise
        if self._place.credential is not None:
            self._authentication = Authentication(self._messenger, self._place.credential, self.post)
        self.post(Start())
        self._detector = detector
        detector.watch(self._detected, on_failure=self._detection_failed)

    # News for the session.

    def post(self, event: SessionEvent) -> None:
        """Give the session an event; from any thread. After the end it goes nowhere."""
        self._inbox.append(event)
        self.wake()

    def post_quietly(self, item: events.Acknowledgement | AcknowledgeStatusUpdate) -> None:
        """Give the session an acknowledgement, without a wake-up while the loop looks by itself."""
        self._inbox.append(item)
        if self._parked:
            self.wake()

    def wake(self) -> None:
        """See to it that the loop looks for news."""
        if not self._awake:
            self._awake = True
            self._call_soon(self._turn)

    def _call_soon(self, call: Callable[..., None], *args: object) -> None:
        try:
            self._messenger.call_soon(call, *args)
        except NotRunningError:
            # Before the start, which wakes by itself, or after the end.
            self._awake = False

    def call_later(self, seconds: float, call: Callable[..., None], *args: object) -> None:
        """Call on the loop thread after that many seconds, unless all is closed by then."""
        try:
            self._messenger.call_later(seconds, call, *args)
        except NotRunningError:
            _log.debug("all is closed; %r comes too late", call)

    def batch_done(self, size: int) -> None:
        """Take note that a batch of callbacks is through; from the callbacks' thread."""
        self._call_soon(self._release, size)

    def _received(self, sender: UPID, message: Message) -> None:
        self._arrived.append((sender, message))
        if self._congested and sender not in self._paused:
            self._pause(sender)
        if not self._awake:
            self._awake = True
            self._messenger.call_soon(self._turn)

    def _turn(self) -> None:
        self._awake = False
        try:
            self._take_news(time.monotonic())
        except Exception as error:
            # A fault of ours: whoever waits for the driver must hear of it.
            _log.exception("the driver fails")
            self._handle(Abort(f"the driver failed: {type(error).__name__}: {error}"), time.monotonic())

    def _take_news(self, now: float) -> None:
        inbox = self._inbox
        handled: list[events.Acknowledgement] = []
        while inbox:
            item = inbox.popleft()
            if type(item) is events.Acknowledgement:
                handled.append(item)
                continue
            if handled:
                self._handle(Handled(handled), now)
                handled = []
            self._handle(item, now)  # type: ignore[arg-type]
        if handled:
            self._handle(Handled(handled), now)
        if self._arrived:
            arrived, self._arrived = self._arrived, []
            self._handle(Received(arrived), now)

    def _handle(self, event: SessionEvent, now: float) -> None:
        performers = self._performers
        for command in self._session.handle(event, now):
            performers[type(command)](command)

    # The user's side.

    def _perform_deliver(self, command: Deliver) -> None:
        self._pending_size += command.size
        self._deliver(command)
        if self._parked:
            self._parked = False
            self.call_later(POLL, self._poll)
        if self._pending_size > self._place.queue_limit and not self._congested:
            self._set_congested(True)

    def _poll(self) -> None:
        if self._inbox:
            self._turn()
            self.call_later(POLL, self._poll)
            return
        self._parked = True
        if self._inbox:  # One came between the look and the flag.
            self._turn()

    def _release(self, size: int) -> None:
        self._pending_size -= size
        if self._inbox:
            self._turn()
        if self._congested and self._pending_size <= self._place.queue_limit // 2:
            self._set_congested(False)

    def _set_congested(self, congested: bool) -> None:
        self._congested = congested
        _log.warning(
            "%d bytes wait for the scheduler's callbacks: %s the master",
            self._pending_size,
            "no longer reading from" if congested else "reading again from",
        )
        if congested and self._linked is not None:
            self._pause(self._linked)
        elif not congested:
            paused, self._paused = self._paused, set()
            for peer in paused:
                self._messenger.resume(peer)
        self._handle(Congested(congested), time.monotonic())

    def _pause(self, peer: UPID) -> None:
        self._paused.add(peer)
        self._messenger.pause(peer)

    # The network's side.

    def _send(self, command: Send) -> None:
        send = self._messenger.send
        upid = command.upid
        try:
            for message in command.messages:
                send(upid, message)
        except MessengerError as error:
            # The queue to a peer that does not read is full. Nothing is lost for good: agents repeat
            # updates, and reconciliation tells about launches.
            _log.error("dropped messages to %s: %s", upid, error)

    def _link(self, command: Link) -> None:
        number = command.number
        if self._linked is not None and self._linked != command.upid:
            self._messenger.unlink(self._linked)
        self._linked = command.upid
        try:
            self._messenger.upid_towards(str(command.upid))
            self._messenger.link(
                command.upid, lambda _: self.post(LinkBroken(number)), reconnect=command.reconnect
            )
        except MessengerError as error:
            _log.error("no way to %s: %s", command.upid, error)
            self.post(LinkBroken(number))

    def _start_timer(self, command: StartTimer) -> None:
        self.call_later(command.seconds, self.post, command.fired)

    def _authenticate(self, command: Authenticate) -> None:
        assert self._authentication is not None
        self._authentication.begin(command.master, command.attempt)

    def _cancel_authentication(self, command: Command) -> None:
        if self._authentication is not None:
            self._authentication.cancel()

    def _detected(self, leader: Leader | None) -> None:
        if leader is None:
            self.post(MasterDetected(None))
            return
        master = UPID.parse(leader.pid)
        if master:
            self.post(MasterDetected(master, leader.info if leader.confirmed else None))
        else:
            self.post(DetectionFailed(f"the leading master's address {leader.pid!r} cannot be resolved"))

    def _detection_failed(self, error: DetectorError) -> None:
        self.post(DetectionFailed(str(error)))

    def _redetect(self, command: Command) -> None:
        if self._detector is not None:
            self._detector.refresh()

    # The end.

    def _forget_framework(self, command: Command) -> None:
        self._forgotten = True

    def _begin_close(self, command: Command) -> None:
        self.close_soon()

    def close_soon(self) -> None:
        """Write out what is queued and close everything; returns at once, see `closed`."""
        # Not a daemon: the process must not exit before the last messages have left.
        threading.Thread(target=self._close, name="mesos-scheduler-close").start()

    def _close(self) -> None:
        with self._closing:
            if self.closed.is_set():
                return
            try:
                detector, self._detector = self._detector, None
                if detector is not None:
                    detector.stop()
                self._messenger.stop(timeout=CLOSE_TIMEOUT)
                if self._forgotten:
                    self._forget()
            except FrameworkIdStoreError as error:
                _log.error("the framework id of the framework ended here stays behind: %s", error)
            finally:
                self.closed.set()
                self._on_closed()
