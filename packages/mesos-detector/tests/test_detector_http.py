"""Questions over real sockets: bounded in time whatever the other side does, blind to the environment."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from detector_certificate import PEM
from detector_helpers import FakeMaster, free_port, raw_server
from mesos_detector import HostPort
from mesos_detector._http import Answer, Limit, Question, QuestionError, RefusedError, ask, resolve

LIMIT = 0.5
PATIENCE = 10.0


def question(
    port: int, *, host: str = "127.0.0.1", scheme: str = "http", path: str = "/redirect"
) -> Question:
    return Question(scheme, HostPort(host, port), path)


def reply(data: bytes) -> Callable[[socket.socket], None]:
    def serve(stream: socket.socket) -> None:
        stream.recv(4096)
        stream.sendall(data)

    return serve


def drip(data: bytes) -> Callable[[socket.socket], None]:
    """Send one byte every 50 ms for as long as the other side listens."""

    def serve(stream: socket.socket) -> None:
        stream.recv(4096)
        for byte in data + b"x" * 100_000:
            stream.sendall(bytes([byte]))
            time.sleep(0.05)

    return serve


def silent(stream: socket.socket) -> None:
    while stream.recv(4096):
        pass


def test_answer_with_redirect() -> None:
    with FakeMaster() as master:
        master.leader = "10.0.0.9:5050"
        assert ask(question(master.port), Limit(PATIENCE)) == Answer(307, "//10.0.0.9:5050")
        (request,) = master.requests
        assert request[:2] == ("GET", "/redirect")


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nbody", Answer(200, None, b"body")),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nbody", Answer(200, None, b"bo")),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n",
            Answer(200, None, b"body"),
        ),
        (b"HTTP/1.1 503 No\r\nContent-Length: 1000000\r\n\r\n", Answer(503, None)),
    ],
)
def test_answers_of_several_framings(data: bytes, answer: Answer) -> None:
    with raw_server(reply(data)) as port:
        assert ask(question(port), Limit(PATIENCE)) == answer


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\x01\x02\r\n\r\n",
        b"HTTP/1.1",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (17 * 1024 * 1024),
    ],
)
def test_what_is_no_answer(data: bytes) -> None:
    with raw_server(reply(data)) as port, pytest.raises(QuestionError):
        ask(question(port), Limit(PATIENCE))


@pytest.mark.parametrize(
    "serve",
    [
        silent,
        drip(b"HTTP/1.1 200 OK\r\nX: "),
        drip(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: //a:1\r\n"),
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"),
        drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000),
    ],
)
def test_total_time_is_bounded(serve: Callable[[socket.socket], None]) -> None:
    with raw_server(serve) as port:
        begin = time.monotonic()
        with pytest.raises(QuestionError, match="in time"):
            ask(question(port), Limit(LIMIT))
        assert LIMIT <= time.monotonic() - begin < LIMIT + PATIENCE


def test_tls_handshake_is_bounded() -> None:
    with raw_server(silent) as port:
        with pytest.raises(QuestionError, match="in time"):
            ask(question(port, scheme="https"), Limit(LIMIT))


def test_http_behind_https_is_a_clear_error() -> None:
    with raw_server(reply(b"HTTP/1.1 400 Bad\r\n\r\n")) as port:
        with pytest.raises(QuestionError, match="TLS with"):
            ask(question(port, scheme="https"), Limit(PATIENCE))


def test_cancellation_cuts_a_question_off() -> None:
    cancelled = threading.Event()

    def serve(stream: socket.socket) -> None:
        stream.recv(4096)
        cancelled.set()
        silent(stream)

    with raw_server(serve) as port:
        begin = time.monotonic()
        with pytest.raises(QuestionError, match="cancelled"):
            ask(question(port), Limit(60, cancelled))
        assert time.monotonic() - begin < 30


def test_nobody_listens() -> None:
    with pytest.raises(RefusedError, match="refuses connections"):
        ask(question(free_port()), Limit(PATIENCE))


def test_name_that_does_not_resolve() -> None:
    with pytest.raises(QuestionError, match="does not resolve"):
        ask(question(1, host="no-such-host.invalid"), Limit(30))
    with pytest.raises(QuestionError, match="does not resolve"):
        resolve("a" * 70 + ".invalid", Limit(30))


def test_hanging_name_service_costs_no_more_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def hang(*arguments: object, **options: object) -> list[object]:
        release.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    try:
        begin = time.monotonic()
        with pytest.raises(QuestionError, match="in time"):
            ask(question(1, host="somewhere.example"), Limit(LIMIT))
        assert time.monotonic() - begin < LIMIT + PATIENCE
    finally:
        release.set()


def test_environment_plays_no_part(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    netrc = f"{tmp_path}/netrc"
    with open(netrc, "w", encoding="utf-8") as stream:
        stream.write("machine 127.0.0.1 login somebody password hunter2\n")
    monkeypatch.setenv("NETRC", netrc)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    with FakeMaster() as master:
        assert ask(question(master.port), Limit(PATIENCE)).status == 307
        ((_, _, headers),) = master.requests
        assert "Authorization" not in headers


def test_header_with_a_line_break_is_not_sent() -> None:
    with FakeMaster() as master:
        bad = Question("http", HostPort("127.0.0.1", master.port), "/", headers={"X": "a\r\nY: b"})
        with pytest.raises(QuestionError):
            ask(bad, Limit(PATIENCE))
        assert master.requests == []


def test_https_with_a_certificate_that_is_known_and_with_one_that_is_not(tmp_path: Path) -> None:
    pem = tmp_path / "localhost.pem"
    pem.write_text(PEM)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(pem)

    def serve(stream: socket.socket) -> None:
        with server_side.wrap_socket(stream, server_side=True) as secure:
            secure.recv(4096)
            secure.sendall(b"HTTP/1.1 307 There\r\nLocation: //b:5050\r\n\r\n")

    with raw_server(serve) as port:
        knowing = ssl.create_default_context(cafile=str(pem))
        https = question(port, scheme="https")
        assert ask(https, Limit(PATIENCE), knowing) == Answer(307, "//b:5050")
        with pytest.raises(QuestionError, match="TLS with"):
            ask(https, Limit(PATIENCE))
