"""Counting and timing what goes through a handler, by type."""

from __future__ import annotations

import enum
import inspect
import math
from collections.abc import Awaitable, Callable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, Summary

from ..scheduler import SchedulerDriver
from ._composition import Handler
from ._items import KINDS, kind

SECONDS = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0)
"""Upper ends of the buckets for times: callbacks take microseconds, until one takes seconds."""


class Timing(enum.Enum):
    """How times are kept: not at all, in buckets, or as their number and sum."""

    NONE = "none"
    HISTOGRAM = "histogram"
    SUMMARY = "summary"


def times(
    name: str, about: str, label: str, registry: CollectorRegistry, timing: Timing
) -> Histogram | Summary | None:
    """Return what keeps times."""
    if timing is Timing.HISTOGRAM:
        return Histogram(name, about, [label], registry=registry, buckets=SECONDS)
    return Summary(name, about, [label], registry=registry) if timing is Timing.SUMMARY else None


class _Meter:
    """What is kept of the items of one type."""

    __slots__ = ("failed", "observe", "passed")

    def __init__(
        self, kind: str, passed: Counter, failed: Counter, seconds: Histogram | Summary | None
    ) -> None:
        self.passed = passed.labels(kind).inc
        self.failed = failed.labels(kind).inc
        self.observe = None if seconds is None else seconds.labels(kind).observe

    def end(self, seconds: float, failed: bool) -> None:
        if self.observe is not None:
            self.observe(seconds)
        if failed:
            self.failed()


class Meters:
    """Counts, times and counts the failures of events, or of calls."""

    def __init__(
        self, noun: str, prefix: str, registry: CollectorRegistry, timing: Timing, clock: Callable[[], float]
    ) -> None:
        self._clock = clock
        self._passed = Counter(
            f"{prefix}_{noun}s", f"{noun.capitalize()}s, by type.", ["type"], registry=registry
        )
        self._failed = Counter(
            f"{prefix}_{noun}_errors", f"{noun.capitalize()}s that raised.", ["type"], registry=registry
        )
        about = f"Time that {noun}s took, in seconds."
        self._seconds = times(f"{prefix}_{noun}_seconds", about, "type", registry, timing)
        self._by_type: dict[type, _Meter] = {}
        self.last = math.nan
        """When the last one came, on the clock."""

    def run(
        self,
        driver: SchedulerDriver,
        item: Any,
        proceed: Handler[Any],
        succeeded: Callable[[Any], None] | None = None,
    ) -> object:
        """Let an item pass; `succeeded(item)` is called when nothing has been raised."""
        meter = self._by_type.get(type(item)) or self._meter(item)
        meter.passed()
        self.last = began = self._clock()
        try:
            result = proceed(driver, item)
        except BaseException:
            meter.end(self._clock() - began, failed=True)
            raise
        if result is not None and inspect.isawaitable(result):
            return self._awaited(meter, began, result, item, succeeded)
        if meter.observe is not None:
            meter.observe(self._clock() - began)
        if succeeded is not None:
            succeeded(item)
        return result

    def _meter(self, item: Any) -> _Meter:
        """Make a meter; those of types that share a name count into the same."""
        meter = _Meter(kind(item), self._passed, self._failed, self._seconds)
        if type(item) in KINDS:
            self._by_type[type(item)] = meter
        return meter

    async def _awaited(
        self,
        meter: _Meter,
        began: float,
        result: Awaitable[object],
        item: Any,
        succeeded: Callable[[Any], None] | None,
    ) -> object:
        try:
            settled = await result
        except BaseException:
            meter.end(self._clock() - began, failed=True)
            raise
        meter.end(self._clock() - began, failed=False)
        if succeeded is not None:
            succeeded(item)
        return settled
