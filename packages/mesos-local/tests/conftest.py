"""Fixtures: a cluster for the tests of a module, and a ZooKeeper for those that elect masters."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import pytest
from mesos_detector.testing import ZooKeeperEnsemble, ZooKeeperUnavailableError, find_installation
from mesos_local import LocalCluster


def pytest_collection_finish(session: pytest.Session) -> None:
    """Install ZooKeeper, where it is wanted and missing, before any test's time runs."""
    wanted = any("zookeeper" in getattr(item, "fixturenames", ()) for item in session.items)
    if wanted and not session.config.option.collectonly:
        with contextlib.suppress(ZooKeeperUnavailableError):  # The fixture tells.
            find_installation()


@pytest.fixture(scope="session")
def zookeeper() -> Iterator[ZooKeeperEnsemble]:
    """One real ZooKeeper server; each cluster has a path of its own."""
    try:
        find_installation(install=False)
    except ZooKeeperUnavailableError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"NO ZOOKEEPER: {error}")
    with ZooKeeperEnsemble(1) as ensemble:
        yield ensemble


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(resources="cpus:4;mem:4096;disk:1000;ports:[31000-31099]") as running:
        yield running
