"""The client for asyncio: one API of a master or an agent, its calls and its streams."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Generic, TypeVar, overload

from google.protobuf.message import Message

from ._exchange import STREAM_ID, Exchange, check_media_type
from ._route import Route
from .client import Answer
from .codec import PROTOBUF, Codec
from .errors import BodyTooLarge, ClientClosed, ClientMisuse, ConnectionFailed
from .h11_transport import H11Transport
from .settings import Authorization, Settings
from .stream import Events
from .transport import AsyncHttpResponse, AsyncTransport

__all__ = ["AsyncClient", "AsyncEventStream", "AsyncHttpResponse", "AsyncTransport", "H11Transport"]

_M = TypeVar("_M", bound=Message)


class AsyncClient:
    """Calls an API such as `http://host:5050/api/v1/scheduler`, under asyncio.

    What `Client` does, with the same arguments, settings and errors; many tasks may share one. A task that is
    cancelled leaves no connection behind, but whether its call was taken is unknown.
    """

    def __init__(
        self,
        url: str,
        *,
        codec: Codec = PROTOBUF,
        auth: Authorization | None = None,
        transport: AsyncTransport | None = None,
        settings: Settings | None = None,
    ) -> None:
        self._route = Route(url)
        self._codec = codec
        self._auth = auth
        self._settings = settings or Settings()
        self._transport = transport if transport is not None else H11Transport()
        self._closing = asyncio.Event()

    @property
    def url(self) -> str:
        """Where requests go now: the address given, or the leader it named."""
        return self._route.current

    @overload
    async def call(
        self, message: Message, answer_class: None = None, *, stream_id: str | None = None
    ) -> Answer[Message]: ...

    @overload
    async def call(
        self, message: Message, answer_class: type[_M], *, stream_id: str | None = None
    ) -> Answer[_M]: ...

    async def call(
        self, message: Message, answer_class: type[_M] | None = None, *, stream_id: str | None = None
    ) -> Answer[_M] | Answer[Message]:
        """Send a call; return once the peer has taken it. Never repeated by itself.

        Raises a `StatusError` that knows what to do next, `ConnectionFailed`, `RedirectFailed`.
        """
        extra = {STREAM_ID: stream_id} if stream_id is not None else {}
        response = await self._send(message, extra, self._settings.timeout)
        try:
            body = await self._body(response)
            if response.status != 200 or answer_class is None:
                return Answer(response.status)
            check_media_type(response.headers, self._codec)
            return Answer(200, self._codec.decode(answer_class, body))
        finally:
            response.close()

    async def stream(self, message: Message, event_class: type[_M]) -> AsyncEventStream[_M]:
        """Send a call whose answer goes on; return its events. Raises as `call` does."""
        response = await self._send(message, {}, self._settings.stream_timeout)
        try:
            check_media_type(response.headers, self._codec)
        except BaseException:
            response.close()
            raise
        return AsyncEventStream(response, Events(self._codec, event_class, self._settings.max_record))

    async def close(self) -> None:
        """End every call and stream, those of other tasks at once."""
        self._closing.set()
        await self._transport.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _send(
        self, message: Message, extra: Mapping[str, str], read_timeout: float
    ) -> AsyncHttpResponse:
        """Return the answer of who takes the request, its status that of a success."""
        body = self._codec.encode(message)
        exchange = Exchange(self._route, self._codec, self._settings, self._auth, body, extra)
        while True:
            response = await self._attempt(exchange, read_timeout)
            try:
                redirect = exchange.moved(response.status, response.headers)
                if redirect is None and 200 <= response.status < 300:
                    return response
                said = await self._body(response)
            except BaseException:
                response.close()
                raise
            response.close()
            if redirect is None:
                raise exchange.refused(response.status, response.headers, said)
            await self._pause(redirect.pause)

    async def _attempt(self, exchange: Exchange, read_timeout: float) -> AsyncHttpResponse:
        request = exchange.next_request()
        try:
            return await self._transport.send(request, self._settings.connect_timeout, read_timeout)
        except ConnectionFailed as error:
            self._route.reset()
            if self._closing.is_set():
                raise ClientClosed("this client is closed") from error
            raise

    async def _pause(self, seconds: float) -> None:
        """Wait; raise `ClientClosed` when the client is closed meanwhile."""
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            await asyncio.wait((closing,), timeout=seconds)
        finally:
            closing.cancel()
        if self._closing.is_set():
            raise ClientClosed("this client is closed")

    async def _body(self, response: AsyncHttpResponse) -> bytes:
        """Read a body to its end."""
        pieces: list[bytes] = []
        size = 0
        while data := await response.read_some():
            pieces.append(data)
            size += len(data)
            if size > self._settings.max_body:
                raise BodyTooLarge(f"an answer of more than {self._settings.max_body} bytes")
        return b"".join(pieces)


class AsyncEventStream(Generic[_M]):
    """Iterates over the events of an answer that goes on; ends when the peer or `close` ends it.

    One task reads; any may `close`, which ends a read under way at once, and so does the cancellation of the
    one that reads. Raises what `EventStream` raises; it is closed then.
    """

    def __init__(self, response: AsyncHttpResponse, events: Events[_M]) -> None:
        self._response = response
        self._events = events
        self._waiting: deque[_M] = deque()
        self._ended = False
        self._reading = False

    @property
    def stream_id(self) -> str | None:
        """What calls must name in `Mesos-Stream-Id`; None when the peer gave none."""
        return self._response.headers.get("mesos-stream-id")

    async def batch(self) -> list[_M]:
        """Return the events that have arrived, waiting for at least one; empty at the end."""
        if self._reading:
            raise ClientMisuse("one task alone reads a stream")
        if self._waiting:
            messages = list(self._waiting)
            self._waiting.clear()
            return messages
        self._reading = True
        try:
            return await self._next_batch()
        except ClientClosed:
            return []
        except BaseException:
            self.close()
            raise
        finally:
            self._reading = False

    def __aiter__(self) -> AsyncIterator[_M]:
        return self

    async def __anext__(self) -> _M:
        if not self._waiting:
            self._waiting.extend(await self.batch())
        if not self._waiting:
            raise StopAsyncIteration
        return self._waiting.popleft()

    def close(self) -> None:
        """End the stream at once; from any task, also while another one reads."""
        self._ended = True
        self._response.close()

    async def __aenter__(self) -> AsyncEventStream[_M]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _next_batch(self) -> list[_M]:
        while not self._ended:
            data = b"" if self._events.failed else await self._response.read_some()
            if not data and not self._events.failed:
                self._ended = True
                self._events.finish()
                break
            messages = self._events.feed(data)
            if messages:
                return messages
        return []
