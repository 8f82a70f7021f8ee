"""Operations of an ACCEPT, applied one after the other to what was offered.

A LAUNCH takes from the pool; RESERVE, CREATE and their like rewrite a part of it, and the agent is told to do
the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from mesos_proto.errors import ResourceError
from mesos_proto.resources import Resources, upgrade_resources
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal

from .. import _forms
from ..config import checkpointed
from . import allocator, feedback, groups, operation_validation, tasks, validation
from .state import Agent, Framework, Master

__all__ = ["Accepted", "Rescind", "perform"]

log = logging.getLogger("mesos.local.master")

_NO_FEEDBACK = (
    "The 'id' field was set in an offer operation, but operation feedback is not supported for the"
    " SchedulerDriver API; please use the HTTP scheduler API for this feature"
)
_Operation = mesos.Offer.Operation
Rescind = Callable[[Master, Iterable[str]], None]


class Accepted:
    """One ACCEPT under way: whose, where, and what is left in `pool`.

    `rescind` takes offers back that hold a volume which is destroyed.
    """

    def __init__(
        self,
        master: Master,
        framework: Framework,
        agent: Agent,
        role: str,
        pool: Resources,
        rescind: Rescind,
    ) -> None:
        self._master = master
        self._framework = framework
        self._agent = agent
        self._role = role
        self._rescind = rescind
        self.pool = pool

    def apply(self, operation: mesos.Offer.Operation) -> None:
        """Apply one operation; an invalid one changes nothing."""
        upgrade_resources(operation)
        if operation.type == _Operation.LAUNCH:
            for info in operation.launch.task_infos:
                if operation.HasField("id"):
                    text = "The `id` field cannot be set on LAUNCH operations"
                    self._refuse(info, mesos.TaskStatus.REASON_TASK_INVALID, text)
                else:
                    self._launch(info)
        elif operation.type == _Operation.LAUNCH_GROUP:
            self._launch_group(operation.launch_group)
        else:
            self._convert(operation)

    # Launch.

    def _launch(self, info: mesos.TaskInfo) -> None:
        framework, agent = self._framework, self._agent
        if info.HasField("executor") and not info.executor.HasField("framework_id"):
            info.executor.framework_id.CopyFrom(framework.info.id)
        self._allocate(info, info.executor)
        error = validation.task(info, framework, agent, self.pool)
        if error:
            self._refuse(info, mesos.TaskStatus.REASON_TASK_INVALID, error)
            return
        used = _forms.inner(info.resources)
        if tasks.launch(self._master, framework, agent, info, self._role):
            used = used + _forms.inner(info.executor.resources)
        self.pool = self.pool - used

    def _allocate(self, *holders: mesos.TaskInfo | mesos.ExecutorInfo) -> None:
        """Say on each resource which role it is allocated to, as agents and executors expect."""
        for resource in [resource for holder in holders for resource in holder.resources]:
            if not resource.HasField("allocation_info"):
                resource.allocation_info.role = self._role

    def _launch_group(self, group: mesos.Offer.Operation.LaunchGroup) -> None:
        infos = group.task_group.tasks
        self._allocate(group.executor, *infos, *(info.executor for info in infos))
        groups.fill_in(group)
        error = groups.invalid(group, self._framework, self._agent, self.pool)
        if error:
            for info in infos:
                self._refuse(info, mesos.TaskStatus.REASON_TASK_GROUP_INVALID, error)
        elif infos:
            used = groups.launch(self._master, self._framework, self._agent, group, self._role)
            self.pool = self.pool - used

    def _refuse(self, info: mesos.TaskInfo, reason: mesos.TaskStatus.Reason.ValueType, text: str) -> None:
        tasks.tell_about(
            self._master, self._framework, info.task_id, info.slave_id, mesos.TASK_ERROR, reason, text
        )

    # Reservations and volumes.

    def _convert(self, operation: mesos.Offer.Operation) -> None:
        kind = _Operation.Type.Name(operation.type)
        if operation.HasField("id") and not self._framework.stream:
            self._master.tell(self._framework, internal.FrameworkErrorMessage(message=_NO_FEEDBACK))
            return
        for resource in _forms.operation_resources(operation):
            if not resource.HasField("allocation_info"):
                resource.allocation_info.role = self._role
        error = self._invalid(operation)
        if error is None:
            try:
                self._apply(operation)
            except ResourceError as problem:
                error = str(problem).removeprefix(f"{kind}: ")
        if error is not None:
            self._master.count("invalid_operations")
            log.warning("Dropping %s of framework %s: %s", kind, self._framework.id, error)
            feedback.drop(self._master, self._framework, operation, error)
            return
        log.info("Applied %s of framework %s on agent %s", kind, self._framework.id, self._agent.id)
        perform(self._master, self._framework, self._agent, operation)

    def _apply(self, operation: mesos.Offer.Operation) -> None:
        """Rewrite the pool, and by the same difference what the agent has and the framework holds."""
        pool = self.pool.allocate(self._role).apply(operation).unallocate()
        gone, come = self.pool - pool, pool - self.pool
        if operation.type == _Operation.DESTROY:
            self._rescind_holders(gone)
        self.pool = pool
        key = (self._framework.id, self._role)
        self._agent.total = self._agent.total - gone + come
        self._agent.allocated[key] = self._agent.allocated[key] - gone
        allocator.hold(self._agent, *key, come)

    def _rescind_holders(self, volumes: Resources) -> None:
        """Take back other offers that hold a (shared) volume which is about to go."""
        holders = [
            offer
            for offer in self._agent.offers
            if any(volume in self._master.offers[offer].resources for volume in volumes)
        ]
        self._rescind(self._master, holders)

    def _invalid(self, operation: mesos.Offer.Operation) -> str | None:
        if operation.HasField("id") and not feedback.wanted_of(self._agent):
            return (
                f"Operation on agent default resources requested feedback, but agent {self._agent.id} does"
                " not have the required AGENT_OPERATION_FEEDBACK and RESOURCE_PROVIDER capabilities"
            )
        error = operation_validation.malformed(operation)
        if error is not None:
            return f"Operation attempted with invalid resources: {error}"
        framework, agent = self._framework, self._agent
        error = operation_validation.operation(operation, agent, framework.principal, framework)
        return error and f"{error}; on agent {agent.id} at {agent.pid} ({agent.info.hostname})"


def perform(
    master: Master, framework: Framework | None, agent: Agent, operation: mesos.Offer.Operation
) -> None:
    """Have the agent do what is in the books: the operation itself, or all that it has to remember."""
    if feedback.wanted_of(agent):
        feedback.send(master, framework, agent, operation)
        return
    kept = checkpointed(agent.total)
    master.send(agent.pid, internal.CheckpointResourcesMessage(resources=_forms.wire(kept)))
