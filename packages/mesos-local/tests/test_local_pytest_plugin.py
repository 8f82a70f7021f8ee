"""The fixture of the pytest plugin, in a run of pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


def test_tests_share_a_cluster_or_have_their_own(tmp_path: Path) -> None:
    (tmp_path / "test_inner.py").write_text(TESTS)
    command = [
        *(sys.executable, "-m", "pytest", "-q", "--strict-markers", "-W", "error"),
        *("-p", "mesos_local.pytest_plugin", "-p", "no:cacheprovider", "test_inner.py"),
    ]
    path = os.pathsep.join(os.path.abspath(each) for each in sys.path if each)
    environment = {**os.environ, "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    inner = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=90, check=False
    )
    assert inner.returncode == 0, inner.stdout + inner.stderr
    assert "3 passed" in inner.stdout
