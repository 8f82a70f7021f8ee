"""Who is offered what, and when: filters, revive, suppress, fairness, timeouts."""

from __future__ import annotations

from local_helpers import SCHEDULER, Wire, task_info
from mesos_local.config import parse_resources
from mesos_proto.resources import Resources
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as scheduler

OTHER = "scheduler-2@127.0.0.1:6001"


def decline(wire: Wire, framework_id: mesos.FrameworkID, offer: mesos.Offer, seconds: float) -> None:
    call = scheduler.Call.Decline(offer_ids=[offer.id], filters=mesos.Filters(refuse_seconds=seconds))
    wire.call(framework_id, scheduler.Call.DECLINE, decline=call)


def test_what_was_declined_is_not_offered_again_in_that_time() -> None:
    wire = Wire()
    framework_id = wire.registered()
    decline(wire, framework_id, wire.offers()[0], 10.0)
    wire.advance(9.5)
    assert not wire.offers()
    wire.advance(2.0)
    assert len(wire.offers()) == 1


def test_a_decline_without_a_filter_is_offered_again_at_the_next_interval() -> None:
    wire = Wire()
    framework_id = wire.registered()
    decline(wire, framework_id, wire.offers()[0], 0.0)
    assert not wire.offers()
    wire.advance(1.0)
    assert len(wire.offers()) == 1


def test_revive_forgets_the_filters_and_suppress_stops_the_offers() -> None:
    wire = Wire()
    framework_id = wire.registered()
    decline(wire, framework_id, wire.offers()[0], 3600.0)
    wire.call(framework_id, scheduler.Call.REVIVE)
    (offer,) = wire.offers()
    wire.call(framework_id, scheduler.Call.SUPPRESS)
    decline(wire, framework_id, offer, 0.0)
    wire.advance(10.0)
    assert not wire.offers()
    wire.call(framework_id, scheduler.Call.REVIVE)
    assert len(wire.offers()) == 1


def test_a_filter_covers_only_what_was_refused() -> None:
    wire = Wire()
    framework_id = wire.registered()
    (offer,) = wire.offers()
    wire.accept(framework_id, [offer], [task_info(offer)], refuse=3600.0)
    wire.advance(5.0)
    assert not wire.offers(), "what was left is refused"
    launch = wire.start_executor()
    wire.update(launch, "task", mesos.TASK_FINISHED)
    wire.advance(1.0)
    (whole,) = wire.offers()
    assert Resources(whole.resources).scalar("cpus") == 4.0, "growth beats the filter"


def test_the_framework_with_less_is_offered_first() -> None:
    wire = Wire(agents=2)
    framework_id = wire.registered()
    offers = wire.offers()
    wire.accept(framework_id, [offers[0]], [task_info(offers[0])])
    wire.call(framework_id, scheduler.Call.SUPPRESS)
    decline(wire, framework_id, offers[1], 0.0)
    wire.registered(OTHER)
    assert len(wire.offers(OTHER)) == 2
    wire.call(framework_id, scheduler.Call.REVIVE)
    wire.add_agent("slave(3)@127.0.0.1:5053")
    assert not wire.offers(OTHER), "it holds two offers, the other framework one small task"
    assert len(wire.offers()) == 1


def test_reserved_resources_are_for_their_role_and_those_below_it() -> None:
    wire = Wire(agents=0)
    wire.add_agent("slave(1)@127.0.0.1:5051", resources=parse_resources("cpus(ops):1;cpus:1;mem:64"))
    wire.registered()
    (offer,) = wire.offers()
    assert Resources(offer.resources).scalar("cpus") == 1.0
    wire.registered(OTHER, role="ops/web")
    (reserved,) = wire.offers(OTHER)
    (cpus,) = reserved.resources
    assert (cpus.role, cpus.scalar.value) == ("ops", 1.0)


def test_too_little_is_not_offered() -> None:
    wire = Wire(agents=0)
    wire.add_agent("slave(1)@127.0.0.1:5051", resources=parse_resources("cpus:0.005;mem:31;disk:1000"))
    wire.registered()
    assert not wire.offers()


def test_gpus_hide_an_agent_from_those_who_do_not_know_them() -> None:
    wire = Wire(agents=0)
    wire.add_agent("slave(1)@127.0.0.1:5051", resources=parse_resources("cpus:4;mem:64;gpus:1"))
    wire.registered()
    assert not wire.offers()
    wire.registered(OTHER, capabilities=["GPU_RESOURCES"])
    assert len(wire.offers(OTHER)) == 1


def test_an_offer_nobody_answers_is_rescinded() -> None:
    wire = Wire(offer_timeout=30.0)
    wire.registered()
    (offer,) = wire.offers()
    wire.advance(30.5)
    assert wire.one(SCHEDULER, internal.RescindResourceOfferMessage).offer_id == offer.id
    wire.advance(1.0)
    assert len(wire.offers()) == 1


def test_many_small_amounts_do_not_drift() -> None:
    wire = Wire()
    framework_id = wire.registered()
    for number in range(40):
        wire.advance(6.0)
        offer = wire.offers()[-1]
        wire.accept(framework_id, [offer], [task_info(offer, f"task-{number}", "cpus:0.1;mem:1")])
        if number == 0:
            wire.start_executor()
    assert not [each for each in wire.statuses() if each.state == mesos.TASK_ERROR]
    (agent,) = wire.master.state.agents.values()
    assert agent.available.scalar("cpus") in (None, 0.0)
