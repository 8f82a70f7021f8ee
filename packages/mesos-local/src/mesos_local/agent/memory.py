"""Looks at the memory that containers have taken.

What counts is what the kernel could not take back when it needs memory, which is not what programs and
libraries are mapped from.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable

from . import processes
from .session import ContainerLimited
from .state import MemoryLimit

__all__ = ["MemoryWatch", "taken"]

_PAGE = os.sysconf("SC_PAGE_SIZE")
_LISTING_AGE = 0.5


class MemoryWatch:
    """Reports the containers that have taken more than they may, from a thread of its own."""

    def __init__(self, report: Callable[[ContainerLimited], None]) -> None:
        self._report = report
        self._thread: threading.Thread | None = None

    def look(self, limits: Iterable[MemoryLimit]) -> None:
        """Look at these containers, unless it is still being looked; returns at once."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(
                target=self._look, args=(limits,), name="memory-watch", daemon=True
            )
            self._thread.start()

    def stop(self, timeout: float) -> None:
        """Wait for the end of the present look."""
        if self._thread is not None:
            self._thread.join(timeout)

    def _look(self, limits: Iterable[MemoryLimit]) -> None:
        everyone = _listings.recent()
        for limit in limits:
            members = processes.family(limit.root, everyone)
            used = taken(pid for pid in members if not (limit.spare_root and pid == limit.root))
            if used > limit.bytes:
                self._report(ContainerLimited(limit.container_id, limit.bytes, used))


class _Listings:
    """The processes of the machine, listed once for all agents that ask at about the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listed_at = float("-inf")
        self._last: list[processes.Process] = []

    def recent(self) -> list[processes.Process]:
        """Give a listing that is not old."""
        with self._lock:
            if time.monotonic() - self._listed_at > _LISTING_AGE:
                self._last, self._listed_at = processes.listing(), time.monotonic()
            return self._last


_listings = _Listings()


def taken(pids: Iterable[int]) -> int:
    """Add up the bytes that processes have taken; those that have ended meanwhile have none."""
    if sys.platform != "linux":
        chosen = ",".join(str(pid) for pid in pids)
        listed = subprocess.run(
            ["ps", "-o", "rss=", "-p", chosen], capture_output=True, text=True, check=False
        ).stdout
        return sum(int(each) for each in listed.split() if each.isdecimal()) * 1024
    pages = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/statm", encoding="ascii") as file:
                fields = file.read().split()
        except OSError:
            continue
        pages += int(fields[1]) - int(fields[2])
    return pages * _PAGE
