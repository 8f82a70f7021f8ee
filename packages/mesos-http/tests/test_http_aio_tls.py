"""TLS under asyncio: a CA of one's own, client certificates, closing."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import http_certificate
import pytest
from http_aio_helpers import AsyncServer, eventually, run
from http_helpers import WAIT, Exchange, Server
from mesos_http import RedirectFailed, TlsFailed, encode
from mesos_http.aio import AsyncClient, H11Transport
from mesos_proto.v1 import scheduler_pb2 as scheduler

CALL = scheduler.Call(type=scheduler.Call.REVIVE)
HEARTBEAT = scheduler.Event(type=scheduler.Event.HEARTBEAT)


@pytest.fixture
def pem(tmp_path: Path) -> str:
    path = tmp_path / "pem"
    path.write_text(http_certificate.PEM)
    return str(path)


def server_context(pem: str, client: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    if client:
        context.load_verify_locations(pem)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def transport(pem: str, certificate: bool = True) -> H11Transport:
    context = ssl.create_default_context(cafile=pem)
    if certificate:
        context.load_cert_chain(pem)
    return H11Transport(context)


def test_certificates(pem):
    async def main() -> None:
        async with AsyncClient(server.url) as client:
            with pytest.raises(TlsFailed):
                await client.call(CALL)
        async with AsyncClient(server.url, transport=transport(pem)) as client:
            for _ in range(3):
                assert (await client.call(CALL)).status == 202
        async with AsyncClient(server.url, transport=transport(pem, certificate=False)) as client:
            with pytest.raises(TlsFailed):
                await client.call(CALL)

    with Server(lambda exchange: exchange.answer(202), server_context(pem, client=True)) as server:
        run(main())
        assert server.connections == 3


def test_a_server_without_tls(pem):
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await reader.read()

    async def main() -> None:
        async with AsyncServer(script) as server:
            url = server.url.replace("http://", "https://")
            async with AsyncClient(url, transport=transport(pem)) as client:
                with pytest.raises(TlsFailed):
                    await client.call(CALL)

    run(main())


def test_no_redirect_leads_away_from_tls(pem):
    async def main() -> None:
        async with AsyncClient(server.url, transport=transport(pem)) as client:
            with pytest.raises(RedirectFailed, match="away from TLS"):
                await client.call(CALL)

    with Server(
        lambda exchange: exchange.answer(307, Location="http://127.0.0.1:1/"), server_context(pem)
    ) as server:
        run(main())


def test_closing_a_stream(pem):
    def script(exchange: Exchange) -> None:
        exchange.stream()
        exchange.chunk(encode(HEARTBEAT.SerializeToString()))
        exchange.hang()

    async def main() -> None:
        async with AsyncClient(server.url, transport=transport(pem)) as client:
            stream = await client.stream(CALL, scheduler.Event)
            assert await stream.__anext__() == HEARTBEAT
            reader = asyncio.ensure_future(stream.batch())
            await asyncio.sleep(0)
            stream.close()
            assert await asyncio.wait_for(reader, WAIT) == []

    with Server(script, server_context(pem)) as server:
        run(main())


def test_cancelled_in_the_handshake(pem):
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        hello.set()
        await reader.read()

    async def main() -> None:
        nonlocal hello
        hello = asyncio.Event()
        async with AsyncServer(script) as server:
            url = server.url.replace("http://", "https://")
            async with AsyncClient(url, transport=transport(pem)) as client:
                call = asyncio.ensure_future(client.call(CALL))
                await hello.wait()
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
                await eventually(lambda: server.open == 0)

    hello: asyncio.Event
    run(main())
