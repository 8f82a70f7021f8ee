"""A master of few words, on real sockets: it registers every framework and keeps what it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from google.protobuf.message import Message
from mesos_messenger import UPID, Messenger
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as v0_scheduler
from mesos_proto.v1 import mesos_pb2 as v1
from mesos_scheduler import MesosSchedulerDriver, Scheduler, SchedulerDriver
from scheduler_helpers import FRAMEWORK_ID, framework, registered, update

LIMIT = 20.0
"""Seconds after which a wait is given up; far more than is needed."""

Call = v0_scheduler.Call


def wait_for(condition: Callable[[], object], what: str = "the condition") -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come to hold"
        time.sleep(0.005)


class FakeMaster:
    """Listens; `calls` and `others` are what schedulers sent, `exits` how many connections ended."""

    def __init__(self, port: int = 0) -> None:
        self.calls: list[v0_scheduler.Call] = []
        self.others: list[Message] = []
        self.exits = 0
        self.scheduler: UPID | None = None
        self.answer = True
        self._messenger = Messenger("master", bind=f"127.0.0.1:{port}")
        self._messenger.install(Call, self._call)
        for kind in (
            internal.RegisterFrameworkMessage,
            internal.ReregisterFrameworkMessage,
            internal.DeactivateFrameworkMessage,
        ):
            self._messenger.install(kind, self._other)
        self._messenger.start()
        self.port = self._messenger.upid.port

    @property
    def address(self) -> str:
        """What to give to a driver."""
        return f"127.0.0.1:{self.port}"

    def send(self, *messages: Message) -> None:
        """Send to the scheduler."""
        assert self.scheduler is not None
        for message in messages:
            self._messenger.send(self.scheduler, message)

    def of_type(self, kind: v0_scheduler.Call.Type.ValueType) -> list[v0_scheduler.Call]:
        """Return the calls of one type."""
        return [call for call in self.calls if call.type == kind]

    def acknowledged(self) -> list[str]:
        """Return the ids of the tasks whose updates were acknowledged, in order."""
        return [call.acknowledge.task_id.value for call in self.of_type(Call.ACKNOWLEDGE)]

    def registrations(self) -> int:
        """Return how often a scheduler has asked to be registered."""
        kinds = (internal.RegisterFrameworkMessage, internal.ReregisterFrameworkMessage)
        return len(self.of_type(Call.SUBSCRIBE)) + sum(isinstance(other, kinds) for other in self.others)

    def has(self, kind: type[Message]) -> bool:
        """Tell whether a message of this type has come."""
        return any(isinstance(other, kind) for other in self.others)

    def stop(self) -> None:
        """Close everything, as the end of its process would."""
        self._messenger.stop(timeout=1)

    def _call(self, sender: UPID, call: v0_scheduler.Call) -> None:
        self.calls.append(call)
        if call.type == Call.SUBSCRIBE:
            self._register(sender)

    def _other(self, sender: UPID, message: Message) -> None:
        self.others.append(message)
        if not isinstance(message, internal.DeactivateFrameworkMessage):
            self._register(sender)

    def _register(self, sender: UPID) -> None:
        if self.scheduler != sender:
            self.scheduler = sender
            self._messenger.link(sender, self._exited)
        if self.answer:
            self._messenger.send(sender, registered())

    def _exited(self, upid: UPID) -> None:
        self.exits += 1


class Recorder(Scheduler):
    """Keeps the names of its callbacks, and what came with updates; a test may replace any."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.tasks: list[str] = []
        self.errors: list[str] = []
        self.on_update: Callable[[SchedulerDriver, v1.TaskStatus], None] = lambda driver, status: None
        self.thread: threading.Thread | None = None

    def registered(
        self, driver: SchedulerDriver, framework_id: v1.FrameworkID, master_info: v1.MasterInfo
    ) -> None:
        self.thread = threading.current_thread()
        self.names.append("registered")

    def reregistered(self, driver: SchedulerDriver, master_info: v1.MasterInfo) -> None:
        self.names.append("reregistered")

    def disconnected(self, driver: SchedulerDriver) -> None:
        self.names.append("disconnected")

    def resource_offers(self, driver: SchedulerDriver, offers: Sequence[v1.Offer]) -> None:
        self.names.append("resource_offers")

    def status_update(self, driver: SchedulerDriver, status: v1.TaskStatus) -> None:
        self.names.append("status_update")
        self.tasks.append(status.task_id.value)
        self.on_update(driver, status)

    def framework_message(
        self, driver: SchedulerDriver, executor_id: v1.ExecutorID, agent_id: v1.AgentID, data: bytes
    ) -> None:
        self.names.append("framework_message")

    def error(self, driver: SchedulerDriver, message: str) -> None:
        self.names.append("error")
        self.errors.append(message)


def make_driver(scheduler: Scheduler, master: str, **arguments: object) -> MesosSchedulerDriver:
    """Return a driver on loopback."""
    values: dict[str, object] = {"bind": "127.0.0.1:0", **arguments}
    return MesosSchedulerDriver(scheduler, framework(), master, **values)  # type: ignore[arg-type]


def updates(*names: str) -> list[internal.StatusUpdateMessage]:
    """Return updates that want to be acknowledged, each with a uuid of its own."""
    return [
        update(name, v0.TASK_RUNNING, uuid=number.to_bytes(6, "big") + b"\x46\x07\x88" + bytes(7))
        for number, name in enumerate(names)
    ]


__all__ = ["FRAMEWORK_ID", "Call", "FakeMaster", "Recorder", "make_driver", "updates", "wait_for"]
