"""The codec against real traffic, and its two paths against each other."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterable, Iterator

import pytest
from mesos_messenger import UPID, Decoder, Encoder, HostHeader, Limits, ProtocolError
from mesos_messenger.codec import BodyPart, Event, RequestEnd, RequestHead
from messenger_helpers import recorded_streams

Message = tuple[str, str, UPID, bytes]
RECORDINGS = ("v0-1.11.0-auth-test-framework", "v0-command-task", "v0-auth-refused")
_HOST = re.compile(rb"\r\nHost: (?:([0-9.]+):([0-9]+))?\r\n")


def messages(events: Iterable[Event]) -> list[Message]:
    """Flatten what a decoder returned into (to, name, sender, body)."""
    flat: list[Message] = []
    for event in events:
        assert isinstance(event, tuple), event
        head, bodies = event
        flat += [(head.to, head.name, head.sender, body) for body in bodies]
    return flat


def whole(data: bytes) -> Iterator[bytes]:
    yield data


def byte_by_byte(data: bytes) -> Iterator[bytes]:
    for index in range(len(data)):
        yield data[index : index + 1]


def in_halves(data: bytes) -> Iterator[bytes]:
    yield data[: len(data) // 2]
    yield data[len(data) // 2 :]


SPLITS = (whole, byte_by_byte, in_halves)
Split = Callable[[bytes], Iterator[bytes]]


def decode(data: bytes, split: Split = whole, limits: Limits | None = None) -> tuple[list[Event], Decoder]:
    decoder = Decoder(limits)
    events: list[Event] = []
    for part in split(data):
        decoder.receive_into(part, events)
    return events, decoder


def merged(events: list[Event]) -> list[object]:
    """Join what only a split has divided."""
    result: list[object] = []
    for event in events:
        if isinstance(event, tuple):
            result += messages([event])
        elif isinstance(event, BodyPart) and result and isinstance(result[-1], bytearray):
            result[-1] += event.data
        else:
            result.append(bytearray(event.data) if isinstance(event, BodyPart) else event)
    return result


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("name", RECORDINGS)
def test_recorded_messages_decode_on_the_fast_path_and_encode_back(name: str, split: Split) -> None:
    count = 0
    for _, side, stream in recorded_streams(name):
        if side == "server":
            continue
        events, decoder = decode(stream, split)
        found = messages(events)
        assert decoder.slow == 0 and decoder.buffered == 0
        assert all(sender for _, _, sender, _ in found)
        ours = b""
        for host, (to, kind, sender, body) in zip(_HOST.findall(stream), found, strict=True):
            style = HostHeader.ADDRESS if host[0] else HostHeader.EMPTY
            recipient = UPID(to, host[0].decode(), int(host[1])) if host[0] else UPID(to)
            ours += Encoder(sender, recipient, kind, host=style).encode(body)
        assert ours == stream
        count += len(found)
    assert count >= 6


def test_recorded_names_and_senders() -> None:
    found: list[Message] = []
    for _, side, stream in recorded_streams("v0-auth-refused"):
        if side == "client":
            found += messages(decode(stream)[0])
    authenticatee = UPID("crammd5-authenticatee(1)", "127.0.0.1", 39619)
    assert found[0][:3] == ("master", "mesos.internal.AuthenticateMessage", authenticatee)
    assert found[0][3][2:].decode() == "scheduler-3e6402d1-c2f6-49ea-9ef5-62c140ff86b0@127.0.0.1:39619"
    assert {kind for _, kind, _, _ in found} >= {
        "mesos.internal.AuthenticationMechanismsMessage",
        "mesos.internal.AuthenticationStartMessage",
        "mesos.internal.AuthenticationStepMessage",
        "mesos.internal.AuthenticationFailedMessage",
    }


@pytest.mark.parametrize("split", SPLITS)
def test_recorded_v1_requests_are_ordinary_requests(split: Split) -> None:
    count = 0
    for _, side, stream in recorded_streams("v1-task-group"):
        if side == "server":
            continue
        decoder = Decoder()
        events: list[Event] = []
        for part in split(stream):
            decoder.receive_into(part, events)
            while decoder.request is not None and decoder.request.ended:
                decoder.resume(events)
        shape = merged(events)
        heads = [event for event in shape if isinstance(event, RequestHead)]
        bodies = [bytes(event) for event in shape if isinstance(event, bytearray)]
        assert len(heads) == len(bodies) == shape.count(RequestEnd())
        for head, body in zip(heads, bodies, strict=True):
            assert head.method == "POST" and dict(head.headers)["content-length"] == str(len(body))
        count += len(heads)
    assert count >= 6


BODY = b"\x0a\x03abc"
SENDER = UPID("slave(1)", "10.0.0.2", 5051)
AGENT = b"User-Agent: libprocess/slave(1)@10.0.0.2:5051\r\n"
FROM = b"Libprocess-From: slave(1)@10.0.0.2:5051\r\n"
ALIVE = b"Connection: Keep-Alive\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
ONE_CHUNK = b"5\r\n" + BODY + b"\r\n0\r\n\r\n"
LINE = b"POST /master/mesos.internal.Ping HTTP/1.1\r\n"

# Each form that libprocess has sent, 0.19 to head, and what it means.
USUAL = {
    "0.19": LINE + AGENT + ALIVE + CHUNKED + b"\r\n" + ONE_CHUNK,
    "1.11": LINE + AGENT + FROM + ALIVE + b"Host: \r\n" + CHUNKED + b"\r\n" + ONE_CHUNK,
    "head": LINE + AGENT + FROM + ALIVE + b"Host: 10.0.0.1:5050\r\n" + CHUNKED + b"\r\n" + ONE_CHUNK,
    "from only": LINE + FROM + ALIVE + CHUNKED + b"\r\n" + ONE_CHUNK,
    "length": LINE + AGENT + FROM + ALIVE + b"Host: \r\nContent-Length: 5\r\n\r\n" + BODY,
    "other order": LINE + CHUNKED + b"Host: x\r\n" + FROM + AGENT + b"\r\n" + ONE_CHUNK,
}
UNUSUAL = {
    "two chunks": LINE + FROM + CHUNKED + b"\r\n2\r\n\x0a\x03\r\n3\r\nabc\r\n0\r\n\r\n",
    "chunk extension": LINE + FROM + CHUNKED + b"\r\n5;a=b\r\n" + BODY + b"\r\n0\r\n\r\n",
    "long chunk size": LINE + FROM + CHUNKED + b"\r\n0000000005\r\n" + BODY + b"\r\n0\r\n\r\n",
    "trailer": LINE + FROM + CHUNKED + b"\r\n5\r\n" + BODY + b"\r\n0\r\nX: y\r\n\r\n",
    "gzip": LINE
    + FROM
    + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(gzip.compress(BODY, mtime=0))
    + gzip.compress(BODY, mtime=0),
    "another header": LINE + FROM + b"Accept: */*\r\n" + CHUNKED + b"\r\n" + ONE_CHUNK,
    "escaped id": LINE.replace(b"master", b"m%61ster") + FROM + CHUNKED + b"\r\n" + ONE_CHUNK,
    "query": LINE.replace(b"Ping", b"Ping?a=b") + FROM + CHUNKED + b"\r\n" + ONE_CHUNK,
    "bare newlines": (LINE + FROM + b"Content-Length: 5\r\n\r\n").replace(b"\r", b"") + BODY,
    "HTTP/1.0": LINE.replace(b"1.1", b"1.0") + AGENT + b"Content-Length: 5\r\n\r\n" + BODY,
    "absolute": LINE.replace(b"/master", b"http://h:1/master") + FROM + CHUNKED + b"\r\n" + ONE_CHUNK,
    "both agents": LINE + b"User-Agent: curl\r\n" + FROM + b"X: y\r\n" + CHUNKED + b"\r\n" + ONE_CHUNK,
}
EXPECTED = ("master", "mesos.internal.Ping", SENDER, BODY)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("form", USUAL)
def test_usual_forms_take_the_fast_path(form: str, split: Split) -> None:
    events, decoder = decode(USUAL[form] * 3, split)
    assert messages(events) == [EXPECTED] * 3
    assert decoder.slow == 0 and decoder.buffered == 0


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("form", UNUSUAL)
def test_unusual_forms_mean_the_same(form: str, split: Split) -> None:
    # Between usual ones, so that going over to the slow path and back is seen.
    data = USUAL["1.11"] + UNUSUAL[form] + UNUSUAL[form] + USUAL["head"]
    events, decoder = decode(data, split)
    assert messages(events) == [EXPECTED] * 4
    assert decoder.slow == 2 and decoder.buffered == 0


@pytest.mark.parametrize("split", SPLITS)
def test_a_message_without_a_body_needs_no_framing(split: Split) -> None:
    data = LINE + AGENT + FROM + ALIVE + b"Host: \r\n\r\n"
    events, decoder = decode(data * 2, split)
    assert messages(events) == [("master", "mesos.internal.Ping", SENDER, b"")] * 2
    assert decoder.slow == 0
    assert Encoder(SENDER, UPID("master"), "mesos.internal.Ping", host=HostHeader.EMPTY).encode(b"") == data


def test_names_recipients_and_senders() -> None:
    def one(line: bytes, headers: bytes = FROM) -> tuple[str, str, UPID]:
        (found,) = messages(decode(line + headers + b"\r\n")[0])
        return found[:3]

    assert one(b"POST /slave%281%29/a.B HTTP/1.1\r\n") == ("slave(1)", "a.B", SENDER)
    assert one(b"POST /a+b/c%20d HTTP/1.1\r\n") == ("a b", "c%20d", SENDER)
    assert one(b"POST /master HTTP/1.1\r\n") == ("master", "", SENDER)
    assert one(b"POST / HTTP/1.1\r\n") == ("", "", SENDER)
    assert one(b"POST //x HTTP/1.1\r\n") == ("", "x", SENDER)
    assert one(b"POST /a/b/c HTTP/1.1\r\n") == ("a", "b/c", SENDER)
    both = b"User-Agent: libprocess/x@1.2.3.4:5\r\n" + FROM
    assert one(LINE, both)[2] == SENDER, "Libprocess-From wins"
    assert one(LINE, b"Libprocess-From:   y@1.2.3.4:5  \r\n")[2] == UPID("y", "1.2.3.4", 5)
    for nobody in (b"nonsense", b"@0.0.0.0:0", b"", b"x@host.invalid:1", b"x@1.2.3.4"):
        assert not one(LINE, b"Libprocess-From: " + nobody + b"\r\n")[2]


@pytest.mark.parametrize(
    "data",
    [
        LINE + b"User-Agent: curl libprocess/x@1.2.3.4:5\r\n\r\n",
        LINE + b"User-Agent: Libprocess/x@1.2.3.4:5\r\n\r\n",
        LINE.replace(b"POST", b"GET") + FROM + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_other_requests_are_ordinary(data: bytes) -> None:
    events, decoder = decode(data + b"GET /next HTTP/1.1\r\n\r\n")
    head, end = events
    assert isinstance(head, RequestHead) and end == RequestEnd()
    later: list[Event] = []
    decoder.resume(later)
    assert isinstance(later[0], RequestHead) and later[0].target == "/next"


def test_a_malformed_escape_is_told() -> None:
    events, _ = decode(LINE.replace(b"master", b"m%4") + FROM + b"\r\n")
    (event,) = events
    assert isinstance(event, tuple) and event[0].fault is not None and "m%4" in event[0].fault


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00", None),
        (b"nonsense\r\n\r\n", None),
        (b"POST master/x HTTP/1.1\r\n\r\n", None),
        (LINE + FROM + CHUNKED + b"\r\nzz\r\n", None),
        (LINE + FROM + CHUNKED + b"\r\n-5\r\nabcde\r\n0\r\n\r\n", None),
        (LINE + FROM + CHUNKED + b"\r\n0x5\r\nabcde\r\n0\r\n\r\n", None),
        (LINE + FROM + CHUNKED + b"\r\n5\r\nabcdeX0\r\n\r\nmore", None),
        (LINE + FROM + b"Content-Length: x\r\n\r\n", None),
        (LINE + FROM + b"Content-Length: 1073741824\r\n\r\n", 413),
        (LINE + FROM + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", None),
        (LINE + FROM + CHUNKED + b"\r\n40000000\r\n", 413),
        (LINE + FROM + CHUNKED + b"\r\n" + b"800\r\n" + b"x" * 2048 + b"\r\n800\r\n" + b"x" * 2048, 413),
        (LINE + FROM + b"Transfer-Encoding: gzip\r\n\r\n", 501),
        (LINE + FROM + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nabcde", None),
        (LINE + b"X: " + b"y" * 3000, 431),
        (b"GET /" + b"y" * 3000, 431),
    ],
)
def test_refused(data: bytes, status: int | None, split: Split) -> None:
    decoder = Decoder(Limits(head=1024, body=2048))
    events: list[Event] = []
    decoder.receive_into(USUAL["1.11"], events)
    with pytest.raises(ProtocolError) as caught:
        for part in split(data):
            decoder.receive_into(part, events)
    assert messages(events) == [EXPECTED], "what came before is not lost"
    assert caught.value.status == status or caught.value.status in {413, 431}
    with pytest.raises(ProtocolError):
        decoder.receive(USUAL["1.11"])
    assert decoder.buffered < 8192


def test_a_gzip_body_cannot_unpack_to_more_than_the_limit() -> None:
    bomb = gzip.compress(bytes(10_000_000))
    data = LINE + FROM + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb
    with pytest.raises(ProtocolError) as caught:
        decode(data, limits=Limits(body=1_000_000))
    assert caught.value.status == 413


def test_bodies_of_many_sizes_come_back() -> None:
    encoder = Encoder(SENDER, UPID("b", "1.2.3.4", 5), "x.Y")
    bodies = [
        bytes([size % 251]) * size for size in (0, 1, 15, 16, 255, 256, 4095, 4096, 4097, 70_000, 1 << 20)
    ]
    data = b"".join(map(encoder.encode, bodies))
    for size in (1000, 4096, 65536, len(data)):
        decoder = Decoder()
        events: list[Event] = []
        for start in range(0, len(data), size):
            decoder.receive_into(data[start : start + size], events)
        assert [body for _, _, _, body in messages(events)] == bodies
        assert decoder.slow == 0


def test_empty_lines_between_requests_are_skipped() -> None:
    events, decoder = decode(b"\r\n\r\n" + USUAL["1.11"] + b"\r\n" + USUAL["head"] + b"\r\n")
    assert messages(events) == [EXPECTED] * 2
    assert decoder.slow == 0 and decoder.buffered == 0


def test_many_heads_are_forgotten_again() -> None:
    from mesos_messenger._heads import HeadCache

    cache = HeadCache(most=16)
    for number in range(100):
        raw = LINE + b"Libprocess-From: s%d@1.2.3.4:5\r\n\r\n" % number
        found = cache.find(raw)
        assert found is not None and found.sender.id == f"s{number}"
        assert cache.find(raw) is found
    assert len(cache._heads) <= 16
