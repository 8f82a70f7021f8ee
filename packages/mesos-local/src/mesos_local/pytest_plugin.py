"""Fixtures for pytest: an embedded cluster for a test. Name the plugin in the `conftest.py` at the top:

    pytest_plugins = ["mesos_local.pytest_plugin"]

    def test_my_framework(mesos_cluster):
        run(mesos_cluster.master_address)

`@pytest.mark.mesos_cluster(agents=3, resources="cpus:8")` says what kind of cluster a test wants; the
arguments are those of `LocalCluster`. Without the mark, all tests of a module share one, which they must not
harm.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .cluster import LocalCluster

__all__ = ["mesos_cluster"]

MARK = "mesos_cluster"


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    text = f"{MARK}(agents=1, ...): the fixture mesos_cluster starts a LocalCluster(agents=1, ...)"
    config.addinivalue_line("markers", text)


@pytest.fixture(scope="module")
def _mesos_shared() -> Iterator[LocalCluster]:
    from .cluster import LocalCluster  # Only who asks for a cluster waits for its import.

    with LocalCluster() as cluster:
        yield cluster


@pytest.fixture
def mesos_cluster(request: pytest.FixtureRequest) -> Iterator[LocalCluster]:
    """A running embedded cluster, `LocalCluster`."""
    mark = request.node.get_closest_marker(MARK)
    if mark is None:
        yield request.getfixturevalue("_mesos_shared")
        return
    from .cluster import LocalCluster

    with LocalCluster(*mark.args, **mark.kwargs) as cluster:
        yield cluster
