"""Short ways to make resources in tests."""

from __future__ import annotations

from typing import Any

from mesos_proto.resources import Resources
from mesos_proto.v1 import mesos_pb2 as mesos

Info = mesos.Resource.ReservationInfo
Source = mesos.Resource.DiskInfo.Source


def parse(text: str) -> Resources:
    """Parse text."""
    return Resources.parse(text)


def one(text: str) -> mesos.Resource:
    """Parse text into the one message it describes."""
    (found,) = Resources.parse(text)
    return found


def old(text: str, *, role: str | None = None, principal: str | None = None) -> mesos.Resource:
    """Make a resource whose reservation is in the fields that came before refinement."""
    made = one(text)
    if role is not None:
        made.role = role
    if principal is not None:
        made.reservation.SetInParent()
        if principal:
            made.reservation.principal = principal
    return made


def layer(kind: str, role: str | None, principal: str | None = None, **labels: str) -> Any:
    """Make a reservation; None leaves a field out."""
    made = Info(type=kind)  # type: ignore[arg-type]
    if role is not None:
        made.role = role
    if principal is not None:
        made.principal = principal
    for key, value in labels.items():
        made.labels.labels.add(key=key, value=value)
    return made


def reserved(text: str, *layers: Any) -> mesos.Resource:
    """Make a resource with these reservations."""
    made = one(text)
    made.reservations.extend(layers)
    return made


def disk(
    size: float,
    *,
    role: str | None = "role",
    id: str | None = None,
    path: str | None = None,
    source: str | None = None,
    root: str | None = None,
    shared: bool = False,
) -> mesos.Resource:
    """Make a disk; always with DiskInfo, even an empty one."""
    made = mesos.Resource(name="disk", type="SCALAR")  # type: ignore[arg-type]
    made.scalar.value = size
    if role is not None:
        made.reservations.add(type=Info.STATIC, role=role)
    made.disk.SetInParent()
    if id is not None:
        made.disk.persistence.id = id
    if path is not None:
        made.disk.volume.container_path = path
        made.disk.volume.mode = mesos.Volume.RW
    if source is not None:
        made.disk.source.type = Source.Type.Value(source)
        if root is not None:
            (made.disk.source.path if source == "PATH" else made.disk.source.mount).root = root
    if shared:
        made.shared.SetInParent()
    return made


def revocable(text: str) -> mesos.Resource:
    """Make a revocable resource."""
    made = one(text)
    made.revocable.SetInParent()
    return made
