"""What happens to an executor: the events of a driver, with `mesos.v1` messages inside.

The drivers turn each into the callback of the same name; those for asyncio yield them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from mesos_proto.v1 import mesos_pb2 as mesos


@dataclass(frozen=True, slots=True)
class Registered:
    """The agent has accepted this executor; tasks follow."""

    executor_info: mesos.ExecutorInfo
    framework_info: mesos.FrameworkInfo
    agent_info: mesos.AgentInfo


@dataclass(frozen=True, slots=True)
class Reregistered:
    """A restarted agent has accepted this executor again."""

    agent_info: mesos.AgentInfo


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The agent went away; it may come back, and the tasks go on."""


@dataclass(frozen=True, slots=True)
class TaskLaunched:
    """Run this task."""

    task: mesos.TaskInfo


@dataclass(frozen=True, slots=True)
class TaskGroupLaunched:
    """Run these tasks, all or none of them (v1 only)."""

    task_group: mesos.TaskGroupInfo


@dataclass(frozen=True, slots=True)
class TaskKilled:
    """Kill this task; `kill_policy` takes precedence over the task's own."""

    task_id: mesos.TaskID
    kill_policy: mesos.KillPolicy | None = None


@dataclass(frozen=True, slots=True)
class FrameworkMessage:
    """The scheduler sent these bytes."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Shutdown:
    """Kill every task, send the last updates, and end: after the grace period the process group is killed."""


@dataclass(frozen=True, slots=True)
class Error:
    """The agent refused this executor, which has aborted the driver (v1 only); the last event."""

    message: str


Event: TypeAlias = (
    Registered
    | Reregistered
    | Disconnected
    | TaskLaunched
    | TaskGroupLaunched
    | TaskKilled
    | FrameworkMessage
    | Shutdown
    | Error
)


def size(event: Event) -> int:
    """Return about how many bytes an event holds."""
    if isinstance(event, TaskLaunched):
        return event.task.ByteSize() + 100
    if isinstance(event, TaskGroupLaunched):
        return event.task_group.ByteSize() + 100
    if isinstance(event, TaskKilled):
        return event.task_id.ByteSize() + 100
    return 100 + (len(event.data) if isinstance(event, FrameworkMessage) else 0)
