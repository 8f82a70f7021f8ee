"""A framework: scheduler sessions, one instance after another, and the program that uses them.

`Instance` is a session over libprocess; `http` has that over HTTP.

The program launches tasks on offers, notes their states, and remembers over its instances what a real one
keeps in its database: the framework's id, and which tasks have not ended. It checks what a driver promises.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

from google.protobuf.message import Message
from mesos_messenger import UPID
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v0 import scheduler_pb2 as v0_scheduler
from mesos_proto.v1 import mesos_pb2 as v1
from mesos_proto.v1 import scheduler_pb2 as v1_scheduler
from mesos_scheduler import SessionOptions, commands, events
from mesos_scheduler._tasks import TERMINAL
from mesos_scheduler.session import SchedulerSession
from mesos_scheduler.status import Status

from .network import Network

FORGED_TASK = "forged"
OPTIONS = SessionOptions(silence=60.0, probe_timeout=10.0, reconcile_interval=120.0)


class Violation(AssertionError):
    """A promise was broken."""


class Framework:
    """What outlives the instances of a scheduler."""

    def __init__(
        self,
        network: Network,
        total: int,
        failover_timeout: float = 3600.0,
        make: Callable[[Framework], Instance] | None = None,
    ) -> None:
        self.network = network
        self.total = total
        self._make = make or Instance
        self.info = v1.FrameworkInfo(
            name="simulated", user="nobody", checkpoint=True, failover_timeout=failover_timeout
        )
        self.launched: dict[str, str] = {}
        self.ended: set[str] = set()
        self.master = ""
        self.master_info: v0.MasterInfo | None = None
        self.errors: list[str] = []
        self.instances = 0
        self.removed = False
        self.instance: Instance | None = None
        self.trouble = 0.0
        """The chance that a callback takes long or raises."""

    def start(self) -> None:
        """Start an instance, unless one runs or the framework is no more."""
        if self.instance is None and not self.removed:
            self.instances += 1
            self.instance = self._make(self)

    def detected(self, master: str, info: v0.MasterInfo | None) -> None:
        """Take note of the leading master."""
        self.master, self.master_info = master, info
        if self.instance is not None:
            self.instance.detect()

    def kill(self) -> None:
        """End the instance at once, as by SIGKILL."""
        if self.instance is not None:
            self.instance.kill()

    @property
    def settled(self) -> bool:
        """Whether the driver is connected and every task launched has been reported ended."""
        return (
            self.instance is not None
            and self.instance.session.phase.value == "connected"
            and len(self.launched) >= self.total
            and self.ended >= self.launched.keys()
        )


class Instance:
    """One run of the scheduler: a session, its shell, and the program's callbacks."""

    def __init__(self, framework: Framework) -> None:
        network = self.network = framework.network
        self.framework = framework
        self.address = f"scheduler-{framework.instances}@10.0.0.9:{6000 + framework.instances}"
        self.alive = True
        self.rng = random.Random(network.rng.getrandbits(32))
        self.handled: set[tuple[str, bytes]] = set()
        known = [
            v1.TaskStatus(task_id=v1.TaskID(value=task_id), agent_id=v1.AgentID(value=agent_id))
            for task_id, agent_id in framework.launched.items()
            if task_id not in framework.ended
        ]
        self.session: Any = self.make_session(known)
        self._queue: list[events.Event] = []
        self._busy = False
        self._over = False
        network.processes[self.address] = self
        self.dispatch(commands.Start())
        self.detect()

    def make_session(self, known: list[v1.TaskStatus]) -> object:
        """Return the session of this instance, which knows the tasks of earlier ones."""
        return SchedulerSession(self.framework.info, OPTIONS, uniform=self.rng.random, known_tasks=known)

    # The shell.

    def receive(self, sender: str, message: Message) -> None:
        self.dispatch(commands.Received([(UPID.parse(sender), message)]))

    def leader_event(self, master: str, info: v0.MasterInfo | None) -> object:
        """Return what tells the session who leads."""
        return commands.MasterDetected(UPID.parse(master) if master else None, info)

    def dispatch(self, event: object) -> None:
        """Let the session take an event, and do what it says."""
        if self.alive:
            for command in self.session.handle(event, self.network.now):
                self._perform(command)

    def detect(self) -> None:
        """Pass on who leads, after the time that a detector takes."""
        master, info = self.framework.master, self.framework.master_info

        def tell() -> None:
            if (master, info) == (self.framework.master, self.framework.master_info):
                self.dispatch(self.leader_event(master, info))

        self.network.later(self.rng.random() * 0.5, tell)

    def kill(self) -> None:
        """End at once."""
        self.alive = False
        self._over = True
        self.network.kill(self.address)
        self.framework.instance = None

    def _perform(self, command: Any) -> None:
        if isinstance(command, commands.Redetect):
            self.detect()
        elif isinstance(command, commands.Deliver):
            if self._over:
                raise Violation(f"{command.events} came after the end")
            self._queue += command.events
            self._wake()
        elif isinstance(command, commands.RememberFramework):
            self.framework.info.id.value = command.framework_id
        elif isinstance(command, commands.Ended):
            self._end(command)
        elif hasattr(command, "fired"):  # A timer, of either kind of session.
            self.network.later(command.seconds, partial(self.dispatch, command.fired))
        else:
            self.perform(command)

    def perform(self, command: object) -> None:
        """Do what has to do with the network."""
        if isinstance(command, commands.Send):
            for message in command.messages:
                self.check(message)
                self.network.send(self.address, str(command.upid), message)
        elif isinstance(command, commands.Link):
            broken = commands.LinkBroken(command.number)
            self.network.link(
                self.address, str(command.upid), lambda: self.dispatch(broken), reconnect=command.reconnect
            )

    def check(self, message: Message) -> None:
        """Check that updates are acknowledged only when they have been handled."""
        if isinstance(message, (v0_scheduler.Call, v1_scheduler.Call)) and message.HasField("acknowledge"):
            acknowledged = message.acknowledge
            if (acknowledged.task_id.value, acknowledged.uuid) not in self.handled:
                raise Violation(f"{acknowledged.task_id.value} was acknowledged before its callback returned")

    def _end(self, command: commands.Ended) -> None:
        self._over = True
        self._queue.clear()
        if command.reason is not None:
            self.framework.errors.append(command.reason)
            self.framework.removed = command.reason.startswith("Framework has been removed")
            if not self.framework.removed:
                raise Violation(f"the driver was aborted: {command.reason}")
        if command.status is Status.ABORTED:
            # A supervisor starts the next instance.
            self.network.later(0.1, self.kill)
            self.network.later(1.0, self.framework.start)

    # The program: one callback at a time.

    def _wake(self) -> None:
        if not self._busy and self._queue and self.alive and not self._over:
            self._busy = True
            event = self._queue.pop(0)
            seconds = 0.0
            if self.rng.random() < self.framework.trouble:
                seconds = self.rng.random() * 30
            self.network.later(seconds, lambda: self._finish(event))

    def _finish(self, event: events.Event) -> None:
        self._busy = False
        if not self.alive or self._over:
            return
        if self.rng.random() < self.framework.trouble / 10:
            self.dispatch(commands.Abort())  # as the shell does when a callback raises
            return
        self._call(event)
        if isinstance(event, events.StatusUpdate) and event.acknowledgement is not None:
            acknowledgement = event.acknowledgement
            self.handled.add((acknowledgement.task_id, acknowledgement.uuid))
            self.dispatch(commands.Handled([acknowledgement]))
        self._wake()

    def _call(self, event: events.Event) -> None:
        if isinstance(event, events.StatusUpdate):
            task_id = event.status.task_id.value
            if task_id == FORGED_TASK:
                raise Violation("a forged update was believed")
            if event.status.state in TERMINAL:
                self.framework.ended.add(task_id)
        elif isinstance(event, events.ResourceOffers):
            for offer in event.offers:
                self._use(offer)

    def _use(self, offer: v1.Offer) -> None:
        framework = self.framework
        missing = framework.total - len(framework.launched)
        filters = v1.Filters(refuse_seconds=1.0 if missing else 60.0)
        operation = v1.Offer.Operation(type=v1.Offer.Operation.LAUNCH)
        for _ in range(min(missing, self.rng.randint(0, 3))):
            task_id = f"t{len(framework.launched)}"
            framework.launched[task_id] = offer.agent_id.value
            operation.launch.task_infos.append(_task(task_id, offer.agent_id.value, self.rng))
        operations = [operation] if operation.launch.task_infos else []
        self.dispatch(commands.AcceptOffers([offer.id], operations, filters))


def _task(task_id: str, agent_id: str, rng: random.Random) -> v1.TaskInfo:
    def scalar(name: str, value: float) -> v1.Resource:
        return v1.Resource(name=name, type=v1.Value.SCALAR, scalar=v1.Value.Scalar(value=value))

    task = v1.TaskInfo(
        name=task_id,
        task_id=v1.TaskID(value=task_id),
        agent_id=v1.AgentID(value=agent_id),
        resources=[scalar("cpus", 0.1), scalar("mem", 32)],
    )
    task.executor.executor_id.value = f"e{rng.randint(0, 1)}"
    task.executor.type = v1.ExecutorInfo.CUSTOM
    task.executor.command.value = "./executor"
    task.executor.resources.extend([scalar("cpus", 0.1), scalar("mem", 32)])
    return task
