"""Keeps the reader of a stream from running ahead of the callbacks."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Flow:
    """Counts the bytes that wait for callbacks; `changed(congested)` is called when the reader must stop,
    and when it may go on."""

    def __init__(self, limit: int, changed: Callable[[bool], None]) -> None:
        self._limit = limit
        self._changed = changed
        self._condition = threading.Condition()
        self._waiting = 0
        self._congested = False

    def add(self, size: int) -> None:
        """Take note of bytes given to the callbacks."""
        with self._condition:
            self._waiting += size
            if self._congested or self._waiting <= self._limit:
                return
            self._congested = True
        self._changed(True)

    def done(self, size: int) -> None:
        """Take note of bytes that callbacks have seen."""
        with self._condition:
            self._waiting -= size
            if not self._congested or self._waiting > self._limit // 2:
                return
            self._congested = False
            self._condition.notify_all()
        self._changed(False)

    def wait(self, over: Callable[[], bool]) -> None:
        """Wait until reading may go on, or `over()`, of which `wake` tells."""
        with self._condition:
            self._condition.wait_for(lambda: not self._congested or over())

    def wake(self) -> None:
        """Let who waits look at `over` again."""
        with self._condition:
            self._condition.notify_all()
