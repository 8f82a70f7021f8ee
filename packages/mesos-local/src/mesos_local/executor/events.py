"""What the session of the default executor is told, and what it has done."""

from __future__ import annotations

from dataclasses import dataclass, field

from mesos_proto.v1 import mesos_pb2 as mesos

from .checks import Finding

__all__ = [
    "KILL_GRACE",
    "CheckFound",
    "Child",
    "ChildEnded",
    "ChildFailed",
    "ChildStarted",
    "Command",
    "Connected",
    "Disconnected",
    "Event",
    "Finish",
    "Kill",
    "LaunchGroup",
    "SetTimer",
    "Shutdown",
    "Signal",
    "Start",
    "Tell",
    "TimerFired",
    "Unwatch",
    "Watch",
]

KILL_GRACE = 3.0
"""How long (in seconds) a task has between SIGTERM and SIGKILL, when nobody says otherwise."""


@dataclass(slots=True)
class Child:
    """A task that has not ended, and its container."""

    info: mesos.TaskInfo
    container_id: mesos.ContainerID
    group: tuple[str, ...]
    """The ids of the tasks of its group."""
    last: mesos.TaskStatus = field(default_factory=mesos.TaskStatus)
    started: bool = False
    outcome: ChildFailed | ChildEnded | None = None
    """How it ended, while others of its group have yet to start."""
    running: bool = False
    """Whether it has started, and so have all of its group (or have failed to)."""
    killing: bool = False
    grace: float = KILL_GRACE
    timed_out: bool = False
    group_ends: bool = False
    """Whether the group is being killed, so that this task's end means nothing more."""

    @property
    def id(self) -> str:
        return self.info.task_id.value


@dataclass(frozen=True, slots=True)
class Connected:
    """The agent is there (again); the framework as it says."""

    framework: mesos.FrameworkInfo | None = None


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The agent is away."""


@dataclass(frozen=True, slots=True)
class LaunchGroup:
    """The agent wants a group run."""

    group: mesos.TaskGroupInfo


@dataclass(frozen=True, slots=True)
class ChildStarted:
    """The program of a task runs."""

    task_id: str


@dataclass(frozen=True, slots=True)
class ChildFailed:
    """A task could not be started."""

    task_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ChildEnded:
    """The program of a task ended with this raw `wait(2)` status."""

    task_id: str
    wait_status: int


@dataclass(frozen=True, slots=True)
class CheckFound:
    """A check of a task found something worth telling."""

    task_id: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class Kill:
    """The agent wants a task killed."""

    task_id: str
    policy: mesos.KillPolicy | None = None


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The timer set under `key` ran out."""

    key: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Shutdown:
    """The agent wants the executor to end, or is gone for good."""


@dataclass(frozen=True, slots=True)
class Start:
    """Make the container of a task and start its program; report how that went, and how it ended."""

    child: Child


@dataclass(frozen=True, slots=True)
class Tell:
    """Send a status update."""

    status: mesos.TaskStatus


@dataclass(frozen=True, slots=True)
class Signal:
    """Send a signal to the program of a task."""

    task_id: str
    number: int


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Fire `TimerFired(key)` after `delay` seconds."""

    key: tuple[str, str]
    delay: float


@dataclass(frozen=True, slots=True)
class Watch:
    """Begin the checks of a task, or go on with them."""

    child: Child


@dataclass(frozen=True, slots=True)
class Unwatch:
    """Look at a task no more, at least for now."""

    task_id: str


@dataclass(frozen=True, slots=True)
class Finish:
    """End the executor, once the agent has what was told it."""


Event = (
    Connected
    | Disconnected
    | LaunchGroup
    | ChildStarted
    | ChildFailed
    | ChildEnded
    | CheckFound
    | Kill
    | TimerFired
    | Shutdown
)
Command = Start | Tell | Signal | SetTimer | Watch | Unwatch | Finish
