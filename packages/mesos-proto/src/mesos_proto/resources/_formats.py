"""The three ways reservations are written in a `Resource`, and from one to another.

Mirrors upstream's `resources_utils.cpp`. Masters before 1.4, and peers without the capability
RESERVATION_REFINEMENT, know only `role` and `reservation`; the others use `reservations`.
"""

from __future__ import annotations

import enum
from functools import cache
from typing import TypeVar, cast

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from mesos_proto.errors import ResourceError
from mesos_proto.v0 import mesos_pb2 as mesos0
from mesos_proto.v1 import mesos_pb2 as mesos

_R = TypeVar("_R", mesos.Resource, mesos0.Resource)
_M = TypeVar("_M", bound=Message)
_RESOURCES = {"mesos.Resource", "mesos.v1.Resource"}
_Info = mesos.Resource.ReservationInfo


class ResourceFormat(enum.Enum):
    """How reservations are written."""

    PRE_RESERVATION_REFINEMENT = "pre"
    """`role` and `reservation`: no refinement can be said."""

    POST_RESERVATION_REFINEMENT = "post"
    """`reservations` alone."""

    ENDPOINT = "endpoint"
    """Both, where both can say it: what the master's and agent's endpoints show."""


def convert_format(resource: _R, format: ResourceFormat) -> _R:
    """Write the reservations of a resource in another format, in place; return the resource.

    Raises `ResourceError` when refined reservations do not fit.
    """
    _upgrade(resource)
    if format is ResourceFormat.POST_RESERVATION_REFINEMENT:
        return resource
    if not resource.reservations:
        resource.role = "*"
    elif len(resource.reservations) == 1:
        only = resource.reservations[0]
        if only.type == _Info.DYNAMIC:
            resource.reservation.SetInParent()
            if only.HasField("principal"):
                resource.reservation.principal = only.principal
            if only.HasField("labels"):
                resource.reservation.labels.MergeFromString(only.labels.SerializeToString())
                resource.reservation.labels.SetInParent()
        resource.role = only.role
        if format is ResourceFormat.PRE_RESERVATION_REFINEMENT:
            resource.ClearField("reservations")
    elif format is ResourceFormat.PRE_RESERVATION_REFINEMENT:
        raise ResourceError(f"resource {resource.name!r}: refined reservations need 'reservations'")
    return resource


def _upgrade(resource: mesos.Resource | mesos0.Resource) -> None:
    if not resource.reservations and resource.HasField("role") and resource.role != "*":
        layer = resource.reservations.add()
        if resource.HasField("reservation"):
            layer.MergeFromString(resource.reservation.SerializePartialToString())
            layer.type = _Info.DYNAMIC
        else:
            layer.type = _Info.STATIC
        layer.role = resource.role
    resource.ClearField("role")
    resource.ClearField("reservation")


def upgrade_resources(message: _M) -> _M:
    """Bring every resource inside a message into the format of refinement, in place; return the message."""
    _each(message, ResourceFormat.POST_RESERVATION_REFINEMENT)
    return message


def downgrade_resources(message: _M) -> _M:
    """Bring every resource inside a message into the format before refinement, in place; return the message.

    Raises `ResourceError` when one has refined reservations.
    """
    _each(message, ResourceFormat.PRE_RESERVATION_REFINEMENT)
    return message


def _each(message: Message, format: ResourceFormat) -> None:
    if message.DESCRIPTOR.full_name in _RESOURCES:
        convert_format(cast("mesos.Resource", message), format)
        return
    if not _holds_resources(message.DESCRIPTOR):
        return
    for field, value in message.ListFields():
        inner = field.message_type
        if inner is None or not _holds_resources(inner) or inner.GetOptions().map_entry:
            continue
        for child in [value] if isinstance(value, Message) else value:
            _each(child, format)


@cache
def _holds_resources(descriptor: Descriptor) -> bool:
    """Tell whether messages of a type can have resources somewhere inside."""
    seen = set()
    waiting = [descriptor]
    while waiting:
        current = waiting.pop()
        if current.full_name in _RESOURCES:
            return True
        if current.full_name not in seen:
            seen.add(current.full_name)
            waiting += [field.message_type for field in current.fields if field.message_type is not None]
    return False
