"""What a framework lives through, in a form that two clusters can be compared by.

The framework is on the C++ driver; each step launches, kills or asks, and the answers are noted without
what differs from run to run (ids of masters and agents, times, addresses).
"""

from __future__ import annotations

import getpass
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mesos_proto.v0 import mesos_pb2 as mesos

from realmesos.build import Build
from realmesos.framework import OBEDIENT, python_path
from realmesos.reference import Callback, ReferenceScheduler

QUICK = mesos.Filters(refuse_seconds=0)
Line = tuple[object, ...]


def scalar(name: str, value: float) -> mesos.Resource:
    """Return an unreserved scalar resource."""
    resource = mesos.Resource(name=name, type=mesos.Value.SCALAR, role="*")
    resource.scalar.value = value
    return resource


class Transcript:
    """One framework's run against the master at an address."""

    def __init__(self, build: Build, master: str, log: Path) -> None:
        info = mesos.FrameworkInfo(user=getpass.getuser(), name="transcript", failover_timeout=600)
        info.capabilities.add().type = mesos.FrameworkInfo.Capability.TASK_KILLING_STATE
        self.scheduler = ReferenceScheduler(build, master, info, log)
        self.lines: list[Line] = []

    def run(self) -> list[str]:
        """Go through all steps, and return the notes."""
        with self.scheduler:
            registered = self.scheduler.wait("registered")
            master = mesos.MasterInfo.FromString(registered.arguments[1])
            self.lines.append(("registered", [field.name for field, _ in master.ListFields()]))
            for step in (
                self._commands,
                self._refusals,
                self._kill_and_reconcile,
                self._executors,
                self._crash,
                self._launch_failures,
            ):
                self.lines.append((step.__name__,))
                step()
            self.scheduler.stop()
        return [anonymous(repr(line)) for line in self.lines]

    # ---- what it does and notes ---------------------------------------------------

    def _offer(self) -> mesos.Offer:
        def large(callback: Callback) -> bool:
            offer = mesos.Offer.FromString(callback.arguments[0])
            return sum(each.scalar.value for each in offer.resources if each.name == "cpus") > 1

        return mesos.Offer.FromString(self.scheduler.wait("resourceOffers", large).arguments[0])

    def _launch(self, *tasks: mesos.TaskInfo, offer: mesos.Offer | None = None) -> mesos.Offer:
        chosen = offer if offer is not None else self._offer()
        for task in tasks:
            if not task.slave_id.value:
                task.slave_id.CopyFrom(chosen.slave_id)
        self.scheduler.call("launch", chosen.id, QUICK, *tasks)
        return chosen

    def _note(self, task_id: str, *states: mesos.TaskState.ValueType) -> mesos.TaskStatus:
        def matches(callback: Callback) -> bool:
            status = mesos.TaskStatus.FromString(callback.arguments[0])
            return status.task_id.value == task_id and (not states or status.state in states)

        status = mesos.TaskStatus.FromString(self.scheduler.wait("statusUpdate", matches).arguments[0])
        fields = [
            field.name for field, _ in status.ListFields() if field.name not in ("data", "container_status")
        ]
        container = [field.name for field, _ in status.container_status.ListFields()]
        self.lines.append(
            (
                task_id,
                mesos.TaskState.Name(status.state),
                mesos.TaskStatus.Source.Name(status.source),
                mesos.TaskStatus.Reason.Name(status.reason) if status.HasField("reason") else "",
                status.message,
                fields,
                # The real agent has forgotten a container that is gone; not so the embedded one.
                container if status.source != mesos.TaskStatus.SOURCE_SLAVE else [],
            )
        )
        return status

    @staticmethod
    def _task(name: str, command: str | None = None, cpus: float = 0.1) -> mesos.TaskInfo:
        task = mesos.TaskInfo(name=name, task_id=mesos.TaskID(value=name))
        task.resources.extend([scalar("cpus", cpus), scalar("mem", 32)])
        if command is not None:
            task.command.value = command
        return task

    def _obedient(self, name: str, data: bytes, executor_id: str = "obedient") -> mesos.TaskInfo:
        task = self._task(name)
        task.data = data
        task.executor.executor_id.value = task.executor.name = executor_id
        task.executor.resources.extend([scalar("cpus", 0.1), scalar("mem", 32)])
        task.executor.command.value = f"exec {sys.executable} {OBEDIENT}"
        task.executor.command.environment.variables.add(name="PYTHONPATH", value=python_path())
        return task

    # ---- steps -----------------------------------------------------------------------

    def _commands(self) -> None:
        offer = self._offer()
        resources = sorted(
            (each.name, each.role, [field.name for field, _ in each.ListFields()]) for each in offer.resources
        )
        url = (offer.url.scheme, offer.url.path, [field.name for field, _ in offer.url.ListFields()])
        self.lines.append(("offer", [field.name for field, _ in offer.ListFields()], resources, url))
        self._launch(self._task("good", "echo hello"), offer=offer)
        self._notes("good", 3)
        self._launch(self._task("late", "true"), offer=offer)
        self._note("late")
        for name, command in (("failed", "exit 7"), ("signalled", "kill -9 $$"), ("missing", "/no/such")):
            self._launch(self._task(name, command))
            self._notes(name, 3)
        direct = self._task("direct", "/bin/echo")
        direct.command.shell = False
        direct.command.arguments.extend(["echo", "hello"])
        self._launch(direct)
        self._notes("direct", 3)

    def _notes(self, name: str, count: int) -> None:
        for _ in range(count):
            self._note(name)

    def _refusals(self) -> None:
        no_resources = self._task("no-resources", "true")
        no_resources.ClearField("resources")
        elsewhere = self._task("elsewhere", "true")
        elsewhere.slave_id.value = "nowhere"
        both = self._obedient("both", b"finish")
        both.command.value = "true"
        for task in (
            self._task("nothing-to-run"),
            both,
            no_resources,
            elsewhere,
            self._task("bad/id", "true"),
        ):
            self._launch(task)
            self._note(task.name)

    def _kill_and_reconcile(self) -> None:
        offer = self._launch(self._task("killed", "exec sleep 1000"))
        self._notes("killed", 2)
        self._launch(self._task("killed", "true"))
        self._note("killed", mesos.TASK_ERROR)
        self.scheduler.call("reconcile")
        self._note("killed")
        for name, agent in (("killed", ""), ("unknown", ""), ("unknown", "nowhere"), ("unknown", "here")):
            status = mesos.TaskStatus(task_id=mesos.TaskID(value=name), state=mesos.TASK_RUNNING)
            if agent:
                status.slave_id.value = offer.slave_id.value if agent == "here" else agent
            self.scheduler.call("reconcile", status)
            self._note(name)
        for name, count in (("killed", 2), ("unknown", 1)):
            self.scheduler.call("kill", mesos.TaskID(value=name))
            self._notes(name, count)

    def _executors(self) -> None:
        waiting = self._obedient("waiting", b"wait")
        offer = self._launch(waiting, self._obedient("finishing", b"finish"))
        self._note("waiting")
        self._notes("finishing", 2)
        self.scheduler.call("message", waiting.executor.executor_id, offer.slave_id, b"\0hello")
        self.lines.append(("message", self.scheduler.wait("frameworkMessage").arguments[2]))
        offer = self._offer()
        self.lines.append(("executors", [each.value for each in offer.executor_ids]))
        self._launch(self._obedient("another", b"finish"), offer=offer)
        self._notes("another", 2)
        self.scheduler.call("kill", waiting.task_id)
        self._note("waiting")

    def _crash(self) -> None:
        self._launch(
            self._obedient("culprit", b"crash", "crasher"), self._obedient("bystander", b"wait", "crasher")
        )
        for name in ("culprit", "bystander"):
            self._note(name, mesos.TASK_FAILED)
        self.lines.append(("executorLost", self.scheduler.wait("executorLost").arguments[2]))

    def _launch_failures(self) -> None:
        unfetched = self._task("unfetched", "true")
        unfetched.command.uris.add(value="/no/such/file")
        self._launch(unfetched)
        self._note("unfetched")


def anonymous(text: str) -> str:
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}", "UUID", text)
    return re.sub(r"UUID-[SO]\d+", "ID", text)


def takeover(build: Build, master: str, directory: Path, wait: Callable[[str], None]) -> Sequence[str]:
    """Have a second scheduler take over, a third come too late, and note what all are told.

    `wait` blocks until the framework of that id is completed.
    """
    lines: list[str] = []

    def start(number: int, framework_id: str, timeout: float) -> ReferenceScheduler:
        info = mesos.FrameworkInfo(user=getpass.getuser(), name="takeover", failover_timeout=timeout)
        if framework_id:
            info.id.value = framework_id
        return ReferenceScheduler(build, master, info, directory / f"takeover-{number}.log")

    with start(1, "", 600) as first:
        framework_id = mesos.FrameworkID.FromString(first.wait("registered").arguments[0]).value
        with start(2, framework_id, 0.5) as second:
            again = mesos.FrameworkID.FromString(second.wait("registered").arguments[0]).value
            lines.append(f"second registered {again == framework_id}")
            lines.append(f"first {first.wait('error').arguments[0]!r}")
            second.call("failover")
            lines.append(f"second ended {second.wait('ended').arguments[0]!r}")
    wait(framework_id)
    with start(3, framework_id, 0.5) as third:
        lines.append(f"third {third.wait('error').arguments[0]!r}")
    return lines
