"""Messengers on a network in memory, and the network itself."""

from __future__ import annotations

import threading

import pytest
from google.protobuf.wrappers_pb2 import StringValue
from mesos_messenger import AddressError, Messenger, Options, Overflow, QueueFullError
from mesos_messenger.testing import ManualLoop, MemoryNetwork
from messenger_helpers import Calls, Inbox, text


def two(network: MemoryNetwork, options: Options | None = None) -> tuple[Messenger, Messenger, Inbox]:
    a = Messenger("a", endpoint=network.endpoint("10.0.0.1", options=options))
    b = Messenger("b", endpoint=network.endpoint("10.0.0.2:5050"))
    inbox = Inbox()
    b.install(StringValue, inbox)
    a.start()
    b.start()
    return a, b, inbox


def test_messages_and_answers_without_a_thread() -> None:
    threads = threading.active_count()
    with MemoryNetwork() as network:
        a, b, inbox = two(network)
        answers = Inbox()
        a.install(StringValue, answers)
        b.install(StringValue, lambda sender, message: (inbox(sender, message), b.send(sender, message)))
        assert str(b.upid) == "b@10.0.0.2:5050" and a.upid.ip == "10.0.0.1"
        for number in range(100):
            a.send(b.upid, text(str(number)))
        assert inbox.values == []
        network.run()
        assert inbox.values == answers.values == [str(number) for number in range(100)]
        assert network.now == 0.0
        assert a.snapshot().total.messages_out == 100
        assert threading.active_count() == threads


def test_cutting_and_healing() -> None:
    with MemoryNetwork() as network:
        a, b, inbox = two(network)
        exited, undelivered = Calls(), Calls()
        a.undelivered = undelivered
        a.link(b.upid, exited)
        network.run()
        assert exited.calls == []
        network.cut("10.0.0.1", "10.0.0.2")
        network.run()
        assert exited.calls == [(b.upid,)]
        a.send(b.upid, text("lost"))
        network.run()
        assert len(undelivered.calls) == 1
        network.heal("10.0.0.1", "10.0.0.2")
        a.send(b.upid, text("found"))
        network.run()
        assert inbox.values == ["found"]


def test_a_stop_is_an_exit_to_others() -> None:
    with MemoryNetwork() as network:
        a, b, inbox = two(network)
        exited, peer = Calls(), b.upid
        a.link(peer, exited)
        a.send(peer, text("x"))
        network.run()
        b.endpoint.stop()
        network.run()
        assert inbox.values == ["x"] and exited.calls == [(peer,)]


def test_timers_fire_in_order_when_time_is_moved() -> None:
    with MemoryNetwork() as network:
        a, _, _ = two(network)
        fired = Calls()
        a.call_later(2.0, fired, "two")
        a.call_later(1.0, lambda: a.call_later(0.5, fired, "one and a half"))
        a.call_later(3.0, fired, "never").cancel()
        network.advance(1.4)
        assert fired.calls == []
        network.advance(0.2)
        assert fired.calls == [("one and a half",)]
        network.advance(10.0)
        assert fired.calls == [("one and a half",), ("two",)]
        assert network.now == pytest.approx(11.6)


def test_a_peer_that_is_paused_makes_the_sender_wait() -> None:
    options = Options(queue_limit=50_000, overflow=Overflow.WAIT)
    with MemoryNetwork(capacity=10_000) as network:
        a, b, inbox = two(network, options)
        a.send(b.upid, text("first"))
        network.run()
        b.pause(a.upid)
        network.run()
        with pytest.raises(QueueFullError):
            for _ in range(100):
                a.send(b.upid, text("x" * 1000))
                network.run()
        sent = a.snapshot().total.queued
        assert 0 < sent <= 50_000 and inbox.values == ["first"]
        b.resume(a.upid)
        network.run()
        assert a.snapshot().total.queued == 0
        assert len(inbox.values) == a.snapshot().total.messages_out


def test_idle_connections_are_closed_on_the_manual_clock() -> None:
    with MemoryNetwork() as network:
        a, b, _ = two(network, Options(idle_timeout=60.0))
        a.send(b.upid, text("x"))
        network.run()
        assert a.snapshot().connections_out == b.snapshot().connections_in == 1
        network.advance(30.0)
        assert b.snapshot().connections_in == 1
        network.advance(60.0)
        assert a.snapshot().connections_out == b.snapshot().connections_in == 0


def test_addresses_are_taken_once() -> None:
    with MemoryNetwork() as network:
        two(network)
        with pytest.raises(AddressError):
            network.endpoint("10.0.0.2:5050").start()


def test_work_that_never_ends_is_told() -> None:
    loop = ManualLoop()

    def again() -> None:
        loop.call_soon(again)

    again()
    with pytest.raises(RuntimeError, match="does not end"):
        loop.run_until_idle(turns=1000)
    loop.close()
