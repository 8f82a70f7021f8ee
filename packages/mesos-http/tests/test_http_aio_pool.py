"""Connections under asyncio: used again, given up, shared by many tasks, and none left behind."""

from __future__ import annotations

import asyncio
import random

import pytest
from http_aio_helpers import AsyncServer, answering, eventually, read_request, run
from mesos_http import ClientClosed, ConnectionFailed, MesosHttpError, Settings, TimedOut
from mesos_http.aio import AsyncClient, H11Transport
from mesos_proto.v1 import scheduler_pb2 as scheduler

CALL = scheduler.Call(type=scheduler.Call.REVIVE)
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


def test_calls_one_after_the_other_share_a_connection():
    async def main() -> None:
        async with AsyncServer(answering(ACCEPTED)) as server, AsyncClient(server.url) as client:
            for _ in range(10):
                await client.call(CALL)
            assert server.connections == 1

    run(main())


@pytest.mark.parametrize(
    "answer",
    [
        ACCEPTED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        ACCEPTED.replace(b"1.1", b"1.0"),
        ACCEPTED + b"and more",
        ACCEPTED * 2,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nmore",
    ],
)
def test_a_connection_that_is_not_to_be_used_again(answer):
    async def main() -> None:
        async with AsyncServer(answering(answer)) as server, AsyncClient(server.url) as client:
            for _ in range(3):
                await client.call(CALL)
            assert server.connections == 3
            await eventually(lambda: server.open == 0)

    run(main())


@pytest.mark.parametrize("end", ["eof", "abort", "bytes"])
def test_a_connection_that_has_ended_while_idle(end):
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await read_request(reader):
            writer.write(ACCEPTED)
            await writer.drain()
            await answered.wait()
            if end == "eof":
                writer.write_eof()
            elif end == "abort":
                writer.transport.abort()
            else:
                writer.write(b"unasked")

    async def main() -> None:
        nonlocal answered
        answered = asyncio.Event()
        async with AsyncServer(script) as server, AsyncClient(server.url) as client:
            await client.call(CALL)
            answered.set()
            await eventually(lambda: server.open == 0)
            await client.call(CALL)
            assert server.connections == 2

    answered: asyncio.Event
    run(main())


def test_a_connection_that_has_ended_unseen():
    """The end has come, but the loop has not looked yet: seen before anything is sent."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(ACCEPTED)
        writers.append(writer)
        await reader.read()

    async def main() -> None:
        async with AsyncServer(script) as server, AsyncClient(server.url) as client:
            await client.call(CALL)
            writers[0].transport.get_extra_info("socket").shutdown(1)
            await client.call(CALL)
            assert server.connections == 2

    writers: list[asyncio.StreamWriter] = []
    run(main())


def test_a_server_that_takes_the_request_and_closes():
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await read_request(reader):
            writer.write(ACCEPTED)
        requests.append(await read_request(reader))

    async def main() -> None:
        async with AsyncServer(script) as server, AsyncClient(server.url) as client:
            await client.call(CALL)
            with pytest.raises(ConnectionFailed, match=r"nobody knows|reset"):
                await client.call(CALL)
            assert len(requests) == 1 and server.connections == 1  # Not sent again.
            await client.call(CALL)

    requests: list[bytes] = []
    run(main())


def test_an_answer_before_the_request_was_read():
    """A refusal of what is still being sent: understood, and the connection not used again."""
    refusal = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(refusal)
        await over.wait()

    async def main() -> None:
        nonlocal over
        over = asyncio.Event()
        call = scheduler.Call(type=scheduler.Call.MESSAGE)
        call.message.agent_id.value = call.message.executor_id.value = "x"
        call.message.data = bytes(50_000_000)
        async with AsyncServer(script) as server, AsyncClient(server.url) as client:
            for _ in range(2):
                with pytest.raises(MesosHttpError, match="503"):
                    await client.call(call)
            assert server.connections == 2
            over.set()

    over: asyncio.Event
    run(main())


def test_a_thousand_calls_at_once():
    async def main() -> None:
        async with AsyncServer(answering(ACCEPTED)) as server, AsyncClient(server.url) as client:
            answers = await asyncio.gather(*(client.call(CALL) for _ in range(1000)))
            assert [answer.status for answer in answers] == [202] * 1000
            assert server.connections <= 100

    run(main())


def test_who_waits_for_a_connection():
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        while await read_request(reader):
            requests += 1
            await gate.acquire()
            writer.write(ACCEPTED)

    async def main() -> None:
        nonlocal gate
        gate = asyncio.Semaphore(0)
        transport = H11Transport(max_connections=2)
        settings = Settings(connect_timeout=1e6)
        async with AsyncServer(script) as server:
            async with AsyncClient(server.url, transport=transport, settings=settings) as client:
                calls = [asyncio.ensure_future(client.call(CALL)) for _ in range(6)]
                await eventually(lambda: requests == 2)
                calls[2].cancel()  # It waits for its turn.
                calls[0].cancel()  # Its connection is closed, and another one opened.
                await eventually(lambda: requests == 3)
                for _ in range(5):  # One of them for the answer that nobody wants any more.
                    gate.release()
                results = await asyncio.gather(*calls, return_exceptions=True)
                assert [type(each).__name__ for each in results] == [
                    *("CancelledError", "Answer", "CancelledError", "Answer", "Answer", "Answer")
                ]
                more = [asyncio.ensure_future(client.call(CALL)) for _ in range(4)]
                await eventually(lambda: requests == 7)
                await client.close()
                for call in more:
                    with pytest.raises(ClientClosed):
                        await call

    gate: asyncio.Semaphore
    requests = 0
    run(main())


def test_waiting_for_a_connection_has_an_end():
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def main() -> None:
        transport = H11Transport(max_connections=1)
        async with AsyncServer(script) as server:
            async with AsyncClient(
                server.url, transport=transport, settings=Settings(connect_timeout=0.2)
            ) as client:
                first = asyncio.ensure_future(client.call(CALL))
                await eventually(lambda: server.connections)
                with pytest.raises(TimedOut, match="max_connections"):
                    await client.call(CALL)
                first.cancel()

    run(main())


def test_waiting_goes_on_while_others_get_their_turn():
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await read_request(reader):
            await asyncio.sleep(0.12)
            writer.write(ACCEPTED)

    async def main() -> None:
        transport, settings = H11Transport(max_connections=1), Settings(connect_timeout=1.2)
        async with AsyncServer(script) as server:
            async with AsyncClient(server.url, transport=transport, settings=settings) as client:
                answers = await asyncio.gather(*(client.call(CALL) for _ in range(14)))
                assert len(answers) == 14 and server.connections == 1

    run(main())


def test_calls_cancelled_at_any_moment_leave_nothing():
    """Each in its own moment of connecting, sending, waiting and reading; others go on."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await read_request(reader):
            for start in range(0, len(ACCEPTED), 9):
                writer.write(ACCEPTED[start : start + 9])
                await asyncio.sleep(0)

    async def main() -> None:
        chance = random.Random(7)
        transport = H11Transport(max_connections=5)
        async with AsyncServer(script) as server:
            async with AsyncClient(server.url, transport=transport) as client:
                for _ in range(60):
                    calls = [asyncio.ensure_future(client.call(CALL)) for _ in range(10)]
                    for _ in range(chance.randrange(12)):
                        await asyncio.sleep(0)
                    victims = [call for call in calls if chance.random() < 0.7]
                    for call in victims:
                        call.cancel()
                    for call in calls:
                        try:
                            assert (await call).status == 202
                        except asyncio.CancelledError:
                            assert call in victims
                assert (await client.call(CALL)).status == 202
            await eventually(lambda: server.open == 0)

    run(main())


@pytest.mark.parametrize("step", [1, 2])
def test_a_server_that_dies_at_each_byte(step):
    """An answer that is cut anywhere is an error, and the next call goes through."""
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
    position = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        for start in range(0, position, 1 if step == 1 else position):
            writer.write(answer[start : start + (1 if step == 1 else position)])
            await asyncio.sleep(0)
        writer.write_eof()
        await reader.read()

    async def main() -> None:
        nonlocal position
        async with AsyncServer(script) as server, AsyncClient(server.url) as client:
            for cut in range(len(answer)):
                position = cut
                with pytest.raises(ConnectionFailed):
                    await client.call(CALL)
            position = len(answer)
            assert (await client.call(CALL)).status == 200
            await eventually(lambda: server.open <= 1)

    run(main())
