"""What happens to a framework: the events of a driver, with `mesos.v1` messages inside.

`MesosSchedulerDriver` turns each into the callback of the same meaning; `AsyncSchedulerDriver` yields them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from mesos_messenger import UPID
from mesos_proto.v1 import mesos_pb2 as mesos


@dataclass(slots=True)
class Acknowledgement:
    """Which update to acknowledge; `agent` is set for the masters (0.19) that leave it to the agent."""

    agent_id: str
    task_id: str
    uuid: bytes
    agent: UPID | None = None

    @classmethod
    def of(cls, status: mesos.TaskStatus) -> Acknowledgement:
        """Return what acknowledges an update."""
        return cls(status.agent_id.value, status.task_id.value, status.uuid)


@dataclass(frozen=True, slots=True)
class Registered:
    """A master has accepted this framework; comes again after each change of the leading master."""

    framework_id: mesos.FrameworkID
    master_info: mesos.MasterInfo


@dataclass(frozen=True, slots=True)
class Reregistered:
    """The same master has accepted this scheduler again."""

    master_info: mesos.MasterInfo


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The leading master is gone; the driver looks for it by itself, tasks go on."""


@dataclass(frozen=True, slots=True)
class ResourceOffers:
    """Resources to use or to decline."""

    offers: Sequence[mesos.Offer]


@dataclass(frozen=True, slots=True)
class OfferRescinded:
    """This offer is no longer valid."""

    offer_id: mesos.OfferID


@dataclass(frozen=True, slots=True)
class InverseOffers:
    """The operator wants these resources back."""

    inverse_offers: Sequence[mesos.InverseOffer]


@dataclass(frozen=True, slots=True)
class InverseOfferRescinded:
    """This inverse offer is no longer valid."""

    inverse_offer_id: mesos.OfferID


@dataclass(slots=True)
class StatusUpdate:
    """The state of a task; `acknowledgement` is None when nobody waits for one."""

    status: mesos.TaskStatus
    acknowledgement: Acknowledgement | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class FrameworkMessage:
    """An executor sent these bytes."""

    executor_id: mesos.ExecutorID
    agent_id: mesos.AgentID
    data: bytes


@dataclass(frozen=True, slots=True)
class AgentLost:
    """An agent was removed; updates for its tasks come separately."""

    agent_id: mesos.AgentID


@dataclass(frozen=True, slots=True)
class ExecutorLost:
    """An executor ended; updates for its tasks come separately. `status` is as of wait(2), or -1."""

    executor_id: mesos.ExecutorID
    agent_id: mesos.AgentID
    status: int


@dataclass(frozen=True, slots=True)
class OperationStatusUpdate:
    """The state of an operation with an id; over v1 only. `wants_acknowledgement` when somebody waits."""

    status: mesos.OperationStatus
    wants_acknowledgement: bool


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The master lives, and has nothing to say; over v1 only."""


@dataclass(frozen=True, slots=True)
class Error:
    """The driver has been aborted for this reason; the last event there is."""

    message: str


Event: TypeAlias = (
    Registered
    | Reregistered
    | Disconnected
    | ResourceOffers
    | OfferRescinded
    | InverseOffers
    | InverseOfferRescinded
    | StatusUpdate
    | FrameworkMessage
    | AgentLost
    | ExecutorLost
    | OperationStatusUpdate
    | Heartbeat
    | Error
)
