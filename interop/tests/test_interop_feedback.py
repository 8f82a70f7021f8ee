"""Feedback on operations over the v1 driver: real and embedded masters and agents give the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from differential.operator_calls import ask
from mesos_auth import Credential
from mesos_local import AgentSettings, LocalCluster
from mesos_local.agent.shell import AgentShell
from mesos_local.cluster import command_executor
from mesos_local.config import parse_resources
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2 as scheduler
from mesos_scheduler import SchedulerDriver
from realmesos.fixtures import ClusterFactory
from realmesos.framework import Framework as BaseFramework
from realmesos.framework import Watcher
from realmesos.http_framework import HttpFramework
from realmesos.process import wait_for

pytestmark = pytest.mark.ci

ROLE = "feedback"
CREDENTIAL = Credential("agent", "secret-of-agent")
Restart = Callable[[], object]


@pytest.fixture(params=["real", "embedded", "mixed"])
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """The address of a master, and how its agent dies and comes back.

    The mixed cluster has a real master, which wants to know its agents, and an agent of ours.
    """
    if request.param == "real":
        factory: ClusterFactory = request.getfixturevalue("real_cluster")
        real = factory(masters=1, agents=1)

        def restart() -> None:
            real.agents[0].kill()
            real.agents[0].start()

        yield real.address, restart
        return
    if request.param == "mixed":
        factory = request.getfixturevalue("real_cluster")
        credentials = {CREDENTIAL.principal: CREDENTIAL.secret}
        flags = {"authenticate_agents": True}
        master = factory(masters=1, agents=0, credentials=credentials, master_flags=flags)
        settings = AgentSettings(
            work_dir=str(tmp_path),
            command_executor=command_executor(),
            resources=parse_resources("cpus:4;mem:4096;disk:10000"),
            credential=CREDENTIAL,
        )
        agent = AgentShell(settings, master.address, bind="127.0.0.1:0", flags={})
        agent.start()
        yield master.address, agent.restart
        agent.stop()
        return
    with LocalCluster(resources="cpus:4;mem:4096;disk:10000") as local:
        yield local.master_address, local.agents[0].restart


class Told(Watcher):
    """Also hears of operations."""

    def operation_status_update(self, driver: SchedulerDriver, status: mesos.OperationStatus) -> None:
        self._add("operation", status)


class Framework(HttpFramework):
    """A framework that hears of operations."""

    def __init__(self, master: str, **arguments: Any) -> None:
        refinement = mesos.FrameworkInfo.Capability.RESERVATION_REFINEMENT
        super().__init__(master, role=ROLE, capabilities=[refinement], **arguments)

    def _make_driver(self, master: str, **arguments: Any) -> None:
        self.watcher = Told()
        super()._make_driver(master, **arguments)


def operate(framework: BaseFramework, id: str, cpus: float) -> None:
    """Reserve processors of the next offer."""
    offer = framework.watcher.wait("offer").first
    operation = mesos.Offer.Operation(type=mesos.Offer.Operation.RESERVE)
    operation.id.value = id
    resource = operation.reserve.resources.add(name="cpus", type=mesos.Value.SCALAR)
    resource.scalar.value = cpus
    resource.allocation_info.role = ROLE
    resource.reservations.add(type=mesos.Resource.ReservationInfo.DYNAMIC, role=ROLE)
    framework.driver.accept_offers([offer.id], [operation])


def _nothing_pends(address: str) -> None:
    wait_for("the operation is forgotten", lambda: not ask(address, "GET_OPERATIONS"))


def test_an_operation_is_told_and_acknowledged(cluster: tuple[str, Restart]) -> None:
    with Framework(cluster[0]) as framework:
        operate(framework, "mine", 1.0)
        status = framework.watcher.wait("operation").first
        assert (status.state, status.operation_id.value) == (mesos.OPERATION_FINISHED, "mine")
        assert status.uuid.value and status.agent_id.value
        _nothing_pends(cluster[0])


def test_a_refused_one_is_an_error(cluster: tuple[str, Restart]) -> None:
    with Framework(cluster[0]) as framework:
        operate(framework, "mine", 99.0)
        status = framework.watcher.wait("operation").first
        assert (status.state, status.operation_id.value) == (mesos.OPERATION_ERROR, "mine")
        assert status.message.endswith(f"does not contain cpus(allocated: {ROLE}):99")
        assert not status.HasField("uuid")


def test_it_is_told_again_by_an_agent_that_died(cluster: tuple[str, Restart]) -> None:
    address, restart = cluster
    with Framework(address, implicit_acknowledgements=False) as framework:
        operate(framework, "mine", 1.0)
        first = framework.watcher.wait("operation").first
        position = framework.watcher.position
        restart()
        again = framework.watcher.wait("operation", after=position).first
        assert again == first
        position = framework.watcher.position
        asked = scheduler.Call.ReconcileOperations.Operation(operation_id=again.operation_id)
        framework.driver.reconcile_operations([asked])  # type: ignore[attr-defined]
        answer = framework.watcher.wait("operation", lambda each: not each.first.uuid.value, after=position)
        assert answer.first.state == mesos.OPERATION_FINISHED
        framework.driver.acknowledge_operation_status(again)  # type: ignore[attr-defined]
        _nothing_pends(address)
