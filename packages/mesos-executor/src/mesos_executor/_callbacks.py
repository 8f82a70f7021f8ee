"""The thread that runs the user's callbacks, one at a time, in order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from .events import Event


class CallbackThread:
    """Calls `call(event)` for each event put, until `end`; `failed(exception)` is the last thing it calls
    when one raises."""

    def __init__(self, call: Callable[[Event], None], failed: Callable[[BaseException], None]) -> None:
        self._call = call
        self._failed = failed
        self._events: deque[Event] = deque()
        self._condition = threading.Condition()
        self._ended = False
        self._thread: threading.Thread | None = None

    def put(self, event: Event) -> None:
        """Queue an event; nothing happens to it after `end`. The first one starts the thread."""
        with self._condition:
            if self._ended:
                return
            self._add(event)

    def end(self, last: Event | None = None) -> None:
        """Let no further callback start, but the one for `last`."""
        with self._condition:
            if self._ended:
                return
            self._ended = True
            self._events.clear()
            if last is not None:
                self._add(last)
            self._condition.notify()

    def is_current(self) -> bool:
        """Tell whether the caller is a callback."""
        return threading.current_thread() is self._thread

    def join(self, timeout: float | None) -> bool:
        """Wait for the running callback to return after `end`; False when it did not in time."""
        thread = self._thread
        if thread is None:
            return True
        thread.join(timeout)
        return not thread.is_alive()

    def _add(self, event: Event) -> None:
        self._events.append(event)
        self._condition.notify()
        if self._thread is None:
            # A daemon: a callback that never returns must not keep the process from ending.
            self._thread = threading.Thread(target=self._run, name="mesos-executor-callbacks", daemon=True)
            self._thread.start()

    def _next(self) -> Event | None:
        with self._condition:
            while not self._events and not self._ended:
                self._condition.wait()
            return self._events.popleft() if self._events else None

    def _run(self) -> None:
        while (event := self._next()) is not None:
            try:
                self._call(event)
            except BaseException as error:
                self._failed(error)
                return
