"""The executor's side of the v0 protocol as a pure state machine.

`ExecutorSession.handle(event, now)` takes what happened and returns the commands a shell must perform, in
order. It opens no socket, starts no thread and reads no clock, so a test or a simulation drives it with a
list. `now` is Unix time in seconds.

States mirror exec.cpp, with these differences, all towards keeping tasks alive:

- a control message is believed only when its sender is the agent (a reconnect request: only when it names
  our agent id); exec.cpp looks at neither;
- a second task with the id of one still unacknowledged is dropped and logged; exec.cpp dies of it;
- when a recovering agent goes away again before it has accepted us, we keep waiting for the rest of the
  recovery timeout; exec.cpp shuts down;
- after `shutdown` has returned, the session ends by itself as soon as every task launched has had a
  terminal update; exec.cpp waits for the kill at the end of the grace period;
- an end waits shortly for the acknowledgements of what was sent, where C++ executors sleep for a second.
"""

from __future__ import annotations

import enum
import logging
from collections import Counter
from collections.abc import Callable

from google.protobuf.message import Message
from mesos_messenger import UPID
from mesos_proto import devolve, evolve
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v1 import mesos_pb2 as v1

from . import events
from .commands import (
    Close,
    Command,
    Ended,
    Invoke,
    Link,
    LinkBroken,
    Received,
    Send,
    SendFrameworkMessage,
    SendStatusUpdate,
    SessionEvent,
    ShutdownReturned,
    Start,
    StartTimer,
    StartWatchdog,
    TimerFired,
    TimerKind,
)
from .environment import ExecutorEnvironment
from .errors import DriverMisuse
from .status import Status

_log = logging.getLogger("mesos.executor")

FLUSH_TIMEOUT = 3.0
"""Seconds that an end waits for acknowledgements still due."""

TERMINAL = frozenset(
    v1.TaskState.Value(f"TASK_{name}")
    for name in ("FINISHED", "FAILED", "KILLED", "LOST", "ERROR", "DROPPED", "GONE", "GONE_BY_OPERATOR")
)


class State(enum.Enum):
    """Where the session stands."""

    NEW = "not started"
    REGISTERING = "registering"
    CONNECTED = "connected"
    RECONNECTING = "waiting for the agent to come back"
    SHUTTING_DOWN = "shutting down at the agent's request"
    ORPHANED = "shutting down because the agent is gone"
    FLUSHING = "ended, waiting for acknowledgements"
    CLOSED = "closed"


_INERT = frozenset({State.NEW, State.SHUTTING_DOWN, State.ORPHANED, State.FLUSHING, State.CLOSED})
"""States in which the agent's messages, other than acknowledgements, mean nothing."""


class ExecutorSession:
    """One executor's conversation with its agent; `make_uuid` returns 16 random bytes of a version 4 UUID."""

    def __init__(self, environment: ExecutorEnvironment, own: UPID, make_uuid: Callable[[], bytes]) -> None:
        self.state = State.NEW
        self.status = Status.NOT_STARTED
        self.dropped: Counter[str] = Counter()
        self.updates: dict[bytes, internal.StatusUpdate] = {}
        self.tasks: dict[str, v0.TaskInfo] = {}
        self._environment = environment
        self._own = str(own)
        self._make_uuid = make_uuid
        self._agent = environment.agent
        self._framework_id = v0.FrameworkID(value=environment.framework_id)
        self._executor_id = v0.ExecutorID(value=environment.executor_id)
        self._agent_id = v0.SlaveID(value=environment.agent_id)
        self._generation = 0
        self._link = 0
        self._unfinished: set[str] = set()
        self._shutdown_returned = False
        self._commands: list[Command] = []
        self._handlers: dict[type, Callable[..., None]] = {
            internal.ExecutorRegisteredMessage: self._registered,
            internal.ExecutorReregisteredMessage: self._reregistered,
            internal.RunTaskMessage: self._run_task,
            internal.KillTaskMessage: self._kill_task,
            internal.StatusUpdateAcknowledgementMessage: self._acknowledged,
            internal.FrameworkToExecutorMessage: self._framework_message,
            internal.ShutdownExecutorMessage: self._shutdown,
        }

    @property
    def agent(self) -> UPID:
        """The agent's address; another one after an agent came back elsewhere."""
        return self._agent

    def handle(self, event: SessionEvent, now: float) -> list[Command]:
        """Take one event; return what to do, in order.

        Raises `DriverMisuse`, and changes nothing, for what the user must not send.
        """
        if isinstance(event, SendStatusUpdate):
            self._send_update(event.status, now)
        elif isinstance(event, Received):
            self._receive(event.sender, event.message)
        elif isinstance(event, SendFrameworkMessage):
            self._send_framework_message(event.data)
        elif isinstance(event, LinkBroken):
            self._link_broken(event.number)
        elif isinstance(event, TimerFired):
            self._timer_fired(event)
        elif isinstance(event, Start):
            self._start()
        elif isinstance(event, ShutdownReturned):
            self._shutdown_returned = True
            self._end_when_finished()
        else:
            self._end(event.status)
        commands, self._commands = self._commands, []
        return commands

    # What the user does.

    def _start(self) -> None:
        if self.state is not State.NEW:
            return
        self.state = State.REGISTERING
        self.status = Status.RUNNING
        self._link_agent(reconnect=False)
        self._send(
            internal.RegisterExecutorMessage(framework_id=self._framework_id, executor_id=self._executor_id)
        )

    def _send_update(self, status: v1.TaskStatus, now: float) -> None:
        check_status(status)
        if self.status is not Status.RUNNING:
            return
        uuid = self._make_uuid()
        reported = devolve(status)
        assert isinstance(reported, v0.TaskStatus)
        reported.uuid = uuid
        reported.timestamp = now
        reported.source = v0.TaskStatus.SOURCE_EXECUTOR
        reported.slave_id.CopyFrom(self._agent_id)
        update = internal.StatusUpdate(
            framework_id=self._framework_id,
            executor_id=self._executor_id,
            slave_id=self._agent_id,
            status=reported,
            timestamp=now,
            uuid=uuid,
        )
        self.updates[uuid] = update
        if status.state in TERMINAL:
            self._unfinished.discard(status.task_id.value)
        self._send(internal.StatusUpdateMessage(update=update, pid=self._own))
        self._end_when_finished()

    def _send_framework_message(self, data: bytes) -> None:
        check_message(data)
        if self.status is not Status.RUNNING:
            return
        self._send(
            internal.ExecutorToFrameworkMessage(
                slave_id=self._agent_id,
                framework_id=self._framework_id,
                executor_id=self._executor_id,
                data=data,
            )
        )

    # What the agent says.

    def _receive(self, sender: UPID, message: Message) -> None:
        if isinstance(message, internal.ReconnectExecutorMessage):
            if self.state not in _INERT:
                self._reconnect(sender, message)
            return
        handler = self._handlers.get(type(message))
        if handler is None:
            self._drop(message, "is not for executors")
        elif sender != self._agent:
            self._drop(message, f"is from {sender}, not from the agent {self._agent}")
        elif self.state not in _INERT or isinstance(message, internal.StatusUpdateAcknowledgementMessage):
            handler(message)

    def _drop(self, message: Message, why: str) -> None:
        name = type(message).__name__
        self.dropped[name] += 1
        level = logging.WARNING if self.dropped[name] == 1 else logging.DEBUG
        _log.log(level, "dropped %s (%d so far): it %s", name, self.dropped[name], why)

    def _registered(self, message: internal.ExecutorRegisteredMessage) -> None:
        _log.info("registered on agent %s", message.slave_id.value)
        self._connected()
        self._invoke(
            events.Registered(
                evolve(message.executor_info), evolve(message.framework_info), evolve(message.slave_info)
            )
        )

    def _reregistered(self, message: internal.ExecutorReregisteredMessage) -> None:
        _log.info("registered again on agent %s", message.slave_id.value)
        self._connected()
        self._invoke(events.Reregistered(evolve(message.slave_info)))

    def _connected(self) -> None:
        self.state = State.CONNECTED
        self._generation += 1

    def _reconnect(self, sender: UPID, message: internal.ReconnectExecutorMessage) -> None:
        if not sender or message.slave_id.value != self._environment.agent_id:
            self._drop(message, f"names agent {message.slave_id.value} at {sender or 'no address'}, not ours")
            return
        _log.info("the agent asks to reconnect, from %s", sender)
        self._agent = sender
        self._link_agent(reconnect=True)
        self._send(
            internal.ReregisterExecutorMessage(
                executor_id=self._executor_id,
                framework_id=self._framework_id,
                tasks=self.tasks.values(),
                updates=self.updates.values(),
            )
        )

    def _run_task(self, message: internal.RunTaskMessage) -> None:
        task_id = message.task.task_id.value
        if self.state is not State.CONNECTED:
            self._drop(message, f"asks for task {task_id} while {self.state.value}")
        elif task_id in self.tasks:
            self._drop(message, f"asks for task {task_id} a second time")
        else:
            self.tasks[task_id] = message.task
            self._unfinished.add(task_id)
            self._invoke(events.TaskLaunched(evolve(message.task)))

    def _kill_task(self, message: internal.KillTaskMessage) -> None:
        policy = evolve(message.kill_policy) if message.HasField("kill_policy") else None
        self._invoke(events.TaskKilled(evolve(message.task_id), policy))

    def _framework_message(self, message: internal.FrameworkToExecutorMessage) -> None:
        if self.state is State.CONNECTED:
            self._invoke(events.FrameworkMessage(message.data))
        else:
            self._drop(message, f"came while {self.state.value}")

    def _acknowledged(self, message: internal.StatusUpdateAcknowledgementMessage) -> None:
        if self.state in (State.REGISTERING, State.RECONNECTING):
            return
        if self.updates.pop(message.uuid, None) is None:
            self._drop(message, f"acknowledges no update of ours for task {message.task_id.value}")
            return
        self.tasks.pop(message.task_id.value, None)
        if self.state is State.FLUSHING and not self.updates:
            self._close()

    # How it ends.

    def _shutdown(self, message: internal.ShutdownExecutorMessage) -> None:
        _log.info("the agent asks to shut down")
        self._begin_shutdown(State.SHUTTING_DOWN)

    def _link_broken(self, number: int) -> None:
        if number != self._link or self.state in (State.NEW, State.CLOSED, State.ORPHANED):
            return
        if self.state is State.FLUSHING:
            self._close()
        elif self.state is State.SHUTTING_DOWN:
            self.state = State.ORPHANED
            self._end_when_finished()
        elif self.state is State.CONNECTED and self._environment.checkpoint:
            self.state = State.RECONNECTING
            seconds = self._environment.recovery_timeout
            _log.info("the agent went away; it has %g s to come back", seconds)
            self._start_timer(seconds, TimerKind.RECOVERY)
            self._invoke(events.Disconnected())
        elif self.state is State.RECONNECTING:
            _log.info("the agent went away while it was recovering; still waiting for it")
        else:
            _log.warning("the agent is gone; shutting down")
            if self.state is State.CONNECTED:
                self._invoke(events.Disconnected())
            self._begin_shutdown(State.ORPHANED)

    def _timer_fired(self, fired: TimerFired) -> None:
        if fired.kind is TimerKind.FLUSH:
            if self.state is State.FLUSHING:
                _log.warning("%d updates were not acknowledged before the end", len(self.updates))
                self._close()
        elif fired.kind is TimerKind.GRACE:
            self._end(self._final_status())
        elif self.state is State.RECONNECTING and fired.generation == self._generation:
            _log.warning("the agent did not come back in time; shutting down")
            self._begin_shutdown(State.ORPHANED)

    def _begin_shutdown(self, state: State) -> None:
        self.state = state
        seconds = self._environment.shutdown_grace_period
        if self._environment.local:
            self._start_timer(seconds, TimerKind.GRACE)
        else:
            self._commands.append(StartWatchdog(seconds))
        self._invoke(events.Shutdown())

    def _end_when_finished(self) -> None:
        """End once `shutdown` has returned and nothing is left to report."""
        if self._shutdown_returned and not self._unfinished:
            self._end(self._final_status())

    def _final_status(self) -> Status:
        return Status.ABORTED if self.state is State.ORPHANED else Status.STOPPED

    def _end(self, status: Status) -> None:
        if self.status is Status.NOT_STARTED:
            return
        if self.status is not Status.RUNNING:
            if status is Status.STOPPED:
                self.status = status
            return
        self.status = status
        self._commands.append(Ended(status))
        if self.updates and self.state in (State.CONNECTED, State.SHUTTING_DOWN):
            self.state = State.FLUSHING
            self._start_timer(FLUSH_TIMEOUT, TimerKind.FLUSH)
        else:
            self._close()

    def _close(self) -> None:
        self.state = State.CLOSED
        self._commands.append(Close())

    # Small words for the commands.

    def _link_agent(self, *, reconnect: bool) -> None:
        self._link += 1
        self._commands.append(Link(self._agent, self._link, reconnect))

    def _send(self, message: Message) -> None:
        self._commands.append(Send(self._agent, message))

    def _start_timer(self, seconds: float, kind: TimerKind) -> None:
        self._commands.append(StartTimer(seconds, TimerFired(kind, self._generation)))

    def _invoke(self, event: events.Event) -> None:
        self._commands.append(Invoke(event))


def check_status(status: v1.TaskStatus) -> None:
    """Raise `DriverMisuse` for a status that must not be sent: an agent shuts an executor down for
    TASK_STAGING, and the protocol requires a task id and a state."""
    if not isinstance(status, v1.TaskStatus):
        raise DriverMisuse(f"a status update is a mesos.v1.TaskStatus, not {type(status).__name__}")
    if not status.task_id.value:
        raise DriverMisuse("the status update names no task: set task_id.value")
    if not status.HasField("state"):
        raise DriverMisuse(f"the status update of task {status.task_id.value} has no state")
    if status.state == v1.TASK_STAGING:
        raise DriverMisuse("TASK_STAGING is for Mesos alone: an agent shuts down an executor that sends it")
    if not status.IsInitialized():
        missing = ", ".join(status.FindInitializationErrors())  # type: ignore[attr-defined]
        raise DriverMisuse(
            f"the status update of task {status.task_id.value} lacks required fields: {missing}"
        )


def check_message(data: bytes) -> None:
    """Raise `DriverMisuse` for what is no message."""
    if not isinstance(data, bytes):
        raise DriverMisuse(f"a framework message is bytes, not {type(data).__name__}")
