"""A real ZooKeeper ensemble of three, shared by the tests, whole again after each of them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import pytest
from mesos_detector.testing import ZooKeeperEnsemble, ZooKeeperUnavailableError, find_installation


def pytest_collection_finish(session: pytest.Session) -> None:
    """Install ZooKeeper, where it is wanted and missing, before any test's time runs."""
    wanted = any("running_ensemble" in getattr(item, "fixturenames", ()) for item in session.items)
    if wanted and not session.config.option.collectonly:
        with contextlib.suppress(ZooKeeperUnavailableError):  # The fixture tells.
            find_installation()


@pytest.fixture(scope="session")
def running_ensemble() -> Iterator[ZooKeeperEnsemble]:
    try:
        find_installation(install=False)
    except ZooKeeperUnavailableError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"NO ZOOKEEPER: {error}")
    with ZooKeeperEnsemble(3) as ensemble:
        yield ensemble


@pytest.fixture
def ensemble(running_ensemble: ZooKeeperEnsemble) -> Iterator[ZooKeeperEnsemble]:
    yield running_ensemble
    running_ensemble.restore()
