"""The offers that a scheduler holds: received, and neither used nor declined nor taken back.

    held = HeldOffers()
    driver = MesosSchedulerDriver(chain(held.events)(MyScheduler()), framework, master)
    intercept(driver, held.calls)

For schedulers whose tasks do not come at the moment that offers do. What is held, no other framework gets:
`decline_unused` after each callback, or `older_than` from time to time, ends that.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from mesos_proto.v1 import mesos_pb2 as mesos

from .. import commands, events
from ..events import Event
from ..scheduler import SchedulerDriver
from ._composition import EventMiddleware, Handler
from ._items import Call
from .handlers import around, when

__all__ = ["HeldOffers"]


class HeldOffers:
    """Keeps the offers there are, in the order they came; any thread may ask."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._offers: dict[str, tuple[mesos.Offer, float]] = {}

    def __iter__(self) -> Iterator[mesos.Offer]:
        with self._lock:
            return iter([offer for offer, _ in self._offers.values()])

    def __len__(self) -> int:
        return len(self._offers)

    def __contains__(self, offer_id: mesos.OfferID) -> bool:
        return offer_id.value in self._offers

    def older_than(self, seconds: float) -> list[mesos.Offer]:
        """Return the offers that have been held for longer."""
        before = self._clock() - seconds
        with self._lock:
            return [offer for offer, came in self._offers.values() if came < before]

    def events(self, driver: SchedulerDriver, event: Event, proceed: Handler[Event]) -> object:
        """Keep what comes and forget what goes: a middleware for `chain`."""
        if isinstance(event, events.ResourceOffers):
            now = self._clock()
            with self._lock:
                self._offers.update({offer.id.value: (offer, now) for offer in event.offers})
        elif isinstance(event, events.OfferRescinded):
            self._forget([event.offer_id])
        elif isinstance(event, events.AgentLost):
            self._forget([offer.id for offer in self if offer.agent_id == event.agent_id])
        elif isinstance(event, events.Registered | events.Reregistered | events.Disconnected | events.Error):
            # A master takes back every offer of a scheduler that it loses.
            with self._lock:
                self._offers.clear()
        return proceed(driver, event)

    def calls(self, driver: SchedulerDriver, call: Call, proceed: Handler[Call]) -> object:
        """Forget what is accepted or declined: a middleware for `intercept`."""
        result = proceed(driver, call)
        if isinstance(call, commands.AcceptOffers | commands.DeclineOffers):
            self._forget(call.offer_ids)
        return result

    def decline_unused(self, filters: Callable[[], mesos.Filters] = mesos.Filters) -> EventMiddleware:
        """Make a middleware for `chain`, inside of `events`, that declines what a callback has left over.

        `chain(held.events, held.decline_unused(lambda: refuse_up_to(5)))` keeps no offer for later.
        """

        @contextmanager
        def declining(driver: SchedulerDriver, event: Event) -> Iterator[None]:
            yield
            if isinstance(event, events.ResourceOffers):
                left = [offer.id for offer in event.offers if offer.id in self]
                if left:
                    driver.decline_offer(left, filters())

        return when(events.ResourceOffers, around(declining))

    def _forget(self, offer_ids: Iterable[mesos.OfferID]) -> None:
        with self._lock:
            for offer_id in offer_ids:
                self._offers.pop(offer_id.value, None)
