"""What the detector and the places it learns from say to each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mesos_proto.v0 import mesos_pb2

from mesos_detector.errors import DetectionFailedError, DetectorError
from mesos_detector.leader import Leader


@dataclass(frozen=True, slots=True)
class Publish:
    """Command: this is the leader now (or there is none), and these are all masters known, leader first.

    With `quiet`, the leader is the one already known, only better described: nobody is called.
    """

    leader: Leader | None
    masters: tuple[mesos_pb2.MasterInfo, ...]
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """Command: tell the user why there is no news; None when the problem is over."""

    text: str | None


@dataclass(frozen=True, slots=True)
class Fail:
    """Command: detection ends for good."""

    error: DetectorError


@dataclass(frozen=True, slots=True)
class Count:
    """Command: count something, and say it once."""

    what: str
    text: str


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Command: (re)start a timer."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """Command: stop a timer."""

    name: str


@dataclass(frozen=True, slots=True)
class TimerFired:
    """Event: a timer has run out."""

    name: str


class Sink(Protocol):
    """Where a source's findings go; safe to call on any thread."""

    def publish(self, command: Publish) -> None: ...

    def problem(self, text: str | None) -> None: ...

    def fail(self, error: DetectorError) -> None: ...

    def count(self, command: Count) -> None: ...


class Source(Protocol):
    """Something that learns who leads."""

    def start(self) -> None: ...

    def refresh(self) -> None: ...

    def stop(self) -> None: ...


def crashed(sink: Sink) -> Callable[[Exception], None]:
    """Return what tells a sink that its source ended on an unforeseen error."""

    def tell(error: Exception) -> None:
        sink.fail(DetectionFailedError(f"an unforeseen error, {type(error).__name__}; see the log"))

    return tell
