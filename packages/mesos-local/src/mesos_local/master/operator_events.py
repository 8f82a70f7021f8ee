"""What subscribers of the operator API hear of as it happens.

Which change makes an event, and what is in it, is upstream's: a framework that disconnects, or an agent that
becomes unreachable, makes none. Nothing is built while nobody listens.
"""

from __future__ import annotations

from mesos_proto.v0 import master_pb2 as operator
from mesos_proto.v0 import mesos_pb2 as mesos

from . import operator_models
from .state import Agent, Framework, Master, Task

__all__ = [
    "agent_added",
    "agent_removed",
    "framework_added",
    "framework_removed",
    "framework_updated",
    "task_added",
    "task_updated",
]

_Event = operator.Event


def task_added(master: Master, task: Task) -> None:
    """Tell of a task that is in the books now."""
    if master.subscribers:
        master.publish(_Event(type=_Event.TASK_ADDED, task_added=_Event.TaskAdded(task=task.proto)))


def task_updated(master: Master, task: Task, status: mesos.TaskStatus) -> None:
    """Tell of a new state of a task, or of its health."""
    if master.subscribers:
        updated = _Event.TaskUpdated(
            framework_id=task.proto.framework_id, status=status, state=task.proto.state
        )
        master.publish(_Event(type=_Event.TASK_UPDATED, task_updated=updated))


def framework_added(master: Master, framework: Framework) -> None:
    """Tell of a framework that was not there before."""
    if master.subscribers:
        added = _Event.FrameworkAdded(framework=operator_models.framework(framework))
        master.publish(_Event(type=_Event.FRAMEWORK_ADDED, framework_added=added))


def framework_updated(master: Master, framework: Framework) -> None:
    """Tell of a framework that came back, or says something else about itself."""
    if master.subscribers:
        updated = _Event.FrameworkUpdated(framework=operator_models.framework(framework))
        master.publish(_Event(type=_Event.FRAMEWORK_UPDATED, framework_updated=updated))


def framework_removed(master: Master, framework: Framework) -> None:
    """Tell of a framework that is gone for good."""
    if master.subscribers:
        removed = _Event.FrameworkRemoved(framework_info=framework.info)
        master.publish(_Event(type=_Event.FRAMEWORK_REMOVED, framework_removed=removed))


def agent_added(master: Master, agent: Agent) -> None:
    """Tell of an agent that was not there before."""
    if master.subscribers:
        added = _Event.AgentAdded(agent=operator_models.agent(master, agent))
        master.publish(_Event(type=_Event.AGENT_ADDED, agent_added=added))


def agent_removed(master: Master, agent: Agent) -> None:
    """Tell of an agent that left."""
    if master.subscribers:
        removed = _Event.AgentRemoved(agent_id=agent.info.id)
        master.publish(_Event(type=_Event.AGENT_REMOVED, agent_removed=removed))
