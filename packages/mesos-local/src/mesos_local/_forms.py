"""Resources between the wire and the books.

In the books resources are allocated to nobody; which role holds them is kept beside them. Frameworks without
RESERVATION_REFINEMENT are shown the older form of reservations (`role` and `reservation`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mesos_proto.resources import ResourceFormat, Resources
from mesos_proto.v0 import mesos_pb2 as mesos

__all__ = ["allocation_roles", "inner", "operation_resources", "unallocated", "wire"]


def inner(messages: Iterable[mesos.Resource]) -> Resources:
    """Take resources from the wire into the books. Raises ResourceError for what is no resource."""
    return Resources(messages).unallocate()


def wire(resources: Resources, *, role: str | None = None, refined: bool = True) -> list[mesos.Resource]:
    """Give v0 messages for a peer: allocated to `role` when given, in the older form unless `refined`."""
    if role is not None:
        resources = resources.allocate(role)
    if refined:
        return resources.messages(version=0)
    return resources.messages(version=0, format=ResourceFormat.PRE_RESERVATION_REFINEMENT)


def allocation_roles(messages: Iterable[mesos.Resource]) -> set[str]:
    """Give the roles the resources say they are allocated to."""
    return {message.allocation_info.role for message in messages if message.HasField("allocation_info")}


def operation_resources(operation: mesos.Offer.Operation) -> Iterator[mesos.Resource]:
    """Give the resources in an operation, to be looked at or changed."""
    yield from operation.reserve.resources
    yield from operation.reserve.source
    yield from operation.unreserve.resources
    yield from operation.create.volumes
    yield from operation.destroy.volumes
    if operation.HasField("grow_volume"):
        yield operation.grow_volume.volume
        yield operation.grow_volume.addition
    if operation.HasField("shrink_volume"):
        yield operation.shrink_volume.volume


def unallocated(operation: mesos.Offer.Operation) -> mesos.Offer.Operation:
    """Copy an operation so that it applies to resources in the books."""
    plain = mesos.Offer.Operation()
    plain.CopyFrom(operation)
    for resource in operation_resources(plain):
        resource.ClearField("allocation_info")
    return plain
