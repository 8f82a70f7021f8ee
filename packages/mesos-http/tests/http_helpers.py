"""A server that does what a test says, byte for byte."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

WAIT = 20.0


@dataclass
class Request:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Exchange:
    """A request and the connection to answer it on."""

    def __init__(self, request: Request, sock: socket.socket, stopping: threading.Event) -> None:
        self.request = request
        self.sock = sock
        self.stopping = stopping

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer, with underscores in header names for dashes."""
        self.head(status, Content_Length=str(len(body)), **headers)
        self.sock.sendall(body)

    def head(self, status: int, **headers: str) -> None:
        lines = [f"HTTP/1.1 {status} Because"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.sock.sendall("\r\n".join([*lines, "", ""]).encode())

    def stream(self, media: str = "application/x-protobuf", **headers: str) -> None:
        """Begin a chunked answer."""
        self.head(200, Content_Type=media, Transfer_Encoding="chunked", **headers)

    def chunk(self, data: bytes) -> None:
        self.sock.sendall(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self) -> None:
        self.sock.sendall(b"0\r\n\r\n")

    def hang(self) -> None:
        """Do nothing until the server stops."""
        self.stopping.wait(WAIT)


class Server:
    """Calls `script(exchange)` for each request, which are kept in `requests`."""

    def __init__(self, script: Callable[[Exchange], None], tls: ssl.SSLContext | None = None) -> None:
        self.script = script
        self.requests: list[Request] = []
        self.connections = 0
        self.arrived = threading.Event()
        self._tls = tls
        self._stopping = threading.Event()
        self._socks: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/api/v1/scheduler"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        for sock in (self._listener, *self._socks):
            with contextlib.suppress(OSError):  # closed by the thread that reads it, once that has woken
                socket.socket.shutdown(
                    sock, socket.SHUT_RDWR
                )  # of an SSLSocket, which would read on in the clear
        for thread in self._threads:
            thread.join(WAIT)
        self._listener.close()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._socks.append(sock)
            thread = threading.Thread(target=self._serve, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            with contextlib.suppress(OSError):
                if self._tls is not None:
                    sock = self._tls.wrap_socket(sock, server_side=True)
                    self._socks.append(sock)
                with sock.makefile("rb") as file:
                    while (request := _read(file)) is not None:
                        self.requests.append(request)
                        self.arrived.set()
                        self.script(Exchange(request, sock, self._stopping))
        finally:
            sock.close()


def _read(file: object) -> Request | None:
    readline, read = file.readline, file.read  # type: ignore[attr-defined]
    first = readline().decode().split()
    if len(first) != 3:
        return None
    headers: dict[str, str] = {}
    while line := readline().decode().strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Request(first[0], first[1], headers, read(int(headers.get("content-length", "0"))))
