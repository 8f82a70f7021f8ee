"""The C++ scheduler driver in the place of ours: our executor serves it, and both say the same."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from mesos_proto import devolve, evolve
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v0 import scheduler_pb2
from mesos_proto.v1 import mesos_pb2 as mesos
from realmesos import Cluster
from realmesos.capture import Tap, body
from realmesos.fixtures import ClusterFactory
from realmesos.framework import Framework
from realmesos.process import HOST, free_port, wait_for
from realmesos.reference import ReferenceScheduler
from realmesos.transcript import anonymous

pytestmark = pytest.mark.ci

QUICK = v0.Filters(refuse_seconds=0)


@pytest.fixture
def cluster(real_cluster: ClusterFactory) -> Cluster:
    return real_cluster(masters=1, agents=1)


@pytest.fixture
def reference(cluster: Cluster, tmp_path: Path) -> Iterator[ReferenceScheduler]:
    info = v0.FrameworkInfo(user=getpass.getuser(), name="reference", failover_timeout=600)
    with ReferenceScheduler(cluster.build, cluster.address, info, tmp_path / "reference.log") as scheduler:
        yield scheduler


def obedient_task(cluster: Cluster, offer: v0.Offer, name: str, data: bytes) -> v0.TaskInfo:
    ours = Framework(cluster.address)
    task = ours.task(name, executor=ours.obedient(), data=data)
    task.agent_id.value = offer.slave_id.value
    for resource in (*task.resources, *task.executor.resources):
        resource.ClearField("allocation_info")
    return devolve(task)


def wait_update(scheduler: ReferenceScheduler, state: int) -> v0.TaskStatus:
    found = scheduler.wait(
        "statusUpdate", lambda each: v0.TaskStatus.FromString(each.arguments[0]).state == state
    )
    return v0.TaskStatus.FromString(found.arguments[0])


def test_our_executor_serves_the_real_driver(cluster: Cluster, reference: ReferenceScheduler) -> None:
    offer = v0.Offer.FromString(reference.wait("resourceOffers").arguments[0])
    task = obedient_task(cluster, offer, "t", b"wait")
    reference.call("launch", offer.id, QUICK, task)
    running = wait_update(reference, v0.TASK_RUNNING)
    reference.call("message", task.executor.executor_id, offer.slave_id, b"\0hello")
    message = reference.wait("frameworkMessage")
    reference.call("kill", task.task_id)
    wait_update(reference, v0.TASK_KILLED)
    reference.stop()

    assert message.arguments[2] == b"echo:\0hello"
    assert running.timestamp > 0 and running.uuid and running.slave_id == offer.slave_id


def test_our_driver_takes_over_from_the_real_one(cluster: Cluster, reference: ReferenceScheduler) -> None:
    framework_id = v0.FrameworkID.FromString(reference.wait("registered").arguments[0])
    offer = v0.Offer.FromString(reference.wait("resourceOffers").arguments[0])
    reference.call("launch", offer.id, QUICK, obedient_task(cluster, offer, "t", b"wait"))
    wait_update(reference, v0.TASK_RUNNING)
    with Framework(cluster.address, framework_id=framework_id.value, failover_timeout=600) as ours:
        ours.wait_registered()
        assert reference.wait("error").arguments == (b"Framework failed over",)
        ours.driver.kill_task(mesos.TaskID(value="t"))
        assert ours.wait_status("t").state == mesos.TASK_KILLED


def test_the_real_driver_takes_over_from_ours(cluster: Cluster, tmp_path: Path) -> None:
    with Framework(cluster.address, failover_timeout=600) as ours:
        framework_id = ours.wait_registered()
        ours.launch(ours.task("t", executor=ours.obedient(), data=b"wait"))
        ours.wait_status("t", mesos.TASK_RUNNING)
        info = v0.FrameworkInfo(user=getpass.getuser(), name="interop", failover_timeout=600)
        info.id.value = framework_id
        info.capabilities.add().type = v0.FrameworkInfo.Capability.MULTI_ROLE
        info.roles.append("*")
        log = tmp_path / "reference.log"
        with ReferenceScheduler(cluster.build, cluster.address, info, log) as reference:
            reference.wait("registered")
            assert ours.watcher.wait("error").first == "Framework failed over"
            reference.call("kill", v0.TaskID(value="t"))
            wait_update(reference, v0.TASK_KILLED)
            reference.stop()


def test_an_executor_that_crashes_looks_the_same_to_both(
    cluster: Cluster, reference: ReferenceScheduler
) -> None:
    offer = v0.Offer.FromString(reference.wait("resourceOffers").arguments[0])
    reference.call("launch", offer.id, QUICK, obedient_task(cluster, offer, "t", b"crash"))
    theirs = wait_update(reference, v0.TASK_FAILED)
    lost = reference.wait("executorLost")
    reference.stop()
    with Framework(cluster.address) as framework:
        framework.launch(framework.task("t", executor=framework.obedient(), data=b"crash"))
        ours = framework.wait_status("t")
        also_lost = framework.watcher.wait("executor_lost")

    same = evolve(theirs)
    assert (ours.state, ours.reason, ours.message) == (same.state, same.reason, same.message)
    assert lost.arguments[2] == b"768" and also_lost.arguments[2] == 768


def sent_calls(tap: Tap) -> list[str]:
    """Return the calls that went to the master, without what differs from run to run."""
    lines = []
    for request in tap.requests():
        if request.name == "mesos.scheduler.Call":
            call = scheduler_pb2.Call.FromString(body(request.data))
            if call.type == scheduler_pb2.Call.ACKNOWLEDGE:
                call.acknowledge.ClearField("uuid")
            lines.append(anonymous(str(call)))
    return lines


def ended(tap: Tap) -> bool:
    return any("type: TEARDOWN" in call for call in sent_calls(tap))


def play_ours(framework: Framework) -> None:
    driver = framework.driver
    offer = framework.launch(framework.task("t", command="exec sleep 1000"))
    framework.wait_status("t", mesos.TASK_RUNNING)
    driver.reconcile_tasks([mesos.TaskStatus(task_id=mesos.TaskID(value="t"), state=mesos.TASK_RUNNING)])
    driver.reconcile_tasks()
    driver.suppress_offers()
    driver.revive_offers()
    driver.decline_offer(offer.id, mesos.Filters(refuse_seconds=0))
    driver.kill_task(mesos.TaskID(value="t"))
    framework.wait_status("t")


def play_theirs(reference: ReferenceScheduler, task: v0.TaskInfo) -> None:
    offer = v0.Offer.FromString(reference.wait("resourceOffers").arguments[0])
    task.slave_id.CopyFrom(offer.slave_id)
    reference.call("launch", offer.id, QUICK, task)
    wait_update(reference, v0.TASK_RUNNING)
    reference.call("reconcile", v0.TaskStatus(task_id=task.task_id, state=v0.TASK_RUNNING))
    reference.call("reconcile")
    reference.call("suppress")
    reference.call("revive")
    reference.call("decline", offer.id, QUICK)
    reference.call("kill", task.task_id)
    wait_update(reference, v0.TASK_KILLED)
    reference.stop()


def test_both_drivers_send_the_same_calls(real_cluster: ClusterFactory, tmp_path: Path) -> None:
    sent = []
    for ours in (True, False):
        with Tap() as tap:
            tap.target = free_port()
            flags = {"port": str(tap.target), "advertise_ip": HOST, "advertise_port": str(tap.port)}
            cluster = real_cluster(master_flags=flags)
            framework = Framework(cluster.address)
            if ours:
                with framework:
                    play_ours(framework)
            else:
                log = tmp_path / "reference.log"
                info = devolve(framework.info)
                with ReferenceScheduler(cluster.build, cluster.address, info, log) as reference:
                    play_theirs(reference, devolve(framework.task("t", command="exec sleep 1000")))
            wait_for("the last call", partial(ended, tap))
            calls = sent_calls(tap)
            # Of the updates only the first two are sure to be acknowledged before the end.
            assert sum("type: ACKNOWLEDGE" in call for call in calls) >= 2
            sent.append([call for call in calls if "type: ACKNOWLEDGE" not in call])

    assert len(sent[0]) == 9
    assert sent[0] == sent[1]
