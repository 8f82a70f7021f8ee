"""Runs a test's coroutine, and looks for what it left behind; a server that answers bytes."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any

from http_helpers import WAIT

_Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a test; fails when a task goes on after it."""

    async def checked() -> None:
        await asyncio.wait_for(main, 3 * WAIT)
        await asyncio.sleep(0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, left

    asyncio.run(checked())
    gc.collect()  # A transport that was not closed warns now, and every warning is an error.


async def eventually(condition: Callable[[], object]) -> None:
    for _ in range(4000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come to hold")


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Read one request, and return its body; b"" at the end of the connection too."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return await reader.readexactly(int(length.partition(b":")[2]))


class AsyncServer:
    """Runs `script(reader, writer)` for each connection, on the loop of the test."""

    def __init__(self, script: _Script) -> None:
        self.script = script
        self.connections = 0
        self.open = 0
        self.url = ""
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> AsyncServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/api/v1/scheduler"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self.script(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # The client went first, or the test is over.
        finally:
            self.open -= 1
            self._tasks.discard(task)
            writer.transport.abort()


def answering(answer: bytes) -> _Script:
    """Return a script that gives this answer to each request."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await read_request(reader):
            writer.write(answer)
            await writer.drain()

    return script
