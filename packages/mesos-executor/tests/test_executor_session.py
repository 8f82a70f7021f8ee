"""The session: registration, tasks, updates, messages."""

from __future__ import annotations

import pytest
from executor_helpers import (
    AGENT,
    NOW,
    OWN,
    Conversation,
    acknowledge,
    connected,
    framework_message,
    invoked,
    kill_task,
    only,
    registered,
    reregistered,
    run_task,
    sent,
    status,
)
from mesos_executor import DriverMisuse, Status, events
from mesos_executor.commands import (
    Link,
    LinkBroken,
    Received,
    Send,
    SendFrameworkMessage,
    SendStatusUpdate,
    Start,
)
from mesos_executor.session import State
from mesos_messenger import UPID
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v1 import mesos_pb2 as v1

STRANGER = UPID.parse("slave(1)@127.0.0.1:6666")


def test_start_links_the_agent_and_then_registers_once() -> None:
    conversation = Conversation()
    commands = conversation.handle(Start())
    assert commands == [
        Link(AGENT, 1, False),
        Send(
            AGENT,
            internal.RegisterExecutorMessage(
                framework_id=v0.FrameworkID(value="framework-0001"),
                executor_id=v0.ExecutorID(value="default"),
            ),
        ),
    ]
    assert conversation.session.status is Status.RUNNING
    assert conversation.handle(Start()) == []


def test_registration_is_told_in_v1_words() -> None:
    conversation = Conversation()
    conversation.handle(Start())
    (event,) = invoked(conversation.receive(registered()))
    assert isinstance(event, events.Registered)
    assert isinstance(event.agent_info, v1.AgentInfo)
    assert event.agent_info.hostname == "agent.example"
    assert event.executor_info.executor_id.value == "default"
    assert event.framework_info.name == "test"
    assert conversation.session.state is State.CONNECTED


def test_a_second_registration_is_told_again() -> None:
    conversation = connected()
    assert len(invoked(conversation.receive(registered()))) == 1


def test_tasks_kills_and_messages_reach_the_user_in_order() -> None:
    conversation = connected()
    conversation.receive(run_task("one"))
    conversation.receive(framework_message(b"a\0b"))
    conversation.receive(kill_task("one"))
    told = invoked(conversation.commands)[1:]
    assert isinstance(told[0], events.TaskLaunched)
    assert isinstance(told[0].task, v1.TaskInfo)
    assert (told[0].task.task_id.value, told[0].task.agent_id.value) == ("one", "agent-S0")
    assert told[1] == events.FrameworkMessage(b"a\0b")
    assert told[2] == events.TaskKilled(v1.TaskID(value="one"))


def test_before_registration_only_a_kill_reaches_the_user() -> None:
    conversation = Conversation()
    conversation.handle(Start())
    for message in (run_task("one"), framework_message(b"x"), kill_task("one")):
        conversation.receive(message)
    assert [type(event) for event in invoked(conversation.commands)] == [events.TaskKilled]
    assert conversation.session.dropped == {"RunTaskMessage": 1, "FrameworkToExecutorMessage": 1}


def test_a_task_is_launched_once() -> None:
    conversation = connected()
    conversation.receive(run_task("one"))
    assert conversation.receive(run_task("one")) == []
    assert conversation.session.dropped == {"RunTaskMessage": 1}


@pytest.mark.parametrize(
    "message",
    [registered(), reregistered(), run_task("x"), kill_task("x"), internal.ShutdownExecutorMessage()],
    ids=lambda message: type(message).__name__,
)
def test_only_the_agent_is_believed(message: object) -> None:
    conversation = connected()
    for sender in (STRANGER, UPID("", "0.0.0.0", 0)):
        assert conversation.handle(Received(sender, message)) == []  # type: ignore[arg-type]
    assert sum(conversation.session.dropped.values()) == 2
    assert conversation.session.state is State.CONNECTED


def test_a_message_for_others_is_dropped() -> None:
    conversation = connected()
    assert conversation.receive(internal.PingSlaveMessage(connected=True)) == []
    assert conversation.session.dropped == {"PingSlaveMessage": 1}


def test_a_status_update_carries_all_that_an_agent_asks_for() -> None:
    conversation = connected()
    given = status("one", v1.TASK_RUNNING)
    given.message = "going"
    given.uuid = b"x"
    (command,) = conversation.handle(SendStatusUpdate(given))
    assert isinstance(command, Send)
    assert command.upid == AGENT
    message = command.message
    assert isinstance(message, internal.StatusUpdateMessage)
    assert message.pid == str(OWN)
    update = message.update
    assert update.framework_id.value == "framework-0001"
    assert update.executor_id.value == "default"
    assert update.slave_id.value == update.status.slave_id.value == "agent-S0"
    assert update.uuid == update.status.uuid == (1).to_bytes(16, "big")
    assert update.timestamp == update.status.timestamp == NOW
    assert update.status.source == v0.TaskStatus.SOURCE_EXECUTOR
    assert update.status.message == "going"
    assert given.uuid == b"x", "the user's message is left alone"


def test_updates_are_sent_while_not_connected_too() -> None:
    conversation = Conversation()
    assert conversation.handle(SendStatusUpdate(status("one", v1.TASK_RUNNING))) == []
    conversation.handle(Start())
    conversation.update("one", v1.TASK_RUNNING)
    assert len(conversation.session.updates) == 1


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (v1.TaskStatus(state=v1.TASK_RUNNING), "names no task"),
        (v1.TaskStatus(task_id=v1.TaskID(value=""), state=v1.TASK_RUNNING), "names no task"),
        (v1.TaskStatus(task_id=v1.TaskID(value="one")), "has no state"),
        (status("one", v1.TASK_STAGING), "TASK_STAGING"),
    ],
)
def test_an_update_no_agent_accepts_is_refused_at_once(given: v1.TaskStatus, why: str) -> None:
    conversation = connected()
    with pytest.raises(DriverMisuse, match=why):
        conversation.handle(SendStatusUpdate(given))
    assert conversation.session.updates == {}
    assert conversation.update("one", v1.TASK_RUNNING).status.state == v0.TASK_RUNNING


def test_an_acknowledgement_forgets_the_update_and_the_task() -> None:
    conversation = connected()
    conversation.receive(run_task("one"))
    first = conversation.update("one", v1.TASK_RUNNING)
    second = conversation.update("one", v1.TASK_FINISHED)
    assert conversation.receive(acknowledge(first)) == []
    assert conversation.session.tasks == {}
    assert list(conversation.session.updates) == [second.uuid]
    conversation.receive(acknowledge(first))
    assert conversation.session.dropped == {"StatusUpdateAcknowledgementMessage": 1}


def test_an_acknowledgement_while_disconnected_is_ignored() -> None:
    conversation = connected(MESOS_CHECKPOINT="1")
    update = conversation.update("one", v1.TASK_RUNNING)
    conversation.handle(LinkBroken(1))
    conversation.receive(acknowledge(update))
    assert list(conversation.session.updates) == [update.uuid]


def test_a_framework_message_goes_to_the_agent() -> None:
    conversation = connected()
    commands = conversation.handle(SendFrameworkMessage(b"\0\xff"))
    (message,) = sent(commands, internal.ExecutorToFrameworkMessage)
    assert message.data == b"\0\xff"
    assert message.slave_id.value == "agent-S0"
    assert message.framework_id.value == "framework-0001"
    assert message.executor_id.value == "default"
    assert only(commands, Send)[0].upid == AGENT
