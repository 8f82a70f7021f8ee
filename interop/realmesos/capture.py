"""Record libprocess traffic: a TCP proxy in front of a server, and the requests that went through.

A server that advertises the proxy's port instead of its own is reached through it by everyone. The
cutting of a stream into requests is written here once more, and for nothing but what libprocess sends,
so that recordings do not depend on the codec they are to test.
"""

from __future__ import annotations

import re
import socket
import threading
from dataclasses import dataclass, field
from types import TracebackType

_HOST = "127.0.0.1"
_BUFFER = 65536
_HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Request:
    """One message as it was on the wire."""

    sender: str  # the id of the sending process, "master"
    recipient: str
    name: str  # the full name of the protobuf message
    data: bytes


@dataclass(slots=True)
class Connection:
    """What one connection carried."""

    to_server: bytearray = field(default_factory=bytearray)
    to_client: bytearray = field(default_factory=bytearray)


class Tap:
    """A proxy on a port of its own; `target` may be set after the first clients came to know it."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self.target = 0
        self._listener = socket.create_server((_HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            try:
                server = socket.create_connection((_HOST, self.target))
            except OSError:
                client.close()
                continue
            self._sockets += [client, server]
            connection = Connection()
            self.connections.append(connection)
            for source, sink, record in (
                (client, server, connection.to_server),
                (server, client, connection.to_client),
            ):
                thread = threading.Thread(target=self._pump, args=(source, sink, record), daemon=True)
                self._threads.append(thread)
                thread.start()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket, record: bytearray) -> None:
        try:
            while data := source.recv(_BUFFER):
                record += data
                sink.sendall(data)
        except OSError:
            pass  # one side went away; the other is told below
        for end, how in ((sink, socket.SHUT_WR), (source, socket.SHUT_RD)):
            try:
                end.shutdown(how)
            except OSError:
                continue  # it is closed already

    def close(self) -> None:
        """Close the port and every connection."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        for end in self._sockets:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # closed by its peer
            end.close()
        for thread in self._threads[1:]:
            thread.join()

    def __enter__(self) -> Tap:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def requests(self) -> list[Request]:
        """Return the messages of all connections, in order within each."""
        return [request for each in list(self.connections) for request in cut(bytes(each.to_server))]


def cut(stream: bytes) -> list[Request]:
    """Cut a stream into messages; a part at the end that is not complete is dropped."""
    requests = []
    start = 0
    while (head_end := stream.find(_HEAD_END, start)) >= 0:
        head = stream[start : head_end + len(_HEAD_END)]
        end = start + len(head)
        if b"\r\nTransfer-Encoding: chunked\r\n" in head:
            size_end = stream.find(b"\r\n", end)
            if size_end < 0:
                break
            end = size_end + 2 + int(stream[end:size_end], 16) + len(b"\r\n0\r\n\r\n")
        if end > len(stream):
            break
        match = re.match(rb"POST /([^/ ]*)/([^ ]+) HTTP/1\.1\r\n", head)
        sender = re.search(rb"\r\nUser-Agent: libprocess/([^@\r]*)@", head)
        if match and sender:
            recipient, name = match.groups()
            data = stream[start:end]
            requests.append(Request(sender.group(1).decode(), recipient.decode(), name.decode(), data))
        start = end
    return requests


def body(request: bytes) -> bytes:
    """Return the body of one request as `cut` returns it: of one chunk, or none."""
    content = request.partition(_HEAD_END)[2]
    return content.partition(b"\r\n")[2].removesuffix(b"\r\n0\r\n\r\n") if content else b""
