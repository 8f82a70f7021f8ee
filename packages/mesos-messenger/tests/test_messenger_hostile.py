"""Peers that misbehave: each is bounded and counted, and none harms another connection."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
from google.protobuf.wrappers_pb2 import StringValue
from mesos_messenger import (
    UPID,
    Encoder,
    Limits,
    Messenger,
    Options,
    Request,
    Response,
)
from messenger_helpers import (
    DEADLINE,
    Calls,
    Inbox,
    connect,
    eventually,
    read_all,
    read_until,
    reset,
    text,
)

SENDER = UPID("evil", "127.0.0.1", 9)
NAME = "google.protobuf.StringValue"


@contextmanager
def target(options: Options | None = None) -> Iterator[tuple[Messenger, Inbox, Callable[[], None]]]:
    """A messenger, its inbox, and a check that a well-behaved peer is served as before."""
    with ExitStack() as stack:
        messenger = stack.enter_context(Messenger("t", bind="127.0.0.1:0", options=options))
        good = stack.enter_context(Messenger("good", bind="127.0.0.1:0"))
        inbox, fine = Inbox(), Inbox()
        messenger.install(
            StringValue, lambda sender, message: (fine if sender == good.upid else inbox)(sender, message)
        )
        good.send(messenger.upid, text("before"))
        fine.wait(1)

        def check() -> None:
            count = len(fine.messages)
            for number in range(50):
                good.send(messenger.upid, text(str(number)))
            assert fine.wait(count + 50)[count:] == [str(number) for number in range(50)]
            assert messenger.snapshot().connections_in >= 1
            eventually(lambda: good.snapshot().total.messages_out == count + 50)

        yield messenger, inbox, check


def encode(messenger: Messenger, value: str) -> bytes:
    return Encoder(SENDER, messenger.upid, NAME).encode(text(value).SerializeToString())


def send_until_stalled(peer: socket.socket, data: bytes, messenger: Messenger) -> int:
    """Send until the messenger has stopped reading and the kernels' buffers are full; return how much."""
    sent = 0
    peer.settimeout(0.1)
    deadline = time.monotonic() + 2 * DEADLINE
    while True:
        try:
            sent += peer.send(data)
        except TimeoutError:
            if messenger.snapshot().connections_stalled:
                return sent
        assert time.monotonic() < deadline and sent < 500_000_000


def read_to_the_end(peer: socket.socket) -> bytes:
    """Read until the peer closes, which is a reset when it had not read everything."""
    try:
        return read_all(peer)
    except ConnectionResetError:
        return b""


def drops(messenger: Messenger, reason: str) -> int:
    return messenger.snapshot().total.drops.get(reason, 0)


def test_one_that_reads_no_answers() -> None:
    with target() as (messenger, _, check), connect(messenger.upid) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sent = send_until_stalled(peer, encode(messenger, "x") * 5000, messenger)
        # It is not read from any longer: what was read is what the kernels held, and one read more.
        held = messenger.snapshot().total.bytes_in
        assert held < sent
        check()


def test_one_that_asks_and_reads_nothing() -> None:
    answered = 0

    async def page(request: Request) -> Response:
        nonlocal answered
        answered += 1
        return Response(body=b"x" * 1_000_000)

    with target() as (messenger, _, check), connect(messenger.upid) as peer:
        messenger.route("/page", page)
        send_until_stalled(peer, b"GET /page HTTP/1.1\r\n\r\n" * 1000, messenger)
        check()
        assert answered < 50, "each answer waits for the one before to be read"


def test_one_that_sends_a_byte_at_a_time() -> None:
    with target() as (messenger, inbox, check), connect(messenger.upid) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = encode(messenger, "slowly")
        for index in range(len(data)):
            peer.send(data[index : index + 1])
            if index % 100 == 50:
                eventually(lambda: messenger.snapshot().connections_incomplete == 1)
                check()
        assert inbox.wait(1) == ["slowly"]


def test_one_that_never_finishes_is_closed_but_not_an_idle_one() -> None:
    options = Options(request_timeout=0.3)
    with target(options) as (messenger, inbox, check):
        with connect(messenger.upid) as idle, connect(messenger.upid) as slow:
            idle.send(encode(messenger, "whole"))
            slow.send(encode(messenger, "whole") + encode(messenger, "part")[:-3])
            assert read_all(slow).count(b" 202 ") == 1
            assert drops(messenger, "too_slow") == 1
            idle.send(encode(messenger, "again"))
            inbox.wait(3)
        check()


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x00\xa5",
        b"\x00" * 1000,
        b"HELLO\r\n\r\n",
        b"POST nowhere HTTP/1.1\r\n\r\n",
        b"\xff" * 100_000,
    ],
)
def test_one_that_sends_garbage(garbage: bytes) -> None:
    with target() as (messenger, _, check):
        with connect(messenger.upid) as peer:
            with suppress(OSError):
                peer.sendall(garbage)
            assert read_to_the_end(peer) == b"", "closed without a word, as libprocess does"
        eventually(lambda: drops(messenger, "bad_request") == 1)
        check()


def test_one_that_announces_a_gibibyte() -> None:
    with target() as (messenger, _, check):
        for head in (
            f"POST /t/{NAME} HTTP/1.1\r\nLibprocess-From: x@127.0.0.1:9\r\n"
            "Content-Length: 1073741824\r\n\r\n",
            "POST /page HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\n",
            f"POST /t/{NAME} HTTP/1.1\r\nLibprocess-From: x@127.0.0.1:9\r\n"
            "Transfer-Encoding: chunked\r\n\r\n40000000\r\n",
        ):
            with connect(messenger.upid) as peer:
                peer.sendall(head.encode() + b"x" * 1000)
                assert read_all(peer).startswith(b"HTTP/1.1 413 ")
        assert drops(messenger, "too_large") == 3
        check()


def test_one_with_an_endless_head() -> None:
    with target(Options(limits=Limits(head=10_000))) as (messenger, _, check):
        with connect(messenger.upid) as peer:
            peer.sendall(b"GET / HTTP/1.1\r\n")
            with pytest.raises(OSError):
                while True:
                    peer.sendall(b"X-More: " + b"y" * 1000 + b"\r\n")
        eventually(lambda: drops(messenger, "too_large") == 1)
        check()


@pytest.mark.parametrize("ending", [reset, socket.socket.close])
def test_one_that_breaks_off_in_a_message(ending: Callable[[socket.socket], None]) -> None:
    with target() as (messenger, inbox, check):
        peer = connect(messenger.upid)
        peer.sendall(encode(messenger, "whole") + encode(messenger, "cut")[:-5])
        inbox.wait(1)
        ending(peer)
        eventually(lambda: drops(messenger, "cut_short") == 1)
        eventually(lambda: messenger.snapshot().connections_in == 1)
        assert inbox.values == ["whole"]
        check()


def test_messages_that_do_not_parse_or_lack_a_field() -> None:
    from google.protobuf.descriptor_pb2 import UninterpretedOption

    with target() as (messenger, inbox, check), connect(messenger.upid) as peer:
        parts = Calls()
        messenger.install(UninterpretedOption.NamePart, parts)
        bad = Encoder(SENDER, messenger.upid, NAME).encode(b"\xff\xff\xff")
        lacking = Encoder(SENDER, messenger.upid, "google.protobuf.UninterpretedOption.NamePart").encode(b"")
        peer.sendall(bad + lacking + encode(messenger, "good"))
        assert inbox.wait(1) == ["good"]
        assert drops(messenger, "bad_message") == 2 and parts.calls == []
        answers = b""
        while answers.count(b"HTTP/1.1 202 Accepted") < 3:
            answers += peer.recv(4096)
        check()


def test_answers_are_those_of_libprocess() -> None:
    with target() as (messenger, _, check), connect(messenger.upid) as peer:

        def ask(path: str) -> bytes:
            peer.sendall(f"POST {path} HTTP/1.1\r\nLibprocess-From: x@127.0.0.1:9\r\n\r\n".encode())
            head = read_until(peer, b"\r\n\r\n") if "nobody" not in path and "%" not in path else b""
            return head or peer.recv(65536)

        accepted = ask(f"/t/{NAME}")
        assert accepted.startswith(b"HTTP/1.1 202 Accepted\r\nDate: ")
        assert accepted.endswith(b" GMT\r\nContent-Length: 0\r\n\r\n")
        assert ask("/t/no.Handler").startswith(b"HTTP/1.1 202 ")
        assert ask("/t").startswith(b"HTTP/1.1 202 ")
        missing = ask("/nobody/x.Y")
        assert missing.startswith(b"HTTP/1.1 404 Not Found\r\n") and missing.endswith(b"404 Not Found.")
        broken = ask("/t%4/x.Y")
        assert broken.startswith(b"HTTP/1.1 500 ") and b"t%4" in broken
        assert {name: drops(messenger, name) for name in ("no_process", "no_handler", "bad_recipient")} == {
            "no_process": 1,
            "no_handler": 2,
            "bad_recipient": 1,
        }
        check()


def test_senders_that_are_elsewhere_can_be_refused() -> None:
    with target(Options(require_peer_address_ip_match=True)) as (messenger, inbox, check):
        with connect(messenger.upid) as peer:
            forged = Encoder(UPID("x", "10.9.8.7", 5), messenger.upid, NAME)
            peer.sendall(forged.encode(text("forged").SerializeToString()) + encode(messenger, "own"))
            assert inbox.wait(1) == ["own"]
            answers = read_until(peer, b"Content-Length: 0\r\n\r\n")
            assert answers.startswith(b"HTTP/1.1 400 ")
            assert b"x@10.9.8.7:5 was sent from IP 127.0.0.1" in answers
        assert drops(messenger, "wrong_address") == 1
        check()


def test_too_many_connections_are_closed() -> None:
    with target(Options(max_connections=3)) as (messenger, _, check):
        peers = [connect(messenger.upid) for _ in range(6)]
        for peer in peers:
            peer.settimeout(20)
        eventually(lambda: drops(messenger, "too_many_connections") == 4)
        check()
        for peer in peers:
            peer.close()
        eventually(lambda: messenger.snapshot().connections_in == 1)


def test_metrics_of_many_forged_senders_are_bounded() -> None:
    with target() as (messenger, inbox, check), connect(messenger.upid) as peer:
        body = text("x").SerializeToString()
        data = b"".join(
            Encoder(UPID("x", f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}", 5), messenger.upid, NAME).encode(body)
            for i in range(5000)
        )
        peer.sendall(data)
        inbox.wait(5000)
        snapshot = messenger.snapshot()
        assert snapshot.total.messages_in == 5001
        assert len(snapshot.peers) <= 4096
        check()
