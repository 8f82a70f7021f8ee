"""The v1 example scheduler and its executor, as a user runs them, against a real master and agent."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mesos_executor.pack import pack
from realmesos import Cluster
from realmesos.fixtures import ClusterFactory

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
LARGE = {"resources": "cpus:16;mem:16384;disk:10000;ports:[31000-32000]"}
CODECS = pytest.mark.parametrize("codec", ["protobuf", "json"])

# On an idle machine a thousand tasks take some seconds; this only catches what is broken.
PATIENCE = 90.0


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(EXAMPLES / "example_executor_httpv1.py", tmp_path_factory.mktemp("packed") / "executor.pyz")


def start(url: str, executor: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    command = [sys.executable, str(EXAMPLES / "example_scheduler_httpv1.py"), f"-url={url}"]
    flags = (f"-executor={executor}", "-metrics.port=0", "-cpu=0.01", "-memory=1", *flags)
    return subprocess.run(
        [*command, *flags], capture_output=True, text=True, timeout=110, check=False, env={**os.environ}
    )


def run(cluster: Cluster, executor: Path, count: int, *flags: str, url: str = "") -> float:
    """Run the program until as many tasks have finished; return the seconds that it says."""
    url = url or f"http://{cluster.masters[0].address}/api/v1/scheduler"
    done = start(url, executor, f"-tasks={count}", *flags)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert f"finished {count} of {count} tasks" in done.stdout
    match = re.search(r"tasks took ([0-9.]+) s from launch to the last status", done.stdout)
    assert match is not None, done.stdout
    return float(match.group(1))


@pytest.mark.ci
@CODECS
def test_ten_tasks(real_cluster: ClusterFactory, packed: Path, codec: str) -> None:
    cluster = real_cluster(agent_flags=LARGE)

    assert run(cluster, packed, 10, f"-codec={codec}", "-compression", "-label=a=b") < PATIENCE

    state = cluster.masters[0].state()
    assert state is not None
    (framework,) = state["completed_frameworks"]
    assert framework["labels"] == [{"key": "a", "value": "b"}] and framework["checkpoint"]
    assert [each["state"] for each in framework["completed_tasks"]] == ["TASK_FINISHED"] * 10


@CODECS
def test_a_thousand_tasks(
    real_cluster: ClusterFactory, packed: Path, codec: str, record_property: Callable[[str, object], None]
) -> None:
    cluster = real_cluster(agent_flags=LARGE)

    seconds = run(cluster, packed, 1000, f"-codec={codec}")

    print(f"1000 tasks took {seconds:.2f} s from launch to the last status, over {codec}")
    record_property("seconds", seconds)
    assert seconds < PATIENCE


@pytest.mark.ci
@CODECS
def test_with_basic_authentication(
    real_cluster: ClusterFactory, packed: Path, tmp_path: Path, codec: str
) -> None:
    flags = {"authenticate_http_frameworks": True, "http_framework_authenticators": "basic"}
    cluster = real_cluster(credentials={"me": "secret-of-test"}, master_flags=flags, agent_flags=LARGE)
    password = tmp_path / "password"
    password.write_text("secret-of-test\n")
    who = [
        "-authmode=basic",
        "-principal=me",
        "-credentials.username=me",
        f"-credentials.passwordFile={password}",
    ]

    run(cluster, packed, 2, f"-codec={codec}", *who)
    password.write_text("wrong")
    refused = start(f"http://{cluster.address}/api/v1/scheduler", packed, f"-codec={codec}", *who)

    state = cluster.masters[0].state()
    assert state is not None
    assert [each["principal"] for each in state["completed_frameworks"]] == ["me"]
    assert refused.returncode == 1
    assert "HTTP 401" in refused.stderr and "Traceback" not in refused.stderr
    assert "wrong" not in refused.stdout + refused.stderr


@pytest.mark.ci
def test_resources_reserved_for_its_role(real_cluster: ClusterFactory, packed: Path) -> None:
    cluster = real_cluster(agent_flags={"resources": "cpus(dev):0.02;cpus:0.5;mem(dev):64;mem:64;disk:100"})

    run(cluster, packed, 5, "-role=dev", "-exec.memory=32")


def test_it_finds_the_leader_through_zookeeper_and_through_another_master(
    real_cluster: ClusterFactory, packed: Path
) -> None:
    cluster = real_cluster(masters=3, agents=2, agent_flags=LARGE)
    leader = cluster.leader()
    other = next(master for master in cluster.masters if master is not leader)

    assert run(cluster, packed, 20, url=cluster.address) < PATIENCE
    assert run(cluster, packed, 20, url=f"http://{other.address}/api/v1/scheduler") < PATIENCE
