"""The codecs, with what C++ peers may send: text that is not UTF-8."""

from __future__ import annotations

import pytest
from mesos_http import JSON, PROTOBUF, Codec, DecodeError, Events, encode
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2 as scheduler

Event = scheduler.Event


def update(message: str, uuid: bytes = b"\xff\xfe") -> Event:
    event = Event(type=Event.UPDATE)
    status = event.update.status
    status.task_id.value = "t"
    status.state = mesos.TASK_RUNNING
    status.message = message
    status.uuid = uuid
    return event


def broken(event: Event) -> bytes:
    """Give an event in which caf\ufffd is what an old locale writes."""
    return event.SerializeToString().replace("caf\ufffd".encode(), b"caf\xe9!!")


MENDED = update("caf\ufffd!!")


def test_text_that_is_not_utf8_is_replaced() -> None:
    body = broken(update("caf\ufffd"))
    assert PROTOBUF.decode(Event, body) == MENDED
    assert PROTOBUF.decode_all(Event, [body, body]) == [MENDED, MENDED]


def test_bytes_and_good_text_stay_as_they_are() -> None:
    events = [update("é"), update("", b""), update("x" * 300_000)]
    records = [event.SerializeToString() for event in events]
    assert PROTOBUF.decode_all(Event, records) == events
    assert [PROTOBUF.decode(Event, record) for record in records] == events


def test_a_large_message_is_mended_too() -> None:
    event = update("caf\ufffd")
    event.update.status.data = b"\xff" * 1_000_000
    assert PROTOBUF.decode(Event, broken(event)).update.status.message == "caf\ufffd!!"


@pytest.mark.parametrize("codec", [PROTOBUF, JSON])
@pytest.mark.parametrize("record", [b"\xff\xff", b"\x0a\x05\xff", b"\x08\x01\xff", b"{", b'{"type": 1}'])
def test_what_is_no_message_is_refused(codec: Codec, record: bytes) -> None:
    with pytest.raises(DecodeError, match=r"are no mesos\.v1\.scheduler\.Event"):
        codec.decode(Event, record)
    with pytest.raises(DecodeError):
        codec.decode_all(Event, [codec.encode(Event(type=Event.HEARTBEAT)), record])


def test_broken_text_in_a_stream() -> None:
    heartbeat = Event(type=Event.HEARTBEAT)
    records = [
        heartbeat.SerializeToString(),
        broken(update("caf\ufffd")),
        b"",
        update("é").SerializeToString(),
    ]
    events = Events(PROTOBUF, Event, 1 << 20)
    assert events.feed(b"".join(map(encode, records))) == [heartbeat, MENDED, update("é")]


def test_an_unknown_group_in_broken_text_is_refused() -> None:
    # Not even Mesos has groups, and who looks for text need not know them.
    with pytest.raises(DecodeError, match="are no"):
        PROTOBUF.decode(Event, broken(update("caf\ufffd")) + b"\xfb\x3f\xfc\x3f")
