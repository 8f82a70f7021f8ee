"""The README's first command, as a newcomer runs it: to its end, and ended by Ctrl-C in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DEADLINE = 90

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to look for what is left")


def start(tmp_path: Path, *flags: str) -> subprocess.Popen[str]:
    """Start the demo in a session of its own, its temporary files below `tmp_path`."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "examples" / "demo.py"), *flags],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def left_over(tmp_path: Path) -> list[str]:
    """What still runs below `tmp_path`, and what still lies there of the cluster."""
    found = [str(path) for path in tmp_path.glob("mesos-local-*")]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes() + os.readlink(process / "cwd").encode()
            environment = (process / "environ").read_bytes()
        except OSError:
            continue
        if str(tmp_path).encode() in words + environment:
            found.append(f"{process.name}: {words!r}")
    return found


@pytest.mark.parametrize(
    ("flags", "results"),
    [
        (["-task-count=50"], ["finished 50 of 50 tasks"]),
        (["-api=v1"], ["finished 10 of 10 tasks", "finished 10 of 10 tasks"]),
    ],
    ids=["v0", "v1"],
)
def test_demo_finishes_its_tasks_and_leaves_nothing(
    tmp_path: Path, flags: list[str], results: list[str]
) -> None:
    demo = start(tmp_path, *flags)
    output, _ = demo.communicate(timeout=DEADLINE)
    assert demo.returncode == 0, output
    assert [line for line in output.splitlines() if line.startswith("finished")] == results
    assert "web page  http://127.0.0.1:" in output
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_demo_interrupted_leaves_nothing(tmp_path: Path, sent: signal.Signals) -> None:
    demo = start(tmp_path, "-task-count=20", "-slow_tasks")
    assert demo.stdout is not None
    seen = []
    for line in demo.stdout:
        seen.append(line)
        if "launching" in line:
            break
    deadline = time.monotonic() + DEADLINE
    while not any("executor.pyz" in found for found in left_over(tmp_path)):
        assert time.monotonic() < deadline, "no executor has started: " + "".join(seen)
        time.sleep(0.02)
    if sent is signal.SIGINT:
        os.killpg(demo.pid, sent)  # a terminal sends it to every process in front
    else:
        demo.send_signal(sent)
    output, _ = demo.communicate(timeout=DEADLINE)
    assert demo.returncode == 130, "".join(seen) + output
    assert left_over(tmp_path) == []


def test_demo_interrupted_while_it_imports_says_so_in_one_line(tmp_path: Path) -> None:
    demo = start(tmp_path)
    deadline = time.monotonic() + DEADLINE
    while "google" not in Path(f"/proc/{demo.pid}/maps").read_text():  # protobuf's: half of the way
        assert time.monotonic() < deadline and demo.poll() is None
        time.sleep(0.001)
    demo.send_signal(signal.SIGINT)
    output, _ = demo.communicate(timeout=DEADLINE)
    assert demo.returncode == 130, output
    assert "Traceback" not in output
    assert output.splitlines()[-1].startswith("interrupted")
    assert left_over(tmp_path) == []
