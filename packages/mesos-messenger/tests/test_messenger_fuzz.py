"""Whatever comes, however it is cut: messages, parts of requests, or `ProtocolError`, and the same ones."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st
from mesos_messenger import Decoder, Limits, ProtocolError
from mesos_messenger._heads import HeadCache, MessageHead
from mesos_messenger.codec import BodyPart, Event, RequestEnd, RequestHead

LIMITS = Limits(head=2048, body=4096)
PIECES = [
    b"POST /master/mesos.internal.Ping HTTP/1.1\r\n",
    b"POST /slave%281%29/x HTTP/1.1\r\n",
    b"GET /state?x=y HTTP/1.0\r\n",
    b"Libprocess-From: slave(1)@10.0.0.2:5051\r\n",
    b"User-Agent: libprocess/slave(1)@10.0.0.2:5051\r\n",
    b"User-Agent: curl/8\r\n",
    b"Connection: Keep-Alive\r\n",
    b"Connection: close\r\n",
    b"Host: \r\n",
    b"Host: 10.0.0.1:5050\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: Chunked \r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: 0\r\n",
    b"content-length: 5000\r\n",
    b"Content-Encoding: gzip\r\n",
    b"Expect: 100-continue\r\n",
    b"\r\n",
    b"\n",
    b"5\r\nabcde\r\n0\r\n\r\n",
    b"5\r\nabcde\r\n",
    b"3;x\r\nabc\r\n",
    b"0\r\n\r\n",
    b"abcde",
    b"1f\r\n",
    b"\x00\xff",
    b" ",
]
GOOD = (
    PIECES[0] + PIECES[4] + PIECES[3] + PIECES[6] + PIECES[8] + PIECES[10] + b"\r\n" + PIECES[19],
    PIECES[0] + PIECES[3] + PIECES[12] + b"\r\nabcde",
    PIECES[0] + PIECES[3] + b"\r\n",
    PIECES[0] + PIECES[3] + PIECES[10] + b"\r\n" + PIECES[20] + PIECES[19],
    b"GET /x HTTP/1.1\r\n\r\n",
)


class _NothingUsual(HeadCache):
    """Sends every request to the slow path."""

    def find(self, raw: bytes) -> MessageHead | None:
        return None


def run(parts: list[bytes], heads: HeadCache | None = None) -> tuple[list[object], bool, Decoder]:
    """Decode; return what came, with bodies joined, whether it failed, and the decoder."""
    decoder = Decoder(LIMITS, heads)
    events: list[Event] = []
    failed = False
    try:
        for part in parts:
            decoder.receive_into(part, events)
            while decoder.request is not None and decoder.request.ended:
                decoder.resume(events)
    except ProtocolError:
        failed = True
    assert decoder.buffered <= LIMITS.head + LIMITS.body + sum(map(len, parts[-1:])) + 4096
    result: list[object] = []
    for event in events:
        if isinstance(event, tuple):
            head, bodies = event
            result += [(head.to, head.name, head.sender, head.fault, body) for body in bodies]
        elif isinstance(event, BodyPart):
            if result and isinstance(result[-1], bytes):
                event = BodyPart(result.pop() + event.data)
            result.append(event.data)
        else:
            assert isinstance(event, RequestHead | RequestEnd)
            result.append(event)
    return result, failed, decoder


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Cut the bytes at some places."""
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges) if start < end]


def without_last_part(result: list[object]) -> list[object]:
    """Leave out a body in progress, of which more or less may have come."""
    return result[:-1] if result and isinstance(result[-1], bytes) else result


streams = st.lists(
    st.one_of(st.sampled_from(GOOD), st.sampled_from(PIECES), st.binary(max_size=8)), max_size=24
).map(b"".join)


@settings(max_examples=200, deadline=None)
@given(streams, st.lists(st.integers(0, 5000), max_size=6))
@example(GOOD[0] * 3 + GOOD[3] + GOOD[0], [1, 100, 300, 500])
def test_cuts_make_no_difference(data: bytes, places: list[int]) -> None:
    whole, whole_failed, _ = run([data] if data else [])
    split, split_failed, decoder = run(cut(data, places))
    if whole_failed == split_failed:
        assert without_last_part(whole) == without_last_part(split)
    else:
        # A fault is found as soon as it is looked at, which may be later when the bytes come in parts.
        assert whole_failed and decoder.buffered


@settings(max_examples=200, deadline=None)
@given(streams)
@example(GOOD[0] + GOOD[1] + GOOD[2] + GOOD[0])
def test_both_paths_agree(data: bytes) -> None:
    usual, usual_failed, decoder = run([data] if data else [])
    slow, slow_failed, _ = run([data] if data else [], _NothingUsual())
    assert without_last_part(usual) == without_last_part(slow)
    if usual_failed != slow_failed:
        # h11 may find a fault at once where the usual path waits for the rest of a body, and the other way.
        assert usual_failed or decoder.buffered


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(GOOD), min_size=1, max_size=8), st.lists(st.integers(0, 5000), max_size=8))
def test_good_streams_come_out_whole(good: list[bytes], places: list[int]) -> None:
    result, failed, decoder = run(cut(b"".join(good), places))
    assert not failed and decoder.buffered == 0
    requests = sum(isinstance(event, RequestHead) for event in result)
    assert requests == good.count(GOOD[4])
    assert sum(isinstance(event, tuple) for event in result) == len(good) - requests
