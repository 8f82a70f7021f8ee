"""What the tests of the v1 executor share: an agent's events, a session on a list."""

from __future__ import annotations

import itertools
from typing import TypeVar

from executor_helpers import ENVIRON, NOW, status
from mesos_executor import commands as v0
from mesos_executor.events import Event
from mesos_executor.v1 import HttpExecutorEnvironment, HttpExecutorOptions, HttpExecutorSession
from mesos_executor.v1.commands import (
    CallDone,
    CallFailed,
    Command,
    EventsReceived,
    OpenStream,
    SendCall,
    SessionEvent,
    StartTimer,
    StreamEnded,
    TimerKind,
)
from mesos_http import MesosHttpError
from mesos_proto.v1 import executor_pb2 as executor
from mesos_proto.v1 import mesos_pb2 as mesos

Call = executor.Call
E = executor.Event
C = TypeVar("C")


def environment(**changes: str) -> HttpExecutorEnvironment:
    """Return the environment of the tests, with changes."""
    return HttpExecutorEnvironment.from_environ({**ENVIRON, **changes})


def subscribed() -> E:
    event = E(type=E.SUBSCRIBED)
    body = event.subscribed
    body.executor_info.executor_id.value = "default"
    body.executor_info.command.value = "./executor"
    body.framework_info.CopyFrom(mesos.FrameworkInfo(user="root", name="test"))
    body.agent_info.CopyFrom(mesos.AgentInfo(hostname="agent.example", id=mesos.AgentID(value="agent-S0")))
    body.container_id.value = "container-1"
    return event


def task_info(task_id: str) -> mesos.TaskInfo:
    return mesos.TaskInfo(
        name=f"name of {task_id}",
        task_id=mesos.TaskID(value=task_id),
        agent_id=mesos.AgentID(value="agent-S0"),
    )


def launch(task_id: str) -> E:
    return E(type=E.LAUNCH, launch=E.Launch(task=task_info(task_id)))


def launch_group(*task_ids: str) -> E:
    group = mesos.TaskGroupInfo(tasks=[task_info(each) for each in task_ids])
    return E(type=E.LAUNCH_GROUP, launch_group=E.LaunchGroup(task_group=group))


def kill(task_id: str, seconds: int | None = None) -> E:
    event = E(type=E.KILL, kill=E.Kill(task_id=mesos.TaskID(value=task_id)))
    if seconds is not None:
        event.kill.kill_policy.grace_period.nanoseconds = seconds * 1_000_000_000
    return event


def message(data: bytes) -> E:
    return E(type=E.MESSAGE, message=E.Message(data=data))


def acknowledged(update: mesos.TaskStatus) -> E:
    return E(type=E.ACKNOWLEDGED, acknowledged=E.Acknowledged(task_id=update.task_id, uuid=update.uuid))


def error(text: str) -> E:
    return E(type=E.ERROR, error=E.Error(message=text))


SHUTDOWN = E(type=E.SHUTDOWN)
HEARTBEAT = E(type=E.HEARTBEAT)


class Conversation:
    """A session driven by a list; keeps every command it gave, and the newest timer of each kind."""

    def __init__(
        self, *, uniform: float = 0.5, options: HttpExecutorOptions | None = None, **changes: str
    ) -> None:
        numbers = itertools.count(1)
        self.session = HttpExecutorSession(
            environment(**changes), lambda: next(numbers).to_bytes(16, "big"), options, lambda: uniform
        )
        self.now = NOW
        self.commands: list[Command] = []
        self.timers: dict[TimerKind, StartTimer] = {}

    def handle(self, event: SessionEvent) -> list[Command]:
        commands = self.session.handle(event, self.now)
        self.commands += commands
        for command in only(commands, StartTimer):
            self.timers[command.fired.kind] = command
        return commands

    @property
    def attempt(self) -> int:
        """The number of the newest attempt."""
        return only(self.commands, OpenStream)[-1].attempt

    def receive(self, *received: E) -> list[Command]:
        return self.handle(EventsReceived(self.attempt, received))

    def end_stream(self, error: MesosHttpError | None = None) -> list[Command]:
        return self.handle(StreamEnded(self.attempt, error))

    def done(self) -> list[Command]:
        return self.handle(CallDone(self.attempt))

    def fail(self, error: MesosHttpError) -> list[Command]:
        return self.handle(CallFailed(self.attempt, error))

    def fire(self, kind: TimerKind) -> list[Command]:
        return self.handle(self.timers[kind].fired)

    def update(self, task_id: str, state: mesos.TaskState.ValueType) -> list[Command]:
        return self.handle(v0.SendStatusUpdate(status(task_id, state)))

    def message(self, data: bytes) -> list[Command]:
        return self.handle(v0.SendFrameworkMessage(data))


def connected(**changes: str) -> Conversation:
    """Return a conversation that has got as far as SUBSCRIBED."""
    conversation = Conversation(**changes)
    conversation.handle(v0.Start())
    conversation.receive(subscribed())
    return conversation


def checkpointing(**changes: str) -> Conversation:
    """The same with checkpointing."""
    return connected(
        MESOS_CHECKPOINT="1",
        MESOS_RECOVERY_TIMEOUT="10mins",
        MESOS_SUBSCRIPTION_BACKOFF_MAX="2secs",
        **changes,
    )


def only(commands: list[Command], kind: type[C]) -> list[C]:
    """Return the commands of a kind."""
    return [command for command in commands if isinstance(command, kind)]


def invoked(commands: list[Command]) -> list[Event]:
    """Return what the user was told."""
    return [command.event for command in only(commands, v0.Invoke)]


def sent(commands: list[Command]) -> list[Call]:
    """Return the calls."""
    return [command.call for command in only(commands, SendCall)]


def states(commands: list[Command]) -> list[tuple[str, int]]:
    """Return (task, state) of each update sent."""
    found = [call.update.status for call in sent(commands) if call.type == Call.UPDATE]
    return [(each.task_id.value, each.state) for each in found]
