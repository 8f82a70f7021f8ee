"""The way to the leading master: detected, linked, authenticated, registered, watched.

Mirrors sched.cpp, with these differences, all of which keep the framework connected where that driver
would wait for ever or abort:

- a lost link leads to a new link and SUBSCRIBE without force; sched.cpp only believes its detector;
- so does the master's `Framework disconnected`, by which sched.cpp is aborted;
- after `SessionOptions.silence` the master is asked for a sign of life (an explicit reconciliation of a
  reserved task id, whose answer is not shown); without one the driver detects and registers anew.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable

from mesos_messenger import UPID
from mesos_proto.v0 import mesos_pb2 as v0

from . import _versions, events
from ._backoff import AuthenticationWindow, RegistrationBackoff
from ._calls import Calls, calls_for
from ._framework import Framework
from ._outbox import Outbox
from ._versions import UNKNOWN, Version, parse_version
from .commands import (
    Authenticate,
    CancelAuthentication,
    Close,
    Ended,
    ForgetFramework,
    Link,
    Redetect,
    RememberFramework,
    TimerKind,
    Verdict,
)
from .errors import UnsupportedByMaster
from .options import SessionOptions
from .status import Status

_log = logging.getLogger("mesos.scheduler")

PROBE_TASK_ID = "mesos-scheduler-sign-of-life"
"""The task id that probes ask about; no framework should launch one of that name."""


REMOVED_TEXT = "Framework has been removed"
"""How a master's error begins that says that the framework id is of no use any more."""


FAILED_OVER_TEXT = "Framework failed over"
"""How a master's error begins that says that another scheduler has taken the framework over."""


class Phase(enum.Enum):
    """Where a session stands with its master."""

    NEW = "not started"
    DETECTING = "waiting for a leading master"
    AUTHENTICATING = "authenticating"
    REGISTERING = "registering"
    CONNECTED = "connected"
    ENDED = "ended"


class Connection:
    """One framework's way to its masters. `master_calls` writes for the master of now."""

    def __init__(
        self, framework: Framework, options: SessionOptions, out: Outbox, uniform: Callable[[], float]
    ) -> None:
        self.phase = Phase.NEW
        self.status = Status.NOT_STARTED
        self.master: UPID | None = None
        self.master_info: v0.MasterInfo | None = None
        self.version: Version = UNKNOWN
        self.master_calls: Calls = calls_for(framework, UNKNOWN)
        self.update_on_connect = False
        self._framework = framework
        self._options = options
        self._out = out
        self._backoff = RegistrationBackoff(options.registration_backoff_factor, uniform)
        self._window = AuthenticationWindow(
            options.authentication_backoff_factor,
            options.authentication_timeout_min,
            options.authentication_timeout_max,
            uniform,
        )
        self._link_number = 0
        self._linked = False
        self._attempt = 0
        self._last_heard = 0.0
        self._probed_at = 0.0
        self._congested = False
        self._reachable_at_end = False

    # Beginning and end.

    def start(self) -> None:
        """Begin; what the detector finds does the rest."""
        if self.phase is not Phase.NEW:
            return
        self.phase = Phase.DETECTING
        self.status = Status.RUNNING
        if not self._framework.failover_timeout > 0:
            _log.warning(
                "failover_timeout is 0: Mesos kills every task of the framework as soon as this driver is"
                " away; set FrameworkInfo.failover_timeout"
            )

    def stop(self, failover: bool) -> None:
        """End; without `failover` the framework goes too."""
        if self.status is Status.RUNNING:
            reachable = self.phase is Phase.CONNECTED
        elif self.status is Status.ABORTED:
            reachable = self._reachable_at_end
        else:
            return
        if reachable and not failover and self.master is not None:
            self._out.send(self.master, self.master_calls.teardown())
            self._out.add(ForgetFramework())
        self.status = Status.STOPPED
        self._end(None)
        self._out.add(Close())

    def abort(self, reason: str | None = None) -> None:
        """End as failed; tasks go on, and `stop` may still end the framework while the shell is open."""
        if self.status is not Status.RUNNING:
            return
        self._reachable_at_end = self.phase is Phase.CONNECTED
        if self._reachable_at_end and self.master is not None:
            self._out.send(self.master, self.master_calls.deactivate())
        self.status = Status.ABORTED
        if reason is not None and reason.startswith(REMOVED_TEXT):
            self._reachable_at_end = False
            self._out.add(ForgetFramework())
        elif reason is not None and reason.startswith(FAILED_OVER_TEXT):
            self._reachable_at_end = False  # The framework is another instance's now.
        self._end(reason)

    def _end(self, reason: str | None) -> None:
        if self.phase is not Phase.ENDED:
            self.phase = Phase.ENDED
            for kind in TimerKind:
                self._out.stop_timer(kind)
            self._out.add(CancelAuthentication())
        self._out.add(Ended(self.status, reason))

    # Finding the master and registering with it.

    def detected(self, master: UPID | None, info: v0.MasterInfo | None) -> None:
        """Go on with the master that leads now."""
        if self.status is not Status.RUNNING:
            return
        if master is not None and self._is_known(master, info):
            self.master_info = info or self.master_info
            return
        self._leave()
        self.master = master
        self.master_info = info
        if master is None:
            _log.info("no master leads at present")
            self.phase = Phase.DETECTING
            return
        _log.info("the leading master is %s", master)
        self._take_version("" if info is None else info.version)
        self._link(reconnect=False)
        self._begin()

    def _is_known(self, master: UPID, info: v0.MasterInfo | None) -> bool:
        """Tell whether this is the master we deal with, and not a successor at its address."""
        if master != self.master or self.phase is Phase.DETECTING:
            return False
        known = self.master_info
        return info is None or known is None or info.id == known.id

    def link_broken(self, number: int) -> None:
        """Take note that a link is gone; when connected, connect anew."""
        if number != self._link_number or self.status is not Status.RUNNING:
            return
        self._linked = False
        if self.phase is Phase.CONNECTED:
            _log.warning("the connection to the master %s is lost; registering again", self.master)
            self.reconnect()

    def reconnect(self) -> None:
        """Tell the user of the disconnection, and register again with the same master."""
        self._leave()
        self._link(reconnect=True)
        self._begin()

    def authentication_settled(self, attempt: int, verdict: Verdict, reason: str) -> None:
        """Go on after an attempt to authenticate."""
        if attempt != self._attempt or self.phase is not Phase.AUTHENTICATING:
            return
        self._out.stop_timer(TimerKind.AUTHENTICATION)
        if verdict is Verdict.ACCEPTED:
            self.phase = Phase.REGISTERING
            self.register()
        elif verdict is Verdict.REFUSED:
            self.abort("Master refused authentication" + (f": {reason}" if reason else ""))
        else:
            # sched.cpp tries again at once, and so goes round as fast as the master says no.
            _log.warning("authentication with %s failed, trying again: %s", self.master, reason)
            self._attempt += 1
            self._out.start_timer(TimerKind.AUTHENTICATION, self._window.pause())

    def authentication_lost(self, text: str) -> None:
        """Authenticate anew, after a pause: the master does not know any more that we did."""
        _log.warning("the master says: %s; authenticating again", text)
        self._leave()
        self.phase = Phase.AUTHENTICATING
        self._attempt += 1
        self._out.start_timer(TimerKind.AUTHENTICATION, self._window.pause())

    def authentication_timer_fired(self) -> None:
        """Make another attempt, in place of one still running."""
        if self.phase is Phase.AUTHENTICATING:
            _log.info("authenticating with %s again", self.master)
            self._out.add(CancelAuthentication())
            self._authenticate()

    def register(self) -> None:
        """Send SUBSCRIBE, and see to its repetition."""
        if self.phase is not Phase.REGISTERING or self.master is None:
            return
        if not self._linked:
            self._link(reconnect=True)
        try:
            message = self.master_calls.subscribe()
        except UnsupportedByMaster as error:
            self.abort(str(error))
            return
        self._out.send(self.master, message)
        delay = self._backoff.next(self._framework.failover_timeout)
        self._out.start_timer(TimerKind.REGISTRATION, delay)

    def accepted(self, framework_id: str, version: str, now: float) -> None:
        """Take note that the master knows us."""
        is_new = framework_id != self._framework.id
        self._framework.set_id(framework_id)
        self.phase = Phase.CONNECTED
        self._out.stop_timer(TimerKind.REGISTRATION)
        if version:
            self._take_version(version)
        if is_new:
            self._out.add(RememberFramework(framework_id))
        self._last_heard = now
        self._watch()
        if self.update_on_connect:
            self.update_on_connect = False
            self._tell_changes()

    def _tell_changes(self) -> None:
        """Tell the master what has changed since SUBSCRIBE; one without the call hears of the roles only."""
        assert self.master is not None
        if self.version >= _versions.UPDATE_FRAMEWORK:
            self._out.send(self.master, self.master_calls.update_framework())
            return
        suppressed = sorted(self._framework.suppressed_roles)
        try:
            if not self._framework.roles().issubset(suppressed):
                self._out.send(self.master, self.master_calls.revive(()))
                if suppressed:
                    self._out.send(self.master, self.master_calls.suppress(suppressed))
            else:
                self._out.send(self.master, self.master_calls.suppress(()))
        except UnsupportedByMaster as error:
            _log.error("%s: the call is dropped", error)

    def _take_version(self, text: str) -> None:
        self.version = parse_version(text)
        self.master_calls = calls_for(self._framework, self.version)

    def _leave(self) -> None:
        was_connected = self.phase is Phase.CONNECTED
        if self.phase is Phase.AUTHENTICATING:
            self._out.add(CancelAuthentication())
        for kind in TimerKind:
            self._out.stop_timer(kind)
        if was_connected:
            self.phase = Phase.DETECTING
            self._out.deliver(events.Disconnected())

    def _begin(self) -> None:
        self._backoff.reset()
        self._window.reset()
        if self._options.authenticate:
            self._authenticate()
        else:
            self.phase = Phase.REGISTERING
            self.register()

    def _authenticate(self) -> None:
        assert self.master is not None
        self.phase = Phase.AUTHENTICATING
        self._attempt += 1
        self._out.add(Authenticate(self.master, self._attempt))
        self._out.start_timer(TimerKind.AUTHENTICATION, self._window.next())

    def _link(self, *, reconnect: bool) -> None:
        assert self.master is not None
        self._link_number += 1
        self._linked = True
        self._out.add(Link(self.master, self._link_number, reconnect))

    # Signs of life.

    def heard(self, now: float) -> None:
        """Take note that the master said something."""
        self._last_heard = now

    def congested(self, congested: bool, now: float) -> None:
        """While we do not read, silence means nothing."""
        self._congested = congested
        self._last_heard = now

    def silence_passed(self, now: float) -> None:
        """Ask for a sign of life, unless there was one lately."""
        silence = self._options.silence
        if silence is None or self.phase is not Phase.CONNECTED or self.master is None:
            return
        quiet = 0.0 if self._congested else now - self._last_heard
        if quiet < silence:
            self._out.start_timer(TimerKind.SILENCE, silence - quiet)
            return
        self._probed_at = now
        self._out.send(self.master, self.master_calls.reconcile([(PROBE_TASK_ID, "")]))
        self._out.start_timer(TimerKind.PROBE, self._options.probe_timeout)

    def probe_timed_out(self) -> None:
        """Detect and register anew when the master did not answer."""
        if self.phase is not Phase.CONNECTED:
            return
        if self._congested or self._last_heard > self._probed_at:
            self._watch()
            return
        _log.warning("the master %s gives no sign of life; looking for the leading one", self.master)
        self._out.add(Redetect())
        self.reconnect()

    def _watch(self) -> None:
        if self._options.silence is not None:
            self._out.start_timer(TimerKind.SILENCE, self._options.silence)
