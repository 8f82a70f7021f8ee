"""The thread that runs the user's callbacks, one at a time, in order.

Events come in batches and acknowledgements go back in batches: a lock and a wake-up for each event would
cost more than the event itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeAlias

from . import commands, events

Item: TypeAlias = events.Event | commands.RememberFramework


class CallbackThread:
    """Calls `call(item)` for each item put, until `end`.

    `handled(acknowledgement)` follows each update's call, `batch_done(size)` each batch; `failed(error)` is
    called in place of them when a call raises, and ends the thread. `finished()` is its last deed.
    """

    def __init__(
        self,
        call: Callable[[Item], None],
        handled: Callable[[events.Acknowledgement], None],
        batch_done: Callable[[int], None],
        failed: Callable[[BaseException], None],
        finished: Callable[[], None],
    ) -> None:
        self._call = call
        self._handled = handled
        self._batch_done = batch_done
        self._failed = failed
        self._finished = finished
        self._condition = threading.Condition()
        self._items: list[Item] = []
        self._size = 0
        self._ended = False
        self._last: events.Event | None = None
        self._closed = False
        # A daemon: a callback that never returns must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="mesos-scheduler-callbacks", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def put(self, items: Sequence[Item], size: int) -> None:
        """Queue a batch; nothing happens to it after `end`."""
        with self._condition:
            if not self._ended:
                self._items.extend(items)
                self._size += size
                self._condition.notify()

    def end(self) -> None:
        """Let no further call start, but for that of `close`."""
        self._ended = True

    def close(self, last: events.Event | None) -> None:
        """End the thread after the call running now, and after that for `last`."""
        self._ended = True
        with self._condition:
            if not self._closed:
                self._closed = True
                self._last = last
                self._condition.notify()

    def is_current(self) -> bool:
        """Tell whether the caller is a callback."""
        return threading.current_thread() is self._thread

    def join(self, timeout: float | None) -> bool:
        """Wait for the end of the thread; False when it did not come in time."""
        if self._thread.ident is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _next(self) -> tuple[list[Item], int]:
        with self._condition:
            while not self._items and not self._closed:
                self._condition.wait()
            items, self._items = self._items, []
            size, self._size = self._size, 0
            return items, size

    def _run(self) -> None:
        try:
            while not self._closed:
                items, size = self._next()
                self._run_batch(items)
                self._batch_done(size)
            if self._last is not None:
                self._call(self._last)
        except BaseException as error:
            self._failed(error)
        finally:
            self._finished()

    def _run_batch(self, items: list[Item]) -> None:
        call = self._call
        handled = self._handled
        for item in items:
            if self._ended:
                return
            call(item)
            if type(item) is events.StatusUpdate:
                acknowledgement = item.acknowledgement
                if acknowledgement is not None and not self._ended:
                    handled(acknowledgement)
