"""What a cluster goes through when parts of it crash, stand still and come back."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_scheduler import DEADLINE, Recorder, alive, command_task, executor_task, running
from mesos_local import AgentSettings, LocalCluster, MasterSettings
from mesos_local.master.state import FrameworkState
from mesos_proto.v1 import mesos_pb2 as mesos

SURVIVING = {"checkpoint": True, "failover_timeout": 60.0}

WAITER = """
import sys
sys.path[:] = {path!r}
from mesos_executor import Executor, MesosExecutorDriver
from mesos_proto.v1 import mesos_pb2 as mesos

class Waiter(Executor):
    def launch_task(self, driver, task):
        driver.send_status_update(mesos.TaskStatus(task_id=task.task_id, state=mesos.TASK_RUNNING))
    def framework_message(self, driver, data):
        status = mesos.TaskStatus(state=mesos.TASK_FINISHED)
        status.task_id.value = data.decode()
        driver.send_status_update(status)

MesosExecutorDriver(Waiter()).run()
"""


@pytest.fixture
def fragile() -> Iterator[LocalCluster]:
    """A cluster that may be harmed."""
    agent = AgentSettings(
        registration_backoff=0.1,
        executor_reregistration_timeout=10.0,
        update_retry_min=0.3,
    )
    master = MasterSettings(allocation_interval=0.1, agent_ping_timeout=0.2, max_agent_ping_timeouts=3)
    with LocalCluster(resources="cpus:4;mem:1024", agent=agent, master=master) as cluster:
        yield cluster


@pytest.fixture
def waiter(tmp_path: Path) -> str:
    program = tmp_path / "waiter.py"
    program.write_text(WAITER.format(path=[os.path.abspath(each) for each in sys.path if each]))
    return f"exec {sys.executable} -I -S {program}"


def agent_is_back(cluster: LocalCluster) -> bool:
    agents = cluster.master.session.state.agents.values()
    return len(agents) == 1 and all(each.connected for each in agents)


def test_checkpointed_executors_survive_a_crash_of_their_agent(fragile: LocalCluster, waiter: str) -> None:
    recorder = Recorder(
        lambda offer: [executor_task(offer, waiter, "first"), executor_task(offer, waiter, "second")]
    )
    with running(fragile, recorder, **SURVIVING) as driver:
        status = recorder.until("TASK_RUNNING", "first")
        recorder.until("TASK_RUNNING", "second")
        agent = fragile.agents[0]
        (executor,) = agent.executors
        agent.crash()
        assert alive(executor.os_pid)
        agent.start()
        assert fragile.master.shell.wait_until(lambda: agent_is_back(fragile), DEADLINE)
        assert [each.os_pid for each in agent.executors] == [executor.os_pid]
        agent_id = next(iter(fragile.master.session.state.agents))
        assert agent_id == status.agent_id.value, "it came back as itself"
        for name in ("first", "second"):
            driver.send_framework_message(mesos.ExecutorID(value="custom"), status.agent_id, name.encode())
            recorder.until("TASK_FINISHED", name)
        assert recorder.states().count("TASK_LOST") == 0


def test_what_is_not_checkpointed_ends_with_its_agent(fragile: LocalCluster, waiter: str) -> None:
    recorder = Recorder(lambda offer: [executor_task(offer, waiter)])
    with running(fragile, recorder, failover_timeout=60.0):
        recorder.until("TASK_RUNNING")
        fragile.agents[0].restart()
        assert recorder.until("TASK_LOST").reason == mesos.TaskStatus.REASON_AGENT_DISCONNECTED


def test_an_executor_that_died_with_its_agent_is_reported(fragile: LocalCluster, waiter: str) -> None:
    recorder = Recorder(lambda offer: [executor_task(offer, waiter)])
    with running(fragile, recorder, **SURVIVING):
        recorder.until("TASK_RUNNING")
        agent = fragile.agents[0]
        (executor,) = agent.executors
        agent.crash()
        os.kill(executor.os_pid, signal.SIGKILL)
        agent.start()
        assert recorder.until("TASK_FAILED").reason == mesos.TaskStatus.REASON_EXECUTOR_TERMINATED


def test_a_killed_executor_fails_its_tasks(fragile: LocalCluster, waiter: str) -> None:
    recorder = Recorder(lambda offer: [executor_task(offer, waiter)])
    with running(fragile, recorder, failover_timeout=60.0):
        recorder.until("TASK_RUNNING")
        (executor,) = fragile.agents[0].executors
        assert executor.tasks == ("task",)
        os.kill(executor.os_pid, signal.SIGKILL)
        recorder.until("TASK_FAILED")
        recorder.wait(lambda: recorder.lost_executors == [("custom", signal.SIGKILL)])


def test_a_master_that_restarts_gets_everything_back(fragile: LocalCluster) -> None:
    recorder = Recorder(lambda offer: [command_task(offer, "exec sleep 1000")])
    with running(fragile, recorder, **SURVIVING) as driver:
        status = recorder.until("TASK_RUNNING")
        first = fragile.master.session.state.id
        fragile.master.restart()
        state = fragile.master.session.state
        assert state.id != first
        assert list(state.recovered_agents) or agent_is_back(fragile)
        recorder.wait(lambda: len(recorder.framework_ids) == 2)
        assert fragile.master.shell.wait_until(lambda: agent_is_back(fragile), DEADLINE)
        assert recorder.framework_ids[0] == recorder.framework_ids[1]
        framework = state.frameworks[recorder.framework_ids[0]]
        assert framework.state is FrameworkState.ACTIVE
        assert fragile.master.shell.wait_until(lambda: "task" in framework.tasks, DEADLINE)
        driver.kill_task(status.task_id)
        recorder.until("TASK_KILLED")


def test_a_paused_agent_is_unreachable_until_it_goes_on(fragile: LocalCluster) -> None:
    aware = mesos.FrameworkInfo.Capability(type=mesos.FrameworkInfo.Capability.PARTITION_AWARE)
    recorder = Recorder(lambda offer: [command_task(offer, "exec sleep 1000")])
    with running(fragile, recorder, capabilities=[aware], **SURVIVING):
        recorder.until("TASK_RUNNING")
        fragile.agents[0].pause()
        recorder.until("TASK_UNREACHABLE")
        fragile.agents[0].resume()
        assert fragile.master.shell.wait_until(lambda: agent_is_back(fragile), DEADLINE)
        recorder.wait(
            lambda: any(
                each.reason == mesos.TaskStatus.REASON_AGENT_REREGISTERED for each in recorder.statuses
            )
        )
