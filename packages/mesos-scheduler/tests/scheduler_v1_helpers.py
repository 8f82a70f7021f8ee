"""A v1 session driven by hand, and the events of a master."""

from __future__ import annotations

from typing import Any

from mesos_http import MesosHttpError
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2 as scheduler
from mesos_scheduler import commands as v0
from mesos_scheduler import events
from mesos_scheduler.v1 import HttpOptions, HttpSession, commands

URL = "http://10.0.0.1:5050"
OTHER_URL = "http://10.0.0.2:5050"
FRAMEWORK_ID = "m-0000"
Event = scheduler.Event
Call = scheduler.Call
Kind = commands.TimerKind


def framework(**fields: Any) -> mesos.FrameworkInfo:
    return mesos.FrameworkInfo(**{"name": "test", "user": "nobody", "failover_timeout": 600.0, **fields})


def subscribed(framework_id: str = FRAMEWORK_ID, master: str = "m", interval: float = 15) -> Event:
    event = Event(type=Event.SUBSCRIBED)
    event.subscribed.framework_id.value = framework_id
    event.subscribed.heartbeat_interval_seconds = interval
    event.subscribed.master_info.CopyFrom(mesos.MasterInfo(id=master, ip=0, port=5050))
    return event


def update(
    name: str = "t1", state: mesos.TaskState.ValueType = mesos.TASK_RUNNING, uuid: bytes = b"u"
) -> Event:
    event = Event(type=Event.UPDATE)
    event.update.status.task_id.value = name
    event.update.status.agent_id.value = "S1"
    event.update.status.state = state
    if uuid:
        event.update.status.uuid = uuid
    return event


def error(message: str) -> Event:
    return Event(type=Event.ERROR, error=Event.Error(message=message))


def accept(*names: str) -> v0.AcceptOffers:
    operation = mesos.Offer.Operation(type=mesos.Offer.Operation.LAUNCH)
    for name in names:
        task = operation.launch.task_infos.add(name=name)
        task.task_id.value = name
        task.agent_id.value = "S1"
    return v0.AcceptOffers([mesos.OfferID(value="O1")], [operation], mesos.Filters())


class Driven:
    """A session, and what came out of it since the last `take`."""

    def __init__(
        self, info: mesos.FrameworkInfo | None = None, options: HttpOptions | None = None, **more: Any
    ) -> None:
        self.session = HttpSession(info or framework(), options, uniform=lambda: 0.5, **more)
        self.now = 1000.0
        self.commands: list[commands.Command] = []
        self.timers: dict[Kind, commands.StartTimer] = {}
        self.attempt = 0

    def do(self, event: commands.SessionEvent) -> list[commands.Command]:
        result = self.session.handle(event, self.now)
        for command in result:
            if isinstance(command, commands.StartTimer):
                self.timers[command.fired.kind] = command
            elif isinstance(command, commands.OpenStream):
                self.attempt = command.attempt
        self.commands += result
        return result

    def receive(self, *received: Event) -> list[commands.Command]:
        return self.do(commands.EventsReceived(self.attempt, received))

    def end(self, failure: MesosHttpError | None = None) -> list[commands.Command]:
        return self.do(commands.StreamEnded(self.attempt, failure))

    def fire(self, kind: Kind) -> list[commands.Command]:
        timer = self.timers[kind]
        self.now += timer.seconds
        return self.do(timer.fired)

    def take(self) -> list[commands.Command]:
        result, self.commands = self.commands, []
        return result

    def connect(self, url: str = URL) -> None:
        """Start, find a master, and open a stream."""
        self.do(v0.Start())
        self.do(commands.LeaderDetected(url))
        self.open()

    def open(self) -> None:
        self.fire(Kind.CONNECT)
        self.do(commands.StreamOpened(self.attempt, f"stream-{self.attempt}"))

    def subscribe(self, *, master: str = "m") -> None:
        self.connect()
        self.receive(subscribed(master=master))
        self.take()

    # What came out.

    def calls(self) -> list[Call]:
        return [c.call for c in self.take() if isinstance(c, commands.SendCall)]

    def delivered(self) -> list[events.Event]:
        return [event for c in self.take() if isinstance(c, v0.Deliver) for event in c.events]


def of(kind: type, done: list[commands.Command]) -> list[Any]:
    return [command for command in done if isinstance(command, kind)]
