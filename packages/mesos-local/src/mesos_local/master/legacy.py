"""The messages schedulers sent before there were calls (up to 0.23), as the calls they mean."""

from __future__ import annotations

from google.protobuf.message import Message
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as scheduler

__all__ = ["LEGACY", "as_call"]

_Call = scheduler.Call

LEGACY: tuple[type[Message], ...] = (
    internal.UnregisterFrameworkMessage,
    internal.ResourceRequestMessage,
    internal.LaunchTasksMessage,
    internal.ReviveOffersMessage,
    internal.KillTaskMessage,
    internal.StatusUpdateAcknowledgementMessage,
    internal.ReconcileTasksMessage,
    internal.FrameworkToExecutorMessage,
)
"""What a registered framework may send instead of a call."""


def as_call(message: Message) -> scheduler.Call:
    """Give the call that one of the `LEGACY` messages means."""
    call = _Call(framework_id=getattr(message, "framework_id"))  # noqa: B009
    if isinstance(message, internal.UnregisterFrameworkMessage):
        call.type = _Call.TEARDOWN
    elif isinstance(message, internal.ResourceRequestMessage):
        call.type = _Call.REQUEST
        call.request.requests.extend(message.requests)
    elif isinstance(message, internal.LaunchTasksMessage):
        _launch(call, message)
    elif isinstance(message, internal.ReviveOffersMessage):
        call.type = _Call.REVIVE
        call.revive.roles.extend(message.roles)
    elif isinstance(message, internal.KillTaskMessage):
        call.type = _Call.KILL
        call.kill.task_id.CopyFrom(message.task_id)
    elif isinstance(message, internal.StatusUpdateAcknowledgementMessage):
        call.type = _Call.ACKNOWLEDGE
        call.acknowledge.slave_id.CopyFrom(message.slave_id)
        call.acknowledge.task_id.CopyFrom(message.task_id)
        call.acknowledge.uuid = message.uuid
    elif isinstance(message, internal.ReconcileTasksMessage):
        call.type = _Call.RECONCILE
        call.reconcile.SetInParent()
        for status in message.statuses:
            asked = call.reconcile.tasks.add(task_id=status.task_id)
            if status.HasField("slave_id"):
                asked.slave_id.CopyFrom(status.slave_id)
    elif isinstance(message, internal.FrameworkToExecutorMessage):
        call.type = _Call.MESSAGE
        call.message.slave_id.CopyFrom(message.slave_id)
        call.message.executor_id.CopyFrom(message.executor_id)
        call.message.data = message.data
    return call


def _launch(call: scheduler.Call, message: internal.LaunchTasksMessage) -> None:
    """A launch of nothing declines."""
    if message.tasks:
        call.type = _Call.ACCEPT
        call.accept.offer_ids.extend(message.offer_ids)
        operation = call.accept.operations.add(type=mesos.Offer.Operation.LAUNCH)
        operation.launch.task_infos.extend(message.tasks)
        call.accept.filters.CopyFrom(message.filters)
    else:
        call.type = _Call.DECLINE
        call.decline.offer_ids.extend(message.offer_ids)
        call.decline.filters.CopyFrom(message.filters)
