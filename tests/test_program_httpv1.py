"""The v1 example scheduler as a person runs it, against the embedded cluster."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from mesos_auth import Credential
from mesos_executor.pack import pack
from mesos_local import LocalCluster, MasterSettings

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
PROGRAM = str(EXAMPLES / "example_scheduler_httpv1.py")
PATIENCE = 60


@pytest.fixture(scope="module")
def executor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("packed") / "executor.pyz"
    return pack(EXAMPLES / "example_executor_httpv1.py", target)


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(agents=1, resources="cpus:4;mem:2048") as cluster:
        yield cluster


def command(cluster: LocalCluster, executor: Path, *flags: str) -> list[str]:
    url = f"http://{cluster.master_address}/api/v1/scheduler"
    return [sys.executable, PROGRAM, f"-url={url}", f"-executor={executor}", "-metrics.port=0", *flags]


def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, standard error in with the output."""
    return subprocess.run(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={**os.environ, **environ},
    )


@pytest.mark.parametrize("codec", ["protobuf", "json"])
def test_tasks_finish_and_the_framework_ends(cluster: LocalCluster, executor: Path, codec: str) -> None:
    flags = (f"-codec={codec}", f"-name=by-{codec}", "-label=a=b", "-compression", "-checkpoint=false")
    done = run(*command(cluster, executor, *flags), TASK_CPU="1.5", NUM_TASKS="6")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "finished 6 of 6 tasks"
    assert [f"{number} of 6 tasks finished" in done.stdout for number in range(1, 7)] == [True] * 6
    assert re.search(r"6 tasks took \d+\.\d\d s from launch to the last status", done.stdout)
    frameworks = cluster.master.session.state.completed_frameworks.values()
    (framework,) = [each.info for each in frameworks if each.info.name == f"by-{codec}"]
    assert framework.user == "root" and framework.failover_timeout == 3_600_000 and not framework.checkpoint
    assert [(label.key, label.value) for label in framework.labels.labels] == [("a", "b")]


def test_verbose_tells_events_and_nothing_secret(executor: Path, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("s3cret\n")
    settings = MasterSettings(allocation_interval=0.1, authenticate_http_frameworks=True)
    flags = ["-verbose", "-tasks=1", "-authmode=basic", "-credentials.username=me"]
    with LocalCluster(master=settings, credentials=[Credential("me", "s3cret")]) as cluster:
        words = command(cluster, executor, *flags, f"-credentials.passwordFile={password}")
        done = run(*words)
        password.write_text("wrong")
        refused = run(*words)
    assert done.returncode == 0, done.stdout
    assert "task 1 is in state TASK_FINISHED" in done.stdout
    assert "finished 1 of 1 tasks" in done.stdout
    assert refused.returncode == 1, refused.stdout
    assert "401" in refused.stdout.splitlines()[-1]
    assert "Traceback" not in refused.stdout
    assert "s3cret" not in done.stdout and "wrong" not in refused.stdout


def test_a_task_that_fails_ends_the_program_and_is_named(cluster: LocalCluster, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexit 3\n")
    done = run(*command(cluster, broken, "-cpu=0.1"))
    assert done.returncode == 1, done.stdout
    last = done.stdout.splitlines()[-1]
    assert re.match(r"error: task \d is in state TASK_(FAILED|LOST) \(SOURCE_AGENT, REASON_", last), (
        done.stdout
    )


def test_reserved_resources_are_used(executor: Path) -> None:
    with LocalCluster(resources="cpus(dev):1;cpus:0.5;mem(dev):64;mem:128") as cluster:
        done = run(*command(cluster, executor, "-role=dev", "-tasks=3", "-verbose"))
    assert done.returncode == 0, done.stdout
    assert "finished 3 of 3 tasks" in done.stdout


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["-executor=/no/such.pyz"], ["-executor", "/no/such.pyz", "mesos_executor.pack"]),
        (["-credentials.passwordFile=/no/such"], ["-credentials.passwordFile", "/no/such"]),
        (["-server.address=192.0.2.1"], ["-server.address", "192.0.2.1"]),
        (["-url=ftp://nowhere"], ["-url", "ftp"]),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_the_flag(
    cluster: LocalCluster, executor: Path, flags: list[str], words: list[str]
) -> None:
    done = run(*command(cluster, executor, *flags))
    assert done.returncode == 1, done.stdout
    (line,) = done.stdout.splitlines()
    assert line.startswith("error: ") and all(word in line for word in words)


class Terminal:
    """A program at a terminal."""

    def __init__(self, words: list[str]) -> None:
        ours, theirs = pty.openpty()
        environ = {**os.environ, "TERM": "xterm"}
        self._fd = ours
        self.process = subprocess.Popen(
            words, stdin=theirs, stdout=theirs, stderr=theirs, env=environ, start_new_session=True
        )
        os.close(theirs)
        self.shown = ""

    def read_until(self, wanted: str | None) -> str:
        """Read until a text is shown, or with None to the end; give up after a while."""
        timer = threading.Timer(PATIENCE, self.process.kill)
        timer.start()
        try:
            while wanted is None or wanted not in self.shown:
                data = os.read(self._fd, 65536)
                if not data:
                    break
                self.shown += data.decode()
        except OSError:  # Linux's way to say that the other side is closed
            pass
        finally:
            timer.cancel()
        return self.shown

    def end(self) -> int:
        """Read to the end, and return the exit status."""
        self.read_until(None)
        os.close(self._fd)
        return self.process.wait(PATIENCE)


def test_a_terminal_shows_one_line_that_moves(cluster: LocalCluster, executor: Path) -> None:
    terminal = Terminal(command(cluster, executor, "-tasks=4", "-cpu=3"))
    assert "1 of 4 finished" in terminal.read_until("1 of 4 finished")
    assert terminal.end() == 0, terminal.shown
    lines = [line.rpartition("\x1b[2K")[2] for line in terminal.shown.splitlines()]
    assert re.fullmatch(r"4 tasks took [0-9.]+ s from launch to the last status", lines[-2])
    assert lines[-1] == "finished 4 of 4 tasks"
    assert terminal.shown.count("\n") < 10, terminal.shown


def test_ctrl_c_ends_the_framework(cluster: LocalCluster, executor: Path) -> None:
    terminal = Terminal(command(cluster, executor, "-cpu=64", "-name=interrupted"))
    assert "one and its executor need cpus:64.01; mem:128" in terminal.read_until("need cpus")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130, terminal.shown
    assert terminal.shown.endswith("interrupted: ending the framework\r\n"), terminal.shown
    assert "Traceback" not in terminal.shown
    names = [each.info.name for each in cluster.master.session.state.completed_frameworks.values()]
    assert "interrupted" in names
