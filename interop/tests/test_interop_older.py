"""The main path against older releases."""

from __future__ import annotations

import pytest
from mesos_auth import Credential
from mesos_proto.v1 import mesos_pb2 as mesos
from realmesos import Build, Cluster
from realmesos.fixtures import ClusterFactory
from realmesos.framework import Framework

older = pytest.mark.parametrize("older_build", ["1.4.3", "1.10.0"], indirect=True)

SECRET = "secret-of-test"


@pytest.fixture
def cluster(real_cluster: ClusterFactory, older_build: Build) -> Cluster:
    flags = {"authenticate_frameworks": True}
    return real_cluster(release=older_build, credentials={"framework": SECRET}, master_flags=flags)


@older
def test_a_framework_on_an_older_release(cluster: Cluster, older_build: Build) -> None:
    with Framework(cluster.address, credential=Credential("framework", SECRET)) as framework:
        framework.wait_registered()
        version = framework.watcher.wait("registered").arguments[1].version
        executor = framework.obedient()
        offer = framework.launch(
            framework.task("command", command="echo hello"),
            framework.task("finish", executor=executor, data=b"finish"),
            framework.task("wait", executor=executor, data=b"wait"),
            framework.task("crash", executor=framework.obedient("other"), data=b"crash"),
        )
        assert framework.wait_status("command").state == mesos.TASK_FINISHED
        assert framework.wait_status("finish").state == mesos.TASK_FINISHED
        crashed = framework.wait_status("crash")
        assert (crashed.state, crashed.source) == (mesos.TASK_FAILED, mesos.TaskStatus.SOURCE_AGENT)
        framework.driver.send_framework_message(executor.executor_id, offer.agent_id, b"hello")
        assert framework.watcher.wait("framework_message").arguments[2] == b"echo:hello"
        framework.driver.kill_task(mesos.TaskID(value="wait"))
        assert framework.wait_status("wait").state == mesos.TASK_KILLED

    assert version == older_build.release.version


@older
def test_an_agent_of_an_older_release_restarts(real_cluster: ClusterFactory, older_build: Build) -> None:
    cluster = real_cluster(release=older_build)
    agent = cluster.agents[0]
    with Framework(cluster.address, checkpoint=True, failover_timeout=600) as framework:
        framework.launch(framework.task("t", executor=framework.obedient(), data=b"file"))
        framework.wait_status("t", mesos.TASK_RUNNING)
        agent.kill()
        (agent.sandboxes[0] / "go").touch()
        agent.start().wait_registered()
        assert framework.wait_status("t").state == mesos.TASK_FINISHED


@older
def test_masters_of_an_older_release_fail_over(real_cluster: ClusterFactory, older_build: Build) -> None:
    cluster = real_cluster(masters=3, agents=0, release=older_build)
    with Framework(cluster.address, failover_timeout=600) as framework:
        framework_id = framework.wait_registered()
        position = framework.watcher.position
        cluster.leader().kill()
        assert framework.watcher.wait("registered", after=position).first.value == framework_id
