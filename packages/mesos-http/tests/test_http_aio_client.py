"""Calls under asyncio: what is sent, redirects, the errors of every status, limits of time and size."""

from __future__ import annotations

import asyncio
import gzip
import socket

import pytest
from http_aio_helpers import eventually, run
from http_cases import NOWHERE, STATUSES, location_of
from http_helpers import Exchange, Server
from mesos_http import (
    JSON,
    PROTOBUF,
    BodyTooLarge,
    ClientClosed,
    ClientMisuse,
    ConnectionFailed,
    DecodeError,
    RedirectFailed,
    Settings,
    TimedOut,
    Unavailable,
)
from mesos_http.aio import AsyncClient, H11Transport
from mesos_http.transport import HttpRequest
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2 as scheduler

CALL = scheduler.Call(type=scheduler.Call.REVIVE, framework_id=mesos.FrameworkID(value="F"))
EVENT = scheduler.Event(type=scheduler.Event.ERROR, error=scheduler.Event.Error(message="m" * 5000))


class Secret:
    def authorization(self):
        return "Basic c2VjcmV0"


def accept(exchange: Exchange) -> None:
    exchange.answer(202)


@pytest.mark.parametrize("codec", [PROTOBUF, JSON])
def test_what_a_call_sends(codec):
    async def main() -> None:
        async with AsyncClient(server.url, codec=codec, auth=Secret()) as client:
            assert (await client.call(CALL, stream_id="S")).status == 202
            assert (await client.call(CALL)).status == 202

    with Server(accept) as server:
        run(main())
        assert server.connections == 1
    first, second = server.requests
    assert (first.method, first.path) == ("POST", "/api/v1/scheduler")
    assert codec.decode(scheduler.Call, first.body) == CALL
    assert first.headers["host"] == f"127.0.0.1:{server.port}"
    assert first.headers["content-type"] == first.headers["accept"] == codec.media_type
    assert first.headers["authorization"] == "Basic c2VjcmV0"
    assert first.headers["mesos-stream-id"] == "S"
    assert first.headers["accept-encoding"] == "identity"
    assert "mesos-stream-id" not in second.headers


@pytest.mark.parametrize(("status", "reason", "kind", "following"), STATUSES)
def test_every_status_has_its_error(status, reason, kind, following):
    def script(exchange: Exchange) -> None:
        exchange.answer(status, reason, Retry_After="7", WWW_Authenticate='Basic realm="r"')

    async def main() -> None:
        async with AsyncClient(server.url, auth=Secret()) as client:
            for sending in (client.call(CALL), client.stream(CALL, scheduler.Event)):
                with pytest.raises(kind) as caught:
                    await sending
                error = caught.value
                assert type(error) is kind
                assert (error.status, error.reason, error.retry_after) == (status, reason.decode(), 7.0)
                assert following in (None, error.next)
                assert "c2Vj" not in str(error)

    with Server(script) as server:
        run(main())
        assert server.connections == 1


@pytest.mark.parametrize("form", ["whole", "no scheme", "no path"])
@pytest.mark.parametrize("status", [307, 302])
def test_redirects_are_followed_and_remembered(form, status):
    def redirect(exchange: Exchange) -> None:
        exchange.answer(status, Location=location_of(form, leader.port))

    async def main() -> None:
        async with AsyncClient(follower.url, auth=Secret()) as client:
            await client.call(CALL)
            await client.call(CALL)
            assert client.url == leader.url

    with Server(accept) as leader, Server(redirect) as follower:
        run(main())
    assert len(follower.requests) == 1 and len(leader.requests) == 2
    assert (leader.requests[0].method, leader.requests[0].path) == ("POST", "/api/v1/scheduler")
    assert leader.requests[0].body == PROTOBUF.encode(CALL)
    assert leader.requests[0].headers["authorization"] == "Basic c2VjcmV0"


def test_a_leader_that_is_gone_is_forgotten():
    def redirect(exchange: Exchange) -> None:
        exchange.answer(307, Location=f"//127.0.0.1:{leader.port}")

    async def main() -> None:
        nonlocal leader
        async with AsyncClient(follower.url, settings=Settings(redirect_pause=0)) as client:
            with leader:
                await client.call(CALL)
            with pytest.raises(ConnectionFailed):
                await client.call(CALL)
            assert client.url == follower.url
            leader = Server(accept)
            with leader:
                await client.call(CALL)
                assert client.url == leader.url
                leader.script = lambda exchange: exchange.answer(503)
                with pytest.raises(Unavailable):
                    await client.call(CALL)
                assert client.url == follower.url

    leader = Server(accept)
    with Server(redirect) as follower:
        run(main())


def test_redirects_are_bounded():
    async def main() -> None:
        settings = Settings(redirect_pause=0, max_redirects=3)
        async with AsyncClient(server.url, settings=settings) as client:
            with pytest.raises(RedirectFailed, match="do not agree on who leads"):
                await client.call(CALL)

    with Server(lambda exchange: exchange.answer(307, Location=server.url)) as server:
        run(main())
        assert len(server.requests) == 4


def test_pauses_between_redirects_end_when_the_client_is_closed():
    async def main() -> None:
        async with AsyncClient(server.url, settings=Settings(redirect_pause=1e6)) as client:
            call = asyncio.ensure_future(client.call(CALL))
            await eventually(lambda: len(server.requests) == 2)
            await client.close()
            with pytest.raises(ClientClosed):
                await call

    with Server(lambda exchange: exchange.answer(307, Location=server.url)) as server:
        run(main())


@pytest.mark.parametrize("location", NOWHERE)
def test_redirects_to_nowhere(location):
    async def main() -> None:
        async with AsyncClient(server.url) as client:
            with pytest.raises(RedirectFailed) as caught:
                await client.call(CALL)
            assert "secret" not in str(caught.value)

    with Server(lambda exchange: exchange.answer(307, Location=location)) as server:
        run(main())


@pytest.mark.parametrize("codec", [PROTOBUF, JSON])
@pytest.mark.parametrize("compression", [True, False])
def test_answers_with_a_message(codec, compression):
    def script(exchange: Exchange) -> None:
        body = codec.encode(EVENT)
        if exchange.request.headers["accept-encoding"] == "gzip":
            exchange.answer(200, gzip.compress(body), Content_Type=codec.media_type, Content_Encoding="gzip")
        else:
            exchange.answer(200, body, Content_Type=codec.media_type)

    async def main() -> None:
        settings = Settings(compression=compression)
        async with AsyncClient(server.url, codec=codec, settings=settings) as client:
            assert (await client.call(CALL, scheduler.Event)).message == EVENT
            assert (await client.call(CALL)).message is None

    with Server(script) as server:
        run(main())
        assert server.connections == 1


def test_answers_that_make_no_sense():
    answers = [
        ("text/html", b"<p>"),
        ("application/x-protobuf", b"\xff"),
        ("application/x-protobuf", b"x" * 99),
    ]

    async def main() -> None:
        async with AsyncClient(server.url, settings=Settings(max_body=50)) as client:
            with pytest.raises(DecodeError, match="text/html"):
                await client.call(CALL, scheduler.Event)
            del answers[0]
            with pytest.raises(DecodeError, match=r"mesos\.v1\.scheduler\.Event"):
                await client.call(CALL, scheduler.Event)
            del answers[0]
            with pytest.raises(BodyTooLarge, match="more than 50 bytes"):
                await client.call(CALL, scheduler.Event)

    with Server(lambda exchange: exchange.answer(200, answers[0][1], Content_Type=answers[0][0])) as server:
        run(main())


def test_a_bomb_is_not_unpacked():
    bomb = gzip.compress(b"\0" * 10_000_000)

    def script(exchange: Exchange) -> None:
        exchange.answer(200, bomb, Content_Type=PROTOBUF.media_type, Content_Encoding="gzip")

    async def main() -> None:
        settings = Settings(max_body=100_000, compression=True)
        async with AsyncClient(server.url, settings=settings) as client:
            with pytest.raises(BodyTooLarge):
                await client.call(CALL, scheduler.Event)

    with Server(script) as server:
        run(main())


def test_no_answer():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    async def refused() -> None:
        for host in ("127.0.0.1", "localhost"):
            async with AsyncClient(f"http://{host}:{port}/") as client:
                with pytest.raises(ConnectionFailed, match=f"{port}/: Connection refused$"):
                    await client.call(CALL)

    async def late() -> None:
        async with AsyncClient(server.url, settings=Settings(timeout=0.1)) as client:
            with pytest.raises(TimedOut, match=r"within 0\.1 s"):
                await client.call(CALL)

    run(refused())
    with Server(lambda exchange: exchange.hang()) as server:
        run(late())


def test_a_connection_that_does_not_come_about():
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        url = f"http://127.0.0.1:{full.getsockname()[1]}/"
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:  # More than are queued: the next one gets no answer.
            each.setblocking(False)
            each.connect_ex(full.getsockname())

        async def main() -> None:
            async with AsyncClient(url, settings=Settings(connect_timeout=0.2)) as client:
                with pytest.raises(TimedOut, match="no connection within"):
                    await client.call(CALL)

        run(main())
        for each in waiting:
            each.close()


@pytest.mark.parametrize("hosts", ["a" * 64 + ".invalid", "ä" * 80])
def test_hosts_that_are_none(hosts):
    async def main() -> None:
        async with AsyncClient(f"http://{hosts}:5050/") as client:
            with pytest.raises((ConnectionFailed, ClientMisuse)):
                await client.call(CALL)

    run(main())


def test_a_large_request_to_a_peer_that_reads_slowly():
    call = scheduler.Call(type=scheduler.Call.MESSAGE)
    call.message.agent_id.value = call.message.executor_id.value = "x"
    call.message.data = bytes(20_000_000)

    async def main() -> None:
        async with AsyncClient(server.url) as client:
            assert (await client.call(call)).status == 202

    with Server(accept) as server:
        run(main())
        assert server.requests[0].body == PROTOBUF.encode(call)


@pytest.mark.parametrize(
    "headers",
    [{"X": "a\r\nY: b"}, {"X\r\nY": "b"}, {"X": "\x00"}, {"X": "π"}, {"": "b"}, {"X Y": "b"}, {"Host": "h"}],
)
def test_headers_that_cannot_be_sent(headers):
    async def main() -> None:
        transport = H11Transport()
        with pytest.raises(ClientMisuse):
            await transport.send(HttpRequest("POST", "http://127.0.0.1:1/", headers, b""), 1, 1)
        await transport.close()

    run(main())


def test_close_ends_calls_that_wait():
    async def main() -> None:
        client = AsyncClient(server.url)
        calls = [asyncio.ensure_future(client.call(CALL)) for _ in range(5)]
        await eventually(lambda: len(server.requests) == 5)
        await client.close()
        for call in calls:
            with pytest.raises(ClientClosed):
                await call
        with pytest.raises(ClientClosed):
            await client.call(CALL)
        await client.close()

    with Server(lambda exchange: exchange.hang()) as server:
        run(main())


def test_one_client_is_of_one_loop():
    async def main() -> None:
        await client.call(CALL)

    async def other() -> None:
        with pytest.raises(ClientMisuse, match="another event loop"):
            await client.call(CALL)

    with Server(accept) as server:
        client = AsyncClient(server.url)
        loop = asyncio.new_event_loop()
        loop.run_until_complete(main())
        run(other())
        loop.run_until_complete(client.close())
        loop.close()


def test_limits_that_cannot_be_meant():
    with pytest.raises(ClientMisuse, match="max_connections must be 1 or more"):
        H11Transport(max_connections=0)
