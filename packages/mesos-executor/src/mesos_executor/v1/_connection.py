"""The way to the agent: attempts to subscribe, the stream, its signs of life, and how all ends.

SUBSCRIBING    an attempt is under way, until its SUBSCRIBED
SUBSCRIBED     events come and calls go
PAUSING        a timer runs until the next attempt, another until the recovery timeout
SHUTTING_DOWN  the agent wants us to end; it still takes updates
ORPHANED       there is no agent any more; we end by ourselves
FLUSHING       the driver has ended; what is due is waited for
CLOSED         nothing more happens
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable

from mesos_http import ConnectionFailed, MesosHttpError, Next, PeerViolation, StatusError, TlsFailed
from mesos_proto.v1 import executor_pb2 as executor
from mesos_proto.v1 import mesos_pb2 as mesos

from .. import commands as v0
from .. import events
from ..status import Status
from . import calls
from ._outbox import Outbox, Outgoing
from ._work import Work
from .commands import CloseStream, OpenStream, TimerKind
from .environment import HttpExecutorEnvironment
from .options import HttpExecutorOptions

_log = logging.getLogger("mesos.executor")


SHORTEST_BACKOFF = 0.02
"""Seconds that the bound of a pause has at least: an agent away for minutes is not asked all the time."""


class State(enum.Enum):
    """Where the session stands."""

    NEW = "not started"
    SUBSCRIBING = "subscribing"
    SUBSCRIBED = "subscribed"
    PAUSING = "waiting to subscribe"
    SHUTTING_DOWN = "shutting down at the agent's request"
    ORPHANED = "shutting down because the agent is gone"
    FLUSHING = "ended, waiting for answers and acknowledgements"
    CLOSED = "closed"


class Connection:
    """Keeps a subscription with the agent; `open` says whether the current attempt, or its stream, lives."""

    def __init__(
        self,
        environment: HttpExecutorEnvironment,
        options: HttpExecutorOptions,
        work: Work,
        out: Outbox,
        uniform: Callable[[], float],
    ) -> None:
        self.state = State.NEW
        self.status = Status.NOT_STARTED
        self.attempt = 0
        self.open = False
        self.known = False
        """Whether the agent has accepted us, at any time."""
        self.outgoing = Outgoing(out)
        self._environment = environment.base
        self._backoff = max(environment.backoff_max, SHORTEST_BACKOFF) / 2
        self._options = options
        self._work = work
        self._out = out
        self._uniform = uniform
        self._framework_id = mesos.FrameworkID(value=environment.base.framework_id)
        self._executor_id = mesos.ExecutorID(value=environment.base.executor_id)
        self._told: set[bytes] = set()  # the updates that the current attempt's SUBSCRIBE names
        self._heard = 0.0
        self._watched = False  # this agent says that it lives
        self._congested = False
        self._awaits_acknowledgements = False
        self._shutdown_returned = False

    # Beginning.

    def start(self) -> None:
        """Make the first attempt."""
        if self.state is State.NEW:
            self.status = Status.RUNNING
            self._out.start_timer(TimerKind.RECOVERY, self._environment.recovery_timeout)
            self.subscribe()

    def subscribe(self) -> None:
        """Make an attempt."""
        self.state = State.SUBSCRIBING
        self.attempt += 1
        self.open = True
        self._told = set(self._work.updates)
        tasks, updates = self._work.tasks.values(), self._work.updates.values()
        call = calls.subscribe(self._framework_id, self._executor_id, tasks, updates)
        self._out.add(OpenStream(self.attempt, call))
        self._out.start_timer(TimerKind.SUBSCRIBE, self._options.subscribe_timeout)

    def subscribed(self) -> None:
        """Take note that the agent has accepted us; send the updates that SUBSCRIBE did not name."""
        self.state = State.SUBSCRIBED
        self.known = True
        self._watched = False
        self._out.stop_timers(TimerKind.SUBSCRIBE, TimerKind.RECOVERY)
        self._out.start_timer(TimerKind.HEARTBEAT, self._options.heartbeat_interval)
        self._begin_calls()

    # Calls.

    def _begin_calls(self) -> None:
        self.outgoing.begin(self.attempt)
        for uuid, update in self._work.updates.items():
            if uuid not in self._told:
                self.put_update(update)

    @property
    def takes_calls(self) -> bool:
        """Whether calls can go to the agent."""
        return self.state in (State.SUBSCRIBED, State.SHUTTING_DOWN)

    def put_update(self, update: executor.Call.Update) -> None:
        """Send an update after the calls before it."""
        self.outgoing.put(calls.update(self._framework_id, self._executor_id, update.status))

    def put_message(self, data: bytes) -> None:
        """Send a message after the calls before it."""
        self.outgoing.put(calls.message(self._framework_id, self._executor_id, data))

    def heartbeat_due(self) -> None:
        """Tell the agent, or whoever watches the connection to it, that we live."""
        if not self.outgoing:
            self.outgoing.put(calls.heartbeat(self._framework_id, self._executor_id))
        self._out.start_timer(TimerKind.HEARTBEAT, self._options.heartbeat_interval)

    def call_over(self) -> None:
        """Go on with the next call."""
        self.outgoing.done()
        self.close_when_flushed()
        if self.state is State.FLUSHING:
            self._out.start_timer(TimerKind.FLUSH, self._options.flush_timeout)

    def calls_lost(self, reason: str) -> None:
        """Take note that nobody knows which calls the agent has taken."""
        if self.state is State.SUBSCRIBED:
            self.pause(reason)
            return
        _log.warning("the agent is gone: %s", reason)
        if self.state is State.SHUTTING_DOWN:
            self._leave()
            self.state = State.ORPHANED
            self.end_when_finished()
        else:
            self._close()

    # Signs of life.

    def heard(self, now: float) -> None:
        """Take note of a sign of life."""
        self._heard = now

    def alive(self) -> None:
        """Take note that this agent says that it lives; it has to go on."""
        if not self._watched:
            self._watched = True
            self._out.start_timer(TimerKind.LIVENESS, self._silence)

    def set_congested(self, congested: bool, now: float) -> None:
        """Expect no sign of life while nobody reads."""
        self._congested = congested
        self._heard = now

    def liveness_due(self, now: float) -> None:
        """Give up a stream that has been silent for too long."""
        left = self._heard + self._silence - now
        if self._congested or left > 0:
            self._out.start_timer(TimerKind.LIVENESS, self._silence if self._congested else left)
        else:
            self.pause(f"it said nothing for {self._silence:g} s, not even that it lives")

    @property
    def _silence(self) -> float:
        return self._options.heartbeats_missed * self._options.heartbeat_interval

    # Ends of a stream.

    def stream_ended(self, error: MesosHttpError | None) -> None:
        """Take note that the current attempt has failed, or its stream has ended."""
        if self.state not in (State.SUBSCRIBING, State.SUBSCRIBED):
            # It is the agent that wants us to end: it may still take calls.
            self.open = False
            self.close_when_flushed()
        elif isinstance(error, TlsFailed) and not self.known:
            self.fail(f"no TLS with the agent: {error}")
        elif isinstance(error, StatusError | PeerViolation):
            self._refused(error)
        elif error is not None and not isinstance(error, ConnectionFailed) and error.next is Next.FIX:
            self.fail(f"the driver cannot subscribe: {error}")
        else:
            reason = str(error) if error is not None else "it ended the stream"
            if self._environment.checkpoint:
                self.pause(reason)
            else:
                self._shut_down_alone(reason)

    def _refused(self, error: StatusError | PeerViolation) -> None:
        """Take note of an agent that is there, but has not taken the subscription, or has broken it."""
        if error.next is Next.RETRY:
            self.pause(str(error))
        elif error.next is Next.RESUBSCRIBE:
            self._shut_down_alone(f"it does not know this executor: {error}")
        else:
            self.fail(f"the agent refused the subscription: {error}")

    def timed_out(self) -> None:
        """Give up an attempt that takes too long."""
        self.pause(f"it has not accepted us within {self._options.subscribe_timeout:g} s")

    def pause(self, reason: str) -> None:
        """Subscribe anew, after a pause; the recovery timeout runs meanwhile."""
        pause = self._backoff * self._uniform()
        _log.info("the agent: %s; subscribing (again) in %.2f s", reason, pause)
        if self._leave():
            _log.warning("the agent went away; it has %g s to come back", self._environment.recovery_timeout)
            self._out.start_timer(TimerKind.RECOVERY, self._environment.recovery_timeout)
        self.state = State.PAUSING
        self._out.start_timer(TimerKind.CONNECT, pause)

    def give_up(self) -> None:
        """End: the agent has not come back in time."""
        self._shut_down_alone(f"not back within {self._environment.recovery_timeout:g} s")

    def _leave(self) -> bool:
        """Close what is open; return whether that was a subscription, of which the user is told."""
        self._out.stop_timers(
            *(TimerKind.CONNECT, TimerKind.SUBSCRIBE, TimerKind.LIVENESS),
            *(TimerKind.HEARTBEAT, TimerKind.RESEND),
        )
        self.outgoing.clear()
        if self.open:
            self.open = False
            self._out.add(CloseStream(self.attempt))
        subscribed = self.state is State.SUBSCRIBED
        if subscribed:
            self._out.add(v0.Invoke(events.Disconnected()))
        return subscribed

    # The end.

    def shut_down(self) -> None:
        """End because the agent wants it."""
        _log.info("the agent asks to shut down")
        if self.state is State.SUBSCRIBING:
            self._begin_calls()
        self._begin_shutdown(State.SHUTTING_DOWN)

    def _shut_down_alone(self, reason: str) -> None:
        _log.warning("the agent: %s; shutting down", reason)
        self._leave()
        self._begin_shutdown(State.ORPHANED)

    def _begin_shutdown(self, state: State) -> None:
        self.state = state
        self._out.stop_timers(
            *(TimerKind.CONNECT, TimerKind.SUBSCRIBE, TimerKind.RECOVERY),
            *(TimerKind.LIVENESS, TimerKind.HEARTBEAT),
        )
        seconds = self._environment.shutdown_grace_period
        if self._environment.local:
            self._out.start_timer(TimerKind.GRACE, seconds)
        else:
            self._out.add(v0.StartWatchdog(seconds))
        self._out.add(v0.Invoke(events.Shutdown()))

    def shutdown_returned(self) -> None:
        """Take note that the user's `shutdown` has returned."""
        self._shutdown_returned = True
        self.end_when_finished()

    def end_when_finished(self) -> None:
        """End once `shutdown` has returned and nothing is left to report."""
        if self._shutdown_returned and not self._work.unfinished:
            self.end_shutdown()

    def end_shutdown(self) -> None:
        """End the shutdown, whatever is left to report."""
        self.end(Status.ABORTED if self.state is State.ORPHANED else Status.STOPPED)

    def fail(self, reason: str) -> None:
        """End as failed; nothing more can come of this subscription."""
        self.outgoing.clear()
        if self.status is Status.RUNNING:
            self.status = Status.ABORTED
            self._out.add(v0.Ended(Status.ABORTED, reason))
        self._close()

    def end(self, status: Status) -> None:
        """End because the user, or the shutdown, wants it; what is due is waited for."""
        if self.status is Status.NOT_STARTED:
            return
        if self.status is not Status.RUNNING:
            if status is Status.STOPPED:
                self.status = status
            return
        self.status = status
        self._out.add(v0.Ended(status))
        # An agent that wants us to end may acknowledge nothing any more, when its framework is gone.
        self._awaits_acknowledgements = self.state is State.SUBSCRIBED
        if self.takes_calls and self._due:
            self.state = State.FLUSHING
            self._out.stop_timers(TimerKind.LIVENESS, TimerKind.HEARTBEAT)
            self._out.start_timer(TimerKind.FLUSH, self._options.flush_timeout)
        else:
            self._close()

    @property
    def _due(self) -> bool:
        """Whether an end has to wait for answers or acknowledgements."""
        acknowledgements = self._awaits_acknowledgements and self.open and self._work.updates
        return bool(self.outgoing or acknowledgements)

    def close_when_flushed(self) -> None:
        """Close when the driver has ended and nothing is due any more."""
        if self.state is State.FLUSHING and not self._due:
            self._close()

    def flush_timed_out(self) -> None:
        """Close, whatever is due."""
        _log.warning("%d updates were not acknowledged before the end", len(self._work.updates))
        self._close()

    def _close(self) -> None:
        if self.state is State.CLOSED:
            return
        self.state = State.CLOSED
        self._out.stop_timers(*TimerKind)
        self.outgoing.clear()
        if self.open:
            self.open = False
            self._out.add(CloseStream(self.attempt))
        self._out.add(v0.Close())
