"""Event streams over HTTP: RecordIO on a response that goes on, in JSON or protobuf."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from mesos_messenger.http import Pipe, StreamingResponse
from mesos_proto import evolve, json

from ._http import PROTOBUF
from ._wire import StreamClose, StreamSend

__all__ = ["Streams"]


class Streams:
    """The streams that are open; `closed` is called with the id of one that nobody reads any longer."""

    def __init__(self, closed: Callable[[str], None]) -> None:
        self._notify = closed
        self._open: dict[str, tuple[Pipe, str]] = {}

    def open(self, media: str, *, header: str | None = None) -> tuple[str, StreamingResponse]:
        """Begin a stream: its id (also in the header of that name) and the response to answer with."""
        stream = str(uuid.uuid4())
        pipe = Pipe(on_closed=lambda: self._closed(stream))
        self._open[stream] = (pipe, media)
        headers = {header: stream} if header else {}
        return stream, StreamingResponse(pipe, headers=headers, content_type=media)

    def send(self, command: StreamSend) -> None:
        """Write an event to a stream, when somebody still reads it."""
        found = self._open.get(command.stream)
        if found is None or not found[0].open:
            return
        pipe, media = found
        event = evolve(command.event)
        data = event.SerializeToString() if media == PROTOBUF else json.dumps(event).encode()
        pipe.write(b"%d\n%s" % (len(data), data))

    def close(self, command: StreamClose) -> None:
        """End a stream after what was written."""
        found = self._open.pop(command.stream, None)
        if found is not None and found[0].open:
            found[0].close()

    def _closed(self, stream: str) -> None:
        if self._open.pop(stream, None) is not None:
            self._notify(stream)
