"""What the executor drivers share: their life, and callbacks on a thread of their own."""

from __future__ import annotations

import logging
import sys
import threading
import time
from types import TracebackType
from typing import Literal, Protocol, TypeVar, overload

from mesos_proto.v1 import mesos_pb2 as mesos

from . import events
from ._callbacks import CallbackThread
from .commands import End, SendFrameworkMessage, SendStatusUpdate, UserCall
from .errors import DriverAborted, DriverMisuse
from .executor import Executor
from .status import Status

_log = logging.getLogger("mesos.executor")
_D = TypeVar("_D", bound="DriverLife")


class AnyShell(Protocol):
    """What a driver needs of the shell below it."""

    @property
    def status(self) -> Status:
        """The driver's status."""

    def start(self) -> None:
        """Begin."""

    def handle(self, event: UserCall, /) -> Status:
        """Pass on what the user wants; return the status after it."""

    def handled(self, event: events.Event, /) -> None:
        """Take note that the user has handled an event."""


class DriverLife:
    """Start, end and calls of a driver; a subclass has a `_shell`, made after `__init__`."""

    _shell: AnyShell

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._failure: BaseException | None = None
        self._closed = threading.Event()
        self._callbacks = CallbackThread(self._call, self._failed)

    @property
    def status(self) -> Status:
        """What the driver is doing."""
        return self._shell.status

    def start(self) -> Status:
        """Connect to the agent and register; callbacks begin.

        Also makes standard output and error write line by line, as Mesos's driver does: they are files
        of the sandbox, and an executor may be killed at any time.
        """
        if self.status is Status.NOT_STARTED:
            flush_lines()
            self._shell.start()
        return self.status

    def stop(self) -> Status:
        """End the driver: no further callback starts, and what was sent before leaves first."""
        was_aborted = self.status is Status.ABORTED
        status = self._shell.handle(End(Status.STOPPED))
        return Status.ABORTED if was_aborted else status

    def abort(self) -> Status:
        """End the driver as failed: no further callback starts, and what was sent before leaves first."""
        return self._shell.handle(End(Status.ABORTED))

    @overload
    def join(self, timeout: None = None) -> Status: ...

    @overload
    def join(self, timeout: float) -> Status | Literal[False]: ...

    def join(self, timeout: float | None = None) -> Status | Literal[False]:
        """Wait for the driver to end, its last callback to return and its sockets to close.

        Returns the final status, or False when that took longer than `timeout` seconds. Raises what a
        callback raised, when that ended the driver, or `DriverAborted` when the agent refused the executor. A
        driver not started is not waited for.
        """
        if self.status is Status.NOT_STARTED:
            return Status.NOT_STARTED
        if self._callbacks.is_current():
            if timeout is None:
                raise DriverMisuse("join() inside a callback would wait for itself; call stop() and return")
            return False
        deadline = None if timeout is None else time.monotonic() + timeout
        if not self._closed.wait(timeout):
            return False
        if not self._callbacks.join(None if deadline is None else max(0.0, deadline - time.monotonic())):
            return False
        if self._failure is not None:
            raise self._failure
        return self.status

    def run(self) -> Status:
        """Start, and wait for the end; an interruption (Ctrl-C) aborts the driver and is raised again."""
        self.start()
        try:
            return self.join()
        except KeyboardInterrupt:
            self.abort()
            raise

    def send_status_update(self, status: mesos.TaskStatus) -> Status:
        """Report about a task; `uuid`, `timestamp`, `agent_id` and `source` are filled in.

        The update is kept until the agent acknowledges it, and sent again when a restarted agent comes
        back. Raises `DriverMisuse` for one that no agent accepts: without task id or state, or
        TASK_STAGING.
        """
        return self._shell.handle(SendStatusUpdate(status))

    def send_framework_message(self, data: bytes) -> Status:
        """Send bytes to the scheduler; delivery is not guaranteed."""
        return self._shell.handle(SendFrameworkMessage(data))

    def __enter__(self: _D) -> _D:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.stop()
            self.join()
        else:
            self.abort()

    def _call(self, event: events.Event) -> None:
        executor = self._executor
        if isinstance(event, events.TaskLaunched):
            executor.launch_task(self, event.task)
        elif isinstance(event, events.TaskGroupLaunched):
            executor.launch_group(self, event.task_group)
        elif isinstance(event, events.TaskKilled):
            executor.kill_task_with_policy(self, event.task_id, event.kill_policy)
        elif isinstance(event, events.FrameworkMessage):
            executor.framework_message(self, event.data)
        elif isinstance(event, events.Registered):
            executor.registered(self, event.executor_info, event.framework_info, event.agent_info)
        elif isinstance(event, events.Reregistered):
            executor.reregistered(self, event.agent_info)
        elif isinstance(event, events.Disconnected):
            executor.disconnected(self)
        elif isinstance(event, events.Error):
            executor.error(self, event.message)
        else:
            executor.shutdown(self)
        self._shell.handled(event)

    def _ended(self, status: Status, reason: str | None = None) -> None:
        """Take note that the session has ended."""
        if reason is None:
            self._callbacks.end()
        else:
            self._failure = DriverAborted(reason)
            self._callbacks.end(events.Error(reason))

    def _failed(self, error: BaseException) -> None:
        """Abort on an exception in a callback; `join` raises it."""
        self._failure = error
        running = self.status is Status.RUNNING
        self.abort()
        text = f"{type(error).__name__}: {error}"
        _log.error("a callback failed, which aborts the driver: %s", text, exc_info=error)
        if running:
            try:
                self._executor.error(self, text)
            except Exception:
                _log.exception("the error callback failed too")


def flush_lines() -> None:
    """Make standard output and error write line by line."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(line_buffering=True)
