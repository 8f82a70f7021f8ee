"""The v1 session: tasks, updates and messages, in order, while the agent is there."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from executor_helpers import NOW, status
from executor_v1_helpers import (
    HEARTBEAT,
    SHUTDOWN,
    Call,
    Conversation,
    E,
    acknowledged,
    connected,
    invoked,
    kill,
    launch,
    launch_group,
    message,
    only,
    sent,
    states,
    subscribed,
)
from mesos_executor import DriverMisuse, Status, events
from mesos_executor import commands as v0
from mesos_executor.v1 import State, calls
from mesos_executor.v1.commands import OpenStream, TimerKind
from mesos_http import BadRequest, ClientMisuse, Forbidden, Unavailable
from mesos_proto.v1 import mesos_pb2 as mesos

RUNNING, FINISHED, KILLED = mesos.TASK_RUNNING, mesos.TASK_FINISHED, mesos.TASK_KILLED


def test_the_first_call_subscribes_with_nothing_to_tell() -> None:
    conversation = Conversation()
    (opened,) = only(conversation.handle(v0.Start()), OpenStream)
    assert opened.call == calls.subscribe(
        mesos.FrameworkID(value="framework-0001"), mesos.ExecutorID(value="default")
    )
    assert conversation.session.state is State.SUBSCRIBING
    assert conversation.handle(v0.Start()) == []
    (told,) = invoked(conversation.receive(subscribed()))
    assert isinstance(told, events.Registered)
    assert told.agent_info.hostname == "agent.example" and told.framework_info.name == "test"
    assert conversation.session.container_id == mesos.ContainerID(value="container-1")
    assert conversation.session.status is Status.RUNNING


def test_what_the_agent_says_reaches_the_user_in_order() -> None:
    conversation = connected()
    told = invoked(
        conversation.receive(launch("a"), launch_group("b", "c"), message(b"\0x"), kill("a", 7), kill("b"))
    )
    assert [type(each) for each in told] == [
        events.TaskLaunched,
        events.TaskGroupLaunched,
        events.FrameworkMessage,
        events.TaskKilled,
        events.TaskKilled,
    ]
    assert list(conversation.session.work.tasks) == ["a", "b", "c"]
    with_policy, without = told[3:]
    assert isinstance(with_policy, events.TaskKilled) and isinstance(without, events.TaskKilled)
    assert with_policy.kill_policy is not None
    assert with_policy.kill_policy.grace_period.nanoseconds == 7_000_000_000
    assert without == events.TaskKilled(mesos.TaskID(value="b"), None)


def test_an_update_says_who_when_and_which() -> None:
    conversation = connected()
    conversation.receive(launch("a"))
    (call,) = sent(conversation.update("a", RUNNING))
    assert (call.type, call.framework_id.value, call.executor_id.value) == (
        Call.UPDATE,
        "framework-0001",
        "default",
    )
    reported = call.update.status
    assert reported.source == mesos.TaskStatus.SOURCE_EXECUTOR
    assert (reported.executor_id.value, reported.agent_id.value) == ("default", "agent-S0")
    assert reported.timestamp == NOW
    assert uuid.UUID(bytes=reported.uuid).int == 1


def test_a_call_waits_for_the_one_before_it() -> None:
    conversation = connected()
    assert states(conversation.update("a", RUNNING)) == [("a", RUNNING)]
    assert sent(conversation.message(b"between")) == []
    assert sent(conversation.update("a", FINISHED)) == []
    (second,) = sent(conversation.done())
    assert second.message.data == b"between"
    assert states(conversation.done()) == [("a", FINISHED)]
    assert sent(conversation.done()) == []


def test_acknowledgements_free_updates_and_tasks() -> None:
    conversation = connected()
    conversation.receive(launch("a"))
    conversation.update("a", RUNNING)
    conversation.update("a", FINISHED)
    work = conversation.session.work
    first, second = [each.status for each in work.updates.values()]
    conversation.receive(acknowledged(first))
    assert work.tasks == {} and list(work.updates) == [second.uuid]
    conversation.receive(acknowledged(first))
    assert conversation.session.dropped == {"ACKNOWLEDGED: acknowledges no update of ours": 1}
    conversation.receive(acknowledged(second))
    assert work.updates == {}


def test_what_the_user_changes_later_is_not_told_to_the_agent() -> None:
    conversation = connected()
    (told,) = invoked(conversation.receive(launch("a")))
    assert isinstance(told, events.TaskLaunched)
    told.task.name = "changed"
    mine = status("a", RUNNING)
    conversation.handle(v0.SendStatusUpdate(mine))
    mine.state = FINISHED
    work = conversation.session.work
    assert work.tasks["a"].name == "name of a"
    assert [each.status.state for each in work.updates.values()] == [RUNNING]


def test_a_task_or_a_group_that_is_in_hand_is_not_launched_again() -> None:
    conversation = connected()
    conversation.receive(launch("a"), launch("b"))
    assert invoked(conversation.receive(launch("a"))) == []
    assert invoked(conversation.receive(launch_group("c", "a"))) == []
    assert list(conversation.session.work.tasks) == ["a", "b"]
    assert conversation.session.dropped.total() == 2


def test_a_call_refused_for_now_is_repeated_before_all_others() -> None:
    conversation = connected()
    conversation.update("a", RUNNING)
    conversation.update("a", FINISHED)
    assert sent(conversation.fail(Unavailable(503, "Agent has not finished recovery"))) == []
    assert states(conversation.fire(TimerKind.RESEND)) == [("a", RUNNING)]
    assert states(conversation.done()) == [("a", FINISHED)]


def test_a_message_that_is_refused_is_lost_alone() -> None:
    conversation = connected()
    conversation.message(b"too much")
    conversation.update("a", RUNNING)
    assert states(conversation.fail(BadRequest(400, "no"))) == [("a", RUNNING)]
    assert conversation.session.status is Status.RUNNING


@pytest.mark.parametrize(
    "error", [BadRequest(400, "Not a valid UUID"), Forbidden(403, "claims"), ClientMisuse("a header")]
)
def test_an_update_that_is_refused_ends_the_driver_with_the_reason(error: Any) -> None:
    conversation = connected()
    conversation.update("a", RUNNING)
    commands = conversation.fail(error)
    (ended,) = only(commands, v0.Ended)
    assert ended.status is Status.ABORTED
    assert ended.reason is not None
    assert ended.reason.startswith("the UPDATE of task a ") and ended.reason.endswith(f": {error}")
    assert conversation.session.state is State.CLOSED


def test_heartbeats_go_out_when_nothing_else_does() -> None:
    conversation = connected()
    (call,) = sent(conversation.fire(TimerKind.HEARTBEAT))
    assert call.type == Call.HEARTBEAT
    assert sent(conversation.fire(TimerKind.HEARTBEAT)) == [], "one is still on its way"
    conversation.done()
    # An agent before 1.8 does not know it, and is spared from then on.
    conversation.fire(TimerKind.HEARTBEAT)
    timer = conversation.timers[TimerKind.HEARTBEAT]
    assert conversation.fail(BadRequest(400, "Expecting 'type' to be present")) == []
    assert conversation.handle(timer.fired) == []
    assert states(conversation.update("a", RUNNING)) == [("a", RUNNING)]


@pytest.mark.parametrize(
    "event", [launch("a"), launch_group("a"), kill("a"), message(b"x"), HEARTBEAT], ids=lambda e: e.type
)
def test_nothing_comes_before_subscribed(event: E) -> None:
    conversation = Conversation()
    conversation.handle(v0.Start())
    assert invoked(conversation.receive(event)) == []
    assert conversation.session.dropped.total() == 1
    assert len(invoked(conversation.receive(subscribed()))) == 1


def test_subscribed_comes_once() -> None:
    conversation = connected()
    assert conversation.receive(subscribed()) == []
    assert conversation.session.dropped == {"SUBSCRIBED: came while subscribed": 1}


@pytest.mark.parametrize("kind", [E.SUBSCRIBED, E.LAUNCH, E.LAUNCH_GROUP, E.KILL, E.MESSAGE, E.ERROR])
def test_an_event_without_what_it_announces_is_dropped(kind: E.Type.ValueType) -> None:
    conversation = connected()
    assert conversation.receive(E(type=kind)) == []
    assert conversation.session.dropped.total() == 1
    assert conversation.session.status is Status.RUNNING


@pytest.mark.parametrize(
    "data", [b"\x08\x02\x22\x00", b"\x08\x03\x2a\x00"], ids=["launch without task", "kill without id"]
)
def test_an_event_without_what_it_requires_is_dropped(data: bytes) -> None:
    event = E()
    event.MergeFromString(data)
    conversation = connected()
    assert conversation.receive(event) == []
    assert conversation.session.dropped.total() == 1


def test_events_of_a_kind_not_known_are_ignored() -> None:
    conversation = connected()
    later = E.FromString(b"\x08\x63")  # type 99
    assert conversation.receive(E(), later, E(type=E.UNKNOWN)) == []
    assert invoked(conversation.receive(message(b"x"))) == [events.FrameworkMessage(b"x")]


def test_misuse_raises_and_changes_nothing() -> None:
    conversation = connected()
    incomplete = status("a", RUNNING)
    incomplete.container_status.network_infos.add().port_mappings.add()
    for wrong, text in [
        (status("a", mesos.TASK_STAGING), "TASK_STAGING"),
        (status("", RUNNING), "names no task"),
        (incomplete, "lacks required fields"),
    ]:
        with pytest.raises(DriverMisuse, match=text):
            conversation.handle(v0.SendStatusUpdate(wrong))
    with pytest.raises(DriverMisuse, match="is bytes, not str"):
        conversation.handle(v0.SendFrameworkMessage("text"))  # type: ignore[arg-type]
    assert conversation.session.work.updates == {}
    assert states(conversation.update("a", RUNNING)) == [("a", RUNNING)]


def test_before_the_start_and_after_the_end_calls_do_nothing() -> None:
    conversation = Conversation()
    assert conversation.update("a", RUNNING) == conversation.message(b"x") == []
    assert conversation.handle(v0.End(Status.STOPPED)) == []
    conversation.handle(v0.Start())
    conversation.receive(subscribed())
    conversation.handle(v0.End(Status.ABORTED))
    assert conversation.session.state is State.CLOSED
    assert conversation.update("a", RUNNING) == conversation.message(b"x") == []
    assert conversation.receive(launch("a"), SHUTDOWN) == []
    assert conversation.end_stream() == conversation.done() == []
    for timer in list(conversation.timers.values()):
        assert conversation.handle(timer.fired) == []
    assert conversation.handle(v0.End(Status.STOPPED)) == []
    assert conversation.session.status is Status.STOPPED
