"""The metrics of mesos-go's v1 example scheduler, under its names, which have no `_total` at their ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence

from mesos_http import Codec, HttpRequest, HttpResponse, RequestsTransport, Transport
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2 as api
from mesos_scheduler import SchedulerDriver
from mesos_scheduler.events import Event
from mesos_scheduler.extras.handlers import Handler, kind
from prometheus_client import CollectorRegistry, Summary, disable_created_metrics
from prometheus_client.core import Metric, UnknownMetricFamily
from prometheus_client.registry import Collector

PREFIX = "example_scheduler_"


class Tally(Collector):
    """A number that only grows, one for each value of its label if it has one."""

    def __init__(self, registry: CollectorRegistry, name: str, about: str, label: str = "") -> None:
        self._name = PREFIX + name
        self._about = about
        self._label = label
        self._lock = threading.Lock()
        self._numbers: dict[str, float] = {} if label else {"": 0.0}
        registry.register(self)

    def add(self, number: float = 1, value: str = "") -> None:
        """Add to the number, to that of a label's value if there is a label."""
        with self._lock:
            self._numbers[value] = self._numbers.get(value, 0.0) + number

    def collect(self) -> Iterator[Metric]:
        family = UnknownMetricFamily(self._name, self._about, labels=[self._label] if self._label else None)
        with self._lock:
            for value, number in sorted(self._numbers.items()):
                family.add_metric([value] if self._label else [], number)
        yield family


class Metrics:
    """Everything that the program counts; times, in microseconds, and sizes only with `summaries`."""

    def __init__(self, *, summaries: bool, resources: bool) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = self.registry = CollectorRegistry()
        self._summaries = summaries
        self._resources = summaries and resources
        self.call_count = Tally(registry, "call_count", "Calls sent.", "type")
        self.call_error_count = Tally(registry, "call_error_count", "Calls that failed.", "type")
        self.event_received_count = Tally(registry, "event_received_count", "Events received.", "type")
        self.event_error_count = Tally(registry, "event_error_count", "Events whose handling failed.", "type")
        self.offers_received = Tally(registry, "offers_received", "Offers received.")
        self.offers_declined = Tally(registry, "offers_declined", "Offers on which nothing was launched.")
        self.tasks_launched = Tally(registry, "tasks_launched", "Tasks launched.")
        self.tasks_finished = Tally(registry, "tasks_finished", "Tasks that finished.")
        self.job_start_count = Tally(registry, "job_start_count", "Starts of a service of ours.", "job")
        self.artifact_downloads = Tally(registry, "artifact_downloads", "Times the executor was fetched.")
        self._call_latency = self._summary("call_latency", "Microseconds until a call is answered.", "type")
        self._event_latency = self._summary(
            "event_received_latency", "Microseconds that handling takes.", "type"
        )
        self._offered = self._summary("offered_resources", "Scalar resources of an offer.", "type")
        self._cycle = self._summary("tasks_launched_per_cycle", "Tasks launched for one event of offers.")

    def _summary(self, name: str, about: str, label: str = "") -> Summary:
        return Summary(PREFIX + name, about, [label] if label else [], registry=self.registry)

    def offers(self, offers: Sequence[mesos.Offer]) -> None:
        """Take note of offers that came."""
        self.offers_received.add(len(offers))
        if self._resources:
            for offer in offers:
                for name in {each.name for each in offer.resources if each.type == mesos.Value.SCALAR}:
                    amount = sum(each.scalar.value for each in offer.resources if each.name == name)
                    self._offered.labels(name).observe(amount)

    def launched(self, tasks: int, declined: int) -> None:
        """Take note of what was made of them."""
        self.offers_declined.add(declined)
        self.tasks_launched.add(tasks)
        if self._summaries:
            self._cycle.observe(tasks)

    def event(self, driver: SchedulerDriver, event: Event, proceed: Handler[Event]) -> object:
        """Count and time an event: a middleware for `chain`."""
        name = kind(event)
        self.event_received_count.add(value=name)
        began = time.perf_counter()
        try:
            return proceed(driver, event)
        except Exception:
            self.event_error_count.add(value=name)
            raise
        finally:
            if self._summaries:
                self._event_latency.labels(name).observe((time.perf_counter() - began) * 1e6)

    def called(self, name: str, seconds: float, failed: bool) -> None:
        """Take note of a call."""
        self.call_count.add(value=name)
        if failed:
            self.call_error_count.add(value=name)
        if self._summaries:
            self._call_latency.labels(name).observe(seconds * 1e6)


class MeteredTransport:
    """Sends as `RequestsTransport` does; each call is counted, and timed until it is answered."""

    def __init__(self, metrics: Metrics, codec: Codec) -> None:
        self._metrics = metrics
        self._codec = codec
        self._transport: Transport = RequestsTransport()

    def send(self, request: HttpRequest, connect_timeout: float, read_timeout: float) -> HttpResponse:
        name = api.Call.Type.Name(self._codec.decode(api.Call, request.body).type).lower()
        failed = True
        began = time.perf_counter()
        try:
            response = self._transport.send(request, connect_timeout, read_timeout)
            failed = response.status >= 400
            return response
        finally:
            self._metrics.called(name, time.perf_counter() - began, failed)

    def close(self) -> None:
        self._transport.close()
