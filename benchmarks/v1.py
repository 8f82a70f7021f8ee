"""What the v1 HTTP API costs: events decoded from a stream, calls sent to a server.

    python benchmarks/v1.py [--json] [--events 20000] [--calls 3000]

The stream is of status updates, in RecordIO, taken in pieces of 64 KiB as a socket gives them. The server
is a process of its own that answers 202. Figures:

    events_per_s_protobuf   events a second from bytes to messages
    events_per_s_json       the same stream in JSON
    baseline_events_per_s   the stream in JSON with `json.loads` and attribute dicts, which check nothing
    calls_per_s             ACKNOWLEDGE calls a second, one after the other, over one connection
    calls_per_s_async       the same calls with the client for asyncio
    requests_calls_per_s    the same bytes with nothing but `requests.Session.post`
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import socket
import time
import uuid
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import requests
from mesos_http import JSON, PROTOBUF, Client, Codec, Events, encode
from mesos_http.aio import AsyncClient
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2 as scheduler
from mesos_scheduler.v1 import calls

PIECE = 64 * 1024
ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
CALL = calls.acknowledge(
    mesos.FrameworkID(value="f"), mesos.AgentID(value="a"), mesos.TaskID(value="t"), b"u" * 16
)


def event(number: int) -> scheduler.Event:
    """Make the update of one task, with what agents put into it."""
    made = scheduler.Event(type=scheduler.Event.UPDATE)
    status = made.update.status
    status.task_id.value = f"task-{number}"
    status.state = mesos.TASK_RUNNING
    status.source = mesos.TaskStatus.SOURCE_EXECUTOR
    status.agent_id.value = "0e5d1a1c-6a43-4a7c-9fd2-3a3d0e3f6b11-S0"
    status.executor_id.value = "default"
    status.timestamp = 1.7e9
    status.uuid = uuid.uuid4().bytes
    status.container_status.container_id.value = str(uuid.uuid4())
    status.container_status.network_infos.add().ip_addresses.add(ip_address="10.0.0.7")
    return made


def pieces_of(events: list[scheduler.Event], codec: Codec) -> list[bytes]:
    """Return the stream of these events, in pieces."""
    stream = b"".join(encode(codec.encode(each)) for each in events)
    return [stream[start : start + PIECE] for start in range(0, len(stream), PIECE)]


def decode(pieces: list[bytes], codec: Codec) -> int:
    """Decode a stream with the client's decoder; return how many events there were."""
    events = Events(codec, scheduler.Event, 1 << 20)
    return sum(len(events.feed(piece)) for piece in pieces)


class Attributes(dict[str, Any]):
    """A dict whose keys are attributes."""

    __getattr__ = dict.__getitem__


def decode_baseline(pieces: list[bytes]) -> int:
    """Decode a stream as one would by hand."""
    count = 0
    buffer = b""
    for piece in pieces:
        buffer += piece
        start = 0
        while (newline := buffer.find(b"\n", start)) >= 0:
            end = newline + 1 + int(buffer[start:newline])
            if end > len(buffer):
                break
            json.loads(buffer[newline + 1 : end], object_hook=Attributes)
            count += 1
            start = end
        buffer = buffer[start:]
    return count


def serve(pipe: Connection) -> None:
    """Answer 202 to every request, for ever."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        pipe.send(listener.getsockname()[1])
        while True:
            sock, _ = listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with sock, sock.makefile("rb") as file:
                while line := file.readline():
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                    elif line == b"\r\n":
                        file.read(length)
                        sock.sendall(ANSWER)


def rate(count: int, run: Callable[[], object], rounds: int = 3) -> float:
    """Return how many a second, in the best of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        begin = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - begin)
    return count / best


def measure_events(count: int) -> dict[str, float]:
    """Measure the decoders."""
    events = [event(number) for number in range(count)]
    protobuf, text = pieces_of(events, PROTOBUF), pieces_of(events, JSON)
    if not count == decode(protobuf, PROTOBUF) == decode(text, JSON) == decode_baseline(text):
        raise SystemExit("the decoders do not agree")
    runs: dict[str, Callable[[], int]] = {
        "events_per_s_protobuf": lambda: decode(protobuf, PROTOBUF),
        "events_per_s_json": lambda: decode(text, JSON),
        "baseline_events_per_s": lambda: decode_baseline(text),
    }
    best = dict.fromkeys(runs, 0.0)
    for _ in range(7):  # In turns, so that what else the machine does is the same for all.
        for name, run in runs.items():
            best[name] = max(best[name], rate(count, run, 1))
    return best


def bare_calls(url: str, count: int) -> float:
    """Send a call's bytes with nothing but requests; return how many a second."""
    body = CALL.SerializeToString()
    headers = {"Content-Type": PROTOBUF.media_type, "Mesos-Stream-Id": "s"}
    with requests.Session() as session:

        def run() -> None:
            for _ in range(count):
                session.post(url, data=body, headers=headers)

        return rate(count, run, 1)


def client_calls(url: str, count: int) -> float:
    """Send calls with the client; return how many a second."""
    with Client(url) as client:

        def run() -> None:
            for _ in range(count):
                client.call(CALL, stream_id="s")

        return rate(count, run, 1)


def async_calls(url: str, count: int) -> float:
    """Send calls with the client for asyncio; return how many a second."""

    async def run() -> float:
        async with AsyncClient(url) as client:
            begin = time.perf_counter()
            for _ in range(count):
                await client.call(CALL, stream_id="s")
            return count / (time.perf_counter() - begin)

    return asyncio.run(run())


def measure_calls(count: int, rounds: int = 3) -> dict[str, float]:
    """Measure calls to a server on this machine; the ways take turns, and each has its best round."""
    ways = {
        "calls_per_s": client_calls,
        "calls_per_s_async": async_calls,
        "requests_calls_per_s": bare_calls,
    }
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    try:
        url = f"http://127.0.0.1:{ours.recv()}/api/v1/scheduler"
        figures = [{name: way(url, count) for name, way in ways.items()} for _ in range(rounds)]
        return {name: max(each[name] for each in figures) for name in ways}
    finally:
        server.terminate()
        server.join()


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--calls", type=int, default=3_000)
    options = parser.parse_args()
    figures = {**measure_events(options.events), **measure_calls(options.calls)}
    if options.json:
        print(json.dumps({name: round(value, 1) for name, value in figures.items()}))
        return
    for name, value in figures.items():
        print(f"{name:24} {value:12,.0f}")


if __name__ == "__main__":
    main()
