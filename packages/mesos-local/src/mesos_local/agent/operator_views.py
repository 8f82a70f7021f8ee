"""What the reading calls of the agent's operator API answer, made from its state.

Mirrors upstream's src/slave/http.cpp.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from mesos_proto.resources import Resources
from mesos_proto.v0 import agent_pb2 as operator
from mesos_proto.v0 import mesos_pb2 as mesos

from .._tasks import task_record
from . import processes
from .state import Agent, Executor, ExecutorState, Framework

__all__ = ["agent_info", "containers", "executors", "frameworks", "operations", "state", "tasks"]

_Response = operator.Response
_MEGABYTE = 2**20
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def _all_frameworks(agent: Agent) -> Iterator[Framework]:
    yield from agent.frameworks.values()
    yield from agent.completed_frameworks


def frameworks(agent: Agent) -> operator.Response.GetFrameworks:
    """Answer GET_FRAMEWORKS."""
    kind = _Response.GetFrameworks.Framework
    return _Response.GetFrameworks(
        frameworks=[kind(framework_info=each.info) for each in agent.frameworks.values()],
        completed_frameworks=[kind(framework_info=each.info) for each in agent.completed_frameworks],
    )


def executors(agent: Agent) -> operator.Response.GetExecutors:
    """Answer GET_EXECUTORS."""
    message = _Response.GetExecutors()
    for framework in _all_frameworks(agent):
        for executor in framework.executors.values():
            message.executors.add(executor_info=executor.info)
        for executor in framework.completed_executors:
            message.completed_executors.add(executor_info=executor.info)
    return message


def tasks(agent: Agent) -> operator.Response.GetTasks:
    """Answer GET_TASKS."""
    message = _Response.GetTasks()
    for framework in _all_frameworks(agent):
        for executor in (*framework.executors.values(), *framework.completed_executors):
            message.queued_tasks.extend(
                task_record(framework.info.id, each) for each in executor.queued.values()
            )
            message.launched_tasks.extend(executor.launched.values())
            message.terminated_tasks.extend(executor.terminated.values())
            message.completed_tasks.extend(executor.completed)
    return message


def state(agent: Agent) -> operator.Response.GetState:
    """Answer GET_STATE."""
    return _Response.GetState(
        get_tasks=tasks(agent), get_executors=executors(agent), get_frameworks=frameworks(agent)
    )


def agent_info(agent: Agent) -> operator.Response.GetAgent:
    """Answer GET_AGENT."""
    return _Response.GetAgent(slave_info=agent.info)


def operations(agent: Agent) -> operator.Response.GetOperations:
    """Answer GET_OPERATIONS."""
    return _Response.GetOperations(operations=agent.operations.values())


def containers(agent: Agent) -> operator.Response.GetContainers:
    """Answer GET_CONTAINERS: what runs now, and what it takes of the machine."""
    message = _Response.GetContainers()
    everyone = processes.listing()
    for framework in agent.frameworks.values():
        for executor in framework.executors.values():
            if executor.state is not ExecutorState.TERMINATED:
                _container(agent, framework, executor, everyone, message.containers.add())
    return message


def _container(
    agent: Agent,
    framework: Framework,
    executor: Executor,
    everyone: list[processes.Process],
    container: operator.Response.GetContainers.Container,
) -> None:
    container.framework_id.CopyFrom(framework.info.id)
    container.executor_id.CopyFrom(executor.info.executor_id)
    container.executor_name = executor.info.name
    container.container_id.value = executor.container_id
    container.container_status.container_id.value = executor.container_id
    statistics = container.resource_statistics
    statistics.timestamp = agent.now
    limits = Resources(executor.allocated)
    cpus, mem = limits.cpus or 0.0, round((limits.mem or 0.0) * _MEGABYTE)
    statistics.cpus_soft_limit = cpus
    statistics.mem_soft_limit_bytes = statistics.mem_limit_bytes = mem
    if executor.os_pid is not None:
        container.container_status.executor_pid = executor.os_pid
        _measure(processes.family(executor.os_pid, everyone), statistics)


def _measure(members: list[int], statistics: mesos.ResourceStatistics) -> None:
    """Add up what these processes have taken; where there is no `/proc`, nothing is told."""
    user = system = pages = 0
    for pid in members:
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:  # It ended while we looked.
            continue
        user, system, pages = user + int(fields[11]), system + int(fields[12]), pages + int(fields[21])
    if pages:
        statistics.cpus_user_time_secs = user / _TICKS
        statistics.cpus_system_time_secs = system / _TICKS
        statistics.mem_rss_bytes = pages * _PAGE
