"""Calls: what is sent, redirects, and the errors of every status."""

from __future__ import annotations

import gzip
import socket
import threading

import pytest
import requests
from http_cases import NOWHERE, STATUSES, location_of
from http_helpers import WAIT, Exchange, Server
from mesos_http import (
    JSON,
    PROTOBUF,
    BodyTooLarge,
    Client,
    ClientClosed,
    ClientMisuse,
    ConnectionFailed,
    DecodeError,
    RedirectFailed,
    RequestsTransport,
    Settings,
    TimedOut,
    Unavailable,
)
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2 as scheduler

CALL = scheduler.Call(type=scheduler.Call.REVIVE, framework_id=mesos.FrameworkID(value="F"))
QUICK = Settings(redirect_pause=0)


class Secret:
    def authorization(self):
        return "Basic c2VjcmV0"


def accept(exchange: Exchange) -> None:
    exchange.answer(202)


@pytest.mark.parametrize("codec", [PROTOBUF, JSON])
def test_what_a_call_sends(codec):
    with Server(accept) as server, Client(server.url, codec=codec, auth=Secret()) as client:
        assert client.call(CALL, stream_id="S").status == 202
        assert client.call(CALL).status == 202
        assert server.connections == 1
    first, second = server.requests
    assert (first.method, first.path) == ("POST", "/api/v1/scheduler")
    assert codec.decode(scheduler.Call, first.body) == CALL
    assert first.headers["content-type"] == first.headers["accept"] == codec.media_type
    assert first.headers["authorization"] == "Basic c2VjcmV0"
    assert first.headers["mesos-stream-id"] == "S"
    assert first.headers["accept-encoding"] == "identity"
    assert "mesos-stream-id" not in second.headers


@pytest.mark.parametrize("own_session", [True, False])
def test_the_environment_changes_nothing(own_session, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with requests.Session() as session, Server(accept) as server:
        transport = RequestsTransport(session if own_session else None)
        with Client(server.url, auth=Secret(), transport=transport) as client:
            client.call(CALL)
        with Client(server.url, transport=RequestsTransport(session if own_session else None)) as client:
            client.call(CALL)
    assert server.requests[0].headers["authorization"] == "Basic c2VjcmV0"
    assert "authorization" not in server.requests[1].headers


@pytest.mark.parametrize(("status", "reason", "kind", "following"), STATUSES)
def test_every_status_has_its_error(status, reason, kind, following):
    def script(exchange: Exchange) -> None:
        exchange.answer(status, reason, Retry_After="7", WWW_Authenticate='Basic realm="r"')

    with Server(script) as server, Client(server.url, auth=Secret()) as client:
        for send in (client.call, lambda call: client.stream(call, scheduler.Event)):
            with pytest.raises(kind) as caught:
                send(CALL)
            error = caught.value
            assert type(error) is kind
            assert (error.status, error.reason, error.retry_after) == (status, reason.decode(), 7.0)
            assert following in (None, error.next)
            assert str(status) in str(error) and reason.decode() in str(error) and "c2Vj" not in str(error)
    if status == 401:
        assert error.challenges == 'Basic realm="r"' and error.challenges in str(error)


@pytest.mark.parametrize("form", ["whole", "no scheme", "no path"])
@pytest.mark.parametrize("status", [307, 308, 302])
def test_redirects_are_followed_and_remembered(form, status):
    def redirect(exchange: Exchange) -> None:
        exchange.answer(status, Location=location_of(form, leader.port))

    with (
        Server(accept) as leader,
        Server(redirect) as follower,
        Client(follower.url, auth=Secret()) as client,
    ):
        client.call(CALL)
        client.call(CALL)
        assert client.url == leader.url
        assert len(follower.requests) == 1 and len(leader.requests) == 2
        assert leader.requests[0].method == "POST" and leader.requests[0].path == "/api/v1/scheduler"
        assert leader.requests[0].body == PROTOBUF.encode(CALL)
        assert leader.requests[0].headers["authorization"] == "Basic c2VjcmV0"


def test_a_leader_that_is_gone_is_forgotten():
    def redirect(exchange: Exchange) -> None:
        exchange.answer(307, Location=f"//127.0.0.1:{leader.port}")

    with Server(redirect) as follower, Client(follower.url, settings=QUICK) as client:
        with Server(accept) as leader:
            client.call(CALL)
        with pytest.raises(ConnectionFailed):
            client.call(CALL)
        assert client.url == follower.url
        with Server(accept) as leader:
            client.call(CALL)
            assert client.url == leader.url
            leader.script = lambda exchange: exchange.answer(503)
            with pytest.raises(Unavailable):
                client.call(CALL)
            assert client.url == follower.url


def test_redirects_are_bounded():
    def around(exchange: Exchange) -> None:
        exchange.answer(307, Location=server.url)

    settings = Settings(redirect_pause=0, max_redirects=3)
    with Server(around) as server, Client(server.url, settings=settings) as client:
        with pytest.raises(RedirectFailed, match="do not agree on who leads"):
            client.call(CALL)
        assert len(server.requests) == 4


def test_pauses_between_redirects_end_when_the_client_is_closed():
    def around(exchange: Exchange) -> None:
        exchange.answer(307, Location=server.url)

    caught: list[BaseException] = []
    settings = Settings(redirect_pause=1e6)
    with Server(around) as server, Client(server.url, settings=settings) as client:

        def call() -> None:
            try:
                client.call(CALL)
            except ClientClosed as error:
                caught.append(error)

        thread = threading.Thread(target=call)
        thread.start()
        assert server.arrived.wait(WAIT)
        client.close()
        thread.join(WAIT)
        assert not thread.is_alive() and caught


@pytest.mark.parametrize("location", NOWHERE)
@pytest.mark.parametrize("own_session", [True, False])
def test_redirects_to_nowhere(location, own_session):
    transport = None if own_session else RequestsTransport(requests.Session())
    with Server(lambda exchange: exchange.answer(307, Location=location)) as server:
        with Client(server.url, transport=transport) as client, pytest.raises(RedirectFailed) as caught:
            client.call(CALL)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "host:5050", "zk://h/mesos", "http://", "http://u:secret@h/", "http://h:x/", "http://h/a b"]
)
def test_urls_that_cannot_be_meant(url):
    with pytest.raises(ClientMisuse) as caught:
        Client(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("value", ["", "Basic a\r\nX: y", " Basic a", "Bäsic", "Basic a\x00"])
def test_authorizations_that_cannot_be_sent_are_not_shown(value):
    class Bad:
        def authorization(self):
            return value

    with Client("http://127.0.0.1:1", auth=Bad()) as client, pytest.raises(ClientMisuse) as caught:
        client.call(CALL)
    assert value.strip() == "" or value not in str(caught.value)


def test_calls_that_are_not_whole():
    call = scheduler.Call(type=scheduler.Call.KILL, kill=scheduler.Call.Kill())
    for codec in (PROTOBUF, JSON):
        with (
            Client("http://127.0.0.1:1", codec=codec) as client,
            pytest.raises(ClientMisuse, match=r"kill\.task_id"),
        ):
            client.call(call)


@pytest.mark.parametrize("codec", [PROTOBUF, JSON])
@pytest.mark.parametrize("compression", [True, False])
def test_answers_with_a_message(codec, compression):
    event = scheduler.Event(type=scheduler.Event.ERROR, error=scheduler.Event.Error(message="m" * 5000))

    def script(exchange: Exchange) -> None:
        body = codec.encode(event)
        if exchange.request.headers["accept-encoding"] == "gzip":
            exchange.answer(200, gzip.compress(body), Content_Type=codec.media_type, Content_Encoding="gzip")
        else:
            exchange.answer(200, body, Content_Type=codec.media_type)

    settings = Settings(compression=compression)
    with Server(script) as server, Client(server.url, codec=codec, settings=settings) as client:
        assert client.call(CALL, scheduler.Event).message == event
        assert client.call(CALL).message is None
        assert server.connections == 1


def test_answers_that_make_no_sense():
    answers = [
        ("text/html", b"<p>"),
        ("application/x-protobuf", b"\xff"),
        ("application/x-protobuf", b"x" * 99),
    ]
    with Server(lambda exchange: exchange.answer(200, answers[0][1], Content_Type=answers[0][0])) as server:
        with Client(server.url, settings=Settings(max_body=50)) as client:
            with pytest.raises(DecodeError, match="text/html"):
                client.call(CALL, scheduler.Event)
            del answers[0]
            with pytest.raises(DecodeError, match=r"mesos\.v1\.scheduler\.Event"):
                client.call(CALL, scheduler.Event)
            del answers[0]
            with pytest.raises(BodyTooLarge, match="more than 50 bytes"):
                client.call(CALL, scheduler.Event)


def test_a_bomb_is_not_unpacked():
    bomb = gzip.compress(b"\0" * 10_000_000)

    def script(exchange: Exchange) -> None:
        exchange.answer(200, bomb, Content_Type=PROTOBUF.media_type, Content_Encoding="gzip")

    settings = Settings(max_body=100_000, compression=True)
    with Server(script) as server, Client(server.url, settings=settings) as client:
        with pytest.raises(BodyTooLarge):
            client.call(CALL, scheduler.Event)


def test_an_error_has_the_words_of_the_system_and_no_others():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    with Client(url) as client, pytest.raises(ConnectionFailed) as caught:
        try:
            raise OSError("unrelated")
        except OSError:
            client.call(CALL)
    assert str(caught.value) == f"{url}: Connection refused"


def test_no_answer():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}/") as client, pytest.raises(ConnectionFailed, match=str(port)):
        client.call(CALL)
    with Server(lambda exchange: exchange.hang()) as server:
        with Client(server.url, settings=Settings(timeout=0.1)) as client, pytest.raises(TimedOut):
            client.call(CALL)
    with Server(lambda exchange: exchange.sock.sendall(b"SSH-2.0-x\r\n\r\n")) as server:
        with Client(server.url) as client, pytest.raises(ConnectionFailed):
            client.call(CALL)


def test_close_ends_a_call_that_waits_in_another_thread():
    caught: list[BaseException] = []
    with Server(lambda exchange: exchange.hang()) as server, Client(server.url) as client:

        def call() -> None:
            try:
                client.call(CALL)
            except ClientClosed as error:
                caught.append(error)

        thread = threading.Thread(target=call)
        thread.start()
        assert server.arrived.wait(WAIT)
        client.close()
        thread.join(WAIT)
        assert not thread.is_alive() and caught
        with pytest.raises(ClientClosed):
            client.call(CALL)


def test_settings_that_cannot_be_meant():
    with pytest.raises(ClientMisuse, match="timeout must be more than 0"):
        Settings(timeout=0)
    with pytest.raises(ClientMisuse, match="on the session"), requests.Session() as session:
        RequestsTransport(session, verify=False)
