"""RecordIO, the framing of event streams: a decimal length, a newline, that many bytes.

Mirrors 3rdparty/stout/include/stout/recordio.hpp, but for lengths: only ASCII digits are taken, and none
beyond the limit. Records are cut out of the piece that has them whole; of one that comes in many pieces the
decoder keeps a buffer, so neither many small pieces nor a large record cost more than their size.
"""

from __future__ import annotations

from .errors import ClientMisuse, RecordError

MAX_RECORD = 64 * 1024 * 1024
_MAX_DIGITS = 20
_SIZES = 1000


def encode(record: bytes) -> bytes:
    """Return a record as it goes into a stream."""
    return b"%d\n%s" % (len(record), record)


class Decoder:
    """Takes a stream in pieces of any size and returns the records that are whole; empty ones too.

    A violation ends it: records before it are still returned, and the same `RecordError` is raised then
    and at each later call. Buffers no more than `max_record` bytes and one piece.
    """

    def __init__(self, max_record: int = MAX_RECORD) -> None:
        if max_record < 1:
            raise ClientMisuse(f"max_record must be at least 1 byte, not {max_record}")
        self._max = max_record
        self._buffer = bytearray()  # The beginning of a record, or of its header.
        self._want = -1  # The length of the record that has begun, or -1 within a header.
        self._failure: RecordError | None = None
        self._sizes: dict[bytes, int] = {}  # What headers seen before say.

    @property
    def failed(self) -> bool:
        """Tell whether a violation has been found; the next call raises it."""
        return self._failure is not None

    @property
    def within_record(self) -> bool:
        """Tell whether the stream so far ends within a record or its header."""
        return self._want >= 0 or bool(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next piece; return the records it completes, in order. Raises `RecordError`."""
        if self._failure is not None:
            raise self._failure
        buffer = self._buffer
        records: list[bytes] = []
        position = 0
        if self._want >= 0:
            position = self._want - len(buffer)
            buffer += data[:position]
            if len(buffer) < self._want:
                return records
            records.append(bytes(buffer))
            self._want = -1
        elif buffer:
            data = bytes(buffer) + data
        buffer.clear()
        self._take(data, position, records)
        if self._failure is not None and not records:
            raise self._failure
        return records

    def _take(self, data: bytes, position: int, records: list[bytes]) -> None:
        """Add the records that begin at `position`; keep what is left."""
        find, sizes, end = data.find, self._sizes, len(data)
        while (newline := find(b"\n", position, position + _MAX_DIGITS + 1)) >= 0:
            header = data[position:newline]
            size = sizes.get(header)
            if size is None:
                if not self._check(header, whole=True):
                    return
                size = int(header)
                if len(sizes) < _SIZES:
                    sizes[header] = size
            position = newline + 1
            stop = position + size
            if stop > end:
                self._want = size
                break
            records.append(data[position:stop])
            position = stop
        else:
            if position < end and not self._check(data[position : position + _MAX_DIGITS + 1], whole=False):
                return
        self._buffer += data[position:]

    def finish(self) -> None:
        """Take note of the end of the stream. Raises `RecordError` when it comes within a record."""
        if self._failure is None and self.within_record:
            what = f"a record of {self._want} bytes" if self._want >= 0 else "the length of a record"
            self._failure = RecordError(f"the stream ended within {what}")
        if self._failure is not None:
            raise self._failure

    def _check(self, header: bytes, whole: bool) -> bool:
        """Tell whether these first bytes of a record can begin, or be, its length; set the failure if not."""
        if not header.isdigit() or (not whole and len(header) > _MAX_DIGITS):
            self._failure = RecordError(f"a record cannot begin with {header!r}: its length in digits must")
        elif int(header) > self._max:
            self._failure = RecordError(f"a record of {int(header)} bytes is beyond the limit of {self._max}")
        return self._failure is None
