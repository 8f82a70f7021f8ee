"""The same scripts against the real and the embedded cluster: their transcripts are equal."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from differential import (
    agent_calls,
    checks,
    feedback,
    fetching,
    groups,
    holdings,
    http_calls,
    operations,
    operator_calls,
    pages,
    registration,
    tasks,
)
from differential.client import Site
from differential.differences import DIFFERENCES, Difference
from mesos_local import LocalCluster
from realmesos import Build, Cluster

pytestmark = pytest.mark.ci

README = Path(__file__).resolve().parent.parent / "README.md"
RESOURCES = "cpus:4;mem:4096;disk:10000;ports:[31000-32000]"
Script = Callable[[Site], None]
ALL: dict[str, Script] = {
    script.__name__: script
    for module in (
        registration,
        tasks,
        holdings,
        checks,
        groups,
        fetching,
        pages,
        operations,
        feedback,
        http_calls,
        operator_calls,
        agent_calls,
    )
    for script in module.SCRIPTS
}


@pytest.fixture(scope="module")
def addresses(real_build: Build, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The real master's address, and the embedded one's."""
    flags = {"allocation_interval": "50ms"}
    directory = tmp_path_factory.mktemp("differential")
    with (
        Cluster(real_build, directory, agents=2, master_flags=flags) as real,
        LocalCluster(2, resources=RESOURCES) as local,
    ):
        yield real.address, local.master_address


def transcript(script: Script, address: str) -> list[str]:
    site = Site(address)
    script(site)
    return site.lines


@pytest.mark.parametrize("name", ALL)
def test_a_script_sees_the_same(addresses: tuple[str, str], name: str) -> None:
    with ThreadPoolExecutor(len(addresses)) as pool:
        real, local = pool.map(lambda address: transcript(ALL[name], address), addresses)
    assert real
    known = DIFFERENCES.get(name, Difference(""))
    delta = [line for line in difflib.ndiff(real, local) if line[0] in "-+"]
    only_real = [line[2:] for line in delta if line[0] == "-"]
    only_local = [line[2:] for line in delta if line[0] == "+"]

    for found, patterns in ((only_real, known.real), (only_local, known.local)):
        assert len(found) == len(patterns), "\n".join(delta)
        for line, pattern in zip(found, patterns, strict=True):
            assert fnmatchcase(line, pattern), (line, pattern)


def test_the_table_tells_every_difference() -> None:
    text = README.read_text(encoding="utf-8")

    assert set(DIFFERENCES) <= set(ALL)
    for name, difference in DIFFERENCES.items():
        assert f"`{name}` | {difference.reason} |" in text
