"""The floor of the benchmark: bytes through bare asyncio connections, nothing parsed."""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
import time
from collections.abc import Callable, Sequence
from typing import cast

__all__ = ["measure_flood", "measure_ping_pong"]

_CHUNK = 256 * 1024
_ANSWER = b"HTTP/1.1 202 Accepted\r\nDate: Sun, 22 Nov 2026 18:53:55 GMT\r\nContent-Length: 0\r\n\r\n"


class _Open(asyncio.Protocol):
    """A connection that is closed with the others of its loop."""

    def __init__(self, opened: list[asyncio.Transport]) -> None:
        self.transport: asyncio.Transport
        self._opened = opened

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._opened.append(self.transport)


async def _close(opened: list[asyncio.Transport], server: asyncio.AbstractServer | None = None) -> None:
    if server is not None:
        server.close()
    for transport in opened:
        transport.abort()
    # The transports let go of their sockets in the next turn.
    await asyncio.sleep(0)
    await asyncio.sleep(0)


class _Sink(_Open):
    """Counts bytes, and writes as many answers as messages of the mean size have come."""

    def __init__(self, opened: list[asyncio.Transport], mean: float, total: int, done: asyncio.Event) -> None:
        super().__init__(opened)
        self._mean = mean
        self._total = total
        self._done = done
        self._seen = 0
        self._answered = 0

    def data_received(self, data: bytes) -> None:
        self._seen += len(data)
        whole = int(self._seen / self._mean)
        self.transport.write(_ANSWER * (whole - self._answered))
        self._answered = whole
        if self._seen >= self._total:
            self._done.set()


class _Source(_Open):
    """Writes chunks as fast as they are taken."""

    def __init__(self, opened: list[asyncio.Transport]) -> None:
        super().__init__(opened)
        self.writable = asyncio.Event()
        self.writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=0)

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()


async def _drain(mean: float, total: int, port: multiprocessing.SimpleQueue[int] | _Slot) -> None:
    done = asyncio.Event()
    opened: list[asyncio.Transport] = []
    server = await asyncio.get_running_loop().create_server(
        lambda: _Sink(opened, mean, total, done), "127.0.0.1", 0
    )
    port.put(server.sockets[0].getsockname()[1])
    await done.wait()
    await _close(opened, server)


def _drain_main(mean: float, total: int, port: multiprocessing.SimpleQueue[int] | _Slot) -> None:
    asyncio.run(_drain(mean, total, port))


class _Slot:
    """One value from one thread to another."""

    def __init__(self) -> None:
        self._there = threading.Event()
        self._value = 0

    def put(self, value: int) -> None:
        self._value = value
        self._there.set()

    def get(self) -> int:
        self._there.wait()
        return self._value


def measure_flood(wire: Sequence[bytes], count: int, *, processes: int) -> float:
    """Return the seconds a message takes, written in chunks and never looked at."""
    block = b"".join(wire)
    mean = len(block) / len(wire)
    total = int(mean * count)
    per_chunk = max(1, int(_CHUNK / mean))
    chunk = (block * (1 + _CHUNK // len(block)))[: int(per_chunk * mean)]
    port: multiprocessing.SimpleQueue[int] | _Slot
    sink: threading.Thread | multiprocessing.context.SpawnProcess
    if processes == 1:
        port = _Slot()
        sink = threading.Thread(target=_drain_main, args=(mean, total, port))
    else:
        context = multiprocessing.get_context("spawn")
        port = context.SimpleQueue()
        sink = context.Process(target=_drain_main, args=(mean, total, port))
    sink.start()
    number = port.get()

    async def send() -> float:
        opened: list[asyncio.Transport] = []
        loop = asyncio.get_running_loop()
        _, source = await loop.create_connection(lambda: _Source(opened), "127.0.0.1", number)
        begin = time.perf_counter()
        left = total
        while left > 0:
            source.transport.write(chunk if left > len(chunk) else chunk[:left])
            left -= len(chunk)
            await source.writable.wait()
        await loop.run_in_executor(None, sink.join)
        elapsed = time.perf_counter() - begin
        await _close(opened)
        return elapsed

    return asyncio.run(send()) / count


class _Handing(_Open):
    """Hands on whatever comes."""

    def __init__(self, opened: list[asyncio.Transport], take: Callable[[bytes], None]) -> None:
        super().__init__(opened)
        self._take = take

    def data_received(self, data: bytes) -> None:
        self._take(data)


class _Pinger:
    """Writes the next message when the whole of the last has come back."""

    def __init__(self, wire: Sequence[bytes], count: int) -> None:
        self._wire = wire
        self._count = count
        self._left = 0
        self._sent = 0.0
        self.transport: asyncio.Transport
        self.times: list[float] = []
        self.done = asyncio.Event()

    def next(self) -> None:
        data = self._wire[len(self.times) % len(self._wire)]
        self._left = len(data)
        self._sent = time.perf_counter()
        self.transport.write(data)

    def take(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left == 0:
            self.times.append(time.perf_counter() - self._sent)
            if len(self.times) == self._count:
                self.done.set()
            else:
                self.next()


async def _listen(
    opened: list[asyncio.Transport], take: Callable[[bytes], None]
) -> tuple[asyncio.AbstractServer, int]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Handing(opened, take), "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


async def _connect(opened: list[asyncio.Transport], port: _Slot) -> asyncio.Transport:
    loop = asyncio.get_running_loop()
    number = await loop.run_in_executor(None, port.get)
    transport, _ = await loop.create_connection(lambda: _Open(opened), "127.0.0.1", number)
    return transport


def measure_ping_pong(wire: Sequence[bytes], count: int) -> list[float]:
    """Return how long each message took there and back, over two connections between two threads."""
    there, back, end = _Slot(), _Slot(), threading.Event()

    async def answer() -> None:
        opened: list[asyncio.Transport] = []
        out: list[asyncio.Transport] = []

        def give_back(data: bytes) -> None:
            out[0].write(data)

        server, number = await _listen(opened, give_back)
        out.append(await _connect(opened, back))
        there.put(number)
        await asyncio.get_running_loop().run_in_executor(None, end.wait)
        await _close(opened, server)

    async def ask() -> list[float]:
        opened: list[asyncio.Transport] = []
        pinger = _Pinger(wire, count)
        server, number = await _listen(opened, pinger.take)
        back.put(number)
        pinger.transport = await _connect(opened, there)
        pinger.next()
        await pinger.done.wait()
        await _close(opened, server)
        return pinger.times

    thread = threading.Thread(target=lambda: asyncio.run(answer()))
    thread.start()
    try:
        return asyncio.run(ask())
    finally:
        end.set()
        thread.join()
