"""What an executor on HTTP is told: the messages of libprocess as the events they are there."""

from __future__ import annotations

from google.protobuf.message import Message
from mesos_proto.v0 import executor_pb2 as executor
from mesos_proto.v0 import messages_pb2 as internal

__all__ = ["as_event"]

_Event = executor.Event


def as_event(message: Message) -> executor.Event:
    """Give the event that stands for a message to an executor."""
    event = _Event()
    if isinstance(message, internal.ExecutorRegisteredMessage):
        event.type = _Event.SUBSCRIBED
        event.subscribed.executor_info.CopyFrom(message.executor_info)
        event.subscribed.framework_info.CopyFrom(message.framework_info)
        event.subscribed.slave_info.CopyFrom(message.slave_info)
    elif isinstance(message, internal.RunTaskMessage):
        event.type = _Event.LAUNCH
        event.launch.task.CopyFrom(message.task)
    elif isinstance(message, internal.RunTaskGroupMessage):
        event.type = _Event.LAUNCH_GROUP
        event.launch_group.task_group.CopyFrom(message.task_group)
    elif isinstance(message, internal.KillTaskMessage):
        event.type = _Event.KILL
        event.kill.task_id.CopyFrom(message.task_id)
        if message.HasField("kill_policy"):
            event.kill.kill_policy.CopyFrom(message.kill_policy)
    elif isinstance(message, internal.StatusUpdateAcknowledgementMessage):
        event.type = _Event.ACKNOWLEDGED
        event.acknowledged.task_id.CopyFrom(message.task_id)
        event.acknowledged.uuid = message.uuid
    elif isinstance(message, internal.FrameworkToExecutorMessage):
        event.type = _Event.MESSAGE
        event.message.data = message.data
    elif isinstance(message, internal.ShutdownExecutorMessage):
        event.type = _Event.SHUTDOWN
    else:
        raise TypeError(f"{message.DESCRIPTOR.full_name} is not for executors")
    return event
