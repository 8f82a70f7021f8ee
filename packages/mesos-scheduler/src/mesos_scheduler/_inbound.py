"""What a master (or, for framework messages, an agent) says, as events for the user.

Control messages count only from the leading master and in the phase they belong to (sched.cpp); anything
else is dropped and counted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from google.protobuf.message import Message
from mesos_messenger import UPID
from mesos_proto import evolve
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as v0_scheduler
from mesos_proto.v1 import mesos_pb2 as v1

from . import events
from ._agents import AgentAddresses
from ._connection import PROBE_TASK_ID, Connection, Phase
from ._framework import Framework
from ._outbox import Outbox
from ._tasks import Tasks
from ._versions import ACKNOWLEDGED_BY_MASTER_SINCE

_log = logging.getLogger("mesos.scheduler")

MESSAGES: tuple[type[Message], ...] = (
    internal.FrameworkRegisteredMessage,
    internal.FrameworkReregisteredMessage,
    internal.ResourceOffersMessage,
    internal.RescindResourceOfferMessage,
    internal.InverseOffersMessage,
    internal.RescindInverseOfferMessage,
    internal.StatusUpdateMessage,
    internal.LostSlaveMessage,
    internal.ExitedExecutorMessage,
    internal.ExecutorToFrameworkMessage,
    internal.FrameworkErrorMessage,
    v0_scheduler.Event,
)
"""Every message that a scheduler handles."""

DISCONNECTED_TEXT = "Framework disconnected"
"""How a master's error begins that only says that the master lost sight of us."""

UNAUTHENTICATED_TEXTS = ("is not authenticated", "Re-authentication in progress")
"""What is in a master's error when it has forgotten, or not yet noticed, an authentication."""

_NOBODY = ("", "@0.0.0.0:0")

_PARTS: dict[int, Any] = {
    number: name.lower()
    for name, number in v0_scheduler.Event.Type.items()
    if name.lower() in v0_scheduler.Event.DESCRIPTOR.fields_by_name and name != "HEARTBEAT"
}
"""The field that holds what an event of this type says."""


class Inbound:
    """Turns messages into events. `registered` is called after each registration, with whether this
    scheduler took over from another instance; `authenticates` tells that it can prove who it is."""

    def __init__(
        self,
        connection: Connection,
        framework: Framework,
        tasks: Tasks,
        agents: AgentAddresses,
        out: Outbox,
        registered: Callable[[bool], None],
        authenticates: bool,
    ) -> None:
        self._authenticates = authenticates
        self._connection = connection
        self._framework = framework
        self._tasks = tasks
        self._agents = agents
        self._out = out
        self._on_registered = registered
        self._when_connected: dict[type[Message], Callable[..., None]] = {
            internal.ResourceOffersMessage: self._offers,
            internal.RescindResourceOfferMessage: self._rescind,
            internal.InverseOffersMessage: self._inverse_offers,
            internal.RescindInverseOfferMessage: self._rescind_inverse_offer,
            internal.LostSlaveMessage: self._agent_lost,
            internal.ExitedExecutorMessage: self._executor_lost,
        }
        self._when_registering: dict[type[Message], Callable[..., None]] = {
            internal.FrameworkRegisteredMessage: self._registered,
            internal.FrameworkReregisteredMessage: self._reregistered,
        }

    def receive(self, messages: Sequence[tuple[UPID, Message]], now: float) -> None:
        """Take messages, in order."""
        connection = self._connection
        for sender, message in messages:
            if connection.phase is Phase.ENDED:
                return
            if type(message) is internal.ExecutorToFrameworkMessage:
                self._framework_message(message.executor_id.value, message.slave_id.value, message.data)
            elif sender != connection.master:
                self._out.drop(message, "not from the leading master")
            else:
                connection.heard(now)
                self._from_master(message, now)

    def _from_master(self, message: Message, now: float) -> None:
        kind = type(message)
        phase = self._connection.phase
        if kind is internal.StatusUpdateMessage:
            if phase is Phase.CONNECTED:
                self._status_update(message)  # type: ignore[arg-type]
            else:
                self._out.drop(message, f"came while {phase.value}")
        elif kind is v0_scheduler.Event:
            self._event(message, now)  # type: ignore[arg-type]
        elif kind is internal.FrameworkErrorMessage:
            self._error(message.message)  # type: ignore[attr-defined]
        elif kind in self._when_connected:
            if phase is Phase.CONNECTED:
                self._when_connected[kind](message)
            else:
                self._out.drop(message, f"came while {phase.value}")
        elif kind in self._when_registering:
            if phase is Phase.REGISTERING:
                self._when_registering[kind](message, now)
            elif phase is not Phase.CONNECTED:  # then it answers a repeated SUBSCRIBE
                self._out.drop(message, f"came while {phase.value}")
        else:
            self._out.drop(message, "is not for schedulers")

    # Registration.

    def _registered(self, message: internal.FrameworkRegisteredMessage, now: float) -> None:
        if self._accept(message.framework_id.value, message.master_info, now):
            self._out.deliver(events.Registered(evolve(message.framework_id), evolve(message.master_info)))

    def _reregistered(self, message: internal.FrameworkReregisteredMessage, now: float) -> None:
        if self._accept(message.framework_id.value, message.master_info, now):
            self._out.deliver(events.Reregistered(evolve(message.master_info)))

    def _accept(self, framework_id: str, info: v0.MasterInfo, now: float) -> bool:
        ours = self._framework.id
        if not framework_id:
            _log.warning("the master registered a framework without an id, which is no registration")
            return False
        if ours and framework_id != ours:
            self._connection.abort(f"the master registered framework {framework_id} in place of {ours}")
            return False
        took_over = bool(ours)
        _log.info("registered as framework %s", framework_id)
        self._connection.accepted(framework_id, info.version, now)
        self._on_registered(took_over)
        return True

    # Offers.

    def _offers(self, message: internal.ResourceOffersMessage) -> None:
        if len(message.offers) != len(message.pids):
            self._out.drop(message, "has not one agent for each offer")
            return
        for offer, pid in zip(message.offers, message.pids, strict=True):
            self._note_agent(offer, pid)
        self._deliver_offers(message.offers, message.ByteSize())

    def _note_agent(self, offer: v0.Offer, pid: str) -> None:
        address = UPID.parse(pid, resolve=False)
        if address:
            self._agents.offered(offer.id.value, offer.slave_id.value, address)
        else:
            _log.debug("the agent of offer %s has no address: %r", offer.id.value, pid)

    def _deliver_offers(self, offers: Sequence[v0.Offer], size: int) -> None:
        if offers:
            self._out.deliver(events.ResourceOffers([evolve(offer) for offer in offers]), size)

    def _rescind(self, message: internal.RescindResourceOfferMessage) -> None:
        self._agents.forget_offer(message.offer_id.value)
        self._out.deliver(events.OfferRescinded(evolve(message.offer_id)))

    def _inverse_offers(self, message: internal.InverseOffersMessage) -> None:
        offers = [evolve(offer) for offer in message.inverse_offers]
        if offers:
            self._out.deliver(events.InverseOffers(offers), message.ByteSize())

    def _rescind_inverse_offer(self, message: internal.RescindInverseOfferMessage) -> None:
        self._out.deliver(events.InverseOfferRescinded(evolve(message.inverse_offer_id)))

    # Tasks, executors, agents.

    def _status_update(self, message: internal.StatusUpdateMessage) -> None:
        update = message.update
        if update.framework_id.value != self._framework.id:
            self._out.drop(message, "is about another framework")
            return
        uuid = update.uuid
        agent = message.pid
        if not uuid or agent in _NOBODY:
            uuid = b""
        self._deliver_status(update.status, update, uuid, agent)

    def _deliver_status(
        self, status: v0.TaskStatus, update: internal.StatusUpdate | None, uuid: bytes, agent: str
    ) -> None:
        task_id = status.task_id.value
        if task_id == PROBE_TASK_ID:
            return
        raw = status.SerializeToString()
        evolved = v1.TaskStatus.FromString(raw)
        agent_id = status.slave_id.value
        if update is not None:
            # What a sparse executor left out, the agent wrote beside it.
            if not agent_id:
                agent_id = update.slave_id.value
                if agent_id:
                    evolved.agent_id.value = agent_id
            if not status.HasField("executor_id") and update.HasField("executor_id"):
                evolved.executor_id.value = update.executor_id.value
            if not status.HasField("timestamp"):
                evolved.timestamp = update.timestamp
        acknowledgement = None
        if uuid:
            evolved.uuid = uuid
            acknowledgement = events.Acknowledgement(agent_id, task_id, uuid, self._acknowledged_by(agent))
        elif status.HasField("uuid"):
            evolved.ClearField("uuid")
        self._tasks.updated(task_id, agent_id, status.state)
        self._out.deliver(events.StatusUpdate(evolved, acknowledgement), len(raw) + 200)

    def _acknowledged_by(self, agent: str) -> UPID | None:
        if self._connection.version >= ACKNOWLEDGED_BY_MASTER_SINCE:
            return None
        return UPID.parse(agent, resolve=False)

    def _agent_lost(self, message: internal.LostSlaveMessage) -> None:
        self._agents.forget_agent(message.slave_id.value)
        self._out.deliver(events.AgentLost(evolve(message.slave_id)))

    def _executor_lost(self, message: internal.ExitedExecutorMessage) -> None:
        self._out.deliver(
            events.ExecutorLost(evolve(message.executor_id), evolve(message.slave_id), message.status)
        )

    def _framework_message(self, executor_id: str, agent_id: str, data: bytes) -> None:
        self._out.deliver(
            events.FrameworkMessage(v1.ExecutorID(value=executor_id), v1.AgentID(value=agent_id), data),
            len(data) + len(executor_id) + len(agent_id) + 200,
        )

    def _error(self, text: str) -> None:
        if text.startswith(DISCONNECTED_TEXT):
            # The master lost its link to us; it takes us back for as long as failover_timeout allows.
            _log.warning("the master says: %s; registering again", text)
            if self._connection.phase is Phase.CONNECTED:
                self._connection.reconnect()
        elif self._authenticates and any(words in text for words in UNAUTHENTICATED_TEXTS):
            self._connection.authentication_lost(text)
        else:
            self._connection.abort(text)

    # The generic form of all of the above.

    def _event(self, event: v0_scheduler.Event, now: float) -> None:
        kinds = v0_scheduler.Event
        connected = self._connection.phase is Phase.CONNECTED
        part = _PARTS.get(event.type)
        if part is not None and not event.HasField(part):
            self._out.drop(event, f"has no {part}")
        elif event.type == kinds.SUBSCRIBED:
            self._subscribed(event.subscribed, now)
        elif event.type == kinds.ERROR:
            self._error(event.error.message)
        elif event.type == kinds.MESSAGE:
            message = event.message
            self._framework_message(message.executor_id.value, message.slave_id.value, message.data)
        elif event.type == kinds.HEARTBEAT:
            pass
        elif not connected:
            self._out.drop(event, f"came while {self._connection.phase.value}")
        elif event.type == kinds.UPDATE:
            status = event.update.status
            self._deliver_status(status, None, status.uuid, "")
        elif event.type == kinds.OFFERS:
            for offer in event.offers.offers:
                self._note_agent(offer, _pid_from_url(offer.url))
            self._deliver_offers(event.offers.offers, event.ByteSize())
        elif event.type == kinds.RESCIND:
            self._rescind(internal.RescindResourceOfferMessage(offer_id=event.rescind.offer_id))
        elif event.type == kinds.INVERSE_OFFERS:
            offers = event.inverse_offers.inverse_offers
            self._inverse_offers(internal.InverseOffersMessage(inverse_offers=offers))
        elif event.type == kinds.RESCIND_INVERSE_OFFER:
            self._out.deliver(
                events.InverseOfferRescinded(evolve(event.rescind_inverse_offer.inverse_offer_id))
            )
        elif event.type == kinds.FAILURE:
            self._failure(event)
        else:
            self._out.drop(event, f"has the type {event.type}")

    def _subscribed(self, subscribed: v0_scheduler.Event.Subscribed, now: float) -> None:
        if self._connection.phase is not Phase.REGISTERING:
            return
        info = subscribed.master_info
        if not subscribed.HasField("master_info") and self._connection.master_info is not None:
            info = self._connection.master_info
        first = not self._framework.id or self._framework.failover
        if self._accept(subscribed.framework_id.value, info, now):
            self._out.deliver(
                events.Registered(evolve(subscribed.framework_id), evolve(info))
                if first
                else events.Reregistered(evolve(info))
            )

    def _failure(self, event: v0_scheduler.Event) -> None:
        failure = event.failure
        if not failure.HasField("slave_id"):
            self._out.drop(event, "names no agent")
        elif failure.HasField("executor_id"):
            self._out.deliver(
                events.ExecutorLost(evolve(failure.executor_id), evolve(failure.slave_id), failure.status)
            )
        else:
            self._agent_lost(internal.LostSlaveMessage(slave_id=failure.slave_id))


def _pid_from_url(url: v0.URL) -> str:
    return f"{url.path.strip('/')}@{url.address.ip}:{url.address.port}"
