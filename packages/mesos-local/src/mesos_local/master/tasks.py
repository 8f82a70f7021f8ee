"""Tasks: launch, status updates and their acknowledgement, kill, reconciliation, and their executors.

The path of an update is that of upstream's `Master::statusUpdate` and `Master::acknowledge`
(src/master/master.cpp): what was forwarded is noted on the task, and the task stays until its terminal update
is acknowledged, though its resources are free at once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as scheduler

from .. import _forms
from .._tasks import TERMINAL_STATES, note_status, task_record
from .._wire import NO_PROCESS
from . import allocator, operator_events
from .state import Agent, AgentState, Framework, Master, Task

__all__ = [
    "acknowledge",
    "complete",
    "executor_exited",
    "finish_silently",
    "kill",
    "launch",
    "lose",
    "reconcile",
    "record",
    "remove_executor",
    "status_update",
    "tell_about",
]

log = logging.getLogger("mesos.local.master")

_Status = mesos.TaskStatus
_HEALTH = (_Status.REASON_TASK_CHECK_STATUS_UPDATED, _Status.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED)


def record(master: Master, framework: Framework, agent: Agent, proto: mesos.Task, role: str) -> Task:
    """Enter a task into the books, its resources counted as used."""
    task = Task(proto, role, _forms.inner(proto.resources))
    framework.tasks[task.id] = task
    agent.tasks[(framework.id, task.id)] = task
    operator_events.task_added(master, task)
    return task


def launch(master: Master, framework: Framework, agent: Agent, info: mesos.TaskInfo, role: str) -> bool:
    """Record a validated task and send it to its agent. Tells whether its executor is new there."""
    new_executor = info.HasField("executor") and add_executor(framework, agent, info.executor)
    record(master, framework, agent, task_record(framework.info.id, info), role)
    run = internal.RunTaskMessage(
        framework_id=framework.info.id,
        framework=framework.info,
        task=info,
        pid=framework.pid or NO_PROCESS,
        launch_executor=new_executor or info.HasField("command"),
    )
    if agent.resource_version:
        run.resource_version_uuids.add().uuid.value = agent.resource_version
    master.send(agent.pid, run)
    return new_executor


def add_executor(framework: Framework, agent: Agent, info: mesos.ExecutorInfo) -> bool:
    """Note an executor on an agent; tells whether it is new there."""
    key = (framework.id, info.executor_id.value)
    if key in agent.executors:
        return False
    agent.executors[key] = info
    return True


def remove_executor(master: Master, agent: Agent, key: tuple[str, str]) -> mesos.ExecutorInfo | None:
    """Forget an executor and take its resources back."""
    info = agent.executors.pop(key, None)
    if info is not None:
        roles = _forms.allocation_roles(info.resources)
        role = next(iter(roles)) if roles else "*"
        allocator.recover(master, key[0], role, agent.id, _forms.inner(info.resources))
    return info


# Status updates.


def tell_about(
    master: Master,
    framework: Framework,
    task_id: mesos.TaskID,
    agent_id: mesos.SlaveID | None,
    state: mesos.TaskState.ValueType,
    reason: mesos.TaskStatus.Reason.ValueType | None,
    text: str,
    *,
    task: Task | None = None,
    unreachable_time: float | None = None,
    answer: bool = False,
) -> None:
    """Send an update that the master makes itself: no uuid, so nothing to acknowledge.

    `answer` marks an answer to a reconciliation, which carries no pid at all.
    """
    update = _made(master, framework, task_id, agent_id, state, reason, text, task, unreachable_time)
    _forward(master, framework, update, answer=answer)


def _forward(
    master: Master, framework: Framework, update: internal.StatusUpdate, *, answer: bool = False
) -> None:
    message = internal.StatusUpdateMessage(update=update)
    if not answer:
        message.pid = NO_PROCESS
    if framework.connected:
        master.tell(framework, message)


def _made(
    master: Master,
    framework: Framework,
    task_id: mesos.TaskID,
    agent_id: mesos.SlaveID | None,
    state: mesos.TaskState.ValueType,
    reason: mesos.TaskStatus.Reason.ValueType | None,
    text: str,
    task: Task | None,
    unreachable_time: float | None = None,
) -> internal.StatusUpdate:
    status = _Status(task_id=task_id, state=state, source=_Status.SOURCE_MASTER, timestamp=master.now)
    status.message = text
    if reason is not None:
        status.reason = reason
    if agent_id is not None and agent_id.value:
        status.slave_id.CopyFrom(agent_id)
    if unreachable_time is not None:
        status.unreachable_time.nanoseconds = int(unreachable_time * 1e9)
    update = internal.StatusUpdate(framework_id=framework.info.id, status=status, timestamp=master.now)
    if status.HasField("slave_id"):
        update.slave_id.CopyFrom(status.slave_id)
    if task is not None:
        _describe(task, status, update)
    return update


def _describe(task: Task, status: mesos.TaskStatus, update: internal.StatusUpdate) -> None:
    """Add what is known of a task to an update about it."""
    if task.proto.HasField("executor_id"):
        update.executor_id.CopyFrom(task.proto.executor_id)
    if task.proto.statuses:
        last = task.proto.statuses[-1]
        if last.HasField("healthy"):
            status.healthy = last.healthy
        for name in ("container_status", "check_status"):
            if last.HasField(name):
                getattr(status, name).CopyFrom(getattr(last, name))
    update.status.CopyFrom(status)


def status_update(master: Master, message: internal.StatusUpdateMessage) -> None:
    """Pass an agent's update on to the framework, and note it."""
    update = message.update
    agent = master.agents.get(update.slave_id.value)
    framework = master.frameworks.get(update.framework_id.value)
    if agent is None or framework is None or len(update.uuid) != 16:
        master.count("invalid_status_updates")
        log.warning("Ignoring status update of task %s: unknown origin", update.status.task_id.value)
        return
    master.count("valid_status_updates")
    task = framework.tasks.get(update.status.task_id.value)
    if task is not None:
        task.proto.status_update_state = update.status.state
        task.proto.status_update_uuid = update.uuid
    if framework.connected:
        master.tell(framework, internal.StatusUpdateMessage(update=update, pid=agent.pid))
    if task is not None:
        _update(master, task, update)


def _note(master: Master, task: Task, status: mesos.TaskStatus) -> None:
    if note_status(task.proto, status) or status.reason in _HEALTH:
        operator_events.task_updated(master, task, status)


def _update(master: Master, task: Task, update: internal.StatusUpdate) -> None:
    """Bring a task's record up to date, and free its resources when it is over."""
    was_terminal = task.terminal
    if not was_terminal:
        latest = update.latest_state if update.HasField("latest_state") else update.status.state
        task.proto.state = latest
    _note(master, task, update.status)
    if task.terminal and not was_terminal:
        master.count(f"tasks_{mesos.TaskState.Name(task.proto.state)[5:].lower()}")
        give_back(master, task)


def give_back(master: Master, task: Task) -> None:
    """Recover the resources of a task, once."""
    if not task.recovered:
        task.recovered = True
        allocator.recover(master, task.framework_id, task.role, task.agent_id, task.resources)


def acknowledge(
    master: Master, framework: Framework, agent_id: str, task_id: mesos.TaskID, uuid: bytes
) -> None:
    """Pass an acknowledgement on to the agent; the one of a terminal update completes the task."""
    agent = master.agents.get(agent_id)
    if agent is None or not agent.connected:
        master.count("invalid_status_update_acknowledgements")
        log.warning("Dropping acknowledgement of task %s: its agent is away", task_id.value)
        return
    task = agent.tasks.get((framework.id, task_id.value))
    if task is not None:
        if not task.proto.HasField("status_update_uuid"):
            master.count("invalid_status_update_acknowledgements")
            log.warning("Dropping acknowledgement of task %s: nothing was forwarded", task_id.value)
            return
        if task.proto.status_update_uuid == uuid and task.proto.status_update_state in TERMINAL_STATES:
            complete(master, framework, task)
    master.count("valid_status_update_acknowledgements")
    master.send(
        agent.pid,
        internal.StatusUpdateAcknowledgementMessage(
            slave_id=agent.info.id, framework_id=framework.info.id, task_id=task_id, uuid=uuid
        ),
    )


def finish_silently(
    master: Master,
    framework: Framework,
    task: Task,
    state: mesos.TaskState.ValueType,
    reason: mesos.TaskStatus.Reason.ValueType,
    text: str,
    unreachable_time: float | None = None,
) -> internal.StatusUpdate:
    """Mark a task as ended, unless it has, without telling its scheduler; give what there is to tell."""
    proto = task.proto
    update = _made(
        master, framework, proto.task_id, proto.slave_id, state, reason, text, None, unreachable_time
    )
    if proto.HasField("executor_id"):
        update.executor_id.CopyFrom(proto.executor_id)
    if not task.terminal:
        proto.state = state
    _note(master, task, update.status)
    return update


def complete(master: Master, framework: Framework, task: Task) -> None:
    """Move a task to the completed ones."""
    give_back(master, task)
    framework.tasks.pop(task.id, None)
    agent = master.agents.get(task.agent_id)
    if agent is not None:
        agent.tasks.pop((framework.id, task.id), None)
    framework.completed.append(task)


def lose(
    master: Master,
    framework: Framework,
    task: Task,
    state: mesos.TaskState.ValueType,
    reason: mesos.TaskStatus.Reason.ValueType,
    text: str,
    *,
    unreachable_time: float | None = None,
) -> None:
    """End a task whose agent is lost, and tell its framework.

    Also of a task that has ended, whose last update was not acknowledged: it may never have come.
    """
    had_ended = task.terminal
    update = finish_silently(master, framework, task, state, reason, text, unreachable_time)
    complete(master, framework, task)
    if state == mesos.TASK_UNREACHABLE and not had_ended:
        framework.completed.remove(task)
        framework.unreachable[task.id] = task
    _forward(master, framework, update)


# Kill and reconciliation.


def kill(master: Master, framework: Framework, request: scheduler.Call.Kill) -> None:
    """Ask the agent to kill a task, or answer at once for one nobody knows."""
    task = framework.tasks.get(request.task_id.value)
    if task is None:
        asked = scheduler.Call.Reconcile.Task(task_id=request.task_id)
        if request.HasField("slave_id"):
            asked.slave_id.CopyFrom(request.slave_id)
        reconcile(master, framework, [asked])
        return
    if request.HasField("slave_id") and request.slave_id.value != task.agent_id:
        log.warning("Cannot kill task %s of agent %s: it is on another", task.id, request.slave_id.value)
        return
    message = internal.KillTaskMessage(framework_id=framework.info.id, task_id=request.task_id)
    if request.HasField("kill_policy"):
        message.kill_policy.CopyFrom(request.kill_policy)
    agent = master.agents.get(task.agent_id)
    if agent is not None and agent.state is AgentState.ACTIVE:
        master.send(agent.pid, message)
    else:
        task.kill = message


def reconcile(master: Master, framework: Framework, asked: Iterable[scheduler.Call.Reconcile.Task]) -> None:
    """Answer what is known of these tasks, or of all when none is named."""
    asked = list(asked)
    if not asked:
        for task in list(framework.tasks.values()):
            _answer_known(master, framework, task)
        return
    for each in asked:
        known = framework.tasks.get(each.task_id.value)
        if known is not None:
            _answer_known(master, framework, known)
        else:
            _answer_unknown(master, framework, each)


def _answer_known(master: Master, framework: Framework, task: Task) -> None:
    proto = task.proto
    state = proto.status_update_state if proto.HasField("status_update_state") else proto.state
    tell_about(
        master,
        framework,
        proto.task_id,
        proto.slave_id,
        state,
        _Status.REASON_RECONCILIATION,
        "Reconciliation: Latest task state",
        task=task,
        answer=True,
    )


def _answer_unknown(master: Master, framework: Framework, asked: scheduler.Call.Reconcile.Task) -> None:
    agent_id = asked.slave_id.value
    if agent_id in master.recovered_agents or (not agent_id and master.recovered_agents):
        return
    unreachable_time = None
    if agent_id in master.agents:
        state, text = mesos.TASK_GONE, "Task is unknown to the agent"
    elif agent_id in master.unreachable_agents:
        state, text = mesos.TASK_UNREACHABLE, "Task is unreachable"
        unreachable_time = master.unreachable_agents[agent_id]
    elif agent_id in master.gone_agents:
        state, text = mesos.TASK_GONE_BY_OPERATOR, "Task is gone"
    else:
        state, text = mesos.TASK_UNKNOWN, "Task is unknown"
    tell_about(
        master,
        framework,
        asked.task_id,
        mesos.SlaveID(value=agent_id) if agent_id else None,
        framework.lost_state(state),
        _Status.REASON_RECONCILIATION,
        f"Reconciliation: {text}",
        unreachable_time=unreachable_time,
        answer=True,
    )


def executor_exited(master: Master, message: internal.ExitedExecutorMessage) -> None:
    """Forget an executor that ended, and tell its framework."""
    agent = master.agents.get(message.slave_id.value)
    if agent is None:
        return
    remove_executor(master, agent, (message.framework_id.value, message.executor_id.value))
    framework = master.frameworks.get(message.framework_id.value)
    if framework is not None and framework.connected:
        master.tell(framework, message)
