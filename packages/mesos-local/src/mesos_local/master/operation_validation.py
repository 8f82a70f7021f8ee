"""What is wrong with a reservation or a volume that a framework, or an operator, wants. Text, or None.

The order of the checks, and their texts, are those of `operation::validate` of upstream's
src/master/validation.cpp. Resources are in the newer form of reservations; a framework's say which role they
are allocated to, an operator's do not.
"""

from __future__ import annotations

from collections.abc import Iterable

from mesos_proto.errors import ResourceError
from mesos_proto.resources import Resources, validate
from mesos_proto.v0 import mesos_pb2 as mesos

from .. import _forms
from .._ids import identifier
from .state import Agent, Framework

__all__ = ["malformed", "operation"]

_Operation = mesos.Offer.Operation


def operation(
    wanted: mesos.Offer.Operation, agent: Agent, principal: str, framework: Framework | None
) -> str | None:
    """Check an operation of a framework (None: of an operator) on the resources of an agent."""
    if wanted.type == _Operation.RESERVE:
        return _reserve(wanted.reserve, principal, framework)
    if wanted.type == _Operation.UNRESERVE:
        return _unreserve(wanted.unreserve)
    if wanted.type == _Operation.CREATE:
        return _create(wanted.create, agent, principal, framework)
    if wanted.type == _Operation.DESTROY:
        return _destroy(wanted.destroy, agent)
    if wanted.type == _Operation.GROW_VOLUME:
        return _grow(wanted.grow_volume)
    if wanted.type == _Operation.SHRINK_VOLUME:
        return _shrink(wanted.shrink_volume)
    return "'source' is not managed by a resource provider"


def malformed(wanted: mesos.Offer.Operation) -> str | None:
    """Check the resources of an operation by themselves."""
    for resource in _forms.operation_resources(wanted):
        try:
            validate(resource)
        except ResourceError as error:
            return str(error)
    return None


def _text(*resources: mesos.Resource) -> str:
    return str(Resources(resources))


def _invalid(resources: Iterable[mesos.Resource]) -> str | None:
    for resource in resources:
        if resource.name == "gpus" and resource.scalar.value % 1:
            return "Invalid 'gpus' resource: The 'gpus' resource must be an unsigned integer"
        error_of_disk = _disk(resource) if resource.HasField("disk") else None
        if error_of_disk:
            return f"Invalid DiskInfo: {error_of_disk}"
        if _dynamic(resource) and resource.HasField("revocable"):
            return (
                f"Invalid ReservationInfo: Dynamically reserved resource {_text(resource)} cannot be created"
                " from revocable resources"
            )
    return None


def _disk(resource: mesos.Resource) -> str | None:
    disk = resource.disk
    if disk.HasField("persistence"):
        if resource.HasField("revocable"):
            return "Persistent volumes cannot be created from revocable resources"
        if not resource.reservations:
            return "Persistent volumes cannot be created from unreserved resources"
        if not disk.HasField("volume"):
            return "Expecting 'volume' to be set for persistent volume"
        if disk.volume.HasField("host_path"):
            return "Expecting 'host_path' to be unset for persistent volume"
        error = identifier(disk.persistence.id)
        return f"Invalid persistence ID for persistent volume: {error}" if error else None
    if disk.HasField("volume"):
        return "Non-persistent volume not supported"
    return None if disk.HasField("source") else "DiskInfo is set but empty"


def _dynamic(resource: mesos.Resource) -> bool:
    reservations = resource.reservations
    return bool(reservations) and reservations[-1].type == mesos.Resource.ReservationInfo.DYNAMIC


def _volumes(resources: Iterable[mesos.Resource]) -> str | None:
    for volume in resources:
        if not volume.HasField("disk"):
            return f"Resource {_text(volume)} does not have DiskInfo"
        if not volume.disk.HasField("persistence"):
            return "'persistence' is not set in DiskInfo"
        if not volume.disk.HasField("volume"):
            return "Expecting 'volume' to be set for persistent volume"
        if volume.disk.volume.mode == mesos.Volume.RO:
            return "Read-only persistent volume not supported"
    return None


def _reserve(
    reserve: mesos.Offer.Operation.Reserve, principal: str, framework: Framework | None
) -> str | None:
    error = _invalid(reserve.resources)
    if error:
        return f"Invalid resources: {error}"
    if reserve.source:
        return "An embedded cluster does not know the source of a reservation"
    for resource in reserve.resources:
        error = _reservation(resource, principal, framework)
        if error:
            return error
    if framework is not None and len(_forms.allocation_roles(reserve.resources)) > 1:
        return "Invalid reservation resources: The resources have multiple allocation roles"
    return None


def _reservation(resource: mesos.Resource, principal: str, framework: Framework | None) -> str | None:
    if not _dynamic(resource):
        return f"Resource {_text(resource)} is not dynamically reserved"
    innermost = resource.reservations[-1]
    if principal and not innermost.HasField("principal"):
        return (
            f"A reserve operation was attempted by principal '{principal}', but there is a reserved resource"
            " in the request with no principal set"
        )
    if principal and innermost.principal != principal:
        return (
            f"A reserve operation was attempted by authenticated principal '{principal}', which does not"
            f" match a reserved resource in the request with principal '{innermost.principal}'"
        )
    role = resource.allocation_info.role if resource.HasField("allocation_info") else None
    if framework is None:
        return role and (
            "A reserve operation was attempted with an allocated resource, but the operator API only allows"
            " reservations to be made to unallocated resources"
        )
    if role != innermost.role:
        return (
            f"A reserve operation was attempted for a resource with role '{innermost.role}', but the resource"
            f" was allocated to role '{role}'"
        )
    if role not in framework.roles:
        return (
            f"A reserve operation was attempted for a resource allocated to role '{role}', but the framework"
            f" only has roles '{{ {', '.join(framework.roles)} }}'"
        )
    return None


def _unreserve(unreserve: mesos.Offer.Operation.Unreserve) -> str | None:
    error = _invalid(unreserve.resources)
    if error:
        return f"Invalid resources: {error}"
    for resource in unreserve.resources:
        if not _dynamic(resource):
            return f"Resource {_text(resource)} is not dynamically reserved"
        if resource.disk.HasField("persistence"):
            return (
                f"A dynamically reserved persistent volume {_text(resource)} cannot be unreserved directly."
                " Please destroy the persistent volume first then unreserve the resource"
            )
    return None


def _create(
    create: mesos.Offer.Operation.Create, agent: Agent, principal: str, framework: Framework | None
) -> str | None:
    error = _invalid(create.volumes)
    if error:
        return f"Invalid resources: {error}"
    error = _volumes(create.volumes)
    if error:
        return f"Not a persistent volume: {error}"
    known = {_name(volume) for volume in agent.total.persistent_volumes()}
    for volume in create.volumes:
        if _name(volume) in known:
            return f"Persistence ID '{volume.disk.persistence.id}' is not unique"
        known.add(_name(volume))
    for volume in create.volumes:
        error = _may_create(volume, principal, framework)
        if error:
            return error
    return None


def _name(volume: object) -> tuple[str, str]:
    disk, reservations = volume.disk, volume.reservations  # type: ignore[attr-defined]
    return (reservations[-1].role if reservations else "*", disk.persistence.id)


def _may_create(volume: mesos.Resource, principal: str, framework: Framework | None) -> str | None:
    shared = mesos.FrameworkInfo.Capability.SHARED_RESOURCES
    if framework is not None and volume.HasField("shared") and not framework.has(shared):
        return (
            f"Create volume operation for '{_text(volume)}' has been attempted by framework"
            f" '{framework.id}' with no SHARED_RESOURCES capability"
        )
    persistence = volume.disk.persistence
    if principal and not persistence.HasField("principal"):
        return (
            f"Create volume operation attempted by principal '{principal}', but there is a volume in the"
            " operation with no principal set in 'disk.persistence'"
        )
    if principal and persistence.principal != principal:
        return (
            f"Create volume operation attempted by authenticated principal '{principal}', which does not"
            f" match a volume in the operation with principal '{persistence.principal}' set in"
            " 'disk.persistence'"
        )
    return None


def _destroy(destroy: mesos.Offer.Operation.Destroy, agent: Agent) -> str | None:
    volumes = _forms.inner(destroy.volumes)
    error = _invalid(destroy.volumes)
    if error:
        return f"Invalid resources: {error}"
    error = _volumes(destroy.volumes)
    if error:
        return f"Not a persistent volume: {error}"
    if not agent.total.contains(volumes):
        return "Persistent volumes not found"
    for task in agent.tasks.values():
        if not task.terminal and any(volume in task.resources for volume in volumes):
            return "Persistent volumes in use"
    return None


def _grow(grow: mesos.Offer.Operation.GrowVolume) -> str | None:
    if not grow.addition.scalar.value > 0:
        return "The size of 'GrowVolume.addition' field must be greater than zero"
    problem = _volumes([grow.volume])
    if problem:
        return f"Invalid persistent volume in the 'GrowVolume.volume' field: {problem}"
    if grow.volume.HasField("shared"):
        return "Growing a shared persistent volume is not supported"
    bare = mesos.Resource()
    bare.CopyFrom(grow.volume)
    if bare.disk.HasField("source"):
        bare.disk.ClearField("persistence")
        bare.disk.ClearField("volume")
    else:
        bare.ClearField("disk")
    if len(Resources([bare, grow.addition])) != 1:
        return "Incompatible resources in the 'GrowVolume.volume' and 'GrowVolume.addition' fields"
    return None


def _shrink(shrink: mesos.Offer.Operation.ShrinkVolume) -> str | None:
    volume, less = shrink.volume, shrink.subtract.value
    if not less > 0:
        return "Value of 'ShrinkVolume.subtract' must be greater than zero"
    if not volume.scalar.value > less:
        return "Value of 'ShrinkVolume.subtract' must be smaller than the size of 'ShrinkVolume.volume'"
    if volume.disk.source.type == mesos.Resource.DiskInfo.Source.MOUNT:
        return "Shrinking a volume on a MOUNT disk is not supported"
    problem = _volumes([volume])
    if problem:
        return f"Invalid persistent volume in the 'ShrinkVolume.volume' field: {problem}"
    return "Shrinking a shared persistent volume is not supported" if volume.HasField("shared") else None
