"""TLS: a CA of one's own, client certificates, streams that are closed from elsewhere."""

from __future__ import annotations

import ssl
import threading
from pathlib import Path

import http_certificate
import pytest
from http_helpers import WAIT, Exchange, Server
from mesos_http import Client, RedirectFailed, RequestsTransport, TlsFailed, encode
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


def test_certificates(pem):
    with Server(lambda exchange: exchange.answer(202), server_context(pem, client=True)) as server:
        with Client(server.url) as client, pytest.raises(TlsFailed):
            client.call(CALL)
        with Client(server.url, transport=RequestsTransport(verify=pem, cert=pem)) as client:
            assert client.call(CALL).status == 202


def test_no_redirect_leads_away_from_tls(pem):
    with Server(
        lambda exchange: exchange.answer(307, Location="http://127.0.0.1:1/"), server_context(pem)
    ) as server:
        with Client(server.url, transport=RequestsTransport(verify=pem)) as client:
            with pytest.raises(RedirectFailed, match="away from TLS"):
                client.call(CALL)


def test_closing_a_stream_from_another_thread(pem):
    def script(exchange: Exchange) -> None:
        exchange.stream()
        exchange.chunk(encode(HEARTBEAT.SerializeToString()))
        exchange.hang()

    with Server(script, server_context(pem)) as server:
        with Client(server.url, transport=RequestsTransport(verify=pem)) as client:
            stream = client.stream(CALL, scheduler.Event)
            assert next(stream) == HEARTBEAT
            rest: list[object] = []
            reader = threading.Thread(target=lambda: rest.append(list(stream)))
            reader.start()
            stream.close()
            reader.join(WAIT)
            assert not reader.is_alive() and rest == [[]]
