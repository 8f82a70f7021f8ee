"""What takes more memory than it was given is ended, and its tasks say so."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from local_groups import running_pod
from local_helpers import AGENT, Wire, task_info
from local_scheduler import Recorder, command_task, running
from mesos_local import LocalCluster
from mesos_local.agent.memory import taken
from mesos_local.agent.session import ContainerLimited, ContainerStarted
from mesos_local.agent.state import AgentSettings, MeasureMemory, MemoryLimit
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v1 import mesos_pb2 as mesos

MB = 1 << 20
HOG = f"{sys.executable} -I -S -c 'hog = b\"x\" * (200 << 20); import time; time.sleep(1000)'"


class Measured(Wire):
    """A cluster whose agent looks at memory."""

    def limits(self) -> list[MemoryLimit]:
        """Let the time come to look; give what is looked at."""
        self.performed.clear()
        self.advance(1.0)
        return [limit for each in self.performed if isinstance(each, MeasureMemory) for limit in each.limits]

    def launch(self, name: str, resources: str, executor: str | None = "default") -> v0.FrameworkID:
        framework_id = self.registered()
        (offer,) = self.offers()
        self.accept(framework_id, [offer], [task_info(offer, name, resources, executor=executor)])
        return framework_id


def test_a_command_may_take_what_it_and_its_executor_were_given() -> None:
    wire = Measured()
    wire.launch("task", "cpus:1;mem:64", None)
    assert not wire.limits(), "there is no process yet"
    wire.tell(AGENT, ContainerStarted(wire.launched[0].container_id, 77))
    assert wire.limits() == [MemoryLimit(wire.launched[0].container_id, 77, (64 + 32) * MB, spare_root=True)]
    wire.end(wire.launched[0])
    assert not wire.limits()


@pytest.mark.parametrize(("given", "limit"), [(16, 128), (300, 300)])
def test_an_executor_of_others_may_take_what_an_interpreter_needs(given: int, limit: int) -> None:
    wire = Measured()
    wire.launch("task", f"cpus:1;mem:{given}")
    launch = wire.start_executor()
    assert wire.limits() == [MemoryLimit(launch.container_id, 4242, limit * MB, spare_root=False)]


def test_too_much_ends_the_container_and_its_tasks_say_how_much() -> None:
    wire = Measured()
    wire.launch("task", "cpus:1;mem:64")
    launch = wire.start_executor()
    wire.tell(AGENT, ContainerLimited(launch.container_id, 64 * MB, 96 * MB))
    wire.tell(AGENT, ContainerLimited("unknown", 1, 2))
    assert wire.destroyed == [launch.container_id]
    wire.end(launch, 9)
    (status,) = wire.statuses()
    assert (status.state, status.source) == (v0.TASK_FAILED, v0.TaskStatus.SOURCE_SLAVE)
    assert status.reason == v0.TaskStatus.REASON_CONTAINER_LIMITATION_MEMORY
    assert status.message == "Memory limit exceeded: Requested: 64MB Maximum Used: 96MB\n"
    assert [(each.name, each.scalar.value) for each in status.limitation.resources] == [("mem", 96.0)]


def test_nothing_is_looked_at_when_it_is_not_wanted() -> None:
    wire = Measured(agents=0)
    wire.add_agent(AGENT, limit_memory=False)
    wire.launch("task", "cpus:1;mem:64")
    wire.start_executor()
    assert not wire.limits()


def test_memory_is_what_processes_hold_themselves() -> None:
    code = "hog = b'x' * (64 << 20); print('there', flush=True); import time; time.sleep(1000)"
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", code], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == b"there\n"
            assert 64 * MB <= taken([process.pid]) < 128 * MB
        finally:
            process.kill()
    assert taken([process.pid]) == 0


@pytest.fixture(scope="module")
def watched() -> Iterator[LocalCluster]:
    """A cluster that looks often."""
    settings = AgentSettings(
        memory_check_interval=0.05,
    )
    with LocalCluster(resources="cpus:4;mem:4096;disk:1000", agent=settings) as running:
        yield running


def test_a_command_that_takes_too_much_is_ended(watched: LocalCluster) -> None:
    recorder = Recorder(lambda offer: [command_task(offer, HOG)])
    with running(watched, recorder):
        status = recorder.until("TASK_FAILED")
    assert status.reason == mesos.TaskStatus.REASON_CONTAINER_LIMITATION_MEMORY
    assert status.message.startswith("Memory limit exceeded: Requested: 64MB Maximum Used: ")
    (resource,) = status.limitation.resources
    assert resource.scalar.value > 64


def test_a_group_that_takes_too_much_is_ended_with_all_its_tasks(watched: LocalCluster) -> None:
    with running_pod(watched) as pod:
        pod.launch(hog=HOG, other="exec sleep 1000")
        for name in ("hog", "other"):
            status = pod.recorder.until("TASK_FAILED", name)
            assert status.reason == mesos.TaskStatus.REASON_CONTAINER_LIMITATION_MEMORY
