"""The way to the leading master: attempts to subscribe, the stream, its signs of life, its end.

    WAITING      no leader is known
    PAUSING      a timer runs until the next attempt
    SUBSCRIBING  an attempt is under way, until its SUBSCRIBED
    CONNECTED    events come
    LINGERING    aborted; the stream stays for a while, so that `stop` can still end the framework
    ENDED        nothing more happens

A broken stream leads to PAUSING, and so does a refusal that another time may bring (404, 503); any other
refusal ends the driver, as in Mesos's own library (scheduler.cpp).
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable

from mesos_http import MesosHttpError, Next, StatusError
from mesos_proto.v1 import scheduler_pb2 as scheduler

from .. import commands as v0
from .. import events
from .._connection import FAILED_OVER_TEXT, REMOVED_TEXT
from ..status import Status
from . import calls
from ._framework import Framework
from ._outbox import Outbox
from .commands import CloseStream, OpenStream, SendCall, TimerKind
from .options import HttpOptions

_log = logging.getLogger("mesos.scheduler")


class Phase(enum.Enum):
    """Where the session stands."""

    NEW = "not started"
    WAITING = "waiting for a leading master"
    PAUSING = "waiting to subscribe"
    SUBSCRIBING = "subscribing"
    CONNECTED = "connected"
    LINGERING = "aborted"
    ENDED = "ended"


class Connection:
    """Keeps a subscription with the leading master."""

    def __init__(
        self, framework: Framework, options: HttpOptions, out: Outbox, uniform: Callable[[], float]
    ) -> None:
        self.phase = Phase.NEW
        self.status = Status.NOT_STARTED
        self.attempt = 0
        self.stream_id: str | None = None
        self._framework = framework
        self._options = options
        self._out = out
        self._uniform = uniform
        self._url: str | None = None
        self._bound = options.backoff
        self._heard = 0.0
        self._silence = 0.0
        self._congested = False

    # Beginning.

    def start(self) -> None:
        """Begin; what the detector finds does the rest."""
        if self.phase is Phase.NEW:
            self.phase = Phase.WAITING
            self.status = Status.RUNNING
            if not self._framework.info.failover_timeout > 0:
                _log.warning(
                    "failover_timeout is 0: Mesos kills every task of the framework as soon as this driver"
                    " is away; set FrameworkInfo.failover_timeout"
                )

    def detected(self, url: str | None) -> None:
        """Go to another leader, or wait for one."""
        if self.status is not Status.RUNNING or url == self._url:
            return
        _log.info("the leading master is %s", url or "unknown")
        self._leave()
        self._url = url
        self._bound = self._options.backoff
        if url is None:
            self.phase = Phase.WAITING
        else:
            self.phase = Phase.PAUSING
            self._out.start_timer(TimerKind.CONNECT, self._options.connection_delay * self._uniform())

    def connect(self) -> None:
        """Make an attempt."""
        if self.phase is not Phase.PAUSING or self._url is None:
            return
        self.phase = Phase.SUBSCRIBING
        self.attempt += 1
        self.stream_id = None
        framework = self._framework
        call = calls.subscribe(
            framework.info, sorted(framework.suppressed_roles), framework.offer_constraints
        )
        self._out.add(OpenStream(self.attempt, self._url, call))
        self._out.start_timer(TimerKind.SUBSCRIBE, self._options.subscribe_timeout)

    def opened(self, attempt: int, stream_id: str | None) -> None:
        """Take note of the id of the stream."""
        if attempt == self.attempt:
            self.stream_id = stream_id

    def subscribed(self, heartbeat_interval: float, now: float) -> None:
        """Take note of SUBSCRIBED."""
        self.phase = Phase.CONNECTED
        self._bound = self._options.backoff
        self._out.stop_timer(TimerKind.SUBSCRIBE)
        self._heard = now
        self._silence = self._options.heartbeats_missed * heartbeat_interval
        if self._silence > 0:
            self._out.start_timer(TimerKind.LIVENESS, self._silence)

    # Signs of life.

    def heard(self, now: float) -> None:
        """Take note of a sign of life."""
        self._heard = now

    def congested(self, congested: bool, now: float) -> None:
        """Expect no sign of life while nobody reads."""
        self._congested = congested
        self._heard = now

    def liveness_due(self, now: float) -> None:
        """Give up a stream that has been silent for too long."""
        if self.phase is not Phase.CONNECTED:
            return
        left = self._heard + self._silence - now
        if self._congested or left > 0:
            self._out.start_timer(TimerKind.LIVENESS, self._silence if self._congested else left)
            return
        self.lost(f"the master said nothing for {self._silence:g} s, not even that it lives")

    # Ends of a stream.

    def timed_out(self) -> None:
        """Give up an attempt that takes too long."""
        if self.phase is Phase.SUBSCRIBING:
            self.lost(f"no SUBSCRIBED within {self._options.subscribe_timeout:g} s")

    def ended(self, attempt: int, error: MesosHttpError | None) -> None:
        """Take note that an attempt has failed, or its stream has ended."""
        if attempt != self.attempt or self.phase not in (Phase.SUBSCRIBING, Phase.CONNECTED):
            return
        if isinstance(error, StatusError) and error.next in (Next.FIX, Next.AUTHENTICATE):
            self.abort(f"the master refused the subscription: {error}")
        else:
            self.lost(str(error) if error is not None else "the master ended the stream")

    def lost(self, reason: str) -> None:
        """Subscribe anew, after a pause."""
        bound = self._bound
        if self._framework.info.failover_timeout > 0:
            bound = min(bound, self._framework.info.failover_timeout / 10)
        pause = bound * self._uniform()
        self._bound = min(2 * self._bound, self._options.backoff_max)
        where = "" if self._url is None or reason.startswith(self._url) else f"{self._url}: "
        _log.warning("%s%s; subscribing again in %.2f s", where, reason, pause)
        self._leave()
        self.phase = Phase.PAUSING
        self._out.add(v0.Redetect())
        self._out.start_timer(TimerKind.CONNECT, pause)

    # End.

    def stop(self, failover: bool) -> None:
        """End; without `failover` the framework goes too."""
        if self.status not in (Status.RUNNING, Status.ABORTED) or self.phase is Phase.ENDED:
            return
        if not failover:
            if self.phase in (Phase.CONNECTED, Phase.LINGERING):
                self._out.add(SendCall(self.attempt, self.stream_id, calls.teardown(self._framework.id)))
                self._out.add(v0.ForgetFramework())
            elif self._framework.id.value:
                _log.warning("no master to end the framework at: it stays for its failover_timeout")
        if self.status is Status.RUNNING:
            self._out.add(v0.Ended(Status.STOPPED))
        self.status = Status.STOPPED
        self.close()

    def abort(self, reason: str | None) -> None:
        """End as failed; the stream may stay for a while."""
        if self.status is not Status.RUNNING:
            return
        gone = reason is not None and reason.startswith(REMOVED_TEXT)
        others = reason is not None and reason.startswith(FAILED_OVER_TEXT)
        if gone:
            self._out.add(v0.ForgetFramework())
        self.status = Status.ABORTED
        self._out.add(v0.Ended(Status.ABORTED, reason))
        if self.phase is Phase.CONNECTED and not gone and not others:
            self.phase = Phase.LINGERING
            self._out.start_timer(TimerKind.LINGER, self._options.linger)
        else:
            self.close()

    def close(self) -> None:
        """Let nothing more happen."""
        if self.phase is not Phase.ENDED:
            self.phase = Phase.ENDED
            self._out.add(v0.Close())

    def _leave(self) -> None:
        """Close what is open, and tell the user of a connection that is no more."""
        for kind in TimerKind:
            self._out.stop_timer(kind)
        if self.phase in (Phase.SUBSCRIBING, Phase.CONNECTED):
            self._out.add(CloseStream(self.attempt))
        if self.phase is Phase.CONNECTED:
            self._out.deliver(events.Disconnected())


def describe(call: scheduler.Call) -> str:
    """Return a call's name for people."""
    return scheduler.Call.Type.Name(call.type)
