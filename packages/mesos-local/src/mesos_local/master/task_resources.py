"""What a master refuses of the resources of tasks and executors, and in which words.

Mirrors `validation::resource` of upstream's src/master/validation.cpp.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from json import dumps

from mesos_proto import json
from mesos_proto.errors import ResourceError
from mesos_proto.resources import Resources, validate
from mesos_proto.v0 import mesos_pb2 as mesos

from .. import _forms
from .._ids import identifier

__all__ = ["duplicate", "each", "mixed", "overlapping", "roles", "shown"]


def each(messages: Iterable[mesos.Resource]) -> str | None:
    """Check resources one by one."""
    for message in messages:
        try:
            validate(message)
        except ResourceError as problem:
            return str(problem)
        if message.name == "gpus" and message.scalar.value % 1:
            return "Invalid 'gpus' resource: The 'gpus' resource must be an unsigned integer"
        error = _disk(message) if message.HasField("disk") else None
        if error:
            return f"Invalid DiskInfo: {error}"
    return None


def _disk(resource: mesos.Resource) -> str | None:
    disk = resource.disk
    if disk.HasField("persistence"):
        if resource.HasField("revocable"):
            return "Persistent volumes cannot be created from revocable resources"
        if not resource.reservations and resource.role == "*":
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


def duplicate(messages: Iterable[mesos.Resource]) -> str | None:
    """Check that no two volumes of a role have the same name."""
    names = Counter(
        (volume.reservations[-1].role if volume.reservations else volume.role, volume.disk.persistence.id)
        for volume in _forms.inner(messages).persistent_volumes()
    )
    return next((f"Persistence ID '{name}' is not unique" for (_, name), n in names.items() if n > 1), None)


def mixed(messages: Iterable[mesos.Resource]) -> str | None:
    """Check that of one name all resources are revocable, or none is."""
    kinds: dict[str, bool] = {}
    for message in messages:
        revocable = message.HasField("revocable")
        if kinds.setdefault(message.name, revocable) is not revocable:
            return f"Cannot use both revocable and non-revocable '{message.name}' at the same time"
    return None


def roles(messages: Iterable[mesos.Resource]) -> str | None:
    """Check that all resources are allocated to one role."""
    found = list(dict.fromkeys(message.allocation_info.role for message in messages))
    if len(found) > 1:
        return (
            f"The resources have multiple allocation roles ('{found[1]}' and '{found[0]}') but only one"
            " allocation role is allowed"
        )
    return None


def overlapping(holders: Sequence[Iterable[mesos.Resource]]) -> bool:
    """Tell whether two of these want the same port, or the same item of a set."""
    parts = [_forms.inner(holder) for holder in holders]
    apart = Counter[str]()
    for part in parts:
        apart.update(part.quantities())
    together = Resources.sum(parts).quantities()
    return any(abs(apart[name] - together.get(name, 0.0)) > 1e-6 for name in apart)


def shown(messages: Iterable[mesos.Resource]) -> str:
    """Write resources as a real master writes those of a message."""
    return dumps([json.to_dict(message) for message in messages], separators=(",", ":"), sort_keys=True)
