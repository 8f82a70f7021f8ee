"""The events a v1 session takes and the commands it gives; the user's calls are those of v0."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from mesos_http import MesosHttpError
from mesos_proto.v1 import executor_pb2 as executor

from .. import commands as v0


class TimerKind(enum.Enum):
    """What a timer is for."""

    CONNECT = "next attempt to subscribe"
    SUBSCRIBE = "answer to an attempt"
    RECOVERY = "recovery timeout"
    LIVENESS = "signs of life"
    HEARTBEAT = "our own sign of life"
    RESEND = "next attempt of a call"
    GRACE = "shutdown grace period"
    FLUSH = "flush timeout"


# Events: what happened.


@dataclass(frozen=True, slots=True)
class EventsReceived:
    """Events of the stream of that attempt, in order."""

    attempt: int
    events: Sequence[executor.Event]


@dataclass(frozen=True, slots=True)
class StreamEnded:
    """The attempt failed, or its stream has ended; None: the agent ended it."""

    attempt: int
    error: MesosHttpError | None


@dataclass(frozen=True, slots=True)
class CallDone:
    """The agent has taken the call on its way."""

    attempt: int


@dataclass(frozen=True, slots=True)
class CallFailed:
    """The agent refused the call on its way, or nobody knows whether it took it."""

    attempt: int
    error: MesosHttpError


@dataclass(frozen=True, slots=True)
class Congested:
    """Too many events wait for callbacks, so the stream is not read; False: it is read again."""

    congested: bool


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer ran out; only the `number` of the newest one of its kind counts."""

    kind: TimerKind
    number: int


SessionEvent: TypeAlias = (
    v0.Start
    | EventsReceived
    | StreamEnded
    | CallDone
    | CallFailed
    | Congested
    | TimerFired
    | v0.SendStatusUpdate
    | v0.SendFrameworkMessage
    | v0.ShutdownReturned
    | v0.End
)


# Commands: what to do.


@dataclass(frozen=True, slots=True)
class OpenStream:
    """Subscribe; report what becomes of it under the number of the attempt."""

    attempt: int
    call: executor.Call


@dataclass(frozen=True, slots=True)
class CloseStream:
    """End that attempt, its stream and the call on its way; no more of it is of interest."""

    attempt: int


@dataclass(frozen=True, slots=True)
class SendCall:
    """Send a call, and report what became of it; until then there is no other one."""

    attempt: int
    call: executor.Call


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Report `fired` after that many seconds."""

    seconds: float
    fired: TimerFired


Command: TypeAlias = (
    OpenStream | CloseStream | SendCall | StartTimer | v0.Invoke | v0.StartWatchdog | v0.Ended | v0.Close
)
