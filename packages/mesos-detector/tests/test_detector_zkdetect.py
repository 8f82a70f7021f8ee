"""The example program `zkdetect`, run as a user runs it, against a real ensemble."""

from __future__ import annotations

import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from detector_helpers import DEADLINE, master_info
from mesos_detector import Contender
from mesos_detector.testing import ZooKeeperEnsemble

PROGRAM = Path(__file__).parents[3] / "examples" / "zkdetect.py"


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], queue.Queue[str]]]:
    command = [sys.executable, str(PROGRAM), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        with process.stdout as stream:
            for line in stream:
                lines.put(line)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield process, lines
    finally:
        process.kill()
        process.wait()
        reader.join()


def until(lines: queue.Queue[str], text: str) -> None:
    while text not in lines.get(timeout=DEADLINE):
        pass


def test_leaders_are_named_as_they_change(ensemble: ZooKeeperEnsemble) -> None:
    url = ensemble.url("/zkdetect")
    with running(f"-masters={url}") as (process, lines):
        until(lines, "there is no leading master")
        with Contender(url, master_info(1)):
            until(lines, "the leading master is master@127.0.0.1:5051 at http://127.0.0.1:5051, Mesos 1.11.0")
        until(lines, "there is no leading master")
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE) == 130


def test_malformed_masters_are_an_error_and_not_a_traceback() -> None:
    with running("-masters=zk://user:hunter2@h1:2181") as (process, lines):
        assert process.wait(DEADLINE) == 1
        line = lines.get(timeout=DEADLINE)
        assert line.startswith("error: ")
        assert "a path is needed" in line
        assert "hunter2" not in line
