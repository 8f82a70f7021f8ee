"""The life of a driver with callbacks: begin, end, wait, and what comes out of the callbacks' thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Literal, Protocol, TypeVar, overload

from . import commands, events
from ._api import DriverCalls, Shell
from ._callbacks import CallbackThread, Item
from ._dispatch import Handlers, handlers
from .errors import DriverAborted, DriverMisuse
from .scheduler import Scheduler
from .status import Status
from .store import FrameworkIdStore

_log = logging.getLogger("mesos.scheduler")
_Self = TypeVar("_Self", bound="DriverLife")

LINGER = 5.0
"""Seconds that an aborted driver nobody joins keeps its connections, for a `stop` to end the framework."""


class TimedShell(Shell, Protocol):
    """A shell that has a clock."""

    def call_later(self, seconds: float, call: Callable[[], None], /) -> None:
        """Call a function in a while."""


class DriverLife(DriverCalls):
    """Calls a `Scheduler` on a thread of its own; over which transport is up to `_session` and `_shell`,
    which a subclass makes before it calls `_prepare`."""

    _shell: TimedShell

    def _prepare(self, scheduler: Scheduler, store: FrameworkIdStore | None) -> None:
        self._scheduler = scheduler
        self._store = store
        self._callbacks = CallbackThread(
            self._call, self._shell.post_quietly, self._shell.batch_done, self._failed, self._finished
        )
        self._lock = threading.Lock()
        self._status = Status.NOT_STARTED
        self._ended = threading.Event()
        self._failure: BaseException | None = None
        self._handlers: Handlers = {
            **handlers(scheduler, self),
            commands.RememberFramework: self._remember,
        }

    def start(self) -> Status:
        """Listen, and look for the leading master; callbacks begin.

        Raises `DriverMisuse` for a master that cannot be meant, and what the messenger raises when it
        cannot listen; the driver is then ABORTED.
        """
        with self._lock:
            if self._status is not Status.NOT_STARTED:
                return self._status
            self._status = Status.RUNNING
        try:
            self._shell.start()
        except BaseException:
            self._status = Status.ABORTED
            self._shell.closed.set()
            self._ended.set()
            raise
        self._callbacks.start()
        return self._status

    def stop(self, failover: bool = False) -> Status:
        """End the driver; no further callback starts. Unless `failover`, the framework ends too, and with
        it all of its tasks. Returns ABORTED when the driver was aborted before."""
        with self._lock:
            before = self._status
            if before not in (Status.RUNNING, Status.ABORTED):
                return before
            self._status = Status.STOPPED
        self._callbacks.end()
        if not self._shell.closed.is_set():
            self._shell.post(commands.Stop(failover))
        return Status.ABORTED if before is Status.ABORTED else Status.STOPPED

    def abort(self) -> Status:
        """End the driver as failed; no further callback starts. Tasks go on, and the framework stays for
        its `failover_timeout`."""
        with self._lock:
            if self._status is not Status.RUNNING:
                return self._status
            self._status = Status.ABORTED
        self._callbacks.end()
        self._shell.post(commands.Abort())
        return Status.ABORTED

    @overload
    def join(self, timeout: None = None) -> Status: ...

    @overload
    def join(self, timeout: float) -> Status | Literal[False]: ...

    def join(self, timeout: float | None = None) -> Status | Literal[False]:
        """Wait for the driver to end, its last callback to return and its sockets to close.

        Returns the final status, or False when that took longer than `timeout` seconds. Raises what ended
        the driver: the exception out of a callback, or `DriverAborted` with the master's words. A driver
        not started is not waited for.
        """
        if self._status is Status.NOT_STARTED:
            return self._status
        if self._callbacks.is_current():
            if timeout is None:
                raise DriverMisuse("join() inside a callback would wait for itself; call stop() and return")
            return False
        deadline = None if timeout is None else time.monotonic() + timeout
        if not self._ended.wait(_left(deadline)):
            return False
        if not self._callbacks.join(_left(deadline)):
            return False
        if not self._shell.closed.is_set():
            self._shell.close_soon()
        if not self._shell.closed.wait(_left(deadline)):
            return False
        if self._failure is not None:
            raise self._failure
        return self._status

    def run(self) -> Status:
        """Start, and wait for the end; an interruption (Ctrl-C) aborts the driver and is raised again."""
        self.start()
        try:
            return self.join()
        except KeyboardInterrupt:
            self.abort()
            raise

    def __enter__(self: _Self) -> _Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, unless that has happened; after an exception the framework is left for another instance."""
        if self._status is Status.RUNNING:
            self.stop(failover=kind is not None)
        if kind is None:
            self.join()

    # From the loop's thread.

    def _deliver(self, command: commands.Deliver | commands.RememberFramework) -> None:
        if isinstance(command, commands.Deliver):
            self._callbacks.put(command.events, command.size)
        elif self._store is not None:
            self._callbacks.put((command,), 0)

    def _session_ended(self, command: commands.Ended) -> None:
        with self._lock:
            if self._status is Status.RUNNING:
                self._status = command.status
        last = None
        if command.reason is not None:
            if self._failure is None:
                self._failure = DriverAborted(command.reason)
            last = events.Error(command.reason)
        self._callbacks.close(last)
        self._ended.set()

    # From the callbacks' thread.

    def _call(self, item: Item) -> None:
        self._handlers[type(item)](item)

    def _remember(self, command: commands.RememberFramework) -> None:
        if self._store is not None:
            self._store.save(command.framework_id)

    def _failed(self, error: BaseException) -> None:
        """Abort on an exception in a callback; `join` raises it."""
        with self._lock:
            running = self._status is Status.RUNNING
            if running:
                self._status = Status.ABORTED
        self._failure = error
        self._callbacks.end()
        self._shell.post(commands.Abort())
        text = f"{type(error).__name__}: {error}"
        _log.error("a callback failed, which aborts the driver: %s", text, exc_info=error)
        if running:
            try:
                self._scheduler.error(self, text)
            except Exception:
                _log.exception("the error callback failed too")

    def _finished(self) -> None:
        if self._status is Status.ABORTED:
            self._shell.call_later(LINGER, self._shell.close_soon)

    # From the thread that closes.

    def _forget(self) -> None:
        if self._store is not None:
            self._store.clear()


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())
