"""Transports whose requests are counted and timed."""

from __future__ import annotations

from collections.abc import Callable

from mesos_http import HttpRequest, HttpResponse, Transport
from mesos_http.aio import AsyncHttpResponse, AsyncTransport

Record = Callable[[str, float], None]
"""Takes the status of an answer, or `failed` when there was none, and the seconds until then."""

FAILED = "failed"


class MeteredTransport:
    """Sends as another transport does."""

    def __init__(self, inner: Transport, record: Record, clock: Callable[[], float]) -> None:
        self._inner = inner
        self._record = record
        self._clock = clock

    def send(self, request: HttpRequest, connect_timeout: float, read_timeout: float) -> HttpResponse:
        """Send a request; its time ends when the headers of the answer are there."""
        status, began = FAILED, self._clock()
        try:
            response = self._inner.send(request, connect_timeout, read_timeout)
            status = str(response.status)
            return response
        finally:
            self._record(status, self._clock() - began)

    def close(self) -> None:
        """Close every connection."""
        self._inner.close()


class AsyncMeteredTransport:
    """Sends as another transport does, under asyncio."""

    def __init__(self, inner: AsyncTransport, record: Record, clock: Callable[[], float]) -> None:
        self._inner = inner
        self._record = record
        self._clock = clock

    async def send(
        self, request: HttpRequest, connect_timeout: float, read_timeout: float
    ) -> AsyncHttpResponse:
        """Send a request; its time ends when the headers of the answer are there."""
        status, began = FAILED, self._clock()
        try:
            response = await self._inner.send(request, connect_timeout, read_timeout)
            status = str(response.status)
            return response
        finally:
            self._record(status, self._clock() - began)

    async def close(self) -> None:
        """Close every connection."""
        await self._inner.close()
