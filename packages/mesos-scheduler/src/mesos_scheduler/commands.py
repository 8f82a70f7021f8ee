"""The events a session takes and the commands it gives: all a shell, a test or a simulation has to know."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from google.protobuf.message import Message
from mesos_messenger import UPID
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v1 import mesos_pb2 as v1
from mesos_proto.v1 import scheduler_pb2 as v1_scheduler

from . import events
from .status import Status


class TimerKind(enum.Enum):
    """What a timer is for."""

    REGISTRATION = "registration retry"
    AUTHENTICATION = "authentication timeout"
    SILENCE = "silence of the master"
    PROBE = "answer to a probe"
    RECONCILIATION = "next reconciliation"


class Verdict(enum.Enum):
    """How an authentication attempt ended."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    FAILED = "failed"


# Events: what happened.


@dataclass(frozen=True, slots=True)
class Start:
    """The user started the driver."""


@dataclass(frozen=True, slots=True)
class MasterDetected:
    """`master` leads now; None: nobody does. `info` is what the detector knows of it."""

    master: UPID | None
    info: v0.MasterInfo | None = None


@dataclass(frozen=True, slots=True)
class DetectionFailed:
    """The detector has given up."""

    reason: str


@dataclass(frozen=True, slots=True)
class Received:
    """Messages arrived, in this order, each with its sender."""

    messages: Sequence[tuple[UPID, Message]]


@dataclass(frozen=True, slots=True)
class LinkBroken:
    """The link of that number (see `Link`) is gone."""

    number: int


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer ran out; only the `number` of the newest one of its kind counts."""

    kind: TimerKind
    number: int


@dataclass(frozen=True, slots=True)
class AuthenticationSettled:
    """The attempt of that number (see `Authenticate`) has ended."""

    attempt: int
    verdict: Verdict
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Handled:
    """The callbacks for these updates have returned."""

    acknowledgements: Sequence[events.Acknowledgement]


@dataclass(frozen=True, slots=True)
class Congested:
    """The user's callbacks lag so far behind that the master is (or is no longer) kept waiting."""

    congested: bool


@dataclass(frozen=True, slots=True)
class AcceptOffers:
    """The user applies operations to offers."""

    offer_ids: Sequence[v1.OfferID]
    operations: Sequence[v1.Offer.Operation]
    filters: v1.Filters


@dataclass(frozen=True, slots=True)
class DeclineOffers:
    """The user declines offers."""

    offer_ids: Sequence[v1.OfferID]
    filters: v1.Filters


@dataclass(frozen=True, slots=True)
class AnswerInverseOffers:
    """The user accepts or declines inverse offers."""

    inverse_offer_ids: Sequence[v1.OfferID]
    filters: v1.Filters
    accept: bool


@dataclass(frozen=True, slots=True)
class ReviveOffers:
    """The user wants offers (again); no roles: for all of them."""

    roles: Sequence[str]


@dataclass(frozen=True, slots=True)
class SuppressOffers:
    """The user wants no offers; no roles: for none of them."""

    roles: Sequence[str]


@dataclass(frozen=True, slots=True)
class KillTask:
    """The user wants a task killed."""

    task_id: v1.TaskID
    agent_id: v1.AgentID | None = None
    kill_policy: v1.KillPolicy | None = None


@dataclass(frozen=True, slots=True)
class ShutdownExecutor:
    """The user wants an executor shut down."""

    executor_id: v1.ExecutorID
    agent_id: v1.AgentID


@dataclass(frozen=True, slots=True)
class RequestResources:
    """The user asks for resources."""

    requests: Sequence[v1.Request]


@dataclass(frozen=True, slots=True)
class SendFrameworkMessage:
    """The user sends bytes to an executor."""

    executor_id: v1.ExecutorID
    agent_id: v1.AgentID
    data: bytes


@dataclass(frozen=True, slots=True)
class ReconcileTasks:
    """The user asks for the state of these tasks; none: of all."""

    statuses: Sequence[v1.TaskStatus]


@dataclass(frozen=True, slots=True)
class AcknowledgeStatusUpdate:
    """The user acknowledges an update."""

    acknowledgement: events.Acknowledgement


@dataclass(frozen=True, slots=True)
class UpdateFramework:
    """The user changes what the master knows of the framework."""

    framework_info: v1.FrameworkInfo
    suppressed_roles: Sequence[str]
    offer_constraints: v1_scheduler.OfferConstraints | None


@dataclass(frozen=True, slots=True)
class Stop:
    """The user ends the driver, and the framework unless `failover`."""

    failover: bool


@dataclass(frozen=True, slots=True)
class Abort:
    """The user, or (with a reason) a failure, ends the driver alone."""

    reason: str | None = None


UserCall: TypeAlias = (
    AcceptOffers
    | DeclineOffers
    | AnswerInverseOffers
    | ReviveOffers
    | SuppressOffers
    | KillTask
    | ShutdownExecutor
    | RequestResources
    | SendFrameworkMessage
    | ReconcileTasks
    | AcknowledgeStatusUpdate
    | UpdateFramework
)
SessionEvent: TypeAlias = (
    Start
    | MasterDetected
    | DetectionFailed
    | Received
    | LinkBroken
    | TimerFired
    | AuthenticationSettled
    | Handled
    | Congested
    | UserCall
    | Stop
    | Abort
)


# Commands: what to do.


@dataclass(frozen=True, slots=True)
class Link:
    """Open the persistent connection to `upid`; report its loss as `LinkBroken(number)`."""

    upid: UPID
    number: int
    reconnect: bool


@dataclass(frozen=True, slots=True)
class Send:
    """Send messages to `upid`, in this order."""

    upid: UPID
    messages: Sequence[Message]


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Report `fired` after that many seconds."""

    seconds: float
    fired: TimerFired


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Begin to authenticate with `master`, in place of an earlier attempt."""

    master: UPID
    attempt: int


@dataclass(frozen=True, slots=True)
class CancelAuthentication:
    """Give up on authenticating."""


@dataclass(frozen=True, slots=True)
class Redetect:
    """Look for the leading master anew: what the detector says may be outdated."""


@dataclass(slots=True)
class Deliver:
    """Tell the user, in this order; `size` is about what the events take, in bytes."""

    events: list[events.Event] = field(default_factory=list)
    size: int = 0


@dataclass(frozen=True, slots=True)
class RememberFramework:
    """Keep this framework id for the next start."""

    framework_id: str


@dataclass(frozen=True, slots=True)
class ForgetFramework:
    """The framework is no more; its id is of no use."""


@dataclass(frozen=True, slots=True)
class Ended:
    """No further callback may start, but for `error(reason)` when there is a reason."""

    status: Status
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Close:
    """Write out what is queued, then close the connections."""


Command: TypeAlias = (
    Link
    | Send
    | StartTimer
    | Authenticate
    | CancelAuthentication
    | Redetect
    | Deliver
    | RememberFramework
    | ForgetFramework
    | Ended
    | Close
)
