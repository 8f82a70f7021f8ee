"""What the messenger's tests share."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from google.protobuf.wrappers_pb2 import StringValue
from mesos_messenger import UPID

DATA = Path(__file__).parent / "data"
DEADLINE = 20.0


def text(value: str) -> StringValue:
    """A message."""
    return StringValue(value=value)


class Inbox:
    """A handler that keeps what comes, and lets a test wait for it."""

    def __init__(self) -> None:
        self.messages: list[tuple[UPID, str]] = []
        self._changed = threading.Condition()

    def __call__(self, sender: UPID, message: StringValue) -> None:
        with self._changed:
            self.messages.append((sender, message.value))
            self._changed.notify_all()

    @property
    def values(self) -> list[str]:
        return [value for _, value in self.messages]

    def wait(self, count: int) -> list[str]:
        """Wait until so many messages have come; return all."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.messages) >= count, DEADLINE), self.values[-5:]
        return self.values


class Calls:
    """A callback that keeps its arguments, and lets a test wait for calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self._changed = threading.Condition()

    def __call__(self, *args: object) -> None:
        with self._changed:
            self.calls.append(args)
            self._changed.notify_all()

    def wait(self, count: int = 1) -> list[tuple[object, ...]]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.calls) >= count, DEADLINE), self.calls[-5:]
        return self.calls


def eventually(condition: Callable[[], object]) -> None:
    """Wait until a condition holds that nobody announces."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.002)


def recorded_streams(name: str) -> Iterator[tuple[int, str, bytes]]:
    """Yield (connection, who sends, bytes) of a recording of real traffic."""
    streams: dict[tuple[int, str], bytearray] = {}
    with (DATA / f"{name}.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if "data" in record:
                key = (record["conn"], record["from"])
                streams.setdefault(key, bytearray()).extend(base64.b64decode(record["data"]))
    for (connection, side), data in streams.items():
        yield connection, side, bytes(data)
