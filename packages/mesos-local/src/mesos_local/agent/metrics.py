"""What an agent counts: the answer of `/metrics/snapshot`, by upstream's names (src/slave/metrics.cpp)."""

from __future__ import annotations

from collections import Counter

from mesos_proto.resources import Resources
from mesos_proto.v0 import mesos_pb2 as mesos

from .. import _forms, _system
from ..config import with_checkpointed
from .state import Agent, Connection, ExecutorState

__all__ = ["metrics"]

_COUNTED = (
    "container_launch_errors",
    "executors_preempted",
    "executors_terminated",
    "invalid_framework_messages",
    "invalid_status_updates",
    "recovery_errors",
    "tasks_failed",
    "tasks_finished",
    "tasks_gone",
    "tasks_killed",
    "tasks_lost",
    "valid_framework_messages",
    "valid_status_updates",
)


def metrics(agent: Agent) -> dict[str, float]:
    """Give every number by its name."""
    executors = [each for framework in agent.frameworks.values() for each in framework.executors.values()]
    model: dict[str, float] = {
        "slave/registered": agent.connection is Connection.RUNNING,
        "slave/uptime_secs": agent.now - agent.start_time,
        "slave/frameworks_active": sum(not each.terminating for each in agent.frameworks.values()),
        **{f"slave/{name}": agent.counters.get(name, 0) for name in _COUNTED},
        **_system.metrics(),
    }
    for state in (ExecutorState.REGISTERING, ExecutorState.RUNNING, ExecutorState.TERMINATING):
        model[f"slave/executors_{state.value}"] = sum(each.state is state for each in executors)
    states = Counter(task.state for each in executors for task in each.launched.values())
    states[mesos.TASK_STAGING] += sum(len(each.queued) for each in executors)
    for name in ("staging", "starting", "running", "killing"):
        model[f"slave/tasks_{name}"] = states[mesos.TaskState.Value(f"TASK_{name.upper()}")]
    total = with_checkpointed(_forms.inner(agent.info.resources), agent.checkpointed)
    used = Resources.sum(_forms.inner(each.allocated) for each in executors)
    for name in ("cpus", "gpus", "mem", "disk"):
        have, taken = total.scalar(name) or 0.0, used.scalar(name) or 0.0
        for kind, values in (("", (have, taken)), ("revocable_", (0.0, 0.0))):
            model[f"slave/{name}_{kind}total"], model[f"slave/{name}_{kind}used"] = values
            model[f"slave/{name}_{kind}percent"] = values[1] / values[0] if values[0] else 0.0
    return {name: float(value) for name, value in model.items()}
