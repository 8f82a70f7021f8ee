"""Custom executors on a real cluster: what is fetched for them, how they live and how they end."""

from __future__ import annotations

import io
import os
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from local_scheduler import Recorder, alive, executor_task, running
from mesos_local import LocalCluster
from mesos_proto.v1 import mesos_pb2 as mesos

ECHO = """
import sys
sys.path[:] = {path!r}
from mesos_executor import Executor, MesosExecutorDriver
from mesos_proto.v1 import mesos_pb2 as mesos

class Echo(Executor):
    def launch_task(self, driver, task):
        driver.send_status_update(mesos.TaskStatus(task_id=task.task_id, state=mesos.TASK_RUNNING))
    def framework_message(self, driver, data):
        driver.send_framework_message(data.upper())
    def kill_task(self, driver, task_id):
        driver.send_status_update(mesos.TaskStatus(task_id=task_id, state=mesos.TASK_KILLED))

MesosExecutorDriver(Echo()).run()
"""


def uri(task: mesos.TaskInfo, value: str, **fields: object) -> mesos.TaskInfo:
    task.executor.command.uris.add(value=value, **fields)  # type: ignore[arg-type]
    return task


def latest_run(cluster: LocalCluster, framework_id: str, executor: str = "custom") -> Path:
    (run,) = cluster.work_dir.glob(f"agents/0/work/slaves/*/frameworks/{framework_id}/executors/{executor}")
    return run / "runs" / "latest"


@pytest.fixture
def echo(tmp_path: Path) -> Path:
    program = tmp_path / "echo.py"
    program.write_text(ECHO.format(path=[os.path.abspath(each) for each in sys.path if each]))
    return program


def test_messages_go_both_ways_and_a_kill_reaches_the_executor(cluster: LocalCluster, echo: Path) -> None:
    command = f"exec {sys.executable} -I -S echo.py"
    recorder = Recorder(lambda offer: [uri(executor_task(offer, command), f"file://{echo}")])
    with running(cluster, recorder) as driver:
        status = recorder.until("TASK_RUNNING")
        driver.send_framework_message(mesos.ExecutorID(value="custom"), status.agent_id, b"hello")
        recorder.wait(lambda: recorder.messages == [b"HELLO"])
        driver.kill_task(status.task_id)
        recorder.until("TASK_KILLED")


def test_an_executor_that_dies_takes_its_tasks_along(cluster: LocalCluster) -> None:
    recorder = Recorder(lambda offer: [executor_task(offer, "exit 3")])
    with running(cluster, recorder):
        status = recorder.until("TASK_FAILED")
        assert status.reason == mesos.TaskStatus.REASON_EXECUTOR_TERMINATED
        assert status.message == "Executor terminated"
        recorder.wait(lambda: recorder.lost_executors == [("custom", 3 << 8)])


def test_nothing_of_an_executor_outlives_it(cluster: LocalCluster) -> None:
    command = """
        sleep 1000 & echo $! > child
        sh -c 'sleep 1000 & echo $! > new; mv new stranger; wait' &
        until [ -e stranger ]; do sleep 0.01; done
    """
    recorder = Recorder(lambda offer: [executor_task(offer, command)])
    with running(cluster, recorder):
        recorder.until("TASK_FAILED")
        run = latest_run(cluster, recorder.framework_ids[0])
        assert not alive(int((run / "child").read_text()))
        assert not alive(int((run / "stranger").read_text()))


def test_what_cannot_be_fetched_fails_the_task(cluster: LocalCluster) -> None:
    recorder = Recorder(lambda offer: [uri(executor_task(offer, "true"), "file:///no/such/file")])
    with running(cluster, recorder):
        status = recorder.until("TASK_FAILED")
        assert status.reason == mesos.TaskStatus.REASON_CONTAINER_LAUNCH_FAILED
        assert status.message.startswith("Failed to launch container: Failed to fetch all URIs for container")
        stderr = latest_run(cluster, recorder.framework_ids[0]) / "stderr"
        assert "/no/such/file" in stderr.read_text()


def test_archives_are_unpacked_and_programs_made_executable(cluster: LocalCluster, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        member = tarfile.TarInfo("inside/tarred")
        member.size = 2
        tar.addfile(member, io.BytesIO(b"hi"))
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("zipped", "ho")
    (tmp_path / "program").write_text("#!/bin/sh\ncat inside/tarred zipped named/kept.zip | wc -c\nexit 1\n")

    def tasks(offer: mesos.Offer) -> list[mesos.TaskInfo]:
        task = executor_task(offer, "./program")
        uri(task, f"file://{tmp_path}/a.tar.gz")
        uri(task, str(tmp_path / "b.zip"))
        uri(task, str(tmp_path / "b.zip"), extract=False, output_file="named/kept.zip")
        return [uri(task, f"file://{tmp_path}/program", executable=True)]

    recorder = Recorder(tasks)
    with running(cluster, recorder):
        recorder.until("TASK_FAILED")
        stdout = (latest_run(cluster, recorder.framework_ids[0]) / "stdout").read_text()
    assert int(stdout) == 4 + (tmp_path / "b.zip").stat().st_size


def test_an_output_file_outside_the_sandbox_is_refused(cluster: LocalCluster, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    escape = "../../../../escaped"
    recorder = Recorder(
        lambda offer: [uri(executor_task(offer, "true"), str(tmp_path / "file"), output_file=escape)]
    )
    with running(cluster, recorder):
        recorder.until("TASK_FAILED")
    assert not list(cluster.work_dir.rglob("escaped"))
