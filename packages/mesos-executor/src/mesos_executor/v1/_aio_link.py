"""One attempt to subscribe, its stream and its calls, under asyncio."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from mesos_http import ClientMisuse, MesosHttpError
from mesos_http.aio import AsyncClient
from mesos_proto.v1 import executor_pb2 as executor

from .commands import (
    CallDone,
    CallFailed,
    EventsReceived,
    OpenStream,
    SendCall,
    SessionEvent,
    StreamEnded,
)

_log = logging.getLogger("mesos.executor")


class AsyncLink:
    """`wait_room()` returns when more may be read; `post` hears of events and of what becomes of calls."""

    def __init__(
        self,
        command: OpenStream,
        make_client: Callable[[], AsyncClient],
        post: Callable[[SessionEvent], None],
        wait_room: Callable[[], Awaitable[object]],
    ) -> None:
        self._attempt = command.attempt
        self._make_client = make_client
        self._post = post
        self._wait_room = wait_room
        self._client: AsyncClient | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._keep(asyncio.ensure_future(self._read(command.call)))

    def send(self, command: SendCall) -> None:
        """Send a call."""
        self._keep(asyncio.ensure_future(self._send(command)))

    async def close(self) -> None:
        """End the stream and the calls, whatever waits for them."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._client is not None:
            await self._client.close()

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(self, call: executor.Call) -> None:
        error: MesosHttpError | None = None
        try:
            self._client = self._make_client()
            async with await self._client.stream(call, executor.Event) as stream:
                while events := await stream.batch():
                    self._post(EventsReceived(self._attempt, events))
                    await self._wait_room()
        except MesosHttpError as caught:
            error = caught
        except Exception as caught:
            # The user's own code may make the transport and the Authorization header.
            _log.exception("the driver cannot subscribe")
            error = ClientMisuse(f"{type(caught).__name__}: {caught}")
        self._post(StreamEnded(self._attempt, error))

    async def _send(self, command: SendCall) -> None:
        assert self._client is not None
        result: SessionEvent = CallDone(command.attempt)
        try:
            await self._client.call(command.call)
        except MesosHttpError as error:
            result = CallFailed(command.attempt, error)
        except Exception as error:
            _log.exception("a call cannot be sent")
            result = CallFailed(command.attempt, ClientMisuse(f"{type(error).__name__}: {error}"))
        self._post(result)
