"""Offers, updates, acknowledgements, calls, reconciliation, old masters."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from mesos_messenger import UPID
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as v0_scheduler
from mesos_proto.v1 import mesos_pb2 as v1
from mesos_scheduler import DriverMisuse, SessionOptions, commands, events
from scheduler_helpers import (
    AGENT,
    FRAMEWORK_ID,
    MASTER,
    OTHER_MASTER,
    UUID,
    Driven,
    calls,
    framework,
    launch,
    master_info,
    offer,
    registered,
    sent,
    task,
    told,
    update,
)

Call = v0_scheduler.Call
Event = v0_scheduler.Event
RECONCILIATION = commands.TimerKind.RECONCILIATION


def offers(*numbers: int, pid: str = str(AGENT)) -> internal.ResourceOffersMessage:
    return internal.ResourceOffersMessage(
        offers=[offer(number) for number in numbers], pids=[pid for _ in numbers]
    )


def accept(*operations: v1.Offer.Operation, offer_id: str = "O1") -> commands.AcceptOffers:
    return commands.AcceptOffers([v1.OfferID(value=offer_id)], operations, v1.Filters(refuse_seconds=3))


def acknowledgements(result: Iterable[events.Event]) -> list[events.Acknowledgement]:
    return [
        event.acknowledgement
        for event in result
        if isinstance(event, events.StatusUpdate) and event.acknowledgement is not None
    ]


# Updates.


def test_an_update_is_acknowledged_after_its_callback_and_not_before() -> None:
    driven = Driven().connect()
    result = driven.receive(update())
    assert calls(result) == []
    (event,) = told(result)
    assert isinstance(event, events.StatusUpdate)
    assert event.status.uuid == UUID and event.status.agent_id.value == "S1"
    assert event.status.executor_id.value == "E1" and event.status.timestamp == 5.0
    (call,) = calls(driven.do(commands.Handled(acknowledgements([event]))))
    assert call.type == Call.ACKNOWLEDGE and call.framework_id.value == FRAMEWORK_ID
    assert call.acknowledge.uuid == UUID
    assert call.acknowledge.slave_id.value == "S1" and call.acknowledge.task_id.value == "t1"


@pytest.mark.parametrize("pid", [None, "", "@0.0.0.0:0"])
def test_an_update_of_the_masters_own_needs_none(pid: str | None) -> None:
    (event,) = told(Driven().connect().receive(update(pid=pid)))
    assert isinstance(event, events.StatusUpdate)
    assert event.acknowledgement is None and not event.status.HasField("uuid")


def test_a_uuid_in_the_status_alone_is_not_shown() -> None:
    message = update(uuid=b"")
    message.update.status.uuid = UUID
    (event,) = told(Driven().connect().receive(message))
    assert isinstance(event, events.StatusUpdate)
    assert event.acknowledgement is None and not event.status.HasField("uuid")


def test_acknowledgements_of_a_batch_leave_together() -> None:
    driven = Driven().connect()
    result = driven.receive(*[update(f"t{number}") for number in range(5)])
    (deliver,) = result
    assert isinstance(deliver, commands.Deliver) and len(deliver.events) == 5 and deliver.size > 5 * 50
    (send,) = driven.do(commands.Handled(acknowledgements(deliver.events)))
    assert isinstance(send, commands.Send) and len(send.messages) == 5


def test_while_disconnected_nothing_is_acknowledged() -> None:
    driven = Driven().connect()
    due = acknowledgements(told(driven.receive(update())))
    driven.do(commands.MasterDetected(None))
    assert driven.do(commands.Handled(due)) == []


def test_updates_count_only_from_the_leader_while_connected_and_about_us() -> None:
    driven = Driven()
    driven.detect()
    assert told(driven.receive(update())) == []
    driven.receive(registered())
    assert driven.receive(update(), sender=OTHER_MASTER) == []
    assert driven.receive(update(framework_id="another")) == []
    assert sum(driven.session.dropped.values()) == 3


def test_explicit_acknowledgements() -> None:
    driven = Driven(options=SessionOptions(implicit_acknowledgements=False)).connect()
    (due,) = acknowledgements(told(driven.receive(update())))
    assert driven.do(commands.Handled([due])) == []
    call = commands.AcknowledgeStatusUpdate(due)
    driven.session.check(call)
    assert calls(driven.do(call))[0].acknowledge.uuid == UUID
    nothing = commands.AcknowledgeStatusUpdate(events.Acknowledgement("S1", "t1", b""))
    assert driven.do(nothing) == []


def test_explicit_acknowledgement_of_what_the_driver_acknowledges_is_misuse() -> None:
    driven = Driven().connect()
    with pytest.raises(DriverMisuse, match="implicit_acknowledgements=False"):
        driven.session.check(commands.AcknowledgeStatusUpdate(events.Acknowledgement("S1", "t1", UUID)))


# Offers and what is done with them.


def test_offers_and_their_withdrawal() -> None:
    driven = Driven().connect()
    (event,) = told(driven.receive(offers(1, 2)))
    assert isinstance(event, events.ResourceOffers)
    assert [offer.id.value for offer in event.offers] == ["O1", "O2"]
    assert told(driven.receive(offers())) == []
    rescind = internal.RescindResourceOfferMessage(offer_id=v0.OfferID(value="O1"))
    assert told(driven.receive(rescind)) == [events.OfferRescinded(v1.OfferID(value="O1"))]
    broken = offers(3)
    broken.pids.append("x")
    assert driven.receive(broken) == []


def test_launching_remembers_where_the_agent_is() -> None:
    driven = Driven().connect()
    message = commands.SendFrameworkMessage(v1.ExecutorID(value="E"), v1.AgentID(value="S1"), b"\0x")
    (call,) = calls(driven.do(message))
    assert call.type == Call.MESSAGE and call.message.data == b"\0x"
    driven.receive(offers(1))
    (call,) = calls(driven.do(accept(launch(task()))))
    assert call.type == Call.ACCEPT and call.accept.filters.refuse_seconds == 3
    assert call.accept.operations[0].launch.task_infos[0].slave_id.value == "S1"
    (direct,) = driven.do(message)
    assert isinstance(direct, commands.Send) and direct.upid == AGENT
    (body,) = direct.messages
    assert isinstance(body, internal.FrameworkToExecutorMessage) and body.data == b"\0x"
    lost = internal.LostSlaveMessage(slave_id=v0.SlaveID(value="S1"))
    assert told(driven.receive(lost)) == [events.AgentLost(v1.AgentID(value="S1"))]
    assert calls(driven.do(message))[0].type == Call.MESSAGE


@pytest.mark.parametrize("aware", [False, True])
def test_launching_while_disconnected_loses_each_task(aware: bool) -> None:
    kinds = v1.FrameworkInfo.Capability
    capabilities = [kinds(type=kinds.PARTITION_AWARE)] if aware else []
    driven = Driven(framework(capabilities=capabilities)).connect()
    driven.do(commands.MasterDetected(None))
    group = v1.Offer.Operation(type=v1.Offer.Operation.LAUNCH_GROUP)
    group.launch_group.task_group.tasks.append(task("t3"))
    command = task("t2")
    command.command.value = "true"
    result = driven.do(accept(launch(task("t1"), command), group))
    assert sent(result) == []
    statuses = [event.status for event in told(result) if isinstance(event, events.StatusUpdate)]
    assert [status.task_id.value for status in statuses] == ["t1", "t2", "t3"]
    assert {status.state for status in statuses} == {v1.TASK_DROPPED if aware else v1.TASK_LOST}
    assert {status.reason for status in statuses} == {v1.TaskStatus.REASON_MASTER_DISCONNECTED}
    assert len(driven.session.tasks) == 0


def test_an_operation_with_an_id_is_misuse() -> None:
    operation = launch(task())
    operation.id.value = "x"
    with pytest.raises(DriverMisuse, match="feedback"):
        Driven().connect().session.check(accept(operation))


def test_every_other_call() -> None:
    driven = Driven().connect()
    made = [
        commands.DeclineOffers([v1.OfferID(value="O1")], v1.Filters()),
        commands.AnswerInverseOffers([v1.OfferID(value="I1")], v1.Filters(), True),
        commands.AnswerInverseOffers([v1.OfferID(value="I1")], v1.Filters(), False),
        commands.ReviveOffers(["r"]),
        commands.SuppressOffers([]),
        commands.KillTask(v1.TaskID(value="t")),
        commands.ShutdownExecutor(v1.ExecutorID(value="e"), v1.AgentID(value="S1")),
        commands.RequestResources([v1.Request()]),
        commands.ReconcileTasks([]),
    ]
    kinds = []
    for call in made:
        driven.session.check(call)
        (message,) = calls(driven.do(call))
        assert message.framework_id.value == FRAMEWORK_ID and message.IsInitialized()
        kinds.append(Call.Type.Name(message.type))
    assert kinds == [
        "DECLINE",
        "ACCEPT_INVERSE_OFFERS",
        "DECLINE_INVERSE_OFFERS",
        "REVIVE",
        "SUPPRESS",
        "KILL",
        "SHUTDOWN",
        "REQUEST",
        "RECONCILE",
    ]
    driven.do(commands.MasterDetected(None))
    assert all(sent(driven.do(call)) == [] for call in made)


def test_suppression_while_disconnected_is_made_up_for() -> None:
    driven = Driven(framework(roles=["a", "b"]))
    driven.detect()
    driven.do(commands.SuppressOffers([]))
    driven.do(commands.ReviveOffers(["a"]))
    (call,) = calls(driven.fire(commands.TimerKind.REGISTRATION))
    assert list(call.subscribe.suppressed_roles) == ["b"]
    (call,) = calls(driven.receive(registered()))
    assert call.type == Call.UPDATE_FRAMEWORK
    assert list(call.update_framework.suppressed_roles) == ["b"]


def test_update_framework() -> None:
    driven = Driven()
    change = commands.UpdateFramework(framework(id=v1.FrameworkID(value="x")), ["a"], None)
    with pytest.raises(DriverMisuse, match="registered"):
        driven.session.check(change)
    driven.connect()
    with pytest.raises(DriverMisuse, match="not 'x'"):
        driven.session.check(change)
    info = framework(id=v1.FrameworkID(value=FRAMEWORK_ID), user="", failover_timeout=9.0)
    (call,) = calls(driven.do(commands.UpdateFramework(info, ["a"], None)))
    assert call.type == Call.UPDATE_FRAMEWORK
    assert call.update_framework.framework_info.failover_timeout == 9.0
    assert call.update_framework.framework_info.user == "nobody"
    assert list(call.update_framework.suppressed_roles) == ["a"]
    driven.do(commands.MasterDetected(OTHER_MASTER, master_info()))
    assert calls(driven.take())[-1].subscribe.framework_info.failover_timeout == 9.0


# What else masters and agents say.


def test_executor_lost_and_framework_messages() -> None:
    driven = Driven().connect()
    exited = internal.ExitedExecutorMessage(
        slave_id=v0.SlaveID(value="S1"),
        framework_id=v0.FrameworkID(value=FRAMEWORK_ID),
        executor_id=v0.ExecutorID(value="E"),
        status=9,
    )
    message = internal.ExecutorToFrameworkMessage(
        slave_id=v0.SlaveID(value="S1"),
        framework_id=v0.FrameworkID(value=FRAMEWORK_ID),
        executor_id=v0.ExecutorID(value="E"),
        data=b"a\0b",
    )
    executor, agent = v1.ExecutorID(value="E"), v1.AgentID(value="S1")
    assert told(driven.receive(exited)) == [events.ExecutorLost(executor, agent, 9)]
    expected = [events.FrameworkMessage(executor, agent, b"a\0b")]
    assert told(driven.receive(message, sender=AGENT)) == expected


def test_inverse_offers() -> None:
    driven = Driven().connect()
    message = internal.InverseOffersMessage(pids=[str(AGENT)])
    inverse = message.inverse_offers.add()
    inverse.id.value = "I1"
    inverse.framework_id.value = FRAMEWORK_ID
    inverse.unavailability.start.nanoseconds = 1
    (event,) = told(driven.receive(message))
    assert isinstance(event, events.InverseOffers) and event.inverse_offers[0].id.value == "I1"
    gone = internal.RescindInverseOfferMessage(inverse_offer_id=v0.OfferID(value="I1"))
    assert told(driven.receive(gone)) == [events.InverseOfferRescinded(v1.OfferID(value="I1"))]


def generic(kind: v0_scheduler.Event.Type.ValueType) -> v0_scheduler.Event:
    return Event(type=kind)


def test_the_generic_events() -> None:
    driven = Driven()
    driven.detect()
    subscribed = generic(Event.SUBSCRIBED)
    subscribed.subscribed.framework_id.value = FRAMEWORK_ID
    (event,) = told(driven.receive(subscribed))
    assert isinstance(event, events.Registered) and event.master_info.id == "m"

    offered = generic(Event.OFFERS)
    offered.offers.offers.append(offer(1))
    url = offered.offers.offers[0].url
    url.scheme, url.path, url.address.ip, url.address.port = "http", "/slave(1)", "10.0.0.9", 5051
    assert isinstance(told(driven.receive(offered))[0], events.ResourceOffers)
    driven.do(accept(launch(task())))
    message = commands.SendFrameworkMessage(v1.ExecutorID(value="E"), v1.AgentID(value="S1"), b"")
    (direct,) = driven.do(message)
    assert isinstance(direct, commands.Send) and direct.upid == UPID("slave(1)", "10.0.0.9", 5051)

    updated = generic(Event.UPDATE)
    updated.update.status.CopyFrom(update().update.status)
    updated.update.status.uuid = UUID
    assert len(acknowledgements(told(driven.receive(updated)))) == 1

    failed = generic(Event.FAILURE)
    failed.failure.slave_id.value = "S1"
    assert isinstance(told(driven.receive(failed))[0], events.AgentLost)
    failed.failure.executor_id.value = "E"
    assert isinstance(told(driven.receive(failed))[0], events.ExecutorLost)

    said = generic(Event.MESSAGE)
    said.message.slave_id.value, said.message.executor_id.value, said.message.data = "S1", "E", b"x"
    assert isinstance(told(driven.receive(said))[0], events.FrameworkMessage)

    assert driven.receive(generic(Event.HEARTBEAT)) == []
    assert driven.receive(generic(Event.UNKNOWN)) == []

    wrong = generic(Event.ERROR)
    wrong.error.message = "no"
    assert any(isinstance(command, commands.Ended) for command in driven.receive(wrong))


# Reconciliation.


def test_after_registering_again_every_known_task_is_asked_for_until_answered() -> None:
    driven = Driven().connect()
    driven.receive(offers(1))
    driven.do(accept(launch(task("t1"), task("t2"))))
    driven.do(commands.LinkBroken(driven.links[-1].number))
    everything, explicit = calls(driven.receive(registered()))
    assert len(everything.reconcile.tasks) == 0
    assert [(t.task_id.value, t.slave_id.value) for t in explicit.reconcile.tasks] == [
        ("t1", "S1"),
        ("t2", "S1"),
    ]
    driven.receive(update("t1", uuid=b"", pid=None))
    assert driven.timers[RECONCILIATION].seconds == 2.0
    (again,) = calls(driven.fire(RECONCILIATION))
    assert [t.task_id.value for t in again.reconcile.tasks] == ["t2"]
    assert driven.timers[RECONCILIATION].seconds == 4.0
    driven.receive(update("t2", v0.TASK_LOST, uuid=b"", pid=None))
    assert calls(driven.fire(RECONCILIATION)) == []
    assert list(driven.session.tasks) == ["t1"]


def test_a_new_framework_asks_for_nothing() -> None:
    driven = Driven()
    driven.detect()
    assert calls(driven.receive(registered())) == []


def test_reconciliation_can_be_left_out_or_repeated() -> None:
    off = Driven(framework(id=v1.FrameworkID(value=FRAMEWORK_ID)), SessionOptions(reconcile=False))
    off.detect()
    assert calls(off.receive(registered())) == []
    driven = Driven(options=SessionOptions(reconcile_interval=50.0)).connect()
    driven.do(accept(launch(task("t1"))))
    (call,) = calls(driven.fire(RECONCILIATION))
    assert [t.task_id.value for t in call.reconcile.tasks] == ["t1"]
    driven.receive(update("t1"))
    assert calls(driven.fire(RECONCILIATION))[0].reconcile.tasks[0].task_id.value == "t1"
    driven.receive(update("t1", v0.TASK_FINISHED))
    assert calls(driven.fire(RECONCILIATION)) == []
    assert driven.timers[RECONCILIATION].seconds == 50.0


# Old masters.


def test_a_master_of_0_23_gets_the_messages_of_its_time() -> None:
    driven = Driven()
    driven.detect("0.23.1")
    assert isinstance(sent(driven.take())[0], internal.RegisterFrameworkMessage)
    answer = registered()
    answer.master_info.version = "0.23.1"
    driven.receive(answer)
    driven.receive(offers(1))

    def one(event: commands.SessionEvent) -> object:
        (message,) = sent(driven.do(event))
        assert message.IsInitialized()
        return message

    launched = one(accept(launch(task())))
    assert isinstance(launched, internal.LaunchTasksMessage) and len(launched.tasks) == 1
    declined = one(commands.DeclineOffers([v1.OfferID(value="O2")], v1.Filters()))
    assert isinstance(declined, internal.LaunchTasksMessage) and not declined.tasks
    assert isinstance(one(commands.ReviveOffers(())), internal.ReviveOffersMessage)
    assert isinstance(one(commands.KillTask(v1.TaskID(value="t"))), internal.KillTaskMessage)
    assert isinstance(one(commands.RequestResources([v1.Request()])), internal.ResourceRequestMessage)
    statuses = [v1.TaskStatus(task_id=v1.TaskID(value="t"))]
    assert isinstance(one(commands.ReconcileTasks(statuses)), internal.ReconcileTasksMessage)
    message = commands.SendFrameworkMessage(v1.ExecutorID(value="E"), v1.AgentID(value="S7"), b"")
    assert isinstance(one(message), internal.FrameworkToExecutorMessage)
    due = acknowledgements(told(driven.receive(update())))
    (send,) = driven.do(commands.Handled(due))
    assert isinstance(send, commands.Send) and send.upid == MASTER
    assert isinstance(send.messages[0], internal.StatusUpdateAcknowledgementMessage)
    reserve = v1.Offer.Operation(type=v1.Offer.Operation.RESERVE)
    assert isinstance(one(accept(reserve)), v0_scheduler.Call)
    assert isinstance(one(commands.Stop(False)), internal.UnregisterFrameworkMessage)


def test_a_known_framework_registers_again_with_an_old_master() -> None:
    driven = Driven(framework(id=v1.FrameworkID(value=FRAMEWORK_ID)))
    driven.detect("0.22.0")
    (message,) = sent(driven.take())
    assert isinstance(message, internal.ReregisterFrameworkMessage) and message.failover


def test_agents_acknowledge_under_a_master_of_0_19() -> None:
    driven = Driven().connect("0.19.1")
    due = acknowledgements(told(driven.receive(update())))
    (send,) = driven.do(commands.Handled(due))
    assert isinstance(send, commands.Send) and send.upid == AGENT


@pytest.mark.parametrize(
    ("version", "event", "words"),
    [
        ("0.24.0", commands.SuppressOffers(()), "0.25 or newer; the leading one is 0.24"),
        ("0.22.0", accept(v1.Offer.Operation(type=v1.Offer.Operation.CREATE)), "CREATE needs a master"),
        ("1.8.0", commands.UpdateFramework(framework(), (), None), "1.9 or newer"),
    ],
)
def test_what_a_master_is_too_old_for_is_said(
    version: str, event: commands.UserCall, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    driven = Driven().connect(version)
    assert sent(driven.do(event)) == []
    assert words in caplog.text


def test_roles_with_a_master_too_old_for_them_end_the_driver() -> None:
    driven = Driven(framework(roles=["a", "b"]))
    driven.detect("0.23.0")
    (ended,) = [command for command in driven.take() if isinstance(command, commands.Ended)]
    assert "1.2 or newer" in (ended.reason or "")


def test_a_master_without_a_version_is_asked_in_the_old_way_and_then_known() -> None:
    driven = Driven()
    driven.detect("")
    assert isinstance(sent(driven.take())[0], internal.RegisterFrameworkMessage)
    driven.receive(registered())
    assert calls(driven.do(commands.SuppressOffers(())))[0].type == Call.SUPPRESS
