"""Operations of an ACCEPT, applied one after the other to what was offered.

A LAUNCH takes from the pool; RESERVE, CREATE and their like rewrite a part of it, and the agent is told the
whole of what it has to remember. Mirrors the validators of upstream's src/master/validation.cpp.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from mesos_proto.errors import ResourceError
from mesos_proto.resources import Resources, upgrade_resources
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal

from .. import _forms
from . import allocator, groups, tasks, validation
from .state import Agent, Framework, Master

__all__ = ["Accepted", "Rescind", "checkpointed"]

log = logging.getLogger("mesos.local.master")

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
        try:
            error = self._invalid(operation)
            if error is None:
                self._apply(operation)
        except ResourceError as problem:
            error = str(problem)
        if error is not None:
            self._master.count("invalid_operations")
            log.warning("Dropping %s of framework %s: %s", kind, self._framework.id, error)
            if operation.HasField("id"):
                self._tell_error(operation, error)
            return
        log.info("Applied %s of framework %s on agent %s", kind, self._framework.id, self._agent.id)
        kept = checkpointed(self._agent)
        message = internal.CheckpointResourcesMessage(resources=_forms.wire(kept))
        self._master.send(self._agent.pid, message)

    def _apply(self, operation: mesos.Offer.Operation) -> None:
        """Rewrite the pool, and by the same difference what the agent has and the framework holds."""
        plain = _Operation()
        plain.CopyFrom(operation)
        _unallocate(plain)
        pool = self.pool.apply(plain)
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
        if operation.HasField("id"):
            return "Operation requested feedback, but the agent does not have AGENT_OPERATION_FEEDBACK"
        if operation.type == _Operation.RESERVE:
            return self._invalid_reserve(operation.reserve)
        if operation.type == _Operation.UNRESERVE:
            if Resources(operation.unreserve.resources).persistent_volumes():
                return "A persistent volume cannot be unreserved; destroy it first"
            return None
        if operation.type == _Operation.CREATE:
            return self._invalid_create(operation.create)
        if operation.type == _Operation.DESTROY:
            return self._invalid_destroy(operation.destroy)
        if operation.type in (_Operation.GROW_VOLUME, _Operation.SHRINK_VOLUME):
            volume = operation.grow_volume.volume if operation.HasField("grow_volume") else None
            volume = volume if volume is not None else operation.shrink_volume.volume
            return "A shared persistent volume cannot change its size" if volume.HasField("shared") else None
        return f"Operation {_Operation.Type.Name(operation.type)} is not supported"

    def _invalid_reserve(self, reserve: mesos.Offer.Operation.Reserve) -> str | None:
        if reserve.source:
            return "Frameworks cannot say the source of a reservation"
        principal = self._framework.principal
        for resource in reserve.resources:
            if not resource.reservations:
                return "A resource is not dynamically reserved"
            innermost = resource.reservations[-1]
            if innermost.role != self._role or innermost.role == "*":
                return (
                    f"A reserve operation was attempted for a resource with role '{innermost.role}',"
                    f" but the resource was allocated to role '{self._role}'"
                )
            if principal and innermost.principal != principal:
                return f"A reservation must name the principal '{principal}' that makes it"
        return None

    def _invalid_create(self, create: mesos.Offer.Operation.Create) -> str | None:
        known = {
            (volume.disk.persistence.id, volume.reservations[-1].role)
            for volume in self._agent.total.persistent_volumes()
        }
        for volume in create.volumes:
            error = self._invalid_volume(volume)
            if error:
                return error
            name = (volume.disk.persistence.id, volume.reservations[-1].role)
            if name in known:
                return f"Persistence ID '{name[0]}' is not unique in role '{name[1]}'"
            known.add(name)
        return None

    def _invalid_volume(self, volume: mesos.Resource) -> str | None:
        disk = volume.disk
        if not disk.HasField("persistence"):
            return "Not a persistent volume: Persistence is not set"
        if not disk.HasField("volume"):
            return "Not a persistent volume: Expecting 'volume' to be set"
        if disk.volume.mode != mesos.Volume.RW:
            return "Not a persistent volume: Read-only persistent volume not supported"
        if disk.volume.HasField("host_path"):
            return "Not a persistent volume: Expecting 'host_path' to be unset"
        if not volume.reservations:
            return "Not a persistent volume: the disk is not reserved"
        if volume.HasField("revocable"):
            return "Not a persistent volume: revocable resources cannot be persistent"
        error = validation.identifier(disk.persistence.id)
        if error:
            return f"Not a persistent volume: {error}"
        wants_sharing = mesos.FrameworkInfo.Capability.SHARED_RESOURCES
        if volume.HasField("shared") and not self._framework.has(wants_sharing):
            return "A shared volume needs the capability SHARED_RESOURCES"
        principal = self._framework.principal
        if principal and disk.persistence.principal != principal:
            return f"A volume must name the principal '{principal}' that creates it"
        return None

    def _invalid_destroy(self, destroy: mesos.Offer.Operation.Destroy) -> str | None:
        volumes = _forms.inner(destroy.volumes)
        if volumes != volumes.persistent_volumes():
            return "Not a persistent volume"
        if not self._agent.total.contains(volumes):
            return "Persistent volumes not found"
        for task in self._agent.tasks.values():
            if not task.terminal and any(volume in task.resources for volume in volumes):
                return "Persistent volumes in use"
        return None

    def _tell_error(self, operation: mesos.Offer.Operation, error: str) -> None:
        """Answer an operation that asked for feedback: an event for HTTP, the end for libprocess."""
        if not self._framework.stream:
            text = "The 'id' field was set in an offer operation, but operation feedback needs the HTTP API"
            self._master.tell(self._framework, internal.FrameworkErrorMessage(message=text))
            return
        status = mesos.OperationStatus(
            operation_id=operation.id,
            state=mesos.OPERATION_ERROR,
            message=error,
            slave_id=self._agent.info.id,
        )
        message = internal.UpdateOperationStatusMessage(
            framework_id=self._framework.info.id,
            slave_id=self._agent.info.id,
            status=status,
            operation_uuid=mesos.UUID(value=self._master.new_uuid().bytes),
        )
        self._master.tell(self._framework, message)


def checkpointed(agent: Agent) -> Resources:
    """Give what the agent has to remember: dynamic reservations and volumes."""
    reserved = agent.total.dynamically_reserved()
    return reserved + (agent.total.persistent_volumes() - reserved)


def _unallocate(operation: mesos.Offer.Operation) -> None:
    for resource in [
        *operation.reserve.resources,
        *operation.unreserve.resources,
        *operation.create.volumes,
        *operation.destroy.volumes,
    ]:
        resource.ClearField("allocation_info")
    if operation.HasField("grow_volume"):
        operation.grow_volume.volume.ClearField("allocation_info")
        operation.grow_volume.addition.ClearField("allocation_info")
    if operation.HasField("shrink_volume"):
        operation.shrink_volume.volume.ClearField("allocation_info")
