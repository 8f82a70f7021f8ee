"""What the executor drivers under asyncio share: their life, and events as an async iterator."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Literal, TypeVar

from mesos_proto.v1 import mesos_pb2 as mesos

from . import events
from ._life import AnyShell, flush_lines
from .commands import End, SendFrameworkMessage, SendStatusUpdate
from .errors import DriverAborted, DriverMisuse
from .status import Status

_D = TypeVar("_D", bound="AsyncDriverLife")


class AsyncDriverLife:
    """Start, end, calls and events of a driver; a subclass has a `_shell`, made after `__init__`.

    An event counts as handled when the next one is asked for. The iteration ends with the driver, and raises
    `DriverAborted` when the agent refused the executor.
    """

    _shell: AnyShell

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.RLock()  # a signal handler may interrupt its own thread here
        self._events: deque[events.Event] = deque()
        self._over = False
        self._reason: str | None = None
        self._waking = False
        self._news = asyncio.Event()
        self._closed = asyncio.Event()
        self._current: events.Event | None = None

    @property
    def status(self) -> Status:
        """What the driver is doing."""
        return self._shell.status

    async def start(self) -> Status:
        """Connect to the agent and register; the driver stays with the running loop.

        Also makes standard output and error write line by line, as `DriverLife.start` does.
        """
        if self._loop is None:
            flush_lines()
            self._loop = asyncio.get_running_loop()
            await self._start_shell()
        return self.status

    async def _start_shell(self) -> None:
        starting = asyncio.ensure_future(asyncio.to_thread(self._shell.start))
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            # The thread goes on, and nobody would stop what it has started.
            starting.add_done_callback(lambda _: self.abort())
            raise
        except BaseException:
            self._loop = None
            raise

    def stop(self) -> Status:
        """End the driver: no further event comes, and what was sent before leaves first."""
        was_aborted = self.status is Status.ABORTED
        status = self._shell.handle(End(Status.STOPPED))
        return Status.ABORTED if was_aborted else status

    def abort(self) -> Status:
        """End the driver as failed: no further event comes, and what was sent before leaves first."""
        return self._shell.handle(End(Status.ABORTED))

    async def join(self, timeout: float | None = None) -> Status | Literal[False]:
        """Wait for the driver to end and its sockets to close; False when that took longer.

        Raises `DriverAborted` when the agent refused the executor.
        """
        if self.status is Status.NOT_STARTED:
            return Status.NOT_STARTED
        try:
            await asyncio.wait_for(self._closed.wait(), timeout)
        except asyncio.TimeoutError:
            return False
        if self._reason is not None:
            raise DriverAborted(self._reason)
        return self.status

    async def run(self, handler: Callable[[events.Event], Awaitable[None]]) -> Status:
        """Start, await `handler(event)` for each event, and return the final status.

        What the handler raises aborts the driver and is raised again.
        """
        async with self:
            async for event in self:
                await handler(event)
        return self.status

    def send_status_update(self, status: mesos.TaskStatus) -> Status:
        """Report about a task, without waiting; see `DriverLife.send_status_update`."""
        return self._shell.handle(SendStatusUpdate(status))

    def send_framework_message(self, data: bytes) -> Status:
        """Send bytes to the scheduler, without waiting; delivery is not guaranteed."""
        return self._shell.handle(SendFrameworkMessage(data))

    async def __aenter__(self: _D) -> _D:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.stop()
        else:
            self.abort()
        if self.status is not Status.NOT_STARTED:
            await self._close_to_the_end()
        if kind is None and self._reason is not None:
            raise DriverAborted(self._reason)

    async def _close_to_the_end(self) -> None:
        """Wait until all is closed. A cancellation is raised after that: closing has an end by itself."""
        cancelled: asyncio.CancelledError | None = None
        while not self._closed.is_set():
            try:
                await self._closed.wait()
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            raise cancelled

    def __aiter__(self) -> AsyncIterator[events.Event]:
        return self

    async def __anext__(self) -> events.Event:
        if self._loop is None:
            raise DriverMisuse("the driver has not been started: use `async with`, or await start()")
        current, self._current = self._current, None
        if current is not None:
            self._shell.handled(current)
        while True:
            with self._lock:
                if self._over:
                    if self._reason is not None:
                        raise DriverAborted(self._reason)
                    raise StopAsyncIteration
                if self._events:
                    self._current = self._events.popleft()
                    return self._current
                self._news.clear()
                self._waking = False
            await self._news.wait()

    def _deliver(self, event: events.Event) -> None:
        with self._lock:
            if not self._over:
                self._events.append(event)
                self._wake()

    def _end(self, status: Status, reason: str | None = None) -> None:
        with self._lock:
            self._over = True
            self._reason = reason
            self._events.clear()
            self._wake()

    def _wake(self) -> None:
        """Wake the iterator, once for a batch; called under the lock."""
        if not self._waking:
            self._waking = True
            self._on_loop(self._news.set)

    def _close(self) -> None:
        self._on_loop(self._closed.set)

    def _on_loop(self, callback: Callable[[], None]) -> None:
        assert self._loop is not None
        # A loop that was closed without waiting for the driver has nobody left to be told.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback)
