"""The examples, as a user runs them: scheduler and packed executor, and executors of other languages."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mesos_executor.pack import pack
from realmesos.fixtures import ClusterFactory

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
LARGE = {"resources": "cpus:16;mem:16384;disk:10000;ports:[31000-32000]"}

# On an idle machine 500 tasks take about a second; this only catches what is broken.
PATIENCE = 60.0


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(EXAMPLES / "executor.py", tmp_path_factory.mktemp("packed") / "executor.pyz")


def run_example(master: str, executor: Path, count: int) -> float:
    """Run the example scheduler; return the seconds from the launch to the last status."""
    command = [
        *(sys.executable, str(EXAMPLES / "scheduler.py"), f"-master={master}", f"-executor={executor}"),
        *(f"-task-count={count}", "-artifactPort=0", "-logtostderr=true"),
    ]
    answer = subprocess.run(
        command, capture_output=True, text=True, timeout=100, check=False, env={**os.environ}
    )
    assert answer.returncode == 0, f"{answer.stdout}\n{answer.stderr}"
    assert f"finished {count} of {count} tasks" in answer.stdout
    match = re.search(r"tasks took ([0-9.]+) s from launch to the last status", answer.stdout)
    assert match is not None, answer.stdout
    return float(match.group(1))


@pytest.mark.ci
@pytest.mark.parametrize("count", [5, 500])
def test_the_example_pair(
    real_cluster: ClusterFactory,
    packed: Path,
    count: int,
    record_property: Callable[[str, object], None],
) -> None:
    cluster = real_cluster(agent_flags=LARGE)

    seconds = run_example(cluster.address, packed, count)

    print(f"{count} tasks took {seconds:.2f} s from launch to the last status")
    record_property("seconds", seconds)
    assert seconds < PATIENCE


@pytest.mark.ci
@pytest.mark.parametrize("authenticated", [False, True], ids=["open", "authenticated"])
def test_the_example_for_volumes_leaves_nothing_behind(
    real_cluster: ClusterFactory, packed: Path, tmp_path: Path, authenticated: bool
) -> None:
    flags: dict[str, str | bool] = {"allocation_interval": "100ms"}
    arguments = [f"-executor={packed}", "-artifactPort=0", "-task-count=3", "-role=golang"]
    if authenticated:
        secret = tmp_path / "secret"
        secret.write_text("secret-of-test", encoding="utf-8")
        flags["authenticate_frameworks"] = True
        cluster = real_cluster(credentials={"framework": "secret-of-test"}, master_flags=flags)
        arguments += ["-mesos_authentication_principal=framework"]
        arguments += [f"-mesos_authentication_secret_file={secret}"]
    else:
        cluster = real_cluster(master_flags=flags)

    command = [sys.executable, str(EXAMPLES / "persistent_scheduler.py"), f"-master={cluster.address}"]
    answer = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, timeout=100, check=False, env={**os.environ}
    )

    assert answer.returncode == 0, f"{answer.stdout}\n{answer.stderr}"
    assert "finished 3 of 3 tasks" in answer.stdout
    for operation in ("RESERVE, CREATE", "LAUNCH", "DESTROY, UNRESERVE"):
        assert operation in answer.stdout
    state = cluster.masters[0].state()
    assert state is not None
    assert [each["reserved_resources"] for each in state["slaves"]] == [{}]
    (framework,) = state["completed_frameworks"]
    assert framework.get("principal", "") == ("framework" if authenticated else "")
    assert [each["state"] for each in framework["completed_tasks"]] == ["TASK_FINISHED"] * 3
    work = Path(str(cluster.agents[0].flags["work_dir"]))
    assert not [path for path in work.glob("volumes/roles/golang/*") if path.is_dir()]


def test_the_example_pair_finds_the_master_in_zookeeper(real_cluster: ClusterFactory, packed: Path) -> None:
    cluster = real_cluster(masters=3, agents=2, agent_flags=LARGE)

    assert run_example(cluster.address, packed, 20) < PATIENCE


def test_an_executor_of_another_language(
    real_cluster: ClusterFactory, request: pytest.FixtureRequest
) -> None:
    path = request.config.getoption("--executor")
    if path is None:
        pytest.skip("no --executor=PATH was given; see interop/README.md")
    cluster = real_cluster(agent_flags=LARGE)

    assert run_example(cluster.address, Path(path).resolve(), 5) < PATIENCE
