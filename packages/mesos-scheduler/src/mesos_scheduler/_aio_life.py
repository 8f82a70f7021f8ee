"""The life of a driver under asyncio: begin, end, wait, and events as they are asked for."""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, TypeVar

from . import commands, events
from ._api import DriverCalls
from ._dispatch import handlers
from .errors import DriverAborted, DriverMisuse
from .scheduler import Scheduler
from .status import Status
from .store import FrameworkIdStore

_Self = TypeVar("_Self", bound="AsyncDriverLife")

CLOSE_LIMIT = 20.0
"""Seconds that a cancelled program waits for its driver to be closed, which takes less."""


class AsyncDriverLife(DriverCalls):
    """Gives events to one task of the program; over which transport they come is up to `_session` and
    `_shell`, which a subclass makes after it has called `_prepare`."""

    def _prepare(self, store: FrameworkIdStore | None) -> None:
        self._store = store
        self._status = Status.NOT_STARTED
        self._loop: asyncio.AbstractEventLoop | None = None
        self._batches: deque[commands.Deliver | commands.RememberFramework] = deque()
        self._position = 0
        self._due: events.Event | None = None
        self._news = asyncio.Event()
        self._closed = asyncio.Event()
        self._over = False
        self._reason: str | None = None
        self._waiting = False

    # Life.

    async def start(self) -> Status:
        """Listen, and look for the leading master. Raises `DriverMisuse` for one that cannot be meant."""
        if self._status is not Status.NOT_STARTED:
            return self._status
        self._loop = asyncio.get_running_loop()
        self._status = Status.RUNNING
        try:
            self._shell.start()
        except BaseException:
            self._status = Status.ABORTED
            self._over = True
            self._shell.closed.set()
            self._closed.set()
            raise
        return self._status

    def stop(self, failover: bool = False) -> Status:
        """End the driver; no further event comes. Unless `failover`, the framework and its tasks end too."""
        before = self._status
        if before not in (Status.RUNNING, Status.ABORTED):
            return before
        self._status = Status.STOPPED
        self._over = True
        self._hand_over(self._news.set)
        if not self._shell.closed.is_set():
            self._shell.post(commands.Stop(failover))
        return Status.ABORTED if before is Status.ABORTED else Status.STOPPED

    def abort(self) -> Status:
        """End the driver as failed; no further event comes. The framework stays for `failover_timeout`."""
        if self._status is Status.RUNNING:
            self._status = Status.ABORTED
            self._over = True
            self._hand_over(self._news.set)
            self._shell.post(commands.Abort())
        return self._status

    async def join(self) -> Status:
        """Wait for the end of a driver that was stopped or aborted, and until its sockets are closed.

        Raises `DriverAborted` when the master ended it.
        """
        if self._status is Status.NOT_STARTED:
            return self._status
        while not self._over:
            self._news.clear()
            await self._news.wait()
        self._close_aborted()
        await self._closed.wait()
        if self._reason is not None:
            raise DriverAborted(self._reason)
        return self._status

    async def run(self, scheduler: Scheduler) -> Status:
        """Start, and call the scheduler's methods until the end; those that are coroutines are awaited.

        An exception out of one aborts the driver, reaches `error` and is raised here; the update it was
        handling is not acknowledged.
        """
        await self.start()
        table = handlers(scheduler, self)
        try:
            async for event in self:
                await _settled(table[type(event)](event))
            return await self.join()
        except DriverAborted as error:
            await _settled(table[events.Error](events.Error(str(error))))
            raise
        except BaseException as error:
            self.abort()
            if isinstance(error, Exception):
                await _settled(table[events.Error](events.Error(f"{type(error).__name__}: {error}")))
            raise
        finally:
            await self._close()

    async def __aenter__(self: _Self) -> _Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is Status.RUNNING:
            self.stop(failover=kind is not None)
        await self._close()

    # Events.

    def __aiter__(self) -> AsyncIterator[events.Event]:
        # What an earlier loop was left with (a break, an exception) has not been handled.
        self._due = None
        return self

    async def __anext__(self) -> events.Event:
        if self._waiting:
            raise DriverMisuse("there is one stream of events; let one task alone iterate over the driver")
        due, self._due = self._due, None
        if due is not None and not self._over:
            self._handled(due)
        self._waiting = True
        try:
            self._due = event = await self._next()
        finally:
            self._waiting = False
        return event

    def _handled(self, event: events.Event) -> None:
        """Have an update acknowledged that the program is done with."""
        if isinstance(event, events.StatusUpdate) and event.acknowledgement is not None:
            self._shell.post_quietly(event.acknowledgement)

    async def _next(self) -> events.Event:
        while not self._over:
            if not self._batches:
                self._news.clear()
                await self._news.wait()
                continue
            batch = self._batches[0]
            if isinstance(batch, commands.RememberFramework):
                if self._store is not None:
                    await asyncio.to_thread(self._store.save, batch.framework_id)
                self._batches.popleft()
            elif self._position < len(batch.events):
                self._position += 1
                return batch.events[self._position - 1]
            else:
                self._batches.popleft()
                self._position = 0
                self._shell.batch_done(batch.size)
        if self._reason is not None:
            raise DriverAborted(self._reason)
        raise StopAsyncIteration

    # On the program's loop.

    def _hand_over(self, call: Any, *args: object) -> None:
        """Have something called on the program's loop; one that is closed has no use for it."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, *args)

    def _take(self, command: commands.Deliver | commands.RememberFramework) -> None:
        if not self._over:
            self._batches.append(command)
            self._news.set()

    def _end(self, command: commands.Ended) -> None:
        if self._status is Status.RUNNING:
            self._status = command.status
            self._reason = command.reason
        self._over = True
        self._news.set()

    def _set_closed(self) -> None:
        self._closed.set()
        self._news.set()

    def _close_aborted(self) -> None:
        """Have a driver closed for which nobody will call `stop` any more."""
        if self._status is Status.ABORTED and not self._shell.closed.is_set():
            self._shell.close_soon()

    async def _close(self) -> None:
        """Wait until all is closed. A cancellation is raised after that, or after `CLOSE_LIMIT`."""
        self._close_aborted()
        loop = asyncio.get_running_loop()
        closed = asyncio.ensure_future(self._closed.wait())
        cancelled: asyncio.CancelledError | None = None
        left: float | None = None
        deadline = loop.time() + CLOSE_LIMIT
        while not closed.done() and (left is None or left > 0):
            try:
                await asyncio.wait((closed,), timeout=left)
            except asyncio.CancelledError as error:
                cancelled = error
            if cancelled is not None:
                left = deadline - loop.time()
        closed.cancel()
        if cancelled is not None:
            raise cancelled

    # On the thread that closes.

    def _forget(self) -> None:
        if self._store is not None:
            self._store.clear()


async def _settled(result: object) -> None:
    if inspect.isawaitable(result):
        await result
