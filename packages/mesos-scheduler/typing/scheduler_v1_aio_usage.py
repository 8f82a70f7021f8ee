"""How the v1 driver for asyncio is used, for the type checker."""

from __future__ import annotations

import ssl

from mesos_auth import BasicAuth, Credential
from mesos_http import JSON, Settings
from mesos_http.aio import AsyncEventStream, H11Transport
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2 as scheduler
from mesos_scheduler import FileFrameworkIdStore, Scheduler, Status, events
from mesos_scheduler.v1 import AsyncClient, AsyncHttpSchedulerDriver, HttpOptions, calls


async def run_events(framework: mesos.FrameworkInfo) -> None:
    """Ask for events one by one."""
    context = ssl.create_default_context(cafile="ca.pem")
    async with AsyncHttpSchedulerDriver(
        framework,
        "https://master:5050/api/v1/scheduler",
        codec=JSON,
        auth=BasicAuth(Credential("principal", "secret")),
        framework_id_store=FileFrameworkIdStore("id"),
        transport=lambda: H11Transport(context),
        settings=Settings(timeout=3),
        options=HttpOptions(backoff_max=5.0),
    ) as driver:
        async for event in driver:
            if isinstance(event, events.StatusUpdate):
                print(event.status.task_id.value)
            elif isinstance(event, events.ResourceOffers):
                driver.decline_offer([offer.id for offer in event.offers])
            status: Status = driver.reconcile_operations()
            print(status)


async def run_callbacks(framework: mesos.FrameworkInfo, scheduler: Scheduler) -> Status:
    """Have the methods of a scheduler called."""
    return await AsyncHttpSchedulerDriver(framework, "zk://h1:2181/mesos").run(scheduler)


async def without_a_driver(framework: mesos.FrameworkInfo) -> None:
    """Send calls as they are, take events as they come."""
    async with AsyncClient("http://master:5050", codec=JSON) as client:
        stream: AsyncEventStream[scheduler.Event] = await client.subscribe(framework)
        async with stream:
            async for event in stream:
                kind: scheduler.Event.Type.ValueType = event.type
                print(kind)
                await client.call(calls.revive(mesos.FrameworkID(value="f")), stream.stream_id)
