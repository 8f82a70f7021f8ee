"""One answer of HTTP/1.1 out of bytes, without any I/O.

What a master says to a call is a short head with a Content-Length, and comes in one piece: one expression
reads that. Everything else (chunks, heads in parts, bodies until the end of the connection, whatever is
hostile) goes to h11, from the first byte on, so the accepted language is h11's.
"""

from __future__ import annotations

import re
import zlib
from typing import Any

import h11

from ._h11_gzip import Gunzip
from .errors import ConnectionFailed

_MAX_INFORMATIONAL = 10
_PIECE = 64 * 1024
_SIMPLE = re.compile(rb"HTTP/1\.1 ([2-5][0-9][0-9]) [ -~]*\r\n((?:[A-Za-z-]+: [!-~][ -~]*\r\n)*)\r\n")
_MAX_SIMPLE_HEAD = 4096
# With these h11 has more to do, or to refuse, than with any other.
_NOT_SIMPLE = ("transfer-encoding", "connection", "upgrade")


class Answer:
    """Takes the bytes after a request by `feed`; then there is a `head`, and `body` returns what follows it.

    Raises `ConnectionFailed` for what is no HTTP, or ends too early. Buffers what h11 needs for a head or
    the line before a chunk (16 KiB), and what was fed last.
    """

    def __init__(self, method: str, url: str) -> None:
        self._method = method
        self._url = url
        self._h11: h11.Connection | None = None
        self._plain = b""
        self._informational = 0
        self._cut = False
        self._gunzip: Gunzip | None = None
        self._ended = False
        self._failure: ConnectionFailed | None = None
        self.status = 0
        self.headers: dict[str, str] = {}
        self.reusable = False
        """The connection can take another request, now that the body has ended."""

    @property
    def begun(self) -> bool:
        """Tell whether the head is whole."""
        return self.status != 0

    def feed(self, data: bytes) -> None:
        """Take what came next; b"" is the end of the connection."""
        if self._h11 is None:
            if self._read_simple(data):
                return
            if not data:
                raise ConnectionFailed(
                    f"{self._url}: the connection was closed before an answer: nobody knows whether the call"
                    " was taken"
                )
            self._h11 = h11.Connection(h11.CLIENT)
            # Of the request h11 need know only what decides how the answer is framed.
            self._h11.send(h11.Request(method=self._method, target="/", headers=[("Host", "-")]))
            self._h11.send(h11.EndOfMessage())
        self._cut = not data
        self._h11.receive_data(data)
        if not self.begun:
            self._read_head()

    def body(self) -> bytes | None:
        """Return the next bytes of the body; b"" at its end, None before more is fed."""
        unpack = self._gunzip
        if unpack is None:
            return self._raw()
        try:
            while not (piece := unpack.piece()):
                raw = self._raw()
                if not raw:
                    if raw is not None:
                        unpack.finish()
                    return raw
                unpack.feed(raw)
            return piece
        except zlib.error as error:
            raise ConnectionFailed(f"{self._url}: the answer is no gzip: {error}") from error

    def _read_simple(self, data: bytes) -> bool:
        match = _SIMPLE.match(data, 0, _MAX_SIMPLE_HEAD)
        if match is None or self._method in ("HEAD", "CONNECT"):
            return False
        lines = match[2].decode("ascii").split("\r\n")
        headers = {}
        for line in lines[:-1]:
            name, _, value = line.partition(": ")
            headers[name.lower()] = value.rstrip(" ")
        length = headers.get("content-length", "")
        start = match.end()
        if (
            len(headers) != len(lines) - 1  # A name came twice.
            or not length.isdigit()
            or len(data) - start != int(length)
            or match[1] in (b"204", b"304")
            or any(name in headers for name in _NOT_SIMPLE)
        ):
            return False
        self._plain = data[start:]
        self.reusable = True
        self._begin(int(match[1]), headers)
        return True

    def _read_head(self) -> None:
        while not self.begun:
            event = self._next_event()
            if event is h11.NEED_DATA:
                return
            if isinstance(event, h11.Response):
                headers: dict[str, str] = {}
                for raw_name, raw_value in event.headers:
                    name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
                    headers[name] = f"{headers[name]}, {value}" if name in headers else value
                self._begin(event.status_code, headers)
            else:
                self._informational += 1
                if self._informational > _MAX_INFORMATIONAL:
                    raise ConnectionFailed(f"{self._url}: one 1xx after another, and no answer")

    def _begin(self, status: int, headers: dict[str, str]) -> None:
        self.status = status
        self.headers = headers
        encoding = headers.get("content-encoding", "identity").lower()
        if encoding in ("gzip", "x-gzip"):
            self._gunzip = Gunzip()
        elif encoding != "identity":
            raise ConnectionFailed(f"{self._url}: the answer is encoded as {encoding!r}: not asked for")

    def _raw(self) -> bytes | None:
        """Return the next bytes of the body as they came, of as many chunks as are there."""
        if self._h11 is None:
            plain, self._plain = self._plain, b""
            return plain
        if self._failure is not None:
            raise self._failure
        pieces: list[bytes] = []
        size = 0
        while size < _PIECE and not self._ended:
            try:
                event = self._next_event()
            except ConnectionFailed as error:
                if not pieces:
                    raise
                self._failure = error
                break
            if event is h11.NEED_DATA:
                return b"".join(pieces) if pieces else None
            if isinstance(event, h11.Data):
                pieces.append(event.data)
                size += len(event.data)
            else:
                self._end(self._h11)
        return b"".join(pieces)

    def _end(self, connection: h11.Connection) -> None:
        self._ended = True
        kept = connection.our_state is connection.their_state is h11.DONE
        self.reusable = kept and connection.trailing_data == (b"", False)

    def _next_event(self) -> Any:
        assert self._h11 is not None
        try:
            return self._h11.next_event()
        except h11.RemoteProtocolError as error:
            if self._cut:
                raise ConnectionFailed(
                    f"{self._url}: the connection was closed in the midst of an answer"
                ) from error
            raise ConnectionFailed(f"{self._url}: this is no HTTP: {error}") from error
