"""What an agent writes down so that it, restarted, knows its executors and their tasks again.

The layout below the work directory is that of upstream's src/slave/paths.cpp; each message is written with
its length (four bytes, little-endian) before it, and `task.updates` is a log of such records. Only frameworks
that asked for it (`checkpoint`) are written down.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

from google.protobuf.message import Message
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0.slave_state_pb2 import ResourceState

from .. import _forms
from . import paths
from .state import Agent, Checkpoint, Executor, Framework, PointLatest

__all__ = [
    "acknowledgement",
    "agent_info",
    "ended",
    "executor",
    "framework",
    "records",
    "resources",
    "started",
    "subscribed",
    "task",
    "update",
]

_LENGTH = struct.Struct("<I")


def record(message: Message) -> bytes:
    """Write a message with its length before it."""
    data = message.SerializeToString()
    return _LENGTH.pack(len(data)) + data


def records(data: bytes) -> Iterator[bytes]:
    """Give the records of a file; one that was cut off at the end is left out."""
    place = 0
    while place + _LENGTH.size <= len(data):
        (length,) = _LENGTH.unpack_from(data, place)
        place += _LENGTH.size
        if place + length > len(data):
            return
        yield data[place : place + length]
        place += length


def _write(agent: Agent, path: str, data: bytes | str, *, append: bool = False) -> None:
    content = data.encode() if isinstance(data, str) else data
    agent.commands.append(Checkpoint(path, content, append))


def agent_info(agent: Agent) -> None:
    """Write down who the agent is."""
    path = paths.agent_info(agent.settings.work_dir, agent.id)
    _write(agent, path, record(agent.info))
    agent.commands.append(PointLatest(os.path.dirname(path)))


def resources(agent: Agent) -> None:
    """Write down the reservations and volumes, and the operations that are not acknowledged."""
    state = ResourceState(resources=_forms.wire(agent.checkpointed), operations=agent.operations.values())
    _write(agent, paths.resource_state(agent.settings.work_dir), record(state))


def framework(agent: Agent, framework: Framework) -> None:
    """Write down a framework and where it is."""
    if framework.info.checkpoint:
        directory = paths.framework_meta(agent.settings.work_dir, agent.id, framework.id)
        _write(agent, f"{directory}/framework.info", record(framework.info))
        _write(agent, f"{directory}/framework.pid", framework.pid or "@0.0.0.0:0")


def _executor_directory(agent: Agent, framework: Framework, executor: Executor) -> str:
    return paths.executor_meta(agent.settings.work_dir, agent.id, framework.id, executor.id)


def _run_directory(agent: Agent, framework: Framework, executor: Executor) -> str:
    return f"{_executor_directory(agent, framework, executor)}/runs/{executor.container_id}"


def executor(agent: Agent, framework: Framework, executor: Executor) -> None:
    """Write down a new executor."""
    if framework.info.checkpoint:
        directory = _executor_directory(agent, framework, executor)
        _write(agent, f"{directory}/executor.info", record(executor.info))
        generated = "1" if executor.command_task else "0"
        _write(agent, f"{directory}/executor_generated_for_command_task", generated)
        run = _run_directory(agent, framework, executor)
        _write(agent, f"{run}/pids/forked.pid", "")
        agent.commands.append(PointLatest(run))


def started(agent: Agent, framework: Framework, executor: Executor) -> None:
    """Write down the process of an executor."""
    if framework.info.checkpoint:
        directory = _run_directory(agent, framework, executor)
        _write(agent, f"{directory}/pids/forked.pid", str(executor.os_pid))


def subscribed(agent: Agent, framework: Framework, executor: Executor) -> None:
    """Write down where an executor can be reached."""
    if framework.info.checkpoint:
        directory = _run_directory(agent, framework, executor)
        if executor.stream:
            _write(agent, f"{directory}/http.marker", "")
        else:
            _write(agent, f"{directory}/pids/libprocess.pid", executor.pid)


def ended(agent: Agent, framework: Framework, executor: Executor) -> None:
    """Write down that nothing is left to be told about a run."""
    if framework.info.checkpoint:
        _write(agent, f"{_run_directory(agent, framework, executor)}/executor.sentinel", "")


def _task_directory(agent: Agent, framework: Framework, executor: Executor, task_id: str) -> str:
    return f"{_run_directory(agent, framework, executor)}/tasks/{task_id}"


def task(agent: Agent, framework: Framework, executor: Executor, task: mesos.Task) -> None:
    """Write down a task that is about to go to its executor."""
    if framework.info.checkpoint:
        directory = _task_directory(agent, framework, executor, task.task_id.value)
        _write(agent, f"{directory}/task.info", record(task))


def update(agent: Agent, framework: Framework, executor: Executor, update: internal.StatusUpdate) -> None:
    """Write down an update, before anybody is told that it was taken."""
    if framework.info.checkpoint:
        directory = _task_directory(agent, framework, executor, update.status.task_id.value)
        entry = internal.StatusUpdateRecord(type=internal.StatusUpdateRecord.UPDATE, update=update)
        _write(agent, f"{directory}/task.updates", record(entry), append=True)


def acknowledgement(
    agent: Agent, framework: Framework, executor: Executor, task_id: str, uuid: bytes
) -> None:
    """Write down that the scheduler has an update."""
    if framework.info.checkpoint:
        directory = _task_directory(agent, framework, executor, task_id)
        entry = internal.StatusUpdateRecord(type=internal.StatusUpdateRecord.ACK, uuid=uuid)
        _write(agent, f"{directory}/task.updates", record(entry), append=True)
