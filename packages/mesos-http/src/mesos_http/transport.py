"""What carries requests: the protocols of a transport, with threads and under asyncio, and their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request; its headers may hold secrets, and are not shown."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class HttpResponse(Protocol):
    """An answer whose body is read bit by bit. Errors are those of this package."""

    @property
    def status(self) -> int:
        """The status code."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers; names in lower case."""

    def read_some(self) -> bytes:
        """Return what has arrived, waiting for at least one byte; b"" at the end."""

    def close(self) -> None:
        """Give up the connection. From another thread too: a `read_some` under way then ends at once."""


class Transport(Protocol):
    """Sends requests; may be used by several threads."""

    def send(self, request: HttpRequest, connect_timeout: float, read_timeout: float) -> HttpResponse:
        """Send a request and return its answer, the body unread. Follows no redirects.

        `read_timeout` bounds each wait for bytes. Raises `ConnectionFailed` or a subclass.
        """

    def close(self) -> None:
        """Close every connection, those in use by other threads as well."""


class AsyncHttpResponse(Protocol):
    """An answer whose body is read bit by bit, under asyncio."""

    @property
    def status(self) -> int:
        """The status code."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers; names in lower case."""

    async def read_some(self) -> bytes:
        """Return what has arrived, waiting for at least one byte; b"" at the end."""

    def close(self) -> None:
        """Give up the connection. From another task too: a `read_some` under way then ends at once."""


class AsyncTransport(Protocol):
    """Sends requests, under asyncio. A cancelled task leaves nothing open."""

    async def send(
        self, request: HttpRequest, connect_timeout: float, read_timeout: float
    ) -> AsyncHttpResponse:
        """Send a request and return its answer, the body unread. Follows no redirects.

        `read_timeout` bounds each wait for bytes. Raises `ConnectionFailed` or a subclass.
        """

    async def close(self) -> None:
        """Close every connection, those in use by other tasks as well."""
