"""One HTTP question within one total deadline.

A master that answers byte by byte, or never, costs at most the deadline: the remaining time is looked at
before every wait, and so is the cancellation. Nothing of the environment (proxies, netrc) plays a part,
and no redirect is followed here: what a redirect means is for the caller to decide.
"""

from __future__ import annotations

import http.client
import io
import os
import select
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from mesos_detector.address import HostPort

_SLICE = 0.05
_MAX_BODY = 16 * 1024 * 1024


class QuestionError(Exception):
    """The question was not answered: a timeout, a broken connection, or something that is not HTTP."""


class RefusedError(QuestionError):
    """Nobody listens at the address."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request: GET, or POST when there is a body."""

    scheme: str
    server: HostPort
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: its status, its Location (or None) and its body."""

    status: int
    location: str | None
    body: bytes = b""


class Limit:
    """A point in time and a cancellation, looked at together."""

    def __init__(self, seconds: float, cancelled: threading.Event | None = None) -> None:
        self._end = time.monotonic() + seconds
        self._cancelled = cancelled or threading.Event()

    def slice(self) -> float:
        """Return how long to wait next, in seconds; raise QuestionError when there is no time left."""
        if self._cancelled.is_set():
            raise QuestionError("cancelled")
        left = self._end - time.monotonic()
        if left <= 0:
            raise QuestionError("no complete answer in time")
        return min(left, _SLICE)


class _BoundedReader(io.RawIOBase):
    """Reads a socket, never past the limit."""

    def __init__(self, stream: socket.socket, limit: Limit) -> None:
        self._stream = stream
        self._limit = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while True:
            self._stream.settimeout(self._limit.slice())
            try:
                return self._stream.recv_into(buffer)
            except TimeoutError:
                continue


class _BoundedSocket:
    """As much of a socket as http.client's response reader uses."""

    def __init__(self, stream: socket.socket, limit: Limit) -> None:
        self._reader = _BoundedReader(stream, limit)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._reader)


def ask(question: Question, limit: Limit, context: ssl.SSLContext | None = None) -> Answer:
    """Ask, and return the answer whatever its status; raise QuestionError or RefusedError without one."""
    try:
        with _connect(question.server, limit) as plain:
            if question.scheme != "https":
                return _exchange(plain, question, limit)
            secure = (context or ssl.create_default_context()).wrap_socket(
                plain, server_hostname=question.server.host, do_handshake_on_connect=False
            )
            with secure:
                _handshake(secure, limit)
                return _exchange(secure, question, limit)
    except ConnectionRefusedError as error:
        raise RefusedError(f"{question.server} refuses connections") from error
    except ssl.SSLError as error:
        raise QuestionError(f"TLS with {question.server} failed: {error.reason or error}") from error
    except OSError as error:
        raise QuestionError(f"{question.server}: {error.strerror or error}") from error
    except (http.client.HTTPException, ValueError) as error:
        raise QuestionError(f"{question.server} does not speak HTTP ({type(error).__name__})") from error
    except QuestionError as error:
        raise QuestionError(f"{question.server}: {error}") from error.__cause__


def resolve(host: str, limit: Limit) -> list[str]:
    """Return the addresses of a host name, IPv4 first; a name service that hangs costs the limit at most."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return [host]
    found: list[str] = []
    problem: list[OSError | UnicodeError] = []

    def look_up() -> None:
        try:
            entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            problem.append(error)
            return
        entries.sort(key=lambda entry: entry[0] != socket.AF_INET)
        found.extend(str(entry[4][0]) for entry in entries)

    # A thread, because there is no way to bound or interrupt a look-up: it outlives a limit that passes.
    thread = threading.Thread(target=look_up, name="mesos-detector-resolve", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(limit.slice())
    if problem or not found:
        raise QuestionError(f"the name {host!r} does not resolve")
    return list(dict.fromkeys(found))


def _connect(server: HostPort, limit: Limit) -> socket.socket:
    last: OSError | None = None
    for address in resolve(server.host, limit):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        stream = socket.socket(family, socket.SOCK_STREAM)
        try:
            _connect_one(stream, (address, server.port), limit)
            return stream
        except OSError as error:
            stream.close()
            last = error
        except BaseException:
            stream.close()
            raise
    raise cast(OSError, last)


def _connect_one(stream: socket.socket, address: tuple[str, int], limit: Limit) -> None:
    stream.setblocking(False)
    try:
        stream.connect(address)
    except BlockingIOError:
        _wait_writable(stream, limit)
        code = stream.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code)) from None


def _wait_writable(stream: socket.socket, limit: Limit) -> None:
    poll = select.poll()
    poll.register(stream, select.POLLOUT)
    while not poll.poll(limit.slice() * 1000):
        pass


def _handshake(stream: ssl.SSLSocket, limit: Limit) -> None:
    while True:
        stream.settimeout(limit.slice())
        try:
            stream.do_handshake()
            return
        except TimeoutError:
            continue


def _exchange(stream: socket.socket, question: Question, limit: Limit) -> Answer:
    _send(stream, _render(question), limit)
    method = "GET" if question.body is None else "POST"
    response = http.client.HTTPResponse(cast(socket.socket, _BoundedSocket(stream, limit)), method=method)
    try:
        response.begin()
        body = response.read(_MAX_BODY + 1) if response.status == 200 else b""
        if len(body) > _MAX_BODY:
            raise QuestionError("the answer is too long")
        if response.status == 200 and response.length:
            raise QuestionError("the answer breaks off")
        return Answer(response.status, response.getheader("Location"), body)
    finally:
        response.close()


def _render(question: Question) -> bytes:
    method = "GET" if question.body is None else "POST"
    headers = {"Host": str(question.server), "Connection": "close", "Accept": "application/json"}
    headers.update(question.headers)
    if question.body is not None:
        headers.update({"Content-Type": "application/json", "Content-Length": str(len(question.body))})
    lines = [f"{method} {question.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header holds a line break")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (question.body or b"")


def _send(stream: socket.socket, data: bytes, limit: Limit) -> None:
    view = memoryview(data)
    while view:
        stream.settimeout(limit.slice())
        try:
            view = view[stream.send(view) :]
        except TimeoutError:
            continue
