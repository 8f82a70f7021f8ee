"""Helpers of the detector's tests: master infos, news to wait for, a master's HTTP side, a kazoo client."""

from __future__ import annotations

import http.server
import json
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from google.protobuf import json_format
from kazoo.client import KazooClient
from mesos_proto.v0 import mesos_pb2

DEADLINE = 30.0

T = TypeVar("T")


def master_info(number: int, *, port: int | None = None) -> mesos_pb2.MasterInfo:
    """Make the info of master `number` on loopback."""
    at = port if port is not None else 5050 + number
    info = mesos_pb2.MasterInfo(
        id=f"master-{number}",
        ip=16777343,
        port=at,
        pid=f"master@127.0.0.1:{at}",
        hostname="localhost",
        version="1.11.0",
    )
    info.address.hostname, info.address.ip, info.address.port = "localhost", "127.0.0.1", at
    return info


def as_json(info: mesos_pb2.MasterInfo) -> bytes:
    return json_format.MessageToJson(info, preserving_proto_field_name=True).encode()


class News(Generic[T]):
    """Collects what a callback is told."""

    def __init__(self) -> None:
        self._items: queue.SimpleQueue[tuple[float, T]] = queue.SimpleQueue()
        self.times: list[float] = []

    def __call__(self, item: T) -> None:
        self._items.put((time.monotonic(), item))

    def next(self, timeout: float = DEADLINE) -> T:
        """Wait for the next item."""
        return self.next_at(timeout)[1]

    def next_at(self, timeout: float = DEADLINE) -> tuple[float, T]:
        """Wait for the next item; return when it came, too."""
        return self._items.get(timeout=timeout)

    def until(self, wanted: Callable[[T], bool], timeout: float = DEADLINE) -> tuple[float, T]:
        """Wait for an item of a kind, passing over others."""
        end = time.monotonic() + timeout
        while True:
            at, item = self.next_at(max(0.01, end - time.monotonic()))
            if wanted(item):
                return at, item

    def empty(self) -> bool:
        return self._items.empty()


def wait_for(condition: Callable[[], Any], timeout: float = DEADLINE) -> None:
    """Wait until something that gives no sign is so."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"not so after {timeout} s"
        time.sleep(0.01)


@contextmanager
def kazoo(hosts: str, auth: str | None = None) -> Iterator[Any]:
    """A client of ZooKeeper's to set the stage with."""
    client = KazooClient(hosts, timeout=30, auth_data=[("digest", auth)] if auth else None)
    client.start(timeout=DEADLINE)
    try:
        yield client
    finally:
        client.stop()
        client.close()


class FakeMaster:
    """A master's HTTP side. `leader` is the Location it redirects to; None when it leads itself.

    `answers` maps paths to (status, body) that come before everything else.
    """

    def __init__(self, number: int = 1, port: int = 0, context: ssl.SSLContext | None = None) -> None:
        self.number = number
        self.leader: str | None = None
        self.no_leader = False
        self.old = False
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                fake.answer(self)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                fake.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                return

        class Server(http.server.ThreadingHTTPServer):
            allow_reuse_address = True
            daemon_threads = False

        self._server = Server(("127.0.0.1", port), Handler)
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def info(self) -> mesos_pb2.MasterInfo:
        return master_info(self.number, port=self.port)

    def __enter__(self) -> FakeMaster:
        self._thread.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        self.requests.append((handler.command, handler.path, dict(handler.headers.items())))
        status, body, location = self._decide(handler.path)
        handler.send_response(status)
        if location:
            handler.send_header("Location", location)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def _decide(self, path: str) -> tuple[int, bytes, str | None]:
        if path in self.answers:
            return (*self.answers[path], None)
        if path == "/api/v1" and self.old:
            return 404, b"", None
        if self.no_leader:
            return 503, b"", None
        if self.leader is not None and path in ("/api/v1", "/redirect"):
            return 307, b"", f"//{self.leader}" + ("/master/api/v1" if path == "/api/v1" else "")
        if path == "/redirect":
            return 307, b"", f"//{self.address}"
        info = self.info()
        if path == "/api/v1":
            document: dict[str, object] = {"master_info": json.loads(as_json(info))}
            return 200, json.dumps({"type": "GET_MASTER", "get_master": document}).encode(), None
        if path == "/state":
            state = {"id": info.id, "pid": info.pid, "leader": info.pid, "hostname": "localhost"}
            return 200, json.dumps({**state, "version": "0.25.0"}).encode(), None
        return 404, b"", None


@contextmanager
def raw_server(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """A TCP server on loopback whose every connection is given to `serve`; yields its port."""
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def guarded(stream: socket.socket) -> None:
        with stream:
            try:
                serve(stream)
            except OSError:
                return

    def accept(listener: socket.socket) -> None:
        listener.settimeout(0.05)
        while not stop.is_set():
            try:
                stream, _ = listener.accept()
            except TimeoutError:
                continue
            stream.settimeout(DEADLINE)
            thread = threading.Thread(target=guarded, args=(stream,))
            threads.append(thread)
            thread.start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        acceptor = threading.Thread(target=accept, args=(listener,))
        acceptor.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stop.set()
            acceptor.join()
            for thread in threads:
                thread.join()


def free_port() -> int:
    with socket.socket() as stream:
        stream.bind(("127.0.0.1", 0))
        port: int = stream.getsockname()[1]
        return port
