"""Tasks and task groups on their way into an executor that runs, or is about to."""

from __future__ import annotations

from collections.abc import Iterable

from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal

from .._tasks import task_record
from .._wire import NO_PROCESS
from . import checkpoints, statuses, volumes
from .state import Agent, Executor, Framework

__all__ = ["deliver", "deliver_queued", "drop", "drop_unseen", "enqueue", "unneeded"]

_Status = mesos.TaskStatus


def enqueue(executor: Executor, tasks: Iterable[mesos.TaskInfo], group: mesos.TaskGroupInfo | None) -> None:
    """Keep tasks, which may be those of a group, until their executor is there."""
    executor.queued.update((task.task_id.value, task) for task in tasks)
    if group is not None:
        executor.queued_groups.append(group)


def unneeded(executor: Executor) -> bool:
    """Tell whether an executor has nothing to do, and never had."""
    return not executor.queued and not executor.ever_launched


def deliver_queued(agent: Agent, framework: Framework, executor: Executor) -> None:
    """Give an executor what waits for it: single tasks, then groups."""
    groups = list(executor.queued_groups)
    grouped = {task.task_id.value for group in groups for task in group.tasks}
    single = [task for task_id, task in executor.queued.items() if task_id not in grouped]
    executor.queued.clear()
    executor.queued_groups.clear()
    for task in single:
        deliver(agent, framework, executor, [task], None)
    for group in groups:
        deliver(agent, framework, executor, group.tasks, group)


def deliver(
    agent: Agent,
    framework: Framework,
    executor: Executor,
    tasks: Iterable[mesos.TaskInfo],
    group: mesos.TaskGroupInfo | None,
) -> None:
    """Send a task, or the tasks of a group, to a running executor."""
    tasks = list(tasks)
    if group is not None and not executor.stream:
        text = f"Executor '{executor.id}' has to subscribe to the v1 executor API to be given task groups"
        drop(agent, framework, executor, tasks, text)
        return
    for task in tasks:
        record = task_record(framework.info.id, task)
        executor.launched[task.task_id.value] = record
        executor.ever_launched = True
        checkpoints.task(agent, framework, executor, record)
        agent.commands.extend(volumes.links(agent, executor.directory, task.resources))
    if group is not None:
        run_group = internal.RunTaskGroupMessage(
            framework=framework.info, executor=executor.info, task_group=group
        )
        agent.tell(executor, run_group)
        return
    for task in tasks:
        agent.tell(
            executor,
            internal.RunTaskMessage(
                framework_id=framework.info.id,
                framework=framework.info,
                task=task,
                pid=framework.pid or NO_PROCESS,
            ),
        )


def drop(
    agent: Agent,
    framework: Framework,
    executor: Executor | None,
    tasks: Iterable[mesos.TaskInfo],
    text: str,
    reason: mesos.TaskStatus.Reason.ValueType = _Status.REASON_EXECUTOR_TERMINATED,
) -> None:
    """Report tasks that no executor was given."""
    state = mesos.TASK_DROPPED if framework.partition_aware else mesos.TASK_LOST
    for task in tasks:
        statuses.make(agent, framework, executor, task.task_id, state, reason, text)


def drop_unseen(agent: Agent, framework: Framework, executor: Executor, unacknowledged: set[str]) -> None:
    """Report tasks that were sent to an executor and never reached it."""
    for task_id, task in list(executor.launched.items()):
        if task.state == mesos.TASK_STAGING and task_id not in unacknowledged:
            statuses.make(
                agent,
                framework,
                executor,
                task.task_id,
                mesos.TASK_DROPPED if framework.partition_aware else mesos.TASK_LOST,
                _Status.REASON_SLAVE_RESTARTED,
                "Task launched during agent restart",
            )
