"""What pyglog needs of the process, from its first record on: a flush thread, and hooks at fork and exit.

A log call may come from a signal handler that interrupts another one, and an exception (Ctrl-C) may break
into it anywhere. So the flush thread is started and woken with what C does in one step: `_thread` and its
locks, not `threading.Thread` and `Event`, whose own locks could be left held.
"""

from __future__ import annotations

import _thread
import atexit
import contextlib
import os
import sys
import threading
from collections.abc import Callable

from ._files import Files

_IDLE = 30.0
_FORK_WAIT = 5.0
_STOP_WAIT = 1.0


class Flusher:
    """The thread that writes what waits."""

    def __init__(self) -> None:
        self.running = False
        self._asleep, self._going, self._alive = (_thread.allocate_lock() for _ in range(3))
        for lock in (self._asleep, self._going, self._alive):
            lock.acquire()

    def wake(self) -> None:
        """End its wait; no matter if it does not wait."""
        if self._asleep.locked():
            with contextlib.suppress(RuntimeError):  # another thread was faster
                self._asleep.release()

    def run(self, drain: Callable[[], None], process: Process) -> None:
        """Wait to be woken, wait a little more, write, for ever. The body of the thread."""
        try:
            while not process.ending:
                self._asleep.acquire(
                    timeout=_IDLE
                )  # a call that lost a race may have appended without waking
                if self._going.acquire(timeout=process.pause):
                    return
                drain()
        finally:
            self.running = False
            with contextlib.suppress(RuntimeError):
                self._alive.release()

    def stop(self) -> None:
        """End the thread, as Python warns of forks in a process with threads."""
        if self.running:
            self._going.release()
            self.wake()
            self._alive.acquire(timeout=_STOP_WAIT)


class Process:
    """The hooks, and who calls `Files.drain` when no log call does."""

    def __init__(self, files: Files, on_change: Callable[[], None], on_fork: Callable[[], None]) -> None:
        """Change nothing yet.

        `on_change` is called when `ready` or `ending` became true, `on_fork` in a child.
        """
        self.ready = False
        self.ending = False
        self.pause = 1.0
        self._files = files
        self._on_change = on_change
        self._on_fork = on_fork
        self._lock = threading.RLock()
        self._flusher = Flusher()
        self._locked = False

    def prepare(self) -> None:
        """Put the hooks in place, the first time."""
        with self._lock:
            if self.ready:
                return
            self.ready = True
            atexit.register(self.write_through)
            os.register_at_fork(
                before=self._before_fork,
                after_in_parent=self._after_fork_in_parent,
                after_in_child=self._after_fork_in_child,
            )
            self._flush_with_multiprocessing(forked=False)
            self._on_change()

    def arm(self) -> None:
        """See to it that what is about to wait is written soon."""
        flusher = self._flusher
        if not flusher.running:
            try:
                _thread.start_new_thread(flusher.run, (self._files.drain, self))
                flusher.running = True
            except RuntimeError:  # no thread to be had: do not let lines wait
                self.write_through()
                return
        flusher.wake()

    def write_through(self) -> None:
        """Write what waits, and from now on each line at once."""
        self.ending = True
        self._on_change()
        self._files.drain()

    def _before_fork(self) -> None:
        """Write what is pending, and keep other threads from writing while the process is copied.

        A disk that hangs may delay a fork, but not for ever.
        """
        flusher, self._flusher = self._flusher, Flusher()
        flusher.stop()
        self._locked = self._files.lock.acquire(timeout=_FORK_WAIT)
        if self._locked:
            self._files.drain()

    def _after_fork_in_parent(self) -> None:
        if self._locked:
            self._locked = False
            self._files.lock.release()
        if any(log.pending for log in self._files.logs):
            self.arm()

    def _after_fork_in_child(self) -> None:
        self._lock, self._flusher, self._locked = threading.RLock(), Flusher(), False
        self._on_fork()
        self._flush_with_multiprocessing(forked=True)

    def _flush_with_multiprocessing(self, forked: bool) -> None:
        """Flush at the end of a process of `multiprocessing`, which ends without the atexit hooks."""
        util = sys.modules.get("multiprocessing.util")
        process = sys.modules.get("multiprocessing.process")
        if util is None or process is None:
            return
        if forked:
            util.register_after_fork(self, Process._flush_at_end)
        elif process.parent_process() is not None:
            self._flush_at_end()

    def _flush_at_end(self) -> None:
        sys.modules["multiprocessing.util"].Finalize(None, self._files.drain, exitpriority=-100)
