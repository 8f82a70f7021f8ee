"""One `Scheduler` class, unchanged, over v0 and over v1, on the embedded cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from mesos_http import JSON, PROTOBUF
from mesos_local import LocalCluster
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import MesosSchedulerDriver, Scheduler, Status
from mesos_scheduler.v1 import HttpSchedulerDriver

TASKS = 3


class Counting(Scheduler):
    """Runs tasks, and keeps what it reads out of offers and updates."""

    def __init__(self) -> None:
        self.launched = 0
        self.states: dict[str, list[int]] = {}
        self.read: set[tuple[str, ...]] = set()
        self.executors: set[str] = set()

    def resource_offers(self, driver, offers):
        for offer in offers:
            kinds = ",".join(sorted({resource.name for resource in offer.resources}))
            attributes = ",".join(attribute.name for attribute in offer.attributes)
            self.read.add((offer.agent_id.value.rpartition("-")[2], offer.hostname, kinds, attributes))
            tasks = []
            while self.launched < TASKS:
                self.launched += 1
                tasks.append(task_of(f"t{self.launched}", offer.agent_id))
            driver.launch_tasks(offer.id, tasks)

    def status_update(self, driver, status):
        self.states.setdefault(status.task_id.value, []).append(status.state)
        self.executors.add(status.executor_id.value)
        if sum(states[-1] == mesos.TASK_FINISHED for states in self.states.values()) == TASKS:
            driver.stop()


def task_of(name: str, agent_id: mesos.AgentID) -> mesos.TaskInfo:
    resources = [
        mesos.Resource(name=kind, type=mesos.Value.SCALAR, scalar=mesos.Value.Scalar(value=value))
        for kind, value in (("cpus", 0.1), ("mem", 16))
    ]
    return mesos.TaskInfo(
        name=name,
        task_id=mesos.TaskID(value=name),
        agent_id=agent_id,
        command=mesos.CommandInfo(value="true"),
        resources=resources,
    )


DRIVERS: dict[str, Callable[..., Any]] = {
    "v0": lambda *arguments: MesosSchedulerDriver(*arguments, bind="127.0.0.1:0"),
    "v1 protobuf": lambda *arguments: HttpSchedulerDriver(*arguments, codec=PROTOBUF),
    "v1 json": lambda *arguments: HttpSchedulerDriver(*arguments, codec=JSON),
}


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Counting]:
    """What the scheduler saw over each transport."""
    seen = {}
    with LocalCluster() as cluster:
        for name, make in DRIVERS.items():
            scheduler = Counting()
            info = mesos.FrameworkInfo(name=name, failover_timeout=60)
            driver = make(scheduler, info, cluster.master_address)
            driver.start()
            try:
                assert driver.join(60) is Status.STOPPED
            finally:
                driver.stop()
            seen[name] = scheduler
    return seen


@pytest.mark.parametrize("name", DRIVERS)
def test_every_task_finishes(outcomes, name):
    wanted = [mesos.TASK_STARTING, mesos.TASK_RUNNING, mesos.TASK_FINISHED]
    assert outcomes[name].states == {f"t{number + 1}": wanted for number in range(TASKS)}
    assert outcomes[name].executors == {"t1", "t2", "t3"}


def test_offers_read_the_same(outcomes):
    first, *others = (outcome.read for outcome in outcomes.values())
    assert first and all(other == first for other in others)
