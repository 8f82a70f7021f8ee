"""Fixtures: a cluster for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mesos_local import LocalCluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(resources="cpus:4;mem:4096;disk:1000;ports:[31000-31099]") as running:
        yield running
