"""Several masters, and one that starts again: scripts see the same on the real and the embedded cluster."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator

import pytest
from differential import masters
from differential.cells import Cell, LocalCell, RealCell
from mesos_detector.testing import ZooKeeperEnsemble
from mesos_local import AgentSettings, LocalCluster, MasterSettings
from mesos_local.cluster import command_executor
from realmesos import Build, Cluster

pytestmark = pytest.mark.ci

RESOURCES = "cpus:4;mem:4096;disk:10000;ports:[31000-32000]"
Script = Callable[[Cell], None]


@pytest.fixture(scope="module")
def three(
    real_build: Build, zookeeper: ZooKeeperEnsemble, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Cell, Cell]]:
    """Three masters without agents, of both kinds."""
    directory = tmp_path_factory.mktemp("three")
    with (
        Cluster(real_build, directory, masters=3, agents=0, zookeeper=zookeeper.url("/real")) as real,
        LocalCluster(0, masters=3, zk=zookeeper.url("/embedded")) as local,
    ):
        yield RealCell(real), LocalCell(local)


@pytest.fixture(scope="module")
def one(real_build: Build, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cell, Cell]]:
    """One master that keeps its registry, and one agent, of both kinds."""
    flags = {
        "registry": "replicated_log",
        "allocation_interval": "50ms",
        "agent_ping_timeout": "1secs",
        "max_agent_ping_timeouts": "1",
    }
    agent = AgentSettings(
        work_dir="", command_executor=command_executor(), resources=(), registration_backoff=0.1
    )
    settings = MasterSettings(allocation_interval=0.05, agent_ping_timeout=1.0, max_agent_ping_timeouts=1)
    with (
        Cluster(real_build, tmp_path_factory.mktemp("one"), master_flags=flags) as real,
        LocalCluster(resources=RESOURCES, agent=agent, master=settings) as local,
    ):
        yield RealCell(real), LocalCell(local)


def settled(lines: list[str]) -> list[str]:
    """Take out what depends on the moment of a death.

    That is updates which an agent sends again, as the acknowledgement had not come, and rescinded offers.
    """
    return [
        line
        for index, line in enumerate(lines)
        if not line.startswith("RescindResourceOffer")
        and ("SOURCE_EXECUTOR" not in line or line not in lines[:index])
    ]


def see_the_same(cells: tuple[Cell, Cell], script: Script) -> None:
    for cell in cells:
        cell.site.lines.clear()
        script(cell)
    real, local = (settled(cell.site.lines) for cell in cells)
    assert real
    assert real == local, "\n".join(difflib.ndiff(real, local))


@pytest.mark.parametrize("script", masters.THREE, ids=lambda each: each.__name__)
def test_three_masters_answer_the_same(three: tuple[Cell, Cell], script: Script) -> None:
    see_the_same(three, script)


@pytest.mark.parametrize("script", masters.ONE, ids=lambda each: each.__name__)
def test_a_new_master_knows_the_same(one: tuple[Cell, Cell], script: Script) -> None:
    see_the_same(one, script)
