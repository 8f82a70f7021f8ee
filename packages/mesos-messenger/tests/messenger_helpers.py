"""What the messenger's tests share."""

from __future__ import annotations

import base64
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from google.protobuf.wrappers_pb2 import StringValue
from mesos_messenger import UPID

DATA = Path(__file__).parent / "data"
DEADLINE = 20.0


def text(value: str) -> StringValue:
    """A message."""
    return StringValue(value=value)


class Inbox:
    """A handler that keeps what comes, and lets a test wait for it."""

    def __init__(self) -> None:
        self.messages: list[tuple[UPID, str]] = []
        self._changed = threading.Condition()

    def __call__(self, sender: UPID, message: StringValue) -> None:
        with self._changed:
            self.messages.append((sender, message.value))
            self._changed.notify_all()

    @property
    def values(self) -> list[str]:
        return [value for _, value in self.messages]

    def wait(self, count: int) -> list[str]:
        """Wait until so many messages have come; return all."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.messages) >= count, DEADLINE), self.values[-5:]
        return self.values


class Calls:
    """A callback that keeps its arguments, and lets a test wait for calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self._changed = threading.Condition()

    def __call__(self, *args: object) -> None:
        with self._changed:
            self.calls.append(args)
            self._changed.notify_all()

    def wait(self, count: int = 1) -> list[tuple[object, ...]]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.calls) >= count, DEADLINE), self.calls[-5:]
        return self.calls


def eventually(condition: Callable[[], object]) -> None:
    """Wait until a condition holds that nobody announces."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.002)


def recorded_streams(name: str) -> Iterator[tuple[int, str, bytes]]:
    """Yield (connection, who sends, bytes) of a recording of real traffic."""
    streams: dict[tuple[int, str], bytearray] = {}
    with (DATA / f"{name}.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if "data" in record:
                key = (record["conn"], record["from"])
                streams.setdefault(key, bytearray()).extend(base64.b64decode(record["data"]))
    for (connection, side), data in streams.items():
        yield connection, side, bytes(data)


class RawPeer:
    """A listening socket that does as the test says: a peer that is no messenger."""

    def __init__(self, *, receive_buffer: int | None = None) -> None:
        self._listener = socket.socket()
        self._listener.settimeout(DEADLINE)
        if receive_buffer is not None:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(16)
        self._accepted: list[socket.socket] = []
        self.address: tuple[str, int] = self._listener.getsockname()
        self.upid = UPID("raw", *self.address)

    def accept(self) -> socket.socket:
        """Return the next connection."""
        connection, _ = self._listener.accept()
        connection.settimeout(DEADLINE)
        self._accepted.append(connection)
        return connection

    def __enter__(self) -> RawPeer:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._accepted:
            connection.close()
        self._listener.close()


def connect(upid: UPID) -> socket.socket:
    """Open a bare connection to a messenger."""
    connection = socket.create_connection(upid.address, timeout=DEADLINE)
    connection.settimeout(DEADLINE)
    return connection


def read_until(connection: socket.socket, ending: bytes) -> bytes:
    """Read until the bytes end so."""
    data = b""
    while not data.endswith(ending):
        part = connection.recv(65536)
        assert part, f"closed after {data[-200:]!r}"
        data += part
    return data


def read_all(connection: socket.socket) -> bytes:
    """Read until the peer closes."""
    parts = []
    while part := connection.recv(1 << 20):
        parts.append(part)
    return b"".join(parts)


def reset(connection: socket.socket) -> None:
    """Close a connection so that the peer gets a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
