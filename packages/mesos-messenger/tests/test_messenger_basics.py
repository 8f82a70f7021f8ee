from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from google.protobuf.wrappers_pb2 import Int32Value, StringValue
from mesos_messenger import UPID, Endpoint, MessageError, Messenger, NotRunningError, UsageError
from messenger_helpers import DEADLINE, Calls, Inbox, text


@pytest.fixture
def pair() -> Iterator[tuple[Messenger, Messenger]]:
    with Messenger("a", bind="127.0.0.1:0") as a, Messenger("b", bind="127.0.0.1:0") as b:
        yield a, b


def test_messages_arrive_in_order_with_their_sender(pair: tuple[Messenger, Messenger]) -> None:
    a, b = pair
    inbox = Inbox()
    b.install(StringValue, inbox)
    for number in range(1000):
        a.send(b.upid, text(str(number)))
    assert inbox.wait(1000) == [str(number) for number in range(1000)]
    assert {sender for sender, _ in inbox.messages} == {a.upid}


def test_several_threads_keep_their_own_order(pair: tuple[Messenger, Messenger]) -> None:
    a, b = pair
    inbox = Inbox()
    b.install(StringValue, inbox)

    def send(name: str) -> None:
        for number in range(500):
            a.send(b.upid, text(f"{name} {number}"))

    threads = [threading.Thread(target=send, args=(name,)) for name in "xyz"]
    for thread in threads:
        thread.start()
    values = inbox.wait(1500)
    for thread in threads:
        thread.join(DEADLINE)
    for name in "xyz":
        assert [v for v in values if v[0] == name] == [f"{name} {number}" for number in range(500)]


def test_a_handler_can_answer(pair: tuple[Messenger, Messenger]) -> None:
    a, b = pair
    inbox = Inbox()
    a.install(StringValue, inbox)
    b.install(StringValue, lambda sender, message: b.send(sender, text(message.value.upper())))
    a.send(b.upid, text("hello"))
    assert inbox.wait(1) == ["HELLO"]


def test_a_message_in_the_name_of_another(pair: tuple[Messenger, Messenger]) -> None:
    a, b = pair
    inbox = Inbox()
    b.install(StringValue, inbox)
    other = UPID("other", "127.0.0.1", 4)
    a.send(b.upid, text("x"), sender=other)
    inbox.wait(1)
    assert inbox.messages == [(other, "x")]


def test_a_handler_that_raises_harms_nothing_else(pair: tuple[Messenger, Messenger]) -> None:
    a, b = pair
    inbox = Inbox()

    def handler(sender: UPID, message: StringValue) -> None:
        if message.value == "bad":
            raise ValueError("as the test wants")
        inbox(sender, message)

    b.install(StringValue, handler)
    for value in ["1", "bad", "2", "bad", "3"]:
        a.send(b.upid, text(value))
    assert inbox.wait(3) == ["1", "2", "3"]
    assert b.handler_failures == 2


def test_what_has_no_handler_goes_to_the_hook(pair: tuple[Messenger, Messenger]) -> None:
    a, b = pair
    calls = Calls()
    b.unhandled = calls
    message = Int32Value(value=7)
    a.send(b.upid, message)
    assert calls.wait() == [(a.upid, "google.protobuf.Int32Value", message.SerializeToString())]


def test_processes_of_one_endpoint() -> None:
    with Endpoint(bind="127.0.0.1:0") as endpoint:
        one, two = Messenger("one", endpoint=endpoint), Messenger("two", endpoint=endpoint)
        inbox, exited = Inbox(), Calls()
        two.install(StringValue, inbox)
        one.start()
        two.start()
        assert one.upid.address == two.upid.address
        one.link(two.upid, exited)
        for number in range(100):
            one.send(two.upid, text(str(number)))
        assert inbox.wait(100) == [str(number) for number in range(100)]
        assert endpoint.snapshot().connections_in == 0, "delivered in memory"
        peer = two.upid
        two.stop()
        assert exited.wait() == [(peer,)]
        with pytest.raises(UsageError):
            Messenger("one", endpoint=endpoint).start()


def test_calls_run_in_order_on_the_loop(pair: tuple[Messenger, Messenger]) -> None:
    a, _ = pair
    calls = Calls()
    where: list[bool] = []
    for number in range(2000):
        a.call_soon(calls, number)
    a.call_soon(lambda: where.append(a.on_loop()))
    a.call_soon(lambda: a.call_later(0.01, calls, "never").cancel())
    a.call_later(60, calls, "never").cancel()
    a.call_later(0.05, calls, "later")
    assert calls.wait(2001) == [*((number,) for number in range(2000)), ("later",)]
    assert where == [True] and not a.on_loop()


def test_misuse_is_told_at_once() -> None:
    messenger = Messenger("a", bind="127.0.0.1:0")
    peer = UPID("b", "127.0.0.1", 1)
    with pytest.raises(NotRunningError):
        messenger.send(peer, text("x"))
    with pytest.raises(NotRunningError):
        _ = messenger.upid
    with messenger:
        with pytest.raises(UsageError):
            messenger.send(UPID(), text("x"))
        with pytest.raises(MessageError):
            messenger.send(peer, object())  # type: ignore[arg-type]
    with pytest.raises(NotRunningError):
        messenger.send(peer, text("x"))
    with pytest.raises(NotRunningError):
        messenger.start()
    with pytest.raises(UsageError):
        Messenger("no/id")


def test_nothing_is_left_behind_after_stop() -> None:
    before = set(threading.enumerate())
    messenger = Messenger("a", bind="127.0.0.1:0")
    messenger.start()
    assert set(threading.enumerate()) != before
    assert messenger.stop()
    assert messenger.stop()
    assert set(threading.enumerate()) == before


def test_stop_from_a_handler() -> None:
    before = set(threading.enumerate())
    with Messenger("a", bind="127.0.0.1:0") as a:
        b = Messenger("b", bind="127.0.0.1:0")
        b.start()
        inbox = Inbox()

        def handler(sender: UPID, message: StringValue) -> None:
            inbox(sender, message)
            b.stop()

        b.install(StringValue, handler)
        exited = Calls()
        a.link(b.upid, exited)
        a.send(b.upid, text("stop"))
        exited.wait()
    for thread in set(threading.enumerate()) - before:
        thread.join(DEADLINE)
    assert set(threading.enumerate()) == before
    assert inbox.values == ["stop"]
