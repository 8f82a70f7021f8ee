"""Task groups for tests on a real cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local_scheduler import Recorder, command_task, running
from mesos_local import LocalCluster
from mesos_proto.resources import Resources
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import MesosSchedulerDriver

__all__ = ["Pod", "executor_info", "group_of", "running_pod"]


def executor_info() -> mesos.ExecutorInfo:
    """Describe a default executor."""
    info = mesos.ExecutorInfo(
        type=mesos.ExecutorInfo.DEFAULT, resources=Resources.parse("cpus:0.1;mem:32;disk:10")
    )
    info.executor_id.value = "pod"
    return info


def group_of(offer: mesos.Offer, **commands: str) -> list[mesos.TaskInfo]:
    """Describe tasks that run commands, by their names."""
    return [command_task(offer, command, name) for name, command in commands.items()]


class Pod:
    """A framework that launches groups on one executor, and what it is told."""

    def __init__(self, cluster: LocalCluster, recorder: Recorder, driver: MesosSchedulerDriver) -> None:
        self.cluster, self.recorder, self.driver = cluster, recorder, driver
        self._used = 0
        self.executor = executor_info()

    def offer(self) -> mesos.Offer:
        """Take the next offer."""
        self.recorder.wait(lambda: len(self.recorder.offers) > self._used)
        self._used += 1
        return self.recorder.offers[self._used - 1]

    def launch(
        self, describe: Callable[[list[mesos.TaskInfo]], object] = lambda tasks: None, **commands: str
    ) -> mesos.Offer:
        """Launch a group of commands on the next offer, after what `describe` adds to them."""
        offer = self.offer()
        tasks = group_of(offer, **commands)
        describe(tasks)
        operation = mesos.Offer.Operation(type=mesos.Offer.Operation.LAUNCH_GROUP)
        operation.launch_group.executor.CopyFrom(self.executor)
        operation.launch_group.executor.framework_id.value = self.recorder.framework_ids[0]
        operation.launch_group.task_group.tasks.extend(tasks)
        self.driver.accept_offers([offer.id], [operation], mesos.Filters(refuse_seconds=0))
        return offer

    def states(self, name: str) -> list[str]:
        """Give the states of a task, without their prefix."""
        return [state.removeprefix("TASK_") for state in self.recorder.states(name)]

    def sandbox(self) -> Path:
        """Give the sandbox of the executor."""
        (run,) = self.cluster.work_dir.glob(
            f"agents/0/work/slaves/*/frameworks/{self.recorder.framework_ids[0]}/executors/pod/runs/latest"
        )
        return run


@contextmanager
def running_pod(cluster: LocalCluster, **framework: Any) -> Iterator[Pod]:
    """Run a framework that launches groups."""
    recorder = Recorder()
    with running(cluster, recorder, **framework) as driver:
        yield Pod(cluster, recorder, driver)
