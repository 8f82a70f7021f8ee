"""A framework for tests: our driver, its callbacks as a list to wait on, and tasks in few words."""

from __future__ import annotations

import getpass
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from mesos_auth import Credential
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import DriverAborted, MesosSchedulerDriver, Scheduler, SchedulerDriver, SessionOptions

WAIT = 60.0
OBEDIENT = Path(__file__).resolve().parent.parent / "programs" / "obedient_executor.py"
TERMINAL = {
    mesos.TASK_FINISHED,
    mesos.TASK_FAILED,
    mesos.TASK_KILLED,
    mesos.TASK_LOST,
    mesos.TASK_ERROR,
    mesos.TASK_DROPPED,
    mesos.TASK_GONE,
}


def python_path() -> str:
    """Return where the modules of this process are, for a process that inherits nothing."""
    return os.pathsep.join(path for path in sys.path if path and os.path.isdir(path))


@dataclass(frozen=True, slots=True)
class Callback:
    """One callback of the driver."""

    name: str
    arguments: tuple[Any, ...]

    @property
    def first(self) -> Any:
        """The first argument after the driver."""
        return self.arguments[0]


class Watcher(Scheduler):
    """Remembers every callback; `wait` looks at all that ever came, so that no order is lost."""

    def __init__(self) -> None:
        self.callbacks: list[Callback] = []
        self._changed = threading.Condition()

    def _add(self, name: str, *arguments: object) -> None:
        with self._changed:
            self.callbacks.append(Callback(name, arguments))
            self._changed.notify_all()

    def wait(
        self,
        name: str,
        predicate: Callable[[Callback], bool] = lambda callback: True,
        *,
        after: int = 0,
        timeout: float = WAIT,
    ) -> Callback:
        """Return the first callback of that name, from position `after`, that satisfies the predicate."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                for callback in self.callbacks[after:]:
                    if callback.name == name and predicate(callback):
                        return callback
                if not self._changed.wait(deadline - time.monotonic()) and time.monotonic() > deadline:
                    names = [self._describe(each) for each in self.callbacks]
                    raise AssertionError(f"no {name} within {timeout:g} s; there were {names}")

    @staticmethod
    def _describe(callback: Callback) -> str:
        if callback.name == "status_update":
            status = callback.first
            return f"{status.task_id.value} {mesos.TaskState.Name(status.state)} {status.message}"
        if callback.name == "error":
            return f"error {callback.first}"
        return callback.name

    @property
    def position(self) -> int:
        """How many callbacks there were."""
        with self._changed:
            return len(self.callbacks)

    def states(self, task_id: str) -> list[mesos.TaskState.ValueType]:
        """Return the states of a task, in order; an update that came more than once counts once."""
        with self._changed:
            statuses = [each.first for each in self.callbacks if each.name == "status_update"]
        states, seen = [], set()
        for status in statuses:
            if status.task_id.value == task_id and status.uuid not in seen:
                states.append(status.state)
                seen.update({status.uuid} - {b""})
        return states

    def registered(
        self, driver: SchedulerDriver, framework_id: mesos.FrameworkID, master_info: mesos.MasterInfo
    ) -> None:
        self._add("registered", framework_id, master_info)

    def reregistered(self, driver: SchedulerDriver, master_info: mesos.MasterInfo) -> None:
        self._add("reregistered", master_info)

    def disconnected(self, driver: SchedulerDriver) -> None:
        self._add("disconnected")

    def resource_offers(self, driver: SchedulerDriver, offers: Sequence[mesos.Offer]) -> None:
        for offer in offers:
            self._add("offer", offer)

    def offer_rescinded(self, driver: SchedulerDriver, offer_id: mesos.OfferID) -> None:
        self._add("offer_rescinded", offer_id)

    def inverse_offers(self, driver: SchedulerDriver, inverse_offers: Sequence[mesos.InverseOffer]) -> None:
        for offer in inverse_offers:
            self._add("inverse_offer", offer)

    def inverse_offer_rescinded(self, driver: SchedulerDriver, inverse_offer_id: mesos.OfferID) -> None:
        self._add("inverse_offer_rescinded", inverse_offer_id)

    def status_update(self, driver: SchedulerDriver, status: mesos.TaskStatus) -> None:
        self._add("status_update", status)

    def framework_message(
        self, driver: SchedulerDriver, executor_id: mesos.ExecutorID, agent_id: mesos.AgentID, data: bytes
    ) -> None:
        self._add("framework_message", executor_id, agent_id, data)

    def agent_lost(self, driver: SchedulerDriver, agent_id: mesos.AgentID) -> None:
        self._add("agent_lost", agent_id)

    def executor_lost(
        self, driver: SchedulerDriver, executor_id: mesos.ExecutorID, agent_id: mesos.AgentID, status: int
    ) -> None:
        self._add("executor_lost", executor_id, agent_id, status)

    def error(self, driver: SchedulerDriver, message: str) -> None:
        self._add("error", message)


class Framework:
    """A running framework; leaving it as a context manager unregisters it, unless it ended before."""

    def __init__(
        self,
        master: str,
        *,
        framework_id: str = "",
        failover_timeout: float = 0.0,
        checkpoint: bool = False,
        principal: str = "",
        role: str = "*",
        roles: Sequence[str] = (),
        suppressed_roles: Sequence[str] = (),
        capabilities: Sequence[mesos.FrameworkInfo.Capability.Type.ValueType] = (),
        credential: Credential | None = None,
        implicit_acknowledgements: bool = True,
    ) -> None:
        self.watcher = Watcher()
        info = mesos.FrameworkInfo(
            user=getpass.getuser(),
            name="interop",
            roles=roles or [role],
            checkpoint=checkpoint,
            failover_timeout=failover_timeout,
        )
        for kind in {*capabilities, mesos.FrameworkInfo.Capability.MULTI_ROLE}:
            info.capabilities.add().type = kind
        if framework_id:
            info.id.value = framework_id
        if principal:
            info.principal = principal
        self.info = info
        self.role = role
        self.driver = MesosSchedulerDriver(
            self.watcher,
            info,
            master,
            credential=credential,
            suppressed_roles=suppressed_roles,
            implicit_acknowledgements=implicit_acknowledgements,
            bind="127.0.0.1:0",
            options=SessionOptions(registration_backoff_factor=0.5, reconcile=False),
        )

    def __enter__(self) -> Framework:
        self.driver.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.driver.stop()
        try:
            if self.driver.join(WAIT) is False and error is None:
                raise AssertionError("the driver did not end")
        except DriverAborted:
            if error is None and not any(each.name == "error" for each in self.watcher.callbacks):
                raise

    def wait_registered(self) -> str:
        """Return the framework's id."""
        value: str = self.watcher.wait("registered").first.value
        return value

    def wait_status(
        self, task_id: str, *states: mesos.TaskState.ValueType, after: int = 0, timeout: float = WAIT
    ) -> mesos.TaskStatus:
        """Return the first update of a task in one of the states; of any that is terminal by default."""
        wanted = set(states) or TERMINAL

        def matches(callback: Callback) -> bool:
            return callback.first.task_id.value == task_id and callback.first.state in wanted

        status: mesos.TaskStatus = self.watcher.wait(
            "status_update", matches, after=after, timeout=timeout
        ).first
        return status

    def launch(self, *tasks: mesos.TaskInfo, offer: mesos.Offer | None = None) -> mesos.Offer:
        """Launch tasks on the latest offer, or a given one, and return the offer."""
        chosen = offer if offer is not None else self.watcher.wait("offer").first
        for task in tasks:
            task.agent_id.CopyFrom(chosen.agent_id)
        self.driver.launch_tasks(chosen.id, tasks, mesos.Filters(refuse_seconds=0))
        return chosen

    def fence(self) -> None:
        """Wait until the master has answered a question, and with it all it was told before."""
        task_id = f"fence-{self.watcher.position}"
        self.driver.reconcile_tasks([mesos.TaskStatus(task_id=mesos.TaskID(value=task_id))])
        self.wait_status(task_id)

    def next_offer(self, after: int) -> mesos.Offer:
        """Return the first offer since a position."""
        offer: mesos.Offer = self.watcher.wait("offer", after=after).first
        return offer

    def live_offer(self, after: int) -> mesos.Offer:
        """Return an offer since a position that the master has not taken back until now."""
        self.fence()
        rescinded = {each.first.value for each in self.watcher.callbacks if each.name == "offer_rescinded"}

        def lives(callback: Callback) -> bool:
            return callback.first.id.value not in rescinded

        offer: mesos.Offer = self.watcher.wait("offer", lives, after=after).first
        return offer

    def task(
        self,
        task_id: str,
        *,
        command: str = "",
        executor: mesos.ExecutorInfo | None = None,
        data: bytes = b"",
        cpus: float = 0.1,
    ) -> mesos.TaskInfo:
        """Return a task without an agent, with a command or an executor."""
        task = mesos.TaskInfo(name=task_id, task_id=mesos.TaskID(value=task_id))
        task.resources.extend(self._resources(cpus=cpus, mem=32))
        if executor is not None:
            task.executor.CopyFrom(executor)
            task.data = data
        else:
            task.command.value = command
        return task

    def obedient(self, executor_id: str = "obedient", api: str = "v0") -> mesos.ExecutorInfo:
        """Return the executor of `programs/obedient_executor.py`, run from this source tree; `api` is `v0`,
        `v1` or `v1-json`."""
        info = mesos.ExecutorInfo(executor_id=mesos.ExecutorID(value=executor_id), name=executor_id)
        info.type = mesos.ExecutorInfo.CUSTOM
        info.resources.extend(self._resources(cpus=0.1, mem=32))
        info.command.value = f"exec {sys.executable} {OBEDIENT} {api}"
        info.command.environment.variables.add(name="PYTHONPATH", value=python_path())
        return info

    def _resources(self, **scalars: float) -> list[mesos.Resource]:
        resources = []
        for name, value in scalars.items():
            resource = mesos.Resource(name=name, type=mesos.Value.SCALAR)
            resource.scalar.value = value
            resource.allocation_info.role = self.role
            resources.append(resource)
        return resources
