"""Streams under asyncio: events as they come, cuts, violations, and their ends."""

from __future__ import annotations

import asyncio
import zlib

import pytest
from http_aio_helpers import AsyncServer, eventually, read_request, run
from http_helpers import WAIT
from mesos_http import (
    JSON,
    PROTOBUF,
    ClientMisuse,
    ConnectionFailed,
    DecodeError,
    RecordError,
    Settings,
    TimedOut,
    encode,
)
from mesos_http.aio import AsyncClient
from mesos_proto.v1 import scheduler_pb2 as scheduler

Event = scheduler.Event
CALL = scheduler.Call(type=scheduler.Call.SUBSCRIBE)
HEARTBEAT = Event(type=Event.HEARTBEAT)
ERROR = Event(type=Event.ERROR, error=Event.Error(message="m"))
CHUNKED = "Transfer-Encoding: chunked\r\n"


def record(event: Event, codec=PROTOBUF) -> bytes:
    return encode(codec.encode(event))


def head(more: str = CHUNKED, media: str = PROTOBUF.media_type) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {media}\r\nMesos-Stream-Id: S\r\n{more}\r\n".encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def saying(*pieces: bytes, then_wait: bool = False):
    """Return a server that answers with these pieces, each of its own write."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        if then_wait:
            await reader.read()
        else:
            writer.write_eof()
            await reader.read()

    return AsyncServer(script)


@pytest.mark.parametrize("codec", [PROTOBUF, JSON])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_events_whatever_the_pieces(codec, size):
    data = record(HEARTBEAT, codec) + b"0\n" + record(ERROR, codec) + record(HEARTBEAT, codec)
    chunks = [chunk(data[start : start + size]) for start in range(0, len(data), size)]
    answer = b"".join([head(media=codec.media_type), *chunks, b"0\r\n\r\n"])

    async def main() -> None:
        cuts = ([answer], [answer[i : i + 1] for i in range(len(answer))])
        for pieces in cuts:
            async with saying(*pieces) as server, AsyncClient(server.url, codec=codec) as client:
                async with await client.stream(CALL, Event) as stream:
                    assert stream.stream_id == "S"
                    assert [event async for event in stream] == [HEARTBEAT, ERROR, HEARTBEAT]
                    assert await stream.batch() == []

    run(main())


def test_events_in_batches_and_one_by_one():
    data = chunk(record(HEARTBEAT) + record(ERROR) + record(HEARTBEAT))

    async def main() -> None:
        async with saying(head() + data, then_wait=True) as server, AsyncClient(server.url) as client:
            stream = await client.stream(CALL, Event)
            assert await stream.__anext__() == HEARTBEAT
            assert await stream.batch() == [ERROR, HEARTBEAT]
            stream.close()
            assert await stream.batch() == []
            await eventually(lambda: server.open == 0)

    run(main())


def test_a_body_until_the_end_of_the_connection():
    async def main() -> None:
        async with saying(head("") + record(HEARTBEAT), record(ERROR)) as server:
            async with AsyncClient(server.url) as client:
                stream = await client.stream(CALL, Event)
                assert [event async for event in stream] == [HEARTBEAT, ERROR]

    run(main())


def test_packed_events_come_when_they_are_sent():
    pack = zlib.compressobj(wbits=31)
    first = pack.compress(record(HEARTBEAT)) + pack.flush(zlib.Z_SYNC_FLUSH)

    async def main() -> None:
        begin = head(CHUNKED + "Content-Encoding: gzip\r\n") + chunk(first)
        async with saying(begin, then_wait=True) as server:
            async with AsyncClient(server.url, settings=Settings(compression=True)) as client:
                async with await client.stream(CALL, Event) as stream:
                    assert await stream.__anext__() == HEARTBEAT

    run(main())


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"5\nab", RecordError),
        (b"x", RecordError),
        (b"1073741824\n", RecordError),
        (encode(b"\xff\xff"), DecodeError),
    ],
)
@pytest.mark.parametrize("together", [True, False])
def test_violations_come_after_the_events_before_them(data, error, together):
    first = record(HEARTBEAT)
    chunks = chunk(first + data) if together else chunk(first) + chunk(data)

    async def main() -> None:
        async with saying(head() + chunks + b"0\r\n\r\n") as server, AsyncClient(server.url) as client:
            stream = await client.stream(CALL, Event)
            assert await stream.__anext__() == HEARTBEAT
            with pytest.raises(error):
                await stream.__anext__()
            assert await stream.batch() == []

    run(main())


@pytest.mark.parametrize("cut", [b"", b"400\r\n5\nab", b"2"])
def test_a_connection_cut(cut):
    async def main() -> None:
        async with saying(head() + chunk(record(HEARTBEAT)) + cut) as server:
            async with AsyncClient(server.url) as client:
                stream = await client.stream(CALL, Event)
                assert await stream.__anext__() == HEARTBEAT
                with pytest.raises(ConnectionFailed):
                    await stream.__anext__()

    run(main())


def test_silence_ends_a_stream():
    async def main() -> None:
        async with saying(head() + chunk(record(HEARTBEAT)), then_wait=True) as server:
            async with AsyncClient(server.url, settings=Settings(stream_timeout=0.2)) as client:
                stream = await client.stream(CALL, Event)
                assert await stream.__anext__() == HEARTBEAT
                with pytest.raises(TimedOut):
                    await stream.__anext__()
                await eventually(lambda: server.open == 0)

    run(main())


def test_an_answer_that_is_no_stream():
    async def main() -> None:
        async with saying(head("Content-Length: 0\r\n", "text/html")) as server:
            async with AsyncClient(server.url) as client:
                with pytest.raises(DecodeError, match="is it a Mesos API"):
                    await client.stream(CALL, Event)

    run(main())


@pytest.mark.parametrize("whole_client", [True, False])
def test_closing_ends_a_read_under_way(whole_client):
    async def main() -> None:
        async with saying(head() + chunk(record(HEARTBEAT)), then_wait=True) as server:
            async with AsyncClient(server.url) as client:
                stream = await client.stream(CALL, Event)
                assert await stream.__anext__() == HEARTBEAT
                reader = asyncio.ensure_future(stream.batch())
                await asyncio.sleep(0.01)
                with pytest.raises(ClientMisuse, match="one task alone"):
                    await stream.batch()
                if whole_client:
                    await client.close()
                else:
                    stream.close()
                assert await asyncio.wait_for(reader, WAIT) == []
                await eventually(lambda: server.open == 0)

    run(main())


def test_a_cancelled_reader_leaves_no_connection():
    async def main() -> None:
        async with saying(head() + chunk(record(HEARTBEAT)), then_wait=True) as server:
            async with AsyncClient(server.url) as client:
                stream = await client.stream(CALL, Event)
                assert await stream.__anext__() == HEARTBEAT
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(stream.__anext__(), 0.01)
                await eventually(lambda: server.open == 0)
                assert await stream.batch() == []

    run(main())


def test_a_stream_that_nobody_reads_stops_the_peer():
    sent = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await read_request(reader)
        writer.write(head())
        piece = chunk(record(HEARTBEAT) * 5000)
        while sent < 100_000_000:
            writer.write(piece)
            await writer.drain()
            sent += len(piece)

    async def main() -> None:
        async with AsyncServer(script) as server, AsyncClient(server.url) as client:
            async with await client.stream(CALL, Event) as stream:
                before = -1
                while before != sent:
                    before = sent
                    await asyncio.sleep(0.3)
                assert sent < 50_000_000  # What the sockets of both sides take.
                events = 0
                while sent == before:
                    events += len(await stream.batch())
                assert events

    run(main())


def test_a_stream_does_not_keep_calls_waiting():
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while body := await read_request(reader):
            if PROTOBUF.decode(scheduler.Call, body).type == scheduler.Call.SUBSCRIBE:
                writer.write(head() + chunk(record(HEARTBEAT)))
            else:
                writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")

    async def main() -> None:
        async with AsyncServer(script) as server, AsyncClient(server.url) as client:
            async with await client.stream(CALL, Event) as stream:
                assert await stream.__anext__() == HEARTBEAT
                for _ in range(3):
                    await client.call(scheduler.Call(type=scheduler.Call.REVIVE))
            assert server.connections == 2

    run(main())
