"""Answers out of bytes: what h11 makes of them, however they are cut, and packed bodies."""

from __future__ import annotations

import gzip

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesos_http import ConnectionFailed
from mesos_http._h11_answer import Answer
from mesos_http._h11_gzip import Gunzip

SIMPLE = b"HTTP/1.1 202 Accepted\r\nDate: now\r\nContent-Length: 0\r\n\r\n"


def read(pieces: list[bytes], end: bool) -> tuple[int, dict[str, str], bytes, bool]:
    """Return what an answer in these pieces is, and whether the connection can be used again."""
    answer = Answer("POST", "url")
    body = b""
    over = False
    for piece in [*pieces, b""] if end else pieces:
        answer.feed(piece)
        while answer.begun and (some := answer.body()) is not None:
            body += some
            if not some:
                over = True
                break
        if over:
            break
    assert over
    return answer.status, answer.headers, body, answer.reusable


def ways(data: bytes) -> list[list[bytes]]:
    half = len(data) // 2
    return [[data], [data[:half], data[half:]], [data[i : i + 1] for i in range(len(data))]]


PACKED = gzip.compress(b"ab" * 50)
PACKED_HEAD = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
GOOD = {
    "nothing in it": (SIMPLE, 202, b"", True),
    "a length": (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", 200, b"abc", True),
    "chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
        200,
        b"ab",
        True,
    ),
    "trailers": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n0\r\nA: b\r\n\r\n",
        200,
        b"ab",
        True,
    ),
    "to the end": (b"HTTP/1.1 200 OK\r\n\r\nabc", 200, b"abc", False),
    "http 1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", 200, b"a", False),
    "close": (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na", 200, b"a", False),
    "no content": (b"HTTP/1.1 204 No\r\nContent-Length: 7\r\n\r\n", 204, b"", True),
    "1xx before": (b"HTTP/1.1 100 Go on\r\n\r\n" * 3 + SIMPLE, 202, b"", True),
    "the same length twice": (SIMPLE.replace(b"Date: now", b"Content-Length: 0"), 202, b"", True),
    "folded": (b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n", 200, b"", True),
    "packed": (
        PACKED_HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(PACKED), PACKED),
        200,
        b"ab" * 50,
        True,
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_answers_however_they_are_cut(name):
    data, status, body, reusable = GOOD[name]
    for pieces in ways(data):
        found = read(pieces, end=name == "to the end")
        assert (found[0], found[2], found[3]) == (status, body, reusable)


def test_names_that_come_twice_are_joined():
    head = b"HTTP/1.1 401 No\r\nWWW-Authenticate: a\r\nWWW-Authenticate: b\r\nContent-Length: 0\r\n\r\n"
    assert read([head], end=False)[1]["www-authenticate"] == "a, b"


BAD = {
    "nothing": (b"", "before an answer"),
    "half a head": (b"HTTP/1.1 200 O", "in the midst"),
    "another protocol": (b"SSH-2.0-x\r\n\r\n", "no HTTP"),
    "garbage": (bytes(range(256)) * 4, "no HTTP"),
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "no HTTP"),
    "a head without an end": (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000, "too long"),
    "a line without an end": (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000_000, "too long"),
    "half a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "in the midst"),
    "half a chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nab", "in the midst"),
    "chunks without an end": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
        "in the midst",
    ),
    "a chunk of no size": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "no HTTP"),
    "a chunk's line without an end": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * 100_000,
        "no HTTP",
    ),
    "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "no HTTP"),
    "a length that is none": (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "no HTTP"),
    "1xx for ever": (b"HTTP/1.1 100 Go on\r\n\r\n" * 20, "one 1xx after another"),
    "another protocol to go on with": (b"HTTP/1.1 101 Up\r\nUpgrade: x\r\n\r\n", "no HTTP"),
    "packed in another way": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\na",
        "not asked for",
    ),
    "packed badly": (
        PACKED_HEAD + b"Content-Length: 3\r\n\r\nabc",
        "no gzip",
    ),
    "packed by half": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\n"
        + gzip.compress(b"abc")[:12],
        "no gzip",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_answers_that_are_none(name):
    data, words = BAD[name]
    for pieces in ways(data) if len(data) < 10_000 else [[data], [data[:9], data[9:]]]:
        with pytest.raises(ConnectionFailed, match=words):
            read(pieces, end=True)


def test_what_came_before_a_violation_is_still_told():
    answer = Answer("POST", "url")
    answer.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\nx\r\n")
    assert answer.body() == b"ab"
    with pytest.raises(ConnectionFailed, match="illegal chunk header"):
        answer.body()


def test_what_follows_an_answer_spoils_the_connection():
    for data in (SIMPLE + b"x", GOOD["chunks"][0] + SIMPLE):
        assert read([data], end=False)[3] is False


HEADERS = st.lists(
    st.sampled_from(
        [
            b"Content-Length: 0",
            b"Content-Length: 3",
            b"content-length:  3 ",
            b"Content-Length: 03",
            b"Content-Length: +3",
            b"Content-Length: 3, 3",
            b"Transfer-Encoding: chunked",
            b"Connection: close",
            b"Connection: keep-alive",
            b"Upgrade: x",
            b"X: y",
            b"X:",
            b"X : y",
            b" folded",
            b"X: \x01",
            b"Date: Tue, 01 Dec 2026 08:00:00 GMT",
        ]
    ),
    max_size=4,
)
FIRST_LINES = st.sampled_from(
    [
        b"HTTP/1.1 202 Accepted",
        b"HTTP/1.1 200 ",
        b"HTTP/1.1 200",
        b"HTTP/1.0 200 OK",
        b"HTTP/1.1 204 x",
        b"HTTP/1.1 99 x",
    ]
)


def as_h11_reads(data: bytes) -> tuple[int, bytes, bool]:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="POST", target="/", headers=[("Host", "x")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    status, body = 0, b""
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        if event is h11.NEED_DATA:
            connection.receive_data(b"")
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        else:
            raise h11.RemoteProtocolError("ended")
    kept = connection.their_state is h11.DONE and connection.trailing_data == (b"", False)
    return status, body, kept


@settings(deadline=None, max_examples=200)
@given(FIRST_LINES, HEADERS, st.sampled_from([b"", b"abc", b"abcd", b"3\r\nabc\r\n0\r\n\r\n"]))
def test_the_short_way_reads_what_h11_reads(line, headers, body):
    data = b"".join([each + b"\r\n" for each in (line, *headers)]) + b"\r\n" + body
    try:
        wanted = as_h11_reads(data)
    except h11.RemoteProtocolError:
        with pytest.raises(ConnectionFailed):
            read([data], end=True)
    else:
        status, _, found, kept = read([data], end=True)
        assert (status, found, kept) == wanted


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=300), st.integers(1, 50))
def test_any_bytes_are_an_answer_or_an_error(data, size):
    pieces = [b"HTTP/1.1 200 OK\r\n"] + [data[i : i + size] for i in range(0, len(data), size)]
    try:
        read(pieces, end=True)
    except ConnectionFailed:
        pass


def test_packed_members_follow_each_other_and_pieces_are_bounded():
    unpack = Gunzip()
    data = gzip.compress(bytes(1_000_000)) + gzip.compress(b"end")
    pieces = []
    for i in range(0, len(data), 100):
        unpack.feed(data[i : i + 100])
        while piece := unpack.piece():
            pieces.append(piece)
    unpack.finish()
    assert b"".join(pieces) == bytes(1_000_000) + b"end"
    assert max(map(len, pieces)) <= 64 * 1024
