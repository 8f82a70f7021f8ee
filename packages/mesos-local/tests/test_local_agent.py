"""The agent's side: executors and their end, its master, what it does when either is lost."""

from __future__ import annotations

import pytest
from local_helpers import AGENT, EXECUTOR, MASTER, SCHEDULER, Wire, task_info
from mesos_local.agent.session import ContainerFailed
from mesos_local.agent.state import Connection
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as scheduler

STATUS = mesos.TaskStatus


def launched(wire: Wire, *tasks: str, executor: str | None = "default", **info: object) -> mesos.FrameworkID:
    framework_id = wire.registered(**info)
    offer = wire.offers()[0]
    wire.accept(
        framework_id, [offer], [task_info(offer, name, executor=executor) for name in tasks or ("task",)]
    )
    return framework_id


def test_a_command_task_gets_an_executor_of_the_agents_own() -> None:
    wire = Wire()
    framework_id = wire.registered()
    (offer,) = wire.offers()
    task = task_info(offer, "hello", executor=None, command="echo a long command line")
    task.command.uris.add(value="http://somewhere/file")
    task.command.environment.variables.add(name="A", value="b")
    wire.accept(framework_id, [offer], [task])
    (launch,) = wire.launched
    assert launch.argv == ("/usr/bin/mesos-executor", "--flag")
    assert [each.value for each in launch.command.uris] == ["http://somewhere/file"]
    assert launch.environment["A"] == "b"
    wire.start_executor()
    info = wire.one(EXECUTOR, internal.ExecutorRegisteredMessage).executor_info
    assert info.name == "Command Executor (Task: hello) (Command: sh -c 'echo a long ...')"
    assert info.executor_id.value == info.source == "hello"
    wire.end(launch, 1 << 8)
    assert not wire.take(SCHEDULER, internal.ExitedExecutorMessage), "only custom executors are reported"


def test_the_sandbox_lies_where_upstream_puts_it() -> None:
    wire = Wire()
    framework_id = launched(wire)
    (launch,) = wire.launched
    agent_id = wire.agent.state.id
    executor = f"/work/slaves/{agent_id}/frameworks/{framework_id.value}/executors/default"
    assert launch.directory == f"{executor}/runs/{launch.container_id}"


def test_a_checkpointing_framework_tells_its_executors_how_to_recover() -> None:
    wire = Wire()
    launched(wire, checkpoint=True)
    environment = wire.launched[0].environment
    assert environment["MESOS_CHECKPOINT"] == "1"
    assert environment["MESOS_RECOVERY_TIMEOUT"] == "15mins"
    assert environment["MESOS_SUBSCRIPTION_BACKOFF_MAX"] == "2secs"


def test_the_grace_period_of_an_executor_is_its_own() -> None:
    wire = Wire()
    framework_id = wire.registered()
    (offer,) = wire.offers()
    task = task_info(offer)
    task.executor.shutdown_grace_period.nanoseconds = 90 * 10**9
    wire.accept(framework_id, [offer], [task])
    assert wire.launched[0].environment["MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD"] == "90secs"


def test_several_tasks_share_an_executor_and_wait_for_its_registration() -> None:
    wire = Wire()
    launched(wire, "one", "two")
    assert len(wire.launched) == 1
    wire.start_executor()
    names = [each.task.task_id.value for each in wire.take(EXECUTOR, internal.RunTaskMessage)]
    assert names == ["one", "two"]


def test_a_stranger_is_told_to_shut_down() -> None:
    wire = Wire()
    launched(wire)
    wire.start_executor()
    register = internal.RegisterExecutorMessage(
        framework_id=mesos.FrameworkID(value="x"), executor_id=mesos.ExecutorID(value="y")
    )
    wire.send("executor(9)@127.0.0.1:9", AGENT, register)
    assert wire.one("executor(9)@127.0.0.1:9", internal.ShutdownExecutorMessage)


def test_the_end_of_an_executor_fails_its_tasks_and_frees_what_they_held() -> None:
    wire = Wire()
    framework_id = launched(wire, "done", "running", "queued")
    launch = wire.start_executor()
    wire.update(launch, "done", mesos.TASK_FINISHED)
    (finished,) = wire.statuses()
    wire.end(launch, 9)
    exited = wire.one(SCHEDULER, internal.ExitedExecutorMessage)
    assert (exited.executor_id.value, exited.status) == ("default", 9)
    failed = wire.statuses()
    assert {each.task_id.value for each in failed} == {"running", "queued"}
    for status in failed:
        assert (status.state, status.reason) == (mesos.TASK_FAILED, STATUS.REASON_EXECUTOR_TERMINATED)
        assert status.source == STATUS.SOURCE_SLAVE
    assert wire.agent.state.frameworks, "kept until the updates are acknowledged"
    for status in [finished, *failed]:
        wire.acknowledge(framework_id, status)
    assert not wire.agent.state.frameworks
    (agent,) = wire.master.state.agents.values()
    assert not agent.allocated


@pytest.mark.parametrize("executor", ["default", None])
def test_a_container_that_cannot_be_made_fails_the_tasks(executor: str | None) -> None:
    wire = Wire()
    launched(wire, executor=executor)
    wire.tell(AGENT, ContainerFailed(wire.launched[0].container_id, "no such file"))
    (status,) = wire.statuses()
    assert (status.state, status.reason) == (mesos.TASK_FAILED, STATUS.REASON_CONTAINER_LAUNCH_FAILED)
    assert status.message == "Failed to launch container: no such file"


def test_an_executor_that_never_registers_is_destroyed() -> None:
    wire = Wire()
    launched(wire)
    wire.advance(59.0)
    assert not wire.destroyed
    wire.advance(2.0)
    (launch,) = wire.launched
    assert wire.destroyed == [launch.container_id]
    wire.end(launch, 9)
    (status,) = wire.statuses()
    assert status.reason == STATUS.REASON_EXECUTOR_REGISTRATION_TIMEOUT
    assert status.message == "Executor did not register within 1mins"


def test_an_executor_that_ignores_its_shutdown_is_killed_after_the_grace_period() -> None:
    wire = Wire()
    framework_id = launched(wire)
    launch = wire.start_executor()
    wire.call(framework_id, scheduler.Call.TEARDOWN)
    assert wire.one(EXECUTOR, internal.ShutdownExecutorMessage)
    wire.advance(4.5)
    assert not wire.destroyed
    wire.advance(1.0)
    assert wire.destroyed == [launch.container_id]
    wire.end(launch, 9)
    assert not wire.agent.state.frameworks


def test_the_scheduler_may_shut_an_executor_down() -> None:
    wire = Wire()
    framework_id = launched(wire)
    launch = wire.start_executor()
    shutdown = scheduler.Call.Shutdown(
        executor_id=mesos.ExecutorID(value="default"),
        slave_id=mesos.SlaveID(value=launch.environment["MESOS_SLAVE_ID"]),
    )
    wire.call(framework_id, scheduler.Call.SHUTDOWN, shutdown=shutdown)
    assert wire.one(EXECUTOR, internal.ShutdownExecutorMessage).executor_id.value == "default"


def test_an_update_that_names_another_agent_or_none_is_ignored() -> None:
    wire = Wire()
    launched(wire)
    launch = wire.start_executor()
    launch.environment["MESOS_SLAVE_ID"] = "another"
    wire.update(launch, "task", mesos.TASK_RUNNING)
    assert not wire.statuses()
    assert not wire.take(EXECUTOR, internal.StatusUpdateAcknowledgementMessage)


def test_an_executor_that_reports_staging_is_shut_down() -> None:
    wire = Wire()
    launched(wire)
    launch = wire.start_executor()
    wire.update(launch, "task", mesos.TASK_STAGING)
    assert wire.one(EXECUTOR, internal.ShutdownExecutorMessage)
    assert not wire.statuses()


def test_a_registration_that_is_lost_is_sent_again() -> None:
    wire = Wire(agents=0)
    wire.cut.add((AGENT, MASTER))
    agent = wire.add_agent(AGENT)
    wire.advance(30.0)
    assert agent.state.connection is Connection.DISCONNECTED
    wire.cut.clear()
    wire.advance(60.0)
    assert agent.state.connection is Connection.RUNNING
    assert len(wire.master.state.agents) == 1


def test_a_lost_link_leads_back_to_the_master_with_the_same_id_and_the_updates_again() -> None:
    wire = Wire()
    framework_id = launched(wire, checkpoint=True)
    launch = wire.start_executor()
    wire.update(launch, "task", mesos.TASK_RUNNING)
    (first,) = wire.statuses()
    agent_id = wire.agent.state.id
    wire.exited(AGENT)
    wire.exited(MASTER, AGENT)
    wire.advance(2.0)
    assert list(wire.master.state.agents) == [agent_id]
    assert wire.master.state.agents[agent_id].connected
    again = wire.statuses()
    assert again and all(each.uuid == first.uuid for each in again)
    assert "task" in wire.master.state.frameworks[framework_id.value].tasks


def test_what_is_not_checkpointed_is_lost_with_the_link() -> None:
    wire = Wire()
    launched(wire)
    wire.exited(AGENT)
    (status,) = wire.statuses()
    assert (status.state, status.reason) == (mesos.TASK_LOST, STATUS.REASON_SLAVE_DISCONNECTED)
    assert status.message == "Agent localhost disconnected"
    assert not wire.take(SCHEDULER, internal.LostSlaveMessage)


@pytest.mark.parametrize("aware", [False, True])
def test_a_silent_agent_is_unreachable_and_may_come_back(aware: bool) -> None:
    wire = Wire()
    framework_id = launched(wire, checkpoint=True, capabilities=["PARTITION_AWARE"] if aware else [])
    agent_id = wire.agent.state.id
    wire.start_executor()
    wire.cut |= {(AGENT, MASTER), (MASTER, AGENT)}
    wire.advance(74.0)
    assert agent_id in wire.master.state.agents
    wire.advance(17.0)
    assert agent_id in wire.master.state.unreachable_agents
    (status,) = wire.statuses()
    assert status.state == (mesos.TASK_UNREACHABLE if aware else mesos.TASK_LOST)
    assert status.HasField("unreachable_time")
    assert wire.one(SCHEDULER, internal.LostSlaveMessage).slave_id.value == agent_id
    wire.cut.clear()
    wire.advance(150.0)
    assert agent_id in wire.master.state.agents
    states = [each.state for each in wire.statuses() if each.reason == STATUS.REASON_SLAVE_REREGISTERED]
    assert states == [mesos.TASK_STAGING]
    assert framework_id.value in wire.master.state.frameworks


def test_a_new_master_learns_of_tasks_from_the_agent_and_of_the_framework_from_itself() -> None:
    wire = Wire()
    framework_id = launched(wire, checkpoint=True, failover_timeout=60.0)
    launch = wire.start_executor()
    wire.update(launch, "task", mesos.TASK_RUNNING)
    wire.acknowledge(framework_id, wire.statuses()[0])
    wire.restart_master()
    wire.exited(MASTER, AGENT)
    wire.advance(2.0)
    recovered = wire.master.state.frameworks[framework_id.value]
    assert recovered.state.name == "RECOVERED" and "task" in recovered.tasks
    wire.subscribe(id=framework_id)
    assert wire.one(SCHEDULER, internal.FrameworkRegisteredMessage).framework_id == framework_id
    wire.call(framework_id, scheduler.Call.RECONCILE, reconcile=scheduler.Call.Reconcile())
    assert [each.state for each in wire.statuses()] == [mesos.TASK_RUNNING]
    (offer,) = wire.offers()
    assert sum(each.scalar.value for each in offer.resources if each.name == "cpus") == 3.0


def test_a_goodbye_loses_the_tasks_at_once() -> None:
    wire = Wire()
    launched(wire, checkpoint=True)
    agent_id = wire.agent.state.info.id
    wire.send(AGENT, MASTER, internal.UnregisterSlaveMessage(slave_id=agent_id))
    (status,) = wire.statuses()
    assert (status.state, status.reason) == (mesos.TASK_LOST, STATUS.REASON_SLAVE_REMOVED)
    assert status.message == "Agent localhost removed: the agent unregistered"
    assert wire.one(SCHEDULER, internal.LostSlaveMessage).slave_id == agent_id


def test_tasks_the_agent_never_got_are_reported_lost_when_it_comes_back() -> None:
    wire = Wire()
    wire.cut.add((MASTER, AGENT))
    framework_id = launched(wire, checkpoint=True)
    wire.cut.clear()
    wire.exited(AGENT)
    wire.exited(MASTER, AGENT)
    wire.advance(2.0)
    (status,) = wire.statuses()
    assert (status.state, status.reason) == (mesos.TASK_LOST, STATUS.REASON_RECONCILIATION)
    wire.acknowledge(framework_id, status)
    assert not wire.master.state.frameworks[framework_id.value].tasks


@pytest.mark.parametrize("kind", ["docker", "image"])
def test_an_image_cannot_be_run_and_the_task_says_so(kind: str) -> None:
    wire = Wire()
    framework_id = wire.registered()
    (offer,) = wire.offers()
    task = task_info(offer, executor=None)
    if kind == "docker":
        task.container.type = mesos.ContainerInfo.DOCKER
        task.container.docker.image = "busybox"
    else:
        task.container.type = mesos.ContainerInfo.MESOS
        task.container.mesos.image.type = mesos.Image.DOCKER
        task.container.mesos.image.docker.name = "busybox"
    wire.accept(framework_id, [offer], [task])
    (status,) = wire.statuses()
    assert (status.state, status.reason) == (mesos.TASK_FAILED, STATUS.REASON_CONTAINER_LAUNCH_FAILED)
    assert "images" in status.message
    assert not wire.launched
    wire.acknowledge(framework_id, status)
    assert not wire.agent.state.frameworks


@pytest.mark.parametrize("kind", ["task", "executor"])
def test_reservations_the_agent_was_not_told_of_are_not_used(kind: str) -> None:
    wire = Wire()
    framework_id = wire.registered(capabilities=["PARTITION_AWARE"])
    (offer,) = wire.offers()
    wire.accept(framework_id, [offer], [])
    info = wire.master.state.frameworks[framework_id.value].info
    run = internal.RunTaskMessage(framework=info, task=task_info(offer), launch_executor=True)
    resource = mesos.Resource(name="cpus", type=mesos.Value.SCALAR)
    resource.scalar.value = 1.0
    resource.reservations.add(type=mesos.Resource.ReservationInfo.DYNAMIC, role="a")
    (run.task if kind == "task" else run.task.executor).resources.append(resource)
    wire.send(MASTER, AGENT, run)
    (status,) = wire.statuses()
    assert (status.state, status.reason) == (mesos.TASK_DROPPED, STATUS.REASON_RESOURCES_UNKNOWN)
    used = "task or task group" if kind == "task" else "executor"
    assert status.message == f"The checkpointed resources being used by the {used} are unknown to the agent"
    assert wire.one(SCHEDULER, internal.ExitedExecutorMessage).executor_id.value == "default"
    assert not wire.launched
