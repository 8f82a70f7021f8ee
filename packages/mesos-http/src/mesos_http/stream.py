"""A stream of events."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Generic, TypeVar

from google.protobuf.message import Message

from .codec import Codec
from .errors import ClientClosed, DecodeError, MesosHttpError
from .recordio import Decoder
from .transport import HttpResponse

_M = TypeVar("_M", bound=Message)


class Events(Generic[_M]):
    """Records of a stream as messages, without any I/O.

    `feed` returns the messages that a piece of the body completes; empty records are left out. After a
    violation the messages before it still come, and the error with the next call.
    """

    def __init__(self, codec: Codec, event_class: type[_M], max_record: int) -> None:
        self._codec = codec
        self._class = event_class
        self._decoder = Decoder(max_record)
        self._failure: DecodeError | None = None

    @property
    def failed(self) -> bool:
        """Tell whether a violation has been found; the next call raises it."""
        return self._failure is not None or self._decoder.failed

    def feed(self, data: bytes) -> list[_M]:
        """Take the next piece of the body. Raises `RecordError`, `DecodeError`."""
        if self._failure is not None:
            raise self._failure
        records = [record for record in self._decoder.feed(data) if record]
        try:
            return self._codec.decode_all(self._class, records)
        except DecodeError:
            return self._decode_until_failure(records)

    def _decode_until_failure(self, records: list[bytes]) -> list[_M]:
        messages: list[_M] = []
        try:
            for record in records:
                messages.append(self._codec.decode(self._class, record))
        except DecodeError as error:
            self._failure = error
            if not messages:
                raise
        return messages

    def finish(self) -> None:
        """Take note of the end of the body. Raises `RecordError` when it comes within a record."""
        if self._failure is not None:
            raise self._failure
        self._decoder.finish()


class EventStream(Generic[_M]):
    """Iterates over the events of an answer that goes on; ends when the peer or `close` ends it.

    One thread reads; any may `close`, which ends a read under way at once. Raises `ConnectionFailed` when
    the connection breaks, `TimedOut` when nothing comes, and a `PeerViolation` for bytes that make no sense;
    it is closed then.
    """

    def __init__(self, response: HttpResponse, events: Events[_M]) -> None:
        self._response = response
        self._events = events
        self._waiting: deque[_M] = deque()
        self._closed = False
        self._ended = False

    @property
    def stream_id(self) -> str | None:
        """What calls must name in `Mesos-Stream-Id`; None when the peer gave none."""
        return self._response.headers.get("mesos-stream-id")

    def batch(self) -> list[_M]:
        """Return the events that have arrived, waiting for at least one; empty at the end."""
        if self._waiting:
            messages = list(self._waiting)
            self._waiting.clear()
            return messages
        try:
            return self._next_batch()
        except MesosHttpError as error:
            self.close()
            if isinstance(error, ClientClosed):
                return []
            raise

    def __iter__(self) -> Iterator[_M]:
        return self

    def __next__(self) -> _M:
        if not self._waiting:
            self._waiting.extend(self.batch())
        if not self._waiting:
            raise StopIteration
        return self._waiting.popleft()

    def close(self) -> None:
        """End the stream; from any thread, also while another one reads."""
        self._closed = True
        self._response.close()

    def __enter__(self) -> EventStream[_M]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _next_batch(self) -> list[_M]:
        while not self._closed and not self._ended:
            data = b"" if self._events.failed else self._response.read_some()
            if not data and not self._events.failed:
                self._ended = True
                self._events.finish()
                break
            messages = self._events.feed(data)
            if messages:
                return messages
        return []
