"""What waits for a peer is bounded, and what is lost is reported to who sent it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from google.protobuf.wrappers_pb2 import StringValue
from mesos_messenger import (
    Messenger,
    NotRunningError,
    Options,
    Overflow,
    QueueFullError,
    Undelivered,
)
from messenger_helpers import (
    DEADLINE,
    Calls,
    Inbox,
    RawPeer,
    eventually,
    read_until,
    reset,
    text,
)

LIMIT = 200_000
BIG = "x" * 20_000


@contextmanager
def stuck(overflow: Overflow, receive_buffer: int = 4096) -> Iterator[tuple[Messenger, RawPeer]]:
    """A messenger, and a peer that reads nothing."""
    options = Options(queue_limit=LIMIT, overflow=overflow)
    with RawPeer(receive_buffer=receive_buffer) as peer:
        messenger = Messenger("a", bind="127.0.0.1:0", options=options)
        messenger.start()
        try:
            yield messenger, peer
        finally:
            messenger.stop(0.2)


def test_raise() -> None:
    with stuck(Overflow.RAISE) as (messenger, peer), pytest.raises(QueueFullError, match="queue_limit"):
        for _ in range(2000):
            messenger.send(peer.upid, text(BIG))
            assert messenger.snapshot().total.queued <= LIMIT


def test_drop_bounds_what_waits_for_the_loop_as_well() -> None:
    with stuck(Overflow.DROP) as (messenger, peer):
        hold, held = threading.Event(), threading.Event()

        def block() -> None:
            held.set()
            hold.wait(DEADLINE)

        messenger.call_soon(block)
        held.wait(DEADLINE)
        # The loop takes nothing out: all of it would wait.
        for _ in range(500):
            messenger.send(peer.upid, text(BIG))
        total = messenger.snapshot().total
        hold.set()
        assert LIMIT - 25_000 < total.queued <= LIMIT
        assert total.drops["queue_full"] >= 480


def test_wait_goes_on_when_the_peer_reads() -> None:
    with stuck(Overflow.WAIT, 1 << 18) as (messenger, peer):
        count = 600
        sender = threading.Thread(
            target=lambda: [messenger.send(peer.upid, text(f"{BIG} {number}")) for number in range(count)]
        )
        sender.start()
        connection = peer.accept()
        eventually(lambda: messenger.snapshot().total.queued > LIMIT - 25_000)
        assert sender.is_alive()
        data = read_until(connection, f" {count - 1}\r\n0\r\n\r\n".encode())
        sender.join(DEADLINE)
        assert not sender.is_alive()
        assert data.count(b"POST /raw/") == count


def test_wait_on_the_loop_raises_instead() -> None:
    with stuck(Overflow.WAIT) as (messenger, peer):
        raised = Calls()

        def flood() -> None:
            try:
                for _ in range(2000):
                    messenger.send(peer.upid, text(BIG))
            except QueueFullError as error:
                raised(error)

        messenger.call_soon(flood)
        raised.wait()


def test_wait_ends_with_a_stop() -> None:
    with stuck(Overflow.WAIT) as (messenger, peer):
        raised = Calls()

        def flood() -> None:
            try:
                while True:
                    messenger.send(peer.upid, text(BIG))
            except NotRunningError as error:
                raised(error)

        thread = threading.Thread(target=flood)
        thread.start()
        eventually(lambda: messenger.snapshot().total.queued > LIMIT - 25_000)
        messenger.stop(0.2)
        raised.wait()
        thread.join(DEADLINE)


def test_a_message_larger_than_the_limit_goes_alone() -> None:
    with stuck(Overflow.RAISE) as (messenger, peer):
        messenger.send(peer.upid, text("y" * LIMIT * 2))
        connection = peer.accept()
        assert read_until(connection, b"\r\n0\r\n\r\n").count(b"y") >= LIMIT * 2


@pytest.mark.parametrize("ending", ["close", "reset"])
def test_what_was_not_written_whole_is_reported(ending: str) -> None:
    with stuck(Overflow.WAIT) as (messenger, peer):
        undelivered, exited = Calls(), Calls()
        messenger.undelivered = undelivered
        messenger.link(peer.upid, exited)
        connection = peer.accept()
        sent = 0

        def fill() -> None:
            nonlocal sent
            try:
                while True:
                    messenger.send(peer.upid, text(f"{BIG} {sent}"))
                    sent += 1
            except QueueFullError:
                messenger.call_later(0.05, filled)

        filled, taken = Calls(), -1
        # Until the two kernels' buffers are full too, and nothing moves any longer.
        while messenger.snapshot().total.messages_out > taken:
            taken = messenger.snapshot().total.messages_out
            count = len(filled.calls)
            messenger.call_soon(fill)
            filled.wait(count + 1)
        assert messenger.snapshot().total.queued > LIMIT - 25_000
        connection.recv(1000)
        connection.close() if ending == "close" else reset(connection)
        exited.wait()
        total = messenger.snapshot().total
        reports = [call[0] for call in undelivered.calls]
        assert reports and total.messages_out + len(reports) == sent
        numbers = []
        for report in reports:
            assert isinstance(report, Undelivered)
            assert report.recipient == peer.upid and report.name == "google.protobuf.StringValue"
            assert report.reason
            numbers.append(int(StringValue.FromString(report.body).value.split()[1]))
        assert numbers == list(range(sent - len(reports), sent)), "the last ones, in order"
        assert total.drops["connection_lost"] == len(reports) and total.queued == 0


def test_a_peer_that_cannot_be_reached_is_reported() -> None:
    with RawPeer() as gone:
        upid = gone.upid
    with Messenger("a", bind="127.0.0.1:0") as messenger:
        undelivered = Calls()
        messenger.undelivered = undelivered
        messenger.send(upid, text("1"))
        messenger.send(upid, text("2"))
        reports = [call[0] for call in undelivered.wait(2)]
        bodies = [report.body for report in reports if isinstance(report, Undelivered)]
        assert bodies == [text("1").SerializeToString(), text("2").SerializeToString()]
        assert messenger.snapshot().total.drops == {"connect_failed": 2}


def test_a_peer_that_comes_back_gets_the_next_message() -> None:
    with Messenger("a", bind="127.0.0.1:0") as a:
        first = Messenger("b", bind="127.0.0.1:0")
        inbox = Inbox()
        first.install(StringValue, inbox)
        first.start()
        peer = first.upid
        a.send(peer, text("1"))
        inbox.wait(1)
        first.stop()
        eventually(lambda: a.snapshot().connections_out == 0)
        with Messenger("b", bind=f"127.0.0.1:{peer.port}") as second:
            second.install(StringValue, inbox)
            a.send(peer, text("2"))
            assert inbox.wait(2) == ["1", "2"]


def test_pausing_a_peer_bounds_what_it_can_send() -> None:
    options = Options(queue_limit=1_000_000, overflow=Overflow.DROP)
    with (
        Messenger("a", bind="127.0.0.1:0", options=options) as a,
        Messenger("b", bind="127.0.0.1:0") as b,
        Messenger("c", bind="127.0.0.1:0") as c,
    ):
        inbox = Inbox()
        b.install(StringValue, inbox)
        a.send(b.upid, text("first"))
        inbox.wait(1)
        b.pause(a.upid)
        done = Calls()
        b.call_soon(done)
        done.wait()
        for _ in range(2000):
            a.send(b.upid, text(BIG))
        eventually(lambda: a.snapshot().total.drops.get("queue_full"))
        assert inbox.values == ["first"]
        c.send(b.upid, text("another peer"))
        assert inbox.wait(2)[1] == "another peer"
        sent = 2000 - a.snapshot().total.drops["queue_full"]
        b.resume(a.upid)
        assert inbox.wait(2 + sent)[2:] == [BIG] * sent


def test_a_paused_peer_stays_paused_on_a_new_connection() -> None:
    with Messenger("a", bind="127.0.0.1:0") as a, Messenger("b", bind="127.0.0.1:0") as b:
        inbox = Inbox()
        b.install(StringValue, inbox)
        b.pause(a.upid)
        a.send(b.upid, text("1"))
        # The sender is known by its first message, which is delivered; then nothing more is read.
        inbox.wait(1)
        a.send(b.upid, text("2"))
        eventually(lambda: a.snapshot().total.messages_out == 2)
        done = Calls()
        b.call_later(0.05, done)
        done.wait()
        assert inbox.values == ["1"]
        b.resume(a.upid)
        assert inbox.wait(2) == ["1", "2"]
