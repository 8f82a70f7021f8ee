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

import logging
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from mesos_http import ClientMisuse, Next, StatusError
from mesos_proto.v1 import executor_pb2 as executor
from mesos_proto.v1 import mesos_pb2 as mesos

from .. import commands as v0
from .. import events
from ..session import check_message, check_status
from ..status import Status
from . import commands
from ._connection import Connection, State
from ._outbox import Outbox
from ._work import Work
from .commands import Command, SessionEvent, TimerKind
from .environment import HttpExecutorEnvironment
from .options import HttpExecutorOptions

_log = logging.getLogger("mesos.executor")
_Call = executor.Call
_Event = executor.Event
_PARTS: dict[int, str] = {
    number: name.lower()
    for name, number in _Event.Type.items()
    if name.lower() in _Event.DESCRIPTOR.fields_by_name
}


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
        self.container_id: mesos.ContainerID | None = None
        self.dropped: Counter[str] = Counter()
        self.work = Work(environment.base, make_uuid)
        self._options = options or HttpExecutorOptions()
        self._out = Outbox()
        self._connection = Connection(environment, self._options, self.work, self._out, uniform)
        connection = self._connection
        self._handlers: dict[type, Callable[[Any, float], None]] = {
            commands.EventsReceived: self._received,
            commands.CallDone: lambda e, now: self._call_done(e),
            v0.SendStatusUpdate: lambda e, now: self._send_update(e.status, now),
            v0.SendFrameworkMessage: lambda e, now: self._send_message(e.data),
            commands.TimerFired: self._timer_fired,
            commands.StreamEnded: lambda e, now: self._stream_ended(e),
            commands.CallFailed: lambda e, now: self._call_failed(e),
            commands.Congested: lambda e, now: connection.set_congested(e.congested, now),
            v0.Start: lambda e, now: connection.start(),
            v0.ShutdownReturned: lambda e, now: connection.shutdown_returned(),
            v0.End: lambda e, now: connection.end(e.status),
        }
        self._timers: dict[TimerKind, Callable[[float], None]] = {
            TimerKind.CONNECT: lambda now: connection.subscribe(),
            TimerKind.SUBSCRIBE: lambda now: connection.timed_out(),
            TimerKind.RECOVERY: lambda now: connection.give_up(),
            TimerKind.LIVENESS: connection.liveness_due,
            TimerKind.HEARTBEAT: lambda now: connection.heartbeat_due(),
            TimerKind.RESEND: lambda now: connection.outgoing.again(),
            TimerKind.GRACE: lambda now: connection.end_shutdown(),
            TimerKind.FLUSH: lambda now: connection.flush_timed_out(),
        }
        self._told_of: dict[int, Callable[[executor.Event], None]] = {
            _Event.LAUNCH: self._launch,
            _Event.LAUNCH_GROUP: self._launch_group,
            _Event.KILL: self._kill,
            _Event.MESSAGE: lambda event: self._invoke(events.FrameworkMessage(event.message.data)),
            _Event.HEARTBEAT: lambda event: connection.alive(),
        }

    @property
    def state(self) -> State:
        """Where the session stands with its agent."""
        return self._connection.state

    @property
    def status(self) -> Status:
        """The driver's status."""
        return self._connection.status

    @property
    def queued(self) -> int:
        """Bytes of messages that wait to be sent."""
        return self._connection.outgoing.size

    def handle(self, event: SessionEvent, now: float) -> list[Command]:
        """Take one event; return what to do, in order.

        Raises `DriverMisuse`, and changes nothing, for what the user must not send.
        """
        self._handlers[type(event)](event, now)
        return self._out.take()

    def _timer_fired(self, event: commands.TimerFired, now: float) -> None:
        if self._out.is_current(event):
            self._timers[event.kind](now)

    # What the user does.

    def _send_update(self, status: mesos.TaskStatus, now: float) -> None:
        check_status(status)
        connection = self._connection
        if connection.status is Status.RUNNING:
            update = self.work.reported(status, now)
            if connection.takes_calls:
                connection.put_update(update)
            connection.end_when_finished()

    def _send_message(self, data: bytes) -> None:
        check_message(data)
        connection = self._connection
        if connection.status is not Status.RUNNING:
            return
        if connection.takes_calls:
            connection.put_message(data)
        else:
            _log.warning("a message of %d bytes is dropped: the driver is %s", len(data), self.state.value)

    # What becomes of the stream and of calls.

    def _stream_ended(self, event: commands.StreamEnded) -> None:
        if event.attempt == self._connection.attempt and self._connection.open:
            self._connection.stream_ended(event.error)

    def _call_done(self, event: commands.CallDone) -> None:
        if event.attempt == self._connection.attempt and self._connection.outgoing:
            self._connection.call_over()

    def _call_failed(self, event: commands.CallFailed) -> None:
        connection, error = self._connection, event.error
        if event.attempt != connection.attempt or not connection.outgoing:
            return
        call = connection.outgoing.current
        name = _Call.Type.Name(call.type)
        if isinstance(error, StatusError) and call.type == _Call.HEARTBEAT:
            self._out.stop_timers(TimerKind.HEARTBEAT)  # Agents before 1.8 do not know it.
            connection.call_over()
        elif isinstance(error, StatusError) and error.next is Next.RETRY:
            _log.info("%s is sent again in %g s: %s", name, self._options.resend_pause, error)
            self._out.start_timer(TimerKind.RESEND, self._options.resend_pause)
        elif not isinstance(error, StatusError | ClientMisuse) or error.next is Next.RESUBSCRIBE:
            connection.calls_lost(f"{name} failed: {error}")
        elif call.type == _Call.MESSAGE and error.next is Next.FIX:
            _log.error("a message of %d bytes is lost: %s", len(call.message.data), error)
            connection.call_over()
        else:
            task = f" of task {call.update.status.task_id.value}" if call.HasField("update") else ""
            verb = "could not be sent" if isinstance(error, ClientMisuse) else "was refused by the agent"
            connection.fail(f"the {name}{task} {verb}: {error}")

    # What the agent says.

    def _received(self, received: commands.EventsReceived, now: float) -> None:
        connection = self._connection
        connection.heard(now)
        for event in received.events:
            if received.attempt != connection.attempt or not connection.open:
                return
            part = _PARTS.get(event.type)
            if part is not None and not event.HasField(part):  # type: ignore[arg-type]
                self._drop(event, "lacks what it announces")
            elif not event.IsInitialized():
                self._drop(event, "lacks required fields")
            else:
                self._take(event)

    def _take(self, event: executor.Event) -> None:
        connection = self._connection
        if event.type == _Event.ACKNOWLEDGED:
            self._acknowledged(event)
        elif connection.status is not Status.RUNNING or connection.state is State.SHUTTING_DOWN:
            return
        elif event.type == _Event.ERROR:
            connection.fail(event.error.message)
        elif event.type == _Event.SHUTDOWN:
            connection.shut_down()
        elif event.type == _Event.SUBSCRIBED and connection.state is State.SUBSCRIBING:
            self._subscribed(event.subscribed)
        elif connection.state is not State.SUBSCRIBED or event.type == _Event.SUBSCRIBED:
            self._drop(event, f"came while {connection.state.value}")
        elif event.type in self._told_of:
            self._told_of[event.type](event)

    def _drop(self, event: executor.Event, why: str) -> None:
        what = f"{_Event.Type.Name(event.type)}: {why}"
        self.dropped[what] += 1
        level = logging.WARNING if self.dropped[what] == 1 else logging.DEBUG
        _log.log(level, "dropped %s (%d so far)", what, self.dropped[what])

    def _subscribed(self, body: executor.Event.Subscribed) -> None:
        again = self._connection.known
        _log.info("subscribed with agent %s", body.agent_info.id.value)
        self._connection.subscribed()
        if body.HasField("container_id"):
            self.container_id = body.container_id
        if again:
            self._invoke(events.Reregistered(body.agent_info))
        else:
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

    def _kill(self, event: executor.Event) -> None:
        kill = event.kill
        policy = kill.kill_policy if kill.HasField("kill_policy") else None
        self._invoke(events.TaskKilled(kill.task_id, policy))

    def _acknowledged(self, event: executor.Event) -> None:
        body = event.acknowledged
        if self.work.acknowledged(body.task_id, body.uuid):
            self._connection.close_when_flushed()
        else:
            self._drop(event, "acknowledges no update of ours")

    def _invoke(self, event: events.Event) -> None:
        self._out.add(v0.Invoke(event))
