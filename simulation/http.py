"""The v1 API in memory: a master that answers it, and a scheduler that uses it.

A subscription is a process of its own on the network, `stream-N`: what breaks connections breaks streams, a
frozen one swallows heartbeats. Calls go one after the other, each with an answer; neither need arrive.
"""

from __future__ import annotations

import itertools
import random
from collections import deque
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

from google.protobuf.message import Message
from mesos_http import ConnectionFailed, MesosHttpError, RecordError, RedirectFailed, TimedOut
from mesos_http._status import error_of
from mesos_local._wire import StreamClose, StreamSend
from mesos_local.master.scheduler_api import SchedulerApi
from mesos_local.master.session import SchedulerCalled, StreamClosed, StreamOpened
from mesos_messenger.http import HttpError
from mesos_proto import devolve, evolve
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v1 import mesos_pb2 as v1
from mesos_proto.v1 import scheduler_pb2 as scheduler
from mesos_scheduler.v1 import HttpOptions, HttpSession, commands

from .cluster import MasterProcess
from .framework import Instance

OPTIONS = HttpOptions(connection_delay=0.5)
TIMEOUT = 30.0
"""Seconds that a client waits for the answer to a call."""

REFUSALS = (
    (503, "No leader elected"),
    (503, "Master has not finished recovery"),
    (500, "Failed"),
    (404, ""),
    (307, ""),
)
"""What a master may answer for a while: a redirect stands for one that leads nowhere."""

STALE = "The stream ID included in this request didn't match the stream ID currently associated"


@dataclass(frozen=True)
class Packet:
    """A call on its way, or an answer; what comes with status 0 is the end of a stream."""

    number: int = 0
    stream: str = ""
    call: bytes = b""
    status: int = 0
    text: str = ""

    def SerializeToString(self) -> Packet:
        """Travel as it is, for it cannot be changed."""
        return self

    @staticmethod
    def FromString(body: Packet) -> Packet:
        """Arrive."""
        return body

    def error(self) -> MesosHttpError | None:
        """Return what a client makes of an answer."""
        if self.status in (0, 202):
            return None
        if self.status == 307:
            return RedirectFailed("too many redirects")
        return error_of(self.status, {}, self.text.encode())


class HttpMaster(MasterProcess):
    """A master that also answers the v1 API."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._api = SchedulerApi(self.session, self.dispatch)
        self._refusing: tuple[float, Packet] = (0.0, Packet())
        self._stale = False

    def refuse(self, seconds: float, rng: random.Random) -> None:
        """Refuse every request for some time."""
        status, text = rng.choice(REFUSALS)
        self._refusing = (self.network.now + seconds, Packet(status=status, text=text))

    def forget_stream(self) -> None:
        """Answer the next call as if its stream were another one."""
        self._stale = True

    def receive(self, sender: str, message: Message) -> None:
        packet: object = message
        if not isinstance(packet, Packet):
            super().receive(sender, message)
            return
        until, refusal = self._refusing
        call = scheduler.Call.FromString(packet.call)
        if self.network.now < until:
            self._answer(sender, packet, refusal.status, refusal.text)
        elif call.type == scheduler.Call.SUBSCRIBE:
            self.network.link(self.address, sender, lambda: self.dispatch(StreamClosed(sender)))
            self.dispatch(StreamOpened(sender, "", devolve(call).subscribe))
        else:
            self._take(sender, packet, call)

    def _take(self, sender: str, packet: Packet, call: scheduler.Call) -> None:
        stale, self._stale = self._stale, False
        if stale:
            self._answer(sender, packet, 400, STALE)
            return
        old = devolve(call)
        request: Any = SimpleNamespace(headers={"mesos-stream-id": packet.stream})
        try:
            framework = self._api._framework(request, old, "")
        except HttpError as error:
            self._answer(sender, packet, error.response.status, error.response.body.decode())
            return
        self.dispatch(SchedulerCalled(framework.id, old))
        self._answer(sender, packet, 202)

    def _answer(self, to: str, packet: Packet, status: int, text: str = "") -> None:
        answer = Packet(number=packet.number, status=status, text=text)
        self.network.send(self.address, to, cast(Message, answer))

    def perform(self, command: object) -> None:
        if isinstance(command, StreamSend):
            self.network.send(self.address, command.stream, evolve(command.event))
        elif isinstance(command, StreamClose):
            self.network.send(self.address, command.stream, cast(Message, Packet()))
        else:
            super().perform(command)


class Subscription:
    """One attempt to subscribe, and its stream."""

    _numbers = itertools.count()

    def __init__(self, instance: HttpInstance, command: commands.OpenStream, master: str) -> None:
        self.address = f"stream-{next(self._numbers)}@10.0.0.9:1"
        self._instance = instance
        self._attempt = command.attempt
        self._open = False
        self._over = False
        network = self._network = instance.network
        network.processes[self.address] = self
        packet = Packet(call=command.call.SerializeToString())
        network.send(self.address, master, cast(Message, packet))
        for sender, to in ((self.address, master), (master, self.address)):
            network.link(sender, to, lambda: self.end(ConnectionFailed("the connection broke")))

    def receive(self, sender: str, message: Message) -> None:
        packet: object = message
        if isinstance(packet, Packet):
            self.end(packet.error())
            return
        if not self._open:
            self._open = True
            self._instance.dispatch(commands.StreamOpened(self._attempt, self.address))
        self._instance.dispatch(commands.EventsReceived(self._attempt, [cast(scheduler.Event, message)]))

    def end(self, error: MesosHttpError | None) -> None:
        """Tell the session that it is over."""
        if not self._over:
            self.close()
            self._instance.dispatch(commands.StreamEnded(self._attempt, error))

    def close(self) -> None:
        """Close the connection."""
        if not self._over:
            self._over = True
            self._network.kill(self.address)


class HttpInstance(Instance):
    """One run of a scheduler over HTTP."""

    subscription: Subscription | None = None

    def make_session(self, known: list[v1.TaskStatus]) -> object:
        self._calls: deque[commands.SendCall] = deque()
        self._numbers = itertools.count(1)
        self._under_way: tuple[int, str, commands.SendCall] | None = None
        self._master = ""
        self._linked = ""
        return HttpSession(self.framework.info, OPTIONS, uniform=self.rng.random, known_tasks=known)

    def leader_event(self, master: str, info: v0.MasterInfo | None) -> object:
        return commands.LeaderDetected(f"http://{master.partition('@')[2]}" if master else None)

    def kill(self) -> None:
        if self.subscription is not None:
            self.subscription.close()
        super().kill()

    def break_stream(self) -> None:
        """Let bytes come that make no sense."""
        if self.subscription is not None:
            self.subscription.end(RecordError("a record cannot begin so"))

    def perform(self, command: object) -> None:
        if isinstance(command, commands.OpenStream):
            self._master = f"master@{command.url.removeprefix('http://')}"
            self.subscription = Subscription(self, command, self._master)
        elif isinstance(command, commands.CloseStream):
            if self.subscription is not None:
                self.subscription.close()
        elif isinstance(command, commands.SendCall):
            self.check(command.call)
            self._calls.append(command)
            self._next_call()

    # Calls, one after the other.

    def _next_call(self) -> None:
        if self._under_way is not None or not self._calls or not self.alive:
            return
        command, master = self._calls.popleft(), self._master
        number = next(self._numbers)
        self._under_way = (number, master, command)
        if self._linked != master:
            self._linked = master
            for sender, to in ((self.address, master), (master, self.address)):
                self.network.link(sender, to, lambda: self._connection_broke(master))
        packet = Packet(number, command.stream_id or "", command.call.SerializeToString())
        self.network.send(self.address, master, cast(Message, packet))
        self.network.later(TIMEOUT, lambda: self._timed_out(number))

    def receive(self, sender: str, message: Message) -> None:
        packet: object = message
        assert isinstance(packet, Packet)
        if self._under_way is not None and packet.number == self._under_way[0]:
            self._answered(packet.error())

    def _connection_broke(self, master: str) -> None:
        if self._linked == master:
            self._linked = ""
        if self._under_way is not None and self._under_way[1] == master:
            self._answered(ConnectionFailed("the connection broke"))

    def _timed_out(self, number: int) -> None:
        if self._under_way is not None and self._under_way[0] == number:
            master = self._under_way[1]
            self._answered(TimedOut("no answer"))
            self.network.cut(self.address, master)
            self.network.cut(master, self.address)

    def _answered(self, error: MesosHttpError | None) -> None:
        under_way, self._under_way = self._under_way, None
        assert under_way is not None
        if error is not None:
            command = under_way[2]
            self.dispatch(commands.CallFailed(command.call, command.attempt, error))
        self._next_call()
