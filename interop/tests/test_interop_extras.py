"""The extras around a driver, as a real master counts what comes of them."""

from __future__ import annotations

import getpass
from typing import Any

import pytest
import requests
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import MesosSchedulerDriver, Scheduler
from mesos_scheduler.extras.acknowledge import acknowledge
from mesos_scheduler.extras.handlers import chain, intercept
from mesos_scheduler.extras.held import HeldOffers
from mesos_scheduler.extras.metrics import SchedulerMetrics
from mesos_scheduler.extras.notify import Connection
from mesos_scheduler.extras.offers import attribute, attribute_between, contains
from mesos_scheduler.extras.revive import ReviveLimiter
from mesos_scheduler.v1 import HttpSchedulerDriver
from prometheus_client import CollectorRegistry
from realmesos import Cluster
from realmesos.fixtures import ClusterFactory
from realmesos.framework import WAIT, Watcher
from realmesos.process import wait_for

NOW = mesos.Filters(refuse_seconds=0)
SUITABLE = contains("cpus:0.1;mem:32") & attribute("rack", "r1") & attribute_between("level", 3, 4)


def counted(cluster: Cluster, name: str) -> int:
    """What the master counts."""
    answer = requests.get(f"http://{cluster.masters[0].address}/metrics/snapshot", timeout=30)
    return int(answer.json()[f"master/{name}"])


def over_v0(scheduler: Scheduler, info: mesos.FrameworkInfo, master: str) -> Any:
    return MesosSchedulerDriver(scheduler, info, master, bind="127.0.0.1:0", implicit_acknowledgements=False)


def over_v1(scheduler: Scheduler, info: mesos.FrameworkInfo, master: str) -> Any:
    return HttpSchedulerDriver(scheduler, info, master, implicit_acknowledgements=False)


@pytest.mark.ci
@pytest.mark.parametrize("make", [over_v0, over_v1])
def test_a_master_sees_what_the_extras_let_pass(real_cluster: ClusterFactory, make: Any) -> None:
    cluster = real_cluster(
        master_flags={"allocation_interval": "50ms"},
        agent_flags={"attributes": "rack:r1;level:3.5;ports:[80-90]"},
    )
    watcher, connection, held = Watcher(), Connection(), HeldOffers()
    registry = CollectorRegistry()
    metrics = SchedulerMetrics(registry, prefix="m")
    scheduler = chain(metrics.events, connection, held.events, acknowledge())(watcher)
    info = mesos.FrameworkInfo(user=getpass.getuser(), name="extras", roles=["*"])
    info.capabilities.add(type=mesos.FrameworkInfo.Capability.MULTI_ROLE)
    with ReviveLimiter(burst=2, seconds=1.0) as limiter:
        driver = intercept(make(scheduler, info, cluster.address), limiter, metrics.calls, held.calls)
        with driver:
            assert connection.wait_until_connected(WAIT)
            offer = watcher.wait("offer").first
            assert SUITABLE(offer) and (attribute("ports", 85) & ~attribute("ports", 91))(offer)
            assert SUITABLE.first(held) == offer
            task = mesos.TaskInfo(name="t", task_id=mesos.TaskID(value="t"), agent_id=offer.agent_id)
            task.command.value = "true"
            for name, amount in (("cpus", 0.1), ("mem", 32)):
                task.resources.add(name=name, type=mesos.Value.SCALAR).scalar.value = amount
                task.resources[-1].allocation_info.role = "*"
            driver.suppress_offers()
            driver.launch_tasks(offer.id, [task], NOW)
            assert list(held) == []
            watcher.wait("status_update", lambda each: each.first.state == mesos.TASK_FINISHED)
            position = watcher.position
            for _ in range(20):
                driver.revive_offers()
            watcher.wait("offer", after=position)
            wait_for("the third one is sent", lambda: counted(cluster, "messages_revive_offers") >= 3)

            def value(name: str, **labels: str) -> float:
                return registry.get_sample_value(f"m_{name}", labels) or 0

            sent = value("calls_total", type="revive")
            assert 3 <= counted(cluster, "messages_revive_offers") <= sent < 20
            wait_for(
                "each update is acknowledged",
                lambda: counted(cluster, "messages_status_update_acknowledgement") == 3,
            )
            assert value("events_total", type="update") == value("calls_total", type="acknowledge") == 3
            assert value("connected") == 1
        assert value("connected") == 0
