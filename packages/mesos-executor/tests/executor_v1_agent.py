"""A v1 agent that does what a test says: streams over real sockets, calls into a queue."""

from __future__ import annotations

import queue
import socketserver
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import Any

from executor_agent import DEADLINE
from executor_helpers import ENVIRON
from executor_recorder import Recorder
from executor_v1_helpers import Call, E, acknowledged, launch, subscribed
from mesos_executor import Status
from mesos_executor.v1 import HttpExecutorDriver
from mesos_http import JSON, PROTOBUF, encode
from mesos_proto.v1 import mesos_pb2 as mesos

PATH = "/slave(1)/api/v1/executor"


class Stream:
    """One SUBSCRIBE; write to it from the test."""

    def __init__(self, handler: BaseHTTPRequestHandler, call: Call) -> None:
        self._handler = handler
        self._lock = threading.Lock()
        self.call = call
        self.headers = handler.headers
        self.codec = JSON if handler.headers["Accept"] == JSON.media_type else PROTOBUF
        self.over = threading.Event()

    def begin(self) -> Stream:
        handler = self._handler
        handler.send_response(200)
        handler.send_header("Content-Type", self.codec.media_type)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        return self

    def send(self, *events: E) -> Stream:
        for event in events:
            self.write(encode(self.codec.encode(event)))
        return self

    def write(self, data: bytes) -> Stream:
        with self._lock:
            self._handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        return self

    def subscribe(self) -> Stream:
        return self.begin().send(subscribed())

    def refuse(self, status: int, body: bytes = b"") -> None:
        answer(self._handler, status, body)
        self.over.set()

    def cut(self) -> None:
        """Close the connection in the midst of it."""
        self._handler.close_connection = True
        self.over.set()

    def end(self) -> None:
        with self._lock:
            self._handler.wfile.write(b"0\r\n\r\n")
        self.cut()


class HttpAgent:
    """Puts every SUBSCRIBE into `streams`, any other call into `calls`; accepts the former, and acknowledges
    updates, by itself if it is to.

    `answer(call)` is the status and body for a call. On a TCP port, over TLS, or on a socket in a file.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        acknowledges: bool = True,
        tls: ssl.SSLContext | None = None,
        unix_socket: Path | None = None,
    ) -> None:
        self.acknowledges = acknowledges
        self.streams: queue.Queue[Stream] = queue.Queue()
        self.calls: queue.Queue[Call] = queue.Queue()
        self.paths: set[str] = set()
        self.tokens: set[str | None] = set()
        self.answer: Callable[[Call], tuple[int, bytes]] = lambda call: (202, b"")
        self.accepts = False
        self._open: list[Stream] = []
        self._tls = tls
        self._unix_socket = unix_socket
        self._server = self._listen(port)
        self.port = 5051 if unix_socket else self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def _listen(self, port: int) -> socketserver.BaseServer:
        agent = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = agent._unix_socket is None

            def do_POST(self) -> None:
                agent._take(self)

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        class Serving(socketserver.ThreadingMixIn):
            allow_reuse_address = True
            daemon_threads = False

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # A driver that closes its connection.

        class Tcp(Serving, socketserver.TCPServer):
            def get_request(self) -> Any:
                sock, address = super().get_request()
                if agent._tls is not None:
                    sock = agent._tls.wrap_socket(sock, server_side=True)
                return sock, address

        class Unix(Serving, socketserver.UnixStreamServer):
            def get_request(self) -> Any:
                return super().get_request()[0], ("", 0)

        if self._unix_socket is not None:
            return Unix(str(self._unix_socket), Handler)
        return Tcp(("127.0.0.1", port), Handler)

    def environ(self, **changes: str) -> dict[str, str]:
        """Return what this agent gives to an executor; MESOS_LOCAL: no watchdog kills the tests."""
        pid = f"slave(1)@127.0.0.1:{self.port}"
        return {**ENVIRON, "MESOS_SLAVE_PID": pid, "MESOS_LOCAL": "1", **changes}

    def next_stream(self) -> Stream:
        """Wait for a SUBSCRIBE."""
        return self.streams.get(timeout=DEADLINE)

    def next_call(self) -> Call:
        """Wait for another call."""
        return self.calls.get(timeout=DEADLINE)

    def next_status(self) -> mesos.TaskStatus:
        """Wait for an update."""
        call = self.next_call()
        assert call.type == Call.UPDATE, call
        return call.update.status

    def close(self) -> None:
        """Go away, connections and all."""
        for stream in self._open:
            stream.cut()
        self._server.shutdown()
        self._thread.join(DEADLINE)
        self._server.server_close()

    def __enter__(self) -> HttpAgent:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        codec = JSON if handler.headers["Content-Type"] == JSON.media_type else PROTOBUF
        call = codec.decode(Call, body)
        self.paths.add(handler.path)
        self.tokens.add(handler.headers["Authorization"])
        if call.type == Call.SUBSCRIBE:
            stream = Stream(handler, call)
            if self.accepts:
                stream.subscribe()
            self._open.append(stream)
            self.streams.put(stream)
            assert stream.over.wait(DEADLINE * 3)
            return
        status, text = self.answer(call)
        answer(handler, status, text)
        self.calls.put(call)
        if call.type == Call.UPDATE and status == 202 and self.acknowledges:
            self._open[-1].send(acknowledged(call.update.status))


def answer(handler: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
    """Answer a call."""
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


class Setup:
    """An agent, an executor, and the driver between them."""

    def __init__(self, agent: HttpAgent, *, environ: dict[str, str] | None = None, **arguments: Any) -> None:
        self.agent = agent
        self.executor = Recorder()
        self.driver = HttpExecutorDriver(self.executor, agent.environ(**(environ or {})), **arguments)
        self.stream: Stream

    def connect(self) -> Setup:
        assert self.driver.start() is Status.RUNNING
        self.stream = self.agent.next_stream().subscribe()
        self.executor.expect("registered")
        return self


HALF = encode(launch("half").SerializeToString())[:-9]
BAD_STREAMS: dict[str, Callable[[Stream], object]] = {
    "a record cut short": lambda stream: stream.write(HALF).end(),
    "a connection cut in a record": lambda stream: stream.write(HALF).cut(),
    "no record": lambda stream: stream.write(b"<html>404</html>"),
    "a record of 1 GiB": lambda stream: stream.write(b"1073741824\nxxxx"),
    "a length of 100 digits": lambda stream: stream.write(b"1" * 100 + b"\nx"),
    "a negative length": lambda stream: stream.write(b"-5\nxxxxx"),
    "a record that is no event": lambda stream: stream.write(encode(b"\xff\xff\xff")),
    "the end": lambda stream: stream.end(),
}
