"""For tests: a real ZooKeeper ensemble on loopback."""

from mesos_detector.testing.ensemble import ZooKeeperEnsemble
from mesos_detector.testing.installation import Installation, ZooKeeperUnavailableError, find_installation

__all__ = ["Installation", "ZooKeeperEnsemble", "ZooKeeperUnavailableError", "find_installation"]
