"""What an agent shows over HTTP, as JSON models made from its state."""

from __future__ import annotations

from mesos_proto import json
from mesos_proto.resources import Resources
from mesos_proto.v0 import agent_pb2 as operator
from mesos_proto.v0 import mesos_pb2 as mesos

from .. import _forms, _models
from .._models import Json
from ..config import with_checkpointed
from . import operator_views
from .registration import CAPABILITIES
from .state import Agent, Executor, Framework

__all__ = ["containers", "state", "statistics"]


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
        "resources": _models.resources(executor.allocated),
        **_models.executor_extras(executor.info),
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
    total = with_checkpointed(_forms.inner(agent.info.resources), agent.checkpointed)
    executors = [each for framework in agent.frameworks.values() for each in framework.executors.values()]
    used = Resources.sum(_forms.inner(each.allocated) for each in executors)
    model: Json = {
        **_models.version(),
        "start_time": agent.start_time,
        "id": agent.id,
        "pid": agent.pid,
        "hostname": agent.info.hostname,
        "capabilities": [mesos.SlaveInfo.Capability.Type.Name(each) for each in CAPABILITIES],
        "resources": _models.resources(total),
        "reserved_resources": {role: _models.resources(each) for role, each in total.reservations().items()},
        "reserved_resources_full": {
            role: _models.full_resources(each) for role, each in total.reservations().items()
        },
        "reserved_resources_allocated": {
            role: _models.resources(each) for role, each in used.reservations().items()
        },
        "unreserved_resources": _models.resources(total.unreserved()),
        "unreserved_resources_full": _models.full_resources(total.unreserved()),
        "unreserved_resources_allocated": _models.resources(used.unreserved()),
        "resource_providers": [],
        "attributes": _models.attributes(agent.info.attributes),
        "flags": flags,
        "frameworks": [_framework(each) for each in agent.frameworks.values()],
        "completed_frameworks": [_framework(each) for each in agent.completed_frameworks],
    }
    if agent.master_hostname:
        model["master_hostname"] = agent.master_hostname
    return model


def containers(agent: Agent) -> list[Json]:
    """Give the answer of `/containers`."""
    return [
        {
            **_container(agent, each),
            "container_id": each.container_id.value,
            "status": json.to_dict(each.container_status),
        }
        for each in operator_views.containers(agent).containers
    ]


def statistics(agent: Agent) -> list[Json]:
    """Give the answer of `/monitor/statistics`."""
    return [_container(agent, each) for each in operator_views.containers(agent).containers]


def _container(agent: Agent, container: operator.Response.GetContainers.Container) -> Json:
    executor = agent.executor(container.framework_id.value, container.executor_id.value)
    return {
        "framework_id": container.framework_id.value,
        "executor_id": container.executor_id.value,
        "executor_name": container.executor_name,
        "source": executor.info.source if executor is not None else "",
        "statistics": json.to_dict(container.resource_statistics),
    }
