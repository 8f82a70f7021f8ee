"""Clusters of several masters, with a ZooKeeper of the tests."""

from __future__ import annotations

import itertools
from typing import Any

from mesos_detector.testing import ZooKeeperEnsemble
from mesos_local import AgentSettings, LocalCluster, MasterSettings

_numbers = itertools.count(1)


def three_masters(zookeeper: ZooKeeperEnsemble, **changes: Any) -> LocalCluster:
    """Describe a cluster of three masters whose agents and updates are quick to come back."""
    agent = AgentSettings(
        registration_backoff=0.1,
        update_retry_min=0.3,
    )
    values: dict[str, Any] = {
        "masters": 3,
        "zk": zookeeper.url(f"/mesos-{next(_numbers)}"),
        "resources": "cpus:4;mem:1024",
        "agent": agent,
        "master": MasterSettings(allocation_interval=0.1),
    }
    return LocalCluster(**{**values, **changes})
