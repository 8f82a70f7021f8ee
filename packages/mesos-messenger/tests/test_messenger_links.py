"""Links, exits, and what a stop does in which order."""

from __future__ import annotations

import select
import socket
import threading

import pytest
from google.protobuf.wrappers_pb2 import StringValue
from mesos_messenger import UPID, Messenger, Options, UsageError
from messenger_helpers import DEADLINE, Calls, Inbox, RawPeer, connect, eventually, read_all, reset, text

ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


def free_address() -> tuple[str, int]:
    """An address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address: tuple[str, int] = probe.getsockname()
    return address


def test_exited_when_the_peer_stops_and_only_once() -> None:
    with Messenger("a", bind="127.0.0.1:0") as a:
        b = Messenger("b", bind="127.0.0.1:0")
        b.start()
        peer, exited, other = b.upid, Calls(), Calls()
        a.link(peer, exited)
        a.link(peer, exited)
        a.link(UPID("another", *peer.address), other)
        eventually(lambda: b.snapshot().connections_in == 1)
        b.stop()
        assert exited.wait() == [(peer,)]
        assert other.wait() == [(UPID("another", *peer.address),)]
        a.send(peer, text("nobody there"))
        eventually(lambda: a.snapshot().total.drops.get("connect_failed"))
        assert len(exited.calls) == 1, "a send does not link again"


def test_exited_when_nobody_listens() -> None:
    with Messenger("a", bind="127.0.0.1:0") as a:
        exited = Calls()
        peer = UPID("b", *free_address())
        a.link(peer, exited)
        assert exited.wait() == [(peer,)]
        a.link(peer, exited)
        assert exited.wait(2) == [(peer,), (peer,)]


@pytest.mark.parametrize("ending", [socket.socket.close, reset])
def test_exited_when_the_connection_breaks_and_linking_again(ending: object) -> None:
    with Messenger("a", bind="127.0.0.1:0") as a, RawPeer() as peer:
        exited = Calls()
        for count in (1, 2):
            a.link(peer.upid, exited)
            connection = peer.accept()
            ending(connection)  # type: ignore[operator]
            assert len(exited.wait(count)) == count


def test_a_process_that_is_not_there_is_not_noticed() -> None:
    with Messenger("a", bind="127.0.0.1:0") as a, Messenger("b", bind="127.0.0.1:0") as b:
        exited, inbox = Calls(), Inbox()
        b.install(StringValue, inbox)
        a.link(UPID("nobody", *b.upid.address), exited)
        a.send(b.upid, text("x"))
        inbox.wait(1)
        assert exited.calls == []


def test_link_and_messages_share_one_connection() -> None:
    with Messenger("a", bind="127.0.0.1:0") as a, Messenger("b", bind="127.0.0.1:0") as b:
        inbox = Inbox()
        b.install(StringValue, inbox)
        a.send(b.upid, text("1"))
        a.link(b.upid, Calls())
        a.send(b.upid, text("2"))
        inbox.wait(2)
        assert b.snapshot().connections_in == 1


def test_reconnecting_replaces_the_connection_silently() -> None:
    with Messenger("a", bind="127.0.0.1:0") as a, RawPeer() as peer:
        exited = Calls()
        a.link(peer.upid, exited)
        first = peer.accept()
        a.link(peer.upid, exited, reconnect=True)
        second = peer.accept()
        assert read_all(first) == b""
        assert exited.calls == []
        a.send(peer.upid, text("x"))
        assert second.recv(4) == b"POST"
        second.close()
        exited.wait(1)
        assert exited.calls == [(peer.upid,)]


def test_unlinked_means_not_told() -> None:
    with Messenger("a", bind="127.0.0.1:0") as a, RawPeer() as peer:
        forgotten, kept = Calls(), Calls()
        other = UPID("other", *peer.address)
        a.link(peer.upid, forgotten)
        a.link(other, kept)
        connection = peer.accept()
        a.unlink(peer.upid)
        done = Calls()
        a.call_soon(done)
        done.wait()
        connection.close()
        assert kept.wait() == [(other,)]
        assert forgotten.calls == []
        with pytest.raises(UsageError):
            a.link(UPID(), kept)


def test_the_end_of_an_inbound_connection_means_nothing() -> None:
    with Messenger("a", bind="127.0.0.1:0") as a, RawPeer() as peer:
        exited = Calls()
        a.link(peer.upid, exited)
        peer.accept()
        inbound = connect(a.upid)
        eventually(lambda: a.snapshot().connections_in == 1)
        inbound.close()
        eventually(lambda: a.snapshot().connections_in == 0)
        assert exited.calls == []


def test_stop_lets_the_peer_read_before_its_links_break() -> None:
    messenger = Messenger("a", bind="127.0.0.1:0")
    messenger.start()
    with RawPeer() as peer, connect(messenger.upid) as their_link:
        for number in range(200):
            messenger.send(peer.upid, text(f"{number} " + "x" * 10_000))
        messenger.send(peer.upid, text("the last one"))
        stopped = threading.Thread(target=messenger.stop, args=(DEADLINE,))
        stopped.start()
        connection = peer.accept()
        # As long as the peer has not read everything, its link is there.
        readable, _, _ = select.select([their_link], [], [], 0.3)
        assert readable == []
        data = read_all(connection)
        assert data.count(b"POST /raw/") == 201 and b"the last one" in data
        connection.close()
        assert their_link.recv(1) == b""
        stopped.join(DEADLINE)
        assert not stopped.is_alive()
    assert messenger.snapshot().total.messages_out == 201


def test_stop_does_not_wait_for_a_peer_that_never_reads() -> None:
    messenger = Messenger("a", bind="127.0.0.1:0")
    undelivered = Calls()
    messenger.undelivered = undelivered
    messenger.start()
    with RawPeer(receive_buffer=4096) as peer:
        count = 300
        for number in range(count):
            messenger.send(peer.upid, text(f"{number} " + "x" * 50_000))
        eventually(lambda: messenger.snapshot().total.messages_out)
        messenger.stop(0.5)
        total = messenger.snapshot().total
        assert 0 < len(undelivered.calls) < count
        assert total.messages_out + len(undelivered.calls) == count
        assert total.drops["connection_lost"] == len(undelivered.calls)
        assert total.queued == 0


def test_an_unused_connection_is_closed_after_a_while_but_not_a_link() -> None:
    options = Options(idle_timeout=0.2)
    with Messenger("a", bind="127.0.0.1:0", options=options) as a, RawPeer() as one, RawPeer() as two:
        a.send(one.upid, text("1"))
        a.link(two.upid, Calls())
        linked = two.accept()
        connection = one.accept()
        data = read_all(connection)
        assert data.startswith(b"POST /raw/google.protobuf.StringValue ")
        connection.close()
        readable, _, _ = select.select([linked], [], [], 0.5)
        assert readable == []
        a.send(one.upid, text("2"))
        assert one.accept().recv(4) == b"POST"
        eventually(lambda: a.snapshot().total.messages_out == 2)
