"""The v0 executor driver under asyncio: events as an async iterator, the same session below."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import TracebackType
from typing import Literal

from mesos_proto.v1 import mesos_pb2 as mesos

from . import events
from ._shell import Shell
from .commands import End, SendFrameworkMessage, SendStatusUpdate
from .environment import ExecutorEnvironment
from .errors import DriverMisuse
from .status import Status


class AsyncExecutorDriver:
    """Connects a program to the agent that started it; its events come from iterating over the driver.

        async with AsyncExecutorDriver() as driver:
            async for event in driver:
                ...

    An event counts as handled when the next one is asked for. The iteration ends with the driver; leaving
    the `async with` stops the driver, or aborts it when an exception is on its way, and waits until what
    was sent has left. `environ` and `AgentEnvironmentError` are as with `MesosExecutorDriver`.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.RLock()  # a signal handler may interrupt its own thread here
        self._events: deque[events.Event] = deque()
        self._ended = False
        self._waking = False
        self._news = asyncio.Event()
        self._closed = asyncio.Event()
        self._current: events.Event | None = None
        self._shell = Shell(
            ExecutorEnvironment.from_environ(environ),
            deliver=self._deliver,
            ended=self._end,
            closed=self._close,
        )

    @property
    def status(self) -> Status:
        """What the driver is doing."""
        return self._shell.status

    async def start(self) -> Status:
        """Listen, connect to the agent and register; the driver stays with the running loop."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
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
        return self.status

    def stop(self) -> Status:
        """End the driver: no further event comes, and what was sent before leaves first."""
        was_aborted = self.status is Status.ABORTED
        status = self._shell.handle(End(Status.STOPPED))
        return Status.ABORTED if was_aborted else status

    def abort(self) -> Status:
        """End the driver as failed: no further event comes, and what was sent before leaves first."""
        return self._shell.handle(End(Status.ABORTED))

    async def join(self, timeout: float | None = None) -> Status | Literal[False]:
        """Wait for the driver to end and its sockets to close; False when that took longer."""
        if self.status is Status.NOT_STARTED:
            return Status.NOT_STARTED
        try:
            await asyncio.wait_for(self._closed.wait(), timeout)
        except asyncio.TimeoutError:
            return False
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
        """Report about a task, without waiting; see `MesosExecutorDriver.send_status_update`."""
        return self._shell.handle(SendStatusUpdate(status))

    def send_framework_message(self, data: bytes) -> Status:
        """Send bytes to the scheduler, without waiting; delivery is not guaranteed."""
        return self._shell.handle(SendFrameworkMessage(data))

    async def __aenter__(self) -> AsyncExecutorDriver:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.stop()
        else:
            self.abort()
        await self.join()

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
                if self._ended:
                    raise StopAsyncIteration
                if self._events:
                    self._current = self._events.popleft()
                    return self._current
                self._news.clear()
                self._waking = False
            await self._news.wait()

    def _deliver(self, event: events.Event) -> None:
        with self._lock:
            if not self._ended:
                self._events.append(event)
                self._wake()

    def _end(self, status: Status) -> None:
        with self._lock:
            self._ended = True
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
