"""SIGKILL for master, agent, executor and scheduler in every phase: nothing gets lost, nothing leaks.

`KILL_ROUNDS=200 pytest -s tests/test_kill_rounds.py` runs more rounds than the default and shows each.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("kill_rounds_program.py")
ROUNDS = int(os.environ.get("KILL_ROUNDS", "16"))
PATIENCE = 30.0
VICTIMS = ("master", "agent", "executor", "scheduler")
PHASES = ("registering", "offered", "running", "unacknowledged")
Event = dict[str, Any]


class Parts:
    """The processes, and what the scheduler has said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "pids").mkdir()
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
            self.master, self.agent = one.getsockname()[1], two.getsockname()[1]
        self.log = (folder / "log").open("ab")
        self.said: list[Event] = []
        self._news = threading.Condition()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._reader: threading.Thread | None = None

    def start(self, name: str) -> None:
        """Start one of them."""
        arguments = {
            "master": [str(self.master)],
            "agent": [str(self.agent), f"127.0.0.1:{self.master}", str(self.folder / "work")],
            "scheduler": [f"127.0.0.1:{self.master}", str(self.folder)],
        }[name]
        pipe = subprocess.PIPE if name == "scheduler" else subprocess.DEVNULL
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), name, *arguments], stdin=pipe, stdout=pipe, stderr=self.log
        )
        self._processes[name] = process
        if name == "scheduler":
            self._reader = threading.Thread(target=self._read, args=(process,))
            self._reader.start()

    def kill(self, name: str) -> None:
        """Kill one of them, and take note of its end."""
        process = self._processes.pop(name)
        process.kill()
        process.wait()
        self._reap(name, process)

    def _reap(self, name: str, process: subprocess.Popen[bytes]) -> None:
        if name == "scheduler" and self._reader is not None:
            self._reader.join()
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                pipe.close()

    def kill_executors(self) -> None:
        """Kill every executor that has left its process id."""
        for file in (self.folder / "pids").iterdir():
            try:
                os.kill(int(file.name), signal.SIGKILL)
            except ProcessLookupError:
                pass  # It has ended already.
            file.unlink()

    def tell(self, *words: str) -> None:
        """Give the scheduler a line."""
        pipe = self._processes["scheduler"].stdin
        assert pipe is not None
        pipe.write(" ".join(words).encode() + b"\n")
        pipe.flush()

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if not line.endswith(b"\n"):
                return  # It was killed while it wrote.
            with self._news:
                self.said.append(json.loads(line))
                self._news.notify_all()

    def wait(self, since: int, reached: Callable[[list[Event]], bool], what: str) -> None:
        """Wait until what was said from `since` on suffices."""
        with self._news:
            if not self._news.wait_for(lambda: reached(self.said[since:]), PATIENCE):
                log = (self.folder / "log").read_text(encoding="utf-8", errors="replace")[-3000:]
                pytest.fail(f"waited in vain for {what}; said: {self.said[since:]}; log: {log}")

    def wait_for(self, since: int, what: str, **values: object) -> None:
        """Wait for one event."""
        wanted = {"what": what, **values}
        self.wait(since, lambda said: any(wanted.items() <= each.items() for each in said), str(wanted))

    def end(self) -> None:
        """End whatever there is."""
        for name in ("scheduler", "agent", "master"):
            if name in self._processes:
                self.kill(name)
        self.kill_executors()
        self.log.close()


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    made = Parts(tmp_path)
    try:
        for name in ("master", "agent", "scheduler"):
            made.start(name)
        made.wait_for(0, "offer")
        yield made
    finally:
        made.end()


def strike(parts: Parts, victim: str) -> None:
    """Kill the victim, and start it again unless the agent does so."""
    if victim == "executor":
        parts.kill_executors()
    else:
        parts.kill(victim)
        parts.start(victim)


def play(parts: Parts, number: int, victim: str, phase: str) -> list[Event]:
    """Play one round; return the ends of its tasks."""
    since = len(parts.said)
    # A task that must still run when its executor or agent is killed takes longer than that.
    tasks = [f"{number}-{index}={0.1 if phase == 'unacknowledged' else 0.6}" for index in range(3)]
    if (victim, phase) == ("executor", "registering"):
        tasks = [f"new{each}" for each in tasks]  # On an executor of their own.
    names = {each.partition("=")[0] for each in tasks}
    if phase == "registering":
        if victim == "executor":
            parts.kill_executors()
            parts.tell("launch", *tasks)
            deadline = time.monotonic() + PATIENCE
            while not any((parts.folder / "pids").iterdir()):
                assert time.monotonic() < deadline, "no executor was started"
                time.sleep(0.01)
        else:
            strike(parts, victim)
            time.sleep(number % 7 * 0.1)  # Not a wait for anything: the moment of the next blow varies.
        strike(parts, victim)
    elif phase == "offered":
        parts.tell("hold")
        parts.wait_for(since, "offer")
        strike(parts, victim)
    else:
        if phase == "unacknowledged":
            parts.tell("close")
        parts.tell("launch", *tasks)
        parts.wait_for(since, "update", state="TASK_RUNNING")
        strike(parts, victim)
        if phase == "unacknowledged" and victim != "scheduler":
            parts.tell("open")
    if phase == "offered" or (phase == "registering" and victim != "executor"):
        parts.tell("launch", *tasks)
    parts.wait(since, lambda said: names <= launched(said) or victim == "scheduler", "the launch")
    parts.wait(since, lambda said: names <= ended(said), f"the ends of {names}")
    return [each for each in parts.said[since:] if each["what"] == "ended"]


def launched(said: list[Event]) -> set[object]:
    """Give the tasks that were launched."""
    return {task for each in said if each["what"] == "launched" for task in each["tasks"]}


def ended(said: list[Event]) -> set[object]:
    """Give the tasks whose end was told."""
    return {each["task"] for each in said if each["what"] == "ended"}


def settle(parts: Parts, number: int) -> Event:
    """Wait until the driver is connected, gets offers and works; return its threads and descriptors."""
    since = len(parts.said)
    for attempt in range(10):  # The first may yet meet an executor that is just dying.
        task = f"settle{attempt}-{number}"
        parts.tell("launch", f"{task}=0")
        parts.wait_for(since, "ended", task=task)
        if {"what": "ended", "task": task, "state": "TASK_FINISHED"} in parts.said[since:]:
            break
    else:
        pytest.fail(f"no task finishes any more: {parts.said[since:]}")
    parts.tell("count", str(number))
    parts.wait_for(since, "count", token=str(number))
    return next(each for each in parts.said[since:] if each["what"] == "count")


@pytest.mark.timeout(60 + 10 * ROUNDS)
def test_whoever_is_killed_all_tasks_are_accounted_for_and_nothing_leaks(parts: Parts) -> None:
    before = settle(parts, 0)
    rounds = [(victim, phase) for phase in PHASES for victim in VICTIMS]
    for number in range(1, ROUNDS + 1):
        victim, phase = rounds[(number - 1) % len(rounds)]
        began = time.monotonic()
        ends = play(parts, number, victim, phase)
        after = settle(parts, number)
        states = " ".join(f"{each['task']}:{each['state']}" for each in ends)
        print(
            f"round {number}: {victim} killed, {phase}: {states}; {len(after['threads'])} threads,"
            f" {after['fds']} descriptors; {time.monotonic() - began:.1f} s",
            flush=True,
        )
        assert not [each for each in parts.said if each["what"] == "error"]
        if len(after["threads"]) > len(before["threads"]):
            print(f"threads: {after['threads']}")
    # What is just being replaced may be counted twice; a leak would be one a round.
    assert len(after["threads"]) <= len(before["threads"]) + 2, (before, after)
    assert after["fds"] <= before["fds"] + 2, (before, after)
