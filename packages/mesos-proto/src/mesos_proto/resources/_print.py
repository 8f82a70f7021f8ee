"""Resources as Mesos prints them in its logs; `_text` has the form that can be read back.

Mirrors the `operator<<` functions of upstream's `resources.cpp`.
"""

from __future__ import annotations

from collections.abc import Iterable

from mesos_proto.resources._shape import Amount, Disk, Entry, Labels, Reservation
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.values import Ranges, format_scalar

_Source = mesos.Resource.DiskInfo.Source
_Info = mesos.Resource.ReservationInfo


def upstream(entries: Iterable[Entry]) -> str:
    """Print a sum of resources; `{}` when there are none."""
    return "; ".join(_entry(entry) for entry in entries) or "{}"


def _entry(entry: Entry) -> str:
    shape = entry.shape
    parts = [shape.name]
    if shape.allocation is not None:
        parts.append(f"(allocated: {shape.allocation})")
    if shape.reservations:
        layers = ",".join(f"({_reservation(reservation)})" for reservation in shape.reservations)
        parts.append(f"(reservations: [{layers}])")
    if shape.disk is not None:
        parts.append(f"[{_disk(shape.disk)}]")
    if shape.revocable:
        parts.append("{REV}")
    if shape.shared:
        parts.append("<SHARED>")
    parts.append(":" + amount_text(entry.amount))
    if shape.shared:
        parts.append(f"<{entry.copies}>")
    return "".join(parts)


def amount_text(amount: Amount) -> str:
    """Print an amount."""
    if isinstance(amount, int):
        return format_scalar(amount)
    if isinstance(amount, Ranges):
        return str(amount)
    return "{" + ", ".join(amount) + "}"


def _reservation(reservation: Reservation) -> str:
    parts = [_Info.Type.Name(reservation.type), reservation.role]  # type: ignore[arg-type]
    if reservation.principal is not None:
        parts.append(reservation.principal)
    if reservation.labels is not None:
        parts.append(_labels(reservation.labels))
    return ",".join(parts)


def _labels(labels: Labels) -> str:
    return "{" + ", ".join(key if value is None else f"{key}: {value}" for key, value in labels) + "}"


def _disk(disk: Disk) -> str:
    info = mesos.Resource.DiskInfo.FromString(disk.data)
    text = ""
    if info.HasField("source"):
        text += source_text(info.source)
    if info.HasField("persistence"):
        text += ("," if text else "") + info.persistence.id
    if info.HasField("volume"):
        text += ":" + _volume(info.volume)
    return text


def source_text(source: mesos.Resource.DiskInfo.Source) -> str:
    """Print what a disk comes from."""
    name = _Source.Type.Name(source.type)
    if source.type == _Source.UNKNOWN:
        return name
    if source.HasField("id") or source.HasField("profile"):
        return f"{name}({source.vendor},{source.id},{source.profile})"
    if source.type == _Source.MOUNT and source.mount.HasField("root"):
        return f"{name}:{source.mount.root}"
    if source.type == _Source.PATH and source.path.HasField("root"):
        return f"{name}:{source.path.root}"
    return name


def _volume(volume: mesos.Volume) -> str:
    if not volume.HasField("host_path"):
        return f"{volume.container_path}"
    text = f"{volume.host_path}:{volume.container_path}"
    if volume.HasField("mode"):
        text += ":rw" if volume.mode == mesos.Volume.RW else ":ro"
    return text
