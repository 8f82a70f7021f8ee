"""What a framework on HTTP is told: the messages of libprocess as the events they are there."""

from __future__ import annotations

from google.protobuf.message import Message
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as scheduler

__all__ = ["HEARTBEAT_INTERVAL", "as_event", "heartbeat"]

HEARTBEAT_INTERVAL = 15.0
_Event = scheduler.Event


def heartbeat() -> scheduler.Event:
    """Make the event that only says that the stream lives."""
    return _Event(type=_Event.HEARTBEAT)


def as_event(message: Message) -> scheduler.Event:
    """Give the event that stands for a message to a scheduler."""
    if isinstance(message, _Event):
        return message
    event = _Event()
    if isinstance(message, (internal.FrameworkRegisteredMessage, internal.FrameworkReregisteredMessage)):
        event.type = _Event.SUBSCRIBED
        event.subscribed.framework_id.CopyFrom(message.framework_id)
        event.subscribed.heartbeat_interval_seconds = HEARTBEAT_INTERVAL
        event.subscribed.master_info.CopyFrom(message.master_info)
    elif isinstance(message, internal.ResourceOffersMessage):
        event.type = _Event.OFFERS
        event.offers.offers.extend(message.offers)
    elif isinstance(message, internal.RescindResourceOfferMessage):
        event.type = _Event.RESCIND
        event.rescind.offer_id.CopyFrom(message.offer_id)
    elif isinstance(message, internal.StatusUpdateMessage):
        event.type = _Event.UPDATE
        event.update.status.CopyFrom(message.update.status)
        if message.update.uuid:
            event.update.status.uuid = message.update.uuid
    elif isinstance(message, internal.UpdateOperationStatusMessage):
        event.type = _Event.UPDATE_OPERATION_STATUS
        event.update_operation_status.status.CopyFrom(message.status)
    elif isinstance(message, internal.ExecutorToFrameworkMessage):
        event.type = _Event.MESSAGE
        event.message.slave_id.CopyFrom(message.slave_id)
        event.message.executor_id.CopyFrom(message.executor_id)
        event.message.data = message.data
    elif isinstance(message, internal.LostSlaveMessage):
        event.type = _Event.FAILURE
        event.failure.slave_id.CopyFrom(message.slave_id)
    elif isinstance(message, internal.ExitedExecutorMessage):
        event.type = _Event.FAILURE
        event.failure.slave_id.CopyFrom(message.slave_id)
        event.failure.executor_id.CopyFrom(message.executor_id)
        event.failure.status = message.status
    elif isinstance(message, internal.FrameworkErrorMessage):
        event.type = _Event.ERROR
        event.error.message = message.message
    else:
        raise TypeError(f"{message.DESCRIPTOR.full_name} is not for schedulers")
    return event
