"""A master that does what a test says: streams over real sockets, calls into a queue."""

from __future__ import annotations

import queue
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from mesos_http import JSON, PROTOBUF, encode
from mesos_proto.v1 import scheduler_pb2 as scheduler
from scheduler_v1_helpers import subscribed

WAIT = 20.0
Call = scheduler.Call


class Stream:
    """One SUBSCRIBE; write to it from the test, then `end` it."""

    def __init__(self, handler: BaseHTTPRequestHandler, call: Call) -> None:
        self._handler = handler
        self.call = call
        self.headers = handler.headers
        self.codec = JSON if handler.headers["Accept"] == JSON.media_type else PROTOBUF
        self.over = threading.Event()
        self.id = f"stream-{id(self)}"

    def begin(self) -> Stream:
        handler = self._handler
        handler.send_response(200)
        handler.send_header("Content-Type", self.codec.media_type)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.send_header("Mesos-Stream-Id", self.id)
        handler.end_headers()
        return self

    def send(self, *events: scheduler.Event) -> Stream:
        for event in events:
            self.write(encode(self.codec.encode(event)))
        return self

    def write(self, data: bytes) -> Stream:
        self._handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        return self

    def subscribe(self, **fields: Any) -> Stream:
        return self.begin().send(subscribed(**fields))

    def refuse(self, status: int, body: bytes = b"", **headers: str) -> None:
        handler = self._handler
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)
        self.over.set()

    def cut(self) -> None:
        """Close the connection in the midst of it."""
        self._handler.close_connection = True
        self.over.set()

    def end(self) -> None:
        self._handler.wfile.write(b"0\r\n\r\n")
        self.cut()


class FakeMaster:
    """Puts every SUBSCRIBE into `streams` as a `Stream`, and any other call into `calls`; over TLS with a
    `context`."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.streams: queue.Queue[Stream] = queue.Queue()
        self.calls: queue.Queue[Call] = queue.Queue()
        self.answer: Callable[[Call], tuple[int, bytes]] = lambda call: (202, b"")
        self._open: list[Stream] = []
        master = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                master._take(self)

            def do_GET(self) -> None:
                master._lead(self)

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = False

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # A driver that closes its connection.

        self._server = Server(("127.0.0.1", 0), Handler)
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.address = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.address}/api/v1/scheduler"

    def __enter__(self) -> FakeMaster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stream in self._open:
            stream.cut()
        self._server.shutdown()
        self._thread.join(WAIT)
        self._server.server_close()

    def next_stream(self) -> Stream:
        return self.streams.get(timeout=WAIT)

    def next_call(self) -> Call:
        return self.calls.get(timeout=WAIT)

    def _lead(self, handler: BaseHTTPRequestHandler) -> None:
        """Say, to who looks for the leader, that it is this one."""
        handler.send_response(307 if handler.path == "/redirect" else 404)
        handler.send_header("Location", f"//{self.address}")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def _take(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        if handler.path == "/api/v1":
            handler.send_error(404)
            return
        codec = JSON if handler.headers["Content-Type"] == JSON.media_type else PROTOBUF
        call = codec.decode(Call, body)
        if call.type == Call.SUBSCRIBE:
            stream = Stream(handler, call)
            self._open.append(stream)
            self.streams.put(stream)
            assert stream.over.wait(WAIT * 3)
            return
        status, text = self.answer(call)
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)
        self.calls.put(call)
