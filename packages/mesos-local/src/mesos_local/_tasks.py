"""What master and agent both do with tasks: the record of one, and which states are the last."""

from __future__ import annotations

from mesos_proto.v0 import mesos_pb2 as mesos

__all__ = ["TERMINAL_STATES", "note_status", "task_record"]

TERMINAL_STATES = frozenset(
    {
        mesos.TASK_FINISHED,
        mesos.TASK_FAILED,
        mesos.TASK_KILLED,
        mesos.TASK_LOST,
        mesos.TASK_ERROR,
        mesos.TASK_DROPPED,
        mesos.TASK_GONE,
        mesos.TASK_GONE_BY_OPERATOR,
    }
)

_CARRIED = frozenset({"labels", "discovery", "container", "health_check", "kill_policy"})


def task_record(framework_id: mesos.FrameworkID, info: mesos.TaskInfo) -> mesos.Task:
    """Make the record of a task that is being launched; one of the agent's own executor names none."""
    record = mesos.Task(
        name=info.name,
        task_id=info.task_id,
        framework_id=framework_id,
        slave_id=info.slave_id,
        state=mesos.TASK_STAGING,
        resources=info.resources,
    )
    if info.HasField("executor"):
        record.executor_id.CopyFrom(info.executor.executor_id)
    for field, value in info.ListFields():
        if field.name in _CARRIED:
            getattr(record, field.name).CopyFrom(value)
    command = info.executor.command if info.HasField("executor") else info.command
    if command.HasField("user"):
        record.user = command.user
    for name, limit in info.limits.items():
        record.limits[name].CopyFrom(limit)
    return record


def note_status(record: mesos.Task, status: mesos.TaskStatus) -> bool:
    """Keep a status with its task, without its data; tells whether its state is another than before.

    Of statuses in a row with the same state the last is kept.
    """
    statuses = record.statuses
    changed = not statuses or statuses[-1].state != status.state
    kept = statuses.add() if changed else statuses[-1]
    kept.CopyFrom(status)
    kept.ClearField("data")
    return changed
