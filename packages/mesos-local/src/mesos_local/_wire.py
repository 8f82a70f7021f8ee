"""What the sessions of the master and of the agent share: the events they take and the commands they give.

Strategy: a session never touches a socket, a file, a process or a clock. A shell turns what happens into
events, calls ``handle(event, now)``, and performs the commands it gets back, in their order. A command to
write a checkpoint therefore happens before the message that depends on it.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TypeAlias

from google.protobuf.message import Message

__all__ = [
    "NO_PROCESS",
    "CancelTimer",
    "Exited",
    "Link",
    "Received",
    "Send",
    "SetTimer",
    "StreamClose",
    "StreamPublish",
    "StreamSend",
    "TimerFired",
    "TimerKey",
    "is_process",
]

NO_PROCESS = "@0.0.0.0:0"
"""How the wire writes "no process" (the empty UPID)."""

TimerKey: TypeAlias = tuple[Hashable, ...]


def is_process(upid: str) -> bool:
    """Tell whether `upid` names a process: neither absent nor the empty UPID."""
    return bool(upid) and upid != NO_PROCESS


@dataclass(frozen=True, slots=True)
class Received:
    """A message came in from the process `sender` (text of its UPID, empty when unknown)."""

    sender: str
    message: Message


@dataclass(frozen=True, slots=True)
class Exited:
    """The link to `upid` broke, or could not be made."""

    upid: str


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The timer set under `key` ran out."""

    key: TimerKey


@dataclass(frozen=True, slots=True)
class Send:
    """Send `message` to the process `to`."""

    to: str
    message: Message


@dataclass(frozen=True, slots=True)
class Link:
    """Watch the process `to`; `Exited` reports its end. `reconnect` replaces an older connection."""

    to: str
    reconnect: bool = False


@dataclass(frozen=True, slots=True)
class StreamSend:
    """Send an event (of v0) to whoever reads the HTTP event stream; `cut` ends it in mid-record."""

    stream: str
    event: Message
    cut: bool = False


@dataclass(frozen=True, slots=True)
class StreamPublish:
    """Send one event (of v0) to everybody who reads one of these streams."""

    streams: tuple[str, ...]
    event: Message
    cut: bool = False


@dataclass(frozen=True, slots=True)
class StreamClose:
    """End an HTTP event stream."""

    stream: str


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Fire `TimerFired(key)` after `delay` seconds; replaces a timer of the same key."""

    key: TimerKey
    delay: float


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """Forget the timer of that key, when there is one."""

    key: TimerKey
