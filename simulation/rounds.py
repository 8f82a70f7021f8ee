"""Rounds of kill -9 among real processes: a master, an agent, executors and a scheduler.

    python -m simulation.rounds --rounds 200                    # from the root of the tree
    python -m simulation.rounds --rounds 200 --api v1-json      # over HTTP, with JSON

In each round the scheduler launches some tasks, one of the four parts is killed in one of four phases
(before registration, with offers held, with tasks running, with an update whose callback has not returned),
and what was killed is started again (an executor's tasks fail). The round is over when every task launched
has been reported ended and the scheduler is connected. A scheduler that lives on must not have more threads
and file descriptors after many rounds than after the first.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from simulation.parts import APIS, ROOT

LIMIT = 120.0
"""Seconds after which a wait is a failure; Mesos's own time limits among them are below a minute."""

PHASES = ("registration", "offers", "running", "update")
VICTIMS = ("master", "agent", "executor", "scheduler")
TASKS = 3


def free_port() -> int:
    """Return a port that is free at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Part:
    """One process, started again after each kill."""

    def __init__(self, *arguments: str) -> None:
        self.arguments = arguments
        self.process: subprocess.Popen[str] | None = None
        self.heard: queue.Queue[dict[str, Any]] = queue.Queue()

    def start(self) -> None:
        """Start it."""
        self.heard = queue.Queue()
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "simulation.parts", *self.arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=ROOT,
        )
        threading.Thread(target=self._listen, args=(self.process, self.heard), daemon=True).start()

    @staticmethod
    def _listen(process: subprocess.Popen[str], heard: queue.Queue[dict[str, Any]]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                heard.put(json.loads(line))

    def order(self, **what: Any) -> None:
        """Tell it something."""
        assert self.process is not None and self.process.stdin is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        """Kill it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            if self.process.stdin is not None:
                self.process.stdin.close()

    def held(self) -> tuple[int, int]:
        """Return how many threads and file descriptors it has."""
        assert self.process is not None
        base = f"/proc/{self.process.pid}"
        return len(os.listdir(f"{base}/task")), len(os.listdir(f"{base}/fd"))


class Rounds:
    """The cluster, and what happens to it."""

    def __init__(self, directory: Path, seed: int, api: str) -> None:
        self.directory = directory
        self.rng = random.Random(seed)
        master, agent = free_port(), free_port()
        self.parts = {
            "master": Part("master", str(master)),
            "agent": Part("agent", str(agent), f"127.0.0.1:{master}", str(directory / "agent")),
            "scheduler": Part("scheduler", api, f"127.0.0.1:{master}", str(directory)),
        }
        self.most = (0, 0)
        self.first: tuple[int, int] | None = None

    def start(self) -> None:
        """Start everything."""
        for part in self.parts.values():
            part.start()

    def stop(self) -> None:
        """Kill everything, executors included."""
        for part in self.parts.values():
            part.kill()
        for pid in self.executors():
            os.kill(pid, signal.SIGKILL)

    def executors(self) -> list[int]:
        """Return the process ids of our executors."""
        found = []
        for name in os.listdir("/proc"):
            try:
                words = Path("/proc", name, "cmdline").read_bytes().split(b"\0")
                environ = Path("/proc", name, "environ").read_bytes()
            except OSError:
                continue
            if words[-4:-2] == [b"simulation.parts", b"executor"] and str(self.directory).encode() in environ:
                found.append(int(name))
        return found

    def hear(self, what: Callable[[dict[str, Any]], bool], seconds: float = LIMIT) -> None:
        """Wait for the scheduler to say something."""
        scheduler = self.parts["scheduler"]
        deadline = time.monotonic() + seconds
        while True:
            try:
                said = scheduler.heard.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise TimeoutError("the scheduler does not say what is waited for") from None
            if said["what"] == "error":
                raise AssertionError(f"the driver was aborted: {said['message']}")
            if what(said):
                return

    def lines(self, name: str) -> set[str]:
        """Return what the scheduler has written down."""
        path = self.directory / name
        return {line.partition("@")[0] for line in path.read_text().split()} if path.exists() else set()

    def wait(self, condition: Callable[[], object], what: str) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + LIMIT
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(what)
            time.sleep(0.05)

    def play(self, victim: str, phase: str) -> None:
        """Play one round."""
        scheduler = self.parts["scheduler"]
        before = len(self.lines("launched"))
        while not scheduler.heard.empty():
            scheduler.heard.get()
        if phase == "registration":
            # A new scheduler, which registers while the victim dies.
            scheduler.kill()
            scheduler.start()
            time.sleep(self.rng.random() * 0.5)
            self.kill(victim)
            self.order(hold=0.0, linger=0.0)
        else:
            self.order(hold=0.5 if phase == "offers" else 0.0, linger=0.5 if phase == "update" else 0.0)
            seen = {"offers": "offers", "running": "update", "update": "update"}[phase]
            self.hear(lambda said: bool(said["what"] == seen))
            time.sleep(self.rng.random() * 0.4)
            self.kill(victim)
            self.order(hold=0.0, linger=0.0, tasks=TASKS if len(self.lines("launched")) == before else 0)
        self.wait(lambda: len(self.lines("launched")) > before, "the launch of tasks")
        self.wait(lambda: self.lines("ended") >= self.lines("launched"), "the end of every task")
        self.settle(victim, phase)

    def order(self, *, hold: float, linger: float, tasks: int = TASKS) -> None:
        """Tell the scheduler how to behave, and to launch tasks."""
        self.parts["scheduler"].order(hold=hold, linger=linger, tasks=tasks)

    def kill(self, victim: str) -> None:
        """Kill a part and start it again."""
        if victim == "executor":
            for pid in self.executors():
                os.kill(pid, signal.SIGKILL)
            return
        self.parts[victim].kill()
        time.sleep(self.rng.random() * 0.3)
        self.parts[victim].start()

    def settle(self, victim: str, phase: str) -> None:
        """Note what the scheduler holds; a new one begins anew."""
        held = self.parts["scheduler"].held()
        if victim == "scheduler" or phase == "registration" or self.first is None:
            self.first = held
        self.most = (max(self.most[0], held[0]), max(self.most[1], held[1]))
        threads, files = held[0] - self.first[0], held[1] - self.first[1]
        # A connection to or from a part that has just come back may not have been there at first.
        if threads > 0 or files > 6:
            raise AssertionError(f"the scheduler has {threads} more threads, {files} more file descriptors")


COMBINATIONS = tuple((victim, phase) for phase in PHASES for victim in VICTIMS)


def run_rounds(
    plan: Sequence[tuple[str, str]], seed: int, say: Callable[[str], None] = print, api: str = "v0"
) -> None:
    """Play a round for each victim and phase; raise what goes wrong."""
    with tempfile.TemporaryDirectory(prefix="mesos-rounds-") as directory:
        rounds = Rounds(Path(directory), seed, api)
        try:
            rounds.start()
            for number, (victim, phase) in enumerate(plan, 1):
                began = time.monotonic()
                rounds.play(victim, phase)
                say(f"round {number}: {victim} killed, {phase}: {time.monotonic() - began:.1f} s")
            launched = len(rounds.lines("launched"))
            threads, files = rounds.most
            say(f"{len(plan)} rounds, {launched} tasks, all ended; at most {threads} threads, {files} files")
        finally:
            rounds.stop()


def main() -> int:
    """Run the rounds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=16, help="how many (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--api", choices=APIS, default="v0", help="of scheduler and executor (%(default)s)")
    options = parser.parse_args()
    plan = [COMBINATIONS[number % len(COMBINATIONS)] for number in range(options.rounds)]
    run_rounds(plan, options.seed, lambda text: print(text, flush=True), options.api)
    return 0


if __name__ == "__main__":
    sys.exit(main())
