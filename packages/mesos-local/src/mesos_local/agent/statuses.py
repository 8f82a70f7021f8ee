"""Status updates inside the agent: from executors, or made here, to the master, until acknowledged."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from mesos_proto.v0 import executor_pb2
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal

from .._tasks import TERMINAL_STATES, note_status
from .._wire import StreamSend, is_process
from . import checkpoints
from .http_events import as_event
from .state import Agent, Connection, Executor, ExecutorState, Framework
from .updates import UpdateStream

__all__ = [
    "acknowledge",
    "forget",
    "make",
    "note",
    "report_unknown",
    "resend",
    "resend_all",
    "take",
]

log = logging.getLogger("mesos.local.agent")

_Status = mesos.TaskStatus


def make(
    agent: Agent,
    framework: Framework,
    executor: Executor | None,
    task_id: mesos.TaskID,
    state: mesos.TaskState.ValueType,
    reason: mesos.TaskStatus.Reason.ValueType,
    text: str,
    *,
    limited: Iterable[mesos.Resource] = (),
) -> None:
    """Make an update of the agent's own, and send it the way executors' updates go.

    `limited` is what was taken too much of.
    """
    update = _update(agent, framework.info.id, task_id, state, reason, text)
    update.status.limitation.resources.extend(limited)
    if not update.status.limitation.resources:
        update.status.ClearField("limitation")
    if executor is not None:
        update.executor_id.CopyFrom(executor.info.executor_id)
    take(agent, update, "")


def report_unknown(
    agent: Agent,
    framework_id: mesos.FrameworkID,
    task_id: mesos.TaskID,
    state: mesos.TaskState.ValueType,
    reason: mesos.TaskStatus.Reason.ValueType,
    text: str,
) -> None:
    """Report a task the agent does not know; it may not know its framework either."""
    _queue(agent, _update(agent, framework_id, task_id, state, reason, text), "")


def _update(
    agent: Agent,
    framework_id: mesos.FrameworkID,
    task_id: mesos.TaskID,
    state: mesos.TaskState.ValueType,
    reason: mesos.TaskStatus.Reason.ValueType,
    text: str,
) -> internal.StatusUpdate:
    uuid = agent.new_uuid().bytes
    status = _Status(
        task_id=task_id,
        state=state,
        source=_Status.SOURCE_SLAVE,
        reason=reason,
        message=text,
        slave_id=agent.info.id,
        timestamp=agent.now,
        uuid=uuid,
    )
    return internal.StatusUpdate(
        framework_id=framework_id,
        slave_id=agent.info.id,
        status=status,
        timestamp=agent.now,
        uuid=uuid,
        latest_state=state,
    )


def take_called(agent: Agent, call: executor_pb2.Call, status: mesos.TaskStatus, stream: str) -> None:
    """Take an update in that an executor sent over HTTP."""
    filled = _Status()
    filled.CopyFrom(status)
    filled.slave_id.CopyFrom(agent.info.id)
    update = internal.StatusUpdate(
        framework_id=call.framework_id,
        executor_id=call.executor_id,
        slave_id=agent.info.id,
        status=filled,
        timestamp=status.timestamp if status.HasField("timestamp") else agent.now,
        uuid=status.uuid,
    )
    take(agent, update, "", stream)


def take(agent: Agent, update: internal.StatusUpdate, pid: str, stream: str = "") -> None:
    """Take an update in: from the executor at `pid` or on `stream`, or the agent's own without either."""
    framework = agent.frameworks.get(update.framework_id.value)
    if not update.uuid or framework is None or framework.terminating:
        agent.count("invalid_status_updates")
        expected = framework is not None and framework.terminating
        level = logging.INFO if expected else logging.WARNING
        log.log(level, "Ignoring status update of task %s", update.status.task_id.value)
        return
    from_executor = bool(stream) or is_process(pid)
    if from_executor and not (update.slave_id.value == agent.id and update.status.slave_id.value == agent.id):
        agent.count("invalid_status_updates")
        log.warning("Ignoring status update of task %s: another agent's", update.status.task_id.value)
        return
    executor = _executor_of(framework, update)
    agent.count("valid_status_updates")
    _complete(agent, executor, update, from_executor)
    if executor is not None:
        known = agent.streams.get((framework.id, update.status.task_id.value))
        if known is None or update.uuid not in known.received:
            if note(executor, update):
                agent.count(f"tasks_{mesos.TaskState.Name(update.status.state)[5:].lower()}")
            checkpoints.update(agent, framework, executor, update)
    _queue(agent, update, pid, stream)


def _executor_of(framework: Framework, update: internal.StatusUpdate) -> Executor | None:
    executor = framework.executors.get(update.executor_id.value)
    if executor is not None:
        return executor
    task_id = update.status.task_id.value
    return next((each for each in framework.executors.values() if each.find(task_id)), None)


def _complete(
    agent: Agent, executor: Executor | None, update: internal.StatusUpdate, from_executor: bool
) -> None:
    """Fill in what the agent adds to every update."""
    status = update.status
    status.source = _Status.SOURCE_EXECUTOR if from_executor else _Status.SOURCE_SLAVE
    status.uuid = update.uuid
    if update.HasField("executor_id"):
        status.executor_id.CopyFrom(update.executor_id)
    if executor is None or executor.state is ExecutorState.TERMINATED:  # The container is forgotten by then.
        return
    container = status.container_status
    if not container.HasField("container_id"):
        container.container_id.value = executor.container_id
    if not container.network_infos:
        container.network_infos.add().ip_addresses.add(protocol=mesos.NetworkInfo.IPv4, ip_address=agent.ip)
    if not container.HasField("executor_pid") and executor.os_pid is not None:
        container.executor_pid = executor.os_pid


def note(executor: Executor, update: internal.StatusUpdate) -> bool:
    """Bring the record of the task up to date; tells whether the task has ended with it."""
    task_id = update.status.task_id.value
    record = executor.launched.get(task_id)
    if record is None:
        return False
    record.state = update.status.state
    note_status(record, update.status)
    if record.state in TERMINAL_STATES:
        executor.terminated[task_id] = executor.launched.pop(task_id)
        return True
    return False


def _queue(agent: Agent, update: internal.StatusUpdate, pid: str, events: str = "") -> None:
    key = (update.framework_id.value, update.status.task_id.value)
    stream = agent.streams.setdefault(key, UpdateStream())
    new = stream.add(update)
    taken = internal.StatusUpdateAcknowledgementMessage(
        slave_id=agent.info.id,
        framework_id=update.framework_id,
        task_id=update.status.task_id,
        uuid=update.uuid,
    )
    if events:
        agent.commands.append(StreamSend(events, as_event(taken)))
    else:
        agent.send(pid, taken)
    if new and stream.head is update:
        stream.retry = agent.settings.update_retry_min
        _forward(agent, key, stream)


def _forward(agent: Agent, key: tuple[str, str], stream: UpdateStream) -> None:
    """Send the first update of a stream to the master, and look again later."""
    head = stream.head
    if head is None or agent.connection is not Connection.RUNNING:
        return
    if stream.latest is not None:
        head.latest_state = stream.latest
    agent.send(agent.master, internal.StatusUpdateMessage(update=head, pid=agent.pid))
    agent.set_timer(("update", *key), stream.retry)


def resend(agent: Agent, key: tuple[str, str]) -> None:
    """Send an update again that nobody acknowledged in time, and wait longer for the next try."""
    stream = agent.streams.get(key)
    if stream is not None and stream.head is not None:
        stream.retry = min(stream.retry * 2, agent.settings.update_retry_max)
        _forward(agent, key, stream)


def resend_all(agent: Agent) -> None:
    """Send the first update of every stream: a master is there (again)."""
    for key, stream in agent.streams.items():
        stream.retry = agent.settings.update_retry_min
        _forward(agent, key, stream)


def acknowledge(agent: Agent, message: internal.StatusUpdateAcknowledgementMessage) -> bool:
    """Drop the acknowledged update and send the next; tells whether the task is done with."""
    key = (message.framework_id.value, message.task_id.value)
    stream = agent.streams.get(key)
    update = stream.acknowledge(message.uuid) if stream is not None else None
    if stream is None or update is None:
        log.warning("Ignoring unexpected acknowledgement for task %s", key[1])
        return False
    agent.cancel_timer(("update", *key))
    _remember(agent, key, update)
    if update.status.state in TERMINAL_STATES and not stream.pending:
        del agent.streams[key]
        return True
    stream.retry = agent.settings.update_retry_min
    _forward(agent, key, stream)
    return False


def _remember(agent: Agent, key: tuple[str, str], update: internal.StatusUpdate) -> None:
    framework = agent.frameworks.get(key[0])
    executor = _executor_of(framework, update) if framework is not None else None
    if framework is not None and executor is not None:
        checkpoints.acknowledgement(agent, framework, executor, key[1], update.uuid)


def forget(agent: Agent, framework_id: str) -> None:
    """Drop the updates of a framework that is gone."""
    for key in [key for key in agent.streams if key[0] == framework_id]:
        agent.cancel_timer(("update", *key))
        del agent.streams[key]
