"""The events a session takes and the commands it gives: all a shell, a test or a simulation has to know."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TypeAlias

from google.protobuf.message import Message
from mesos_messenger import UPID
from mesos_proto.v1 import mesos_pb2 as v1

from . import events
from .status import Status


class TimerKind(enum.Enum):
    """What a timer is for."""

    RECOVERY = "recovery timeout"
    GRACE = "shutdown grace period"
    FLUSH = "flush timeout"


# Events: what happened.


@dataclass(frozen=True, slots=True)
class Start:
    """The user started the driver."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message arrived from `sender`."""

    sender: UPID
    message: Message


@dataclass(frozen=True, slots=True)
class LinkBroken:
    """The link of that number (see `Link`) is gone."""

    number: int


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer ran out; `generation` is that of the connection it was started in."""

    kind: TimerKind
    generation: int


@dataclass(frozen=True, slots=True)
class SendStatusUpdate:
    """The user reports about a task."""

    status: v1.TaskStatus


@dataclass(frozen=True, slots=True)
class SendFrameworkMessage:
    """The user sends bytes to the scheduler."""

    data: bytes


@dataclass(frozen=True, slots=True)
class ShutdownReturned:
    """The user's `shutdown` has returned."""


@dataclass(frozen=True, slots=True)
class End:
    """The user stopped (or a failure aborted) the driver."""

    status: Status


UserCall: TypeAlias = SendStatusUpdate | SendFrameworkMessage | End
SessionEvent: TypeAlias = Start | Received | LinkBroken | TimerFired | ShutdownReturned | UserCall


# Commands: what to do.


@dataclass(frozen=True, slots=True)
class Link:
    """Open the persistent connection to `upid`; report its loss as `LinkBroken(number)`."""

    upid: UPID
    number: int
    reconnect: bool


@dataclass(frozen=True, slots=True)
class Send:
    """Send `message` to `upid`."""

    upid: UPID
    message: Message


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Report `fired` after that many seconds."""

    seconds: float
    fired: TimerFired


@dataclass(frozen=True, slots=True)
class Invoke:
    """Tell the user."""

    event: events.Event


@dataclass(frozen=True, slots=True)
class StartWatchdog:
    """Kill the process group after that many seconds, whatever happens until then."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Ended:
    """No further callback may start, but the one that tells of the `reason`; `status` is the final one."""

    status: Status
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Close:
    """Write out what is queued, then close the connections."""


Command: TypeAlias = Link | Send | StartTimer | Invoke | StartWatchdog | Ended | Close
