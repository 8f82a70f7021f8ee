"""Updates acknowledged by middleware, for drivers with `implicit_acknowledgements=False`.

    driver = MesosSchedulerDriver(
        chain(acknowledge())(MyScheduler()), framework, master, implicit_acknowledgements=False
    )

Where the program acknowledges some updates itself, later or never, `when(..., acknowledge())` does the rest.
An acknowledgement that gets lost needs no second attempt: agents send the update again.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, cast

from mesos_proto.v1 import mesos_pb2 as mesos

from ..events import Event, OperationStatusUpdate, StatusUpdate
from ..scheduler import SchedulerDriver
from ..status import Status
from ._composition import EventMiddleware
from .handlers import around, when

__all__ = ["Moment", "acknowledge"]


class Moment(enum.Enum):
    """When an update is acknowledged."""

    BEFORE = "before"
    """Before it is handled: at most once; what the callback does with it may get lost."""
    AFTER = "after"
    """When it has been handled without an exception: at least once. Drivers do the same by themselves."""
    ALWAYS = "always"
    """When it has been handled, whatever came of it."""


def acknowledge(moment: Moment = Moment.AFTER) -> EventMiddleware:
    """Acknowledge updates of tasks, and of operations over v1, to the master."""

    @contextmanager
    def acknowledging(driver: SchedulerDriver, event: Event) -> Iterator[None]:
        if moment is Moment.BEFORE:
            _send(driver, event)
        try:
            yield
        except Exception:
            if moment is Moment.ALWAYS:
                _send(driver, event)
            raise
        if moment is not Moment.BEFORE:
            _send(driver, event)

    return when((StatusUpdate, OperationStatusUpdate), around(acknowledging))


class _OperationDriver(Protocol):
    """What only the drivers over v1 can do."""

    def acknowledge_operation_status(self, status: mesos.OperationStatus) -> Status:
        """Acknowledge the state of an operation."""


def _send(driver: SchedulerDriver, event: Event) -> None:
    if isinstance(event, StatusUpdate):
        if event.acknowledgement is not None:
            driver.acknowledge_status_update(event.status)
    elif isinstance(event, OperationStatusUpdate) and event.wants_acknowledgement:
        cast("_OperationDriver", driver).acknowledge_operation_status(event.status)
