"""All the extras around one scheduler, over v0, v1 and asyncio, on the embedded cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from mesos_http import JSON
from mesos_local import LocalCluster
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import AsyncSchedulerDriver, MesosSchedulerDriver, Scheduler, Status
from mesos_scheduler.extras.acknowledge import acknowledge
from mesos_scheduler.extras.handlers import chain, intercept, log
from mesos_scheduler.extras.held import HeldOffers
from mesos_scheduler.extras.metrics import SchedulerMetrics
from mesos_scheduler.extras.notify import Connection, State
from mesos_scheduler.extras.offers import contains, hostname, refuse_up_to
from mesos_scheduler.extras.revive import ReviveLimiter
from mesos_scheduler.v1 import AsyncHttpSchedulerDriver, HttpSchedulerDriver
from prometheus_client import CollectorRegistry

TASKS = 3
SUITABLE = contains("cpus:0.1;mem:16") & ~hostname("elsewhere")


class Wanting(Scheduler):
    """Asks for offers more often than it may, and runs tasks on those that suit."""

    def __init__(self) -> None:
        self.launched = 0
        self.states: dict[str, list[int]] = {}

    def registered(self, driver, framework_id, master_info):
        for _ in range(10):
            driver.revive_offers()

    def resource_offers(self, driver, offers):
        for offer in SUITABLE.of(offers):
            if self.launched < TASKS:
                self.launched += 1
                driver.launch_tasks(offer.id, [task(f"t{self.launched}", offer.agent_id)], refuse_up_to(0))
                driver.revive_offers()

    def status_update(self, driver, status):
        self.states.setdefault(status.task_id.value, []).append(status.state)
        if sum(states[-1] == mesos.TASK_FINISHED for states in self.states.values()) == TASKS:
            driver.stop()


def task(name: str, agent_id: mesos.AgentID) -> mesos.TaskInfo:
    made = mesos.TaskInfo(name=name, task_id=mesos.TaskID(value=name), agent_id=agent_id)
    made.command.value = "true"
    for kind, value in (("cpus", 0.1), ("mem", 16)):
        made.resources.add(name=kind, type=mesos.Value.SCALAR).scalar.value = value
    return made


def run_thread(driver: Any) -> Any:
    driver.start()
    try:
        return driver.join(60)
    finally:
        driver.stop()


def over_v0(scheduler: Scheduler, info: mesos.FrameworkInfo, master: str, wrap: Callable[[Any], Any]) -> Any:
    arguments: dict[str, Any] = {"bind": "127.0.0.1:0", "implicit_acknowledgements": False}
    return run_thread(wrap(MesosSchedulerDriver(scheduler, info, master, **arguments)))


def over_v1(scheduler: Scheduler, info: mesos.FrameworkInfo, master: str, wrap: Callable[[Any], Any]) -> Any:
    arguments: dict[str, Any] = {"codec": JSON, "implicit_acknowledgements": False}
    return run_thread(wrap(HttpSchedulerDriver(scheduler, info, master, **arguments)))


def over_v1_asyncio(
    scheduler: Scheduler, info: mesos.FrameworkInfo, master: str, wrap: Callable[[Any], Any]
) -> Any:
    async def main() -> Status:
        driver = AsyncHttpSchedulerDriver(info, master, implicit_acknowledgements=False)
        return await asyncio.wait_for(wrap(driver).run(scheduler), 60)

    return asyncio.run(main())


def over_asyncio(
    scheduler: Scheduler, info: mesos.FrameworkInfo, master: str, wrap: Callable[[Any], Any]
) -> Any:
    async def main() -> Status:
        driver = AsyncSchedulerDriver(info, master, bind="127.0.0.1:0", implicit_acknowledgements=False)
        return await asyncio.wait_for(wrap(driver).run(scheduler), 60)

    return asyncio.run(main())


@pytest.fixture(scope="module")
def master():
    with LocalCluster() as cluster:
        yield cluster.master_address


@pytest.mark.parametrize("run", [over_v0, over_v1, over_asyncio, over_v1_asyncio])
def test_everything_together(run, master, caplog):
    caplog.set_level("DEBUG", "mesos.scheduler")
    scheduler, connection, held = Wanting(), Connection(), HeldOffers()
    registry = CollectorRegistry()
    metrics = SchedulerMetrics(registry, prefix="m", resources=True)
    leave = held.decline_unused(lambda: mesos.Filters(refuse_seconds=0))
    chained = chain(log(), metrics.events, connection, acknowledge(), held.events, leave)(scheduler)
    info = mesos.FrameworkInfo(name=run.__name__, failover_timeout=60)
    with ReviveLimiter(burst=2, seconds=1.0) as limiter:
        status = run(
            chained, info, master, lambda driver: intercept(driver, limiter, metrics.calls, held.calls)
        )
    assert status is Status.STOPPED
    # An agent sends the next update of a task when the one before is acknowledged.
    wanted = [mesos.TASK_STARTING, mesos.TASK_RUNNING, mesos.TASK_FINISHED]
    assert scheduler.states == {f"t{number + 1}": wanted for number in range(TASKS)}
    assert connection.now.state is State.CONNECTED and connection.now.framework_id.value

    def value(name: str, **labels: str) -> float:
        return registry.get_sample_value(f"m_{name}", labels) or 0

    assert value("events_total", type="subscribed") == 1
    assert value("events_total", type="update") == value("calls_total", type="acknowledge") == 3 * TASKS
    assert value("task_updates_total", state="TASK_FINISHED") == TASKS
    assert value("tasks_launched_total") == value("tasks_launched_per_cycle_sum") == TASKS
    assert value("used_resources_sum", resource="mem") == 16 * TASKS
    assert 2 <= value("calls_total", type="revive") < 10
    assert value("offers_received_total") >= value("offers_accepted_total") == TASKS
    assert "update: t1 TASK_FINISHED" in caplog.messages
