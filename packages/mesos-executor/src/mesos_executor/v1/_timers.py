"""Timers on one thread."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable


class Timers:
    """Calls functions after some time, until `stop`."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="mesos-executor-timers", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def call_later(self, seconds: float, call: Callable[[], object]) -> None:
        """Call after that many seconds."""
        with self._condition:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._numbers), call))
            self._condition.notify()

    def stop(self, timeout: float) -> None:
        """Call nothing more."""
        with self._condition:
            self._stopped = True
            self._condition.notify()
        self._thread.join(timeout)

    def _run(self) -> None:
        while (call := self._next()) is not None:
            call()

    def _next(self) -> Callable[[], object] | None:
        with self._condition:
            while not self._stopped:
                now = time.monotonic()
                if self._due and self._due[0][0] <= now:
                    return heapq.heappop(self._due)[2]
                # Python waits no longer than this at a time on some systems.
                left = min(self._due[0][0] - now, threading.TIMEOUT_MAX) if self._due else None
                self._condition.wait(left)
            return None
