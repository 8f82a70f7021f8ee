"""The session: agents that go and come back, shutdown, and ends."""

from __future__ import annotations

import pytest
from executor_helpers import (
    AGENT,
    Conversation,
    acknowledge,
    connected,
    framework_message,
    invoked,
    kill_task,
    only,
    reconnect,
    reregistered,
    run_task,
    sent,
    status,
)
from mesos_executor import Status, events
from mesos_executor.commands import (
    Close,
    End,
    Ended,
    Invoke,
    Link,
    LinkBroken,
    SendFrameworkMessage,
    SendStatusUpdate,
    ShutdownReturned,
    Start,
    StartTimer,
    StartWatchdog,
    TimerFired,
    TimerKind,
)
from mesos_executor.session import FLUSH_TIMEOUT, State
from mesos_messenger import UPID
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v1 import mesos_pb2 as v1

RECOVERY = {"MESOS_CHECKPOINT": "1", "MESOS_RECOVERY_TIMEOUT": "90secs"}
MOVED = UPID.parse("slave(1)@127.0.0.1:5999")


def timer(conversation: Conversation) -> StartTimer:
    return only(conversation.commands, StartTimer)[-1]


# The agent goes away.


@pytest.mark.parametrize("checkpoint", ["0", "1"])
def test_agent_lost_before_registration_means_shutdown(checkpoint: str) -> None:
    conversation = Conversation(MESOS_CHECKPOINT=checkpoint)
    conversation.handle(Start())
    assert conversation.handle(LinkBroken(1)) == [StartWatchdog(5.0), *told(events.Shutdown())]


def test_agent_lost_without_checkpointing_means_shutdown() -> None:
    conversation = connected(MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD="2secs")
    conversation.receive(run_task("one"))
    commands = conversation.handle(LinkBroken(1))
    assert commands == [*told(events.Disconnected()), StartWatchdog(2.0), *told(events.Shutdown())]
    conversation.update("one", v1.TASK_KILLED)
    assert conversation.handle(ShutdownReturned()) == [Ended(Status.ABORTED), Close()]


def test_agent_lost_with_checkpointing_is_waited_for() -> None:
    conversation = connected(**RECOVERY)
    commands = conversation.handle(LinkBroken(1))
    fired = TimerFired(TimerKind.RECOVERY, 1)
    assert commands == [StartTimer(90.0, fired), *told(events.Disconnected())]
    assert conversation.handle(fired) == [StartWatchdog(5.0), *told(events.Shutdown())]
    assert conversation.handle(ShutdownReturned()) == [Ended(Status.ABORTED), Close()]


def test_a_restarted_agent_gets_what_it_has_not_acknowledged() -> None:
    conversation = connected(**RECOVERY)
    for task_id in ("one", "two", "three"):
        conversation.receive(run_task(task_id))
    conversation.receive(acknowledge(conversation.update("one", v1.TASK_RUNNING)))
    second = conversation.update("two", v1.TASK_RUNNING)
    third = conversation.update("one", v1.TASK_FINISHED)
    conversation.handle(LinkBroken(1))
    fourth = conversation.update("two", v1.TASK_FINISHED)
    commands = conversation.receive(reconnect(), sender=MOVED)
    assert only(commands, Link) == [Link(MOVED, 2, True)]
    (message,) = sent(commands, internal.ReregisterExecutorMessage)
    assert message.executor_id.value == "default"
    assert message.framework_id.value == "framework-0001"
    assert [task.task_id.value for task in message.tasks] == ["two", "three"]
    assert list(message.updates) == [second, third, fourth]

    (event,) = invoked(conversation.receive(reregistered(), sender=MOVED))
    assert isinstance(event, events.Reregistered)
    assert event.agent_info.hostname == "agent.example"
    assert conversation.session.state is State.CONNECTED
    conversation.receive(run_task("four"), sender=MOVED)
    assert isinstance(invoked(conversation.commands)[-1], events.TaskLaunched)


def test_the_timer_of_an_earlier_connection_means_nothing() -> None:
    conversation = connected(**RECOVERY)
    conversation.handle(LinkBroken(1))
    first = timer(conversation)
    conversation.receive(reconnect())
    conversation.receive(reregistered())
    assert conversation.handle(first.fired) == []
    conversation.handle(LinkBroken(2))
    second = timer(conversation)
    assert first.fired != second.fired
    assert conversation.handle(first.fired) == []
    assert conversation.session.state is State.RECONNECTING
    assert invoked(conversation.handle(second.fired)) == [events.Shutdown()]


def test_the_loss_of_a_replaced_link_means_nothing() -> None:
    conversation = connected(**RECOVERY)
    conversation.receive(reconnect())
    assert conversation.handle(LinkBroken(1)) == []
    assert conversation.session.state is State.CONNECTED


def test_an_agent_that_dies_while_recovering_is_still_waited_for() -> None:
    conversation = connected(**RECOVERY)
    conversation.handle(LinkBroken(1))
    fired = timer(conversation).fired
    conversation.receive(reconnect())
    assert conversation.handle(LinkBroken(2)) == []
    assert invoked(conversation.handle(fired)) == [events.Shutdown()]


def test_each_request_to_reconnect_is_answered() -> None:
    conversation = connected(**RECOVERY)
    for number in (2, 3):
        commands = conversation.receive(reconnect())
        assert only(commands, Link) == [Link(AGENT, number, True)]
        assert len(sent(commands, internal.ReregisterExecutorMessage)) == 1


def test_a_request_to_reconnect_from_another_agent_is_dropped() -> None:
    conversation = connected(**RECOVERY)
    assert conversation.receive(reconnect("agent-S1"), sender=MOVED) == []
    assert conversation.receive(reconnect(), sender=UPID("", "0.0.0.0", 0)) == []
    assert conversation.session.agent == AGENT


# Shutdown.


def test_shutdown_starts_the_watchdog_first_and_then_tells_the_user() -> None:
    conversation = connected(MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD="7secs")
    commands = conversation.receive(internal.ShutdownExecutorMessage())
    assert commands == [StartWatchdog(7.0), *told(events.Shutdown())]
    for message in (run_task("x"), kill_task("x"), framework_message(b"x"), reconnect(), reregistered()):
        assert conversation.receive(message) == []
    assert conversation.receive(internal.ShutdownExecutorMessage()) == []


def test_shutdown_with_nothing_left_to_report_ends_the_driver() -> None:
    conversation = connected()
    conversation.receive(internal.ShutdownExecutorMessage())
    assert conversation.handle(ShutdownReturned()) == [Ended(Status.STOPPED), Close()]
    assert conversation.session.status is Status.STOPPED


def test_shutdown_waits_for_the_last_update_of_each_task_and_its_acknowledgement() -> None:
    conversation = connected()
    conversation.receive(run_task("one"))
    conversation.receive(run_task("two"))
    conversation.receive(internal.ShutdownExecutorMessage())
    first = conversation.update("one", v1.TASK_KILLED)
    assert conversation.handle(ShutdownReturned()) == []
    conversation.update("two", v1.TASK_KILLING)
    assert conversation.session.status is Status.RUNNING
    conversation.update("two", v1.TASK_KILLED)
    assert conversation.session.status is Status.STOPPED
    assert conversation.session.state is State.FLUSHING
    updates = list(conversation.session.updates.values())
    assert updates[0] == first
    for update in updates[:-1]:
        assert conversation.receive(acknowledge(update)) == []
    assert conversation.receive(acknowledge(updates[-1])) == [Close()]


def test_an_agent_that_dies_during_shutdown_ends_the_waiting() -> None:
    conversation = connected()
    conversation.receive(internal.ShutdownExecutorMessage())
    conversation.update("one", v1.TASK_KILLED)
    assert conversation.handle(LinkBroken(1)) == []
    assert conversation.handle(ShutdownReturned()) == [Ended(Status.ABORTED), Close()]


def test_a_local_executor_never_kills_its_process_group() -> None:
    conversation = connected(MESOS_LOCAL="1", MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD="2secs")
    conversation.receive(run_task("one"))
    commands = conversation.receive(internal.ShutdownExecutorMessage())
    fired = TimerFired(TimerKind.GRACE, 1)
    assert commands == [StartTimer(2.0, fired), *told(events.Shutdown())]
    assert conversation.handle(fired) == [Ended(Status.STOPPED), Close()]


# Stop and abort.


@pytest.mark.parametrize("final", [Status.STOPPED, Status.ABORTED])
def test_an_end_waits_for_acknowledgements_due(final: Status) -> None:
    conversation = connected()
    update = conversation.update("one", v1.TASK_FINISHED)
    commands = conversation.handle(End(final))
    assert commands == [Ended(final), StartTimer(FLUSH_TIMEOUT, TimerFired(TimerKind.FLUSH, 1))]
    assert conversation.receive(run_task("two")) == []
    assert conversation.receive(acknowledge(update)) == [Close()]
    assert conversation.handle(timer(conversation).fired) == []
    assert conversation.session.status is final


def test_an_end_waits_no_longer_than_the_flush_timeout() -> None:
    conversation = connected()
    conversation.update("one", v1.TASK_FINISHED)
    conversation.handle(End(Status.STOPPED))
    assert conversation.handle(timer(conversation).fired) == [Close()]


def test_an_end_does_not_wait_for_an_agent_that_is_gone() -> None:
    conversation = connected()
    conversation.update("one", v1.TASK_FINISHED)
    conversation.handle(End(Status.STOPPED))
    assert conversation.handle(LinkBroken(1)) == [Close()]
    away = connected(**RECOVERY)
    away.update("one", v1.TASK_FINISHED)
    away.handle(LinkBroken(1))
    assert away.handle(End(Status.STOPPED)) == [Ended(Status.STOPPED), Close()]


def test_nothing_is_sent_after_the_end() -> None:
    conversation = connected()
    assert conversation.handle(End(Status.STOPPED)) == [Ended(Status.STOPPED), Close()]
    assert conversation.handle(SendStatusUpdate(status("one", v1.TASK_RUNNING))) == []
    assert conversation.handle(SendFrameworkMessage(b"x")) == []
    assert conversation.handle(LinkBroken(1)) == []
    assert conversation.handle(ShutdownReturned()) == []


def test_only_the_first_end_counts_but_an_aborted_driver_can_be_stopped() -> None:
    conversation = connected()
    conversation.handle(End(Status.ABORTED))
    assert conversation.handle(End(Status.ABORTED)) == []
    assert conversation.handle(End(Status.STOPPED)) == []
    assert conversation.session.status is Status.STOPPED
    conversation.handle(End(Status.ABORTED))
    assert conversation.session.status is Status.STOPPED


def test_an_end_before_the_start_does_nothing() -> None:
    conversation = Conversation()
    assert conversation.handle(End(Status.STOPPED)) == []
    assert conversation.session.status is Status.NOT_STARTED


def told(event: events.Event) -> list[object]:
    return [Invoke(event)]
