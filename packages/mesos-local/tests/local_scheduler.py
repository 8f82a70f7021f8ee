"""A scheduler that writes down what happens, and a test can wait for."""

from __future__ import annotations

import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from json import loads
from typing import Any

from mesos_auth import Credential
from mesos_local import LocalCluster
from mesos_proto.resources import Resources
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import DriverAborted, MesosSchedulerDriver, Scheduler, SchedulerDriver
from mesos_scheduler.v1 import HttpOptions, HttpSchedulerDriver

DEADLINE = 20.0


class Recorder(Scheduler):
    """Keeps offers, statuses and whatever else it was told; `launch` is asked for tasks at each offer."""

    def __init__(self, launch: Callable[[mesos.Offer], list[mesos.TaskInfo]] | None = None) -> None:
        self.changed = threading.Condition()
        self.framework_ids: list[str] = []
        self.offers: list[mesos.Offer] = []
        self.statuses: list[mesos.TaskStatus] = []
        self.messages: list[bytes] = []
        self.lost_executors: list[tuple[str, int]] = []
        self.errors: list[str] = []
        self.launch = launch

    def registered(
        self, driver: SchedulerDriver, framework_id: mesos.FrameworkID, master_info: mesos.MasterInfo
    ) -> None:
        self._note(self.framework_ids, framework_id.value)

    def resource_offers(self, driver: SchedulerDriver, offers: Sequence[mesos.Offer]) -> None:
        for offer in offers:
            tasks = self.launch(offer) if self.launch else []
            if tasks:
                self.launch = None
                driver.launch_tasks(offer.id, tasks)
            self._note(self.offers, offer)

    def status_update(self, driver: SchedulerDriver, status: mesos.TaskStatus) -> None:
        self._note(self.statuses, status)

    def framework_message(
        self,
        driver: SchedulerDriver,
        executor_id: mesos.ExecutorID,
        agent_id: mesos.AgentID,
        message: bytes,
    ) -> None:
        self._note(self.messages, message)

    def executor_lost(
        self, driver: SchedulerDriver, executor_id: mesos.ExecutorID, agent_id: mesos.AgentID, status: int
    ) -> None:
        self._note(self.lost_executors, (executor_id.value, status))

    def error(self, driver: SchedulerDriver, message: str) -> None:
        self._note(self.errors, message)

    def _note(self, record: list[Any], entry: Any) -> None:
        with self.changed:
            record.append(entry)
            self.changed.notify_all()

    def wait(self, condition: Callable[[], bool]) -> None:
        """Wait until something has happened."""
        with self.changed:
            assert self.changed.wait_for(condition, DEADLINE), (self.states(), self.errors)

    def states(self, task_id: str | None = None) -> list[str]:
        """Give the states reported, of one task or of all."""
        return [
            mesos.TaskState.Name(each.state)
            for each in self.statuses
            if task_id in (None, each.task_id.value)
        ]

    def until(self, state: str, task_id: str | None = None) -> mesos.TaskStatus:
        """Wait for a state, and give the status that told it."""
        self.wait(lambda: state in self.states(task_id))
        wanted = mesos.TaskState.Value(state)
        return next(
            each for each in self.statuses if each.state == wanted and task_id in (None, each.task_id.value)
        )


@contextmanager
def running(
    cluster: LocalCluster, scheduler: Recorder, credential: Credential | None = None, **framework: Any
) -> Iterator[MesosSchedulerDriver]:
    """Run a scheduler against a cluster."""
    info = mesos.FrameworkInfo(**{"user": "", "name": "recorder", **framework})
    driver = MesosSchedulerDriver(
        scheduler, info, cluster.master_address, credential=credential, bind="127.0.0.1:0"
    )
    with _run(driver):
        yield driver


@contextmanager
def running_v1(
    cluster: LocalCluster, scheduler: Recorder, options: HttpOptions | None = None, **framework: Any
) -> Iterator[HttpSchedulerDriver]:
    """Run a scheduler against a cluster, over HTTP."""
    info = mesos.FrameworkInfo(**{"user": "u", "name": "recorder", **framework})
    quick = options or HttpOptions(connection_delay=0.05, backoff=0.05, backoff_max=0.5)
    driver = HttpSchedulerDriver(scheduler, info, cluster.master_address, options=quick)
    with _run(driver):
        yield driver


@contextmanager
def _run(driver: MesosSchedulerDriver | HttpSchedulerDriver) -> Iterator[None]:
    driver.start()
    try:
        yield
    finally:
        driver.stop()
        with suppress(DriverAborted):  # What it was told is in `errors`.
            driver.join(DEADLINE)


def command_task(
    offer: mesos.Offer, command: str, name: str = "task", resources: str = "cpus:0.1;mem:32"
) -> mesos.TaskInfo:
    """Describe a command task."""
    task = mesos.TaskInfo(name=name, agent_id=offer.agent_id, resources=Resources.parse(resources))
    task.task_id.value = name
    task.command.value = command
    return task


def executor_task(offer: mesos.Offer, command: str, name: str = "task") -> mesos.TaskInfo:
    """Describe a task of a custom executor that is started by a command."""
    task = mesos.TaskInfo(name=name, agent_id=offer.agent_id, resources=Resources.parse("cpus:0.1;mem:32"))
    task.task_id.value = name
    task.executor.executor_id.value = "custom"
    task.executor.command.value = command
    return task


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something outside of this process has happened."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, condition
        time.sleep(0.01)


def get(url: str) -> Any:
    """Give the JSON behind a URL."""
    with urllib.request.urlopen(url, timeout=DEADLINE) as response:
        return loads(response.read())


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and was not reaped by whoever inherited it does not."""
    listing = subprocess.run(
        ["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listing.stdout.strip()[:1] not in ("", "Z", "X")
