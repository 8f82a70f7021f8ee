"""The tasks that talk to a master: one reads the stream, one sends calls, in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from mesos_http import ClientMisuse, MesosHttpError

from .. import commands as v0
from .aio_client import AsyncClient
from .commands import (
    CallFailed,
    EventsReceived,
    OpenStream,
    SendCall,
    SessionEvent,
    StreamEnded,
    StreamOpened,
)

_log = logging.getLogger("mesos.scheduler")


class AsyncReader:
    """One attempt to subscribe, and its stream, as a task. It reads on only while `room` is set.

    `take` gives the session an event at once.
    """

    def __init__(
        self,
        command: OpenStream,
        client: AsyncClient,
        room: asyncio.Event,
        take: Callable[[SessionEvent], None],
    ) -> None:
        self.attempt = command.attempt
        self._call = command.call
        self._client = client
        self._room = room
        self._take = take
        self.task = asyncio.ensure_future(self._run())

    def close(self) -> None:
        """End the attempt, or its stream, at once."""
        self.task.cancel()

    async def _run(self) -> None:
        error: MesosHttpError | None = None
        try:
            await self._read()
        except MesosHttpError as caught:
            error = caught
        except Exception as caught:
            _log.exception("the driver fails")
            self._take(v0.Abort(f"the driver failed: {type(caught).__name__}: {caught}"))
        self._take(StreamEnded(self.attempt, error))

    async def _read(self) -> None:
        async with await self._client.open(self._call) as stream:
            self._take(StreamOpened(self.attempt, stream.stream_id))
            while events := await stream.batch():
                self._take(EventsReceived(self.attempt, events))
                await self._room.wait()


class AsyncSender:
    """Sends calls one after the other, so that they arrive in order, as a task."""

    def __init__(self, post: Callable[[SessionEvent], None]) -> None:
        self._post = post
        self._queue: asyncio.Queue[tuple[AsyncClient, SendCall] | None] = asyncio.Queue()
        self.task = asyncio.ensure_future(self._run())

    def send(self, client: AsyncClient, command: SendCall) -> None:
        """Send a call after those before it."""
        self._queue.put_nowait((client, command))

    async def finish(self, timeout: float) -> bool:
        """Send what is queued and end; False when that takes longer."""
        self._queue.put_nowait(None)
        done, _ = await asyncio.wait((self.task,), timeout=timeout)
        return bool(done)

    async def _run(self) -> None:
        while (item := await self._queue.get()) is not None:
            client, command = item
            try:
                await client.call(command.call, command.stream_id)
            except MesosHttpError as error:
                self._post(CallFailed(command.call, command.attempt, error))
            except Exception as error:
                # The user's own code makes the Authorization header.
                _log.exception("a call cannot be sent")
                failure = ClientMisuse(f"{type(error).__name__}: {error}")
                self._post(CallFailed(command.call, command.attempt, failure))
