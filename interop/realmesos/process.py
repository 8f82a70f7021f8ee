"""A server process: started in a session of its own, watched through its log, ended for sure."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from realmesos.errors import StartFailed

T = TypeVar("T")
HOST = "127.0.0.1"
READY = 60.0
_POLL = 0.02
_STOP = 10.0


def free_port() -> int:
    """Return a port that is free now, for a server that cannot choose one itself."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port


def wait_for(what: str, probe: Callable[[], T | None], timeout: float = READY) -> T:
    """Ask until the probe gives something true, and return that; `StartFailed` after the timeout."""
    deadline = time.monotonic() + timeout
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > deadline:
            raise StartFailed(f"{what}: not within {timeout:g} s")
        time.sleep(_POLL)


class Server:
    """One program with its log; it can be stopped, killed, frozen and started again."""

    def __init__(self, name: str, directory: Path) -> None:
        self.name = name
        self.directory = directory
        self.log_path = directory / "log"
        self.process: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        directory.mkdir(parents=True, exist_ok=True)

    def command(self) -> Sequence[str]:
        """Return the command line of the next start."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        """Return the environment: no more than a login shell's, so that nothing leaks in."""
        return {"PATH": os.defpath, "HOME": str(self.directory), "LANG": "C.UTF-8"}

    def spawn(self) -> None:
        """Start the program; its output is added to the log."""
        if self.alive:
            raise StartFailed(f"{self.name} runs already")
        with open(self.log_path, "ab") as log:
            self._log_start = log.tell()
            self.process = subprocess.Popen(
                list(self.command()),
                cwd=self.directory,
                env=dict(self.environment()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def log(self, *, since_start: bool = False) -> str:
        """Return the log, of all starts or of the last one."""
        if not self.log_path.exists():
            return ""
        data = self.log_path.read_bytes()
        return data[self._log_start if since_start else 0 :].decode(errors="replace")

    def wait_log(self, pattern: str, timeout: float = READY, *, since_start: bool = True) -> re.Match[str]:
        """Wait until a line of the log matches; `StartFailed` when it does not or the process ends."""
        compiled = re.compile(pattern)

        def probe() -> re.Match[str] | None:
            alive = self.alive
            match = compiled.search(self.log(since_start=since_start))
            if match is None and not alive:
                code = self.process.returncode if self.process else None
                raise StartFailed(f"{self.name} ended ({code}) before {pattern!r}:\n{self.log()[-4000:]}")
            return match

        try:
            return wait_for(f"{self.name}: {pattern!r} in its log", probe, timeout)
        except StartFailed as error:
            raise StartFailed(f"{error}\n{self.log()[-4000:]}") from None

    def stop(self) -> None:
        """End it with SIGTERM, and its group with SIGKILL when that does not help."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End its group with SIGKILL."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(number)
            try:
                self.process.wait(_STOP)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(_STOP)
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # as it should be: nothing of the group is left
        self.process = None

    def freeze(self) -> None:
        """Stop it in its tracks (SIGSTOP), as a machine that hangs."""
        if self.process is not None:
            self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)


def descendants_of(directory: Path) -> list[int]:
    """Return the processes that live in a folder: their working directory or environment names it.

    An agent's executors and tasks lead sessions of their own and outlive the agent, so neither its
    process group nor its children tell them.
    """
    marker = os.fsencode(directory)
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            cwd = os.fsencode(os.readlink(entry / "cwd"))
            inside = cwd == marker or cwd.startswith(marker + b"/")
            if inside or marker + b"/" in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue  # ended meanwhile, or not ours to look at
    return found


def end_all(directory: Path) -> None:
    """Kill whatever still lives in a folder."""

    def clear() -> bool:
        left = descendants_of(directory)
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        return not left

    wait_for(f"processes left in {directory}", clear, _STOP)
