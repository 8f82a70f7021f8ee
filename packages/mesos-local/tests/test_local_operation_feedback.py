"""Feedback on operations: told until acknowledged, over restarts of agent and master, reconciled, refused."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from local_helpers import AGENT, MASTER, SCHEDULER, Wire, framework_info
from mesos_local._wire import StreamSend
from mesos_local.agent import paths, recovery
from mesos_local.agent.session import AgentSession, MasterDetected
from mesos_local.agent.shell import write
from mesos_local.agent.state import Checkpoint, PointLatest
from mesos_local.config import parse_resources
from mesos_local.master.session import AgentGone, SchedulerCalled, StreamOpened
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as scheduler

Operation = mesos.Offer.Operation
Call = scheduler.Call
STREAM = "stream"


def reserve(amount: float = 1.0, role: str = "ops", id: str = "mine") -> mesos.Offer.Operation:
    """An operation that wants feedback, unless its id is empty."""
    operation = Operation(type=Operation.RESERVE)
    resource = operation.reserve.resources.add(name="cpus", type=mesos.Value.SCALAR)
    resource.scalar.value = amount
    resource.reservations.add(type=mesos.Resource.ReservationInfo.DYNAMIC, role=role)
    if id:
        operation.id.value = id
    return operation


class OnStream:
    """A framework on HTTP with the role `ops`, and the agent it has operations done on."""

    def __init__(self, work_dir: str = "/work", **settings: Any) -> None:
        self.wire = Wire(agents=0, **settings)
        resources = parse_resources("cpus:4;mem:1024;disk:1000")
        self.agent = self.wire.add_agent(AGENT, resources=resources, work_dir=work_dir)
        self.commands: list[object] = []
        """What the shells were to do, since the beginning."""
        self.subscribe()

    def subscribe(self, **info: Any) -> None:
        subscribe = Call.Subscribe(framework_info=framework_info(role="ops", failover_timeout=60.0, **info))
        self.wire.tell(MASTER, StreamOpened(STREAM, "", subscribe))
        self.id = next(each.subscribed.framework_id for each in self.events() if each.HasField("subscribed"))
        self.wire.advance(1.0)

    def events(self) -> Iterator[scheduler.Event]:
        """Give what came since the last time."""
        found, self.wire.performed = self.wire.performed, []
        self.commands.extend(found)
        return (each.event for each in found if isinstance(each, StreamSend) and each.stream == STREAM)

    def statuses(self) -> list[mesos.OperationStatus]:
        return [
            each.update_operation_status.status
            for each in self.events()
            if each.type == scheduler.Event.UPDATE_OPERATION_STATUS
        ]

    def call(self, kind: Call.Type.ValueType, **members: Any) -> None:
        call = Call(type=kind, framework_id=self.id, **members)
        self.wire.tell(MASTER, SchedulerCalled(self.id.value, call))

    def apply(self, *operations: mesos.Offer.Operation) -> list[mesos.OperationStatus]:
        """Accept the newest offer with these operations, and give what is said of them."""
        offers = list(self.wire.master.state.offers)
        accept = Call.Accept(offer_ids=[mesos.OfferID(value=each) for each in offers], operations=operations)
        self.call(Call.ACCEPT, accept=accept)
        return self.statuses()

    def acknowledge(self, status: mesos.OperationStatus) -> None:
        acknowledgement = Call.AcknowledgeOperationStatus(
            slave_id=status.slave_id, uuid=status.uuid.value, operation_id=status.operation_id
        )
        self.call(Call.ACKNOWLEDGE_OPERATION_STATUS, acknowledge_operation_status=acknowledgement)

    def reconcile(self, *asked: tuple[str, str]) -> list[mesos.OperationStatus]:
        question = Call.ReconcileOperations()
        for name, agent_id in asked:
            each = question.operations.add()
            each.operation_id.value = name
            if agent_id:
                each.slave_id.value = agent_id
        self.call(Call.RECONCILE_OPERATIONS, reconcile_operations=question)
        return self.statuses()


def test_it_is_told_until_it_is_acknowledged() -> None:
    framework = OnStream()
    (status,) = framework.apply(reserve())
    assert (status.state, status.operation_id.value) == (mesos.OPERATION_FINISHED, "mine")
    assert len(status.uuid.value) == 16 and status.slave_id == framework.agent.state.info.id
    assert framework.agent.state.checkpointed.scalar("cpus") == 1.0
    framework.wire.advance(9.0)
    assert framework.statuses() == []
    framework.wire.advance(2.0)
    assert framework.statuses() == [status], "after ten seconds"
    framework.wire.advance(15.0)
    assert framework.statuses() == []
    framework.wire.advance(6.0)
    assert framework.statuses() == [status], "after twenty more"
    framework.acknowledge(status)
    framework.wire.advance(1000.0)
    assert framework.statuses() == []
    assert not framework.agent.state.operations
    (agent,) = framework.wire.master.state.agents.values()
    assert not agent.operations


def test_without_an_id_the_master_acknowledges() -> None:
    framework = OnStream()
    assert framework.apply(reserve(id="")) == []
    assert not framework.agent.state.operations
    (agent,) = framework.wire.master.state.agents.values()
    assert not agent.operations and agent.total.reserved("ops").scalar("cpus") == 1.0


def test_a_wrong_acknowledgement_changes_nothing() -> None:
    framework = OnStream()
    (status,) = framework.apply(reserve())
    wrong = mesos.OperationStatus()
    wrong.CopyFrom(status)
    wrong.uuid.value = b"x" * 16
    framework.acknowledge(wrong)
    assert framework.agent.state.operations
    framework.acknowledge(status)
    framework.acknowledge(status)
    assert not framework.agent.state.operations


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        (reserve(amount=99.0), "does not contain cpus(allocated: ops):99"),
        (reserve(role="other"), "with role 'other', but the resource was allocated to role 'ops'; on agent"),
        (reserve(amount=-1.0), "Operation attempted with invalid resources: "),
        (Operation(type=Operation.CREATE_DISK, id=mesos.OperationID(value="mine")), "resource provider"),
    ],
)
def test_what_is_refused_is_an_error_at_once(operation: mesos.Offer.Operation, text: str) -> None:
    framework = OnStream()
    (status,) = framework.apply(operation)
    assert (status.state, status.operation_id.value) == (mesos.OPERATION_ERROR, "mine")
    assert text in status.message
    assert not status.HasField("uuid"), "there is nothing to acknowledge"
    framework.wire.advance(100.0)
    assert framework.statuses() == []


def test_an_offer_that_is_gone_is_an_error_too() -> None:
    framework = OnStream()
    accept = Call.Accept(offer_ids=[mesos.OfferID(value="gone")], operations=[reserve()])
    framework.call(Call.ACCEPT, accept=accept)
    (status,) = framework.statuses()
    assert status.state == mesos.OPERATION_ERROR
    assert status.message == "Operation attempted with invalid offers: Offer gone is no longer valid"


def test_a_launch_has_no_id() -> None:
    framework = OnStream()
    launch = Operation(type=Operation.LAUNCH, id=mesos.OperationID(value="mine"))
    launch.launch.task_infos.add(name="t").task_id.value = "t"
    accept = Call.Accept(
        offer_ids=[mesos.OfferID(value=each) for each in framework.wire.master.state.offers],
        operations=[launch],
    )
    framework.call(Call.ACCEPT, accept=accept)
    (update,) = (each.update.status for each in framework.events() if each.HasField("update"))
    assert update.state == mesos.TASK_ERROR
    assert update.message == "The `id` field cannot be set on LAUNCH operations"


def test_reconciliation_answers_what_is_known() -> None:
    framework = OnStream()
    agent_id = framework.agent.state.id
    framework.apply(reserve())
    (known,) = framework.reconcile()
    assert known.state == mesos.OPERATION_FINISHED and not known.HasField("uuid")
    answers = framework.reconcile(("mine", ""), ("x", agent_id), ("x", ""), ("x", "nobody"))
    assert [(each.state, each.message) for each in answers] == [
        (mesos.OPERATION_FINISHED, ""),
        (mesos.OPERATION_UNKNOWN, "Reconciliation: Operation is unknown"),
        (
            mesos.OPERATION_UNKNOWN,
            "Reconciliation: Operation is unknown and no 'agent_id' was provided",
        ),
        (mesos.OPERATION_UNKNOWN, "Reconciliation: Both operation and agent are unknown"),
    ]
    framework.wire.tell(MASTER, AgentGone(agent_id))
    (gone,) = framework.statuses()
    assert (gone.state, gone.message) == (mesos.OPERATION_GONE_BY_OPERATOR, "Agent has been marked gone")
    (gone,) = framework.reconcile(("mine", agent_id))
    assert gone.message == "Reconciliation: Agent marked gone by operator"


def test_an_unreachable_agent_takes_its_operations_along() -> None:
    framework = OnStream(max_agent_ping_timeouts=1)
    framework.apply(reserve())
    framework.wire.cut.add((AGENT, MASTER))
    framework.wire.advance(60.0)
    statuses = framework.statuses()
    assert (statuses[-1].state, statuses[-1].message) == (
        mesos.OPERATION_UNREACHABLE,
        "Agent was marked unreachable",
    )
    (answer,) = framework.reconcile(("mine", framework.agent.state.id))
    assert answer.state == mesos.OPERATION_UNREACHABLE


def test_a_new_master_learns_of_it_from_the_agent() -> None:
    framework = OnStream()
    framework.apply(reserve())
    framework.wire.restart_master()
    framework.wire.exited(MASTER, AGENT)
    framework.wire.advance(1.0)
    framework.subscribe(id=framework.id)
    framework.wire.advance(10.0)
    statuses = framework.statuses()
    assert statuses and all(each.state == mesos.OPERATION_FINISHED for each in statuses)
    framework.acknowledge(statuses[0])
    assert not framework.agent.state.operations


def test_what_never_came_to_the_agent_is_dropped() -> None:
    framework = OnStream()
    framework.wire.cut.add((MASTER, AGENT))
    assert framework.apply(reserve()) == []
    framework.wire.cut.clear()
    framework.wire.exited(MASTER, AGENT)
    framework.wire.advance(1.0)
    (status,) = framework.statuses()
    assert (status.state, status.operation_id.value) == (mesos.OPERATION_DROPPED, "mine")
    assert framework.reconcile(("mine", framework.agent.state.id))[0].state == mesos.OPERATION_UNKNOWN


def test_an_agent_that_restarts_tells_it_again(tmp_path: Path) -> None:
    framework = OnStream(work_dir=str(tmp_path))
    (status,) = framework.apply(reserve())
    for command in framework.commands:
        if isinstance(command, Checkpoint):
            write(command)
        elif isinstance(command, PointLatest):
            paths.point(command.directory, "latest")
    recovered = recovery.read(str(tmp_path))
    assert recovered is not None
    framework.wire.exited(AGENT)
    agent = AgentSession(framework.agent.state.settings, pid=AGENT, rng=random.Random(3), now=1.0)
    framework.wire.agents[AGENT] = framework.agent = agent
    framework.wire.tell(AGENT, recovered)
    framework.wire.tell(AGENT, MasterDetected(MASTER, "localhost"))
    assert framework.statuses() == [status]
    assert agent.state.checkpointed.scalar("cpus") == 1.0
    framework.acknowledge(status)
    assert not agent.state.operations


def test_libprocess_gets_no_feedback() -> None:
    framework = OnStream()
    wire = framework.wire
    other = wire.registered(role="ops")
    framework.call(Call.TEARDOWN)
    wire.advance(1.0)
    (offer,) = wire.offers()
    accept = Call.Accept(offer_ids=[offer.id], operations=[reserve()])
    wire.call(other, Call.ACCEPT, accept=accept)
    error = wire.one(SCHEDULER, internal.FrameworkErrorMessage)
    assert error.message.endswith("please use the HTTP scheduler API for this feature")
    assert not framework.agent.state.operations
