"""What an agent knows: its settings, frameworks, executors, tasks, and the commands it is about to give."""

from __future__ import annotations

import enum
import random
import uuid
from collections import deque
from dataclasses import dataclass, field

from google.protobuf.message import Message
from mesos_auth import Credential
from mesos_proto.resources import Resources
from mesos_proto.v0 import mesos_pb2 as mesos

from .._wire import CancelTimer, Link, Send, SetTimer, StreamClose, StreamSend, TimerKey, is_process
from .http_events import as_event
from .updates import UpdateStream

__all__ = [
    "AdoptContainer",
    "Agent",
    "AgentCommand",
    "AgentSettings",
    "Authenticate",
    "Checkpoint",
    "Connection",
    "DestroyContainer",
    "Executor",
    "ExecutorState",
    "Framework",
    "LaunchContainer",
    "LinkVolume",
    "MakeVolume",
    "MeasureMemory",
    "MemoryLimit",
    "PointLatest",
    "RemoveVolume",
    "StopAgent",
    "Termination",
]

MAX_COMPLETED_EXECUTORS = 150
MAX_COMPLETED_TASKS = 200


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """What the flags of an agent say. Durations are seconds, paths absolute.

    A `LocalCluster` says itself where an agent works, what it has, and, unless they are given, which programs
    run command tasks and task groups.
    """

    work_dir: str = ""
    command_executor: tuple[str, ...] = ()
    """The program (argv) that runs command tasks."""
    default_executor: tuple[str, ...] = ()
    """The program (argv) that runs task groups."""
    resources: tuple[mesos.Resource, ...] = ()
    hostname: str = "localhost"
    attributes: tuple[mesos.Attribute, ...] = ()
    checkpoint: bool = True
    executor_environment: tuple[tuple[str, str], ...] = ()
    credential: Credential | None = None
    """What the agent proves itself with to its master; without one it does not."""
    registration_backoff: float = 1.0
    max_registration_backoff: float = 60.0
    executor_registration_timeout: float = 60.0
    executor_reregistration_timeout: float = 2.0
    executor_shutdown_grace_period: float = 5.0
    recovery_timeout: float = 900.0
    update_retry_min: float = 10.0
    update_retry_max: float = 600.0
    fetcher_cache_size: int = 2 << 30
    """In bytes."""
    limit_memory: bool = True
    memory_check_interval: float = 1.0


class Connection(enum.Enum):
    """How the agent stands with its master."""

    RECOVERING = "recovering"
    DISCONNECTED = "disconnected"
    RUNNING = "running"
    TERMINATING = "terminating"


class ExecutorState(enum.Enum):
    """How an executor stands with its agent."""

    REGISTERING = "registering"
    RUNNING = "running"
    TERMINATING = "terminating"
    TERMINATED = "terminated"


@dataclass(frozen=True, slots=True)
class Termination:
    """What to say of the unfinished tasks of an executor the agent itself ends."""

    state: mesos.TaskState.ValueType
    reason: mesos.TaskStatus.Reason.ValueType
    message: str
    limited: tuple[mesos.Resource, ...] = ()
    """What was taken too much of, when that is the reason."""


@dataclass(slots=True)
class Executor:
    """An executor: its container, its tasks, and how it stands."""

    info: mesos.ExecutorInfo
    container_id: str
    directory: str
    command_task: bool
    state: ExecutorState = ExecutorState.REGISTERING
    pid: str = ""
    stream: str = ""
    """The event stream of an executor on HTTP."""
    os_pid: int | None = None
    queued: dict[str, mesos.TaskInfo] = field(default_factory=dict)
    queued_groups: list[mesos.TaskGroupInfo] = field(default_factory=list)
    """The groups among the queued tasks, in the order they came."""
    launched: dict[str, mesos.Task] = field(default_factory=dict)
    """Delivered (or about to be) and not known to have ended."""
    terminated: dict[str, mesos.Task] = field(default_factory=dict)
    """Ended, the last update not yet acknowledged."""
    completed: deque[mesos.Task] = field(default_factory=lambda: deque(maxlen=MAX_COMPLETED_TASKS))
    ever_launched: bool = False
    termination: Termination | None = None

    @property
    def id(self) -> str:
        return self.info.executor_id.value

    @property
    def allocated(self) -> list[mesos.Resource]:
        """Its own resources, and those of its tasks that have not ended."""
        held = [*self.info.resources]
        for task in self.launched.values():
            held.extend(task.resources)
        for queued in self.queued.values():
            held.extend(queued.resources)
        return held

    def find(self, task_id: str) -> mesos.Task | None:
        """Give the record of a task that was delivered to this executor."""
        return self.launched.get(task_id) or self.terminated.get(task_id)


@dataclass(slots=True)
class Framework:
    """A framework that has, or had, executors here."""

    info: mesos.FrameworkInfo
    pid: str
    terminating: bool = False
    executors: dict[str, Executor] = field(default_factory=dict)
    completed_executors: deque[Executor] = field(
        default_factory=lambda: deque(maxlen=MAX_COMPLETED_EXECUTORS)
    )

    @property
    def id(self) -> str:
        return self.info.id.value

    @property
    def partition_aware(self) -> bool:
        wanted = mesos.FrameworkInfo.Capability.PARTITION_AWARE
        return any(each.type == wanted for each in self.info.capabilities)


@dataclass(frozen=True, slots=True)
class LinkVolume:
    """Let `container_path` in the sandbox be the persistent volume at `volume`."""

    directory: str
    container_path: str
    volume: str


@dataclass(frozen=True, slots=True)
class LaunchContainer:
    """Make the sandbox, fetch the URIs, start the program; report how that went and how it ended."""

    container_id: str
    directory: str
    command: mesos.CommandInfo
    argv: tuple[str, ...]
    environment: dict[str, str]
    volumes: tuple[LinkVolume, ...] = ()


@dataclass(frozen=True, slots=True)
class MakeVolume:
    """Make the directory of a persistent volume, unless it is there."""

    path: str


@dataclass(frozen=True, slots=True)
class RemoveVolume:
    """Remove a persistent volume and what is in it."""

    path: str


@dataclass(frozen=True, slots=True)
class AdoptContainer:
    """Watch over a container that an earlier agent started; without a process it has ended."""

    container_id: str
    os_pid: int | None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Write a file of the agent's memory, whole or at its end, before anything that comes after."""

    path: str
    data: bytes
    append: bool


@dataclass(frozen=True, slots=True)
class PointLatest:
    """Let the link `latest` beside a directory of the agent's memory point to it."""

    directory: str


@dataclass(frozen=True, slots=True)
class MemoryLimit:
    """How many bytes the processes of a container may take, the first perhaps not counted."""

    container_id: str
    root: int
    bytes: int
    spare_root: bool


@dataclass(frozen=True, slots=True)
class MeasureMemory:
    """Look at what these containers have taken; report those that took too much."""

    limits: tuple[MemoryLimit, ...]


@dataclass(frozen=True, slots=True)
class DestroyContainer:
    """Kill every process of the container."""

    container_id: str


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Prove the agent's credential to this master, and report the outcome; empty: give up on any attempt."""

    master: str


@dataclass(frozen=True, slots=True)
class StopAgent:
    """End the agent: the master told it to leave."""

    reason: str


AgentCommand = (
    Send
    | StreamSend
    | StreamClose
    | Link
    | SetTimer
    | CancelTimer
    | LaunchContainer
    | AdoptContainer
    | Checkpoint
    | PointLatest
    | DestroyContainer
    | MeasureMemory
    | LinkVolume
    | MakeVolume
    | RemoveVolume
    | Authenticate
    | StopAgent
)


class Agent:
    """The agent's state and its outbox. The modules beside this one are what it does, by noun."""

    def __init__(self, settings: AgentSettings, *, pid: str, rng: random.Random, now: float) -> None:
        self.settings = settings
        self.pid = pid
        self.rng = rng
        self.now = now
        self.start_time = now
        self.connection = Connection.DISCONNECTED
        self.info = mesos.SlaveInfo(
            hostname=settings.hostname,
            port=int(pid.rpartition(":")[2]),
            resources=settings.resources,
            attributes=settings.attributes,
            checkpoint=settings.checkpoint,
        )
        self.checkpointed = Resources()
        """Dynamic reservations and persistent volumes, as the master told."""
        self.master = ""
        self.master_hostname = ""
        self.backoff = settings.registration_backoff
        self.ping_timeout = 75.0
        """After so many seconds without a ping the master is looked for again; the master says how many."""
        self.resource_version = self.new_uuid().bytes
        self.frameworks: dict[str, Framework] = {}
        self.completed_frameworks: deque[Framework] = deque(maxlen=50)
        self.operations: dict[bytes, mesos.Operation] = {}
        """By uuid: what was done, and whose end nobody has acknowledged."""
        self.operation_retries: dict[bytes, float] = {}
        """How long to wait for the acknowledgement, before an operation's end is told again."""
        self.streams: dict[tuple[str, str], UpdateStream] = {}
        self.measures_memory = False
        self.counters: dict[str, int] = {}
        self.commands: list[AgentCommand] = []

    @property
    def id(self) -> str:
        return self.info.id.value

    @property
    def address(self) -> str:
        """`ip:port`."""
        return self.pid.partition("@")[2]

    @property
    def ip(self) -> str:
        return self.address.rpartition(":")[0]

    def new_uuid(self) -> uuid.UUID:
        """Make a random UUID from the session's own source of randomness."""
        return uuid.UUID(int=self.rng.getrandbits(128), version=4)

    def count(self, name: str) -> None:
        """Add one to the counter that `/metrics/snapshot` shows as `slave/<name>`."""
        self.counters[name] = self.counters.get(name, 0) + 1

    def send(self, to: str, message: Message) -> None:
        if is_process(to):
            self.commands.append(Send(to, message))

    def tell(self, executor: Executor, message: Message) -> None:
        """Send to an executor, by whichever way it is connected."""
        if executor.stream:
            self.commands.append(StreamSend(executor.stream, as_event(message)))
        else:
            self.send(executor.pid, message)

    def link(self, to: str, *, reconnect: bool = False) -> None:
        self.commands.append(Link(to, reconnect))

    def set_timer(self, key: TimerKey, delay: float) -> None:
        self.commands.append(SetTimer(key, delay))

    def cancel_timer(self, key: TimerKey) -> None:
        self.commands.append(CancelTimer(key))

    def executor(self, framework_id: str, executor_id: str) -> Executor | None:
        framework = self.frameworks.get(framework_id)
        return framework.executors.get(executor_id) if framework else None

    def executor_of_container(self, container_id: str) -> tuple[Framework, Executor] | None:
        for framework in self.frameworks.values():
            for executor in framework.executors.values():
                if executor.container_id == container_id:
                    return framework, executor
        return None
