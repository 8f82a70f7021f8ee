"""One `Scheduler` class, unchanged, over v0 and v1, with threads and under asyncio, on one cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from mesos_http import JSON
from mesos_local import LocalCluster
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import AsyncSchedulerDriver, MesosSchedulerDriver, Scheduler, Status
from mesos_scheduler.v1 import AsyncHttpSchedulerDriver, HttpSchedulerDriver

TASKS = 3
HERE = "127.0.0.1:0"


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


def with_threads(driver: MesosSchedulerDriver | HttpSchedulerDriver) -> None:
    driver.start()
    try:
        assert driver.join(60) is Status.STOPPED
    finally:
        driver.stop()


def with_asyncio(driver: AsyncSchedulerDriver | AsyncHttpSchedulerDriver, scheduler: Scheduler) -> None:
    assert asyncio.run(asyncio.wait_for(driver.run(scheduler), 60)) is Status.STOPPED


RUNS: dict[str, Callable[[Scheduler, mesos.FrameworkInfo, str], None]] = {
    "v0": lambda s, info, master: with_threads(MesosSchedulerDriver(s, info, master, bind=HERE)),
    "v1 protobuf": lambda s, info, master: with_threads(HttpSchedulerDriver(s, info, master)),
    "v1 json": lambda s, info, master: with_threads(HttpSchedulerDriver(s, info, master, codec=JSON)),
    "v0 asyncio": lambda s, info, master: with_asyncio(AsyncSchedulerDriver(info, master, bind=HERE), s),
    "v1 asyncio": lambda s, info, master: with_asyncio(AsyncHttpSchedulerDriver(info, master), s),
    "v1 asyncio json": lambda s, info, master: with_asyncio(
        AsyncHttpSchedulerDriver(info, master, codec=JSON), s
    ),
}


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Counting]:
    """What the scheduler saw over each transport."""
    seen = {}
    with LocalCluster() as cluster:
        for name, run in RUNS.items():
            seen[name] = Counting()
            run(seen[name], mesos.FrameworkInfo(name=name, failover_timeout=60), cluster.master_address)
    return seen


@pytest.mark.parametrize("name", RUNS)
def test_every_task_finishes(outcomes, name):
    wanted = [mesos.TASK_STARTING, mesos.TASK_RUNNING, mesos.TASK_FINISHED]
    assert outcomes[name].states == {f"t{number + 1}": wanted for number in range(TASKS)}
    assert outcomes[name].executors == {"t1", "t2", "t3"}


def test_offers_read_the_same(outcomes):
    first, *others = (outcome.read for outcome in outcomes.values())
    assert first and all(other == first for other in others)
