"""The wire form of a message, both ways, without sockets, threads or clocks.

Strategy: what libprocess itself sends has one of a few forms, and the same head (request line and
headers) comes again and again. `Decoder` remembers the heads it has understood and compares bytes;
whatever has another form goes to h11, one request at a time. So the accepted language is HTTP's, and
a message in its usual form costs a few slices. Both ways give the same message (the tests hold them
against each other). The decoder fails closed: after a `ProtocolError` it takes nothing more.

Upstream: encoder.hpp, decoder.hpp, process.cpp.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from ._heads import Framing, HeadCache, MessageHead
from ._slow import BodyPart, RequestEnd, RequestHead, SlowRequest
from .errors import ProtocolError
from .upid import UPID

__all__ = [
    "BodyPart",
    "Decoder",
    "Encoder",
    "Event",
    "HostHeader",
    "Limits",
    "MessageHead",
    "Messages",
    "RequestEnd",
    "RequestHead",
]

Messages = tuple[MessageHead, list[bytes]]
"""Consecutive messages that have the same head, and the body of each."""

Event = Messages | RequestHead | BodyPart | RequestEnd

TAIL: Final = b"\r\n0\r\n\r\n"
_TAIL_LENGTH: Final = len(TAIL)
_SIZE_DIGITS: Final = 8
_KNOWN_SIZES: Final = 4096
_SIZE_LINES: Final = tuple(b"%x\r\n" % size for size in range(_KNOWN_SIZES))
_SIZES: Final = {b"%x" % size: size for size in range(1, _KNOWN_SIZES)}
_HEXADECIMAL = re.compile(rb"[0-9a-fA-F]{1,8}")
_CHUNKED: Final = Framing.CHUNKED
_BLANK_LINE = re.compile(rb"\n\r?\n")
_FIRST_BYTE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a peer may make a decoder hold, in bytes."""

    head: int = 64 * 1024
    body: int = 64 * 1024 * 1024


class HostHeader(Enum):
    """What the `Host` header of a message says."""

    ADDRESS = "address"
    """The recipient's `ip:port`, as Mesos from 1.12 on."""
    EMPTY = "empty"
    """Nothing, as Mesos 0.22 to 1.11."""


class Encoder:
    """The request for messages of one type, from one process to another.

    What does not change is computed once. A message is four pieces, to be written one after the
    other: `encoder.head, size_line(body), body, TAIL`; a message without a body is `empty` alone.
    """

    __slots__ = ("empty", "head")

    def __init__(
        self, sender: UPID, recipient: UPID, name: str, *, host: HostHeader = HostHeader.ADDRESS
    ) -> None:
        path = f"/{recipient.id}/{name}" if recipient.id else f"/{name}"
        address = f"{recipient.ip}:{recipient.port}" if host is HostHeader.ADDRESS else ""
        common = (
            f"POST {path} HTTP/1.1\r\n"
            f"User-Agent: libprocess/{sender}\r\n"
            f"Libprocess-From: {sender}\r\n"
            "Connection: Keep-Alive\r\n"
            f"Host: {address}\r\n"
        ).encode("latin-1", "replace")
        self.empty = common + b"\r\n"
        self.head = common + b"Transfer-Encoding: chunked\r\n\r\n"

    def pieces(self, body: bytes) -> tuple[bytes, bytes, bytes, bytes]:
        """Return the four pieces of one message; always four, so that messages can be told apart."""
        size = len(body)
        if not size:
            return self.empty, b"", b"", b""
        return self.head, _SIZE_LINES[size] if size < _KNOWN_SIZES else b"%x\r\n" % size, body, TAIL

    def encode(self, body: bytes) -> bytes:
        """Return the bytes of one message."""
        return b"".join(self.pieces(body))


class Decoder:
    """Bytes of one connection in, messages and the parts of ordinary requests out.

    After a `RequestHead` come `BodyPart`s and a `RequestEnd`; then nothing until `resume` is called,
    which the connection does when it has answered. Messages need no answer to go on.
    """

    __slots__ = (
        "_buffer",
        "_failed",
        "_heads",
        "_last",
        "_limits",
        "_need",
        "_request",
        "_scanned",
        "_sizes",
        "slow",
    )

    def __init__(self, limits: Limits | None = None, heads: HeadCache | None = None) -> None:
        self._limits = limits if limits is not None else Limits()
        self._heads = heads if heads is not None else HeadCache()
        # The sizes that need no second look.
        self._sizes = _SIZES if self._limits.body >= _KNOWN_SIZES else {}
        self._last: MessageHead | None = None
        self._buffer: bytes | bytearray = b""
        self._need = 0
        self._scanned = 0
        self._request: SlowRequest | None = None
        self._failed: ProtocolError | None = None
        self.slow = 0
        """How many messages and requests took the slow path."""

    @property
    def request(self) -> SlowRequest | None:
        """The ordinary request in progress."""
        return self._request

    @property
    def buffered(self) -> int:
        """How many bytes wait for the rest of their message, or for their turn."""
        return len(self._buffer) + (self._request.held if self._request is not None else 0)

    def receive(self, data: bytes) -> list[Event]:
        """Take bytes from the peer; return what they complete.

        Raises `ProtocolError` for what cannot be understood or is beyond a limit. What was complete
        before the fault is then lost to the caller, who can use `receive_into` to keep it.
        """
        events: list[Event] = []
        self.receive_into(data, events)
        return events

    def receive_into(self, data: bytes, events: list[Event]) -> None:
        """As `receive`, adding to a list, which keeps what came before a fault."""
        if self._failed is not None:
            raise self._failed
        try:
            self._receive(data, events)
        except ProtocolError as error:
            self._failed = error
            self._buffer = b""
            raise

    def resume(self, events: list[Event]) -> None:
        """Go on after an ordinary request that has been answered."""
        request = self._request
        if request is None or not request.ended:
            raise RuntimeError("no request is complete")
        self._request = None
        rest, self._buffer = request.rest + bytes(self._buffer), b""
        self.receive_into(rest, events)

    def _receive(self, data: bytes, events: list[Event]) -> None:
        if self._request is not None:
            if not self._continue_request(data, events):
                return
            data = bytes(self._buffer)
            self._buffer = b""
        elif self._buffer:
            # A long message arrives in many reads: collect them, and look again when it is whole.
            if not isinstance(self._buffer, bytearray):
                self._buffer = bytearray(self._buffer)
            self._buffer += data
            if len(self._buffer) < self._need:
                return
            data = bytes(self._buffer)
            self._buffer = b""
        while True:
            position = self._scan(data, events)
            if position == len(data):
                self._need = self._scanned = 0
                return
            if self._request is None:
                if position:
                    data = data[position:]
                self._buffer = data
                return
            if not self._continue_request(data[position:], events):
                return
            data = bytes(self._buffer)
            self._buffer = b""

    def _scan(self, data: bytes, events: list[Event]) -> int:
        """Take messages in their usual form; return the position of what is left.

        What is left is incomplete, unless `_request` has been set: then it is for the slow path.
        """
        position = 0
        end = len(data)
        head = self._last
        bodies: list[bytes] = []
        startswith = data.startswith
        find = data.find
        sizes = self._sizes
        try:
            while position < end:
                if head is None or not startswith(head.raw, position):
                    if bodies and head is not None:
                        events.append((head, bodies))
                        bodies = []
                    while position < end and data[position] in b"\r\n":
                        position += 1
                    if position == end:
                        break
                    head = self._next_head(data, position)
                    if head is None:
                        break
                    self._last = head
                start = position + len(head.raw)
                if head.framing is _CHUNKED:
                    line_end = find(b"\r\n", start, start + _SIZE_DIGITS + 2)
                    size = sizes.get(data[start:line_end]) if line_end > 0 else None
                    if size is None:
                        size = self._size(data[start : start + _SIZE_DIGITS + 2])
                        if not size:
                            break
                    start = line_end + 2
                    stop = start + size
                    if not startswith(TAIL, stop):
                        self._want_chunk(data, position, stop)
                        break
                    bodies.append(data[start:stop])
                    position = stop + _TAIL_LENGTH
                else:
                    stop = start + head.length
                    self._check(head.length)
                    if stop > end:
                        self._need = stop - position
                        break
                    bodies.append(data[start:stop])
                    position = stop
        finally:
            if bodies and head is not None:
                events.append((head, bodies))
        return position

    def _check(self, size: int) -> None:
        if size > self._limits.body:
            raise ProtocolError(
                f"a body of {size} bytes is over the limit of {self._limits.body}", status=413
            )

    def _size(self, text: bytes) -> int | None:
        """Read the line with a chunk's size; None when it is incomplete or for the slow path."""
        digits, newline, _ = text.partition(b"\r\n")
        if not newline and len(text) < _SIZE_DIGITS + 2:
            self._need = 0
            return None
        if _HEXADECIMAL.fullmatch(digits) is None or not int(digits, 16):
            self._begin_request()
            return None
        size = int(digits, 16)
        self._check(size)
        return size

    def _want_chunk(self, data: bytes, position: int, stop: int) -> None:
        """Decide what to do about a chunk that is not followed by the end of the body."""
        if len(data) < stop + _TAIL_LENGTH and TAIL.startswith(data[stop:]):
            self._need = stop + _TAIL_LENGTH - position
        else:
            self._begin_request()

    def _next_head(self, data: bytes, position: int) -> MessageHead | None:
        """Find the head that starts here; None when it is incomplete or for the slow path."""
        if _FIRST_BYTE.match(data, position) is None:
            raise ProtocolError("no HTTP request starts with such a byte")
        blank = _BLANK_LINE.search(data, max(position, self._scanned))
        if blank is None:
            if len(data) - position > self._limits.head:
                raise ProtocolError(f"a head is over the limit of {self._limits.head} bytes", status=431)
            # Found again from here: the caller cuts off what precedes `position`.
            self._scanned = max(0, len(data) - position - 2)
            self._need = 0
            return None
        self._scanned = 0
        if blank.end() - position > self._limits.head:
            raise ProtocolError(f"a head is over the limit of {self._limits.head} bytes", status=431)
        head = self._heads.find(data[position : blank.end()])
        if head is None:
            self._begin_request()
        return head

    def _begin_request(self) -> None:
        self.slow += 1
        self._need = self._scanned = 0
        self._request = SlowRequest(self._limits.head, self._limits.body)

    def _continue_request(self, data: bytes, events: list[Event]) -> bool:
        """Feed the slow path; True when it is done and `_buffer` holds what follows."""
        request = self._request
        assert request is not None
        if request.ended:
            self._buffer = bytes(self._buffer) + data
            return False
        message = request.receive(data, events)
        if message is not None:
            head, body = message
            events.append((head, [body]))
            self._request = None
            self._buffer = request.rest
            return True
        return False
