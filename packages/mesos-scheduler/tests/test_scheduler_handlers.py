"""Middleware around callbacks and around calls."""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager

import pytest
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import DriverMisuse, MesosSchedulerDriver, Scheduler, Status, commands, events
from mesos_scheduler._dispatch import handlers
from mesos_scheduler.extras.handlers import (
    EventScheduler,
    around,
    chain,
    combine,
    drop,
    intercept,
    limited,
    log,
    observe,
    once,
    tolerate,
    translate,
    when,
)
from mesos_scheduler.extras.revive import RateLimit
from scheduler_extras_helpers import Clock, KeptCalls, offer, status

UPDATE = events.StatusUpdate(status())
OFFERS = events.ResourceOffers([offer()])
LOST = events.AgentLost(mesos.AgentID(value="S1"))


class Noting(Scheduler):
    """Notes which callbacks come, and raises what it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.seen: list[object] = []
        self.error_to_raise = error

    def status_update(self, driver, status):
        self.seen.append(status.task_id.value)
        if self.error_to_raise is not None:
            raise self.error_to_raise

    def resource_offers(self, driver, offers):
        self.seen.append(len(offers))

    def agent_lost(self, driver, agent_id):
        self.seen.append(agent_id.value)


def named(name, seen):
    """A middleware that notes when it is entered and left."""

    def middleware(driver, item, proceed):
        seen.append(f"{name} in")
        result = proceed(driver, item)
        seen.append(f"{name} out")
        return result

    return middleware


def deliver(scheduler, *items, driver=None):
    """Give events to a scheduler as a driver does."""
    driver = driver or KeptCalls()
    table = handlers(scheduler, driver)
    return [table[type(item)](item) for item in items]


def test_the_first_middleware_is_the_outermost():
    scheduler = Noting()
    seen = scheduler.seen
    deliver(chain(named("a", seen), combine(named("b", seen), named("c", seen)))(scheduler), UPDATE)
    assert seen == ["a in", "b in", "c in", "t1", "c out", "b out", "a out"]


def test_an_empty_chain_changes_nothing():
    scheduler = Noting()
    deliver(chain()(scheduler), UPDATE, OFFERS, LOST)
    assert scheduler.seen == ["t1", 1, "S1"]


def test_middleware_sees_the_events_of_the_driver_themselves():
    seen = []
    scheduler = chain(observe(events.StatusUpdate, lambda driver, event: seen.append(event)))(Noting())
    deliver(scheduler, UPDATE, OFFERS)
    assert seen[0] is UPDATE and len(seen) == 1


def test_middleware_may_change_what_goes_on():
    def first_only(driver, event, proceed):
        if isinstance(event, events.ResourceOffers):
            event = events.ResourceOffers(event.offers[:1])
        return proceed(driver, event)

    scheduler = Noting()
    deliver(chain(first_only)(scheduler), events.ResourceOffers([offer(), offer(), offer()]))
    assert scheduler.seen == [1]


def test_nothing_would_await_an_observer():
    async def observer(driver, event):
        return None

    with pytest.raises(DriverMisuse, match="nothing awaits"):
        observe(events.Registered, observer)


def test_callbacks_called_by_hand_go_through_the_chain():
    seen = []
    noted = Noting()
    scheduler = chain(lambda driver, event, proceed: (seen.append(event), proceed(driver, event)))(noted)
    driver = KeptCalls()
    agent, executor, offer_id = (
        mesos.AgentID(value="S1"),
        mesos.ExecutorID(value="e"),
        mesos.OfferID(value="O1"),
    )
    scheduler.registered(driver, mesos.FrameworkID(value="F"), mesos.MasterInfo())
    scheduler.reregistered(driver, mesos.MasterInfo())
    scheduler.disconnected(driver)
    scheduler.resource_offers(driver, [])
    scheduler.offer_rescinded(driver, offer_id)
    scheduler.inverse_offers(driver, [])
    scheduler.inverse_offer_rescinded(driver, offer_id)
    scheduler.status_update(driver, status())
    scheduler.framework_message(driver, executor, agent, b"x")
    scheduler.agent_lost(driver, agent)
    scheduler.executor_lost(driver, executor, agent, 3)
    scheduler.operation_status_update(driver, mesos.OperationStatus(state=mesos.OPERATION_FINISHED))
    scheduler.heartbeat(driver)
    scheduler.error(driver, "why")
    assert {type(event) for event in seen} == set(events.Event.__args__)
    assert seen[7].acknowledgement == events.Acknowledgement("S1", "t1", b"u" * 16)
    assert not seen[11].wants_acknowledgement and seen[13].message == "why"
    assert noted.seen == [0, "t1", "S1"]
    assert repr(scheduler).startswith("<chain around <")


def test_one_callback_for_every_event():
    class Mine(EventScheduler):
        def handle(self, driver, event):
            return event

    assert deliver(Mine(), UPDATE, OFFERS, LOST) == [UPDATE, OFFERS, LOST]
    assert EventScheduler().handle(KeptCalls(), UPDATE) is None


def test_two_drivers_may_share_a_scheduler():
    seen = []

    class Mine(Scheduler):
        def heartbeat(self, driver):
            seen.append(driver)

    scheduler, one, two = chain()(Mine()), KeptCalls(), KeptCalls()
    for driver in (one, two, one):
        deliver(scheduler, events.Heartbeat(), driver=driver)
    assert seen == [one, two, one]


def test_selected_events_go_through_middleware_or_no_further():
    scheduler = Noting()
    seen = scheduler.seen
    chained = chain(
        when(events.StatusUpdate, named("update", seen)),
        when((events.AgentLost, events.ExecutorLost), named("lost", seen)),
        when(lambda event: False, named("never", seen)),
        drop(events.ResourceOffers),
    )(scheduler)
    deliver(chained, UPDATE, OFFERS, LOST)
    assert seen == ["update in", "t1", "update out", "lost in", "S1", "lost out"]


def test_once():
    scheduler = Noting()
    deliver(chain(once(named("first", scheduler.seen)))(scheduler), UPDATE, OFFERS)
    assert scheduler.seen == ["first in", "t1", "first out", 1]


def test_limited_middleware():
    clock, scheduler = Clock(), Noting()
    seen = scheduler.seen
    chained = chain(limited(RateLimit(1, 10), named("may", seen), clock=clock))(scheduler)
    deliver(chained, UPDATE, OFFERS)
    clock.move(10)
    deliver(chained, LOST)
    assert seen == ["may in", "t1", "may out", 1, "may in", "S1", "may out"]
    seen.clear()
    deliver(chain(limited(RateLimit(1, 10), otherwise=drop(lambda item: True)))(scheduler), UPDATE, OFFERS)
    assert seen == ["t1"]


def test_log_names_what_happens_and_nothing_secret(caplog):
    driver = intercept(KeptCalls(), log(logging.INFO))
    task = mesos.TaskInfo(name="n", task_id=mesos.TaskID(value="t1"), agent_id=mesos.AgentID(value="S1"))
    task.command.environment.variables.add(name="PASSWORD", value="swordfish")
    with caplog.at_level(logging.INFO, "mesos.scheduler"):
        deliver(chain(log(logging.INFO), log())(Noting()), UPDATE, OFFERS)
        driver.launch_tasks(mesos.OfferID(value="O1"), [task])
    assert caplog.messages == [
        "update: t1 TASK_RUNNING",
        "offers: 1 offer",
        "accept: 1 offer for LAUNCH",
    ]


def test_tolerated_and_translated_errors(caplog):
    broken = Noting(KeyError("gone"))
    deliver(chain(tolerate(LookupError))(broken), UPDATE)
    assert broken.seen == ["t1"] and "tolerated KeyError on update: t1" in caplog.text
    with pytest.raises(KeyError):
        deliver(chain(tolerate(ValueError))(broken), UPDATE)
    with pytest.raises(DriverMisuse, match="gone") as caught:
        deliver(chain(translate({ValueError: RuntimeError, LookupError: DriverMisuse}))(broken), UPDATE)
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_context_manager_around_what_comes_next():
    scheduler = Noting()

    @around
    @contextmanager
    def inside(driver, item):
        scheduler.seen.append("in")
        try:
            yield
        finally:
            scheduler.seen.append("out")

    deliver(chain(inside)(scheduler), UPDATE)
    assert scheduler.seen == ["in", "t1", "out"]


# Calls.


def test_every_call_of_a_driver_is_seen_and_returns_its_status():
    seen = []
    driver = KeptCalls(implicit_acknowledgements=False)
    assert intercept(driver, lambda d, call, proceed: seen.append(call) or proceed(d, call)) is driver
    assert driver.revive_offers() is Status.RUNNING
    assert driver.acknowledge_status_update(status()) is Status.RUNNING
    driver.kill_task(mesos.TaskID(value="t1"))
    assert [type(call) for call in seen] == [
        commands.ReviveOffers,
        commands.AcknowledgeStatusUpdate,
        commands.KillTask,
    ]
    assert driver.sent == seen


def test_calls_may_be_dropped_changed_and_refused():
    driver = intercept(KeptCalls(), drop(commands.DeclineOffers))
    assert driver.decline_offer([]) is Status.RUNNING
    intercept(driver, lambda d, call, proceed: proceed(d, commands.ReviveOffers(["a"])))
    driver.kill_task(mesos.TaskID(value="t1"))
    assert driver.sent == [commands.ReviveOffers(["a"])]
    with pytest.raises(DriverMisuse, match="TaskID lacks"):
        intercept(KeptCalls(), log()).kill_task(mesos.TaskID())


def test_later_middleware_is_outside_of_earlier():
    seen = []
    intercept(intercept(KeptCalls(), named("a", seen)), named("b", seen), named("c", seen)).revive_offers()
    assert seen == ["b in", "c in", "a in", "a out", "c out", "b out"]


def test_calls_out_of_a_callback_go_through_the_middleware_of_the_driver():
    class Declining(Scheduler):
        def resource_offers(self, driver, offers):
            driver.decline_offer([offer.id for offer in offers])

    seen = []
    driver = intercept(KeptCalls(), named("call", seen))
    deliver(chain(named("event", seen))(Declining()), OFFERS, driver=driver)
    assert seen == ["event in", "call in", "call out", "event out"]


# asyncio.


class Awaiting(Noting):
    """A scheduler whose callbacks are coroutines."""

    async def status_update(self, driver, status):
        await asyncio.sleep(0)
        self.seen.append("update")
        if self.error_to_raise is not None:
            raise self.error_to_raise


def awaited(scheduler, *items):
    async def run():
        for result in deliver(scheduler, *items):
            if result is not None:
                await result

    asyncio.run(run())


def test_middleware_around_coroutines(caplog):
    scheduler = Awaiting(KeyError("gone"))
    seen = scheduler.seen

    async def waiting(driver, event, proceed):
        seen.append("in")
        result = await proceed(driver, event)
        seen.append("out")
        return result

    class Waiting:
        async def __call__(self, driver, event, proceed):
            await proceed(driver, event)

    awaited(
        chain(log(), waiting, Waiting(), combine(waiting, drop(events.AgentLost)))(scheduler), OFFERS, LOST
    )
    assert seen == ["in", "in", 1, "out", "out", "in", "in", "out", "out"]
    seen.clear()
    awaited(chain(waiting, tolerate(KeyError))(scheduler), UPDATE)
    assert seen == ["in", "update", "out"] and "tolerated KeyError" in caplog.text


def test_coroutines_where_nobody_awaits_them():
    async def waiting(driver, event, proceed):
        await proceed(driver, event)

    framework = mesos.FrameworkInfo(name="test", user="nobody", failover_timeout=60)
    driver = MesosSchedulerDriver(chain(waiting)(Noting()), framework, "127.0.0.1:1", bind="127.0.0.1:0")
    with pytest.raises(DriverMisuse, match="asyncio driver"):
        deliver(driver._scheduler, UPDATE, driver=driver)
    with pytest.raises(DriverMisuse, match="no coroutines"):
        intercept(driver, waiting)
