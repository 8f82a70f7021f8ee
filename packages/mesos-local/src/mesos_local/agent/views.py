"""What an agent shows over HTTP, as JSON models made from its state."""

from __future__ import annotations

from typing import Any

from mesos_proto.v0 import mesos_pb2 as mesos

from .. import _forms, _models
from .._models import Json
from .registration import CAPABILITIES
from .state import Agent, Connection, Executor, ExecutorState, Framework

__all__ = ["metrics", "state"]


def _executor(executor: Executor) -> Json:
    def shown(record: mesos.Task) -> Json:
        roles = _forms.allocation_roles(record.resources)
        return _models.task(record, next(iter(roles), "*"))

    return {
        "id": executor.id,
        "name": executor.info.name,
        "source": executor.info.source,
        "container": executor.container_id,
        "directory": executor.directory,
        "resources": _models.resources(executor.info.resources),
        "type": mesos.ExecutorInfo.Type.Name(executor.info.type),
        "tasks": [shown(each) for each in executor.launched.values()],
        "queued_tasks": [{"id": each.task_id.value, "name": each.name} for each in executor.queued.values()],
        "completed_tasks": [shown(each) for each in [*executor.terminated.values(), *executor.completed]],
    }


def _framework(framework: Framework) -> Json:
    info = framework.info
    return {
        "id": framework.id,
        "name": info.name,
        "user": info.user,
        "failover_timeout": info.failover_timeout,
        "checkpoint": info.checkpoint,
        "hostname": info.hostname,
        **_models.roles_field(info),
        "executors": [_executor(each) for each in framework.executors.values()],
        "completed_executors": [_executor(each) for each in framework.completed_executors],
    }


def state(agent: Agent, flags: Json) -> Json:
    """Give the answer of `/state`."""
    model: Json = {
        **_models.version(),
        "start_time": agent.start_time,
        "id": agent.id,
        "pid": agent.pid,
        "hostname": agent.info.hostname,
        "capabilities": [mesos.SlaveInfo.Capability.Type.Name(each) for each in CAPABILITIES],
        "resources": _models.resources(agent.info.resources),
        "attributes": _models.attributes(agent.info.attributes),
        "flags": flags,
        "frameworks": [_framework(each) for each in agent.frameworks.values()],
        "completed_frameworks": [_framework(each) for each in agent.completed_frameworks],
    }
    if agent.master_hostname:
        model["master_hostname"] = agent.master_hostname
    return model


def metrics(agent: Agent) -> Json:
    """Give the answer of `/metrics/snapshot`."""
    executors = [each for framework in agent.frameworks.values() for each in framework.executors.values()]
    model: dict[str, Any] = {
        "slave/registered": float(agent.connection is Connection.RUNNING),
        "slave/uptime_secs": agent.now - agent.start_time,
        "slave/frameworks_active": len(agent.frameworks),
        "slave/valid_status_updates": agent.counters.get("valid_status_updates", 0),
        "slave/invalid_status_updates": agent.counters.get("invalid_status_updates", 0),
    }
    for each in ExecutorState:
        model[f"slave/executors_{each.value}"] = sum(executor.state is each for executor in executors)
    return model
