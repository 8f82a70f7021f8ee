"""Offer operations: reservations and persistent volumes, valid and not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from local_helpers import AGENT, SCHEDULER, Wire, task_info
from local_scheduler import Recorder, command_task, running
from mesos_local import LocalCluster
from mesos_local.agent.state import LinkVolume, MakeVolume, RemoveVolume
from mesos_local.config import parse_resources
from mesos_proto.resources import Resources
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as scheduler
from mesos_proto.v1 import mesos_pb2 as v1

Operation = mesos.Offer.Operation


def reserved(
    role: str = "ops", amount: float = 2.0, name: str = "cpus", **reservation: str
) -> mesos.Resource:
    """A dynamic reservation, in the older form."""
    resource = mesos.Resource(name=name, type=mesos.Value.SCALAR, role=role)
    resource.scalar.value = amount
    resource.reservation.SetInParent()
    for key, value in reservation.items():
        setattr(resource.reservation, key, value)
    return resource


def volume(identifier: str = "data", amount: float = 100.0, path: str = "data") -> mesos.Resource:
    resource = reserved(name="disk", amount=amount)
    resource.disk.persistence.id = identifier
    resource.disk.volume.container_path = path
    resource.disk.volume.mode = mesos.Volume.RW
    return resource


def reserve(*resources: mesos.Resource) -> mesos.Offer.Operation:
    return Operation(type=Operation.RESERVE, reserve=Operation.Reserve(resources=resources))


def create(*volumes: mesos.Resource) -> mesos.Offer.Operation:
    return Operation(type=Operation.CREATE, create=Operation.Create(volumes=volumes))


def destroy(*volumes: mesos.Resource) -> mesos.Offer.Operation:
    return Operation(type=Operation.DESTROY, destroy=Operation.Destroy(volumes=volumes))


def unreserve(*resources: mesos.Resource) -> mesos.Offer.Operation:
    return Operation(type=Operation.UNRESERVE, unreserve=Operation.Unreserve(resources=resources))


def launch(*tasks: mesos.TaskInfo) -> mesos.Offer.Operation:
    return Operation(type=Operation.LAUNCH, launch=Operation.Launch(task_infos=tasks))


class Operator:
    """A framework of the role `ops` that applies operations to its newest offer."""

    def __init__(self, **info: object) -> None:
        self.wire = Wire(agents=0)
        self.wire.add_agent(AGENT, resources=parse_resources("cpus:4;mem:1024;disk:1000"))
        self.id = self.wire.registered(role="ops", **info)
        self.offer = self.wire.offers()[0]

    def apply(self, *operations: mesos.Offer.Operation) -> Resources:
        """Accept with these operations; give what the next offer has."""
        accept = scheduler.Call.Accept(offer_ids=[self.offer.id], operations=operations)
        accept.filters.refuse_seconds = 0
        self.wire.call(self.id, scheduler.Call.ACCEPT, accept=accept)
        self.wire.advance(1.0)
        (self.offer,) = self.wire.offers()
        return Resources(self.offer.resources)


def contains(offered: Resources, *resources: mesos.Resource) -> bool:
    return offered.contains(Resources(resources))


def test_a_reservation_is_made_and_taken_back() -> None:
    operator = Operator()
    before = Resources(operator.offer.resources)
    after = operator.apply(reserve(reserved()))
    assert contains(after, reserved())
    assert after.unreserved().scalar("cpus") == 2.0
    assert all(not each.reservations for each in operator.offer.resources), (
        "the framework knows the older form"
    )
    assert operator.apply(unreserve(reserved())) == before


def test_a_volume_is_made_of_reserved_disk_and_destroyed() -> None:
    operator = Operator()
    after = operator.apply(reserve(reserved(name="disk", amount=100.0)), create(volume()))
    assert contains(after, volume())
    path = "/work/volumes/roles/ops/data"
    assert MakeVolume(path) in operator.wire.performed
    operator.apply(destroy(volume()))
    assert RemoveVolume(path) in operator.wire.performed


def test_all_in_one_accept_and_the_volume_is_in_the_sandbox() -> None:
    operator = Operator()
    task = task_info(operator.offer, resources="cpus:1;mem:32", executor=None)
    task.resources.append(volume())
    after = operator.apply(reserve(reserved(name="disk", amount=100.0)), create(volume()), launch(task))
    assert not contains(after, volume())
    (container,) = operator.wire.launched
    link = LinkVolume(container.directory, "data", "/work/volumes/roles/ops/data")
    assert container.volumes == (link,)
    assert not contains(operator.apply(destroy(volume())), reserved(name="disk", amount=100.0)), (
        "it is in use"
    )


def test_volumes_grow_and_shrink() -> None:
    operator = Operator()
    operator.apply(reserve(reserved(name="disk", amount=150.0)), create(volume()))
    grow = Operation(
        type=Operation.GROW_VOLUME,
        grow_volume=Operation.GrowVolume(volume=volume(), addition=reserved(name="disk", amount=50.0)),
    )
    assert contains(operator.apply(grow), volume(amount=150.0))
    shrink = Operation(
        type=Operation.SHRINK_VOLUME,
        shrink_volume=Operation.ShrinkVolume(
            volume=volume(amount=150.0), subtract=mesos.Value.Scalar(value=120.0)
        ),
    )
    assert contains(operator.apply(shrink), volume(amount=30.0), reserved(name="disk", amount=120.0))


def changed(resource: mesos.Resource, change: str) -> mesos.Resource:
    if change == "no persistence":
        resource.disk.ClearField("persistence")
    elif change == "read-only":
        resource.disk.volume.mode = mesos.Volume.RO
    elif change == "host path":
        resource.disk.volume.host_path = "/tmp"
    elif change == "bad id":
        resource.disk.persistence.id = "a/b"
    elif change == "shared":
        resource.shared.SetInParent()
    return resource


@pytest.mark.parametrize(
    "operation",
    [
        reserve(reserved(role="other")),
        reserve(reserved(role="*")),
        reserve(reserved(amount=100.0)),
        reserve(*parse_resources("cpus(ops):1")),
        unreserve(reserved()),
        unreserve(*parse_resources("cpus:1")),
        create(volume("too large", amount=500.0)),
        destroy(volume("never created")),
        Operation(type=Operation.CREATE_DISK),
        *[
            create(changed(volume(), change))
            for change in ("no persistence", "read-only", "host path", "bad id", "shared")
        ],
    ],
)
def test_what_is_invalid_changes_nothing(operation: mesos.Offer.Operation) -> None:
    operator = Operator()
    before = operator.apply(reserve(reserved(name="disk", amount=100.0)))
    assert operator.apply(operation) == before
    assert not operator.wire.take(SCHEDULER, internal.FrameworkErrorMessage)


def test_a_persistence_id_is_unique_in_its_role() -> None:
    operator = Operator()
    before = operator.apply(reserve(reserved(name="disk", amount=200.0)), create(volume()))
    assert operator.apply(create(volume(amount=50.0))) == before


def test_a_principal_signs_what_it_reserves() -> None:
    operator = Operator()
    state = operator.wire.master.state
    state.frameworks[operator.id.value].principal = "anna"
    before = Resources(operator.offer.resources)
    assert operator.apply(reserve(reserved())) == before
    assert operator.apply(reserve(reserved(principal="anna"))) != before


def test_a_master_that_restarts_learns_of_reservations_from_the_agent() -> None:
    operator = Operator()
    operator.apply(reserve(reserved()))
    operator.wire.restart_master()
    operator.wire.exited("master@127.0.0.1:5050", AGENT)
    operator.wire.advance(2.0)
    (agent,) = operator.wire.master.state.agents.values()
    assert contains(agent.total, reserved())
    assert agent.total.scalar("cpus") == 4.0


def test_what_is_written_to_a_volume_stays(tmp_path: Path) -> None:
    def tasks(offer: v1.Offer, name: str, command: str) -> list[v1.TaskInfo]:
        task = command_task(offer, command, name)
        disk = v1.Resource.FromString(volume().SerializeToString())
        task.resources.append(disk)
        return [task]

    def made(offer: v1.Offer) -> Iterable[v1.Offer.Operation]:
        for operation in (reserve(reserved(name="disk", amount=100.0)), create(volume())):
            yield v1.Offer.Operation.FromString(operation.SerializeToString())
        task = v1.Offer.Operation(type=v1.Offer.Operation.LAUNCH)
        task.launch.task_infos.extend(tasks(offer, "one", "echo kept > data/file"))
        yield task

    with LocalCluster(resources="cpus:4;mem:1024;disk:1000", work_dir=tmp_path) as cluster:
        recorder = Recorder()
        with running(cluster, recorder, role="ops") as driver:
            recorder.wait(lambda: bool(recorder.offers))
            filters = v1.Filters(refuse_seconds=0)
            driver.accept_offers([recorder.offers[0].id], list(made(recorder.offers[0])), filters)
            recorder.until("TASK_FINISHED", "one")

            def has_volume() -> bool:
                offer = recorder.offers[-1]
                return any(each.disk.persistence.id == "data" for each in offer.resources)

            while not has_volume():
                count = len(recorder.offers)
                driver.decline_offer(recorder.offers[-1].id, filters)
                recorder.wait(lambda count=count: len(recorder.offers) > count)  # type: ignore[misc]
            driver.launch_tasks(
                recorder.offers[-1].id, tasks(recorder.offers[-1], "two", "grep kept data/file")
            )
            recorder.until("TASK_FINISHED", "two")
    assert (tmp_path / "agents/0/work/volumes/roles/ops/data/file").read_text() == "kept\n"
