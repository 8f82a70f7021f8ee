"""What is counted and timed, and where it is served."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from mesos_http import ConnectionFailed
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import DriverMisuse, Scheduler, commands, events
from mesos_scheduler._dispatch import handlers
from mesos_scheduler.extras.handlers import chain, intercept
from mesos_scheduler.extras.metrics import MetricsServer, SchedulerMetrics, Timing
from prometheus_client import CollectorRegistry
from scheduler_extras_helpers import Clock, KeptCalls, offer, status


class Measured:
    """A scheduler and a driver with metrics, moved by hand."""

    def __init__(self, scheduler: Scheduler, **options: object) -> None:
        self.clock = Clock()
        self.registry = CollectorRegistry()
        self.metrics = SchedulerMetrics(self.registry, prefix="m", clock=self.clock, **options)  # type: ignore[arg-type]
        self.driver = intercept(KeptCalls(), self.metrics.calls)
        self.table = handlers(chain(self.metrics.events)(scheduler), self.driver)

    def deliver(self, *items: events.Event) -> list[object]:
        return [self.table[type(item)](item) for item in items]

    def __call__(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"m_{name}", labels)


def task(number: int) -> mesos.TaskInfo:
    return mesos.TaskInfo(
        name="t",
        task_id=mesos.TaskID(value=f"t{number}"),
        agent_id=mesos.AgentID(value="S1"),
        resources=[
            mesos.Resource(name="cpus", type=mesos.Value.SCALAR, scalar=mesos.Value.Scalar(value=0.5))
        ],
    )


class Launching(Scheduler):
    """Launches two tasks on the first offer, declines the second, accepts the third for nothing."""

    def resource_offers(self, driver, offers):
        first, second, third = offers
        driver.launch_tasks(first.id, [task(1), task(2)])
        driver.decline_offer(second.id)
        driver.launch_tasks(third.id, [])


THREE = events.ResourceOffers([offer("O1"), offer("O2", "cpus:2;cpus(web):1;ports:[1-2]"), offer("O3")])


def test_events_calls_offers_and_tasks_are_counted():
    measured = Measured(Launching())
    measured.deliver(THREE, events.StatusUpdate(status()), events.StatusUpdate(status(state=mesos.TASK_LOST)))
    measured.deliver(events.OfferRescinded(mesos.OfferID(value="O4")))
    assert measured("events_total", type="offers") == 1 and measured("events_total", type="update") == 2
    assert measured("calls_total", type="accept") == 2 and measured("calls_total", type="decline") == 1
    assert measured("offers_received_total") == 3
    assert measured("offers_accepted_total") == 1 and measured("offers_declined_total") == 2
    assert measured("offers_rescinded_total") == 1
    assert measured("tasks_launched_total") == 2
    assert measured("tasks_launched_per_cycle_sum") == 2 and measured("tasks_launched_per_cycle_count") == 1
    assert measured("task_updates_total", state="TASK_LOST") == 1
    assert measured("offered_resources_sum", resource="cpus") is None


def test_launches_outside_of_the_offers_callback_are_of_no_cycle():
    measured = Measured(Scheduler())
    measured.driver.launch_tasks(mesos.OfferID(value="O1"), [task(1)])
    measured.deliver(THREE)
    assert measured("tasks_launched_total") == 1
    assert measured("tasks_launched_per_cycle_sum") == 0 and measured("tasks_launched_per_cycle_count") == 1


def test_task_groups_and_other_operations():
    measured = Measured(Scheduler())
    group = mesos.Offer.Operation(type=mesos.Offer.Operation.LAUNCH_GROUP)
    group.launch_group.executor.CopyFrom(mesos.ExecutorInfo(executor_id=mesos.ExecutorID(value="e")))
    group.launch_group.task_group.tasks.extend([task(1), task(2), task(3)])
    reserve = mesos.Offer.Operation(type=mesos.Offer.Operation.RESERVE)
    reserve.reserve.SetInParent()
    measured.driver.accept_offers([mesos.OfferID(value="O1")], [reserve, group])
    measured.driver.accept_offers([mesos.OfferID(value="O2")], [reserve])
    measured.driver.accept_offers([mesos.OfferID(value="O3")], [])
    assert measured("tasks_launched_total") == 3
    assert measured("offers_accepted_total") == 2 and measured("offers_declined_total") == 1


def test_resources_are_summed_by_name_when_wanted():
    measured = Measured(Launching(), resources=True)
    measured.deliver(THREE)
    assert measured("offered_resources_sum", resource="cpus") == 4 + 3 + 4
    assert measured("offered_resources_count", resource="cpus") == 3
    assert measured("used_resources_sum", resource="cpus") == 1.0
    assert measured("offered_resources_sum", resource="ports") is None


def test_inverse_offers_have_a_type_for_each_answer():
    measured = Measured(Scheduler())
    measured.driver.accept_inverse_offers([mesos.OfferID(value="I1")])
    measured.driver.decline_inverse_offers([mesos.OfferID(value="I1")])
    assert measured("calls_total", type="accept_inverse_offers") == 1
    assert measured("calls_total", type="decline_inverse_offers") == 1


class Slow(Scheduler):
    def __init__(self, clock=None):
        self.clock = clock

    def status_update(self, driver, status):
        self.clock.move(0.25)
        if status.state == mesos.TASK_LOST:
            raise KeyError("lost")


@pytest.mark.parametrize("timing", Timing)
def test_times_and_errors(timing):
    scheduler = Slow()
    measured = Measured(scheduler, timing=timing)
    scheduler.clock = measured.clock
    measured.deliver(events.StatusUpdate(status()))
    with pytest.raises(KeyError):
        measured.deliver(events.StatusUpdate(status(state=mesos.TASK_LOST)))
    with pytest.raises(DriverMisuse):
        measured.driver.kill_task(mesos.TaskID())
    assert measured("event_errors_total", type="update") == 1
    assert measured("calls_total", type="kill") == 1 and measured("call_errors_total", type="kill") == 1
    kept = timing is not Timing.NONE
    assert measured("event_seconds_sum", type="update") == (0.5 if kept else None)
    buckets = measured("event_seconds_bucket", type="update", le="0.1")
    assert buckets == (0 if timing is Timing.HISTOGRAM else None)


def test_the_connection_and_the_age_of_the_last_event():
    measured = Measured(Scheduler())
    assert measured("connected") == 0 and str(measured("last_event_age_seconds")) == "nan"
    seen = []
    for event in (
        events.Registered(mesos.FrameworkID(value="F"), mesos.MasterInfo()),
        events.Disconnected(),
        events.Reregistered(mesos.MasterInfo()),
        events.Error("over"),
    ):
        measured.deliver(event)
        seen.append(measured("connected"))
    assert seen == [1, 0, 1, 0]
    measured.deliver(events.Reregistered(mesos.MasterInfo()))
    measured.driver.stop()
    assert measured("connected") == 0
    measured.clock.move(7)
    assert measured("last_event_age_seconds") == 7


class Answer:
    """An answer, and what sends it."""

    def __init__(self, clock, status):
        self.clock = clock
        self.status = status
        self.closed = False

    def send(self, request, connect_timeout, read_timeout):
        self.clock.move(0.5)
        if self.status == 0:
            raise ConnectionFailed("no")
        return self

    def close(self):
        self.closed = True


class AsyncAnswer(Answer):
    async def send(self, request, connect_timeout, read_timeout):
        await asyncio.sleep(0)
        return super().send(request, connect_timeout, read_timeout)

    async def close(self):
        await asyncio.sleep(0)
        super().close()


def settle(result):
    """Return what a call returns, or what its coroutine does."""

    async def run():
        return await result

    return asyncio.run(run()) if inspect.isawaitable(result) else result


@pytest.mark.parametrize("kind", [Answer, AsyncAnswer])
def test_requests_are_counted_by_the_status_of_the_answer(kind):
    measured = Measured(Scheduler(), timing=Timing.SUMMARY)
    for status_code in (202, 202, 503):
        inner = kind(measured.clock, status_code)
        wrap = measured.metrics.transport if kind is Answer else measured.metrics.async_transport
        transport = wrap(lambda inner=inner: inner)()
        assert settle(transport.send(None, 1.0, 1.0)) is inner
        settle(transport.close())
        assert inner.closed
    inner.status = 0
    with pytest.raises(ConnectionFailed):
        settle(transport.send(None, 1.0, 1.0))
    assert measured("http_requests_total", status="202") == 2
    assert measured("http_requests_total", status="503") == 1
    assert measured("http_requests_total", status="failed") == 1
    assert measured("http_request_seconds_sum", status="202") == 1.0


def test_coroutines_are_timed_until_they_end():
    class Awaiting(Slow):
        async def status_update(self, driver, status):
            await asyncio.sleep(0)
            Slow.status_update(self, driver, status)

        async def resource_offers(self, driver, offers):
            await asyncio.sleep(0)
            driver.launch_tasks(offers[0].id, [task(1)])

    scheduler = Awaiting()
    measured = Measured(scheduler, timing=Timing.SUMMARY)
    scheduler.clock = measured.clock

    async def run():
        for state in (mesos.TASK_RUNNING, mesos.TASK_LOST):
            await measured.deliver(events.StatusUpdate(status(state=state)))[0]

    with pytest.raises(KeyError):
        asyncio.run(run())
    assert measured("event_seconds_sum", type="update") == 0.5
    assert measured("event_errors_total", type="update") == 1

    async def offers():
        await measured.deliver(THREE)[0]

    asyncio.run(offers())
    assert measured("tasks_launched_per_cycle_sum") == 1


def test_two_schedulers_need_two_registries_or_prefixes():
    registry = CollectorRegistry()
    SchedulerMetrics(registry)
    with pytest.raises(DriverMisuse, match="prefix of its own"):
        SchedulerMetrics(registry)
    SchedulerMetrics(registry, prefix="other")


def test_every_event_and_call_has_a_type():
    from typing import get_args

    from mesos_scheduler.extras import handlers as h
    from mesos_scheduler.extras._items import KINDS

    assert set(KINDS) | {commands.AnswerInverseOffers} == set(get_args(h.Event)) | set(get_args(h.Call))


def fetch(url: str) -> tuple[int, str, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, "", ""


def test_metrics_are_served_at_their_path_alone():
    measured = Measured(Scheduler())
    measured.deliver(THREE)
    with MetricsServer(measured.registry, path="stats") as server:
        assert server.url == f"http://127.0.0.1:{server.port}/stats"
        code, kind, text = fetch(server.url)
        assert code == 200 and kind.startswith("text/plain; version=")
        assert 'm_events_total{type="offers"} 1.0\n' in text
        assert fetch(server.url + "?name[]=m_connected")[2].startswith("# HELP m_connected")
        assert fetch(server.url.replace("stats", "metrics"))[0] == 404
        with pytest.raises(DriverMisuse, match="metrics cannot be served on 127"):
            MetricsServer(measured.registry, port=server.port)
    with pytest.raises(urllib.error.URLError):
        fetch(server.url)


def test_without_the_library_the_error_says_what_to_install():
    program = (
        "import sys; sys.modules['prometheus_client'] = None\n"
        "import mesos_scheduler.extras\n"
        "try: import mesos_scheduler.extras.metrics\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "metrics need prometheus-client: install mesos-scheduler[metrics]\n"
