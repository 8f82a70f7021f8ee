"""The fixture of the pytest plugin, in a run of pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mesos_detector.testing import ZooKeeperEnsemble

TESTS = """
import pytest

seen = []

def test_first(mesos_cluster):
    seen.append(mesos_cluster)
    assert len(mesos_cluster.agents) == 1

def test_second(mesos_cluster):
    assert seen == [mesos_cluster]

@pytest.mark.mesos_cluster(3, resources="cpus:1;mem:64")
def test_of_its_own(mesos_cluster):
    assert len(mesos_cluster.agents) == 3
    assert mesos_cluster not in seen
"""


SETTINGS = """
import asyncio
import pytest

seen = []

@pytest.mark.parametrize("number", [1, 2])
def test_each_has_its_own(mesos_cluster, mesos_credential, number):
    assert mesos_cluster not in seen
    seen.append(mesos_cluster)
    assert len(mesos_cluster.agents) == 2
    settings = mesos_cluster.master.session.state.settings
    assert settings.authenticate_frameworks and settings.authenticate_http_frameworks
    assert mesos_credential.principal == "mesos"

@pytest.mark.mesos_cluster(agents=0, authenticate=False)
def test_the_mark_wins(mesos_cluster):
    assert not mesos_cluster.master.session.state.settings.authenticate_frameworks

@pytest.mark.mesos_cluster(masters=2, agents=0)
def test_several_masters(mesos_cluster):
    async def ask():
        return await asyncio.to_thread(mesos_cluster.wait_leader)
    assert asyncio.run(ask()) in mesos_cluster.masters and mesos_cluster.zk
"""


def run(tmp_path: Path, tests: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run tests in a pytest of their own."""
    (tmp_path / "test_inner.py").write_text(tests)
    command = [
        *(sys.executable, "-m", "pytest", "-q", "--strict-markers", "-W", "error", *arguments),
        *("-p", "mesos_local.pytest_plugin", "-p", "no:cacheprovider", "test_inner.py"),
    ]
    path = os.pathsep.join(os.path.abspath(each) for each in sys.path if each)
    environment = {**os.environ, "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    return subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=90, check=False
    )


def test_tests_share_a_cluster_or_have_their_own(tmp_path: Path) -> None:
    inner = run(tmp_path, TESTS)
    assert inner.returncode == 0, inner.stdout + inner.stderr
    assert "3 passed" in inner.stdout


def test_settings_choose_scope_size_and_authentication(tmp_path: Path, zookeeper: ZooKeeperEnsemble) -> None:
    """The ZooKeeper is there to be skipped without."""
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nmesos_cluster_scope = function\nmesos_cluster_authenticate = true\n"
    )
    inner = run(tmp_path, SETTINGS, "--mesos-cluster-agents=2")
    assert inner.returncode == 0, inner.stdout + inner.stderr
    assert "4 passed" in inner.stdout


@pytest.mark.parametrize("setting", ["scope=all", "agents=many", "authenticate=perhaps"])
def test_a_setting_that_makes_no_sense_is_named(tmp_path: Path, setting: str) -> None:
    inner = run(tmp_path, TESTS, f"--mesos-cluster-{setting}")
    assert inner.returncode == 4 and "mesos_cluster_" + setting.partition("=")[0] in inner.stderr
