"""RecordIO: each case whole, byte by byte, in halves and with more behind it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesos_http import ClientMisuse, Decoder, RecordError, encode

STREAMS = {
    "one": (b"20\n" + b'{"type":"HEARTBEAT"}', [b'{"type":"HEARTBEAT"}']),
    "two": (b"3\nabc1\n\n", [b"abc", b"\n"]),
    "empty": (b"0\n0\n2\nok0\n", [b"", b"", b"ok", b""]),
    "digits in records": (b"4\n12\n31\n9", [b"12\n3", b"9"]),
    "zeros in front": (b"0003\nabc", [b"abc"]),
}
VIOLATIONS = [b"\n", b"-1\na", b"+1\na", b" 1\na", b"1 \na", b"0x1\na", b"abc", b"1.0\n", b"\x00", b"1\r\na"]


def split_whole(data: bytes) -> list[bytes]:
    return [data]


def split_bytes(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


def split_halves(data: bytes) -> list[bytes]:
    return [data[: len(data) // 2], data[len(data) // 2 :]]


SPLITS = pytest.mark.parametrize("split", [split_whole, split_bytes, split_halves])


def decode(pieces: list[bytes]) -> list[bytes]:
    decoder = Decoder()
    records = [record for piece in pieces for record in decoder.feed(piece)]
    decoder.finish()
    return records


@SPLITS
@pytest.mark.parametrize("name", STREAMS)
def test_streams(name, split):
    data, records = STREAMS[name]
    assert decode(split(data)) == records
    assert decode(split(data * 3)) == records * 3


@SPLITS
@pytest.mark.parametrize("violation", VIOLATIONS)
def test_violations_end_the_stream_after_the_records_before(violation, split):
    decoder = Decoder()
    records = []
    with pytest.raises(RecordError):
        for piece in [*split(b"2\nok" + violation), b""]:
            records += decoder.feed(piece)
    assert records == [b"ok"]
    assert decoder.failed
    for more in (b"2\nok", b""):
        with pytest.raises(RecordError):
            decoder.feed(more)
    with pytest.raises(RecordError):
        decoder.finish()


@SPLITS
def test_the_limit_holds_before_anything_is_buffered(split):
    decoder = Decoder(max_record=10)
    assert [r for piece in split(b"10\n0123456789") for r in decoder.feed(piece)] == [b"0123456789"]
    with pytest.raises(RecordError, match="beyond the limit of 10"):
        for piece in split(b"11\n"):
            decoder.feed(piece)


def test_a_gibibyte_is_refused_at_its_length():
    with pytest.raises(RecordError, match="1073741824 bytes"):
        Decoder().feed(b"1073741824\nx")


def test_a_length_without_end_is_refused():
    decoder = Decoder()
    with pytest.raises(RecordError):
        for _ in range(30):
            decoder.feed(b"0")


@pytest.mark.parametrize("cut", [b"2", b"2\n", b"2\na", b"0\n1"])
def test_an_end_within_a_record_is_an_error(cut):
    decoder = Decoder()
    decoder.feed(cut)
    assert decoder.within_record
    with pytest.raises(RecordError, match="ended within"):
        decoder.finish()


def test_a_limit_must_be_positive():
    with pytest.raises(ClientMisuse, match="at least 1 byte"):
        Decoder(max_record=0)


def test_a_large_record_in_small_pieces():
    record = bytes(range(256)) * 8192
    data = encode(record)
    decoder = Decoder()
    records = [r for i in range(0, len(data), 1000) for r in decoder.feed(data[i : i + 1000])]
    assert records == [record]


@settings(deadline=None, max_examples=150, derandomize=True)
@given(st.lists(st.binary(max_size=40)), st.data())
def test_any_records_in_any_pieces(records, data):
    stream = b"".join(map(encode, records))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert decode(pieces) == records


@settings(deadline=None, max_examples=150, derandomize=True)
@given(st.binary(max_size=60), st.integers(0, 60))
def test_any_bytes_give_records_or_a_record_error_however_they_are_split(stream, cut):
    def run(pieces):
        decoder = Decoder(max_record=50)
        records = []
        try:
            for piece in [*pieces, b""]:
                records += decoder.feed(piece)
            decoder.finish()
        except RecordError as error:
            return records, str(error).split(" with ")[0]
        return records, None

    assert run([stream]) == run([stream[:cut], stream[cut:]])
