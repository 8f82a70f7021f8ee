"""What goes through handlers, events and calls, and their names in Mesos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from mesos_proto.v1 import mesos_pb2 as mesos

from .. import commands, events
from ..events import Event
from ..v1 import commands as v1_commands

Call: TypeAlias = v1_commands.UserCall
"""What a program asks of a driver, of either transport."""

Item: TypeAlias = Event | Call

KINDS: dict[type, str] = {
    events.Registered: "subscribed",
    events.Reregistered: "subscribed",
    events.Disconnected: "disconnected",
    events.ResourceOffers: "offers",
    events.OfferRescinded: "rescind",
    events.InverseOffers: "inverse_offers",
    events.InverseOfferRescinded: "rescind_inverse_offer",
    events.StatusUpdate: "update",
    events.FrameworkMessage: "message",
    events.AgentLost: "failure",
    events.ExecutorLost: "failure",
    events.OperationStatusUpdate: "update_operation_status",
    events.Heartbeat: "heartbeat",
    events.Error: "error",
    commands.AcceptOffers: "accept",
    commands.DeclineOffers: "decline",
    commands.ReviveOffers: "revive",
    commands.SuppressOffers: "suppress",
    commands.KillTask: "kill",
    commands.ShutdownExecutor: "shutdown",
    commands.RequestResources: "request",
    commands.SendFrameworkMessage: "message",
    commands.ReconcileTasks: "reconcile",
    commands.AcknowledgeStatusUpdate: "acknowledge",
    commands.UpdateFramework: "update_framework",
    v1_commands.AcknowledgeOperationStatus: "acknowledge_operation_status",
    v1_commands.ReconcileOperations: "reconcile_operations",
}
"""The name of each type that has one; answers to inverse offers have two."""


def kind(item: Item) -> str:
    """Return the type of an event or a call by its name in the v1 API, in lower case.

    `disconnected` is no event of the API; both forms of `subscribed` and of `failure` share their name.
    """
    if isinstance(item, commands.AnswerInverseOffers):
        return "accept_inverse_offers" if item.accept else "decline_inverse_offers"
    return KINDS[type(item)]


def describe(item: Item) -> str:
    """Return one line about an event or a call: ids, states and numbers, never what tasks are made of."""
    tell = _DETAILS.get(type(item))
    details = tell(item) if tell is not None else ""
    return f"{kind(item)}: {details}" if details else kind(item)


def _many(items: Sequence[object], noun: str) -> str:
    return f"{len(items)} {noun}" + ("" if len(items) == 1 else "s")


def _operations(call: commands.AcceptOffers) -> str:
    names = [mesos.Offer.Operation.Type.Name(operation.type) for operation in call.operations]
    return f"{_many(call.offer_ids, 'offer')} for {', '.join(names) or 'nothing'}"


def _update(event: events.StatusUpdate) -> str:
    status = event.status
    words = [status.task_id.value, mesos.TaskState.Name(status.state)]
    if status.HasField("reason"):
        words.append(mesos.TaskStatus.Reason.Name(status.reason))
    return " ".join(words)


def _operation(item: events.OperationStatusUpdate | v1_commands.AcknowledgeOperationStatus) -> str:
    return f"{item.status.operation_id.value} {mesos.OperationState.Name(item.status.state)}"


def _executor(item: Any) -> str:
    return f"{item.executor_id.value} on {item.agent_id.value}"


def _message(item: events.FrameworkMessage | commands.SendFrameworkMessage) -> str:
    return f"{_executor(item)}, {_many(item.data, 'byte')}"


def _roles(call: commands.ReviveOffers | commands.SuppressOffers) -> str:
    return ", ".join(call.roles)


_DETAILS: dict[type, Callable[[Any], str]] = {
    events.Registered: lambda e: f"{e.framework_id.value} by {e.master_info.id}",
    events.Reregistered: lambda e: f"again by {e.master_info.id}",
    events.ResourceOffers: lambda e: _many(e.offers, "offer"),
    events.OfferRescinded: lambda e: e.offer_id.value,
    events.InverseOffers: lambda e: _many(e.inverse_offers, "inverse offer"),
    events.InverseOfferRescinded: lambda e: e.inverse_offer_id.value,
    events.StatusUpdate: _update,
    events.FrameworkMessage: _message,
    events.AgentLost: lambda e: f"agent {e.agent_id.value}",
    events.ExecutorLost: lambda e: f"executor {_executor(e)}, status {e.status}",
    events.OperationStatusUpdate: _operation,
    events.Error: lambda e: e.message,
    commands.AcceptOffers: _operations,
    commands.DeclineOffers: lambda c: _many(c.offer_ids, "offer"),
    commands.AnswerInverseOffers: lambda c: _many(c.inverse_offer_ids, "inverse offer"),
    commands.ReviveOffers: _roles,
    commands.SuppressOffers: _roles,
    commands.KillTask: lambda c: c.task_id.value,
    commands.ShutdownExecutor: _executor,
    commands.RequestResources: lambda c: _many(c.requests, "request"),
    commands.SendFrameworkMessage: _message,
    commands.ReconcileTasks: lambda c: _many(c.statuses, "task") if c.statuses else "all tasks",
    commands.AcknowledgeStatusUpdate: lambda c: c.acknowledgement.task_id,
    v1_commands.AcknowledgeOperationStatus: _operation,
    v1_commands.ReconcileOperations: lambda c: (
        _many(c.operations, "operation") if c.operations else "all operations"
    ),
}
