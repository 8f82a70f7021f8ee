"""The executors that an agent itself provides: one for each command task, and one for task groups.

Mirrors `Slave::getExecutorInfo` and `defaultExecutorCommandInfo` of upstream's src/slave/slave.cpp.
"""

from __future__ import annotations

from mesos_proto.v0 import mesos_pb2 as mesos

from .. import _forms
from . import paths
from .state import Agent, Framework

__all__ = ["command_executor", "command_of"]

COMMAND_EXECUTOR_CPUS = 0.1
COMMAND_EXECUTOR_MEM = 32.0
_GRACE_MARGIN = 2_000_000_000
"""How much longer (nanoseconds) than its task an executor has to end."""


def command_executor(agent: Agent, framework: Framework, task: mesos.TaskInfo) -> mesos.ExecutorInfo:
    """Describe the executor of a command task."""
    task_id = task.task_id.value
    info = mesos.ExecutorInfo(
        executor_id=mesos.ExecutorID(value=task_id),
        framework_id=framework.info.id,
        name=f"Command Executor (Task: {task_id}) (Command: {_shown(task.command)})",
        source=task_id,
        command=_started(agent.settings.command_executor),
    )
    info.command.uris.extend(task.command.uris)
    info.command.environment.CopyFrom(task.command.environment)
    if task.command.HasField("user"):
        info.command.user = task.command.user
    for field in ("container", "labels", "discovery"):
        if task.HasField(field):
            getattr(info, field).CopyFrom(getattr(task, field))
    if task.kill_policy.HasField("grace_period"):
        grace = task.kill_policy.grace_period.nanoseconds + _GRACE_MARGIN
        info.shutdown_grace_period.nanoseconds = min(grace, 2**63 - 1)
    role = next(iter(_forms.allocation_roles(task.resources)), framework.info.role)
    for name, amount in (("cpus", COMMAND_EXECUTOR_CPUS), ("mem", COMMAND_EXECUTOR_MEM)):
        resource = info.resources.add(name=name, type=mesos.Value.SCALAR)
        resource.scalar.value = amount
        resource.allocation_info.role = role
    return info


def _shown(command: mesos.CommandInfo) -> str:
    """Give the beginning of a command."""
    if command.shell:
        return f"sh -c '{_cut(command.value)}'" if command.HasField("value") else "NO COMMAND"
    if not command.HasField("value"):
        return "NO EXECUTABLE"
    return f"[{_cut(', '.join([command.value, *command.arguments]))}]"


def _cut(text: str) -> str:
    return text if len(text) <= 15 else text[:12] + "..."


def command_of(agent: Agent, info: mesos.ExecutorInfo) -> mesos.CommandInfo:
    """Give the command that starts an executor; the default one's is the agent's own, and not in `info`."""
    if info.type == mesos.ExecutorInfo.DEFAULT:
        cache = (paths.fetch_cache(agent.settings.work_dir), str(agent.settings.fetcher_cache_size))
        return _started((*agent.settings.default_executor, *cache))
    return info.command


def _started(argv: tuple[str, ...]) -> mesos.CommandInfo:
    return mesos.CommandInfo(shell=False, value=argv[0] if argv else "", arguments=argv)
