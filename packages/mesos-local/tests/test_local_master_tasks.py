"""The master's side of tasks: launch, updates, acknowledgements, kill, reconciliation."""

from __future__ import annotations

import pytest
from local_helpers import AGENT, EXECUTOR, MASTER, SCHEDULER, Wire, framework_info, task_info
from mesos_local.config import parse_resources
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as scheduler

REASON = mesos.TaskStatus


def launched(wire: Wire, *names: str, **info: object) -> mesos.FrameworkID:
    """Register a framework and launch tasks of one executor, which registers."""
    framework_id = wire.registered(**info)
    (offer,) = wire.offers()
    wire.accept(framework_id, [offer], [task_info(offer, name) for name in names or ("task",)])
    return framework_id


def test_a_task_goes_all_the_way_and_its_acknowledgement_completes_it() -> None:
    wire = Wire()
    framework_id = launched(wire)
    launch = wire.start_executor()
    run = wire.one(EXECUTOR, internal.RunTaskMessage)
    assert (run.task.task_id.value, run.pid) == ("task", SCHEDULER)
    assert run.framework.id == framework_id
    uuid = wire.update(launch, "task", mesos.TASK_RUNNING)
    ack = wire.one(EXECUTOR, internal.StatusUpdateAcknowledgementMessage)
    assert ack.uuid == uuid
    message = wire.one(SCHEDULER, internal.StatusUpdateMessage)
    status = message.update.status
    assert message.pid == AGENT and message.update.uuid == status.uuid == uuid
    assert status.source == REASON.SOURCE_EXECUTOR
    assert status.container_status.executor_pid == 4242
    wire.update(launch, "task", mesos.TASK_FINISHED)
    assert not wire.take(SCHEDULER, internal.StatusUpdateMessage), "one update at a time"
    wire.acknowledge(framework_id, status)
    (finished,) = wire.statuses()
    assert finished.state == mesos.TASK_FINISHED
    framework = wire.master.state.frameworks[framework_id.value]
    assert "task" in framework.tasks and framework.tasks["task"].recovered
    wire.acknowledge(framework_id, finished)
    assert not framework.tasks
    assert [task.id for task in framework.completed] == ["task"]
    assert not wire.agent.state.streams


def test_an_unacknowledged_update_comes_again_and_again() -> None:
    wire = Wire()
    framework_id = launched(wire)
    launch = wire.start_executor()
    wire.update(launch, "task", mesos.TASK_RUNNING)
    assert len(wire.statuses()) == 1
    wire.advance(9.0)
    assert not wire.statuses()
    wire.advance(2.0)
    assert len(wire.statuses()) == 1
    wire.advance(18.0)
    assert not wire.statuses()
    wire.advance(2.0)
    (status,) = wire.statuses()
    wire.acknowledge(framework_id, status)
    wire.advance(1000.0)
    assert not wire.statuses()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"task_id": mesos.TaskID(value="a/b")}, "contains invalid characters"),
        ({"slave_id": mesos.SlaveID(value="other")}, "Task uses invalid agent other while agent"),
        ({"resources": []}, "Task uses no resources"),
        ({"resources": parse_resources("cpus:100;mem:1")}, "is more than available"),
        ({"command": mesos.CommandInfo(value="true")}, "(but not both) of CommandInfo or ExecutorInfo"),
        ({"executor": None}, "(but not both) of CommandInfo or ExecutorInfo"),
    ],
)
def test_an_invalid_task_is_an_error_and_costs_nothing(change: dict[str, object], text: str) -> None:
    wire = Wire()
    framework_id = wire.registered()
    (offer,) = wire.offers()
    task = task_info(offer)
    for name, value in change.items():
        task.ClearField(name)  # type: ignore[arg-type]
        if isinstance(value, (list, tuple)):
            task.resources.extend(value)
        elif value is not None:
            getattr(task, name).CopyFrom(value)
    wire.accept(framework_id, [offer], [task], refuse=0.0)
    (status,) = wire.statuses()
    assert (status.state, status.reason) == (mesos.TASK_ERROR, REASON.REASON_TASK_INVALID)
    assert text in status.message
    assert not status.uuid
    wire.advance(1.0)
    (again,) = wire.offers()
    assert again.resources == offer.resources


def test_a_task_id_is_used_once() -> None:
    wire = Wire()
    framework_id = wire.registered()
    (offer,) = wire.offers()
    wire.accept(framework_id, [offer], [task_info(offer, "same"), task_info(offer, "same")])
    (status,) = wire.statuses()
    assert status.message == "Task has duplicate ID: same"


@pytest.mark.parametrize("aware", [False, True])
def test_offers_that_are_gone_lose_the_task(aware: bool) -> None:
    wire = Wire()
    framework_id = wire.registered(capabilities=["PARTITION_AWARE"] if aware else [])
    (offer,) = wire.offers()
    offer.id.value = "no-such-offer"
    wire.accept(framework_id, [offer], [task_info(offer)])
    message = wire.one(SCHEDULER, internal.StatusUpdateMessage)
    status = message.update.status
    assert status.state == (mesos.TASK_DROPPED if aware else mesos.TASK_LOST)
    assert status.reason == REASON.REASON_INVALID_OFFERS
    text = "Task launched with invalid offers: Offer no-such-offer is no longer valid"
    assert status.message == text
    assert message.pid == "@0.0.0.0:0" and not message.update.uuid


def test_offers_of_two_agents_cannot_be_joined_and_are_given_back() -> None:
    wire = Wire(agents=2)
    framework_id = wire.registered()
    offers = wire.offers()
    assert len({each.slave_id.value for each in offers}) == 2
    wire.accept(framework_id, offers, [task_info(offers[0])])
    (status,) = wire.statuses()
    assert "Aggregated offers must belong to one single agent" in status.message
    assert not wire.master.state.offers


def test_kill_goes_through_the_agent_to_the_executor() -> None:
    wire = Wire()
    framework_id = launched(wire)
    launch = wire.start_executor()
    wire.update(launch, "task", mesos.TASK_RUNNING)
    kill = scheduler.Call.Kill(task_id=mesos.TaskID(value="task"))
    wire.call(framework_id, scheduler.Call.KILL, kill=kill)
    assert wire.one(EXECUTOR, internal.KillTaskMessage).task_id.value == "task"
    kill.slave_id.value = "another"
    wire.call(framework_id, scheduler.Call.KILL, kill=kill)
    assert not wire.take(EXECUTOR, internal.KillTaskMessage)


def test_kill_before_the_executor_registered_ends_the_task_at_once() -> None:
    wire = Wire()
    framework_id = launched(wire, "one", "two")
    kill = scheduler.Call.Kill(task_id=mesos.TaskID(value="one"))
    wire.call(framework_id, scheduler.Call.KILL, kill=kill)
    (status,) = wire.statuses()
    assert (status.state, status.reason) == (mesos.TASK_KILLED, REASON.REASON_TASK_KILLED_DURING_LAUNCH)
    wire.start_executor()
    assert wire.one(EXECUTOR, internal.RunTaskMessage).task.task_id.value == "two"


def test_kill_of_an_unknown_task_is_answered_as_a_reconciliation() -> None:
    wire = Wire()
    framework_id = wire.registered(capabilities=["PARTITION_AWARE"])
    kill = scheduler.Call.Kill(task_id=mesos.TaskID(value="nobody"))
    wire.call(framework_id, scheduler.Call.KILL, kill=kill)
    (status,) = wire.statuses()
    assert (status.state, status.reason) == (mesos.TASK_UNKNOWN, REASON.REASON_RECONCILIATION)


@pytest.mark.parametrize(
    ("agent", "state", "text"),
    [
        (None, mesos.TASK_UNKNOWN, "Reconciliation: Task is unknown"),
        ("elsewhere", mesos.TASK_UNKNOWN, "Reconciliation: Task is unknown"),
        ("here", mesos.TASK_GONE, "Reconciliation: Task is unknown to the agent"),
    ],
)
@pytest.mark.parametrize("aware", [False, True])
def test_explicit_reconciliation_of_an_unknown_task(
    agent: str | None, state: mesos.TaskState.ValueType, text: str, aware: bool
) -> None:
    wire = Wire()
    framework_id = wire.registered(capabilities=["PARTITION_AWARE"] if aware else [])
    asked = scheduler.Call.Reconcile.Task(task_id=mesos.TaskID(value="nobody"))
    if agent is not None:
        asked.slave_id.value = next(iter(wire.master.state.agents)) if agent == "here" else agent
    wire.call(framework_id, scheduler.Call.RECONCILE, reconcile=scheduler.Call.Reconcile(tasks=[asked]))
    message = wire.one(SCHEDULER, internal.StatusUpdateMessage)
    assert not message.HasField("pid")
    assert message.update.status.state == (state if aware else mesos.TASK_LOST)
    assert message.update.status.message == text


def test_implicit_reconciliation_tells_every_task_with_its_last_forwarded_state() -> None:
    wire = Wire()
    framework_id = launched(wire, "one", "two")
    launch = wire.start_executor()
    wire.update(launch, "one", mesos.TASK_RUNNING)
    wire.update(launch, "one", mesos.TASK_FINISHED)
    wire.statuses()
    wire.call(framework_id, scheduler.Call.RECONCILE, reconcile=scheduler.Call.Reconcile())
    states = {status.task_id.value: status.state for status in wire.statuses()}
    assert states == {"one": mesos.TASK_RUNNING, "two": mesos.TASK_STAGING}


def test_messages_of_executors_reach_the_framework_and_the_reverse() -> None:
    wire = Wire()
    framework_id = launched(wire)
    launch = wire.start_executor()
    ids = {
        "slave_id": mesos.SlaveID(value=launch.environment["MESOS_SLAVE_ID"]),
        "executor_id": mesos.ExecutorID(value="default"),
    }
    message = scheduler.Call.Message(data=b"down", **ids)
    wire.call(framework_id, scheduler.Call.MESSAGE, message=message)
    assert wire.one(EXECUTOR, internal.FrameworkToExecutorMessage).data == b"down"
    up = internal.ExecutorToFrameworkMessage(framework_id=framework_id, data=b"up", **ids)
    wire.send(EXECUTOR, AGENT, up)
    assert wire.one(SCHEDULER, internal.ExecutorToFrameworkMessage).data == b"up"


def test_the_old_messages_do_what_the_calls_do() -> None:
    wire = Wire()
    wire.send(SCHEDULER, MASTER, internal.RegisterFrameworkMessage(framework=framework_info()))
    framework_id = wire.one(SCHEDULER, internal.FrameworkRegisteredMessage).framework_id
    (offer,) = wire.offers()
    launch_tasks = internal.LaunchTasksMessage(
        framework_id=framework_id, offer_ids=[offer.id], tasks=[task_info(offer)], filters=mesos.Filters()
    )
    wire.send(SCHEDULER, MASTER, launch_tasks)
    launch = wire.start_executor()
    wire.update(launch, "task", mesos.TASK_RUNNING)
    (status,) = wire.statuses()
    ack = internal.StatusUpdateAcknowledgementMessage(
        framework_id=framework_id, slave_id=status.slave_id, task_id=status.task_id, uuid=status.uuid
    )
    wire.send(SCHEDULER, MASTER, ack)
    wire.send(SCHEDULER, MASTER, internal.ReconcileTasksMessage(framework_id=framework_id))
    assert [each.state for each in wire.statuses()] == [mesos.TASK_RUNNING]
    kill = internal.KillTaskMessage(framework_id=framework_id, task_id=status.task_id)
    wire.send(SCHEDULER, MASTER, kill)
    assert wire.one(EXECUTOR, internal.KillTaskMessage)
    wire.send(SCHEDULER, MASTER, internal.UnregisterFrameworkMessage(framework_id=framework_id))
    assert framework_id.value in wire.master.state.completed_frameworks
