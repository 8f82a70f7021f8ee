"""The equipment itself: what starts, ends, and ends for sure."""

from __future__ import annotations

import http.client
import os
from pathlib import Path

import pytest
from realmesos import Agent, Build, Master, NotSupported, build, elf, system
from realmesos.fixtures import ClusterFactory, build_or_skip
from realmesos.process import descendants_of, wait_for


@pytest.mark.ci
def test_a_master_and_an_agent_find_each_other(
    real_build: Build, real_master: Master, real_agent: Agent
) -> None:
    state = real_master.state()

    assert state is not None
    assert state["version"] == real_build.release.version
    assert [slave["pid"] for slave in state["slaves"]] == [f"slave(1)@{real_agent.address}"]


def test_the_build_comes_from_the_cache(real_build: Build) -> None:
    before = real_build.program.stat()

    assert build(real_build.release) == real_build
    assert real_build.program.stat() == before


@pytest.mark.ci
def test_three_masters_elect_one(real_cluster: ClusterFactory) -> None:
    cluster = real_cluster(masters=3, agents=2)
    leader = cluster.leader()

    state = leader.state()
    assert state is not None
    assert len(state["slaves"]) == 2
    others = [master for master in cluster.masters if master is not leader]
    assert [master.get("/master/redirect")[0] for master in others] == [307, 307]


def test_a_stopped_cluster_leaves_no_process(real_cluster: ClusterFactory, tmp_path: Path) -> None:
    cluster = real_cluster()
    agent = cluster.agents[0]
    stray = os.spawnv(os.P_NOWAIT, "/bin/sh", ["sh", "-c", f"cd {agent.directory} && exec sleep 1000"])
    wait_for("the stray process", lambda: stray in descendants_of(agent.directory))

    cluster.stop()

    assert os.waitpid(stray, 0) == (stray, 9)
    assert descendants_of(tmp_path) == []
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection(cluster.address, timeout=5).request("GET", "/")


def test_the_hash_of_a_symbol_version() -> None:
    assert elf.elf_hash(b"GLIBC_2.2.5") == 0x09691A75


@pytest.mark.parametrize("ci", [True, False])
def test_a_machine_that_cannot_run_it(monkeypatch: pytest.MonkeyPatch, ci: bool) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    if ci:
        monkeypatch.setenv("CI", "true")
    else:
        monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.fail.Exception if ci else pytest.skip.Exception, match="riscv64"):
        build_or_skip("1.11.0")


def test_a_user_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    with pytest.raises(NotSupported, match=r"sudo apt-get install .* no-such-package-1 no-such-package-2"):
        system.ensure(["no-such-package-1", "no-such-package-2"])
