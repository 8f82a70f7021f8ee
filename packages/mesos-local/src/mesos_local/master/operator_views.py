"""What the reading calls of the master's operator API answer, made from its state.

Mirrors upstream's src/master/readonly_handler.cpp.
"""

from __future__ import annotations

from collections.abc import Iterator

from mesos_proto.v0 import master_pb2 as operator
from mesos_proto.v0 import mesos_pb2 as mesos

from . import holdings, operator_models
from .offers import unadapted
from .state import Framework, Master

__all__ = [
    "agents",
    "executors",
    "frameworks",
    "master_info",
    "operations",
    "roles",
    "state",
    "tasks",
    "weights",
]

_Response = operator.Response
_SCALARS = ("cpus", "disk", "gpus", "mem")


def _all_frameworks(master: Master) -> Iterator[Framework]:
    yield from master.frameworks.values()
    yield from master.completed_frameworks.values()


def agents(master: Master) -> operator.Response.GetAgents:
    """Answer GET_AGENTS."""
    return _Response.GetAgents(
        agents=[operator_models.agent(master, each) for each in master.agents.values()],
        recovered_agents=master.recovered_agents.values(),
    )


def frameworks(master: Master) -> operator.Response.GetFrameworks:
    """Answer GET_FRAMEWORKS."""
    return _Response.GetFrameworks(
        frameworks=[_framework(master, each) for each in master.frameworks.values()],
        completed_frameworks=[_framework(master, each) for each in master.completed_frameworks.values()],
    )


def _framework(master: Master, framework: Framework) -> operator.Response.GetFrameworks.Framework:
    message = operator_models.framework(framework)
    if framework.unregistered_time is None:
        message.ClearField("unregistered_time")
    used = holdings.used(master, master.agents.values(), framework)
    offered = holdings.offered(master, framework.offers)
    message.offers.extend(unadapted(master, master.offers[each]) for each in sorted(framework.offers))
    message.allocated_resources.extend(operator_models.endpoint(holdings.allocated(used)))
    message.offered_resources.extend(operator_models.endpoint(holdings.allocated(offered)))
    message.offer_constraints.CopyFrom(framework.constraints)
    return message


def executors(master: Master) -> operator.Response.GetExecutors:
    """Answer GET_EXECUTORS."""
    known = {each.id for each in _all_frameworks(master)}
    return _Response.GetExecutors(
        executors=[
            _Response.GetExecutors.Executor(executor_info=info, slave_id=agent.info.id)
            for agent in master.agents.values()
            for key, info in agent.executors.items()
            if key[0] in known
        ]
    )


def tasks(master: Master) -> operator.Response.GetTasks:
    """Answer GET_TASKS."""
    message = _Response.GetTasks()
    for framework in _all_frameworks(master):
        message.tasks.extend(each.proto for each in framework.tasks.values())
        message.unreachable_tasks.extend(each.proto for each in framework.unreachable.values())
        message.completed_tasks.extend(each.proto for each in framework.completed)
    return message


def operations(master: Master) -> operator.Response.GetOperations:
    """Answer GET_OPERATIONS."""
    return _Response.GetOperations(
        operations=[each for agent in master.agents.values() for each in agent.operations.values()]
    )


def state(master: Master) -> operator.Response.GetState:
    """Answer GET_STATE; an event stream begins with the same."""
    return _Response.GetState(
        get_tasks=tasks(master),
        get_executors=executors(master),
        get_frameworks=frameworks(master),
        get_agents=agents(master),
    )


def roles(master: Master) -> operator.Response.GetRoles:
    """Answer GET_ROLES."""
    message = _Response.GetRoles()
    for name in holdings.known_roles(master):
        role = message.roles.add(name=name, weight=master.settings.weights.get(name, 1.0))
        role.frameworks.extend(each.info.id for each in master.frameworks.values() if name in each.roles)
        held = holdings.total(
            holdings.Holding(framework_id, agent.id, name, resources)
            for agent in master.agents.values()
            for (framework_id, held_by), resources in agent.allocated.items()
            if held_by == name
        )
        for kind in _SCALARS:
            amount = held.scalar(kind)
            if amount:
                role.resources.add(name=kind, type=mesos.Value.SCALAR).scalar.value = amount
    return message


def weights(master: Master) -> operator.Response.GetWeights:
    """Answer GET_WEIGHTS."""
    return _Response.GetWeights(
        weight_infos=[
            mesos.WeightInfo(role=role, weight=weight)
            for role, weight in sorted(master.settings.weights.items())
        ]
    )


def master_info(master: Master) -> operator.Response.GetMaster:
    """Answer GET_MASTER."""
    return _Response.GetMaster(
        master_info=master.info, start_time=master.start_time, elected_time=master.start_time
    )
