"""Sessions wired together without a network: what one sends, the other gets, in order."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable
from typing import Any, TypeVar

from google.protobuf.message import Message
from mesos_local._wire import Exited, Link, Received, Send, SetTimer, TimerFired
from mesos_local.agent.session import AgentSession, ContainerExited, ContainerStarted, MasterDetected
from mesos_local.agent.state import AgentSettings, DestroyContainer, LaunchContainer
from mesos_local.config import parse_resources
from mesos_local.master.session import MasterSession, Started
from mesos_local.master.state import MasterSettings
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as scheduler

MASTER = "master@127.0.0.1:5050"
AGENT = "slave(1)@127.0.0.1:5051"
SCHEDULER = "scheduler-1@127.0.0.1:6000"
EXECUTOR = "executor(1)@127.0.0.1:7000"

M = TypeVar("M", bound=Message)


def agent_settings(**changes: Any) -> AgentSettings:
    """Settings of an agent for tests."""
    values: dict[str, Any] = {
        "work_dir": "/work",
        "command_executor": ("/usr/bin/mesos-executor", "--flag"),
        "resources": parse_resources("cpus:4;mem:1024;ports:[31000-31009]"),
    }
    return AgentSettings(**{**values, **changes})


class Wire:
    """A master, agents, and an ear for every other process."""

    def __init__(self, *, agents: int = 1, **settings: Any) -> None:
        self.now = 1000.0
        self.master = MasterSession(
            MasterSettings(**settings), pid=MASTER, rng=random.Random(1), now=self.now
        )
        self.agents: dict[str, AgentSession] = {}
        self.heard: dict[str, list[Message]] = {}
        self.timers: dict[tuple[str, Any], float] = {}
        self.links: set[tuple[str, str]] = set()
        self.launched: list[LaunchContainer] = []
        self.destroyed: list[str] = []
        self.performed: list[object] = []
        self.cut: set[tuple[str, str]] = set()
        self._queue: deque[tuple[str, str, Message]] = deque()
        self.tell(MASTER, Started())
        for number in range(agents):
            self.add_agent(f"slave({number + 1})@127.0.0.1:{5051 + number}")

    def add_agent(self, pid: str, **changes: Any) -> AgentSession:
        session = AgentSession(agent_settings(**changes), pid=pid, rng=random.Random(pid), now=self.now)
        self.agents[pid] = session
        self.tell(pid, MasterDetected(MASTER, "localhost"))
        return session

    def restart_master(self) -> None:
        """Put a new master, which knows nothing, in the place of the old."""
        self.timers = {key: at for key, at in self.timers.items() if key[0] != MASTER}
        self.master = MasterSession(MasterSettings(), pid=MASTER, rng=random.Random(2), now=self.now)
        self.tell(MASTER, Started())

    @property
    def agent(self) -> AgentSession:
        return self.agents[AGENT]

    def tell(self, process: str, event: object) -> None:
        """Let a session take an event, and carry what follows from it."""
        self._step(process, event)
        self._carry()

    def send(self, sender: str, to: str, message: Message) -> None:
        """Send as some other process does."""
        self._queue.append((sender, to, _copy(message)))
        self._carry()

    def _step(self, process: str, event: Any) -> None:
        session = self.master if process == MASTER else self.agents[process]
        for command in session.handle(event, self.now):
            match command:
                case Send(to, message):
                    self._queue.append((process, to, _copy(message)))
                case SetTimer(key, delay):
                    self.timers[(process, key)] = self.now + delay
                case Link(to):
                    self.links.add((process, to))
                case LaunchContainer():
                    self.launched.append(command)
                case DestroyContainer(container_id):
                    self.destroyed.append(container_id)
                case _:
                    self.performed.append(command)
                    self.timers.pop((process, getattr(command, "key", None)), None)

    def _carry(self) -> None:
        while self._queue:
            sender, to, message = self._queue.popleft()
            if (sender, to) in self.cut:
                continue
            if to == MASTER or to in self.agents:
                self._step(to, Received(sender, message))
            else:
                self.heard.setdefault(to, []).append(message)

    def advance(self, seconds: float) -> None:
        """Let time pass, timer by timer."""
        end = self.now + seconds
        while True:
            due = min(((at, key) for key, at in self.timers.items() if at <= end), default=None, key=_at)
            if due is None:
                break
            self.now, (process, key) = due[0], due[1]
            del self.timers[(process, key)]
            self.tell(process, TimerFired(key))
        self.now = end

    def exited(self, process: str, watcher: str = MASTER) -> None:
        self.tell(watcher, Exited(process))

    def take(self, process: str, kind: type[M]) -> list[M]:
        """Give what `process` heard of this kind, and forget it."""
        heard = self.heard.get(process, [])
        found = [message for message in heard if isinstance(message, kind)]
        self.heard[process] = [message for message in heard if not isinstance(message, kind)]
        return found

    def one(self, process: str, kind: type[M]) -> M:
        found = self.take(process, kind)
        assert len(found) == 1, f"{len(found)} {kind.__name__} for {process}"
        return found[0]

    # A scheduler.

    def subscribe(self, process: str = SCHEDULER, *, force: bool = False, **info: Any) -> None:
        call = scheduler.Call(type=scheduler.Call.SUBSCRIBE)
        call.subscribe.framework_info.CopyFrom(framework_info(**info))
        call.subscribe.force = force
        if call.subscribe.framework_info.HasField("id"):
            call.framework_id.CopyFrom(call.subscribe.framework_info.id)
        self.send(process, MASTER, call)

    def registered(self, process: str = SCHEDULER, **info: Any) -> mesos.FrameworkID:
        """Subscribe, and give the id of the answer."""
        self.subscribe(process, **info)
        return self.one(process, internal.FrameworkRegisteredMessage).framework_id

    def offers(self, process: str = SCHEDULER) -> list[mesos.Offer]:
        return [offer for each in self.take(process, internal.ResourceOffersMessage) for offer in each.offers]

    def call(
        self,
        framework_id: mesos.FrameworkID,
        kind: scheduler.Call.Type.ValueType,
        process: str = SCHEDULER,
        **members: Message,
    ) -> None:
        self.send(process, MASTER, scheduler.Call(framework_id=framework_id, type=kind, **members))  # type: ignore[arg-type]

    def accept(
        self,
        framework_id: mesos.FrameworkID,
        offers: Iterable[mesos.Offer],
        tasks: Iterable[mesos.TaskInfo],
        process: str = SCHEDULER,
        refuse: float = 5.0,
    ) -> None:
        accept = scheduler.Call.Accept(offer_ids=[each.id for each in offers])
        accept.operations.add(type=mesos.Offer.Operation.LAUNCH).launch.task_infos.extend(tasks)
        accept.filters.refuse_seconds = refuse
        self.call(framework_id, scheduler.Call.ACCEPT, process, accept=accept)

    def statuses(self, process: str = SCHEDULER) -> list[mesos.TaskStatus]:
        return [each.update.status for each in self.take(process, internal.StatusUpdateMessage)]

    def acknowledge(
        self, framework_id: mesos.FrameworkID, status: mesos.TaskStatus, process: str = SCHEDULER
    ) -> None:
        ack = scheduler.Call.Acknowledge(slave_id=status.slave_id, task_id=status.task_id, uuid=status.uuid)
        self.call(framework_id, scheduler.Call.ACKNOWLEDGE, process, acknowledge=ack)

    # An executor.

    def start_executor(self, process: str = EXECUTOR, agent: str = AGENT) -> LaunchContainer:
        """Let the newest container run, and its executor register."""
        launch = self.launched[-1]
        self.tell(agent, ContainerStarted(launch.container_id, 4242))
        self.send(
            process,
            agent,
            internal.RegisterExecutorMessage(
                framework_id=mesos.FrameworkID(value=launch.environment["MESOS_FRAMEWORK_ID"]),
                executor_id=mesos.ExecutorID(value=launch.environment["MESOS_EXECUTOR_ID"]),
            ),
        )
        return launch

    def update(
        self,
        launch: LaunchContainer,
        task_id: str,
        state: mesos.TaskState.ValueType,
        process: str = EXECUTOR,
        agent: str = AGENT,
    ) -> bytes:
        """Report about a task as an executor does; gives the uuid of the update."""
        number = len(self.heard.get(process, [])) + state
        uuid = random.Random(f"{task_id} {state} {number}").randbytes(6) + b"\x4f\xff\x8f" + b"\x01" * 7
        agent_id = mesos.SlaveID(value=launch.environment["MESOS_SLAVE_ID"])
        status = mesos.TaskStatus(
            task_id=mesos.TaskID(value=task_id), state=state, slave_id=agent_id, timestamp=self.now
        )
        update = internal.StatusUpdate(
            framework_id=mesos.FrameworkID(value=launch.environment["MESOS_FRAMEWORK_ID"]),
            executor_id=mesos.ExecutorID(value=launch.environment["MESOS_EXECUTOR_ID"]),
            slave_id=agent_id,
            status=status,
            timestamp=self.now,
            uuid=uuid,
        )
        self.send(process, agent, internal.StatusUpdateMessage(update=update, pid=process))
        return uuid

    def end(self, launch: LaunchContainer, wait_status: int = 0, agent: str = AGENT) -> None:
        self.tell(agent, ContainerExited(launch.container_id, wait_status))


def _copy(message: M) -> M:
    """Carry a message as a wire does: nothing is shared between the ends."""
    copy = type(message)()
    copy.ParseFromString(message.SerializeToString())
    return copy


def _at(due: tuple[float, Any]) -> float:
    return due[0]


def framework_info(**fields: Any) -> mesos.FrameworkInfo:
    """Describe a framework; `capabilities` are names, `id` is text."""
    capabilities = fields.pop("capabilities", ())
    framework_id = fields.pop("id", None)
    info = mesos.FrameworkInfo(**{"user": "someone", "name": "test", **fields})
    for name in capabilities:
        info.capabilities.add(type=mesos.FrameworkInfo.Capability.Type.Value(name))
    if framework_id is not None:
        info.id.value = getattr(framework_id, "value", framework_id)
    return info


def task_info(
    offer: mesos.Offer,
    name: str = "task",
    resources: str = "cpus:1;mem:64",
    *,
    executor: str | None = "default",
    command: str = "true",
) -> mesos.TaskInfo:
    """Describe a task: with an executor of that id, or (None) as a command."""
    task = mesos.TaskInfo(
        name=name,
        task_id=mesos.TaskID(value=name),
        slave_id=offer.slave_id,
        resources=parse_resources(resources),
    )
    if executor is None:
        task.command.value = command
    else:
        task.executor.executor_id.value = executor
        task.executor.command.value = "./executor"
    return task
