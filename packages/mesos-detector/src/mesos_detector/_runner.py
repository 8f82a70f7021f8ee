"""A thread that feeds events to a pure session and carries out its commands, one event at a time."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

log = logging.getLogger("mesos.detector")

E = TypeVar("E")
C = TypeVar("C")


class Runner(Generic[E, C]):
    """Runs `handle` on a thread of its own: events come from `post` and from timers.

    `on_timer` makes the event of a timer that fires; `on_crash` is told of an error that nobody foresaw,
    after which the thread ends.
    """

    def __init__(
        self,
        name: str,
        *,
        handle: Callable[[E], Iterable[C]],
        perform: Callable[[C], None],
        on_timer: Callable[[str], E],
        on_crash: Callable[[Exception], None],
    ) -> None:
        self._handle = handle
        self._perform = perform
        self._on_timer = on_timer
        self._on_crash = on_crash
        self._events: queue.SimpleQueue[E | None] = queue.SimpleQueue()
        self._timers: dict[str, float] = {}
        self.stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def post(self, event: E) -> None:
        """Hand over an event; from any thread."""
        self._events.put(event)

    def set_timer(self, name: str, seconds: float) -> None:
        """Start or restart a timer; on the runner's thread only."""
        self._timers[name] = time.monotonic() + seconds

    def cancel_timer(self, name: str) -> None:
        """Forget a timer; on the runner's thread only."""
        self._timers.pop(name, None)

    def stop(self) -> None:
        """Stop handling events, and wait for the thread unless called on it."""
        self.stopped.set()
        self._events.put(None)
        if self._thread.ident is not None and threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self.stopped.is_set():
                event = self._next()
                if event is None or self.stopped.is_set():
                    continue
                for command in self._handle(event):
                    if self.stopped.is_set():
                        return
                    self._perform(command)
        except Exception as error:
            log.exception("Detection stops on an error that nothing foresaw")
            self._on_crash(error)

    def _next(self) -> E | None:
        name = min(self._timers, key=self._timers.__getitem__, default=None)
        wait = None if name is None else self._timers[name] - time.monotonic()
        try:
            return self._events.get(timeout=None if wait is None else max(wait, 0))
        except queue.Empty:
            if name is None:
                return None
            del self._timers[name]
            return self._on_timer(name)
