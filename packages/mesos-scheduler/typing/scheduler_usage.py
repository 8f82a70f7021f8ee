"""How programs use the package, for the type checker."""

from __future__ import annotations

from collections.abc import Sequence

from mesos_auth import Credential
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import (
    AsyncSchedulerDriver,
    FileFrameworkIdStore,
    MesosSchedulerDriver,
    Scheduler,
    SchedulerDriver,
    SessionOptions,
    Status,
    events,
)


class Mine(Scheduler):
    """A scheduler with some of the callbacks."""

    def resource_offers(self, driver: SchedulerDriver, offers: Sequence[mesos.Offer]) -> None:
        for offer in offers:
            task = mesos.TaskInfo(name="t", task_id=mesos.TaskID(value="t"), agent_id=offer.agent_id)
            status: Status = driver.launch_tasks(offer.id, [task], mesos.Filters(refuse_seconds=1))
            assert status is Status.RUNNING
        driver.decline_offer([offer.id for offer in offers])

    def status_update(self, driver: SchedulerDriver, status: mesos.TaskStatus) -> None:
        if status.state == mesos.TASK_FINISHED:
            driver.stop()


def run_threads(framework: mesos.FrameworkInfo) -> Status:
    """Use the driver with threads."""
    driver = MesosSchedulerDriver(
        Mine(),
        framework,
        "zk://h1:2181/mesos",
        credential=Credential("p", "s"),
        suppressed_roles=["a"],
        framework_id_store=FileFrameworkIdStore("id"),
        options=SessionOptions(silence=None),
    )
    with driver:
        joined = driver.join(5.0)
        if joined is False:
            driver.abort()
    return driver.run()


async def run_async(framework: mesos.FrameworkInfo) -> None:
    """Use the driver under asyncio."""
    async with AsyncSchedulerDriver(framework, "127.0.0.1:5050") as driver:
        async for event in driver:
            if isinstance(event, events.StatusUpdate):
                print(event.status.task_id.value)
            elif isinstance(event, events.ResourceOffers):
                driver.accept_offers([offer.id for offer in event.offers], [])
