"""What makes a `Resource` message valid, as upstream's `Resources::validate` has it.

Stricter in two points that upstream passes by accident: scalars must be finite, and overlapping
ranges are refused in whatever order they stand.
"""

from __future__ import annotations

import itertools
import math
from typing import cast

from mesos_proto.errors import ResourceError
from mesos_proto.resources._shape import RANGES, SCALAR, SET
from mesos_proto.roles import is_strict_subrole, validate_role
from mesos_proto.v0 import mesos_pb2 as mesos0
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.values import to_fixed

_Info = mesos.Resource.ReservationInfo
_Source = mesos.Resource.DiskInfo.Source


def validate(message: mesos.Resource | mesos0.Resource) -> None:
    """Raise `ResourceError` when Mesos would refuse the resource; the message names it."""
    # The two types differ in nothing but their names.
    resource = cast("mesos.Resource", message)
    try:
        _validate_amount(resource)
        if resource.HasField("disk"):
            _validate_disk(resource)
        if resource.reservations:
            _validate_reservations(resource)
        elif resource.HasField("role") or resource.HasField("reservation"):
            _validate_old_reservation(resource)
        if resource.HasField("shared"):
            if resource.name != "disk":
                raise ResourceError("only disks can be shared")
            if not resource.disk.HasField("persistence"):
                raise ResourceError("only persistent volumes can be shared")
    except ResourceError as error:
        raise type(error)(f"resource {resource.name!r}: {error}") from None


def _validate_amount(resource: mesos.Resource) -> None:
    if not resource.name:
        raise ResourceError("the name is empty")
    if not isinstance(resource.name, str):
        raise ResourceError("the name is not text in UTF-8")
    if not resource.HasField("type"):
        raise ResourceError("there is no type")
    kind = resource.type
    if kind not in (SCALAR, RANGES, SET):
        raise ResourceError("the type must be SCALAR, RANGES or SET")
    for present, wanted in (
        (resource.HasField("scalar"), SCALAR),
        (resource.HasField("ranges"), RANGES),
        (resource.HasField("set"), SET),
    ):
        if present != (kind == wanted):
            raise ResourceError(
                f"of type {mesos.Value.Type.Name(kind)}, it must have that value and no other"
            )
    if kind == SCALAR:
        value = resource.scalar.value
        if not math.isfinite(value):
            raise ResourceError(f"the scalar must be finite, not {value}")
        if value < 0:
            raise ResourceError(f"the scalar must not be negative, as {value} is")
        if value != 0 and to_fixed(value) == 0:
            raise ResourceError(f"the scalar {value} is nothing in the three decimals that Mesos keeps")
    elif kind == RANGES:
        previous = -1
        for begin, end in sorted((span.begin, span.end) for span in resource.ranges.range):
            if begin > end:
                raise ResourceError(f"range {begin}-{end} ends before it begins")
            if begin <= previous:
                raise ResourceError(f"range {begin}-{end} overlaps another")
            previous = end
    elif len(set(resource.set.item)) != len(resource.set.item):
        raise ResourceError("the set has an item twice")


def _validate_disk(resource: mesos.Resource) -> None:
    if resource.name != "disk":
        raise ResourceError("only a resource called 'disk' can have DiskInfo")
    if not resource.disk.HasField("source"):
        return
    source = resource.disk.source
    if source.type in (_Source.BLOCK, _Source.RAW):
        for field in ("mount", "path"):
            if source.HasField(field):
                raise ResourceError(f"a {_Source.Type.Name(source.type)} source cannot have {field!r}")
    elif source.type not in (_Source.PATH, _Source.MOUNT):
        raise ResourceError("the disk's source is of an unknown type")


def _validate_old_reservation(resource: mesos.Resource) -> None:
    """Check `role` and `reservation`, the fields that came before refinement."""
    validate_role(resource.role)
    if resource.HasField("reservation"):
        for field in ("type", "role"):
            if resource.reservation.HasField(field):
                raise ResourceError(f"'reservation.{field}' must not be set; use 'reservations'")
        if resource.role == "*":
            raise ResourceError("role '*' cannot be reserved dynamically")


def _validate_reservations(resource: mesos.Resource) -> None:
    reservations = list(resource.reservations)
    for reservation in reservations:
        for field in ("type", "role"):
            if not reservation.HasField(field):
                raise ResourceError(f"a reservation has no {field}")
        if reservation.type not in (_Info.STATIC, _Info.DYNAMIC):
            raise ResourceError("a reservation is of an unknown type")
        validate_role(reservation.role)
        if reservation.role == "*":
            raise ResourceError("role '*' cannot be reserved")
    for above, below in itertools.pairwise(reservations):
        if below.type == _Info.STATIC:
            raise ResourceError("a refined reservation cannot be STATIC")
        if not is_strict_subrole(below.role, above.role):
            raise ResourceError(f"role {below.role!r} does not refine {above.role!r}")
    if len(reservations) > 1:
        if resource.HasField("role") or resource.HasField("reservation"):
            raise ResourceError("'role' and 'reservation' must not be set beside several 'reservations'")
    else:
        _validate_both(resource, reservations[0])


def _validate_both(
    resource: mesos.Resource,
    only: mesos.Resource.ReservationInfo,
) -> None:
    """Check that the old fields, where they are set too, say the same as the one reservation."""
    has_old = resource.HasField("reservation")
    if resource.HasField("role") and resource.role != only.role:
        raise ResourceError(f"'role' {resource.role!r} is not the {only.role!r} of 'reservations'")
    if only.type == _Info.STATIC:
        if has_old:
            raise ResourceError("'reservation' must not be set beside a STATIC one in 'reservations'")
        return
    if resource.HasField("role") != has_old:
        raise ResourceError("'role' and 'reservation' must be set together or not at all")
    if has_old:
        old = resource.reservation
        if old.principal != only.principal:
            raise ResourceError("'reservation' and 'reservations' name different principals")
        if _label_set(old) != _label_set(only):
            raise ResourceError("'reservation' and 'reservations' have different labels")


def _label_set(
    info: mesos.Resource.ReservationInfo,
) -> list[tuple[str, bool, str]]:
    return sorted((label.key, label.HasField("value"), label.value) for label in info.labels.labels)
