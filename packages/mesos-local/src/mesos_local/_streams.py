"""Event streams over HTTP: RecordIO on a response that goes on, in JSON or protobuf."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from mesos_messenger import ProtocolError
from mesos_messenger.http import Pipe, StreamingResponse
from mesos_proto import evolve

from ._http import encoded
from ._wire import StreamClose, StreamPublish, StreamSend

__all__ = ["Streams"]


@dataclass(slots=True)
class _Breakable(Pipe):
    """A pipe whose connection breaks, once it is `broken`, after what was written."""

    broken: bool = False

    async def __anext__(self) -> bytes:
        if self.broken and not self._parts:
            raise ProtocolError("a fault cut the stream")
        return await Pipe.__anext__(self)


class Streams:
    """The streams that are open; `closed` is called with the id of one that nobody reads any longer."""

    def __init__(self, closed: Callable[[str], None]) -> None:
        self._notify = closed
        self._open: dict[str, tuple[_Breakable, str]] = {}

    def __contains__(self, stream: str) -> bool:
        return stream in self._open

    def open(self, media: str, *, header: str | None = None) -> tuple[str, StreamingResponse]:
        """Begin a stream: its id (also in the header of that name) and the response to answer with."""
        stream = str(uuid.uuid4())
        pipe = _Breakable(on_closed=lambda: self._closed(stream))
        self._open[stream] = (pipe, media)
        headers = {header: stream} if header else {}
        return stream, StreamingResponse(pipe, headers=headers, content_type=media)

    def send(self, command: StreamSend) -> None:
        """Write an event to a stream, when somebody still reads it."""
        self.publish(StreamPublish((command.stream,), command.event, command.cut))

    def publish(self, command: StreamPublish) -> None:
        """Write an event to several streams; it is encoded once for each media type."""
        event = evolve(command.event)
        records: dict[str, bytes] = {}
        for stream in command.streams:
            found = self._open.get(stream)
            if found is None or not found[0].open:
                continue
            pipe, media = found
            if media not in records:
                data = encoded(media, event)
                records[media] = b"%d\n%s" % (len(data), data)
            record = records[media]
            pipe.write(record[: len(record) // 2] if command.cut else record)
            pipe.broken = command.cut

    def close(self, command: StreamClose) -> None:
        """End a stream after what was written."""
        found = self._open.pop(command.stream, None)
        if found is not None and found[0].open:
            found[0].close()

    def _closed(self, stream: str) -> None:
        if self._open.pop(stream, None) is not None:
            self._notify(stream)
