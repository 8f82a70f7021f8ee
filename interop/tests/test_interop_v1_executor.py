"""The v1 executor driver under a real agent, and schedulers of both protocols."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from mesos_proto.v1 import mesos_pb2 as mesos
from realmesos import Agent, Cluster
from realmesos.fixtures import ClusterFactory
from realmesos.framework import Framework
from realmesos.http_framework import HttpFramework
from realmesos.process import descendants_of, wait_for

APIS = pytest.mark.parametrize("api", ["v1", "v1-json", "v1-async"])


@pytest.fixture
def cluster(real_cluster: ClusterFactory) -> Cluster:
    return real_cluster(masters=1, agents=1)


def output(agent: Agent) -> list[str]:
    """Return the words of the only executor that ran."""
    (sandbox,) = agent.sandboxes
    return (sandbox / "stdout").read_text(encoding="utf-8").split("\n")[:-1]


@pytest.mark.ci
@pytest.mark.parametrize("kind", [HttpFramework, Framework], ids=["under-v1", "under-v0"])
@APIS
def test_tasks_messages_kill_and_shutdown(cluster: Cluster, kind: type[Framework], api: str) -> None:
    with kind(cluster.address) as framework:
        executor = framework.obedient(api=api)
        offer = framework.launch(
            framework.task("short", executor=executor, data=b"finish"),
            framework.task("long", executor=executor, data=b"wait"),
        )
        status = framework.wait_status("short")
        assert (status.state, status.source) == (mesos.TASK_FINISHED, mesos.TaskStatus.SOURCE_EXECUTOR)
        assert status.executor_id == executor.executor_id and status.uuid and status.timestamp
        assert framework.watcher.states("short") == [mesos.TASK_RUNNING, mesos.TASK_FINISHED]
        framework.wait_status("long", mesos.TASK_RUNNING)
        framework.driver.send_framework_message(executor.executor_id, offer.agent_id, b"\x00who\xff")
        arguments = framework.watcher.wait("framework_message").arguments
        assert arguments == (executor.executor_id, offer.agent_id, b"echo:\x00who\xff")
        framework.driver.kill_task(mesos.TaskID(value="long"))
        assert framework.wait_status("long").state == mesos.TASK_KILLED
    wait_for("the executor is told to shut down", lambda: "shutdown" in output(cluster.agents[0]))
    words = ["token False", "registered obedient interop localhost", "kill ", "shutdown"]
    assert output(cluster.agents[0]) == words
    (sandbox,) = cluster.agents[0].sandboxes
    wait_for("the executor has ended", lambda: not descendants_of(sandbox))


@pytest.mark.ci
@APIS
def test_a_task_ends_while_the_agent_is_away(cluster: Cluster, api: str) -> None:
    agent = cluster.agents[0]
    with HttpFramework(cluster.address, checkpoint=True, failover_timeout=600) as framework:
        executor = framework.obedient(api=api)
        offer = framework.launch(
            framework.task("t", executor=executor, data=b"file"),
            framework.task("other", executor=executor, data=b"wait"),
        )
        framework.wait_status("t", mesos.TASK_RUNNING)
        framework.wait_status("other", mesos.TASK_RUNNING)
        position = framework.watcher.position
        agent.kill()
        (sandbox,) = agent.sandboxes
        wait_for("the executor notices", lambda: "disconnected" in output(agent))
        (sandbox / "go").touch()
        agent.start().wait_registered()
        assert framework.wait_status("t").state == mesos.TASK_FINISHED
        assert framework.watcher.states("t") == [mesos.TASK_RUNNING, mesos.TASK_FINISHED]
        again = framework.live_offer(position)
        assert again.agent_id == offer.agent_id
        framework.launch(framework.task("after", executor=executor, data=b"finish"), offer=again)
        assert framework.wait_status("after").state == mesos.TASK_FINISHED
        framework.driver.kill_task(mesos.TaskID(value="other"))
        assert framework.wait_status("other").state == mesos.TASK_KILLED
    assert "reregistered localhost" in output(agent)


@pytest.mark.ci
def test_without_checkpointing_the_executor_ends_with_its_agent(cluster: Cluster) -> None:
    agent = cluster.agents[0]
    with HttpFramework(cluster.address) as framework:
        framework.launch(framework.task("t", executor=framework.obedient(api="v1"), data=b"wait"))
        framework.wait_status("t", mesos.TASK_RUNNING)
        (sandbox,) = agent.sandboxes
        agent.kill()
        assert framework.wait_status("t").state == mesos.TASK_LOST
        wait_for("the executor ends by itself", lambda: not descendants_of(sandbox))
        assert output(agent)[2:] == ["disconnected", "shutdown"]


@pytest.mark.ci
def test_a_kill_policy_arrives(cluster: Cluster) -> None:
    with HttpFramework(cluster.address) as framework:
        framework.launch(framework.task("t", executor=framework.obedient(api="v1"), data=b"wait"))
        framework.wait_status("t", mesos.TASK_RUNNING)
        policy = mesos.KillPolicy(grace_period=mesos.DurationInfo(nanoseconds=7_000_000_000))
        framework.driver.kill_task(mesos.TaskID(value="t"), kill_policy=policy)
        framework.wait_status("t")
    assert "kill 7000000000" in output(cluster.agents[0])


@pytest.mark.ci
@APIS
def test_a_task_group_arrives_whole(cluster: Cluster, api: str) -> None:
    with HttpFramework(cluster.address) as framework:
        offer = framework.watcher.wait("offer").first
        operation = mesos.Offer.Operation(type=mesos.Offer.Operation.LAUNCH_GROUP)
        operation.launch_group.executor.CopyFrom(framework.obedient(api=api))
        disk = operation.launch_group.executor.resources.add(name="disk", type=mesos.Value.SCALAR)
        disk.scalar.value = 32  # refused without
        disk.allocation_info.role = framework.role
        for name in ("left", "right"):
            task = operation.launch_group.task_group.tasks.add()
            task.CopyFrom(framework.task(name, command="of no interest"))
            task.ClearField("command")
            task.agent_id.CopyFrom(offer.agent_id)
            task.data = b"finish"
        framework.driver.accept_offers([offer.id], [operation])
        for name in ("left", "right"):
            assert framework.wait_status(name).state == mesos.TASK_FINISHED
    assert "group left right" in output(cluster.agents[0])


@pytest.mark.ci
def test_an_executor_that_crashes(cluster: Cluster) -> None:
    with HttpFramework(cluster.address) as framework:
        framework.launch(framework.task("t", executor=framework.obedient(api="v1"), data=b"crash"))
        status = framework.wait_status("t")
    assert (status.state, status.reason) == (mesos.TASK_FAILED, mesos.TaskStatus.REASON_EXECUTOR_TERMINATED)


@pytest.fixture
def guarded(real_cluster: ClusterFactory, tmp_path: Path) -> Cluster:
    """An agent that gives its executors tokens, and wants to see them."""
    key = tmp_path / "jwt-key"
    key.write_text("the key of the test", encoding="utf-8")
    key.chmod(0o600)
    flags = {
        "authenticate_http_executors": True,
        "jwt_secret_key": str(key),
        "http_authenticators": "jwt",
    }
    return real_cluster(agents=1, agent_flags=flags)


@pytest.mark.ci
@APIS
def test_an_executor_proves_who_it_is(guarded: Cluster, api: str) -> None:
    with HttpFramework(guarded.address) as framework:
        executor = framework.obedient(api=api)
        framework.launch(framework.task("t", executor=executor, data=b"wait"))
        framework.wait_status("t", mesos.TASK_RUNNING)
        framework.driver.kill_task(mesos.TaskID(value="t"))
        assert framework.wait_status("t").state == mesos.TASK_KILLED
    assert "token False" in output(guarded.agents[0]), "tasks would inherit it"


@pytest.mark.ci
@pytest.mark.parametrize("token", ["", "nonsense"], ids=["missing", "bad"])
def test_a_missing_or_bad_token_ends_the_executor(guarded: Cluster, token: str) -> None:
    with HttpFramework(guarded.address) as framework:
        executor = framework.obedient(api="v1")
        executor.command.value = (
            f"export MESOS_EXECUTOR_AUTHENTICATION_TOKEN={token}; {executor.command.value}"
        )
        framework.launch(framework.task("t", executor=executor, data=b"wait"))
        status = framework.wait_status("t")
    assert (status.state, status.reason) == (mesos.TASK_FAILED, mesos.TaskStatus.REASON_EXECUTOR_TERMINATED)
    (sandbox,) = guarded.agents[0].sandboxes
    errors = (sandbox / "stderr").read_text(encoding="utf-8")
    assert "DriverAborted: the agent refused the subscription: HTTP 401" in errors
    assert not token or token not in errors


@pytest.mark.ci
@pytest.mark.parametrize("api", ["v1", "v1-async"])
def test_an_agent_with_a_socket_in_a_file(real_cluster: ClusterFactory, api: str) -> None:
    with tempfile.TemporaryDirectory() as folder:  # the path of a socket is short
        path = f"{folder}/agent.sock"
        flags = {"http_executor_domain_sockets": True, "domain_socket_location": path}
        with HttpFramework(real_cluster(agents=1, agent_flags=flags).address) as framework:
            executor = framework.obedient(api=api)
            nowhere = "slave(1)@127.0.0.1:1"  # there is no other way to the agent
            executor.command.environment.variables.add(name="MESOS_SLAVE_PID", value=nowhere)
            framework.launch(framework.task("t", executor=executor, data=b"wait"))
            framework.wait_status("t", mesos.TASK_RUNNING)
            framework.driver.kill_task(mesos.TaskID(value="t"))
            assert framework.wait_status("t").state == mesos.TASK_KILLED
