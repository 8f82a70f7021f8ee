"""What a master knows (settings, frameworks, agents, tasks, offers) and what it is about to command."""

from __future__ import annotations

import enum
import random
import uuid
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from google.protobuf.message import Message
from mesos_proto.resources import Resources
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as scheduler

from .._models import MESOS_VERSION
from .._tasks import TERMINAL_STATES
from .._wire import (
    CancelTimer,
    Link,
    Received,
    Send,
    SetTimer,
    StreamClose,
    StreamPublish,
    StreamSend,
    TimerKey,
    is_process,
)
from .http_events import as_event
from .registry import Registry

__all__ = [
    "Agent",
    "AgentState",
    "Contend",
    "Framework",
    "FrameworkState",
    "Master",
    "MasterCommand",
    "MasterSettings",
    "OfferRecord",
    "RecoverRegistry",
    "RefusedFilter",
    "StopMaster",
    "StoreRegistry",
    "Task",
]

MAX_COMPLETED_FRAMEWORKS = 50
MAX_COMPLETED_TASKS = 1000


@dataclass(frozen=True, slots=True)
class MasterSettings:
    """What the flags of a master say. Durations are seconds."""

    hostname: str = "localhost"
    cluster: str = ""
    roles: frozenset[str] | None = None
    weights: dict[str, float] = field(default_factory=dict)
    allocation_interval: float = 1.0
    offer_timeout: float | None = None
    agent_ping_timeout: float = 15.0
    max_agent_ping_timeouts: int = 5
    agent_reregister_timeout: float = 600.0
    authentication_timeout: float = 15.0
    authenticate_frameworks: bool = False
    authenticate_http_frameworks: bool = False
    authenticate_http_readonly: bool = False
    authenticate_http_readwrite: bool = False
    authenticate_agents: bool = False
    root_submissions: bool = True
    filter_gpu_resources: bool = True
    min_cpus: float = 0.01
    min_mem: float = 32.0


class FrameworkState(enum.Enum):
    """How a framework stands with the master."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    """Connected, but asked for no more offers (the driver was aborted)."""
    DISCONNECTED = "disconnected"
    RECOVERED = "recovered"
    """Known only from its agents, after a restart of the master."""


class AgentState(enum.Enum):
    """How an agent stands with the master."""

    ACTIVE = "active"
    DISCONNECTED = "disconnected"


@dataclass(slots=True)
class Task:
    """A task the master keeps, and what it needs beside the `Task` message."""

    proto: mesos.Task
    role: str
    resources: Resources
    recovered: bool = False
    """Its resources were given back."""
    kill: internal.KillTaskMessage | None = None
    """A kill asked for while the agent was away."""

    @property
    def id(self) -> str:
        return self.proto.task_id.value

    @property
    def agent_id(self) -> str:
        return self.proto.slave_id.value

    @property
    def framework_id(self) -> str:
        return self.proto.framework_id.value

    @property
    def terminal(self) -> bool:
        return self.proto.state in TERMINAL_STATES


@dataclass(slots=True)
class Framework:
    """A framework and everything of it that the cluster holds."""

    info: mesos.FrameworkInfo
    state: FrameworkState
    registered_time: float
    pid: str = ""
    stream: str = ""
    principal: str = ""
    reregistered_time: float | None = None
    unregistered_time: float | None = None
    suppressed: set[str] = field(default_factory=set)
    tasks: dict[str, Task] = field(default_factory=dict)
    unreachable: OrderedDict[str, Task] = field(default_factory=OrderedDict)
    completed: deque[Task] = field(default_factory=lambda: deque(maxlen=MAX_COMPLETED_TASKS))
    offers: set[str] = field(default_factory=set)
    constraints: scheduler.OfferConstraints = field(default_factory=scheduler.OfferConstraints)

    @property
    def id(self) -> str:
        return self.info.id.value

    @property
    def connected(self) -> bool:
        return self.state in (FrameworkState.ACTIVE, FrameworkState.INACTIVE)

    @property
    def active(self) -> bool:
        return self.state is FrameworkState.ACTIVE

    @property
    def roles(self) -> list[str]:
        """The roles it subscribes to, in its own order."""
        if self.has(mesos.FrameworkInfo.Capability.MULTI_ROLE):
            return list(self.info.roles)
        return [self.info.role]

    def has(self, capability: mesos.FrameworkInfo.Capability.Type.ValueType) -> bool:
        """Tell whether the framework declared `capability`."""
        return any(each.type == capability for each in self.info.capabilities)

    @property
    def partition_aware(self) -> bool:
        return self.has(mesos.FrameworkInfo.Capability.PARTITION_AWARE)

    def lost_state(self, state: mesos.TaskState.ValueType) -> mesos.TaskState.ValueType:
        """Give `state`, or TASK_LOST for a framework that does not know the newer states."""
        return state if self.partition_aware else mesos.TASK_LOST


@dataclass(slots=True)
class Agent:
    """An agent and what is known to run on it."""

    info: mesos.SlaveInfo
    pid: str
    state: AgentState
    registered_time: float
    total: Resources
    version: str = MESOS_VERSION
    capabilities: tuple[mesos.SlaveInfo.Capability.Type.ValueType, ...] = ()
    reregistered_time: float | None = None
    tasks: dict[tuple[str, str], Task] = field(default_factory=dict)
    executors: dict[tuple[str, str], mesos.ExecutorInfo] = field(default_factory=dict)
    offers: set[str] = field(default_factory=set)
    operations: dict[bytes, mesos.Operation] = field(default_factory=dict)
    """By uuid: what the agent was told to do, and nobody has acknowledged."""
    allocated: dict[tuple[str, str], Resources] = field(default_factory=dict)
    """By (framework id, role): offered and used together."""
    resource_version: bytes = b""
    missed_pings: int = 0

    @property
    def id(self) -> str:
        return self.info.id.value

    @property
    def connected(self) -> bool:
        return self.state is AgentState.ACTIVE

    @property
    def available(self) -> Resources:
        """What nobody holds now."""
        rest = self.total
        for held in self.allocated.values():
            rest = rest - held
        return rest


@dataclass(frozen=True, slots=True)
class OfferRecord:
    """An offer that is out: whose, where, under which role, and of what (without allocation)."""

    id: str
    framework_id: str
    agent_id: str
    role: str
    resources: Resources


@dataclass(frozen=True, slots=True)
class RefusedFilter:
    """What a framework refused of one agent under one role, and until when."""

    resources: Resources
    expires: float


@dataclass(frozen=True, slots=True)
class RecoverRegistry:
    """Read the registry, and tell the session what it says (`RegistryRecovered`)."""


@dataclass(frozen=True, slots=True)
class StoreRegistry:
    """Keep the registry, before what follows from it is sent."""

    registry: Registry


@dataclass(frozen=True, slots=True)
class StopMaster:
    """End the master: it does not lead any longer. A real one exits."""

    reason: str


@dataclass(frozen=True, slots=True)
class Contend:
    """Stand for election again."""


MasterCommand = (
    Send
    | Link
    | SetTimer
    | CancelTimer
    | StreamSend
    | StreamPublish
    | StreamClose
    | RecoverRegistry
    | StoreRegistry
    | StopMaster
    | Contend
)


class Master:
    """The master's state and its outbox. The modules beside this one are what it does, by noun."""

    def __init__(self, settings: MasterSettings, *, pid: str, rng: random.Random, now: float) -> None:
        self.settings = settings
        self.rng = rng
        self.now = now
        self.start_time = now
        self.pid = pid
        self.id = str(self.new_uuid())
        self.info = self._master_info()
        self.leader: mesos.MasterInfo | None = None
        self.elected_time = now
        self.recovered = False
        """Whether it has read the registry, and leads."""
        self.registry_changed = False
        """Whether this event changes what is known for good."""
        self.frameworks: dict[str, Framework] = {}
        self.completed_frameworks: OrderedDict[str, Framework] = OrderedDict()
        self.agents: dict[str, Agent] = {}
        self.recovered_agents: dict[str, mesos.SlaveInfo] = {}
        self.unreachable_agents: dict[str, float] = {}
        self.gone_agents: dict[str, float] = {}
        """Both by agent id: since when (seconds since the epoch)."""
        self.offers: dict[str, OfferRecord] = {}
        self.filters: dict[tuple[str, str, str], list[RefusedFilter]] = {}
        self.authenticated: dict[str, str] = {}
        self.authenticating: dict[str, list[Received]] = {}
        """By pid of the client: the registrations that wait for the end of its authentication."""
        self.subscribers: dict[str, None] = {}
        """The event streams of the operator API, the oldest first."""
        self.counters: dict[str, int] = {}
        self.commands: list[MasterCommand] = []
        self.to_allocate: set[str] | None = set()
        """Agents whose free resources are to be offered at the end of this event; None means all."""
        self._next = {"framework": 0, "agent": 0, "offer": 0}

    def _master_info(self) -> mesos.MasterInfo:
        address = self.pid.partition("@")[2]
        ip, _, port = address.rpartition(":")
        info = mesos.MasterInfo(
            id=self.id,
            ip=int.from_bytes(bytes(int(part) for part in ip.split(".")), "little"),
            port=int(port),
            pid=self.pid,
            hostname=self.settings.hostname,
            version=MESOS_VERSION,
        )
        info.address.hostname = self.settings.hostname
        info.address.ip = ip
        info.address.port = int(port)
        for capability in (
            mesos.MasterInfo.Capability.AGENT_UPDATE,
            mesos.MasterInfo.Capability.AGENT_DRAINING,
            mesos.MasterInfo.Capability.QUOTA_V2,
        ):
            info.capabilities.add(type=capability)
        return info

    @property
    def elected(self) -> bool:
        """Whether it is the leading master."""
        return self.leader is not None and self.leader.id == self.id

    # Identifiers.

    def new_uuid(self) -> uuid.UUID:
        """Make a random UUID from the session's own source of randomness."""
        return uuid.UUID(int=self.rng.getrandbits(128), version=4)

    def new_id(self, kind: str) -> str:
        """Make the next framework, agent or offer id, in Mesos's form."""
        number = self._next[kind]
        self._next[kind] += 1
        if kind == "framework":
            return f"{self.id}-{number:04d}"
        return f"{self.id}-{'S' if kind == 'agent' else 'O'}{number}"

    # The outbox.

    def count(self, name: str) -> None:
        """Add one to the counter that `/metrics/snapshot` shows as `master/<name>`."""
        self.counters[name] = self.counters.get(name, 0) + 1

    def send(self, to: str, message: Message) -> None:
        if is_process(to):
            self.commands.append(Send(to, message))

    def tell(self, framework: Framework, message: Message) -> None:
        """Send to a framework, by whichever way it is connected."""
        if framework.stream:
            self.commands.append(StreamSend(framework.stream, as_event(message)))
        else:
            self.send(framework.pid, message)

    def tell_connected(self, message: Message) -> None:
        """Send to every connected framework."""
        for framework in self.frameworks.values():
            if framework.connected:
                self.tell(framework, message)

    def publish(self, event: Message) -> None:
        """Send an event to the subscribers of the operator API."""
        self.commands.append(StreamPublish(tuple(self.subscribers), event))

    def link(self, to: str, *, reconnect: bool = False) -> None:
        self.commands.append(Link(to, reconnect))

    def set_timer(self, key: TimerKey, delay: float) -> None:
        self.commands.append(SetTimer(key, delay))

    def cancel_timer(self, key: TimerKey) -> None:
        self.commands.append(CancelTimer(key))

    def want_allocation(self, agents: Iterable[str] | None = None) -> None:
        """Ask for offers of these agents (all of them without the argument) at the end of the event."""
        if agents is None:
            self.to_allocate = None
        elif self.to_allocate is not None:
            self.to_allocate.update(agents)

    # Look-ups.

    def knows_agent(self, agent_id: str) -> bool:
        """Tell whether the agent is there, or may come back."""
        return any(agent_id in each for each in (self.agents, self.recovered_agents, self.unreachable_agents))

    def agent_by_pid(self, pid: str) -> Agent | None:
        return next((agent for agent in self.agents.values() if agent.pid == pid), None)

    def frameworks_by_pid(self, pid: str) -> Iterator[Framework]:
        return (framework for framework in list(self.frameworks.values()) if framework.pid == pid)
