"""Single resources."""

from __future__ import annotations

from collections.abc import Iterable

from mesos_proto.resources import Resources, validate
from mesos_proto.v0 import mesos_pb2 as mesos0
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.values import Ranges

ResourcesLike = Resources | str | Iterable[mesos.Resource | mesos0.Resource]
"""`Resources`, text to parse, or messages."""

_Info = mesos.Resource.ReservationInfo


def messages(resources: ResourcesLike) -> list[mesos.Resource]:
    """Return v1 messages of resources in any form. Raises `ResourceError`."""
    if isinstance(resources, str):
        resources = Resources.parse(resources)
    return Resources(resources).messages()


def scalar(name: str, value: float, *, role: str | None = None) -> mesos.Resource:
    """Make a scalar, statically reserved when a role is given. Raises `ResourceError`."""
    made = _named(name, mesos.Value.SCALAR, role)
    made.scalar.value = value
    return _valid(made)


def ranges(
    name: str, spans: Ranges | Iterable[tuple[int, int] | int], *, role: str | None = None
) -> mesos.Resource:
    """Make ranges of inclusive pairs and single numbers. Raises `ResourceError`."""
    made = _named(name, mesos.Value.RANGES, role)
    made.ranges.SetInParent()
    pairs = ((span, span) if isinstance(span, int) else span for span in spans)
    for begin, end in Ranges(pairs):
        made.ranges.range.add(begin=begin, end=end)
    return _valid(made)


def set_of(name: str, items: Iterable[str], *, role: str | None = None) -> mesos.Resource:
    """Make a set. Raises `ResourceError`."""
    made = _named(name, mesos.Value.SET, role)
    made.set.SetInParent()
    made.set.item.extend(items)
    return _valid(made)


def cpus(value: float, *, role: str | None = None) -> mesos.Resource:
    """Make CPUs."""
    return scalar("cpus", value, role=role)


def gpus(value: float, *, role: str | None = None) -> mesos.Resource:
    """Make GPUs."""
    return scalar("gpus", value, role=role)


def mem(megabytes: float, *, role: str | None = None) -> mesos.Resource:
    """Make memory."""
    return scalar("mem", megabytes, role=role)


def disk(megabytes: float, *, role: str | None = None) -> mesos.Resource:
    """Make disk."""
    return scalar("disk", megabytes, role=role)


def ports(*spans: tuple[int, int] | int, role: str | None = None) -> mesos.Resource:
    """Make ports of inclusive pairs and single numbers."""
    return ranges("ports", spans, role=role)


def reservation(
    role: str, *, principal: str | None = None, labels: mesos.Labels | None = None, static: bool = False
) -> mesos.Resource.ReservationInfo:
    """Describe a reservation, dynamic unless `static`."""
    made = _Info(type=_Info.STATIC if static else _Info.DYNAMIC, role=role, labels=labels)
    if principal is not None:
        made.principal = principal
    return made


def volume(
    source: mesos.Resource,
    id: str,
    container_path: str,
    *,
    principal: str | None = None,
    shared: bool = False,
    read_only: bool = False,
) -> mesos.Resource:
    """Make the persistent volume that a CREATE turns a reserved disk into. Raises `ResourceError`."""
    made = mesos.Resource()
    made.CopyFrom(source)
    made.disk.persistence.id = id
    if principal is not None:
        made.disk.persistence.principal = principal
    made.disk.volume.container_path = container_path
    made.disk.volume.mode = mesos.Volume.RO if read_only else mesos.Volume.RW
    if shared:
        made.shared.SetInParent()
    return _valid(made)


def _named(name: str, kind: mesos.Value.Type.ValueType, role: str | None) -> mesos.Resource:
    made = mesos.Resource(name=name, type=kind)
    if role is not None and role != "*":
        made.reservations.add(type=_Info.STATIC, role=role)
    return made


def _valid(resource: mesos.Resource) -> mesos.Resource:
    validate(resource)
    return resource
