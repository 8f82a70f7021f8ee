"""Streams: events as they come, cuts, violations, and closing from elsewhere."""

from __future__ import annotations

import threading
import time

import pytest
from http_helpers import WAIT, Exchange, Server
from mesos_http import (
    JSON,
    PROTOBUF,
    Client,
    ConnectionFailed,
    DecodeError,
    RecordError,
    Settings,
    TimedOut,
    encode,
)
from mesos_proto.v1 import scheduler_pb2 as scheduler

Event = scheduler.Event
CALL = scheduler.Call(type=scheduler.Call.SUBSCRIBE)
HEARTBEAT = Event(type=Event.HEARTBEAT)
ERROR = Event(type=Event.ERROR, error=Event.Error(message="m"))


def record(event: Event, codec=PROTOBUF) -> bytes:
    return encode(codec.encode(event))


@pytest.mark.parametrize("codec", [PROTOBUF, JSON])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_events_whatever_the_chunks(codec, size):
    data = record(HEARTBEAT, codec) + b"0\n" + record(ERROR, codec) + record(HEARTBEAT, codec)

    def script(exchange: Exchange) -> None:
        exchange.stream(codec.media_type, Mesos_Stream_Id="S")
        for start in range(0, len(data), size):
            exchange.chunk(data[start : start + size])
        exchange.end()

    with Server(script) as server, Client(server.url, codec=codec) as client:
        with client.stream(CALL, Event) as stream:
            assert stream.stream_id == "S"
            assert list(stream) == [HEARTBEAT, ERROR, HEARTBEAT]
            assert stream.batch() == []


def test_events_come_when_they_are_sent_without_chunks_too():
    taken = threading.Event()

    def script(exchange: Exchange) -> None:
        exchange.head(200, Content_Type=PROTOBUF.media_type, Connection="close")
        exchange.sock.sendall(record(HEARTBEAT))
        assert taken.wait(WAIT)
        exchange.sock.sendall(record(ERROR))
        raise OSError  # Closes the connection, which is the end of such a body.

    with Server(script) as server, Client(server.url) as client:
        stream = client.stream(CALL, Event)
        assert next(stream) == HEARTBEAT
        taken.set()
        assert list(stream) == [ERROR]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"5\nab", RecordError),
        (b"x", RecordError),
        (b"1073741824\n", RecordError),
        (encode(b"\xff\xff"), DecodeError),
    ],
)
@pytest.mark.parametrize("together", [True, False])
def test_violations_come_after_the_events_before_them(data, error, together):
    def script(exchange: Exchange) -> None:
        exchange.stream()
        if together:
            exchange.chunk(record(HEARTBEAT) + data)
        else:
            exchange.chunk(record(HEARTBEAT))
            exchange.chunk(data)
        exchange.end()

    with Server(script) as server, Client(server.url) as client:
        stream = client.stream(CALL, Event)
        assert next(stream) == HEARTBEAT
        with pytest.raises(error):
            next(stream)
        assert list(stream) == []


@pytest.mark.parametrize("cut", [b"", b"400\r\n5\nab", b"2"])
def test_a_connection_cut(cut):
    def script(exchange: Exchange) -> None:
        exchange.stream()
        exchange.chunk(record(HEARTBEAT))
        exchange.sock.sendall(cut)
        raise OSError

    with Server(script) as server, Client(server.url) as client:
        stream = client.stream(CALL, Event)
        assert next(stream) == HEARTBEAT
        with pytest.raises(ConnectionFailed):
            next(stream)


def test_silence_ends_a_stream():
    def script(exchange: Exchange) -> None:
        exchange.stream()
        exchange.chunk(record(HEARTBEAT))
        exchange.hang()

    with Server(script) as server, Client(server.url, settings=Settings(stream_timeout=0.2)) as client:
        stream = client.stream(CALL, Event)
        assert next(stream) == HEARTBEAT
        with pytest.raises(TimedOut):
            next(stream)


def test_an_answer_that_is_no_stream():
    with Server(lambda exchange: exchange.answer(200, b"<p>", Content_Type="text/html")) as server:
        with Client(server.url) as client, pytest.raises(DecodeError, match="is it a Mesos API"):
            client.stream(CALL, Event)


@pytest.mark.parametrize("whole_client", [True, False])
def test_closing_from_another_thread_ends_a_read_at_once(whole_client):
    def script(exchange: Exchange) -> None:
        exchange.stream()
        exchange.chunk(record(HEARTBEAT))
        exchange.hang()

    with Server(script) as server, Client(server.url) as client:
        stream = client.stream(CALL, Event)
        assert next(stream) == HEARTBEAT
        rest: list[list[Event]] = []
        reader = threading.Thread(target=lambda: rest.append(list(stream)))
        reader.start()
        time.sleep(0.05)  # Most likely the reader waits by now; it must end either way.
        (client if whole_client else stream).close()
        reader.join(WAIT)
        assert not reader.is_alive()
        assert rest == [[]]
        stream.close()


def test_a_stream_does_not_keep_calls_waiting():
    def script(exchange: Exchange) -> None:
        if PROTOBUF.decode(scheduler.Call, exchange.request.body).type == scheduler.Call.SUBSCRIBE:
            exchange.stream()
            exchange.chunk(record(HEARTBEAT))
            exchange.hang()
        else:
            exchange.answer(202)

    with Server(script) as server, Client(server.url) as client, client.stream(CALL, Event) as stream:
        assert next(stream) == HEARTBEAT
        for _ in range(3):
            client.call(scheduler.Call(type=scheduler.Call.REVIVE))
        assert server.connections == 2
