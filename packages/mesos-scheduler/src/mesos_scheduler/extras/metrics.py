"""Counts, times and sizes of what a scheduler does, for Prometheus; needs `mesos-scheduler[metrics]`.

    metrics = SchedulerMetrics()
    driver = MesosSchedulerDriver(chain(metrics.events)(MyScheduler()), framework, master)
    with MetricsServer(port=9100):
        intercept(driver, metrics.calls).run()

Types of events and calls have their names in the v1 API, whatever the transport (see `handlers.kind`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from mesos_http import RequestsTransport, Transport
from mesos_http.aio import AsyncTransport, H11Transport
from mesos_proto.v1 import mesos_pb2 as mesos

try:
    from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Summary
    from prometheus_client.exposition import MetricsHandler
except ImportError as error:
    raise ImportError("metrics need prometheus-client: install mesos-scheduler[metrics]") from error

from .. import commands, events
from .._web import BackgroundServer
from ..errors import DriverMisuse
from ..events import Event
from ..scheduler import SchedulerDriver
from ..status import Status
from ._composition import Handler
from ._items import Call
from ._metered import AsyncMeteredTransport, MeteredTransport
from ._meters import Meters, Timing, times

__all__ = ["MetricsServer", "SchedulerMetrics", "Timing"]


class SchedulerMetrics:
    """Metrics of one scheduler: `events` goes into `chain`, `calls` into `intercept`.

    `prefix` begins the name of each metric, and `registry` has to be another, or the prefix, for each
    scheduler of a process. A time is that of the callback, or of the call until it is on its way; how long
    masters take to answer is kept of a driver over v1 that gets `transport()`.
    `resources` keeps how much is offered and used of each scalar resource, which takes longer the more
    offers there are.
    """

    def __init__(
        self,
        registry: CollectorRegistry = REGISTRY,
        *,
        prefix: str = "mesos_scheduler",
        timing: Timing = Timing.HISTOGRAM,
        resources: bool = False,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._clock = clock
        self._driver: SchedulerDriver | None = None
        try:
            self._events = Meters("event", prefix, registry, timing, clock)
            self._calls = Meters("call", prefix, registry, timing, clock)
            self._facts = _Facts(prefix, registry, resources, self._running)
            self._requests = _Requests(prefix, registry, timing)
            Gauge(
                f"{prefix}_last_event_age_seconds", "Seconds since the last event.", registry=registry
            ).set_function(lambda: clock() - self._events.last)
        except ValueError as error:
            raise DriverMisuse(f"{error}; give each scheduler a registry or a prefix of its own") from error

    def events(self, driver: SchedulerDriver, event: Event, proceed: Handler[Event]) -> object:
        """Count and time an event: a middleware for `chain`."""
        self._driver = driver
        note = self._facts.noted.get(type(event))
        if note is not None:
            note(event)
        return self._events.run(driver, event, proceed, self._facts.handled.get(type(event)))

    def calls(self, driver: SchedulerDriver, call: Call, proceed: Handler[Call]) -> object:
        """Count and time a call: a middleware for `intercept`."""
        return self._calls.run(driver, call, proceed, self._facts.called.get(type(call)))

    def _running(self) -> bool:
        return self._driver is not None and self._driver.status is Status.RUNNING

    def transport(self, make: Callable[[], Transport] = RequestsTransport) -> Callable[[], Transport]:
        """Count and time the requests of a driver over v1, which is given this as its `transport`."""
        return lambda: MeteredTransport(make(), self._requests.record, self._clock)

    def async_transport(
        self, make: Callable[[], AsyncTransport] = H11Transport
    ) -> Callable[[], AsyncTransport]:
        """Do the same for a driver over v1 under asyncio."""
        return lambda: AsyncMeteredTransport(make(), self._requests.record, self._clock)


class _Requests:
    """What requests over v1 come to."""

    def __init__(self, prefix: str, registry: CollectorRegistry, timing: Timing) -> None:
        about = "HTTP requests by the status of the answer; failed: there was none."
        self._count = Counter(f"{prefix}_http_requests", about, ["status"], registry=registry)
        about = "Time until the head of an answer, in seconds."
        self._seconds = times(f"{prefix}_http_request_seconds", about, "status", registry, timing)

    def record(self, status: str, seconds: float) -> None:
        """Take note of an answer."""
        self._count.labels(status).inc()
        if self._seconds is not None:
            self._seconds.labels(status).observe(seconds)


class _Facts:
    """What events and calls say about offers, tasks and the connection."""

    def __init__(
        self, prefix: str, registry: CollectorRegistry, resources: bool, running: Callable[[], bool]
    ) -> None:
        def counter(name: str, about: str, labels: Sequence[str] = ()) -> Counter:
            return Counter(f"{prefix}_{name}", about, labels, registry=registry)

        def summary(name: str, about: str, labels: Sequence[str] = ()) -> Summary:
            return Summary(f"{prefix}_{name}", about, labels, registry=registry)

        self._received = counter("offers_received", "Offers received.")
        self._accepted = counter("offers_accepted", "Offers accepted for some operation.")
        self._declined = counter("offers_declined", "Offers declined, or accepted for nothing.")
        self._rescinded = counter("offers_rescinded", "Offers that the master took back.")
        self._launched = counter("tasks_launched", "Tasks launched.")
        self._updates = counter("task_updates", "Status updates, repeated ones too.", ["state"])
        self._states: dict[int, Counter] = {}
        self._per_offers = summary(
            "tasks_launched_per_cycle", "Tasks launched in one resource_offers callback."
        )
        self._offered: Summary | None = None
        self._used: Summary | None = None
        if resources:
            self._offered = summary("offered_resources", "Scalar resources of an offer.", ["resource"])
            self._used = summary("used_resources", "Scalar resources of a launched task.", ["resource"])
        self._connected = False
        Gauge(f"{prefix}_connected", "1 while a master has the framework.", registry=registry).set_function(
            lambda: float(self._connected and running())
        )
        # Tasks launched by the thread that handles offers, while it does.
        self._cycle_thread = 0
        self._cycle_tasks = 0
        self.noted: dict[type, Callable[[Any], None]] = {
            events.StatusUpdate: self._note_update,
            events.ResourceOffers: self._note_offers,
            events.OfferRescinded: lambda event: self._rescinded.inc(),
            events.Registered: lambda event: self._note_connected(True),
            events.Reregistered: lambda event: self._note_connected(True),
            events.Disconnected: lambda event: self._note_connected(False),
            events.Error: lambda event: self._note_connected(False),
        }
        self.handled: dict[type, Callable[[Any], None]] = {events.ResourceOffers: self._end_cycle}
        self.called: dict[type, Callable[[Any], None]] = {
            commands.AcceptOffers: self._note_accept,
            commands.DeclineOffers: lambda call: self._declined.inc(len(call.offer_ids)),
        }

    def _note_connected(self, connected: bool) -> None:
        self._connected = connected

    def _note_update(self, event: events.StatusUpdate) -> None:
        state = event.status.state
        counter = self._states.get(state)
        if counter is None:
            counter = self._states[state] = self._updates.labels(mesos.TaskState.Name(state))
        counter.inc()

    def _note_offers(self, event: events.ResourceOffers) -> None:
        self._received.inc(len(event.offers))
        self._cycle_thread, self._cycle_tasks = threading.get_ident(), 0
        if self._offered is not None:
            for offer in event.offers:
                _observe(self._offered, offer.resources)

    def _end_cycle(self, event: events.ResourceOffers) -> None:
        self._cycle_thread = 0
        self._per_offers.observe(self._cycle_tasks)

    def _note_accept(self, call: commands.AcceptOffers) -> None:
        tasks = [task for operation in call.operations for task in _tasks(operation)]
        empty = not tasks and all(operation.HasField("launch") for operation in call.operations)
        (self._declined if empty else self._accepted).inc(len(call.offer_ids))
        self._launched.inc(len(tasks))
        if threading.get_ident() == self._cycle_thread:
            self._cycle_tasks += len(tasks)
        if self._used is not None:
            for task in tasks:
                _observe(self._used, task.resources)


def _tasks(operation: mesos.Offer.Operation) -> Sequence[mesos.TaskInfo]:
    if operation.HasField("launch"):
        return operation.launch.task_infos
    return operation.launch_group.task_group.tasks


def _observe(summary: Summary, resources: Sequence[mesos.Resource]) -> None:
    sums: dict[str, float] = {}
    for resource in resources:
        if resource.type == mesos.Value.SCALAR:
            sums[resource.name] = sums.get(resource.name, 0.0) + resource.scalar.value
    for name, value in sums.items():
        summary.labels(name).observe(value)


class MetricsServer(BackgroundServer):
    """Serves what is in a registry at `url`, in Prometheus's text format or OpenMetrics, as the client asks.

    `port` 0 takes a free one. Stops at `close`, or at the end of a `with` block. Raises `DriverMisuse` when
    the address cannot be had.
    """

    def __init__(
        self,
        registry: CollectorRegistry = REGISTRY,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        path: str = "/metrics",
    ) -> None:
        self._path = "/" + path.lstrip("/")
        handler = type("Handler", (_Handler,), {"registry": registry, "path_served": self._path})
        super().__init__(handler, "metrics", address, port)

    @property
    def url(self) -> str:
        """Where the metrics are."""
        return super().url + self._path


class _Handler(MetricsHandler):
    path_served = ""
    timeout = 30  # For clients that connect and say nothing.

    def do_GET(self) -> None:
        if self.path.partition("?")[0] == self.path_served:
            super().do_GET()
        else:
            self.send_error(404)
