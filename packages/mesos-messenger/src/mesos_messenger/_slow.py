"""One request that is not in libprocess's usual form, read by h11.

What h11 is too strict for is supplied first (a missing `Host`). A message is collected whole; an
ordinary request is handed on in parts, and its answer is framed by the same h11 connection.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

import h11

from ._heads import MessageHead, sender_of
from .errors import ProtocolError

if TYPE_CHECKING:
    from .codec import Event

__all__ = ["BodyPart", "RequestEnd", "RequestHead", "SlowRequest", "decode_segment"]

_BLANK_LINE = re.compile(rb"\n\r?\n")
_HOST = re.compile(rb"\nhost[ \t]*:", re.IGNORECASE)
_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_ABSOLUTE = re.compile(rb"https?://[^/]*", re.IGNORECASE)
_LONGEST_LENGTH = 20
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class RequestHead:
    """Request line and headers of an ordinary request; header names are in lower case."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class BodyPart:
    """Bytes of the body of the request in progress."""

    data: bytes


@dataclass(frozen=True, slots=True)
class RequestEnd:
    """The request in progress is complete."""


def decode_segment(segment: bytes) -> str:
    """Percent-decode part of a path, `+` being a space; raises `ValueError` for a malformed escape."""
    if _ESCAPE.search(segment):
        raise ValueError(f"malformed escape in {segment.decode('latin-1')!r}")
    return unquote_to_bytes(segment.replace(b"+", b" ")).decode("utf-8", "replace")


class SlowRequest:
    """A request on its way through h11."""

    __slots__ = (
        "_body_limit",
        "_gzip",
        "_head",
        "_held",
        "_message",
        "_parts",
        "_started",
        "ended",
        "h11",
        "rest",
    )

    def __init__(self, head_limit: int, body_limit: int) -> None:
        self.h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=head_limit + 64)
        self._body_limit = body_limit
        self._head = b""
        self._started = False
        self._message: MessageHead | None = None
        self._gzip = False
        self._parts: list[bytes] = []
        self._held = 0
        self.rest = b""
        self.ended = False

    @property
    def held(self) -> int:
        """How many bytes are kept until the message is complete."""
        return self._held + len(self.rest)

    def receive(self, data: bytes, events: list[Event]) -> tuple[MessageHead, bytes] | None:
        """Take bytes, from the first of the request on; return the message when it is complete.

        The first bytes must hold the whole head. The parts of an ordinary request go to `events`.
        """
        if not self._started:
            self._started = True
            data = self._with_host(data)
        try:
            self.h11.receive_data(data) if data else None
            while True:
                event = self.h11.next_event()
                if event is h11.NEED_DATA or event is h11.PAUSED:
                    return None
                if isinstance(event, h11.Request):
                    self._begin(event, events)
                elif isinstance(event, h11.Data):
                    self._take(bytes(event.data), events)
                else:
                    self.ended = True
                    self.rest = bytes(self.h11.trailing_data[0])
                    if self._message is not None:
                        return self._message, self._body()
                    events.append(RequestEnd())
                    return None
        except h11.RemoteProtocolError as error:
            status = error.error_status_hint
            raise ProtocolError(str(error), status=status if status in {413, 431, 501} else None) from error

    @staticmethod
    def _with_host(data: bytes) -> bytes:
        """Supply the `Host` header that HTTP/1.1 wants and libprocess does not."""
        blank = _BLANK_LINE.search(data)
        if blank is None or _HOST.search(data, 0, blank.end()):
            return data
        line_end = data.find(b"\n") + 1
        return data[:line_end] + b"Host: \r\n" + data[line_end:]

    def _begin(self, request: h11.Request, events: list[Event]) -> None:
        headers = list(request.headers)
        named: dict[bytes, bytes] = {}
        for name, value in headers:
            named.setdefault(name, value)
        target = _ABSOLUTE.sub(b"", request.target, count=1)
        if not target.startswith(b"/"):
            raise ProtocolError("the path of a request starts with /")
        length = named.get(b"content-length", b"0")
        if len(length) > _LONGEST_LENGTH or int(length) > self._body_limit:
            raise ProtocolError(
                f"a body of {length[:20].decode()} bytes is over the limit of {self._body_limit}", status=413
            )
        sender = None
        if request.method == b"POST":
            sender = sender_of(named.get(b"user-agent"), named.get(b"libprocess-from"))
        if sender is None:
            texts = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
            events.append(RequestHead(request.method.decode("ascii"), target.decode("latin-1"), texts))
            return
        self._gzip = named.get(b"content-encoding", b"").lower() == b"gzip"
        path = re.split(rb"[?#]", target, maxsplit=1)[0]
        segment, _, name = path[1:].partition(b"/")
        fault = None
        try:
            to = decode_segment(segment)
        except ValueError as error:
            to, fault = "", str(error)
        close = b"close" in named.get(b"connection", b"").lower()
        self._message = MessageHead(to, name.decode("latin-1"), sender, close=close, fault=fault)

    def _take(self, data: bytes, events: list[Event]) -> None:
        self._held += len(data)
        if self._message is None:
            self._held = 0
            events.append(BodyPart(data))
            return
        if self._held > self._body_limit:
            raise ProtocolError(f"a body is over the limit of {self._body_limit} bytes", status=413)
        self._parts.append(data)

    def _body(self) -> bytes:
        body = b"".join(self._parts)
        return inflate(body, self._body_limit) if self._gzip else body


def inflate(data: bytes, limit: int) -> bytes:
    """Undo gzip; raises `ProtocolError` for what is not gzip, or more than `limit` bytes."""
    stream = zlib.decompressobj(_GZIP)
    try:
        plain = stream.decompress(data, limit + 1)
    except zlib.error as error:
        raise ProtocolError("a body is said to be gzip and is not") from error
    if len(plain) > limit:
        raise ProtocolError(f"a body unpacks to more than {limit} bytes", status=413)
    if not stream.eof:
        raise ProtocolError("a gzip body is cut short")
    return plain
