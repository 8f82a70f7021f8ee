"""Each message an executor handles, one field hostile at a time: nothing raises, the session lives on."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from executor_agent import DEADLINE, FakeAgent
from executor_helpers import (
    AGENT,
    NOW,
    OWN,
    environment,
    framework_message,
    kill_task,
    reconnect,
    registered,
    reregistered,
    run_task,
)
from google.protobuf.message import Message
from mesos_executor import Executor, MesosExecutorDriver, Status, events
from mesos_executor._shell import _MESSAGES
from mesos_executor.commands import Command, Invoke, Received, Send, SendStatusUpdate, Start
from mesos_executor.session import ExecutorSession, State
from mesos_messenger.mutations import as_handled, mutations
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v1 import mesos_pb2 as v1

UUID = bytes(range(16))


def full_task() -> internal.RunTaskMessage:
    """A task with what schedulers put into one."""
    message = run_task("t1")
    task = message.task
    task.resources.add(name="cpus", type=v0.Value.SCALAR).scalar.value = 1.0
    task.data = b"data"
    task.labels.labels.add(key="k", value="v")
    task.command.environment.variables.add(name="N", value="V")
    task.kill_policy.grace_period.nanoseconds = 1
    task.container.type = v0.ContainerInfo.DOCKER
    task.container.docker.image = "image"
    return message


SAMPLES: dict[str, Message] = {
    "registered": registered(),
    "reregistered": reregistered(),
    "reconnect": reconnect(),
    "run": full_task(),
    "kill": kill_task("t0"),
    "acknowledgement": internal.StatusUpdateAcknowledgementMessage(
        slave_id=v0.SlaveID(value="agent-S0"),
        framework_id=v0.FrameworkID(value="framework-0001"),
        task_id=v0.TaskID(value="t0"),
        uuid=UUID,
    ),
    "message": framework_message(b"hello"),
    "shutdown": internal.ShutdownExecutorMessage(
        framework_id=v0.FrameworkID(value="framework-0001"), executor_id=v0.ExecutorID(value="default")
    ),
}


def test_there_is_a_sample_of_every_message() -> None:
    assert {type(sample) for sample in SAMPLES.values()} == set(_MESSAGES)


def begin(state: State) -> ExecutorSession:
    """A session in some state, with one task that has sent an update."""
    session = ExecutorSession(environment(MESOS_CHECKPOINT="1"), OWN, lambda: UUID)
    session.handle(Start(), NOW)
    if state is not State.REGISTERING:
        session.handle(Received(AGENT, registered()), NOW)
        session.handle(Received(AGENT, run_task("t0")), NOW)
        session.handle(
            SendStatusUpdate(v1.TaskStatus(task_id=v1.TaskID(value="t0"), state=v1.TASK_RUNNING)), NOW
        )
    assert session.state is state
    return session


def use(result: list[Command]) -> list[events.Event]:
    """Do with commands what a shell and its logs do; give what a user is told."""
    told = []
    for command in result:
        if isinstance(command, Send):
            command.message.SerializeToString()
        elif isinstance(command, Invoke):
            repr(command.event)
            assert events.size(command.event) > 0
            told.append(command.event)
    return told


@pytest.mark.parametrize("state", [State.REGISTERING, State.CONNECTED])
@pytest.mark.parametrize("name", SAMPLES)
def test_a_hostile_field_neither_raises_nor_ends_what_goes_on(name: str, state: State) -> None:
    sample = SAMPLES[name]
    count = 0
    for what, body in mutations(sample):
        message = as_handled(type(sample), body)
        if message is None:
            continue
        count += 1
        session = begin(state)
        use(session.handle(Received(AGENT, message), NOW))
        assert session.status is Status.RUNNING, what
        if state is State.CONNECTED and name != "shutdown":
            after = use(session.handle(Received(AGENT, run_task("after")), NOW))
            assert [type(event) for event in after] == [events.TaskLaunched], what
        if name != "shutdown":
            use(session.handle(Received(AGENT, reconnect()), NOW))
    assert count > 3


def test_a_huge_event_counts_as_huge() -> None:
    huge = "x" * (1 << 20)
    assert events.size(events.TaskKilled(v1.TaskID(value=huge))) > 1 << 20


class _Raw:
    """Stands for a message whose serialized form is what a test says."""

    def __init__(self, sample: Message, body: bytes) -> None:
        self.DESCRIPTOR = sample.DESCRIPTOR
        self._body = body

    def SerializeToString(self) -> bytes:
        return self._body


def send_raw(agent: FakeAgent, sample: Message, body: bytes) -> None:
    """Send a body as it is."""
    raw: Any = type("Raw", (_Raw,), {})(sample, body)
    agent.send(raw)


class Names(Executor):
    """Keeps the names of the tasks launched, until the last one."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.last = threading.Event()

    def launch_task(self, driver: Any, task: v1.TaskInfo) -> None:
        self.names.append(task.task_id.value + "/" + task.name)
        if task.task_id.value == "last":
            self.last.set()


def test_over_a_socket_the_driver_lives_on() -> None:
    executor = Names()
    with FakeAgent() as agent:
        driver = MesosExecutorDriver(executor, agent.environ(MESOS_LOCAL="1"))
        driver.start()
        agent.expect(internal.RegisterExecutorMessage)
        task = run_task("t1")
        task.task.name = "caf\x02"
        body = task.SerializeToString()
        send_raw(agent, task, body.replace(b"caf\x02", b"caf\xe9"))
        send_raw(agent, task, body[:-1])
        send_raw(agent, task, b"\xff" * 40)
        kill = kill_task("t1").SerializeToString()
        send_raw(agent, kill_task("t1"), kill.replace(b"t1", b"\xff\xff"))
        agent.send(run_task("last"))
        assert executor.last.wait(DEADLINE)
        assert executor.names == ["t1/caf\ufffd", "last/name of last"]
        driver.stop()
        assert driver.join(DEADLINE) is Status.STOPPED
