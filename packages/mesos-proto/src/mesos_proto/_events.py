"""The events that libprocess messages stand for, as upstream's `evolve.cpp` makes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from google.protobuf.message import Message

from mesos_proto.v0 import mesos_pb2 as mesos0
from mesos_proto.v0 import messages_pb2 as messages
from mesos_proto.v1 import executor_pb2 as executor
from mesos_proto.v1 import scheduler_pb2 as scheduler

_M = TypeVar("_M", bound=Message)
_Event = scheduler.Event
_ExecutorEvent = executor.Event

# What a master sends as heartbeat interval; libprocess messages do not say it.
HEARTBEAT_SECONDS = 15.0

MAKERS: dict[str, Callable[[Message], Message]] = {}


def _makes_event(kind: type[_M]) -> Callable[[Callable[[_M], Message]], Callable[[_M], Message]]:
    """Register a function for the message it takes."""

    def register(function: Callable[[_M], Message]) -> Callable[[_M], Message]:
        def make(message: Message) -> Message:
            # The message may be of another pool's class: read it as ours.
            ours = kind()
            ours.MergeFromString(message.SerializePartialToString())
            return function(ours)

        MAKERS[kind.DESCRIPTOR.full_name] = make
        return function

    return register


def _put(target: Message, source: Message) -> None:
    """Read a v0 message's bytes into its v1 counterpart; sets the field even when there are none."""
    target.MergeFromString(source.SerializePartialToString())
    target.SetInParent()


@_makes_event(messages.FrameworkRegisteredMessage)
def _registered(message: messages.FrameworkRegisteredMessage) -> Message:
    return _subscribed(message.framework_id, message.master_info)


@_makes_event(messages.FrameworkReregisteredMessage)
def _reregistered(message: messages.FrameworkReregisteredMessage) -> Message:
    return _subscribed(message.framework_id, message.master_info)


def _subscribed(framework_id: mesos0.FrameworkID, master_info: mesos0.MasterInfo) -> Message:
    event = _Event(type=_Event.SUBSCRIBED)
    event.subscribed.heartbeat_interval_seconds = HEARTBEAT_SECONDS
    _put(event.subscribed.framework_id, framework_id)
    _put(event.subscribed.master_info, master_info)
    return event


@_makes_event(messages.ResourceOffersMessage)
def _offers(message: messages.ResourceOffersMessage) -> Message:
    event = _Event(type=_Event.OFFERS)
    event.offers.SetInParent()
    for offer in message.offers:
        _put(event.offers.offers.add(), offer)
    return event


@_makes_event(messages.InverseOffersMessage)
def _inverse_offers(message: messages.InverseOffersMessage) -> Message:
    event = _Event(type=_Event.INVERSE_OFFERS)
    event.inverse_offers.SetInParent()
    for offer in message.inverse_offers:
        _put(event.inverse_offers.inverse_offers.add(), offer)
    return event


@_makes_event(messages.RescindResourceOfferMessage)
def _rescind(message: messages.RescindResourceOfferMessage) -> Message:
    event = _Event(type=_Event.RESCIND)
    _put(event.rescind.offer_id, message.offer_id)
    return event


@_makes_event(messages.RescindInverseOfferMessage)
def _rescind_inverse_offer(message: messages.RescindInverseOfferMessage) -> Message:
    event = _Event(type=_Event.RESCIND_INVERSE_OFFER)
    _put(event.rescind_inverse_offer.inverse_offer_id, message.inverse_offer_id)
    return event


@_makes_event(messages.StatusUpdateMessage)
def _update(message: messages.StatusUpdateMessage) -> Message:
    """The update's own fields win over the status's; no address to answer means no acknowledgement."""
    event = _Event(type=_Event.UPDATE)
    status, update = event.update.status, message.update
    _put(status, update.status)
    if update.HasField("slave_id"):
        status.agent_id.value = update.slave_id.value
    if update.HasField("executor_id"):
        status.executor_id.value = update.executor_id.value
    status.timestamp = update.timestamp
    status.ClearField("uuid")
    if update.uuid and "@" in message.pid and message.pid != "@0.0.0.0:0":
        status.uuid = update.uuid
    return event


@_makes_event(messages.LostSlaveMessage)
def _lost_agent(message: messages.LostSlaveMessage) -> Message:
    event = _Event(type=_Event.FAILURE)
    _put(event.failure.agent_id, message.slave_id)
    return event


@_makes_event(messages.ExitedExecutorMessage)
def _exited_executor(message: messages.ExitedExecutorMessage) -> Message:
    event = _Event(type=_Event.FAILURE)
    _put(event.failure.agent_id, message.slave_id)
    _put(event.failure.executor_id, message.executor_id)
    event.failure.status = message.status
    return event


@_makes_event(messages.ExecutorToFrameworkMessage)
def _from_executor(message: messages.ExecutorToFrameworkMessage) -> Message:
    event = _Event(type=_Event.MESSAGE)
    _put(event.message.agent_id, message.slave_id)
    _put(event.message.executor_id, message.executor_id)
    event.message.data = message.data
    return event


@_makes_event(messages.UpdateOperationStatusMessage)
def _operation(message: messages.UpdateOperationStatusMessage) -> Message:
    event = _Event(type=_Event.UPDATE_OPERATION_STATUS)
    _put(event.update_operation_status.status, message.status)
    return event


@_makes_event(messages.FrameworkErrorMessage)
def _error(message: messages.FrameworkErrorMessage) -> Message:
    return _Event(type=_Event.ERROR, error=_Event.Error(message=message.message))


@_makes_event(messages.ExecutorRegisteredMessage)
def _executor_subscribed(message: messages.ExecutorRegisteredMessage) -> Message:
    event = _ExecutorEvent(type=_ExecutorEvent.SUBSCRIBED)
    _put(event.subscribed.executor_info, message.executor_info)
    _put(event.subscribed.framework_info, message.framework_info)
    _put(event.subscribed.agent_info, _checkpointing(message.slave_info))
    return event


def _checkpointing(info: mesos0.SlaveInfo) -> mesos0.SlaveInfo:
    """Leave out a true `checkpoint`: every v1 agent's is."""
    if info.checkpoint:
        info.ClearField("checkpoint")
    return info


@_makes_event(messages.RunTaskMessage)
def _launch(message: messages.RunTaskMessage) -> Message:
    event = _ExecutorEvent(type=_ExecutorEvent.LAUNCH)
    _put(event.launch.task, message.task)
    return event


@_makes_event(messages.RunTaskGroupMessage)
def _launch_group(message: messages.RunTaskGroupMessage) -> Message:
    event = _ExecutorEvent(type=_ExecutorEvent.LAUNCH_GROUP)
    _put(event.launch_group.task_group, message.task_group)
    return event


@_makes_event(messages.KillTaskMessage)
def _kill(message: messages.KillTaskMessage) -> Message:
    event = _ExecutorEvent(type=_ExecutorEvent.KILL)
    _put(event.kill.task_id, message.task_id)
    if message.HasField("kill_policy"):
        _put(event.kill.kill_policy, message.kill_policy)
    return event


@_makes_event(messages.StatusUpdateAcknowledgementMessage)
def _acknowledged(message: messages.StatusUpdateAcknowledgementMessage) -> Message:
    event = _ExecutorEvent(type=_ExecutorEvent.ACKNOWLEDGED)
    _put(event.acknowledged.task_id, message.task_id)
    event.acknowledged.uuid = message.uuid
    return event


@_makes_event(messages.FrameworkToExecutorMessage)
def _from_scheduler(message: messages.FrameworkToExecutorMessage) -> Message:
    return _ExecutorEvent(type=_ExecutorEvent.MESSAGE, message=_ExecutorEvent.Message(data=message.data))


@_makes_event(messages.ShutdownExecutorMessage)
def _shutdown(message: messages.ShutdownExecutorMessage) -> Message:
    return _ExecutorEvent(type=_ExecutorEvent.SHUTDOWN)
