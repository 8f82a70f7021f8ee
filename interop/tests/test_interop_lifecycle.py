"""A framework on our driver against a real master and agent: from registration to teardown."""

from __future__ import annotations

import pytest
from mesos_proto.v1 import mesos_pb2 as mesos
from realmesos import Agent, Cluster, Master
from realmesos.fixtures import ClusterFactory
from realmesos.framework import Framework
from realmesos.process import wait_for

pytestmark = pytest.mark.ci


@pytest.fixture
def cluster(real_cluster: ClusterFactory) -> Cluster:
    return real_cluster(masters=1, agents=1)


def framework_state(master: Master, framework_id: str, kind: str = "frameworks") -> dict[str, object] | None:
    state = master.state()
    assert state is not None
    found: list[dict[str, object]] = [each for each in state[kind] if each["id"] == framework_id]
    return found[0] if found else None


def test_registration_names_the_master(cluster: Cluster) -> None:
    with Framework(cluster.address) as framework:
        framework_id = framework.wait_registered()
        info = framework.watcher.wait("registered").arguments[1]
        known = framework_state(cluster.masters[0], framework_id)

    assert framework_id.startswith(info.id)
    assert f"{info.address.ip}:{info.address.port}" == cluster.address
    assert info.version == cluster.build.release.version
    assert known is not None and known["active"] and known["name"] == "interop"
    assert str(known["pid"]).startswith("scheduler-")


def test_an_offer_has_all_of_the_agent(cluster: Cluster) -> None:
    with Framework(cluster.address) as framework:
        offer = framework.watcher.wait("offer").first

    scalars = {each.name: each.scalar.value for each in offer.resources if each.type == mesos.Value.SCALAR}
    assert scalars == {"cpus": 4, "mem": 4096, "disk": 10000}
    assert {each.allocation_info.role for each in offer.resources} == {"*"}
    assert offer.url.path == "/slave(1)"
    assert f"{offer.url.address.ip}:{offer.url.address.port}" == cluster.agents[0].address


def test_a_command_task_runs_and_finishes(cluster: Cluster) -> None:
    with Framework(cluster.address) as framework:
        framework.launch(framework.task("t", command="echo hello"))
        status = framework.wait_status("t")

    assert framework.watcher.states("t") == [mesos.TASK_STARTING, mesos.TASK_RUNNING, mesos.TASK_FINISHED]
    assert status.source == mesos.TaskStatus.SOURCE_EXECUTOR
    assert status.uuid and status.executor_id.value == "t"
    (sandbox,) = cluster.agents[0].sandboxes
    assert "hello" in (sandbox / "stdout").read_text(encoding="utf-8")


def test_a_command_that_fails(cluster: Cluster) -> None:
    with Framework(cluster.address) as framework:
        framework.launch(framework.task("t", command="exit 7"))
        status = framework.wait_status("t")

    assert status.state == mesos.TASK_FAILED
    assert status.message == "Command exited with status 7"


@pytest.mark.parametrize("killing_state", [False, True])
def test_a_killed_command(cluster: Cluster, killing_state: bool) -> None:
    kinds = [mesos.FrameworkInfo.Capability.TASK_KILLING_STATE] if killing_state else []
    with Framework(cluster.address, capabilities=kinds) as framework:
        framework.launch(framework.task("t", command="exec sleep 1000"))
        framework.wait_status("t", mesos.TASK_RUNNING)
        framework.driver.kill_task(mesos.TaskID(value="t"))
        status = framework.wait_status("t")

    assert status.state == mesos.TASK_KILLED
    assert (mesos.TASK_KILLING in framework.watcher.states("t")) is killing_state


def test_killing_an_unknown_task(cluster: Cluster) -> None:
    with Framework(cluster.address) as framework:
        framework.wait_registered()
        framework.driver.kill_task(mesos.TaskID(value="nobody"))
        status = framework.wait_status("nobody")

    assert (status.state, status.source) == (mesos.TASK_LOST, mesos.TaskStatus.SOURCE_MASTER)
    assert status.reason == mesos.TaskStatus.REASON_RECONCILIATION
    assert not status.uuid


def test_a_task_that_asks_too_much(cluster: Cluster) -> None:
    with Framework(cluster.address) as framework:
        framework.launch(framework.task("t", command="true", cpus=400))
        status = framework.wait_status("t")

    assert (status.state, status.source) == (mesos.TASK_ERROR, mesos.TaskStatus.SOURCE_MASTER)
    assert status.reason == mesos.TaskStatus.REASON_TASK_INVALID
    assert not status.uuid


@pytest.mark.parametrize("partition_aware", [False, True])
def test_an_offer_used_twice(cluster: Cluster, partition_aware: bool) -> None:
    kinds = [mesos.FrameworkInfo.Capability.PARTITION_AWARE] if partition_aware else []
    with Framework(cluster.address, capabilities=kinds) as framework:
        offer = framework.launch(framework.task("first", command="true"))
        framework.launch(framework.task("second", command="true"), offer=offer)
        status = framework.wait_status("second")

    assert status.state == (mesos.TASK_DROPPED if partition_aware else mesos.TASK_LOST)
    assert status.reason == mesos.TaskStatus.REASON_INVALID_OFFERS
    assert status.message.startswith("Task launched with invalid offers: ")


def test_declined_resources_are_offered_again(cluster: Cluster) -> None:
    with Framework(cluster.address) as framework:
        offer = framework.watcher.wait("offer").first
        position = framework.watcher.position
        framework.driver.decline_offer(offer.id, mesos.Filters(refuse_seconds=3600))
        framework.driver.revive_offers()
        again = framework.next_offer(position)

    assert again.agent_id == offer.agent_id and again.id != offer.id


def test_suppressed_offers_come_after_revive(cluster: Cluster) -> None:
    with Framework(cluster.address) as framework:
        offer = framework.watcher.wait("offer").first
        framework.driver.suppress_offers()
        framework.driver.decline_offer(offer.id, mesos.Filters(refuse_seconds=0))
        framework.fence()
        position = framework.watcher.position
        framework.driver.revive_offers()
        framework.next_offer(position)

    assert [each.name for each in framework.watcher.callbacks[:position]].count("offer") == 1


def test_reconciliation(cluster: Cluster) -> None:
    with Framework(cluster.address) as framework:
        framework.launch(framework.task("t", command="exec sleep 1000"))
        framework.wait_status("t", mesos.TASK_RUNNING)

        position = framework.watcher.position
        framework.driver.reconcile_tasks()
        implicit = framework.wait_status("t", mesos.TASK_RUNNING, after=position)
        position = framework.watcher.position
        asked = [mesos.TaskStatus(task_id=mesos.TaskID(value=name)) for name in ("t", "nobody")]
        framework.driver.reconcile_tasks(asked)
        explicit = framework.wait_status("t", mesos.TASK_RUNNING, after=position)
        unknown = framework.wait_status("nobody", after=position)

    assert {each.reason for each in (implicit, explicit, unknown)} == {mesos.TaskStatus.REASON_RECONCILIATION}
    assert not (implicit.uuid or explicit.uuid or unknown.uuid)
    assert explicit.message == "Reconciliation: Latest task state"
    assert (unknown.state, unknown.message) == (mesos.TASK_LOST, "Reconciliation: Task is unknown")


def test_an_unacknowledged_update_holds_back_the_next(cluster: Cluster) -> None:
    with Framework(cluster.address, implicit_acknowledgements=False) as framework:
        framework.launch(framework.task("t", command="true"))
        order = (mesos.TASK_STARTING, mesos.TASK_RUNNING, mesos.TASK_FINISHED)
        for number, state in enumerate(order, 1):
            status = framework.wait_status("t", state)
            assert framework.watcher.states("t") == list(order[:number])
            framework.driver.acknowledge_status_update(status)
        framework_id = framework.wait_registered()

        def completed() -> object:
            known = framework_state(cluster.masters[0], framework_id)
            return known and known["completed_tasks"]

        wait_for("the task is completed", completed)


def test_framework_messages_go_both_ways(cluster: Cluster) -> None:
    with Framework(cluster.address) as framework:
        executor = framework.obedient()
        offer = framework.launch(framework.task("t", executor=executor, data=b"wait"))
        framework.wait_status("t", mesos.TASK_RUNNING)
        framework.driver.send_framework_message(executor.executor_id, offer.agent_id, b"\0hello")
        message = framework.watcher.wait("framework_message")

    assert message.arguments == (executor.executor_id, offer.agent_id, b"echo:\0hello")


def test_tasks_of_one_executor(cluster: Cluster) -> None:
    with Framework(cluster.address) as framework:
        executor = framework.obedient()
        tasks = [framework.task(f"t{number}", executor=executor, data=b"finish") for number in range(5)]
        framework.launch(*tasks, framework.task("long", executor=executor, data=b"wait"))
        for task in tasks:
            assert framework.wait_status(task.task_id.value).state == mesos.TASK_FINISHED
        framework.driver.kill_task(mesos.TaskID(value="long"))
        assert framework.wait_status("long").state == mesos.TASK_KILLED

    assert len(cluster.agents[0].sandboxes) == 1


def test_teardown_ends_tasks_and_executors(cluster: Cluster) -> None:
    with Framework(cluster.address) as framework:
        framework_id = framework.wait_registered()
        framework.launch(
            framework.task("command", command="exec sleep 1000"),
            framework.task("custom", executor=framework.obedient(), data=b"wait"),
        )
        framework.wait_status("command", mesos.TASK_RUNNING)
        framework.wait_status("custom", mesos.TASK_RUNNING)

    gone = wait_for(
        "the framework is completed",
        lambda: framework_state(cluster.masters[0], framework_id, "completed_frameworks"),
    )
    assert not gone["active"]
    agent: Agent = cluster.agents[0]

    def executors_gone() -> bool:
        state = agent.state()
        return state is not None and not state["frameworks"]

    wait_for("the executors are gone", executors_gone)
