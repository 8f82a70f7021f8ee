"""The offers that a scheduler holds."""

from __future__ import annotations

import asyncio

import pytest
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import DriverMisuse, Scheduler, commands, events
from mesos_scheduler._dispatch import handlers
from mesos_scheduler.extras.handlers import chain, intercept
from mesos_scheduler.extras.held import HeldOffers
from mesos_scheduler.extras.offers import agent, by_agent
from scheduler_extras_helpers import Clock, KeptCalls, offer

THREE = events.ResourceOffers([offer("O1"), offer("O2", agent="S2"), offer("O3")])


def holding(scheduler=None, **options):
    clock = Clock()
    held = HeldOffers(clock=clock)
    driver = intercept(KeptCalls(), held.calls)
    middleware = [held.decline_unused(**options)] if options else []
    table = handlers(chain(held.events, *middleware)(scheduler or Scheduler()), driver)
    return held, driver, clock, lambda event: table[type(event)](event)


def names(offers):
    return [one.id.value for one in offers]


def test_offers_are_held_until_they_are_used_declined_or_taken_back():
    held, driver, _, deliver = holding()
    deliver(THREE)
    deliver(events.ResourceOffers([offer("O4"), offer("O5")]))
    assert names(held) == ["O1", "O2", "O3", "O4", "O5"] and len(held) == 5
    driver.launch_tasks(mesos.OfferID(value="O1"), [])
    driver.decline_offer([mesos.OfferID(value="O3"), mesos.OfferID(value="unknown")])
    deliver(events.OfferRescinded(mesos.OfferID(value="O4")))
    assert names(held) == ["O2", "O5"]
    assert mesos.OfferID(value="O2") in held and mesos.OfferID(value="O1") not in held
    assert names(agent("S2").of(held)) == ["O2"] and list(by_agent(held)) == ["S2", "S1"]


@pytest.mark.parametrize(
    "event",
    [
        events.Disconnected(),
        events.Registered(mesos.FrameworkID(value="F"), mesos.MasterInfo()),
        events.Reregistered(mesos.MasterInfo()),
        events.Error("over"),
    ],
    ids=lambda event: type(event).__name__,
)
def test_no_offer_outlives_the_connection(event):
    held, _, _, deliver = holding()
    deliver(THREE)
    deliver(event)
    assert list(held) == []


def test_no_offer_outlives_its_agent():
    held, _, _, deliver = holding()
    deliver(THREE)
    deliver(events.AgentLost(mesos.AgentID(value="S1")))
    assert names(held) == ["O2"]


def test_a_call_that_is_refused_uses_no_offer():
    held, driver, _, deliver = holding()
    deliver(THREE)
    with pytest.raises(DriverMisuse):
        driver.launch_tasks(mesos.OfferID(value="O1"), [mesos.TaskInfo()])
    assert len(held) == 3


def test_old_offers():
    held, _, clock, deliver = holding()
    deliver(THREE)
    clock.move(60)
    deliver(events.ResourceOffers([offer("O4")]))
    assert names(held.older_than(59)) == ["O1", "O2", "O3"] and held.older_than(60) == []


class UsesFirst(Scheduler):
    def resource_offers(self, driver, offers):
        driver.launch_tasks(offers[0].id, [])


class UsesFirstLater(Scheduler):
    async def resource_offers(self, driver, offers):
        await asyncio.sleep(0)
        driver.launch_tasks(offers[0].id, [])


@pytest.mark.parametrize("scheduler", [UsesFirst(), UsesFirstLater()], ids=["callback", "coroutine"])
def test_what_a_callback_leaves_over_is_declined(scheduler):
    held, driver, _, deliver = holding(scheduler, filters=lambda: mesos.Filters(refuse_seconds=3))
    result = deliver(THREE)
    if result is not None:

        async def settle():
            await result

        asyncio.run(settle())
    ids = [mesos.OfferID(value="O2"), mesos.OfferID(value="O3")]
    assert driver.sent[1:] == [commands.DeclineOffers(ids, mesos.Filters(refuse_seconds=3))]
    assert len(held) == 0


def test_nothing_is_declined_when_nothing_is_left():
    class DeclinesAll(Scheduler):
        def resource_offers(self, driver, offers):
            driver.decline_offer([one.id for one in offers])

    _, driver, _, deliver = holding(DeclinesAll(), filters=mesos.Filters)
    deliver(THREE)
    assert len(driver.sent) == 1
