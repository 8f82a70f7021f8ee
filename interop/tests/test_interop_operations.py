"""Operations on offers: reservations and volumes, what comes of invalid ones, task groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from mesos_auth import Credential
from mesos_proto.v1 import mesos_pb2 as mesos
from realmesos import Cluster
from realmesos.fixtures import ClusterFactory
from realmesos.framework import Framework

pytestmark = pytest.mark.ci

Operation = mesos.Offer.Operation
ROLE = "golang"
GOOD = Credential("framework", "secret-of-test")
QUICK = {"allocation_interval": "50ms"}
NOW = mesos.Filters(refuse_seconds=0)


def reserved(principal: str, **scalars: float) -> Iterator[mesos.Resource]:
    for name, value in scalars.items():
        resource = mesos.Resource(name=name, type=mesos.Value.SCALAR, role=ROLE)
        resource.scalar.value = value
        resource.reservation.SetInParent()
        if principal:
            resource.reservation.principal = principal
        yield resource


def for_role(role: str, resources: Iterable[mesos.Resource]) -> Iterator[mesos.Resource]:
    for resource in resources:
        resource.role = role
        yield resource


def volume(principal: str) -> mesos.Resource:
    (resource,) = reserved(principal, disk=64)
    resource.disk.persistence.id = "data-1"
    if principal:
        resource.disk.persistence.principal = principal
    resource.disk.volume.container_path = "data"
    resource.disk.volume.mode = mesos.Volume.RW
    return resource


def reserve(resources: Iterable[mesos.Resource]) -> mesos.Offer.Operation:
    operation = Operation(type=Operation.RESERVE)
    operation.reserve.resources.extend(resources)
    return operation


def unreserve(resources: Iterable[mesos.Resource]) -> mesos.Offer.Operation:
    operation = Operation(type=Operation.UNRESERVE)
    operation.unreserve.resources.extend(resources)
    return operation


def create(resource: mesos.Resource) -> mesos.Offer.Operation:
    operation = Operation(type=Operation.CREATE)
    operation.create.volumes.append(resource)
    return operation


def destroy(resource: mesos.Resource) -> mesos.Offer.Operation:
    operation = Operation(type=Operation.DESTROY)
    operation.destroy.volumes.append(resource)
    return operation


def held(cluster: Cluster) -> dict[str, float]:
    """What the master says is reserved for the role on its one agent."""
    state = cluster.masters[0].state()
    assert state is not None
    kinds: dict[str, float] = state["slaves"][0]["reserved_resources"].get(ROLE, {})
    return {name: value for name, value in kinds.items() if value and name != "ports"}


def apply(framework: Framework, offer: mesos.Offer, *operations: mesos.Offer.Operation) -> mesos.Offer:
    """Accept an offer with the operations and return the next one of the same agent."""
    position = framework.watcher.position
    framework.driver.accept_offers([offer.id], operations, NOW)
    return framework.next_offer(position)


def volumes(offer: mesos.Offer) -> list[str]:
    return [each.disk.persistence.id for each in offer.resources if each.disk.persistence.id]


def total(offer: mesos.Offer, *, reservations: bool) -> dict[str, float]:
    """The scalars of an offer that are, or are not, reserved."""
    sums: dict[str, float] = {}
    for each in offer.resources:
        if each.type == mesos.Value.SCALAR and bool(each.reservations or each.HasField("reservation")) is (
            reservations
        ):
            sums[each.name] = sums.get(each.name, 0) + each.scalar.value
    return sums


def whole_offer(framework: Framework, position: int, everything: dict[str, float]) -> mesos.Offer:
    """Decline what is left of the agent until an offer has all of it again."""
    for _ in range(100):
        offer = framework.next_offer(position)
        sums = total(offer, reservations=False)
        for name, value in total(offer, reservations=True).items():
            sums[name] = sums.get(name, 0) + value
        if sums == everything:
            return offer
        position = framework.watcher.position
        framework.driver.decline_offer(offer.id, NOW)
    raise AssertionError("the agent's resources do not come back")


@pytest.fixture(params=[False, True], ids=["open", "authenticated"])
def credential(request: pytest.FixtureRequest) -> Credential | None:
    return GOOD if request.param else None


@pytest.fixture
def cluster(real_cluster: ClusterFactory, credential: Credential | None) -> Cluster:
    if credential is None:
        return real_cluster(master_flags=QUICK)
    return real_cluster(
        credentials={credential.principal: credential.secret},
        master_flags={"authenticate_frameworks": True, **QUICK},
    )


def test_a_volume_from_its_reservation_to_its_end(cluster: Cluster, credential: Credential | None) -> None:
    principal = credential.principal if credential else ""
    needs = {"cpus": 0.5, "mem": 64.0, "disk": 64.0}
    with Framework(cluster.address, role=ROLE, credential=credential) as framework:
        first = framework.watcher.wait("offer").first
        assert total(first, reservations=True) == {}

        offer = apply(framework, first, reserve(reserved(principal, **needs)))
        assert total(offer, reservations=True) == needs and not volumes(offer)
        assert held(cluster) == needs

        offer = apply(framework, offer, create(volume(principal)))
        assert volumes(offer) == ["data-1"] and total(offer, reservations=True) == needs
        (made,) = (each for each in offer.resources if each.disk.persistence.id)
        assert made.disk.persistence.principal == principal and made.disk.volume.container_path == "data"

        task = framework.task("t", command="echo kept > data/file")
        del task.resources[:]
        task.resources.extend([*reserved(principal, cpus=0.5, mem=64), volume(principal)])
        task.agent_id.CopyFrom(offer.agent_id)
        operation = Operation(type=Operation.LAUNCH)
        operation.launch.task_infos.append(task)
        position = framework.watcher.position
        framework.driver.accept_offers([offer.id], [operation], NOW)
        assert framework.wait_status("t").state == mesos.TASK_FINISHED
        offer = whole_offer(framework, position, total(first, reservations=False))
        assert volumes(offer) == ["data-1"] and total(offer, reservations=True) == needs

        offer = apply(framework, offer, destroy(volume(principal)))
        assert not volumes(offer) and held(cluster) == needs
        offer = apply(framework, offer, unreserve(reserved(principal, **needs)))
        assert held(cluster) == {}
        assert total(offer, reservations=False) == total(first, reservations=False)
        assert total(offer, reservations=True) == {}


@pytest.mark.parametrize(
    ("operation", "name", "why"),
    [
        (reserve(reserved("", cpus=400)), "RESERVE", "does not contain"),
        (reserve(for_role("*", reserved("", cpus=0.5))), "RESERVE", "role"),
        (reserve(for_role("other", reserved("", cpus=0.5))), "RESERVE", "role"),
        (unreserve(reserved("", cpus=0.5)), "UNRESERVE", "does not contain"),
        (create(volume("")), "CREATE", "does not contain"),
        (destroy(volume("")), "DESTROY", "volume"),
    ],
    ids=["too much", "no role", "other role", "not reserved", "no reservation", "no volume"],
)
def test_an_invalid_operation_is_dropped_without_a_word(
    real_cluster: ClusterFactory, operation: mesos.Offer.Operation, name: str, why: str
) -> None:
    cluster = real_cluster(master_flags=QUICK)
    with Framework(cluster.address, role=ROLE) as framework:
        first = framework.watcher.wait("offer").first
        again = apply(framework, first, operation)

        assert {each.name for each in framework.watcher.callbacks} == {"registered", "offer"}
        assert total(again, reservations=False) == total(first, reservations=False)
        assert total(again, reservations=True) == {} == held(cluster)
        framework.driver.decline_offer(again.id, NOW)
    line = cluster.masters[0].wait_log(f"Dropping {name} .*").group(0)
    assert why in line, line


@pytest.mark.parametrize("credential", [None, GOOD], ids=["open", "authenticated"])
def test_the_principal_of_a_reservation(cluster: Cluster, credential: Credential | None) -> None:
    with Framework(cluster.address, role=ROLE, credential=credential) as framework:
        first = framework.watcher.wait("offer").first
        offer = apply(framework, first, reserve(reserved("somebody", cpus=0.5)))

        if credential is None:  # who is not known may reserve as anybody
            assert held(cluster) == {"cpus": 0.5}
            offer = apply(framework, offer, unreserve(reserved("somebody", cpus=0.5)))
        else:
            cluster.masters[0].wait_log("Dropping RESERVE .*principal")
        assert total(offer, reservations=True) == {} == held(cluster)


def test_what_follows_an_invalid_operation_is_done(real_cluster: ClusterFactory) -> None:
    cluster = real_cluster(master_flags=QUICK)
    with Framework(cluster.address, role=ROLE) as framework:
        first = framework.watcher.wait("offer").first
        offer = apply(framework, first, create(volume("")), reserve(reserved("", cpus=0.5)))

        assert total(offer, reservations=True) == {"cpus": 0.5} == held(cluster)
        offer = apply(framework, offer, unreserve(reserved("", cpus=0.5)))
        assert total(offer, reservations=True) == {} == held(cluster)


def test_a_task_group(real_cluster: ClusterFactory) -> None:
    cluster = real_cluster(master_flags=QUICK)
    with Framework(cluster.address, role=ROLE) as framework:
        offer = framework.watcher.wait("offer").first
        operation = Operation(type=Operation.LAUNCH_GROUP)
        executor = operation.launch_group.executor
        executor.type = mesos.ExecutorInfo.DEFAULT
        executor.executor_id.value = "pod"
        executor.resources.extend(framework.task("unused").resources)
        disk = executor.resources.add(name="disk", type=mesos.Value.SCALAR)  # refused without
        disk.scalar.value = 32
        disk.allocation_info.role = ROLE
        for name in ("left", "right"):
            task = framework.task(name, command=f"echo {name}")
            task.agent_id.CopyFrom(offer.agent_id)
            operation.launch_group.task_group.tasks.append(task)
        assert not executor.HasField("framework_id")

        framework.driver.accept_offers([offer.id], [operation], NOW)

        for name in ("left", "right"):
            status = framework.wait_status(name)
            assert (status.state, status.executor_id.value) == (mesos.TASK_FINISHED, "pod"), status.message
