"""The v1 driver in real processes on the embedded cluster, under schedulers of both protocols."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from executor_agent import eventually
from executor_v1_local import Boss, command, ruling
from mesos_local import LocalCluster
from mesos_proto.v1 import mesos_pb2 as mesos


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster() as cluster:
        yield cluster


@pytest.fixture
def fragile() -> Iterator[LocalCluster]:
    """A cluster of one test's own, to break."""
    with LocalCluster() as cluster:
        yield cluster


def output(cluster: LocalCluster, boss: Boss) -> Path:
    """Return what the executor of a framework writes to."""
    (run,) = cluster.work_dir.glob(
        f"agents/0/work/slaves/*/frameworks/{boss.framework_id}/executors/obedient"
    )
    return run / "runs/latest/stdout"


@pytest.mark.parametrize(("v1", "codec"), [(True, "protobuf"), (True, "json"), (False, "protobuf")])
def test_tasks_messages_kill_and_shutdown(cluster: LocalCluster, v1: bool, codec: str) -> None:
    with ruling(cluster, v1=v1) as (boss, driver):
        boss.executor_command = command(codec)
        boss.launch("one", b"finish")
        boss.launch("two", b"wait")
        status = boss.until("one", mesos.TASK_FINISHED)
        assert status.source == mesos.TaskStatus.SOURCE_EXECUTOR
        assert status.executor_id.value == "obedient" and status.timestamp and status.uuid
        boss.until("two", mesos.TASK_RUNNING)
        driver.send_framework_message(mesos.ExecutorID(value="obedient"), status.agent_id, b"hello\xc3\xbf")
        boss.wait(lambda: boss.messages == [b"HELLO\xc3\xbf"])
        driver.kill_task(mesos.TaskID(value="two"))
        boss.until("two", mesos.TASK_KILLED)
        boss.launch("three", b"wait")
        boss.until("three", mesos.TASK_RUNNING)
        stdout = output(cluster, boss)
    assert eventually(lambda: "ended STOPPED" in stdout.read_text())
    assert stdout.read_text().split("\n")[:-1] == ["registered obedient boss", "shutdown", "ended STOPPED"]
    assert boss.states("one") == [mesos.TASK_RUNNING, mesos.TASK_FINISHED]


def test_a_task_ends_while_a_checkpointing_agent_is_away(fragile: LocalCluster) -> None:
    agent = fragile.agents[0]
    with ruling(fragile, checkpoint=True) as (boss, _):
        boss.launch("t", b"file")
        boss.until("t", mesos.TASK_RUNNING)
        stdout = output(fragile, boss)
        agent.crash()
        assert eventually(lambda: "disconnected" in stdout.read_text())
        (stdout.parent / "go").touch()
        agent.start()
        boss.until("t", mesos.TASK_FINISHED)
        assert boss.states("t") == [mesos.TASK_RUNNING, mesos.TASK_FINISHED]
        boss.launch("after", b"finish")
        boss.until("after", mesos.TASK_FINISHED)
        assert "reregistered" in stdout.read_text()


def test_without_checkpointing_the_executor_ends_with_its_agent(fragile: LocalCluster) -> None:
    with ruling(fragile) as (boss, _):
        boss.launch("t", b"wait")
        boss.until("t", mesos.TASK_RUNNING)
        stdout = output(fragile, boss)
        fragile.agents[0].crash()
        assert eventually(lambda: "ended ABORTED" in stdout.read_text())
        assert stdout.read_text().split("\n")[1:-1] == ["disconnected", "shutdown", "ended ABORTED"]
