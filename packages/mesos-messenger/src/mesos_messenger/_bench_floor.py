"""The floor of the benchmark: bytes through bare asyncio connections, nothing parsed."""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
import time
from collections.abc import Sequence
from typing import cast

__all__ = ["measure_flood", "measure_ping_pong"]

_CHUNK = 256 * 1024
_ANSWER = b"HTTP/1.1 202 Accepted\r\nDate: Sun, 22 Nov 2026 18:53:55 GMT\r\nContent-Length: 0\r\n\r\n"


class _Sink(asyncio.Protocol):
    """Counts bytes, and writes as many answers as messages of the mean size have come."""

    def __init__(self, mean: float, total: int, done: asyncio.Event) -> None:
        self._mean = mean
        self._total = total
        self._done = done
        self._seen = 0
        self._answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._seen += len(data)
        whole = int(self._seen / self._mean)
        self._transport.write(_ANSWER * (whole - self._answered))
        self._answered = whole
        if self._seen >= self._total:
            self._done.set()


class _Source(asyncio.Protocol):
    """Writes chunks as fast as they are taken."""

    def __init__(self) -> None:
        self.writable = asyncio.Event()
        self.writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=0)

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()


async def _drain(mean: float, total: int, port: multiprocessing.SimpleQueue[int] | _Slot) -> None:
    done = asyncio.Event()
    server = await asyncio.get_running_loop().create_server(lambda: _Sink(mean, total, done), "127.0.0.1", 0)
    port.put(server.sockets[0].getsockname()[1])
    await done.wait()
    server.close()


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
        _, source = await asyncio.get_running_loop().create_connection(_Source, "127.0.0.1", number)
        begin = time.perf_counter()
        left = total
        while left > 0:
            source.transport.write(chunk if left > len(chunk) else chunk[:left])
            left -= len(chunk)
            await source.writable.wait()
        await asyncio.get_running_loop().run_in_executor(None, sink.join)
        elapsed = time.perf_counter() - begin
        source.transport.abort()
        return elapsed

    return asyncio.run(send()) / count


class _Back(asyncio.Protocol):
    """Gives back whatever comes, over the other connection."""

    def __init__(self, other: list[asyncio.Transport]) -> None:
        self._other = other

    def data_received(self, data: bytes) -> None:
        self._other[0].write(data)


class _Pinger(asyncio.Protocol):
    """Writes the next message when the whole of the last has come back."""

    def __init__(self, wire: Sequence[bytes], count: int, out: list[asyncio.Transport]) -> None:
        self._wire = wire
        self._count = count
        self._out = out
        self._left = 0
        self._sent = 0.0
        self.times: list[float] = []
        self.done = asyncio.Event()

    def next(self) -> None:
        data = self._wire[len(self.times) % len(self._wire)]
        self._left = len(data)
        self._sent = time.perf_counter()
        self._out[0].write(data)

    def data_received(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left == 0:
            self.times.append(time.perf_counter() - self._sent)
            if len(self.times) == self._count:
                self.done.set()
            else:
                self.next()


def measure_ping_pong(wire: Sequence[bytes], count: int) -> list[float]:
    """Return how long each message took there and back, over two connections between two threads."""
    port, back_port, end = _Slot(), _Slot(), threading.Event()

    async def answer() -> None:
        loop = asyncio.get_running_loop()
        out: list[asyncio.Transport] = []
        server = await loop.create_server(lambda: _Back(out), "127.0.0.1", 0)
        port.put(server.sockets[0].getsockname()[1])
        number = await loop.run_in_executor(None, back_port.get)
        transport, _ = await loop.create_connection(asyncio.Protocol, "127.0.0.1", number)
        out.append(transport)
        await loop.run_in_executor(None, end.wait)
        transport.abort()
        server.close()

    async def ask() -> list[float]:
        loop = asyncio.get_running_loop()
        out: list[asyncio.Transport] = []
        pinger = _Pinger(wire, count, out)
        connected = asyncio.Event()

        class _Accepted(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                connected.set()

            def data_received(self, data: bytes) -> None:
                pinger.data_received(data)

        server = await loop.create_server(_Accepted, "127.0.0.1", 0)
        back_port.put(server.sockets[0].getsockname()[1])
        await connected.wait()
        transport, _ = await loop.create_connection(asyncio.Protocol, "127.0.0.1", port.get())
        out.append(transport)
        pinger.next()
        await pinger.done.wait()
        transport.abort()
        server.close()
        return pinger.times

    thread = threading.Thread(target=lambda: asyncio.run(answer()))
    thread.start()
    try:
        return asyncio.run(ask())
    finally:
        end.set()
        thread.join()
