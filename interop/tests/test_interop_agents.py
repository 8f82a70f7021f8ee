"""What happens to tasks when executors and agents fail, restart and leave."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from mesos_proto.v1 import mesos_pb2 as mesos
from realmesos import Agent, Cluster
from realmesos.fixtures import ClusterFactory
from realmesos.framework import Framework
from realmesos.process import descendants_of, wait_for


@pytest.fixture
def cluster(real_cluster: ClusterFactory) -> Cluster:
    return real_cluster(masters=1, agents=1)


def only_sandbox(agent: Agent) -> Path:
    (sandbox,) = agent.sandboxes
    return sandbox


@pytest.mark.ci
def test_an_executor_that_crashes(cluster: Cluster) -> None:
    with Framework(cluster.address) as framework:
        executor = framework.obedient()
        offer = framework.launch(
            framework.task("bystander", executor=executor, data=b"wait"),
            framework.task("culprit", executor=executor, data=b"crash"),
        )
        statuses = [framework.wait_status(name) for name in ("bystander", "culprit")]
        lost = framework.watcher.wait("executor_lost")

    for status in statuses:
        assert (status.state, status.source) == (mesos.TASK_FAILED, mesos.TaskStatus.SOURCE_AGENT)
        assert status.reason == mesos.TaskStatus.REASON_EXECUTOR_TERMINATED
        assert status.message == "Executor terminated"
    assert lost.arguments == (executor.executor_id, offer.agent_id, 3 << 8)


@pytest.mark.ci
@pytest.mark.parametrize("kind", ["command", "custom"])
def test_an_agent_restarts_under_a_checkpointed_task(cluster: Cluster, kind: str) -> None:
    agent = cluster.agents[0]
    with Framework(cluster.address, checkpoint=True, failover_timeout=600) as framework:
        if kind == "command":
            task = framework.task("t", command="while test ! -e go; do sleep 0.1; done")
        else:
            task = framework.task("t", executor=framework.obedient(), data=b"file")
        framework.launch(task)
        framework.wait_status("t", mesos.TASK_RUNNING)
        agent.kill()
        (only_sandbox(agent) / "go").touch()  # it ends while no agent is there to hear of it
        agent.start().wait_registered()
        framework.wait_status("t")

        assert framework.watcher.states("t") == (
            [mesos.TASK_STARTING, mesos.TASK_RUNNING, mesos.TASK_FINISHED]
            if kind == "command"
            else [mesos.TASK_RUNNING, mesos.TASK_FINISHED]
        )


@pytest.mark.ci
def test_an_executor_goes_on_after_the_agent_restarted(cluster: Cluster) -> None:
    agent = cluster.agents[0]
    with Framework(cluster.address, checkpoint=True, failover_timeout=600) as framework:
        executor = framework.obedient()
        offer = framework.launch(framework.task("before", executor=executor, data=b"wait"))
        framework.wait_status("before", mesos.TASK_RUNNING)
        position = framework.watcher.position
        agent.kill()
        agent.start().wait_registered()

        again = framework.live_offer(position)
        assert again.agent_id == offer.agent_id
        framework.launch(framework.task("after", executor=executor, data=b"finish"), offer=again)
        assert framework.wait_status("after").state == mesos.TASK_FINISHED
        framework.driver.kill_task(mesos.TaskID(value="before"))
        assert framework.wait_status("before").state == mesos.TASK_KILLED
    assert len(agent.sandboxes) == 1


@pytest.mark.ci
def test_an_agent_is_lost_under_a_task_that_is_not_checkpointed(cluster: Cluster) -> None:
    agent = cluster.agents[0]
    with Framework(cluster.address) as framework:
        framework.launch(framework.task("t", executor=framework.obedient(), data=b"wait"))
        framework.wait_status("t", mesos.TASK_RUNNING)
        sandbox = only_sandbox(agent)
        agent.kill()
        status = framework.wait_status("t")

        assert (status.state, status.reason) == (mesos.TASK_LOST, mesos.TaskStatus.REASON_AGENT_DISCONNECTED)
        wait_for("the executor ends by itself", lambda: not descendants_of(sandbox))


def test_an_offer_is_rescinded_when_its_agent_is_gone(cluster: Cluster) -> None:
    with Framework(cluster.address) as framework:
        offer = framework.watcher.wait("offer").first
        cluster.agents[0].kill()

        assert framework.watcher.wait("offer_rescinded").first == offer.id


def test_an_agent_that_leaves(cluster: Cluster) -> None:
    agent = cluster.agents[0]
    with Framework(cluster.address) as framework:
        offer = framework.launch(framework.task("t", executor=framework.obedient(), data=b"wait"))
        framework.wait_status("t", mesos.TASK_RUNNING)
        assert agent.process is not None
        os.kill(agent.process.pid, signal.SIGUSR1)  # unregisters, then ends
        status = framework.wait_status("t")
        lost = framework.watcher.wait("agent_lost")

    assert status.state in (mesos.TASK_LOST, mesos.TASK_FAILED)
    assert lost.first == offer.agent_id


def test_an_executor_that_never_registers(real_cluster: ClusterFactory) -> None:
    cluster = real_cluster(agent_flags={"executor_registration_timeout": "1secs"})
    with Framework(cluster.address) as framework:
        executor = framework.obedient()
        executor.command.value = "exec sleep 1000"
        framework.launch(framework.task("t", executor=executor, data=b"wait"))
        status = framework.wait_status("t")

    assert status.state == mesos.TASK_FAILED
    assert status.reason == mesos.TaskStatus.REASON_EXECUTOR_REGISTRATION_TIMEOUT
    assert status.message == "Executor did not register within 1secs"


def test_a_file_that_cannot_be_fetched(cluster: Cluster) -> None:
    with Framework(cluster.address) as framework:
        task = framework.task("t", command="true")
        task.command.uris.add(value="/nonexistent/file")
        framework.launch(task)
        status = framework.wait_status("t")

    assert status.state == mesos.TASK_FAILED
    assert status.reason == mesos.TaskStatus.REASON_CONTAINER_LAUNCH_FAILED
    assert "Failed to fetch all URIs" in status.message


def test_two_agents_share_the_tasks(real_cluster: ClusterFactory) -> None:
    cluster = real_cluster(agents=2)
    with Framework(cluster.address) as framework:
        first = framework.watcher.wait("offer").first
        second = framework.watcher.wait("offer", lambda each: each.first.agent_id != first.agent_id).first
        framework.launch(framework.task("one", command="true"), offer=first)
        framework.launch(framework.task("two", command="true"), offer=second)
        agents = {framework.wait_status(name).agent_id.value for name in ("one", "two")}

    assert agents == {first.agent_id.value, second.agent_id.value}
