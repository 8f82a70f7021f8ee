"""Offers by role, and what a framework changes about itself: suppress, revive, update_framework."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2
from mesos_scheduler import Status
from realmesos import Cluster
from realmesos.fixtures import ClusterFactory
from realmesos.framework import Framework
from realmesos.process import wait_for
from realmesos.releases import LATEST

pytestmark = pytest.mark.ci

NOW = mesos.Filters(refuse_seconds=0)
QUICK = {"allocation_interval": "50ms"}


@pytest.fixture
def cluster(real_cluster: ClusterFactory) -> Cluster:
    return real_cluster(master_flags=QUICK)


def role(offer: mesos.Offer) -> str:
    return offer.allocation_info.role


def known(cluster: Cluster) -> dict[str, Any]:
    """What the master's /state says of the one framework."""
    state = cluster.masters[0].state()
    assert state is not None
    (framework,) = state["frameworks"]
    found: dict[str, Any] = framework
    return found


def changed(framework: Framework, **fields: object) -> mesos.FrameworkInfo:
    """The framework's description with its id and changes."""
    info = mesos.FrameworkInfo()
    info.CopyFrom(framework.info)
    info.id.value = framework.wait_registered()
    for name in fields:
        info.ClearField(name)  # type: ignore[arg-type]
    info.MergeFrom(mesos.FrameworkInfo(**fields))  # type: ignore[arg-type]
    return info


def decline(framework: Framework, offer: mesos.Offer) -> mesos.Offer:
    """Give an offer back and return the next one."""
    position = framework.watcher.position
    framework.driver.decline_offer(offer.id, NOW)
    return framework.next_offer(position)


def only_zone(names: Iterable[str], zone: str) -> scheduler_pb2.OfferConstraints:
    """Constrain roles to agents with an attribute."""
    constraints = scheduler_pb2.OfferConstraints()
    for name in names:
        one = constraints.role_constraints[name].groups.add().attribute_constraints.add()
        one.selector.attribute_name = "zone"
        one.predicate.text_equals.value = zone
    return constraints


def test_a_role_suppressed_from_the_start(cluster: Cluster) -> None:
    with Framework(cluster.address, roles=["a", "b"], suppressed_roles=["a"]) as framework:
        offer = framework.watcher.wait("offer").first
        assert role(offer) == "b"
        assert role(decline(framework, offer)) == "b"


def test_suppress_and_revive_by_role(cluster: Cluster) -> None:
    with Framework(cluster.address, roles=["a", "b"]) as framework:
        first = framework.watcher.wait("offer").first
        framework.driver.suppress_offers(["a"])
        offer = decline(framework, first)
        assert role(offer) == "b"
        offer = decline(framework, offer)
        assert role(offer) == "b"

        framework.driver.suppress_offers(["b"])
        framework.driver.decline_offer(offer.id, NOW)
        framework.fence()
        position = framework.watcher.position
        framework.driver.revive_offers(["a"])
        assert role(framework.next_offer(position)) == "a"

        framework.driver.suppress_offers(["a"])
        framework.driver.revive_offers(["b"])
        latest = framework.watcher.wait("offer", after=position).first
        assert role(decline(framework, latest)) == "b"


def test_revive_without_a_role_is_for_all(cluster: Cluster) -> None:
    with Framework(cluster.address, roles=["a", "b"], suppressed_roles=["a", "b"]) as framework:
        framework.wait_registered()
        framework.fence()
        assert not [each for each in framework.watcher.callbacks if each.name == "offer"]
        framework.driver.revive_offers()
        framework.next_offer(0)


def test_update_framework_changes_name_and_roles(cluster: Cluster) -> None:
    with Framework(cluster.address, roles=["a", "b"]) as framework:
        framework.watcher.wait("offer")
        position = framework.watcher.position
        info = changed(framework, name="renamed", roles=["c", "d"], failover_timeout=30.0)
        framework.driver.update_framework(info, suppressed_roles=["c"])
        wait_for("the new name", lambda: known(cluster)["name"] == "renamed")

        assert sorted(known(cluster)["roles"]) == ["c", "d"]
        assert known(cluster)["failover_timeout"] == 30
        framework.watcher.wait("offer_rescinded")  # the offer for a role it has no more
        offer = framework.watcher.wait("offer", after=position).first
        assert role(offer) == "d"
        assert role(decline(framework, offer)) == "d"


def test_update_framework_lifts_a_suppression(cluster: Cluster) -> None:
    with Framework(cluster.address, roles=["a"], suppressed_roles=["a"]) as framework:
        framework.wait_registered()
        framework.fence()
        position = framework.watcher.position
        framework.driver.update_framework(changed(framework))
        assert role(framework.next_offer(position)) == "a"


def test_update_framework_with_offer_constraints(real_cluster: ClusterFactory) -> None:
    cluster = real_cluster(agents=0, master_flags=QUICK)
    if cluster.build.release.version != LATEST.version:
        pytest.skip("constraints are new in 1.11, masters before do not look at them")
    for zone in ("east", "west"):
        cluster.add_agent(attributes=f"zone:{zone}").wait_registered()

    def zone_of(offer: mesos.Offer) -> str:
        return {each.name: each.text.value for each in offer.attributes}["zone"]

    with Framework(cluster.address, roles=["a"]) as framework:
        for zone in ("east", "west"):
            framework.watcher.wait("offer", lambda each, zone=zone: zone_of(each.first) == zone)  # type: ignore[misc]
        framework.driver.update_framework(changed(framework), offer_constraints=only_zone(["a"], "west"))
        framework.fence()
        position = framework.watcher.position
        held = [each.first.id for each in framework.watcher.callbacks if each.name == "offer"]
        framework.driver.decline_offer(held, NOW)
        offer = framework.next_offer(position)
        for _ in range(3):  # each is a new round of allocation, in which east could have come too
            offer = decline(framework, offer)
        given = [each.first for each in framework.watcher.callbacks[position:] if each.name == "offer"]
        assert {zone_of(each) for each in given} == {"west"}

        framework.driver.update_framework(changed(framework))
        framework.watcher.wait("offer", lambda each: zone_of(each.first) == "east", after=position)


def test_a_change_that_the_master_refuses(cluster: Cluster) -> None:
    with Framework(cluster.address, roles=["a"]) as framework:
        framework.driver.update_framework(changed(framework, checkpoint=True))
        message = framework.watcher.wait("error").first
        assert framework.driver.status is Status.ABORTED

    assert "checkpoint" in message


def test_requested_resources_are_heard_and_no_more(cluster: Cluster) -> None:
    with Framework(cluster.address) as framework:
        offer = framework.watcher.wait("offer").first
        request = mesos.Request(agent_id=offer.agent_id, resources=offer.resources)
        framework.driver.request_resources([request])
        framework.fence()
        metrics = cluster.masters[0].metrics()

        assert metrics["master/messages_resource_request"] == 1
        names = [each.name for each in framework.watcher.callbacks]
        assert names == ["registered", "offer", "status_update"]  # the last is the fence's
