"""Executors: start, registration, shutdown, end. Mirrors upstream's src/slave/slave.cpp."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from mesos_proto.durations import format_duration
from mesos_proto.v0 import executor_pb2
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal

from .._tasks import task_record
from .._wire import StreamClose, StreamSend
from . import checkpoints, delivery, limits, paths, programs, statuses, volumes
from .environment import executor_environment, grace_period
from .http_events import as_event
from .state import (
    Agent,
    Connection,
    DestroyContainer,
    Executor,
    ExecutorState,
    Framework,
    LaunchContainer,
    Termination,
)

__all__ = [
    "acknowledged",
    "container_exited",
    "container_failed",
    "destroy",
    "limit_exceeded",
    "register",
    "registration_timed_out",
    "reregister",
    "shutdown",
    "shutdown_framework",
    "start",
    "subscribe",
    "tell_exited",
]

log = logging.getLogger("mesos.local.agent")

_Status = mesos.TaskStatus


def start(
    agent: Agent,
    framework: Framework,
    info: mesos.ExecutorInfo,
    tasks: Iterable[mesos.TaskInfo],
    *,
    command_task: bool,
) -> Executor:
    """Start an executor in a sandbox of its own, for its first tasks."""
    container_id = str(agent.new_uuid())
    directory = paths.sandbox(
        agent.settings.work_dir, agent.id, framework.id, info.executor_id.value, container_id
    )
    executor = Executor(info, container_id, directory, command_task)
    framework.executors[executor.id] = executor
    checkpoints.executor(agent, framework, executor)
    command = programs.command_of(agent, info)
    argv = tuple(command.arguments) if not command.shell else ("sh", "-c", command.value)
    resources = [*info.resources, *(resource for task in tasks for resource in task.resources)]
    agent.commands.append(
        LaunchContainer(
            container_id,
            directory,
            command,
            argv,
            executor_environment(agent, framework, executor),
            volumes.links(agent, directory, resources),
        )
    )
    agent.set_timer(("executor", container_id), agent.settings.executor_registration_timeout)
    limits.begin(agent)
    log.info("Launching executor %s of framework %s in %s", executor.id, framework.id, directory)
    return executor


def container_started(agent: Agent, container_id: str, os_pid: int) -> None:
    """Note the process of an executor."""
    found = agent.executor_of_container(container_id)
    if found is not None:
        found[1].os_pid = os_pid
        checkpoints.started(agent, *found)


# Registration.


def register(agent: Agent, sender: str, message: internal.RegisterExecutorMessage) -> None:
    """Take an executor in that was expected, and give it its tasks; tell any other to end."""
    framework = agent.frameworks.get(message.framework_id.value)
    executor = agent.executor(message.framework_id.value, message.executor_id.value)
    if (
        agent.connection in (Connection.RECOVERING, Connection.TERMINATING)
        or framework is None
        or framework.terminating
        or executor is None
        or executor.state is not ExecutorState.REGISTERING
    ):
        log.warning("Telling the unexpected executor at %s to shut down", sender)
        agent.send(sender, internal.ShutdownExecutorMessage())
        return
    executor.state = ExecutorState.RUNNING
    executor.pid = sender
    checkpoints.subscribed(agent, framework, executor)
    agent.cancel_timer(("executor", executor.container_id))
    agent.link(sender)
    if delivery.unneeded(executor):
        shutdown(agent, framework, executor)
        return
    agent.send(sender, _registered(agent, framework, executor))
    delivery.deliver_queued(agent, framework, executor)


def _registered(agent: Agent, framework: Framework, executor: Executor) -> internal.ExecutorRegisteredMessage:
    return internal.ExecutorRegisteredMessage(
        executor_info=executor.info,
        framework_id=framework.info.id,
        framework_info=framework.info,
        slave_id=agent.info.id,
        slave_info=agent.info,
    )


def reregister(agent: Agent, sender: str, message: internal.ReregisterExecutorMessage) -> None:
    """Take an executor back that survived the agent."""
    framework = agent.frameworks.get(message.framework_id.value)
    executor = agent.executor(message.framework_id.value, message.executor_id.value)
    if (
        agent.connection is Connection.TERMINATING
        or framework is None
        or framework.terminating
        or executor is None
        or executor.state is not ExecutorState.REGISTERING
    ):
        log.warning("Telling the unexpected executor at %s to shut down", sender)
        agent.send(sender, internal.ShutdownExecutorMessage())
        return
    executor.state = ExecutorState.RUNNING
    executor.pid = sender
    agent.cancel_timer(("executor", executor.container_id))
    agent.link(sender)
    agent.send(sender, internal.ExecutorReregisteredMessage(slave_id=agent.info.id, slave_info=agent.info))
    for update in message.updates:
        statuses.take(agent, update, sender)
    delivery.drop_unseen(agent, framework, executor, {task.task_id.value for task in message.tasks})
    delivery.deliver_queued(agent, framework, executor)


def subscribe(agent: Agent, stream: str, call: executor_pb2.Call) -> None:
    """Take an executor in on HTTP, at first or again; its stream takes the place of an older one."""
    framework = agent.frameworks.get(call.framework_id.value)
    executor = agent.executor(call.framework_id.value, call.executor_id.value)
    if framework is None or executor is None:
        agent.commands.append(StreamClose(stream))
        return
    if executor.stream:
        agent.commands.append(StreamClose(executor.stream))
    executor.stream, executor.pid = stream, ""
    if executor.state in (ExecutorState.TERMINATING, ExecutorState.TERMINATED) or framework.terminating:
        agent.tell(executor, internal.ShutdownExecutorMessage())
        agent.commands.append(StreamClose(stream))
        return
    executor.state = ExecutorState.RUNNING
    agent.cancel_timer(("executor", executor.container_id))
    checkpoints.subscribed(agent, framework, executor)
    for update in call.subscribe.unacknowledged_updates:
        statuses.take_called(agent, call, update.status, stream)
    unacknowledged = {task.task_id.value for task in call.subscribe.unacknowledged_tasks}
    delivery.drop_unseen(agent, framework, executor, unacknowledged)
    if delivery.unneeded(executor):
        shutdown(agent, framework, executor)
        return
    registered = as_event(_registered(agent, framework, executor))
    registered.subscribed.container_id.value = executor.container_id
    agent.commands.append(StreamSend(stream, registered))
    delivery.deliver_queued(agent, framework, executor)


def registration_timed_out(agent: Agent, container_id: str) -> None:
    """Destroy an executor that never said a word."""
    found = agent.executor_of_container(container_id)
    if found is None or found[1].state is not ExecutorState.REGISTERING:
        return
    text = format_duration(agent.settings.executor_registration_timeout)
    destroy(
        agent,
        found[1],
        Termination(
            mesos.TASK_FAILED,
            _Status.REASON_EXECUTOR_REGISTRATION_TIMEOUT,
            f"Executor did not register within {text}",
        ),
    )


def limit_exceeded(agent: Agent, container_id: str, limit: int, used: int) -> None:
    """Destroy an executor that took, with its tasks, more memory than they were given."""
    found = agent.executor_of_container(container_id)
    if found is not None:
        log.warning("Executor %s takes %d bytes of memory; destroying it", found[1].id, used)
        destroy(agent, found[1], limits.termination(limit, used))


# The end.


def shutdown(agent: Agent, framework: Framework, executor: Executor) -> None:
    """Tell an executor to end, and kill it after its grace period."""
    if executor.state in (ExecutorState.TERMINATING, ExecutorState.TERMINATED):
        return
    executor.state = ExecutorState.TERMINATING
    agent.cancel_timer(("executor", executor.container_id))
    agent.tell(
        executor,
        internal.ShutdownExecutorMessage(
            executor_id=executor.info.executor_id, framework_id=framework.info.id
        ),
    )
    agent.set_timer(("shutdown", executor.container_id), grace_period(agent, executor.info))


def destroy(agent: Agent, executor: Executor, termination: Termination | None = None) -> None:
    """Kill an executor now; `termination` says what its unfinished tasks are told."""
    if executor.state is ExecutorState.TERMINATED:
        return
    executor.state = ExecutorState.TERMINATING
    executor.termination = executor.termination or termination
    agent.commands.append(DestroyContainer(executor.container_id))


def container_failed(agent: Agent, container_id: str, text: str) -> None:
    """Note that an executor could not be started."""
    found = agent.executor_of_container(container_id)
    if found is None:
        return
    framework, executor = found
    agent.count("container_launch_errors")
    log.error("Executor %s of framework %s: %s", executor.id, framework.id, text)
    executor.termination = executor.termination or Termination(
        mesos.TASK_FAILED,
        _Status.REASON_CONTAINER_LAUNCH_FAILED,
        f"Failed to launch container: {text}",
    )
    container_exited(agent, container_id, -1)


def container_exited(agent: Agent, container_id: str, wait_status: int) -> None:
    """Report the end of an executor, and of every task it left unfinished."""
    found = agent.executor_of_container(container_id)
    if found is None or found[1].state is ExecutorState.TERMINATED:
        return
    framework, executor = found
    log.info("Executor %s of framework %s ended with status %d", executor.id, framework.id, wait_status)
    executor.state = ExecutorState.TERMINATED
    agent.count("executors_terminated")
    if executor.stream:
        agent.commands.append(StreamClose(executor.stream))
    agent.cancel_timer(("executor", container_id))
    agent.cancel_timer(("shutdown", container_id))
    if not executor.command_task:
        tell_exited(agent, framework, executor.info.executor_id, wait_status)
    if not framework.terminating:
        _end_tasks(agent, framework, executor)
    retire(agent, framework, executor)


def tell_exited(agent: Agent, framework: Framework, executor_id: mesos.ExecutorID, wait_status: int) -> None:
    """Tell the master of the end of an executor it knows; the status is -1 when it is not known."""
    agent.send(
        agent.master,
        internal.ExitedExecutorMessage(
            slave_id=agent.info.id,
            framework_id=framework.info.id,
            executor_id=executor_id,
            status=wait_status,
        ),
    )


def _end_tasks(agent: Agent, framework: Framework, executor: Executor) -> None:
    end = executor.termination or Termination(
        mesos.TASK_FAILED, _Status.REASON_EXECUTOR_TERMINATED, "Executor terminated"
    )
    for task in list(executor.queued.values()):
        record = task_record(framework.info.id, task)
        executor.launched[task.task_id.value] = record
        checkpoints.task(agent, framework, executor, record)
    executor.queued.clear()
    executor.queued_groups.clear()
    for record in list(executor.launched.values()):
        statuses.make(
            agent,
            framework,
            executor,
            record.task_id,
            end.state,
            end.reason,
            end.message,
            limited=end.limited,
        )


def acknowledged(agent: Agent, framework: Framework, task_id: str) -> None:
    """Let go of a task whose last update the scheduler has, and of what it alone kept."""
    for executor in list(framework.executors.values()):
        record = executor.terminated.pop(task_id, None)
        if record is not None:
            executor.completed.append(record)
            retire(agent, framework, executor)
    _retire_framework(agent, framework)


def retire(agent: Agent, framework: Framework, executor: Executor) -> None:
    """Drop the record of an ended executor when nothing about it is left to tell."""
    waiting = executor.launched or executor.terminated or executor.queued
    over = executor.state is ExecutorState.TERMINATED and (framework.terminating or not waiting)
    if over and framework.executors.get(executor.id) is executor:
        del framework.executors[executor.id]
        checkpoints.ended(agent, framework, executor)
        framework.completed_executors.append(executor)
    _retire_framework(agent, framework)


def _retire_framework(agent: Agent, framework: Framework) -> None:
    """Drop the record of a framework that has nothing here any longer."""
    waiting = any(key[0] == framework.id for key in agent.streams)
    if not framework.executors and not waiting and agent.frameworks.get(framework.id) is framework:
        del agent.frameworks[framework.id]
        agent.completed_frameworks.append(framework)


def shutdown_framework(agent: Agent, framework_id: str) -> None:
    """End everything of a framework; nobody is left to be told about its tasks."""
    framework = agent.frameworks.get(framework_id)
    if framework is None:
        return
    framework.terminating = True
    statuses.forget(agent, framework_id)
    for executor in list(framework.executors.values()):
        if executor.state is ExecutorState.TERMINATED:
            retire(agent, framework, executor)
        else:
            shutdown(agent, framework, executor)
    _retire_framework(agent, framework)
