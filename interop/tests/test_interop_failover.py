"""A scheduler takes over from another, masters take over from each other."""

from __future__ import annotations

import pytest
from mesos_detector.testing import ZooKeeperEnsemble
from mesos_proto.v1 import mesos_pb2 as mesos
from realmesos import Cluster
from realmesos.fixtures import ClusterFactory
from realmesos.framework import Framework
from realmesos.process import wait_for


@pytest.fixture
def cluster(real_cluster: ClusterFactory) -> Cluster:
    return real_cluster(masters=1, agents=1)


@pytest.mark.ci
def test_a_second_scheduler_takes_over(cluster: Cluster) -> None:
    with Framework(cluster.address, failover_timeout=600) as first:
        framework_id = first.wait_registered()
        executor = first.obedient()
        offer = first.launch(first.task("t", executor=executor, data=b"wait"))
        first.wait_status("t", mesos.TASK_RUNNING)
        with Framework(cluster.address, framework_id=framework_id, failover_timeout=600) as second:
            assert second.wait_registered() == framework_id
            assert first.watcher.wait("error").first == "Framework failed over"
            # What the executor says now comes to the newcomer.
            second.driver.send_framework_message(executor.executor_id, offer.agent_id, b"who")
            assert second.watcher.wait("framework_message").arguments[2] == b"echo:who"
            second.driver.kill_task(mesos.TaskID(value="t"))
            assert second.wait_status("t").state == mesos.TASK_KILLED


@pytest.mark.ci
def test_a_scheduler_comes_back_after_stop_failover(cluster: Cluster) -> None:
    with Framework(cluster.address, failover_timeout=600) as first:
        framework_id = first.wait_registered()
        first.launch(first.task("t", command="while test ! -e go; do sleep 0.1; done"))
        first.wait_status("t", mesos.TASK_RUNNING)
        first.driver.stop(failover=True)
    (sandbox,) = cluster.agents[0].sandboxes
    (sandbox / "go").touch()
    with Framework(cluster.address, framework_id=framework_id, failover_timeout=600) as second:
        assert second.wait_registered() == framework_id
        assert second.wait_status("t").state == mesos.TASK_FINISHED


@pytest.mark.ci
def test_a_framework_that_comes_back_too_late(cluster: Cluster) -> None:
    with Framework(cluster.address, failover_timeout=0.5) as first:
        framework_id = first.wait_registered()
        first.driver.stop(failover=True)

    def completed() -> bool:
        state = cluster.masters[0].state()
        return state is not None and framework_id in {each["id"] for each in state["completed_frameworks"]}

    wait_for("the framework is removed", completed)
    with Framework(cluster.address, framework_id=framework_id) as second:
        assert second.watcher.wait("error").first == "Framework has been removed"


def test_a_torn_down_framework_cannot_come_back(cluster: Cluster) -> None:
    with Framework(cluster.address, failover_timeout=600) as first:
        framework_id = first.wait_registered()
    with Framework(cluster.address, framework_id=framework_id, failover_timeout=600) as second:
        assert second.watcher.wait("error").first == "Framework has been removed"


def test_a_lone_master_restarts(real_cluster: ClusterFactory) -> None:
    master = real_cluster(agents=0).masters[0]
    with Framework(master.address, failover_timeout=600) as framework:
        framework_id = framework.wait_registered()
        position = framework.watcher.position
        master.kill()
        framework.watcher.wait("disconnected")
        master.start().wait_leading()
        again = framework.watcher.wait("registered", after=position)

        assert again.first.value == framework_id
        framework_ids = [each["id"] for each in (master.state() or {})["frameworks"]]
        assert framework_ids == [framework_id]


@pytest.mark.ci
def test_the_leading_master_dies(real_cluster: ClusterFactory) -> None:
    cluster = real_cluster(masters=3, agents=1)
    with Framework(cluster.address, checkpoint=True, failover_timeout=600) as framework:
        framework_id = framework.wait_registered()
        offer = framework.launch(framework.task("before", executor=framework.obedient(), data=b"wait"))
        framework.wait_status("before", mesos.TASK_RUNNING)
        old = cluster.leader()
        position = framework.watcher.position
        old.kill()
        framework.watcher.wait("disconnected", after=position)
        again = framework.watcher.wait("registered", after=position)
        new = cluster.leader()
        assert again.first.value == framework_id
        info = again.arguments[1]
        assert f"{info.address.ip}:{info.address.port}" == new.address != old.address

        fresh = framework.watcher.wait("offer", lambda each: each.first.id.value.startswith(info.id)).first
        assert fresh.agent_id == offer.agent_id
        framework.launch(framework.task("after", command="true"), offer=fresh)
        assert framework.wait_status("after").state == mesos.TASK_FINISHED
        framework.driver.kill_task(mesos.TaskID(value="before"))
        assert framework.wait_status("before").state == mesos.TASK_KILLED


def test_the_leading_master_hangs(real_cluster: ClusterFactory) -> None:
    """A frozen master loses its session; thawed, it finds out and ends itself."""
    cluster = real_cluster(masters=3, agents=0)
    with Framework(cluster.address, failover_timeout=600) as framework:
        framework_id = framework.wait_registered()
        old = cluster.leader()
        position = framework.watcher.position
        old.freeze()
        others = [master for master in cluster.masters if master is not old]
        wait_for("another leader", lambda: any(master.leads for master in others))
        again = framework.watcher.wait("registered", after=position)
        assert again.first.value == framework_id
        old.thaw()
        wait_for("the old leader ends", lambda: not old.alive)
        assert framework.watcher.callbacks[-1].name != "error"


def test_the_ensemble_loses_a_server(real_cluster: ClusterFactory, ensemble: ZooKeeperEnsemble) -> None:
    """Nobody notices, whichever server the masters and the driver were connected to."""
    cluster = real_cluster(masters=3, agents=1)
    with Framework(cluster.address, failover_timeout=600) as framework:
        framework.wait_registered()
        before = cluster.leader()
        ensemble.kill(ensemble.leader_index())
        framework.launch(framework.task("t", command="sleep 6"))
        assert framework.wait_status("t").state == mesos.TASK_FINISHED
        assert cluster.leader() is before
        assert "disconnected" not in [each.name for each in framework.watcher.callbacks]
