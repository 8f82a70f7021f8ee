"""Task groups: launched as a whole on one executor, or refused as a whole.

Mirrors LAUNCH_GROUP in `Master::_accept` of upstream's src/master/master.cpp, and its validation.
"""

from __future__ import annotations

from mesos_proto.resources import Resources
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal

from .. import _forms
from .._tasks import task_record
from . import containers, task_resources, tasks, validation
from .state import Agent, Framework, Master

__all__ = ["fill_in", "invalid", "launch"]

_MIN_CPUS = 0.01
_MIN_MEM = 32.0


def fill_in(group: mesos.Offer.Operation.LaunchGroup) -> None:
    """Name the executor in each task that names none."""
    for info in group.task_group.tasks:
        if not info.HasField("executor"):
            info.executor.CopyFrom(group.executor)


def invalid(
    group: mesos.Offer.Operation.LaunchGroup, framework: Framework, agent: Agent, offered: Resources
) -> str | None:
    """Check a group and its executor against what is left of the offer."""
    seen: set[str] = set()
    for info in group.task_group.tasks:
        task_id = info.task_id.value
        error = _task(info, framework, agent)
        if error is None and task_id in seen:  # A real master dies of this.
            error = f"Task has duplicate ID: {task_id}"
        if error:
            return f"Task '{task_id}' is invalid: {error}"
        seen.add(task_id)
    return _executor(group, framework, agent, offered)


def _task(info: mesos.TaskInfo, framework: Framework, agent: Agent) -> str | None:
    error = validation.task_alone(info, framework, agent)
    if error:
        return error
    if not info.HasField("executor"):
        return "'TaskInfo.executor' must be set"
    if info.container.network_infos and info.health_check.type in (
        mesos.HealthCheck.HTTP,
        mesos.HealthCheck.TCP,
    ):
        return (
            "HTTP and TCP health checks are not supported for nested containers not joining parent's network"
        )
    if info.HasField("container") and info.container.type == mesos.ContainerInfo.DOCKER:
        return "Docker ContainerInfo is not supported on the task"
    return None


def _executor(
    group: mesos.Offer.Operation.LaunchGroup, framework: Framework, agent: Agent, offered: Resources
) -> str | None:
    info = group.executor
    error = validation.executor(info, framework, agent)
    if error:
        return error
    if not info.HasField("type"):
        return "'ExecutorInfo.type' must be set"
    if info.type == mesos.ExecutorInfo.UNKNOWN:
        return "Unknown executor type"
    if info.HasField("container") and info.container.type == mesos.ContainerInfo.DOCKER:
        return "Docker ContainerInfo is not supported on the executor"
    executor_id = info.executor_id.value
    for task in group.task_group.tasks:
        if task.executor != info:
            return (
                f"The `ExecutorInfo` of task '{task.task_id.value}' is different from"
                f" executor '{executor_id}'"
            )
    own = _forms.inner(info.resources)
    error = _too_little(executor_id, own) or _together(group)
    if error:
        return error
    total = Resources.sum(_forms.inner(task.resources) for task in group.task_group.tasks)
    if (framework.id, executor_id) not in agent.executors:
        total = total + own
    if not offered.contains(total):
        role = next(iter(_forms.allocation_roles(info.resources)), "*")
        return (
            f"Total resources {total.allocate(role)} required by task group and its executor are more than"
            f" available {offered.allocate(role)}"
        )
    error = containers.shares_on_executor(info.container)
    return error or containers.shares_unlike(task.container for task in group.task_group.tasks)


def _together(group: mesos.Offer.Operation.LaunchGroup) -> str | None:
    """Check the resources of all tasks and their executor as one, and what their containers share."""
    infos = group.task_group.tasks
    holders = [group.executor.resources, *(info.resources for info in infos)]
    held = [resource for holder in holders for resource in holder]
    error = task_resources.duplicate(held)
    if error:
        return f"Task group and executor use duplicate persistence ID: {error}"
    error = task_resources.mixed(held)
    if error:
        return f"Task group and executor mix revocable and non-revocable resources: {error}"
    if task_resources.overlapping(holders):
        tasks_have = ", ".join(str(Resources(info.resources)) for info in infos)
        return (
            f"There are overlapping resources in the task group's task resources [ {tasks_have} ] and/or"
            f" executor resources {task_resources.shown(group.executor.resources)}"
        )
    return None


def _too_little(executor_id: str, own: Resources) -> str | None:
    """Say what an executor of groups lacks."""
    cpus, mem = own.cpus, own.mem
    if cpus is None or cpus < _MIN_CPUS:
        shown = "None" if cpus is None else f"{cpus:g}"
        return f"Executor '{executor_id}' uses less CPUs ({shown}) than the minimum required ({_MIN_CPUS:g})"
    if mem is None or mem < _MIN_MEM:
        shown = "None" if mem is None else f"{mem:g}MB"
        return (
            f"Executor '{executor_id}' uses less memory ({shown}) than the minimum required ({_MIN_MEM:g}MB)"
        )
    return f"Executor '{executor_id}' uses no disk" if own.disk is None else None


def launch(
    master: Master,
    framework: Framework,
    agent: Agent,
    group: mesos.Offer.Operation.LaunchGroup,
    role: str,
) -> Resources:
    """Record a validated group and send it to its agent; gives what it takes of the offer."""
    new_executor = tasks.add_executor(framework, agent, group.executor)
    for info in group.task_group.tasks:
        tasks.record(master, framework, agent, task_record(framework.info.id, info), role)
    run = internal.RunTaskGroupMessage(
        framework=framework.info,
        executor=group.executor,
        task_group=group.task_group,
        launch_executor=new_executor,
    )
    if agent.resource_version:
        run.resource_version_uuids.add().uuid.value = agent.resource_version
    master.send(agent.pid, run)
    used = [_forms.inner(info.resources) for info in group.task_group.tasks]
    return Resources.sum([*used, _forms.inner(group.executor.resources)] if new_executor else used)
