"""The synchronous client: one API of a master or an agent, its calls and its streams."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, TypeVar, overload

from google.protobuf.message import Message

from ._exchange import STREAM_ID, Exchange, check_media_type
from ._route import Route
from .codec import PROTOBUF, Codec
from .errors import BodyTooLarge, ClientClosed, ConnectionFailed
from .requests_transport import RequestsTransport
from .settings import Authorization, Settings
from .stream import Events, EventStream
from .transport import HttpResponse, Transport

_M = TypeVar("_M", bound=Message)


@dataclass(frozen=True, slots=True)
class Answer(Generic[_M]):
    """A call was taken: the status, and the message in the body if there was one and it was asked for."""

    status: int
    message: _M | None = None


class Client:
    """Calls an API such as `http://host:5050/api/v1/scheduler`.

    Redirects to the leader are followed, and remembered until the leader is gone. `auth` makes the
    Authorization header of every request. The methods may be called by several threads at once.
    """

    def __init__(
        self,
        url: str,
        *,
        codec: Codec = PROTOBUF,
        auth: Authorization | None = None,
        transport: Transport | None = None,
        settings: Settings | None = None,
    ) -> None:
        self._route = Route(url)
        self._codec = codec
        self._auth = auth
        self._settings = settings or Settings()
        self._transport = transport if transport is not None else RequestsTransport()
        self._closing = threading.Event()

    @property
    def url(self) -> str:
        """Where requests go now: the address given, or the leader it named."""
        return self._route.current

    @overload
    def call(
        self, message: Message, answer_class: None = None, *, stream_id: str | None = None
    ) -> Answer[Message]: ...

    @overload
    def call(
        self, message: Message, answer_class: type[_M], *, stream_id: str | None = None
    ) -> Answer[_M]: ...

    def call(
        self, message: Message, answer_class: type[_M] | None = None, *, stream_id: str | None = None
    ) -> Answer[_M] | Answer[Message]:
        """Send a call; return once the peer has taken it. Never repeated by itself.

        Raises a `StatusError` that knows what to do next, `ConnectionFailed`, `RedirectFailed`.
        """
        extra = {STREAM_ID: stream_id} if stream_id is not None else {}
        response = self._send(message, extra, self._settings.timeout)
        try:
            if response.status == 200 and answer_class is not None:
                body = self._body(response)
                check_media_type(response.headers, self._codec)
                return Answer(200, self._codec.decode(answer_class, body))
            self._body(response)
            return Answer(response.status)
        finally:
            response.close()

    def stream(self, message: Message, event_class: type[_M]) -> EventStream[_M]:
        """Send a call whose answer goes on; return its events. Raises as `call` does."""
        response = self._send(message, {}, self._settings.stream_timeout)
        try:
            check_media_type(response.headers, self._codec)
        except BaseException:
            response.close()
            raise
        return EventStream(response, Events(self._codec, event_class, self._settings.max_record))

    def close(self) -> None:
        """End every call and stream, those of other threads at once."""
        self._closing.set()
        self._transport.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, message: Message, extra: Mapping[str, str], read_timeout: float) -> HttpResponse:
        """Return the answer of who takes the request, its status that of a success."""
        body = self._codec.encode(message)
        exchange = Exchange(self._route, self._codec, self._settings, self._auth, body, extra)
        while True:
            response = self._attempt(exchange, read_timeout)
            try:
                redirect = exchange.moved(response.status, response.headers)
                if redirect is None and 200 <= response.status < 300:
                    return response
                said = self._body(response)
            except BaseException:
                response.close()
                raise
            response.close()
            if redirect is None:
                raise exchange.refused(response.status, response.headers, said)
            if self._closing.wait(redirect.pause):
                raise ClientClosed("this client is closed")

    def _attempt(self, exchange: Exchange, read_timeout: float) -> HttpResponse:
        request = exchange.next_request()
        try:
            return self._transport.send(request, self._settings.connect_timeout, read_timeout)
        except ConnectionFailed as error:
            self._route.reset()
            if self._closing.is_set():
                raise ClientClosed("this client is closed") from error
            raise

    def _body(self, response: HttpResponse) -> bytes:
        """Read a body to its end."""
        pieces: list[bytes] = []
        size = 0
        while data := response.read_some():
            pieces.append(data)
            size += len(data)
            if size > self._settings.max_body:
                raise BodyTooLarge(f"an answer of more than {self._settings.max_body} bytes")
        return b"".join(pieces)
