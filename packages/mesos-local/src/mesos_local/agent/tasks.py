"""Tasks on their way to an executor: run and kill."""

from __future__ import annotations

import logging

from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal

from .._ids import identifier
from .._tasks import task_record
from .._wire import NO_PROCESS
from . import checkpoints, executors, statuses
from .state import Agent, Connection, Executor, ExecutorState, Framework

__all__ = ["kill", "run"]

log = logging.getLogger("mesos.local.agent")

_Status = mesos.TaskStatus


def run(agent: Agent, sender: str, message: internal.RunTaskMessage) -> None:
    """Give a task to its executor, starting the executor when there is none yet."""
    if sender != agent.master or agent.connection is not Connection.RUNNING:
        log.warning("Ignoring task %s from %s: not the master", message.task.task_id.value, sender)
        return
    info, task = message.framework, message.task
    framework = agent.frameworks.get(info.id.value)
    if framework is not None and framework.terminating:
        log.warning("Ignoring task %s of framework %s: it is terminating", task.task_id.value, info.id.value)
        return
    error = _invalid(message)
    if error:
        log.warning("Ignoring a task that %s asks for: %s", sender, error)
        return
    pid = message.pid if message.pid != NO_PROCESS else ""
    if framework is None:
        framework = Framework(info, pid)
        agent.frameworks[framework.id] = framework
        checkpoints.framework(agent, framework)
    elif framework.pid != pid:
        framework.pid = pid
        checkpoints.framework(agent, framework)
    command_task = not task.HasField("executor")
    executor_id = task.task_id.value if command_task else task.executor.executor_id.value
    executor = framework.executors.get(executor_id)
    if _needs_image(task) or _needs_image(task.executor):
        statuses.make(
            agent,
            framework,
            None,
            task.task_id,
            mesos.TASK_FAILED,
            _Status.REASON_CONTAINER_LAUNCH_FAILED,
            "Failed to launch container: an embedded cluster runs processes, not container images",
        )
    elif executor is None:
        wanted = executors.command_executor_info(agent, framework, task) if command_task else task.executor
        executor = executors.start(agent, framework, wanted, task, command_task=command_task)
        executor.queued[task.task_id.value] = task
    elif executor.state is ExecutorState.REGISTERING:
        executor.queued[task.task_id.value] = task
    elif executor.state is ExecutorState.RUNNING:
        executors.deliver(agent, framework, executor, task)
    else:
        _drop(agent, framework, task.task_id, f"Executor {executor.state.value}")


def _invalid(message: internal.RunTaskMessage) -> str | None:
    """Say what is wrong with the ids, which become names of directories."""
    ids = [message.framework.id.value, message.task.task_id.value]
    if message.task.HasField("executor"):
        ids.append(message.task.executor.executor_id.value)
    return next((error for value in ids if (error := identifier(value))), None)


def _needs_image(holder: mesos.TaskInfo | mesos.ExecutorInfo) -> bool:
    """Tell whether a task or an executor is to run in a container made of an image."""
    container = holder.container
    docker = holder.HasField("container") and container.type == mesos.ContainerInfo.DOCKER
    return docker or container.mesos.HasField("image")


def _drop(agent: Agent, framework: Framework, task_id: mesos.TaskID, text: str) -> None:
    state = mesos.TASK_DROPPED if framework.partition_aware else mesos.TASK_LOST
    statuses.make(agent, framework, None, task_id, state, _Status.REASON_EXECUTOR_TERMINATED, text)


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
    _drop(agent, framework, message.task_id, "Cannot find executor")


def _kill_queued(agent: Agent, framework: Framework, executor: Executor, task_id: mesos.TaskID) -> None:
    task = executor.queued.pop(task_id.value)
    executor.launched[task_id.value] = task_record(framework.info.id, task)
    statuses.make(
        agent,
        framework,
        executor,
        task_id,
        mesos.TASK_KILLED,
        _Status.REASON_TASK_KILLED_DURING_LAUNCH,
        "Killed before delivery to the executor",
    )
    if not executor.queued and not executor.ever_launched:
        executors.shutdown(agent, framework, executor)
