"""What pyglog needs of the process, from its first record on: a flush thread, and hooks at fork and exit."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable

from ._files import Files

FLUSH_THREAD = "pyglog-flush"
_IDLE = 30.0
_FORK_WAIT = 5.0
_STOP_WAIT = 1.0


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
        self._armed, self._stopped = threading.Event(), threading.Event()
        self._flusher: threading.Thread | None = None
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
        if self._flusher is None or not self._flusher.is_alive():
            with self._lock:
                if self._flusher is None or not self._flusher.is_alive():
                    self._stopped = threading.Event()
                    thread = threading.Thread(
                        target=self._flush_forever, args=(self._stopped,), name=FLUSH_THREAD, daemon=True
                    )
                    try:
                        thread.start()
                    except RuntimeError:  # no thread to be had: do not let lines wait
                        self.write_through()
                        return
                    self._flusher = thread
        self._armed.set()

    def write_through(self) -> None:
        """Write what waits, and from now on each line at once."""
        self.ending = True
        self._on_change()
        self._files.drain()

    def _flush_forever(self, stopped: threading.Event) -> None:
        armed = self._armed
        while not self.ending:
            armed.wait(_IDLE)  # a log call that lost a race may have appended without arming
            if stopped.wait(self.pause):
                return
            armed.clear()
            self._files.drain()

    def _stop_flusher(self) -> None:
        """End the flush thread until it is needed again: Python warns of forks in a process with threads."""
        flusher = self._flusher
        if flusher is not None and flusher is not threading.current_thread():
            self._stopped.set()
            self._armed.set()
            flusher.join(_STOP_WAIT)

    def _before_fork(self) -> None:
        """Write what is pending, and keep other threads from writing while the process is copied.

        A disk that hangs may delay a fork, but not for ever.
        """
        self._stop_flusher()
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
        self._lock, self._armed = threading.RLock(), threading.Event()
        self._flusher, self._locked = None, False
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
