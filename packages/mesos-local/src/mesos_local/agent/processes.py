"""Families of processes: waiting for the end of the first one, signalling all that belong to it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = [
    "Process",
    "await_end",
    "await_stranger",
    "family",
    "kill_family",
    "listing",
    "own_group",
    "reap",
    "signal_family",
]

_KILL_ROUNDS = 50
_KILL_PAUSE = 0.002
_WATCH_INTERVAL = 0.1


@dataclass(frozen=True, slots=True)
class Process:
    """A process, and what it belongs to."""

    pid: int
    parent: int
    group: int
    session: int


def own_group() -> dict[str, Any]:
    """Give the argument of `Popen` for a process group of its own, in the session of who starts it.

    With the session's end, which is that of a container, it ends too.
    """
    if sys.version_info >= (3, 11):
        return {"process_group": 0}
    return {"preexec_fn": os.setpgrp}


def await_end(process: subprocess.Popen[bytes]) -> None:
    """Wait until `process` ends. Where the system can, its id stays taken until `reap`."""
    if sys.platform == "linux":
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    else:
        process.wait()


def await_stranger(pid: int) -> None:
    """Wait until a process ends that need not be a child of ours."""
    while any(each.pid == pid for each in listing()):
        time.sleep(_WATCH_INTERVAL)


def reap(process: subprocess.Popen[bytes]) -> int:
    """Kill what an ended process left of its family; give its raw wait status."""
    kill_family(process.pid)
    code = process.wait()
    return -code if code < 0 else code << 8


def kill_family(root: int) -> None:
    """Kill `root` and everything that belongs to it."""
    for _ in range(_KILL_ROUNDS):  # One may have been born while the others were counted.
        if not signal_family(root, signal.SIGKILL):
            return
        time.sleep(_KILL_PAUSE)


def signal_family(root: int, number: signal.Signals) -> bool:
    """Send a signal to `root` and everything that belongs to it; tells whether there was anything."""
    members = family(root)
    for pid in members:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
    return bool(members)


def family(root: int, everyone: list[Process] | None = None) -> list[int]:
    """Give the ids of the living processes that belong to `root`, and its own.

    That is: descendants, and all in a process group or session that one of them began. `root` itself may
    have ended; what it left in its group or session is found all the same. `everyone` is a listing of
    before, for who looks for many families.
    """
    everyone = listing() if everyone is None else everyone
    members = {root}
    grown = True
    while grown:
        fresh = {
            each.pid
            for each in everyone
            if each.pid not in members
            and (each.parent in members or each.group in members or each.session in members)
        }
        members |= fresh
        grown = bool(fresh)
    return [each.pid for each in everyone if each.pid in members]


def listing() -> list[Process]:
    """Give all living processes of the machine; zombies do not count."""
    if sys.platform == "linux":
        return _processes_from_proc()
    text = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,pgid=,sess=,state="], capture_output=True, text=True, check=False
    ).stdout
    found = []
    for line in text.splitlines():
        fields = line.split()
        if len(fields) == 5 and all(each.isdecimal() for each in fields[:4]) and fields[4][0] != "Z":
            found.append(Process(*(int(each) for each in fields[:4])))
    return found


def _processes_from_proc() -> list[Process]:
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            stat = (entry / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:  # It ended while we looked.
            continue
        fields = stat.rpartition(")")[2].split()
        if len(fields) > 3 and fields[0] not in "ZX":
            found.append(Process(int(entry.name), *(int(each) for each in fields[1:4])))
    return found
