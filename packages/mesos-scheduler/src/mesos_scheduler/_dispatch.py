"""Which callback an event leads to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, get_args

from . import events
from ._event_scheduler import EventScheduler
from .scheduler import Scheduler, SchedulerDriver

Handlers = dict[type, Callable[[Any], object]]


def handlers(scheduler: Scheduler, driver: SchedulerDriver) -> Handlers:
    """Return, for each type of event, what calls the user."""
    if isinstance(scheduler, EventScheduler):
        return dict.fromkeys(get_args(events.Event), partial(scheduler.handle, driver))
    return {
        events.StatusUpdate: lambda event: scheduler.status_update(driver, event.status),
        events.ResourceOffers: lambda event: scheduler.resource_offers(driver, event.offers),
        events.Registered: lambda event: scheduler.registered(driver, event.framework_id, event.master_info),
        events.Reregistered: lambda event: scheduler.reregistered(driver, event.master_info),
        events.Disconnected: lambda event: scheduler.disconnected(driver),
        events.OfferRescinded: lambda event: scheduler.offer_rescinded(driver, event.offer_id),
        events.InverseOffers: lambda event: scheduler.inverse_offers(driver, event.inverse_offers),
        events.InverseOfferRescinded: lambda event: scheduler.inverse_offer_rescinded(
            driver, event.inverse_offer_id
        ),
        events.FrameworkMessage: lambda event: scheduler.framework_message(
            driver, event.executor_id, event.agent_id, event.data
        ),
        events.AgentLost: lambda event: scheduler.agent_lost(driver, event.agent_id),
        events.ExecutorLost: lambda event: scheduler.executor_lost(
            driver, event.executor_id, event.agent_id, event.status
        ),
        events.OperationStatusUpdate: lambda event: scheduler.operation_status_update(driver, event.status),
        events.Heartbeat: lambda event: scheduler.heartbeat(driver),
        events.Error: lambda event: scheduler.error(driver, event.message),
    }
