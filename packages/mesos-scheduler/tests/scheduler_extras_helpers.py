"""A driver without a master, whose calls are kept, and clocks and timers moved by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import Status
from mesos_scheduler._api import DriverCalls
from mesos_scheduler.v1 import HttpOptions
from mesos_scheduler.v1.session import HttpSession


class KeptCalls(DriverCalls):
    """Checks calls as the v1 driver does, and keeps them in `sent`."""

    def __init__(self, *, implicit_acknowledgements: bool = True) -> None:
        options = HttpOptions(implicit_acknowledgements=implicit_acknowledgements)
        info = mesos.FrameworkInfo(name="test", user="nobody", failover_timeout=60)
        self._session: Any = HttpSession(info, options, ())
        self._shell: Any = self
        self._status = Status.RUNNING
        self.sent: list[Any] = []

    def post(self, event: Any) -> None:
        self.sent.append(event)

    def post_quietly(self, event: Any) -> None:
        self.sent.append(event)

    def end(self) -> None:
        self._status = Status.STOPPED

    def stop(self, failover: bool = False) -> Status:
        self.end()
        return self._status

    def abort(self) -> Status:
        self.end()
        return self._status


@dataclass
class Clock:
    """Tells a time that a test moves, and calls what is due then."""

    now: float = 1000.0
    timers: list[HandTimer] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def timer(self, seconds: float, call: Callable[[], None]) -> HandTimer:
        return HandTimer(self, self.now + seconds, call)

    def move(self, seconds: float) -> None:
        end = self.now + seconds
        while due := [timer for timer in self.timers if timer.at <= end]:
            first = min(due, key=lambda timer: timer.at)
            self.timers.remove(first)
            self.now = max(self.now, first.at)
            first.call()
        self.now = end


@dataclass(eq=False)
class HandTimer:
    """A timer of a `Clock`."""

    clock: Clock
    at: float
    call: Callable[[], None]

    def start(self) -> None:
        self.clock.timers.append(self)

    def cancel(self) -> None:
        self.clock.timers.remove(self)


def status(name: str = "t1", state: int = mesos.TASK_RUNNING, uuid: bytes = b"u" * 16) -> mesos.TaskStatus:
    """The status of a task."""
    return mesos.TaskStatus(
        task_id=mesos.TaskID(value=name),
        agent_id=mesos.AgentID(value="S1"),
        state=state,  # type: ignore[arg-type]
        uuid=uuid,
    )


def offer(
    name: str = "O1", resources: str = "cpus:4;mem:1024", agent: str = "S1", **fields: Any
) -> mesos.Offer:
    """An offer of an agent, made to the role `*`."""
    from mesos_proto.resources import Resources

    role = fields.pop("role", "*")
    return mesos.Offer(
        id=mesos.OfferID(value=name),
        framework_id=mesos.FrameworkID(value="F"),
        agent_id=mesos.AgentID(value=agent),
        hostname=fields.pop("hostname", "host"),
        allocation_info=mesos.Resource.AllocationInfo(role=role),
        resources=Resources.parse(resources).allocate(role).messages(),
        **fields,
    )
