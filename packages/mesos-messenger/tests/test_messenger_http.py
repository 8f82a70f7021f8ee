"""Plain HTTP on the messenger's port."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import re
import socket
from collections.abc import AsyncIterator, Iterator

import pytest
from google.protobuf.wrappers_pb2 import StringValue
from mesos_messenger import (
    Encoder,
    Endpoint,
    HttpError,
    Messenger,
    Pipe,
    Request,
    Response,
    StreamingResponse,
    UsageError,
)
from messenger_helpers import DEADLINE, Calls, Inbox, connect, eventually, read_all, read_until, text


@pytest.fixture
def messenger() -> Iterator[Messenger]:
    with Messenger("master", bind="127.0.0.1:0") as messenger:
        yield messenger


@pytest.fixture
def client(messenger: Messenger) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(*messenger.upid.address, timeout=DEADLINE)
    yield connection
    connection.close()


def ask(
    client: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | Iterator[bytes] | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, dict[str, str], bytes]:
    client.request(method, path, body=body, headers=headers or {})
    response = client.getresponse()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()


async def echo(request: Request) -> Response:
    body = await request.read()
    return Response.json(
        {
            "method": request.method,
            "path": request.path,
            "tail": request.tail,
            "query": request.query,
            "auth": request.headers.get("authorization"),
            "body": body.decode(),
        }
    )


def test_the_request(messenger: Messenger, client: http.client.HTTPConnection) -> None:
    messenger.route("/echo", echo)
    status, headers, body = ask(
        client, "POST", "/echo/a%20b?x=1&y=%2F&z", b"hello", {"Authorization": "Basic abc"}
    )
    assert status == 200 and headers["content-type"] == "application/json" and "date" in headers
    assert json.loads(body) == {
        "method": "POST",
        "path": "/echo/a b",
        "tail": "a b",
        "query": {"x": "1", "y": "/", "z": ""},
        "auth": "Basic abc",
        "body": "hello",
    }


def named(name: str) -> object:
    async def handler(request: Request) -> Response:
        return Response.text(f"{name}:{request.tail}")

    return handler


def test_where_a_path_leads() -> None:
    with Endpoint(bind="127.0.0.1:0") as endpoint:
        master, files = Messenger("master", endpoint=endpoint), Messenger("files", endpoint=endpoint)
        for path in ("/", "/state", "/api/v1", "/api/v1/scheduler/"):
            master.route(path, named(path))  # type: ignore[arg-type]
        master.start()
        files.route("/read", named("files"))  # type: ignore[arg-type]
        files.start()
        endpoint.route("/version", named("version"))  # type: ignore[arg-type]
        client = http.client.HTTPConnection(*endpoint.address, timeout=DEADLINE)

        def found(path: str) -> str | int:
            status, _, body = ask(client, "GET", path)
            return body.decode() if status == 200 else status

        assert found("/") == "/:" and found("/master") == "/:" and found("/master/") == "/:"
        assert found("/state") == "/state:" == found("/master/state") == found("/state/")
        assert found("/master/api/v1") == "/api/v1:" == found("/api/v1")
        assert found("/api/v1/scheduler") == "/api/v1/scheduler/:"
        assert found("/api/v1/operator/x") == "/api/v1:operator/x"
        assert found("/files/read") == "files:" == found("/files/read/")
        assert found("/m%61ster/state") == "/state:"
        assert found("/version") == "version:"
        assert found("/read") == found("/nothing") == found("/master/nothing") == 404
        assert found("/state/../state") == 404 == found("/..")
        endpoint.delegate_to("files")
        assert found("/read") == "files:" and found("/state") == 404
        master.stop()
        assert found("/master/state") == 404
        client.close()
        with pytest.raises(UsageError):
            endpoint.route("no-slash", echo)
    with pytest.raises(UsageError):
        Messenger("x").route("no-slash", echo)


def test_statuses_headers_and_failures(messenger: Messenger, client: http.client.HTTPConnection) -> None:
    async def refuse(request: Request) -> Response:
        raise HttpError(401, "who?", [("WWW-Authenticate", "Basic realm=a"), ("WWW-Authenticate", "Bearer")])

    async def fail(request: Request) -> Response:
        raise ValueError("as the test wants")

    async def empty(request: Request) -> Response:
        return Response(204)

    messenger.route("/refuse", refuse).route("/fail", fail).route("/empty", empty).route("/json", parse)
    client.request("GET", "/refuse")
    response = client.getresponse()
    assert response.status == 401 and response.read() == b"who?"
    assert response.headers.get_all("WWW-Authenticate") == ["Basic realm=a", "Bearer"]
    assert ask(client, "GET", "/fail")[0] == 500
    assert ask(client, "GET", "/empty")[0::2] == (204, b"")
    assert ask(client, "HEAD", "/refuse")[0::2] == (401, b"")
    assert ask(client, "POST", "/json", b"{")[0] == 400
    assert ask(client, "POST", "/json", b'{"a":1}')[2] == b'{"a":1}'


async def parse(request: Request) -> Response:
    return Response.json(await request.json())


def test_compression(messenger: Messenger, client: http.client.HTTPConnection) -> None:
    async def page(request: Request) -> Response:
        return Response(body=b"x" * int(request.query["size"]))

    messenger.route("/page", page)
    for accept, size, expected in [
        ("gzip", 5000, True),
        ("deflate, gzip;q=0.5", 1024, True),
        ("gzip", 1023, False),
        ("gzip;q=0", 5000, False),
        ("", 5000, False),
    ]:
        _, headers, body = ask(client, "GET", f"/page?size={size}", headers={"Accept-Encoding": accept})
        assert (headers.get("content-encoding") == "gzip") is expected
        assert int(headers["content-length"]) == len(body)
        assert (gzip.decompress(body) if expected else body) == b"x" * size


def test_a_large_body_streams_in_and_is_bounded(messenger: Messenger) -> None:
    sizes: list[int] = []

    async def sink(request: Request) -> Response:
        total = 0
        async for part in request.stream():
            total += len(part)
            sizes.append(request.waiting)
            await asyncio.sleep(0)
        return Response.text(str(total))

    messenger.route("/sink", sink)
    client = http.client.HTTPConnection(*messenger.upid.address, timeout=DEADLINE)
    parts = (b"x" * 50_000 for _ in range(200))
    client.request("POST", "/sink", body=parts, encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    assert client.getresponse().read() == b"10000000"
    assert max(sizes) < 2_000_000
    client.close()


def test_a_body_that_nobody_reads_does_not_block_the_next_request(messenger: Messenger) -> None:
    async def ignore(request: Request) -> Response:
        return Response.text("ok")

    messenger.route("/ignore", ignore)
    with connect(messenger.upid) as peer:
        request = b"POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n" + b"x" * 500_000
        peer.sendall(request * 2)
        answers = b""
        while answers.count(b"ok") < 2:
            answers += peer.recv(4096)
        assert answers.count(b"HTTP/1.1 200 OK") == 2


def test_pipelined_requests_and_messages_are_answered_in_order(messenger: Messenger) -> None:
    release: list[asyncio.Event] = []
    inbox = Inbox()
    messenger.install(StringValue, inbox)

    async def slow(request: Request) -> Response:
        release.append(asyncio.Event())
        await release[-1].wait()
        return Response.text("slow")

    messenger.route("/slow", slow).route("/echo", echo)
    message = Encoder(messenger.upid, messenger.upid, "google.protobuf.StringValue").encode(
        text("m").SerializeToString()
    )
    with connect(messenger.upid) as peer:
        peer.sendall(
            b"GET /slow HTTP/1.1\r\n\r\n" + message + b"GET /none HTTP/1.1\r\nConnection: close\r\n\r\n"
        )
        eventually(lambda: release)
        assert inbox.values == []
        messenger.call_soon(release[0].set)
        answers = read_all(peer)
    assert re.findall(rb"HTTP/1.1 ([0-9]+) ", answers) == [b"200", b"202", b"404"]
    assert inbox.values == ["m"]


@pytest.mark.parametrize("line", [b"GET /x HTTP/1.0\r\n", b"GET /x HTTP/1.1\r\nConnection: close\r\n"])
def test_the_connection_is_closed_when_the_client_wants_it(messenger: Messenger, line: bytes) -> None:
    with connect(messenger.upid) as peer:
        peer.sendall(line + b"\r\n")
        answer = read_all(peer)
        assert b" 404 Not Found\r\n" in answer and b"onnection: close" in answer


def test_half_closed_clients_get_their_answer(messenger: Messenger) -> None:
    messenger.route("/echo", echo)
    with connect(messenger.upid) as peer:
        peer.sendall(b"GET /echo HTTP/1.1\r\n\r\n")
        peer.shutdown(socket.SHUT_WR)
        assert read_all(peer).startswith(b"HTTP/1.1 200 OK")


def test_clients_that_want_to_be_told_to_continue(messenger: Messenger) -> None:
    messenger.route("/echo", echo)
    with connect(messenger.upid) as peer:
        peer.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert read_until(peer, b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        peer.sendall(b"hi")
        assert read_until(peer, b"}").startswith(b"HTTP/1.1 200 OK")


def test_each_item_of_a_stream_is_a_chunk(messenger: Messenger) -> None:
    closed = Calls()

    async def numbers() -> AsyncIterator[bytes]:
        try:
            for number in range(3):
                yield b"item %d" % number
                yield b""
        finally:
            closed()

    async def stream(request: Request) -> StreamingResponse:
        return StreamingResponse(numbers(), content_type="text/plain", headers={"Mesos-Stream-Id": "7"})

    messenger.route("/stream", stream)
    with connect(messenger.upid) as peer:
        peer.sendall(b"GET /stream HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n")
        answer = read_until(peer, b"\r\n0\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head and b"Mesos-Stream-Id: 7" in head
    assert body == b"6\r\nitem 0\r\n6\r\nitem 1\r\n6\r\nitem 2\r\n0\r\n\r\n"
    closed.wait()


def test_a_client_that_leaves_ends_the_stream(messenger: Messenger) -> None:
    closed, pushed = Calls(), Calls()
    pipes: list[Pipe] = []

    async def forever() -> AsyncIterator[bytes]:
        try:
            yield b"x"
            await asyncio.Event().wait()
        finally:
            closed()

    async def stream(request: Request) -> StreamingResponse:
        return StreamingResponse(forever())

    async def push(request: Request) -> StreamingResponse:
        pipes.append(Pipe(on_closed=pushed))
        pipes[0].write(b"first")
        return StreamingResponse(pipes[0])

    messenger.route("/stream", stream).route("/push", push)
    for path, calls in ((b"/stream", closed), (b"/push", pushed)):
        with connect(messenger.upid) as peer:
            peer.sendall(b"GET " + path + b" HTTP/1.1\r\n\r\n")
            read_until(peer, b"\r\n1\r\nx\r\n" if path == b"/stream" else b"first\r\n")
            assert calls.calls == []
        calls.wait()
    assert pipes[0].write(b"more") is False and not pipes[0].open


def test_a_pipe_pushes_from_outside_and_ends(messenger: Messenger) -> None:
    pipe, closed = Pipe(), Calls()
    pipe.on_closed = closed

    async def push(request: Request) -> StreamingResponse:
        return StreamingResponse(pipe)

    messenger.route("/push", push)
    with connect(messenger.upid) as peer:
        peer.sendall(b"GET /push HTTP/1.1\r\n\r\n")
        read_until(peer, b"\r\n\r\n")
        for value in (b"one", b"two"):
            messenger.call_soon(pipe.write, value)
            assert read_until(peer, value + b"\r\n") == b"3\r\n" + value + b"\r\n"
        messenger.call_soon(pipe.close)
        assert read_until(peer, b"0\r\n\r\n") == b"0\r\n\r\n"
    closed.wait()
    with pytest.raises(UsageError):
        pipe.write(b"late")


def test_a_pipe_whose_client_does_not_read_breaks(messenger: Messenger) -> None:
    pipe, closed = Pipe(limit=1_000_000), Calls()
    pipe.on_closed = closed

    async def push(request: Request) -> StreamingResponse:
        return StreamingResponse(pipe)

    messenger.route("/push", push)
    with connect(messenger.upid) as peer:
        peer.sendall(b"GET /push HTTP/1.1\r\n\r\n")
        read_until(peer, b"\r\n\r\n")
        wrote = Calls()

        def more() -> None:
            for _ in range(10):
                pipe.write(b"x" * 50_000)
            wrote()

        for count in range(1, 2000):
            messenger.call_soon(more)
            wrote.wait(count)
            if closed.calls:
                break
        assert closed.calls


def test_stop_ends_streams_and_handlers() -> None:
    messenger = Messenger("m", bind="127.0.0.1:0")
    closed = Calls()

    async def forever(request: Request) -> Response:
        try:
            await asyncio.Event().wait()
        finally:
            closed()
        return Response()

    messenger.route("/forever", forever)
    messenger.start()
    with connect(messenger.upid) as peer:
        peer.sendall(b"GET /forever HTTP/1.1\r\n\r\n")
        eventually(lambda: messenger.snapshot().connections_in)
        messenger.stop()
        assert read_all(peer) == b""


def test_metrics_and_health(messenger: Messenger, client: http.client.HTTPConnection) -> None:
    inbox = Inbox()
    messenger.install(StringValue, inbox)
    with Messenger("peer", bind="127.0.0.1:0") as peer:
        for _ in range(5):
            peer.send(messenger.upid, text("x"))
        inbox.wait(5)
        assert ask(client, "GET", "/health")[0] == 200
        status, headers, body = ask(client, "GET", "/metrics/snapshot")
        values = json.loads(body)
        assert status == 200 and headers["content-type"] == "application/json"
        assert values["messenger/messages_received"] == 5
        assert values["messenger/slow_path"] == 2
        assert values[f"messenger/peers/127.0.0.1:{peer.upid.port}/messages_received"] == 5
        assert values["messenger/dropped/no_handler"] == 0


def test_clients_that_break_off_are_no_fault_of_the_handler(
    messenger: Messenger, caplog: pytest.LogCaptureFixture
) -> None:
    begun, over = Calls(), Calls()

    async def read(request: Request) -> Response:
        begun()
        try:
            return Response.text((await request.read()).decode())
        finally:
            over()

    messenger.route("/read", read)
    with connect(messenger.upid) as connection:
        connection.sendall(b"POST /master/read HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf")
        begun.wait()
    over.wait()
    with connect(messenger.upid) as connection:
        connection.sendall(
            b"POST /master/read HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 5\r\n\r\nwhole"
        )
        assert read_all(connection).endswith(b"whole")
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
