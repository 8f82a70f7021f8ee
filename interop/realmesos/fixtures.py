"""The pytest plugin: fixtures `real_build`, `real_cluster`, `real_master`, `real_agent`.

Where the binary cannot run the tests are skipped, and say why; with `CI` in the environment that is a
failure instead. When a test fails, the logs of its servers and executors are attached to the report.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from mesos_detector.testing import ZooKeeperEnsemble

from realmesos import system
from realmesos.build import Build, build
from realmesos.cluster import Cluster
from realmesos.errors import NotSupported
from realmesos.releases import LATEST, RELEASES
from realmesos.servers import Agent, Master

_TAIL = 60_000
_CLUSTERS: pytest.StashKey[list[Cluster]] = pytest.StashKey()

_NUMBERS = itertools.count(1)

ClusterFactory = Callable[..., Cluster]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("interop", "tests against a real Mesos")
    group.addoption(
        "--release",
        choices=sorted(RELEASES),
        default=LATEST.version,
        help="the release of Mesos under the tests that do not choose one themselves",
    )
    group.addoption(
        "--executor",
        metavar="PATH",
        default=None,
        help="a test executor in another language, to run the example scheduler with",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "ci: part of the subset that every change must pass")


def build_or_skip(version: str) -> Build:
    """Return a release; where it cannot run skip the test, or fail it when CI must have it."""
    try:
        return build(RELEASES[version])
    except NotSupported as error:
        if os.environ.get("CI"):
            pytest.fail(f"no real Mesos, and CI must have one: {error}", pytrace=False)
        pytest.skip(f"NO REAL MESOS ON THIS MACHINE: {error}")


@pytest.fixture(scope="session")
def real_build(request: pytest.FixtureRequest) -> Build:
    """The release under test, built."""
    return build_or_skip(request.config.getoption("--release"))


@pytest.fixture(scope="session")
def older_build(request: pytest.FixtureRequest) -> Build:
    """Another release: the version comes as the parameter."""
    return build_or_skip(request.param)


@pytest.fixture(scope="session")
def zookeeper(real_build: Build) -> Iterator[ZooKeeperEnsemble]:
    """A real ZooKeeper ensemble of three, for all tests; each cluster has a path of its own."""
    system.ensure(system.ZOOKEEPER_PACKAGES)
    with ZooKeeperEnsemble(3, tick_time=0.5) as ensemble:
        yield ensemble


@pytest.fixture
def ensemble(zookeeper: ZooKeeperEnsemble) -> Iterator[ZooKeeperEnsemble]:
    """The same ensemble for a test that breaks it; it is whole again afterwards."""
    yield zookeeper
    zookeeper.restore()


@pytest.fixture
def real_cluster(
    request: pytest.FixtureRequest, real_build: Build, tmp_path: Path
) -> Iterator[ClusterFactory]:
    """A function that starts a cluster: `real_cluster(masters=3, agents=2, …)`, see `Cluster`.

    Several masters get the ZooKeeper ensemble by themselves. All ends with the test.
    """
    clusters = request.node.stash.setdefault(_CLUSTERS, [])

    def start(
        *, masters: int = 1, agents: int = 1, release: Build = real_build, **options: object
    ) -> Cluster:
        if masters > 1:
            servers: ZooKeeperEnsemble = request.getfixturevalue("zookeeper")
            options.setdefault("zookeeper", servers.url(f"/mesos-{next(_NUMBERS)}"))
        directory = tmp_path / f"cluster-{len(clusters) + 1}"
        cluster = Cluster(release, directory, masters=masters, agents=agents, **options)  # type: ignore[arg-type]
        clusters.append(cluster)
        return cluster.start()

    yield start
    for cluster in clusters:
        cluster.stop()


@pytest.fixture
def real_master(real_cluster: ClusterFactory) -> Master:
    """One leading master, without agents."""
    return real_cluster(agents=0).masters[0]


@pytest.fixture
def real_agent(real_master: Master, request: pytest.FixtureRequest) -> Agent:
    """One agent, registered with `real_master`."""
    clusters: list[Cluster] = request.node.stash[_CLUSTERS]
    return clusters[0].add_agent().wait_registered()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        for cluster in item.stash.get(_CLUSTERS, []):
            for name, text in cluster.logs().items():
                report.sections.append((name, text[-_TAIL:]))
    return report
