"""Tasks and task groups on their way to an executor: run and kill. Mirrors upstream's src/slave/slave.cpp."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from mesos_proto.errors import ResourceError
from mesos_proto.resources import validate
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal

from .. import _forms
from .._ids import identifier
from .._tasks import task_record
from .._wire import NO_PROCESS
from ..config import checkpointed
from . import checkpoints, delivery, executors, programs, statuses
from .state import Agent, Connection, Executor, ExecutorState, Framework

__all__ = ["kill", "run", "run_group"]

log = logging.getLogger("mesos.local.agent")

_Status = mesos.TaskStatus


@dataclass(frozen=True, slots=True)
class _Order:
    """What the master wants run: one task, or the tasks of a group."""

    tasks: Sequence[mesos.TaskInfo]
    group: mesos.TaskGroupInfo | None
    executor: mesos.ExecutorInfo | None
    """None: the one that the agent provides for a command task."""
    launch_executor: bool | None
    """Whether the master expects the executor to be a new one; older ones do not say."""

    @property
    def executor_id(self) -> str:
        return (self.executor.executor_id if self.executor is not None else self.tasks[0].task_id).value


def run(agent: Agent, sender: str, message: internal.RunTaskMessage) -> None:
    """Give a task to its executor, starting the executor when there is none yet."""
    task = message.task
    own = task.executor if task.HasField("executor") else None
    expected = message.launch_executor if message.HasField("launch_executor") and own is not None else None
    order = _Order([task], None, own, expected)
    framework = _framework(agent, sender, message.framework, order)
    if framework is None:
        return
    pid = message.pid if message.pid != NO_PROCESS else ""
    if framework.pid != pid:
        framework.pid = pid
        checkpoints.framework(agent, framework)
    _run(agent, framework, order)


def run_group(agent: Agent, sender: str, message: internal.RunTaskGroupMessage) -> None:
    """Give the tasks of a group to their executor, all at once."""
    expected = message.launch_executor if message.HasField("launch_executor") else None
    order = _Order(message.task_group.tasks, message.task_group, message.executor, expected)
    framework = _framework(agent, sender, message.framework, order)
    if framework is not None:
        _run(agent, framework, order)


def _framework(agent: Agent, sender: str, info: mesos.FrameworkInfo, order: _Order) -> Framework | None:
    """Give the framework of an order, perhaps a new one; None for an order that is not to be followed."""
    framework = agent.frameworks.get(info.id.value)
    if sender != agent.master or agent.connection is not Connection.RUNNING:
        why: str | None = "not the master"
    elif framework is not None and framework.terminating:
        why = "the framework is terminating"
    elif not order.tasks:
        why = "a group without tasks"
    else:  # The ids become names of directories.
        ids = [info.id.value, order.executor_id, *(task.task_id.value for task in order.tasks)]
        why = next((error for value in ids if (error := identifier(value))), None) or _bad_resource(order)
    if why is not None:
        log.warning("Ignoring tasks of framework %s from %s: %s", info.id.value, sender, why)
        return None
    if framework is None:
        framework = Framework(info, "")
        agent.frameworks[framework.id] = framework
        checkpoints.framework(agent, framework)
    return framework


def _bad_resource(order: _Order) -> str | None:
    executor = order.executor.resources if order.executor is not None else []
    for resource in [*executor, *(each for task in order.tasks for each in task.resources)]:
        try:
            validate(resource)
        except ResourceError as error:
            return str(error)
    return None


def _run(agent: Agent, framework: Framework, order: _Order) -> None:
    executor = framework.executors.get(order.executor_id)
    unknown = _unknown(agent, order)
    if unknown:
        reason = _Status.REASON_RESOURCES_UNKNOWN
        delivery.drop(agent, framework, executor, order.tasks, unknown, reason)
        _did_not_launch(agent, framework, order)
    elif any(_needs_image(holder) for task in order.tasks for holder in (task, task.executor)):
        _refuse_image(agent, framework, order)
    elif order.launch_executor is True and executor is not None:
        text = "Master wants to launch executor, but one already exists"
        delivery.drop(agent, framework, executor, order.tasks, text)
        if executor.state is ExecutorState.TERMINATED:
            executors.tell_exited(agent, framework, executor.info.executor_id, -1)
        else:
            executors.shutdown(agent, framework, executor)
    elif order.launch_executor is False and executor is None:
        text = "No executor is expected to launch and there is none running"
        delivery.drop(agent, framework, None, order.tasks, text)
    elif executor is None:
        command_task = order.executor is None
        info = order.executor or programs.command_executor(agent, framework, order.tasks[0])
        executor = executors.start(agent, framework, info, order.tasks, command_task=command_task)
        delivery.enqueue(executor, order.tasks, order.group)
    elif executor.state is ExecutorState.REGISTERING:
        delivery.enqueue(executor, order.tasks, order.group)
    elif executor.state is ExecutorState.RUNNING:
        delivery.deliver(agent, framework, executor, order.tasks, order.group)
    else:
        delivery.drop(agent, framework, None, order.tasks, f"Executor {executor.state.value}")


def _refuse_image(agent: Agent, framework: Framework, order: _Order) -> None:
    text = "Failed to launch container: an embedded cluster runs processes, not container images"
    for task in order.tasks:
        reason = _Status.REASON_CONTAINER_LAUNCH_FAILED
        statuses.make(agent, framework, None, task.task_id, mesos.TASK_FAILED, reason, text)
    _did_not_launch(agent, framework, order)


def _unknown(agent: Agent, order: _Order) -> str | None:
    """Say whether reservations or volumes are used that the agent was not told of."""
    wanted = [resource for task in order.tasks for resource in task.resources]
    for whose, resources in (
        ("task or task group are", wanted),
        ("executor are", order.executor.resources if order.executor is not None else []),
    ):
        if not agent.checkpointed.contains(checkpointed(_forms.inner(resources))):
            return f"The checkpointed resources being used by the {whose} unknown to the agent"
    return None


def _did_not_launch(agent: Agent, framework: Framework, order: _Order) -> None:
    """Tell the master that an executor it expects is not there."""
    if order.launch_executor and order.executor is not None:
        executors.tell_exited(agent, framework, order.executor.executor_id, -1)


def _needs_image(holder: mesos.TaskInfo | mesos.ExecutorInfo) -> bool:
    """Tell whether a task or an executor is to run in a container made of an image."""
    container = holder.container
    docker = holder.HasField("container") and container.type == mesos.ContainerInfo.DOCKER
    return docker or container.mesos.HasField("image")


def kill(agent: Agent, sender: str, message: internal.KillTaskMessage) -> None:
    """Pass a kill on; a task its executor was not given yet ends here."""
    framework = agent.frameworks.get(message.framework_id.value)
    if sender != agent.master or framework is None or framework.terminating:
        log.warning("Ignoring kill of task %s", message.task_id.value)
        return
    task_id = message.task_id.value
    for executor in framework.executors.values():
        if task_id in executor.queued:
            _kill_queued(agent, framework, executor, message.task_id)
            return
        if executor.find(task_id) is not None:
            if executor.state is ExecutorState.RUNNING:
                agent.tell(executor, message)
            return
    unknown = mesos.TaskInfo(task_id=message.task_id)
    delivery.drop(agent, framework, None, [unknown], "Cannot find executor")


def _kill_queued(agent: Agent, framework: Framework, executor: Executor, task_id: mesos.TaskID) -> None:
    """End a task that waits for its executor, and with it all of its group."""
    group = next((each for each in executor.queued_groups if _holds(each, task_id)), None)
    tasks = [executor.queued[task_id.value]] if group is None else list(group.tasks)
    text = "Killed before delivery to the executor"
    if group is not None:
        executor.queued_groups.remove(group)
        text = "A task within the task group was killed before delivery to the executor"
    for task in tasks:
        del executor.queued[task.task_id.value]
        executor.launched[task.task_id.value] = task_record(framework.info.id, task)
        reason = _Status.REASON_TASK_KILLED_DURING_LAUNCH
        statuses.make(agent, framework, executor, task.task_id, mesos.TASK_KILLED, reason, text)
    if delivery.unneeded(executor):
        executors.shutdown(agent, framework, executor)


def _holds(group: mesos.TaskGroupInfo, task_id: mesos.TaskID) -> bool:
    return any(task.task_id == task_id for task in group.tasks)
