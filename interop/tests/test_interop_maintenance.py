"""Maintenance of an agent's machine, as schedulers hear of it: over v1, and over v0 too."""

from __future__ import annotations

import time

import pytest
import requests
from mesos_proto.v1 import mesos_pb2 as mesos
from realmesos.fixtures import ClusterFactory
from realmesos.framework import Framework
from realmesos.http_framework import HttpFramework


@pytest.mark.ci
@pytest.mark.parametrize("make", [Framework, HttpFramework], ids=["v0", "v1"])
def test_inverse_offers_come_and_are_taken_back(
    real_cluster: ClusterFactory, make: type[Framework] | type[HttpFramework]
) -> None:
    cluster = real_cluster(master_flags={"allocation_interval": "100ms"})
    master = f"http://{cluster.masters[0].address}"
    with make(cluster.address) as framework:
        offer = framework.launch(framework.task("t", command="sleep 1000"))
        framework.wait_status("t", mesos.TASK_RUNNING)
        machine = {"hostname": offer.hostname, "ip": cluster.agents[0].address.rpartition(":")[0]}
        start = {"nanoseconds": (int(time.time()) + 3600) * 10**9}
        window = {"machine_ids": [machine], "unavailability": {"start": start}}
        schedule = f"{master}/maintenance/schedule"
        requests.post(schedule, json={"windows": [window]}, timeout=30).raise_for_status()
        inverse: mesos.InverseOffer = framework.watcher.wait("inverse_offer").first
        assert inverse.agent_id == offer.agent_id
        assert inverse.unavailability.start.nanoseconds == start["nanoseconds"]
        framework.driver.accept_inverse_offers([inverse.id], mesos.Filters(refuse_seconds=0.1))
        framework.fence()
        agreed = requests.get(f"{master}/maintenance/status", timeout=30).json()["draining_machines"]
        assert [each["status"] for status in agreed for each in status["statuses"]] == ["ACCEPT"]
        position = framework.watcher.position
        later = framework.watcher.wait("inverse_offer", after=position).first
        requests.post(schedule, json={}, timeout=30).raise_for_status()
        assert framework.watcher.wait("inverse_offer_rescinded", lambda each: each.first == later.id)
