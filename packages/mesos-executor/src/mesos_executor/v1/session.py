"""The executor's side of the v1 protocol as a pure state machine.

`HttpExecutorSession.handle(event, now)` takes what happened and returns the commands a shell must perform,
in order. No sockets, threads or clocks; chance comes from the `uniform` passed in. `now` is Unix time.

What Mesos's own library (executor.cpp) does, and executors on it do by themselves, with these differences,
all towards keeping tasks alive and losing no update:

- the recovery timeout runs until the agent has accepted us, not only until it can be reached;
- a pause before an attempt takes at most half of MESOS_SUBSCRIPTION_BACKOFF_MAX: that is also the time after
  which the agent gives up an executor that has not come back;
- a call is sent when the one before it has been taken, and repeated when it is refused for now (a recovering
  agent takes SUBSCRIBE but no updates, and executor.cpp drops them);
- a call that failed, or a stream that makes no sense, leads to a new subscription, which repeats whatever is
  not acknowledged; executor.cpp shuts down without checkpointing, and ignores the former with it;
- an agent that has said once that it lives must go on saying so;
- what v0's session does for its user: `shutdown` ends the session once every task has ended, an end waits
  shortly for what is still due, and a task launched twice is dropped.
"""

from __future__ import annotations

import enum
import logging
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from mesos_http import (
    ClientMisuse,
    ConnectionFailed,
    Next,
    PeerViolation,
    StatusError,
    TlsFailed,
)
from mesos_proto.v1 import executor_pb2 as executor
from mesos_proto.v1 import mesos_pb2 as mesos

from .. import commands as v0
from .. import events
from ..session import check_message, check_status
from ..status import Status
from . import calls, commands
from ._outbox import Outbox, Outgoing
from ._work import Work
from .commands import CloseStream, Command, OpenStream, SessionEvent, TimerKind
from .environment import HttpExecutorEnvironment
from .options import HttpExecutorOptions

_log = logging.getLogger("mesos.executor")
_Event = executor.Event
_PARTS: dict[int, str] = {
    number: name.lower()
    for name, number in _Event.Type.items()
    if name.lower() in _Event.DESCRIPTOR.fields_by_name
}


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


class HttpExecutorSession:
    """One executor's conversation with its agent over v1.

    `make_uuid` returns 16 random bytes of a version 4 UUID, `uniform` a number between 0 and 1.
    """

    def __init__(
        self,
        environment: HttpExecutorEnvironment,
        make_uuid: Callable[[], bytes],
        options: HttpExecutorOptions | None = None,
        uniform: Callable[[], float] = random.random,
    ) -> None:
        self.state = State.NEW
        self.status = Status.NOT_STARTED
        self.attempt = 0
        self.container_id: mesos.ContainerID | None = None
        self.dropped: Counter[str] = Counter()
        self.work = Work(environment.base, make_uuid)
        self._environment = environment.base
        self._backoff = environment.backoff_max / 2
        self._options = options or HttpExecutorOptions()
        self._uniform = uniform
        self._framework_id = mesos.FrameworkID(value=environment.base.framework_id)
        self._executor_id = mesos.ExecutorID(value=environment.base.executor_id)
        self._out = Outbox()
        self._outgoing = Outgoing(self._out)
        self._open = False  # the current attempt, or its stream, has not ended
        self._told: set[bytes] = set()  # the updates that the current attempt's SUBSCRIBE names
        self._known = False  # the agent has accepted us once
        self._heard = 0.0
        self._watched = False  # this agent says that it lives
        self._congested = False
        self._awaits_acknowledgements = False
        self._shutdown_returned = False
        self._handlers: dict[type, Callable[[Any, float], None]] = {
            commands.EventsReceived: self._received,
            commands.CallDone: lambda e, now: self._call_done(e),
            v0.SendStatusUpdate: lambda e, now: self._send_update(e.status, now),
            v0.SendFrameworkMessage: lambda e, now: self._send_message(e.data),
            commands.TimerFired: self._timer_fired,
            commands.StreamEnded: lambda e, now: self._stream_ended(e),
            commands.CallFailed: lambda e, now: self._call_failed(e),
            commands.Congested: self._set_congested,
            v0.Start: lambda e, now: self._start(),
            v0.ShutdownReturned: lambda e, now: self._set_shutdown_returned(),
            v0.End: lambda e, now: self._end(e.status),
        }
        self._timers: dict[TimerKind, Callable[[float], None]] = {
            TimerKind.CONNECT: lambda now: self._subscribe(),
            TimerKind.SUBSCRIBE: lambda now: self._attempt_timed_out(),
            TimerKind.RECOVERY: lambda now: self._give_up(),
            TimerKind.LIVENESS: self._look_for_life,
            TimerKind.HEARTBEAT: lambda now: self._send_heartbeat(),
            TimerKind.RESEND: lambda now: self._outgoing.again(),
            TimerKind.GRACE: lambda now: self._end(self._final_status()),
            TimerKind.FLUSH: lambda now: self._flush_timed_out(),
        }
        self._told_of: dict[int, Callable[[executor.Event], None]] = {
            _Event.LAUNCH: self._launch,
            _Event.LAUNCH_GROUP: self._launch_group,
            _Event.KILL: lambda event: self._invoke(
                events.TaskKilled(
                    event.kill.task_id,
                    event.kill.kill_policy if event.kill.HasField("kill_policy") else None,
                )
            ),
            _Event.MESSAGE: lambda event: self._invoke(events.FrameworkMessage(event.message.data)),
            _Event.HEARTBEAT: lambda event: self._alive(),
        }

    @property
    def queued(self) -> int:
        """Bytes of messages that wait to be sent."""
        return self._outgoing.size

    def handle(self, event: SessionEvent, now: float) -> list[Command]:
        """Take one event; return what to do, in order.

        Raises `DriverMisuse`, and changes nothing, for what the user must not send.
        """
        self._handlers[type(event)](event, now)
        return self._out.take()

    # What the user does.

    def _start(self) -> None:
        if self.state is State.NEW:
            self.status = Status.RUNNING
            self._out.start_timer(TimerKind.RECOVERY, self._environment.recovery_timeout)
            self._subscribe()

    def _send_update(self, status: mesos.TaskStatus, now: float) -> None:
        check_status(status)
        if self.status is not Status.RUNNING:
            return
        update = self.work.reported(status, now)
        if self.state in (State.SUBSCRIBED, State.SHUTTING_DOWN):
            self._put_update(update)
        self._end_when_finished()

    def _put_update(self, update: executor.Call.Update) -> None:
        self._outgoing.put(calls.update(self._framework_id, self._executor_id, update.status))

    def _send_message(self, data: bytes) -> None:
        check_message(data)
        if self.status is not Status.RUNNING:
            return
        if self.state in (State.SUBSCRIBED, State.SHUTTING_DOWN):
            self._outgoing.put(calls.message(self._framework_id, self._executor_id, data))
        else:
            _log.warning("a message of %d bytes is dropped: the driver is %s", len(data), self.state.value)

    # The way to the agent.

    def _subscribe(self) -> None:
        self.state = State.SUBSCRIBING
        self.attempt += 1
        self._open = True
        self._told = set(self.work.updates)
        tasks, updates = self.work.tasks.values(), self.work.updates.values()
        call = calls.subscribe(self._framework_id, self._executor_id, tasks, updates)
        self._out.add(OpenStream(self.attempt, call))
        self._out.start_timer(TimerKind.SUBSCRIBE, self._options.subscribe_timeout)

    def _stream_ended(self, event: commands.StreamEnded) -> None:
        if event.attempt != self.attempt or not self._open:
            return
        error = event.error
        if self.state not in (State.SUBSCRIBING, State.SUBSCRIBED):
            # It is the agent that wants us to end: it may still take calls.
            self._open = False
            self._close_when_flushed()
        elif isinstance(error, TlsFailed) and not self._known:
            self._fail(f"no TLS with the agent: {error}")
        elif isinstance(error, StatusError | PeerViolation):
            self._refused(error)
        elif error is not None and not isinstance(error, ConnectionFailed) and error.next is Next.FIX:
            self._fail(f"the driver cannot subscribe: {error}")
        else:
            reason = str(error) if error is not None else "it ended the stream"
            if self._environment.checkpoint:
                self._pause(reason)
            else:
                self._shut_down_alone(reason)

    def _refused(self, error: StatusError | PeerViolation) -> None:
        """Take note of an agent that is there, but has not taken the subscription, or has broken it."""
        if error.next is Next.RETRY:
            self._pause(str(error))
        elif error.next is Next.RESUBSCRIBE:
            self._shut_down_alone(f"it does not know this executor: {error}")
        else:
            self._fail(f"the agent refused the subscription: {error}")

    def _attempt_timed_out(self) -> None:
        self._pause(f"it has not accepted us within {self._options.subscribe_timeout:g} s")

    def _pause(self, reason: str) -> None:
        """Subscribe anew, after a pause; the recovery timeout runs meanwhile."""
        pause = self._backoff * self._uniform()
        _log.info("the agent: %s; subscribing (again) in %.2f s", reason, pause)
        if self._leave():
            _log.warning("the agent went away; it has %g s to come back", self._environment.recovery_timeout)
            self._out.start_timer(TimerKind.RECOVERY, self._environment.recovery_timeout)
        self.state = State.PAUSING
        self._out.start_timer(TimerKind.CONNECT, pause)

    def _give_up(self) -> None:
        self._shut_down_alone(f"not back within {self._environment.recovery_timeout:g} s")

    def _leave(self) -> bool:
        """Close what is open; return whether that was a subscription, of which the user is told."""
        self._out.stop_timers(
            *(TimerKind.CONNECT, TimerKind.SUBSCRIBE, TimerKind.LIVENESS),
            *(TimerKind.HEARTBEAT, TimerKind.RESEND),
        )
        self._outgoing.clear()
        if self._open:
            self._open = False
            self._out.add(CloseStream(self.attempt))
        subscribed = self.state is State.SUBSCRIBED
        if subscribed:
            self._invoke(events.Disconnected())
        return subscribed

    # Signs of life.

    def _alive(self) -> None:
        if not self._watched:
            self._watched = True
            self._out.start_timer(TimerKind.LIVENESS, self._silence)

    @property
    def _silence(self) -> float:
        return self._options.heartbeats_missed * self._options.heartbeat_interval

    def _look_for_life(self, now: float) -> None:
        left = self._heard + self._silence - now
        if self._congested or left > 0:
            self._out.start_timer(TimerKind.LIVENESS, self._silence if self._congested else left)
        else:
            self._pause(f"it said nothing for {self._silence:g} s, not even that it lives")

    def _set_congested(self, event: commands.Congested, now: float) -> None:
        self._congested = event.congested
        self._heard = now

    def _send_heartbeat(self) -> None:
        if not self._outgoing:
            self._outgoing.put(calls.heartbeat(self._framework_id, self._executor_id))
        self._out.start_timer(TimerKind.HEARTBEAT, self._options.heartbeat_interval)

    # What becomes of calls.

    def _call_done(self, event: commands.CallDone) -> None:
        if event.attempt == self.attempt and self._outgoing:
            self._outgoing.done()
            if self.state is State.FLUSHING:
                self._out.start_timer(TimerKind.FLUSH, self._options.flush_timeout)
                self._close_when_flushed()

    def _call_failed(self, event: commands.CallFailed) -> None:
        if event.attempt != self.attempt or not self._outgoing:
            return
        error, call = event.error, self._outgoing.current
        name = executor.Call.Type.Name(call.type)
        if isinstance(error, StatusError) and call.type == executor.Call.HEARTBEAT:
            self._out.stop_timers(TimerKind.HEARTBEAT)  # Agents before 1.8 do not know it.
            self._call_done(commands.CallDone(event.attempt))
        elif isinstance(error, StatusError) and error.next is Next.RETRY:
            _log.info("%s is sent again in %g s: %s", name, self._options.resend_pause, error)
            self._out.start_timer(TimerKind.RESEND, self._options.resend_pause)
        elif not isinstance(error, StatusError | ClientMisuse) or error.next is Next.RESUBSCRIBE:
            self._lost_calls(f"{name} failed: {error}")
        elif call.type == executor.Call.MESSAGE and error.next is Next.FIX:
            _log.error("a message of %d bytes is lost: %s", len(call.message.data), error)
            self._call_done(commands.CallDone(event.attempt))
        else:
            task = f" of task {call.update.status.task_id.value}" if call.HasField("update") else ""
            self._fail(f"the agent refused the {name}{task}: {error}")

    def _lost_calls(self, reason: str) -> None:
        if self.state is State.SUBSCRIBED:
            self._pause(reason)
            return
        _log.warning("the agent is gone: %s", reason)
        if self.state is State.SHUTTING_DOWN:
            self._leave()
            self.state = State.ORPHANED
            self._end_when_finished()
        else:
            self._close()

    # What the agent says.

    def _received(self, event: commands.EventsReceived, now: float) -> None:
        self._heard = now
        for each in event.events:
            if event.attempt != self.attempt or not self._open:
                return
            part = _PARTS.get(each.type)
            if part is not None and not each.HasField(part):  # type: ignore[arg-type]
                self._drop(each, "lacks what it announces")
            else:
                self._take(each)

    def _take(self, event: executor.Event) -> None:
        if event.type == _Event.ACKNOWLEDGED:
            self._acknowledged(event)
        elif self.status is not Status.RUNNING or self.state is State.SHUTTING_DOWN:
            return
        elif event.type == _Event.ERROR:
            self._fail(event.error.message)
        elif event.type == _Event.SHUTDOWN:
            _log.info("the agent asks to shut down")
            self._begin_shutdown(State.SHUTTING_DOWN)
        elif event.type == _Event.SUBSCRIBED:
            self._subscribed(event)
        elif self.state is not State.SUBSCRIBED:
            self._drop(event, f"came while {self.state.value}")
        elif event.type in self._told_of:
            self._told_of[event.type](event)

    def _drop(self, event: executor.Event, why: str) -> None:
        what = f"{_Event.Type.Name(event.type)}: {why}"
        self.dropped[what] += 1
        level = logging.WARNING if self.dropped[what] == 1 else logging.DEBUG
        _log.log(level, "dropped %s (%d so far)", what, self.dropped[what])

    def _subscribed(self, event: executor.Event) -> None:
        if self.state is not State.SUBSCRIBING:
            self._drop(event, f"came while {self.state.value}")
            return
        body = event.subscribed
        _log.info("subscribed with agent %s", body.agent_info.id.value or self._environment.agent_id)
        self.state = State.SUBSCRIBED
        self._watched = False
        self._out.stop_timers(TimerKind.SUBSCRIBE, TimerKind.RECOVERY)
        self._out.start_timer(TimerKind.HEARTBEAT, self._options.heartbeat_interval)
        self._outgoing.begin(self.attempt)
        for uuid, update in self.work.updates.items():
            if uuid not in self._told:
                self._put_update(update)
        if body.HasField("container_id"):
            self.container_id = body.container_id
        if self._known:
            self._invoke(events.Reregistered(body.agent_info))
        else:
            self._known = True
            self._invoke(events.Registered(body.executor_info, body.framework_info, body.agent_info))

    def _launch(self, event: executor.Event) -> None:
        task = event.launch.task
        if self.work.launched([task]):
            self._invoke(events.TaskLaunched(task))
        else:
            self._drop(event, "asks for a task a second time")

    def _launch_group(self, event: executor.Event) -> None:
        group = event.launch_group.task_group
        if self.work.launched(group.tasks):
            self._invoke(events.TaskGroupLaunched(group))
        else:
            self._drop(event, "asks for a task a second time")

    def _acknowledged(self, event: executor.Event) -> None:
        body = event.acknowledged
        if self.work.acknowledged(body.task_id, body.uuid):
            self._close_when_flushed()
        else:
            self._drop(event, "acknowledges no update of ours")

    # How it ends.

    def _shut_down_alone(self, reason: str) -> None:
        _log.warning("the agent: %s; shutting down", reason)
        self._leave()
        self._begin_shutdown(State.ORPHANED)

    def _begin_shutdown(self, state: State) -> None:
        if self.state is State.SUBSCRIBING and state is State.SHUTTING_DOWN:
            self._outgoing.begin(self.attempt)
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
        self._invoke(events.Shutdown())

    def _set_shutdown_returned(self) -> None:
        self._shutdown_returned = True
        self._end_when_finished()

    def _end_when_finished(self) -> None:
        """End once `shutdown` has returned and nothing is left to report."""
        if self._shutdown_returned and not self.work.unfinished:
            self._end(self._final_status())

    def _final_status(self) -> Status:
        return Status.ABORTED if self.state is State.ORPHANED else Status.STOPPED

    def _fail(self, reason: str) -> None:
        """End as failed because of what the agent said; nothing more can come of this subscription."""
        if self.status is Status.RUNNING:
            self._outgoing.clear()
            self._open, was_open = False, self._open
            if was_open:
                self._out.add(CloseStream(self.attempt))
            self._end(Status.ABORTED, reason)
        else:
            self._close()

    def _end(self, status: Status, reason: str | None = None) -> None:
        if self.status is Status.NOT_STARTED:
            return
        if self.status is not Status.RUNNING:
            if status is Status.STOPPED:
                self.status = status
            return
        self.status = status
        self._out.add(v0.Ended(status, reason))
        # An agent that wants us to end may acknowledge nothing any more, when its framework is gone.
        self._awaits_acknowledgements = self.state is State.SUBSCRIBED
        if self.state in (State.SUBSCRIBED, State.SHUTTING_DOWN) and self._due:
            self.state = State.FLUSHING
            self._out.stop_timers(TimerKind.LIVENESS, TimerKind.HEARTBEAT)
            self._out.start_timer(TimerKind.FLUSH, self._options.flush_timeout)
        else:
            self._close()

    @property
    def _due(self) -> bool:
        """Whether an end has to wait for answers or acknowledgements."""
        acknowledgements = self._awaits_acknowledgements and self._open and self.work.updates
        return bool(self._outgoing or acknowledgements)

    def _close_when_flushed(self) -> None:
        if self.state is State.FLUSHING and not self._due:
            self._close()

    def _flush_timed_out(self) -> None:
        _log.warning("%d updates were not acknowledged before the end", len(self.work.updates))
        self._close()

    def _close(self) -> None:
        if self.state is State.CLOSED:
            return
        self.state = State.CLOSED
        self._out.stop_timers(*TimerKind)
        self._outgoing.clear()
        if self._open:
            self._open = False
            self._out.add(CloseStream(self.attempt))
        self._out.add(v0.Close())

    def _timer_fired(self, event: commands.TimerFired, now: float) -> None:
        if self._out.is_current(event):
            self._timers[event.kind](now)

    def _invoke(self, event: events.Event) -> None:
        self._out.add(v0.Invoke(event))
