"""How much memory containers may take: what their executors and tasks were given.

A real agent leaves it to the kernel. Here it is looked from time to time what the processes have taken
(`memory`), and that is rougher: executors of the agent's own are not counted, and those of others may take
what an interpreter needs, as tests often give them less.
"""

from __future__ import annotations

from mesos_proto.v0 import mesos_pb2 as mesos

from .state import Agent, Executor, ExecutorState, MeasureMemory, MemoryLimit, Termination

__all__ = ["begin", "measure", "termination"]

_MEGABYTE = 1 << 20
_FLOOR = 32 * _MEGABYTE
_CUSTOM_FLOOR = 128 * _MEGABYTE


def begin(agent: Agent) -> None:
    """Look at what containers take from now on, as long as there are any."""
    if agent.settings.limit_memory and not agent.measures_memory:
        agent.measures_memory = True
        agent.set_timer(("memory",), agent.settings.memory_check_interval)


def measure(agent: Agent) -> None:
    """Have it looked who takes too much, and again after a while."""
    everyone = [each for framework in agent.frameworks.values() for each in framework.executors.values()]
    limits = [_limit(each) for each in everyone if each.state is not ExecutorState.TERMINATED and each.os_pid]
    if limits:
        agent.commands.append(MeasureMemory(tuple(limits)))
    agent.measures_memory = False
    if everyone:
        begin(agent)


def _limit(executor: Executor) -> MemoryLimit:
    ours = executor.command_task or executor.info.type == mesos.ExecutorInfo.DEFAULT
    given = sum((each.scalar.value for each in executor.allocated if each.name == "mem"), 0.0)
    limit = max(int(given * _MEGABYTE), _FLOOR if ours else _CUSTOM_FLOOR)
    return MemoryLimit(executor.container_id, executor.os_pid or 0, limit, spare_root=ours)


def termination(limit: int, used: int) -> Termination:
    """Say what the tasks of an executor end with that took too much."""
    taken = mesos.Resource(name="mem", type=mesos.Value.SCALAR, role="*")
    taken.scalar.value = used / _MEGABYTE
    return Termination(
        mesos.TASK_FAILED,
        mesos.TaskStatus.REASON_CONTAINER_LIMITATION_MEMORY,
        f"Memory limit exceeded: Requested: {_shown(limit)} Maximum Used: {_shown(used)}\n",
        (taken,),
    )


def _shown(count: int) -> str:
    """Write bytes in the largest unit that leaves no fraction."""
    for unit, size in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if count and count % size == 0:
            return f"{count // size}{unit}"
    return f"{count}B"
