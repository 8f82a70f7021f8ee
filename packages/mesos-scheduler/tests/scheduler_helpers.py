"""A session driven by hand: what it wants done is kept in lists."""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf.message import Message
from mesos_messenger import UPID
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as v0_scheduler
from mesos_proto.v1 import mesos_pb2 as v1
from mesos_scheduler import SessionOptions, commands, events
from mesos_scheduler.session import SchedulerSession

MASTER = UPID("master", "10.0.0.1", 5050)
OTHER_MASTER = UPID("master", "10.0.0.2", 5050)
AGENT = UPID("slave(1)", "10.0.0.9", 5051)
FRAMEWORK_ID = "m-0000"
UUID = bytes(range(6)) + b"\x46\x07\x88" + bytes(range(9, 16))


def framework(**fields: object) -> v1.FrameworkInfo:
    """A framework with a failover timeout, and what else is said."""
    values: dict[str, object] = {"name": "test", "user": "nobody", "failover_timeout": 600.0, **fields}
    return v1.FrameworkInfo(**values)  # type: ignore[arg-type]


def master_info(version: str = "1.11.0", identifier: str = "m") -> v0.MasterInfo:
    """What a detector knows of a master."""
    return v0.MasterInfo(id=identifier, ip=0, port=5050, version=version)


def offer(number: int = 1, agent: str = "S1") -> v0.Offer:
    """An offer of one agent."""
    made = v0.Offer(hostname="host")
    made.id.value = f"O{number}"
    made.framework_id.value = FRAMEWORK_ID
    made.slave_id.value = agent
    return made


def task(name: str = "t1", agent: str = "S1") -> v1.TaskInfo:
    """A task for an agent."""
    return v1.TaskInfo(name=name, task_id=v1.TaskID(value=name), agent_id=v1.AgentID(value=agent))


def launch(*tasks: v1.TaskInfo) -> v1.Offer.Operation:
    """The operation that launches tasks."""
    operation = v1.Offer.Operation(type=v1.Offer.Operation.LAUNCH)
    operation.launch.task_infos.extend(tasks)
    return operation


def update(
    name: str = "t1",
    state: v0.TaskState.ValueType = v0.TASK_RUNNING,
    uuid: bytes = UUID,
    pid: str | None = str(AGENT),
    framework_id: str = FRAMEWORK_ID,
) -> internal.StatusUpdateMessage:
    """A status update as a master forwards it."""
    message = internal.StatusUpdateMessage()
    if pid is not None:
        message.pid = pid
    body = message.update
    body.framework_id.value = framework_id
    body.slave_id.value = "S1"
    body.executor_id.value = "E1"
    body.timestamp = 5.0
    if uuid:
        body.uuid = uuid
    body.status.task_id.value = name
    body.status.state = state
    body.status.slave_id.value = "S1"
    return message


def registered(framework_id: str = FRAMEWORK_ID) -> internal.FrameworkRegisteredMessage:
    """A master's answer to a new framework."""
    return internal.FrameworkRegisteredMessage(
        framework_id=v0.FrameworkID(value=framework_id), master_info=master_info()
    )


def reregistered(framework_id: str = FRAMEWORK_ID) -> internal.FrameworkReregisteredMessage:
    """A master's answer to one it knows."""
    return internal.FrameworkReregisteredMessage(
        framework_id=v0.FrameworkID(value=framework_id), master_info=master_info()
    )


class Driven:
    """A session, and what came out of it since the last `take`."""

    def __init__(
        self,
        info: v1.FrameworkInfo | None = None,
        options: SessionOptions | None = None,
        suppressed_roles: Iterable[str] = (),
    ) -> None:
        self.session = SchedulerSession(
            info or framework(), options or SessionOptions(), suppressed_roles, uniform=lambda: 0.5
        )
        self.now = 1000.0
        self.commands: list[commands.Command] = []
        self.timers: dict[commands.TimerKind, commands.StartTimer] = {}
        self.links: list[commands.Link] = []

    def do(self, event: commands.SessionEvent) -> list[commands.Command]:
        """Let something happen; return what is to be done."""
        result = self.session.handle(event, self.now)
        for command in result:
            if isinstance(command, commands.StartTimer):
                self.timers[command.fired.kind] = command
            elif isinstance(command, commands.Link):
                self.links.append(command)
        self.commands += result
        return result

    def receive(self, *messages: Message, sender: UPID = MASTER) -> list[commands.Command]:
        """Let messages arrive."""
        return self.do(commands.Received([(sender, message) for message in messages]))

    def fire(self, kind: commands.TimerKind) -> list[commands.Command]:
        """Let the newest timer of a kind run out."""
        timer = self.timers[kind]
        self.now += timer.seconds
        return self.do(timer.fired)

    def take(self) -> list[commands.Command]:
        """Return and forget what came out."""
        result, self.commands = self.commands, []
        return result

    def detect(self, version: str = "1.11.0", master: UPID = MASTER) -> None:
        """Start, and find a master."""
        self.do(commands.Start())
        self.do(commands.MasterDetected(master, master_info(version)))

    def connect(self, version: str = "1.11.0") -> Driven:
        """Start, find a master, and register; forget what came out."""
        self.detect(version)
        message = registered()
        message.master_info.version = version
        self.receive(message)
        self.take()
        return self


def sent(result: Iterable[commands.Command]) -> list[Message]:
    """The messages to be sent, in order."""
    return [m for command in result if isinstance(command, commands.Send) for m in command.messages]


def calls(result: Iterable[commands.Command]) -> list[v0_scheduler.Call]:
    """The calls to be sent, in order."""
    return [message for message in sent(result) if isinstance(message, v0_scheduler.Call)]


def told(result: Iterable[commands.Command]) -> list[events.Event]:
    """The events for the user, in order."""
    return [e for command in result if isinstance(command, commands.Deliver) for e in command.events]
