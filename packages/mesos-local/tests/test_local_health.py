"""Checks and health checks of command tasks on a real cluster, with real commands, servers and ports."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from local_scheduler import Recorder, alive, command_task, running, wait_for
from mesos_local import LocalCluster
from mesos_proto.v1 import mesos_pb2 as mesos

STATUS = mesos.TaskStatus
QUICK = {"delay_seconds": 0.0, "interval_seconds": 0.05}


def checked(command: str, describe: Callable[[mesos.TaskInfo], object]) -> Recorder:
    """Launch a command with what `describe` adds to it."""

    def tasks(offer: mesos.Offer) -> list[mesos.TaskInfo]:
        task = command_task(offer, command)
        describe(task)
        return [task]

    return Recorder(tasks)


def health(task: mesos.TaskInfo, command: str = "true", **fields: float) -> mesos.HealthCheck:
    """Give a task a health check that runs a command."""
    values = {**QUICK, "timeout_seconds": 20.0, "grace_period_seconds": 0.0, **fields}
    task.health_check.CopyFrom(mesos.HealthCheck(type=mesos.HealthCheck.COMMAND, **values))  # type: ignore[arg-type]
    task.health_check.command.value = command
    return task.health_check


def told(recorder: Recorder) -> list[tuple[str, bool | None]]:
    return [
        (mesos.TaskState.Name(each.state), each.healthy if each.HasField("healthy") else None)
        for each in recorder.statuses
    ]


def test_a_healthy_task_says_so_once(cluster: LocalCluster) -> None:
    recorder = checked("exec sleep 1000", health)
    with running(cluster, recorder) as driver:
        recorder.wait(lambda: len(recorder.statuses) == 3)
        status = recorder.statuses[2]
        assert told(recorder) == [("TASK_STARTING", None), ("TASK_RUNNING", None), ("TASK_RUNNING", True)]
        assert status.reason == STATUS.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED
        assert status.source == STATUS.SOURCE_EXECUTOR
        driver.kill_task(status.task_id)
        assert not recorder.until("TASK_KILLED").HasField("healthy")


def test_a_task_that_is_unhealthy_too_often_is_killed_and_says_why(cluster: LocalCluster) -> None:
    recorder = checked("exec sleep 1000", lambda task: health(task, "exit 1", consecutive_failures=2))
    with running(cluster, recorder):
        killed = recorder.until("TASK_KILLED")
        assert told(recorder)[2:] == [
            ("TASK_RUNNING", False),
            ("TASK_RUNNING", False),
            ("TASK_KILLED", False),
        ]
        assert killed.message == "Command terminated with signal Terminated"
        assert not killed.HasField("reason")


def test_a_look_that_takes_too_long_is_a_failure_and_is_killed(cluster: LocalCluster, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    look = f"echo $$ >> {pids}; exec sleep 1000"
    recorder = checked(
        "exec sleep 1000", lambda task: health(task, look, consecutive_failures=2, timeout_seconds=0.3)
    )
    with running(cluster, recorder):
        recorder.until("TASK_KILLED")
    looks = [int(each) for each in pids.read_text().split()]
    assert len(looks) >= 2
    for pid in looks:
        assert not alive(pid)


def test_the_grace_period_forgives_a_slow_start(cluster: LocalCluster, tmp_path: Path) -> None:
    ready, asked = tmp_path / "ready", tmp_path / "asked"
    recorder = checked(
        f"while [ $(wc -l < {asked} || echo 0) -lt 3 ]; do sleep 0.05; done; touch {ready}; exec sleep 1000",
        lambda task: health(
            task, f"echo >> {asked}; test -e {ready}", consecutive_failures=1, grace_period_seconds=600
        ),
    )
    with running(cluster, recorder):
        recorder.wait(lambda: ("TASK_RUNNING", True) in told(recorder))
        assert ("TASK_RUNNING", False) not in told(recorder)


def test_a_check_tells_its_exit_codes_as_they_change(cluster: LocalCluster, tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.write_text("7")

    def describe(task: mesos.TaskInfo) -> None:
        task.check.CopyFrom(mesos.CheckInfo(type=mesos.CheckInfo.COMMAND, **QUICK))  # type: ignore[arg-type]
        task.check.command.command.value = f"exit $(cat {code}) # $GREETING"
        task.check.command.command.environment.variables.add(name="GREETING", value="hello")

    recorder = checked("exec sleep 1000", describe)
    with running(cluster, recorder) as driver:
        recorder.wait(lambda: len(recorder.statuses) >= 3)
        code.write_text("0")
        recorder.wait(
            lambda: (
                recorder.statuses[-1].check_status.command.HasField("exit_code")
                and len(recorder.statuses) >= 4
            )
        )
        driver.kill_task(recorder.statuses[0].task_id)
        recorder.until("TASK_KILLED")
    found = [each.check_status for each in recorder.statuses]
    assert all(each.type == mesos.CheckInfo.COMMAND and each.HasField("command") for each in found)
    codes = [each.command.exit_code if each.command.HasField("exit_code") else None for each in found]
    assert codes == [None, None, 7, 0, None]
    assert recorder.statuses[2].reason == STATUS.REASON_TASK_CHECK_STATUS_UPDATED


@contextmanager
def server(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[int]:
    """Answer GETs on a port of the loopback interface."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        try:
            yield httpd.server_address[1]
        finally:
            httpd.shutdown()
            thread.join(10.0)


def test_an_http_check_follows_redirects_and_tells_the_status(cluster: LocalCluster) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        moved = request.path == "/moved?a=b"
        request.send_response(302 if moved else 418)
        request.send_header("Location", "/here")
        request.send_header("Content-Length", "0")
        request.end_headers()

    with server(answer) as port:

        def describe(task: mesos.TaskInfo) -> None:
            task.check.CopyFrom(mesos.CheckInfo(type=mesos.CheckInfo.HTTP, **QUICK))  # type: ignore[arg-type]
            task.check.http.port = port
            task.check.http.path = "/moved?a=b"

        recorder = checked("exec sleep 1000", describe)
        with running(cluster, recorder):
            recorder.wait(lambda: len(recorder.statuses) == 3)
    assert recorder.statuses[2].check_status.http.status_code == 418


def test_an_http_server_that_never_answers_is_unhealthy(cluster: LocalCluster) -> None:
    released = threading.Event()
    with server(lambda request: released.wait(30.0) and None) as port:

        def describe(task: mesos.TaskInfo) -> None:
            check = health(task, timeout_seconds=0.3, consecutive_failures=1)
            check.ClearField("command")
            check.type = mesos.HealthCheck.HTTP
            check.http.port = port

        recorder = checked("exec sleep 1000", describe)
        with running(cluster, recorder):
            assert not recorder.until("TASK_KILLED").healthy
        released.set()


@pytest.mark.parametrize("listens", [True, False])
def test_a_tcp_check_tells_whether_somebody_listens(cluster: LocalCluster, listens: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if not listens:
            listener.close()
            port = 1
        else:
            port = listener.getsockname()[1]

        def describe(task: mesos.TaskInfo) -> None:
            task.check.CopyFrom(mesos.CheckInfo(type=mesos.CheckInfo.TCP, **QUICK))  # type: ignore[arg-type]
            task.check.tcp.port = port

        recorder = checked("exec sleep 1000", describe)
        with running(cluster, recorder):
            recorder.wait(lambda: len(recorder.statuses) == 3)
    assert recorder.statuses[2].check_status.tcp.succeeded is listens


def test_checks_go_on_after_the_agent_came_back(tmp_path: Path) -> None:
    sick = tmp_path / "sick"
    with LocalCluster() as cluster:
        recorder = checked(
            "exec sleep 1000", lambda task: health(task, f"! test -e {sick}", consecutive_failures=1)
        )
        with running(cluster, recorder, checkpoint=True):
            recorder.wait(lambda: ("TASK_RUNNING", True) in told(recorder))
            cluster.agents[0].crash()
            sick.touch()
            cluster.agents[0].start()
            assert not recorder.until("TASK_KILLED").healthy
            assert ("TASK_RUNNING", False) in told(recorder)


def test_no_look_outlives_its_executor(cluster: LocalCluster, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    recorder = checked(
        "exec sleep 1000",
        lambda task: health(task, f"echo $$ > {pid}.new; mv {pid}.new {pid}; exec sleep 1000"),
    )
    with running(cluster, recorder):
        wait_for(pid.exists)
        own = recorder.framework_ids[0]
        (executor,) = (each for each in cluster.agents[0].executors if each.framework_id == own)
        os.kill(executor.os_pid, signal.SIGKILL)
        recorder.until("TASK_FAILED")
        assert not alive(int(pid.read_text()))
