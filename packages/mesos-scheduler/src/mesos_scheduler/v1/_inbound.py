"""What a master says over a v1 stream, as events for the user.

An event that lacks what its type announces or a required field is dropped and counted, as is one before
SUBSCRIBED; types that are not known are ignored, as the protocol asks for.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from mesos_proto.v1 import scheduler_pb2 as scheduler

from .. import commands as v0
from .. import events
from .._tasks import Tasks
from ..status import Status
from ._connection import Connection, Phase
from ._framework import Framework
from ._outbox import Outbox

_log = logging.getLogger("mesos.scheduler")
_Event = scheduler.Event
_PARTS: dict[int, str] = {
    number: name.lower()
    for name, number in _Event.Type.items()
    if name.lower() in _Event.DESCRIPTOR.fields_by_name
}


class Inbound:
    """Turns events of a stream into those of the driver; `on_subscribed` is told of each subscription."""

    def __init__(
        self,
        connection: Connection,
        framework: Framework,
        tasks: Tasks,
        out: Outbox,
        on_subscribed: Callable[[bool], None],
    ) -> None:
        self.dropped: Counter[str] = Counter()
        self._connection = connection
        self._framework = framework
        self._tasks = tasks
        self._out = out
        self._on_subscribed = on_subscribed
        self._master = ""
        self._handlers: dict[int, Callable[[Any], None]] = {
            _Event.UPDATE: self._update,
            _Event.OFFERS: self._offers,
            _Event.HEARTBEAT: self._heartbeat,
            _Event.RESCIND: self._rescind,
            _Event.FAILURE: self._failure,
            _Event.MESSAGE: self._message,
            _Event.INVERSE_OFFERS: self._inverse_offers,
            _Event.RESCIND_INVERSE_OFFER: self._rescind_inverse_offer,
            _Event.UPDATE_OPERATION_STATUS: self._operation_status,
        }

    def receive(self, attempt: int, received: Sequence[scheduler.Event], now: float) -> None:
        """Take events of a stream, in order."""
        connection = self._connection
        connection.heard(now)
        for event in received:
            if attempt != connection.attempt or connection.status is not Status.RUNNING:
                return
            part = _PARTS.get(event.type)
            if part is not None and not event.HasField(part):  # type: ignore[arg-type]
                self._drop(event, "lacks what it announces")
            elif not event.IsInitialized():
                self._drop(event, "lacks a required field")
            elif event.type == _Event.ERROR:
                connection.abort(event.error.message)
            elif event.type == _Event.SUBSCRIBED:
                self._subscribed(event.subscribed, now)
            elif connection.phase is not Phase.CONNECTED:
                self._drop(event, f"came while {connection.phase.value}")
            else:
                handler = self._handlers.get(event.type)
                if handler is not None:
                    handler(event)

    def _drop(self, event: scheduler.Event, reason: str) -> None:
        what = f"{_Event.Type.Name(event.type)}: {reason}"
        self.dropped[what] += 1
        count = self.dropped[what]
        if count & (count - 1) == 0:
            _log.warning("dropped %s (%d so far)", what, count)

    def _subscribed(self, body: scheduler.Event.Subscribed, now: float) -> None:
        if self._connection.phase is not Phase.SUBSCRIBING:
            return
        value = body.framework_id.value
        known = self._framework.id.value
        if known and value != known:
            self._connection.abort(f"the master subscribed {value} in place of {known}")
            return
        again = bool(known)
        self._framework.set_id(value)
        self._connection.subscribed(body.heartbeat_interval_seconds, now)
        if not again:
            self._out.add(v0.RememberFramework(value))
        if self._master and self._master == body.master_info.id:
            self._out.deliver(events.Reregistered(body.master_info))
        else:
            self._out.deliver(events.Registered(body.framework_id, body.master_info))
        self._master = body.master_info.id
        self._on_subscribed(again)

    def _update(self, event: scheduler.Event) -> None:
        status = event.update.status
        acknowledgement = events.Acknowledgement.of(status) if status.uuid else None
        self._tasks.updated(status.task_id.value, status.agent_id.value, status.state)
        self._out.deliver(events.StatusUpdate(status, acknowledgement), event.ByteSize())

    def _offers(self, event: scheduler.Event) -> None:
        self._out.deliver(events.ResourceOffers(list(event.offers.offers)), event.ByteSize())

    def _heartbeat(self, event: scheduler.Event) -> None:
        self._out.deliver(events.Heartbeat())

    def _rescind(self, event: scheduler.Event) -> None:
        self._out.deliver(events.OfferRescinded(event.rescind.offer_id))

    def _failure(self, event: scheduler.Event) -> None:
        failure = event.failure
        if failure.HasField("executor_id"):
            status = failure.status if failure.HasField("status") else -1
            self._out.deliver(events.ExecutorLost(failure.executor_id, failure.agent_id, status))
        else:
            self._out.deliver(events.AgentLost(failure.agent_id))

    def _message(self, event: scheduler.Event) -> None:
        body = event.message
        self._out.deliver(
            events.FrameworkMessage(body.executor_id, body.agent_id, body.data), event.ByteSize()
        )

    def _inverse_offers(self, event: scheduler.Event) -> None:
        self._out.deliver(events.InverseOffers(list(event.inverse_offers.inverse_offers)), event.ByteSize())

    def _rescind_inverse_offer(self, event: scheduler.Event) -> None:
        self._out.deliver(events.InverseOfferRescinded(event.rescind_inverse_offer.inverse_offer_id))

    def _operation_status(self, event: scheduler.Event) -> None:
        status = event.update_operation_status.status
        wanted = bool(status.uuid.value and status.operation_id.value)
        self._out.deliver(events.OperationStatusUpdate(status, wanted), event.ByteSize())
