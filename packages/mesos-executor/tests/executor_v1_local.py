"""A scheduler on the embedded cluster that a test steers, and a v1 executor that does as it is told."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from executor_agent import DEADLINE
from mesos_local import LocalCluster
from mesos_proto.resources import Resources
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import MesosSchedulerDriver, Scheduler, SchedulerDriver
from mesos_scheduler.v1 import HttpSchedulerDriver

# `finish` ends at once; `file` waits for a file `go` in the sandbox; anything else waits to be killed.
PROGRAM = r"""
import os, sys, threading, time
from mesos_executor import Executor
from mesos_executor.v1 import HttpExecutorDriver
from mesos_http import JSON, PROTOBUF
from mesos_proto.v1 import mesos_pb2 as mesos

class Obedient(Executor):
    running = set()
    def registered(self, driver, executor_info, framework_info, agent_info):
        print("registered", executor_info.executor_id.value, framework_info.name, flush=True)
    def reregistered(self, driver, agent_info):
        print("reregistered", flush=True)
    def disconnected(self, driver):
        print("disconnected", flush=True)
    def launch_task(self, driver, task):
        self.running.add(task.task_id.value)
        self.report(driver, task.task_id.value, mesos.TASK_RUNNING)
        if task.data == b"finish":
            self.report(driver, task.task_id.value, mesos.TASK_FINISHED)
        elif task.data == b"file":
            threading.Thread(target=self.wait, args=[driver, task.task_id.value], daemon=True).start()
    def wait(self, driver, task_id):
        while not os.path.exists("go"):
            time.sleep(0.02)
        self.report(driver, task_id, mesos.TASK_FINISHED)
    def kill_task_with_policy(self, driver, task_id, kill_policy):
        grace = "" if kill_policy is None else kill_policy.grace_period.nanoseconds
        self.report(driver, task_id.value, mesos.TASK_KILLED, str(grace))
    def framework_message(self, driver, data):
        driver.send_framework_message(data.upper())
    def shutdown(self, driver):
        print("shutdown", flush=True)
        for task_id in sorted(self.running):
            self.report(driver, task_id, mesos.TASK_KILLED)
    def report(self, driver, task_id, state, message=""):
        if state != mesos.TASK_RUNNING:
            self.running.discard(task_id)
        driver.send_status_update(
            mesos.TaskStatus(task_id=mesos.TaskID(value=task_id), state=state, message=message)
        )

status = HttpExecutorDriver(Obedient(), codec=JSON if "json" in sys.argv else PROTOBUF).run()
print("ended", status.name, flush=True)
"""


def command(*arguments: str) -> mesos.CommandInfo:
    """Return the command that runs the program."""
    info = mesos.CommandInfo(shell=False, value=sys.executable)
    info.arguments.extend([sys.executable, "-c", PROGRAM, *arguments])
    path = os.pathsep.join(os.path.abspath(each) for each in sys.path if each)
    info.environment.variables.add(name="PYTHONPATH", value=path)
    return info


class Boss(Scheduler):
    """Launches what `tasks` names on the next offer, and keeps what it is told."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.executor_command = command()
        self.tasks: list[tuple[str, bytes]] = []
        self.statuses: list[mesos.TaskStatus] = []
        self.messages: list[bytes] = []
        self.framework_id = ""

    def launch(self, name: str, data: bytes) -> None:
        with self.changed:
            self.tasks.append((name, data))

    def registered(
        self, driver: SchedulerDriver, framework_id: mesos.FrameworkID, master_info: mesos.MasterInfo
    ) -> None:
        self.framework_id = framework_id.value

    def resource_offers(self, driver: SchedulerDriver, offers: Sequence[mesos.Offer]) -> None:
        for offer in offers:
            with self.changed:
                wanted, self.tasks = self.tasks, []
            driver.launch_tasks(
                offer.id,
                [self._task(offer, name, data) for name, data in wanted],
                mesos.Filters(refuse_seconds=0),
            )

    def _task(self, offer: mesos.Offer, name: str, data: bytes) -> mesos.TaskInfo:
        task = mesos.TaskInfo(
            name=name, agent_id=offer.agent_id, resources=Resources.parse("cpus:0.1;mem:32"), data=data
        )
        task.task_id.value = name
        task.executor.executor_id.value = "obedient"
        task.executor.command.CopyFrom(self.executor_command)
        return task

    def status_update(self, driver: SchedulerDriver, status: mesos.TaskStatus) -> None:
        with self.changed:
            self.statuses.append(status)
            self.changed.notify_all()

    def framework_message(
        self, driver: SchedulerDriver, executor_id: mesos.ExecutorID, agent_id: mesos.AgentID, data: bytes
    ) -> None:
        with self.changed:
            self.messages.append(data)
            self.changed.notify_all()

    def wait(self, condition: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, DEADLINE), self.statuses

    def until(self, name: str, state: mesos.TaskState.ValueType) -> mesos.TaskStatus:
        """Return the update that told of a state."""
        self.wait(lambda: state in self.states(name))
        return next(each for each in self.statuses if each.task_id.value == name and each.state == state)

    def states(self, name: str) -> list[int]:
        """Return the states of a task, each update once."""
        states, seen = [], set()
        for status in list(self.statuses):
            if status.task_id.value == name and status.uuid not in seen:
                seen.update({status.uuid} - {b""})
                states.append(status.state)
        return states


@contextmanager
def ruling(
    cluster: LocalCluster, *, v1: bool = True, **framework: object
) -> Iterator[tuple[Boss, SchedulerDriver]]:
    """Run a scheduler against a cluster."""
    boss = Boss()
    info = mesos.FrameworkInfo(**{"name": "boss", "failover_timeout": 60, **framework})  # type: ignore[arg-type]
    driver: HttpSchedulerDriver | MesosSchedulerDriver
    if v1:
        driver = HttpSchedulerDriver(boss, info, cluster.master_address)
    else:
        driver = MesosSchedulerDriver(boss, info, cluster.master_address, bind="127.0.0.1:0")
    driver.start()
    try:
        yield boss, driver
    finally:
        driver.stop()
        assert driver.join(DEADLINE)
