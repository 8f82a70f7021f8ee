"""The master's side of frameworks: subscription, failover, disconnection, removal."""

from __future__ import annotations

import pytest
from local_helpers import MASTER, SCHEDULER, Wire, framework_info, task_info
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as scheduler

OTHER = "scheduler-2@127.0.0.1:6001"


def test_a_new_framework_is_registered_under_a_fresh_id_and_offered_the_agent() -> None:
    wire = Wire()
    framework_id = wire.registered()
    assert framework_id.value == f"{wire.master.state.id}-0000"
    (offer,) = wire.offers()
    assert offer.slave_id.value == f"{wire.master.state.id}-S0"
    assert offer.url.path == "/slave(1)"
    assert {each.name for each in offer.resources} == {"cpus", "mem", "ports"}
    assert all(each.role == "*" and not each.HasField("allocation_info") for each in offer.resources)
    assert (MASTER, SCHEDULER) in wire.links


def test_a_multi_role_framework_sees_allocation_and_no_old_role() -> None:
    wire = Wire()
    wire.registered(roles=["dev"], capabilities=["MULTI_ROLE", "RESERVATION_REFINEMENT"])
    (offer,) = wire.offers()
    assert offer.allocation_info.role == "dev"
    assert all(each.allocation_info.role == "dev" and not each.HasField("role") for each in offer.resources)


def test_a_repeated_subscription_without_id_gets_the_same_id() -> None:
    wire = Wire()
    assert wire.registered() == wire.registered()
    assert len(wire.master.state.frameworks) == 1


def test_failover_with_force_tells_the_old_instance_and_offers_to_the_new() -> None:
    wire = Wire()
    framework_id = wire.registered()
    old = wire.offers()
    wire.subscribe(OTHER, force=True, id=framework_id)
    assert wire.one(SCHEDULER, internal.FrameworkErrorMessage).message == "Framework failed over"
    assert wire.one(OTHER, internal.FrameworkRegisteredMessage).framework_id == framework_id
    assert not wire.take(SCHEDULER, internal.RescindResourceOfferMessage)
    (offer,) = wire.offers(OTHER)
    assert offer.id != old[0].id


def test_a_newcomer_without_force_is_turned_away() -> None:
    wire = Wire()
    framework_id = wire.registered()
    wire.subscribe(OTHER, id=framework_id)
    assert wire.one(OTHER, internal.FrameworkErrorMessage).message == "Framework failed over"
    assert wire.master.state.frameworks[framework_id.value].pid == SCHEDULER


def test_the_same_process_coming_back_is_reregistered_after_its_offers_were_rescinded() -> None:
    wire = Wire()
    framework_id = wire.registered()
    (offer,) = wire.offers()
    wire.subscribe(id=framework_id)
    kinds = [type(each) for each in wire.heard[SCHEDULER]]
    assert kinds == [
        internal.RescindResourceOfferMessage,
        internal.FrameworkReregisteredMessage,
        internal.ResourceOffersMessage,
    ]
    assert wire.one(SCHEDULER, internal.RescindResourceOfferMessage).offer_id == offer.id


def test_an_id_no_master_knows_is_taken_over() -> None:
    wire = Wire()
    wire.subscribe(id="some-old-id-0007")
    assert wire.one(SCHEDULER, internal.FrameworkRegisteredMessage).framework_id.value == "some-old-id-0007"


def test_a_framework_that_stays_away_is_removed_and_its_id_refused() -> None:
    wire = Wire()
    framework_id = wire.registered(failover_timeout=30.0)
    wire.exited(SCHEDULER)
    assert wire.one(SCHEDULER, internal.FrameworkErrorMessage).message == "Framework disconnected"
    wire.advance(29.0)
    assert framework_id.value in wire.master.state.frameworks
    wire.advance(2.0)
    assert framework_id.value in wire.master.state.completed_frameworks
    wire.subscribe(OTHER, force=True, id=framework_id)
    assert wire.one(OTHER, internal.FrameworkErrorMessage).message == "Framework has been removed"


def test_a_framework_that_comes_back_in_time_stays() -> None:
    wire = Wire()
    framework_id = wire.registered(failover_timeout=30.0)
    wire.exited(SCHEDULER)
    wire.advance(20.0)
    wire.subscribe(OTHER, force=True, id=framework_id)
    wire.advance(60.0)
    assert wire.master.state.frameworks[framework_id.value].active


def test_disconnection_rescinds_and_another_framework_is_offered_instead() -> None:
    wire = Wire()
    wire.registered(failover_timeout=30.0)
    (offer,) = wire.offers()
    wire.registered(OTHER)
    assert not wire.offers(OTHER)
    wire.exited(SCHEDULER)
    assert wire.one(SCHEDULER, internal.RescindResourceOfferMessage).offer_id == offer.id
    assert len(wire.offers(OTHER)) == 1


def test_deactivation_stops_offers_but_not_the_framework() -> None:
    wire = Wire()
    framework_id = wire.registered()
    wire.send(SCHEDULER, MASTER, internal.DeactivateFrameworkMessage(framework_id=framework_id))
    wire.take(SCHEDULER, internal.ResourceOffersMessage)
    wire.advance(10.0)
    assert not wire.offers()
    assert wire.master.state.frameworks[framework_id.value].connected


def test_teardown_shuts_the_executors_down_and_frees_everything() -> None:
    wire = Wire()
    framework_id = wire.registered()
    (offer,) = wire.offers()
    wire.accept(framework_id, [offer], [task_info(offer)])
    launch = wire.start_executor()
    wire.call(framework_id, scheduler.Call.TEARDOWN)
    assert ("shutdown", launch.container_id) in {key for _, key in wire.timers}
    wire.end(launch)
    state = wire.master.state
    assert not state.frameworks and not next(iter(state.agents.values())).allocated
    assert not wire.agent.state.frameworks


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"role": "a b"}, "is not a valid role"),
        ({"role": "-a"}, "starts with a dash"),
        ({"role": "a//b"}, "adjacent slashes"),
        ({"roles": ["a"]}, "must not be set when the framework is not MULTI_ROLE capable"),
        ({"roles": ["a", "a"], "capabilities": ["MULTI_ROLE"]}, "contains duplicate items"),
        ({"role": "a", "capabilities": ["MULTI_ROLE"]}, "must not be set when the framework is MULTI_ROLE"),
        ({"role": "other"}, "Roles { other } are not present in the master's --roles"),
        ({"id": "a/b"}, "contains invalid characters"),
        ({"failover_timeout": 1e30}, "is invalid"),
    ],
)
def test_what_a_framework_must_not_say(fields: dict[str, object], text: str) -> None:
    wire = Wire(roles=frozenset({"dev"}))
    wire.subscribe(**fields)
    assert text in wire.one(SCHEDULER, internal.FrameworkErrorMessage).message
    assert not wire.master.state.frameworks


def test_a_change_of_principal_is_refused() -> None:
    wire = Wire()
    framework_id = wire.registered(principal="one")
    wire.subscribe(id=framework_id, principal="two")
    text = "Changing framework's principal is not allowed."
    assert wire.one(SCHEDULER, internal.FrameworkErrorMessage).message == text


def test_the_legacy_registration_works_and_refuses_what_it_must() -> None:
    wire = Wire()
    wire.send(SCHEDULER, MASTER, internal.RegisterFrameworkMessage(framework=framework_info()))
    framework_id = wire.one(SCHEDULER, internal.FrameworkRegisteredMessage).framework_id
    wire.send(OTHER, MASTER, internal.RegisterFrameworkMessage(framework=framework_info(id=framework_id)))
    assert wire.one(OTHER, internal.FrameworkErrorMessage).message == "Registering with 'id' already set"
    wire.send(
        OTHER,
        MASTER,
        internal.ReregisterFrameworkMessage(framework=framework_info(id=framework_id), failover=True),
    )
    assert wire.one(OTHER, internal.FrameworkRegisteredMessage).framework_id == framework_id


def test_calls_of_strangers_are_dropped_and_of_the_disconnected_refused() -> None:
    wire = Wire()
    framework_id = wire.registered(failover_timeout=60.0)
    wire.call(framework_id, scheduler.Call.TEARDOWN, OTHER)
    assert framework_id.value in wire.master.state.frameworks
    wire.exited(SCHEDULER)
    wire.heard.clear()
    wire.call(framework_id, scheduler.Call.REVIVE)
    assert wire.one(SCHEDULER, internal.FrameworkErrorMessage).message == "Framework disconnected"
