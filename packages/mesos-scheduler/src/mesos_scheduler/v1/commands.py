"""The events a v1 session takes and the commands it gives; the user's calls are those of v0."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from mesos_http import MesosHttpError
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2 as scheduler

from .. import commands as v0


class TimerKind(enum.Enum):
    """What a timer is for."""

    CONNECT = "next attempt to subscribe"
    SUBSCRIBE = "answer to an attempt"
    LIVENESS = "signs of life"
    RECONCILIATION = "next reconciliation"
    DECLINE = "giving offers back"
    LINGER = "stop after abort"


# Events: what happened.


@dataclass(frozen=True, slots=True)
class LeaderDetected:
    """The API of the leading master is at `url`; None: nobody leads."""

    url: str | None


@dataclass(frozen=True, slots=True)
class StreamOpened:
    """The master has taken the SUBSCRIBE of that attempt."""

    attempt: int
    stream_id: str | None


@dataclass(frozen=True, slots=True)
class EventsReceived:
    """Events of the stream of that attempt, in order."""

    attempt: int
    events: Sequence[scheduler.Event]


@dataclass(frozen=True, slots=True)
class StreamEnded:
    """The attempt failed, or its stream has ended; None: the master ended it."""

    attempt: int
    error: MesosHttpError | None


@dataclass(frozen=True, slots=True)
class CallFailed:
    """The call was refused, or nobody knows whether it was taken; `attempt` is that of its stream."""

    call: scheduler.Call
    attempt: int
    error: MesosHttpError


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer ran out; only the `number` of the newest one of its kind counts."""

    kind: TimerKind
    number: int


@dataclass(frozen=True, slots=True)
class OperationHandled:
    """The callback for this status of an operation has returned."""

    status: mesos.OperationStatus


@dataclass(frozen=True, slots=True)
class AcknowledgeOperationStatus:
    """The user acknowledges the status of an operation."""

    status: mesos.OperationStatus


@dataclass(frozen=True, slots=True)
class ReconcileOperations:
    """The user asks for the state of these operations; none: of all."""

    operations: Sequence[scheduler.Call.ReconcileOperations.Operation]


@dataclass(frozen=True, slots=True)
class CloseNow:
    """Nobody will call `stop` any more."""


UserCall: TypeAlias = v0.UserCall | AcknowledgeOperationStatus | ReconcileOperations
SessionEvent: TypeAlias = (
    v0.Start
    | LeaderDetected
    | v0.DetectionFailed
    | StreamOpened
    | EventsReceived
    | StreamEnded
    | CallFailed
    | TimerFired
    | v0.Handled
    | OperationHandled
    | v0.Congested
    | UserCall
    | v0.Stop
    | v0.Abort
    | CloseNow
)


# Commands: what to do.


@dataclass(frozen=True, slots=True)
class OpenStream:
    """Subscribe at `url`; report what becomes of it under the number of the attempt."""

    attempt: int
    url: str
    call: scheduler.Call


@dataclass(frozen=True, slots=True)
class CloseStream:
    """End that attempt, or its stream; no more of it is of interest."""

    attempt: int


@dataclass(frozen=True, slots=True)
class SendCall:
    """Send a call for the stream of that attempt, after those before it."""

    attempt: int
    stream_id: str | None
    call: scheduler.Call


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Report `fired` after that many seconds."""

    seconds: float
    fired: TimerFired


Command: TypeAlias = (
    OpenStream
    | CloseStream
    | SendCall
    | StartTimer
    | v0.Redetect
    | v0.Deliver
    | v0.RememberFramework
    | v0.ForgetFramework
    | v0.Ended
    | v0.Close
)
