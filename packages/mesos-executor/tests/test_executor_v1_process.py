"""Real v1 executor processes, packed and not, under an agent that does what a test says: how they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from executor_agent import DEADLINE, eventually
from executor_v1_agent import HttpAgent
from executor_v1_helpers import SHUTDOWN, launch
from mesos_executor.pack import _gather, pack
from mesos_proto.v1 import mesos_pb2 as mesos

# `last` stops the driver; `hang` starts a child and never ends; `fail` raises; others end at once.
PROGRAM = """\
import os, subprocess, sys
from mesos_executor import Executor, Status
from mesos_executor.v1 import HttpExecutorDriver
from mesos_proto.v1 import mesos_pb2 as mesos

class Mixed(Executor):
    def launch_task(self, driver, task):
        kind = task.task_id.value
        self.report(driver, task, mesos.TASK_RUNNING)
        if kind == "fail":
            raise ValueError("cannot run " + kind)
        if kind == "hang":
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            print("child", child.pid, "token", os.environ.get("MESOS_EXECUTOR_AUTHENTICATION_TOKEN"))
            return
        self.report(driver, task, mesos.TASK_FINISHED)
        if kind == "last":
            driver.stop()
    def shutdown(self, driver):
        print("shutdown")
    def error(self, driver, message):
        print("error:", message)
    def report(self, driver, task, state):
        driver.send_status_update(mesos.TaskStatus(task_id=task.task_id, state=state))

sys.exit(0 if HttpExecutorDriver(Mixed()).run() is Status.STOPPED else 1)
"""


class Process:
    """A program under an agent: a session and group of its own, and no MESOS_LOCAL to spare it."""

    def __init__(self, agent: HttpAgent, folder: Path, *command: str | Path, **changes: str) -> None:
        environ = agent.environ(MESOS_DIRECTORY=str(folder), PATH=os.environ["PATH"], **changes)
        del environ["MESOS_LOCAL"]
        self._folder = folder
        with (folder / "stdout").open("wb") as output, (folder / "stderr").open("wb") as errors:
            self._process = subprocess.Popen(
                command, env=environ, cwd=folder, stdout=output, stderr=errors, start_new_session=True
            )

    def wait(self) -> int:
        """Wait for its end; return the exit status, negative for a signal."""
        return self._process.wait(DEADLINE)

    @property
    def output(self) -> str:
        return (self._folder / "stdout").read_text(encoding="utf-8")

    @property
    def errors(self) -> str:
        return (self._folder / "stderr").read_text(encoding="utf-8")

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def program(agent: HttpAgent, folder: Path, **changes: str) -> Process:
    search = os.pathsep.join(path for path in sys.path if path)
    return Process(agent, folder, sys.executable, "-c", PROGRAM, PYTHONPATH=search, **changes)


@pytest.fixture
def agent() -> Iterator[HttpAgent]:
    with HttpAgent() as agent:
        yield agent


def states(agent: HttpAgent, count: int) -> list[int]:
    return [agent.next_status().state for _ in range(count)]


def test_the_last_update_leaves_before_the_process_ends(agent: HttpAgent, tmp_path: Path) -> None:
    with program(agent, tmp_path) as process:
        agent.next_stream().subscribe().send(launch("first"), launch("last"))
        assert states(agent, 4) == [mesos.TASK_RUNNING, mesos.TASK_FINISHED] * 2
        assert process.wait() == 0


def test_the_grace_period_ends_with_the_death_of_the_process_group(agent: HttpAgent, tmp_path: Path) -> None:
    changes = {
        "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": "500ms",
        "MESOS_EXECUTOR_AUTHENTICATION_TOKEN": "secret",
    }
    with program(agent, tmp_path, **changes) as process:
        stream = agent.next_stream().subscribe().send(launch("hang"))
        assert states(agent, 1) == [mesos.TASK_RUNNING]
        assert eventually(lambda: "child" in process.output)
        stream.send(SHUTDOWN)
        assert process.wait() == -signal.SIGKILL
        words = process.output.split()
        assert words[2:] == ["token", "None", "shutdown"], "a task inherits no token"
        child = int(words[1])
        assert eventually(lambda: is_gone(child))


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended, whether or not somebody has waited for it."""
    done = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip()[:1] in ("", "Z", "X")


def test_a_lost_agent_ends_the_process_when_not_checkpointing(agent: HttpAgent, tmp_path: Path) -> None:
    with program(agent, tmp_path) as process:
        agent.next_stream().subscribe().cut()
        assert process.wait() == 1
        assert process.output == "shutdown\n"


def test_a_failing_callback_ends_the_process_with_its_traceback(agent: HttpAgent, tmp_path: Path) -> None:
    with program(agent, tmp_path) as process:
        agent.next_stream().subscribe().send(launch("fail"))
        assert process.wait() == 1
        assert "error: ValueError: cannot run fail" in process.output
        assert "in launch_task\n" in process.errors and "\nValueError: cannot run fail\n" in process.errors


def test_a_refusal_ends_the_process_and_says_why(agent: HttpAgent, tmp_path: Path) -> None:
    with program(agent, tmp_path) as process:
        agent.next_stream().refuse(403, b"no claim 'cid'")
        assert process.wait() == 1
        assert "error: the agent refused the subscription: HTTP 403: no claim 'cid'" in process.output


def test_a_packed_program_has_all_it_needs_for_v1_and_one_for_v0_no_more(
    agent: HttpAgent, tmp_path: Path
) -> None:
    path = tmp_path / "mixed.py"
    path.write_text(PROGRAM)
    packed = pack(path, tmp_path / "mixed.pyz")
    with Process(agent, tmp_path, sys.executable, packed) as process:
        agent.next_stream().subscribe().send(launch("last"))
        assert states(agent, 2) == [mesos.TASK_RUNNING, mesos.TASK_FINISHED]
        assert process.wait() == 0
    path.write_text("from mesos_executor import MesosExecutorDriver\nfrom mesos_proto.v1 import mesos_pb2\n")
    with zipfile.ZipFile(pack(path, tmp_path / "v0.pyz")) as archive:
        inside = {name.split("/")[1] for name in archive.namelist() if name.startswith("site-packages/")}
    assert "mesos_messenger" in inside
    assert not inside & {"mesos_http", "requests", "urllib3", "certifi", "idna", "charset_normalizer"}


@pytest.mark.parametrize(
    ("text", "with_http"),
    [
        ("import mesos_executor.v1\n", True),
        ("from mesos_executor import Executor, v1\n", True),
        ("from mesos_executor import (\n    Executor,\n    v1,\n)\n", True),
        ("from mesos_executor import Executor\nfrom mesos_proto import v1\n", False),
        ("import mesos_http\n", True),
    ],
)
def test_what_makes_a_program_one_for_v1(tmp_path: Path, text: str, with_http: bool) -> None:
    path = tmp_path / "some.py"
    path.write_text(text)
    assert ("mesos_http/client.py" in _gather(path, [], [])) is with_http
