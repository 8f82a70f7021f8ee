"""How the extras are used, for the type checker."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import (
    AsyncSchedulerDriver,
    MesosSchedulerDriver,
    Scheduler,
    SchedulerDriver,
    commands,
    events,
)
from mesos_scheduler.extras.acknowledge import Moment, acknowledge
from mesos_scheduler.extras.handlers import (
    Call,
    CallMiddleware,
    Event,
    EventMiddleware,
    EventScheduler,
    Handler,
    around,
    chain,
    combine,
    drop,
    intercept,
    kind,
    limited,
    log,
    observe,
    once,
    tolerate,
    translate,
    when,
)
from mesos_scheduler.extras.held import HeldOffers
from mesos_scheduler.extras.metrics import MetricsServer, SchedulerMetrics, Timing
from mesos_scheduler.extras.notify import Connection, Connectivity, SilenceWatch
from mesos_scheduler.extras.offers import (
    OfferFilter,
    attribute,
    by_agent,
    contains,
    hostname,
    ids,
    refuse_up_to,
)
from mesos_scheduler.extras.revive import RateLimit, ReviveLimiter
from mesos_scheduler.v1 import AsyncHttpSchedulerDriver, HttpSchedulerDriver
from prometheus_client import CollectorRegistry

SUITABLE: OfferFilter = (hostname("a") | attribute("rack", "r1")) & ~contains("gpus:1")


class Mine(Scheduler):
    def resource_offers(self, driver: SchedulerDriver, offers: Sequence[mesos.Offer]) -> None:
        suitable, others = SUITABLE.split(offers)
        for agent_id, of_agent in by_agent(suitable).items():
            print(agent_id, len(of_agent))
        driver.decline_offer(ids(others), refuse_up_to(5))


class ForAll(EventScheduler):
    def handle(self, driver: SchedulerDriver, event: events.Event) -> None:
        if isinstance(event, events.StatusUpdate):
            print(event.status.task_id.value)


def own(driver: SchedulerDriver, event: Event, proceed: Handler[Event]) -> object:
    print(kind(event))
    return proceed(driver, event)


async def own_coroutine(driver: SchedulerDriver, event: Event, proceed: Handler[Event]) -> None:
    proceed(driver, event)


def own_for_calls(driver: SchedulerDriver, call: Call, proceed: Handler[Call]) -> object:
    if isinstance(call, commands.KillTask):
        print(call.task_id.value)
    return proceed(driver, call)


@around
@contextmanager
def inside(driver: SchedulerDriver, event: Event) -> Iterator[None]:
    yield


def with_threads(framework: mesos.FrameworkInfo) -> None:
    metrics = SchedulerMetrics(CollectorRegistry(), prefix="p", timing=Timing.SUMMARY, resources=True)
    connection, held = Connection(), HeldOffers()
    both: EventMiddleware = combine(own, log(logging.INFO))
    scheduler: Scheduler = chain(
        both,
        inside,
        connection,
        metrics.events,
        held.events,
        held.decline_unused(lambda: mesos.Filters(refuse_seconds=1)),
        acknowledge(Moment.BEFORE),
        when(events.StatusUpdate, own, log()),
        limited(RateLimit(1, 60), log(), otherwise=own),
        once(own),
        drop(events.Heartbeat),
        observe(events.Registered, lambda driver, event: event.framework_id.value),
        tolerate(KeyError, ValueError),
        translate({LookupError: RuntimeError}),
    )(Mine())
    calls: CallMiddleware = combine(own_for_calls, log(), drop(commands.SuppressOffers))
    with ReviveLimiter(3, 1.0) as limiter, MetricsServer(port=0, path="/metrics") as server:
        driver: MesosSchedulerDriver = intercept(
            MesosSchedulerDriver(scheduler, framework, "master:5050"),
            limiter,
            metrics.calls,
            held.calls,
            calls,
        )
        print(server.url, server.port)
        driver.start()
        if connection.wait_until_connected(30):
            now: Connectivity = connection.now
            print(now.state, connection.silence, connection.missed_heartbeats)
        with SilenceWatch(connection, 60, driver.reconcile_tasks):
            driver.join()
    driver_v1 = HttpSchedulerDriver(ForAll(), framework, "master:5050", transport=metrics.transport())
    intercept(driver_v1, own_for_calls).reconcile_operations()


async def under_asyncio(framework: mesos.FrameworkInfo) -> None:
    driver = intercept(AsyncSchedulerDriver(framework, "master:5050"), log())
    await driver.run(chain(own_coroutine)(Mine()))
    metrics = SchedulerMetrics()
    driver_v1 = AsyncHttpSchedulerDriver(framework, "master:5050", transport=metrics.async_transport())
    await intercept(driver_v1, metrics.calls).run(Mine())
