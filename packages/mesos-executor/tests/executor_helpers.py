"""What the tests of the executor share: an environment, an agent's messages, a session on a list."""

from __future__ import annotations

import itertools
from typing import TypeVar

from google.protobuf.message import Message
from mesos_executor.commands import (
    Command,
    Invoke,
    Received,
    Send,
    SendStatusUpdate,
    SessionEvent,
    Start,
)
from mesos_executor.environment import ExecutorEnvironment
from mesos_executor.events import Event
from mesos_executor.session import ExecutorSession
from mesos_messenger import UPID
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v1 import mesos_pb2 as v1

AGENT = UPID.parse("slave(1)@127.0.0.1:5051")
OWN = UPID.parse("executor(1)@127.0.0.1:40001")
NOW = 1_700_000_000.25

ENVIRON = {
    "MESOS_SLAVE_PID": str(AGENT),
    "MESOS_SLAVE_ID": "agent-S0",
    "MESOS_FRAMEWORK_ID": "framework-0001",
    "MESOS_EXECUTOR_ID": "default",
    "MESOS_DIRECTORY": "/sandbox",
    "MESOS_CHECKPOINT": "0",
}

M = TypeVar("M", bound=Message)
C = TypeVar("C")


def environment(**changes: str) -> ExecutorEnvironment:
    """Return the environment of the tests, with changes."""
    return ExecutorEnvironment.from_environ({**ENVIRON, **changes})


def agent_info() -> v0.SlaveInfo:
    return v0.SlaveInfo(hostname="agent.example", id=v0.SlaveID(value="agent-S0"))


def registered() -> internal.ExecutorRegisteredMessage:
    return internal.ExecutorRegisteredMessage(
        executor_info=v0.ExecutorInfo(
            executor_id=v0.ExecutorID(value="default"), command=v0.CommandInfo(value="./executor")
        ),
        framework_id=v0.FrameworkID(value="framework-0001"),
        framework_info=v0.FrameworkInfo(user="root", name="test"),
        slave_id=v0.SlaveID(value="agent-S0"),
        slave_info=agent_info(),
    )


def reregistered() -> internal.ExecutorReregisteredMessage:
    return internal.ExecutorReregisteredMessage(
        slave_id=v0.SlaveID(value="agent-S0"), slave_info=agent_info()
    )


def reconnect(agent_id: str = "agent-S0") -> internal.ReconnectExecutorMessage:
    return internal.ReconnectExecutorMessage(slave_id=v0.SlaveID(value=agent_id))


def run_task(task_id: str) -> internal.RunTaskMessage:
    return internal.RunTaskMessage(
        framework_id=v0.FrameworkID(value="framework-0001"),
        framework=v0.FrameworkInfo(user="root", name="test"),
        pid="scheduler@127.0.0.1:9",
        task=v0.TaskInfo(
            name=f"name of {task_id}",
            task_id=v0.TaskID(value=task_id),
            slave_id=v0.SlaveID(value="agent-S0"),
        ),
    )


def kill_task(task_id: str) -> internal.KillTaskMessage:
    return internal.KillTaskMessage(
        framework_id=v0.FrameworkID(value="framework-0001"), task_id=v0.TaskID(value=task_id)
    )


def framework_message(data: bytes) -> internal.FrameworkToExecutorMessage:
    return internal.FrameworkToExecutorMessage(
        slave_id=v0.SlaveID(value="agent-S0"),
        framework_id=v0.FrameworkID(value="framework-0001"),
        executor_id=v0.ExecutorID(value="default"),
        data=data,
    )


def acknowledge(update: internal.StatusUpdate) -> internal.StatusUpdateAcknowledgementMessage:
    return internal.StatusUpdateAcknowledgementMessage(
        slave_id=update.slave_id,
        framework_id=update.framework_id,
        task_id=update.status.task_id,
        uuid=update.uuid,
    )


def status(task_id: str, state: v1.TaskState.ValueType) -> v1.TaskStatus:
    return v1.TaskStatus(task_id=v1.TaskID(value=task_id), state=state)


class Conversation:
    """A session driven by a list; keeps every command it gave."""

    def __init__(self, **changes: str) -> None:
        numbers = itertools.count(1)
        self.session = ExecutorSession(environment(**changes), OWN, lambda: next(numbers).to_bytes(16, "big"))
        self.commands: list[Command] = []

    def handle(self, event: SessionEvent) -> list[Command]:
        commands = self.session.handle(event, NOW)
        self.commands += commands
        return commands

    def receive(self, message: Message, sender: UPID = AGENT) -> list[Command]:
        return self.handle(Received(sender, message))

    def update(self, task_id: str, state: v1.TaskState.ValueType) -> internal.StatusUpdate:
        """Report a state; return the update that went out."""
        commands = self.handle(SendStatusUpdate(status(task_id, state)))
        return sent(commands, internal.StatusUpdateMessage)[0].update


def connected(**changes: str) -> Conversation:
    """Return a conversation that has got as far as registration."""
    conversation = Conversation(**changes)
    conversation.handle(Start())
    conversation.receive(registered())
    return conversation


def sent(commands: list[Command], kind: type[M]) -> list[M]:
    """Return the messages of a type among commands."""
    return [
        command.message
        for command in commands
        if isinstance(command, Send) and isinstance(command.message, kind)
    ]


def invoked(commands: list[Command]) -> list[Event]:
    """Return what the user was told."""
    return [command.event for command in commands if isinstance(command, Invoke)]


def only(commands: list[Command], kind: type[C]) -> list[C]:
    """Return the commands of a kind."""
    return [command for command in commands if isinstance(command, kind)]
