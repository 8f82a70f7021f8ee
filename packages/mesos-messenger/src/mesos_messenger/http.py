"""Ordinary HTTP on a messenger's port: what a route's handler is given, and what it gives back."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from ._slow import RequestHead
from .errors import ProtocolError, UsageError

__all__ = ["Handler", "HttpError", "Pipe", "Request", "Response", "StreamingResponse"]

Headers = Mapping[str, str] | Iterable[tuple[str, str]]

_COMPRESS_FROM = 1024
_RESUME_BELOW = 64 * 1024


def _pairs(headers: Headers) -> tuple[tuple[str, str], ...]:
    items = headers.items() if isinstance(headers, Mapping) else headers
    return tuple((str(name), str(value)) for name, value in items)


class Request:
    """An ordinary HTTP request.

    `path` is percent-decoded, without the query; `tail` is what follows the route's own path.
    `headers` has lower-case names; of several with one name it has the first (`header_items` has all).
    """

    def __init__(
        self,
        head: RequestHead,
        *,
        client: tuple[str, int] = ("", 0),
        body_limit: int = 64 * 1024 * 1024,
        on_consumed: Callable[[], None] | None = None,
    ) -> None:
        self.method = head.method
        self.target = head.target
        raw, _, query = head.target.partition("?")
        self.raw_path = raw
        self.path = unquote(raw)
        self.tail = ""
        self.query_items: tuple[tuple[str, str], ...] = tuple(parse_qsl(query, keep_blank_values=True))
        self.query: dict[str, str] = dict(self.query_items)
        self.header_items = head.headers
        self.headers: dict[str, str] = {}
        for name, value in head.headers:
            self.headers.setdefault(name, value)
        self.client = client
        self._limit = body_limit
        self._on_consumed = on_consumed
        self._parts: deque[bytes] = deque()
        self._waiting = 0
        self._ended = False
        self._failed: ProtocolError | None = None
        self._arrived = asyncio.Event()
        self._body: bytes | None = None

    @property
    def waiting(self) -> int:
        """How many bytes of the body have come and have not been asked for."""
        return self._waiting

    @property
    def ended(self) -> bool:
        """Whether the whole body has come."""
        return self._ended

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes; raises `ProtocolError` when the client breaks off."""
        while True:
            while self._parts:
                part = self._parts.popleft()
                self._waiting -= len(part)
                if self._on_consumed is not None and self._waiting < _RESUME_BELOW:
                    self._on_consumed()
                yield part
            if self._failed is not None:
                raise self._failed
            if self._ended:
                return
            self._arrived.clear()
            await self._arrived.wait()

    async def read(self) -> bytes:
        """Return the whole body; raises `HttpError` 413 when it is over the endpoint's limit."""
        if self._body is None:
            parts, size = [], 0
            async for part in self.stream():
                size += len(part)
                if size > self._limit:
                    raise HttpError(413, f"The body is over the limit of {self._limit} bytes.")
                parts.append(part)
            self._body = b"".join(parts)
        return self._body

    async def json(self) -> Any:
        """Return the body as JSON; raises `HttpError` 400 when it is none."""
        try:
            return json.loads(await self.read())
        except (ValueError, RecursionError) as error:
            raise HttpError(400, f"Failed to parse body as JSON: {error}") from error

    def feed(self, data: bytes) -> None:
        """Take a part of the body (called by the connection)."""
        self._parts.append(data)
        self._waiting += len(data)
        self._arrived.set()

    def finish(self, error: ProtocolError | None = None) -> None:
        """Take the end of the body, or of the connection (called by the connection)."""
        self._ended = error is None
        self._failed = error
        self._arrived.set()

    def discard(self) -> None:
        """Forget what has come and was not asked for."""
        self._parts.clear()
        self._waiting = 0


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer. Bodies of 1 KiB and more are compressed when the client accepts gzip."""

    status: int = 200
    body: bytes = b""
    headers: Headers = ()
    content_type: str | None = None

    @classmethod
    def text(cls, text: str, status: int = 200, headers: Headers = ()) -> Response:
        """Answer with plain text."""
        return cls(status, text.encode(), headers, "text/plain; charset=utf-8")

    @classmethod
    def html(cls, text: str, status: int = 200, headers: Headers = ()) -> Response:
        """Answer with a page."""
        return cls(status, text.encode(), headers, "text/html; charset=utf-8")

    @classmethod
    def json(cls, value: object, status: int = 200, headers: Headers = ()) -> Response:
        """Answer with JSON."""
        return cls(status, json.dumps(value, separators=(",", ":")).encode(), headers, "application/json")

    def items(self) -> list[tuple[str, str]]:
        """Return the headers."""
        items = list(_pairs(self.headers))
        if self.content_type is not None:
            items.append(("Content-Type", self.content_type))
        return items

    def compressed(self, accept_encoding: str) -> Response:
        """Return this answer, compressed if that is accepted and worth it."""
        named = {name.lower() for name, _ in self.items()}
        if (
            len(self.body) < _COMPRESS_FROM
            or "content-encoding" in named
            or not accepts_gzip(accept_encoding)
        ):
            return self
        headers = (*self.items(), ("Content-Encoding", "gzip"))
        return Response(self.status, gzip.compress(self.body, 3, mtime=0), headers)


@dataclass(frozen=True, slots=True)
class StreamingResponse:
    """An answer that goes on: each item of `chunks` becomes one chunk on the wire, at once.

    `chunks` is closed (`aclose`, where it has one) when the client goes away or the endpoint stops.
    """

    chunks: AsyncIterator[bytes]
    status: int = 200
    headers: Headers = ()
    content_type: str | None = None

    def items(self) -> list[tuple[str, str]]:
        """Return the headers."""
        items = list(_pairs(self.headers))
        if self.content_type is not None:
            items.append(("Content-Type", self.content_type))
        return items


Handler = Callable[[Request], Awaitable[Response | StreamingResponse]]


class HttpError(Exception):
    """Raised by a handler to answer with this status, text and headers."""

    def __init__(self, status: int, text: str = "", headers: Headers = ()) -> None:
        super().__init__(f"{status} {text}")
        self.response = Response.text(text, status, headers)


def accepts_gzip(accept_encoding: str) -> bool:
    """Tell whether an `Accept-Encoding` allows gzip."""
    for item in accept_encoding.lower().split(","):
        coding, _, parameters = item.partition(";")
        if coding.strip() in {"gzip", "*"}:
            weight = parameters.strip().removeprefix("q=").strip()
            return weight not in {"0", "0.0", "0.00", "0.000"}
    return False


@dataclass(slots=True)
class Pipe:
    """The chunks of a `StreamingResponse` for whoever pushes instead of yielding.

    `write`, `close` and everything else run on the messenger's thread (`call_soon` gets there). When
    `limit` bytes wait because the client does not read, the pipe breaks: the client is dropped.
    """

    limit: int = 16 * 1024 * 1024
    on_closed: Callable[[], None] | None = None
    """Called once when the client has gone, the pipe has broken or it has been closed."""
    _parts: deque[bytes] = field(default_factory=deque)
    _waiting: int = 0
    _ended: bool = False
    _gone: bool = False
    _told: bool = False
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def open(self) -> bool:
        """Whether what is written can still reach the client."""
        return not self._ended and not self._gone

    def write(self, data: bytes) -> bool:
        """Send one chunk; False when the client has gone, or has let too much wait."""
        if self._ended:
            raise UsageError("the pipe has been closed")
        if self._gone:
            return False
        if self._waiting + len(data) > self.limit and self._waiting:
            self._break()
            return False
        if data:
            self._parts.append(data)
            self._waiting += len(data)
            self._arrived.set()
        return True

    def close(self) -> None:
        """End the response when what has been written is out."""
        self._ended = True
        self._arrived.set()

    def _break(self) -> None:
        self._gone = True
        self._parts.clear()
        self._waiting = 0
        self._arrived.set()
        self._tell()

    def _tell(self) -> None:
        if not self._told:
            self._told = True
            if self.on_closed is not None:
                self.on_closed()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        while True:
            if self._gone:
                raise ConnectionError("the client of a pipe did not read")
            if self._parts:
                part = self._parts.popleft()
                self._waiting -= len(part)
                return part
            if self._ended:
                self._tell()
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()

    async def aclose(self) -> None:
        """Note that nobody reads any longer."""
        self._break()
