"""Text forms of resources and attributes, and what an agent offers when nothing is said."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping

from mesos_proto.attributes import Attributes
from mesos_proto.resources import Resources
from mesos_proto.v0 import mesos_pb2 as mesos

from .errors import ConfigurationError

__all__ = [
    "checkpointed",
    "default_resources",
    "parse_attributes",
    "parse_resources",
    "parse_weights",
    "with_checkpointed",
]

_GIGABYTE = 1024.0
_UNITS = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
_FIRST_PORT, _PORTS_EACH = 31000, 1000


def parse_resources(text: str) -> tuple[mesos.Resource, ...]:
    """Read `cpus:4;mem:1024;ports:[31000-32000]` or a JSON array of resources.

    Raises ConfigurationError for anything else.
    """
    try:
        return tuple(Resources.parse(text, flag=True).messages(version=0))
    except ValueError as error:
        raise ConfigurationError(
            f"resources {text!r} cannot be read ({error}); write them as 'cpus:4;mem:4096'"
        ) from error


def with_checkpointed(total: Resources, kept: Resources) -> Resources:
    """Put reservations and volumes that an agent remembers into what its flags say it has.

    Raises ConfigurationError when the flags no longer give enough.
    """
    for resource in kept:
        bare = type(resource)()
        bare.CopyFrom(resource)
        bare.ClearField("shared")
        if bare.disk.HasField("source"):
            bare.disk.ClearField("persistence")
            bare.disk.ClearField("volume")
        else:
            bare.ClearField("disk")
        while bare.reservations and bare.reservations[-1].type == bare.ReservationInfo.DYNAMIC:
            del bare.reservations[-1]
        if bare not in total:
            raise ConfigurationError(f"the resources {total} lack {resource.name}, of which some is reserved")
        total = total - bare + resource
    return total


def checkpointed(total: Resources) -> Resources:
    """Give what an agent with these resources has to remember: dynamic reservations and volumes."""
    reserved = total.dynamically_reserved()
    return reserved + (total.persistent_volumes() - reserved)


def default_resources(number: int = 1, of: int = 1) -> tuple[mesos.Resource, ...]:
    """Give what agent `number` (from 1) has when nothing is said: its share of this machine.

    As a real agent, 1 GB of memory and 5 GB of disk are left to the machine; agents of one cluster get
    different ports, as they really share the host.
    """
    memory = _memory_mb()
    memory = memory - _GIGABYTE if memory >= 2 * _GIGABYTE else memory / 2
    disk = shutil.disk_usage("/").total / 2**20
    disk = disk - 5 * _GIGABYTE if disk >= 10 * _GIGABYTE else disk / 2
    first = _FIRST_PORT + (number - 1) % 30 * _PORTS_EACH
    return parse_resources(
        f"cpus:{os.cpu_count() or 1};mem:{memory // of:.0f};disk:{disk // of:.0f};"
        f"ports:[{first}-{first + _PORTS_EACH - 1}]"
    )


def _memory_mb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20


def parse_attributes(text: str) -> tuple[mesos.Attribute, ...]:
    """Read `rack:r1;cores:8;zone:[1-3]`. Raises ConfigurationError for an attribute without a value."""
    try:
        return tuple(Attributes.parse(text).messages(version=0))
    except ValueError as error:
        raise ConfigurationError(f"attributes {text!r} cannot be read ({error}); write 'rack:r1'") from error


def parse_bytes(text: str) -> int:
    """Read an amount of memory or disk, such as `2GB` or `512KB`. Raises ConfigurationError."""
    digits = text.rstrip("KMGTB")
    unit = _UNITS.get(text[len(digits) :])
    if not digits.isdecimal() or unit is None:
        raise ConfigurationError(f"amount {text!r} cannot be read; write it as '512MB'")
    return int(digits) * unit


def parse_environment(text: str) -> tuple[tuple[str, str], ...]:
    """Read a JSON object of texts by name. Raises ConfigurationError, which does not tell what they are."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ConfigurationError(f"not JSON: {error}") from error
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ConfigurationError('not an object of texts; write it as \'{"NAME": "value"}\'')
    return tuple(found.items())


def parse_weights(text: str) -> Mapping[str, float]:
    """Read `role=2.5,other=1`. Raises ConfigurationError for a weight that is not a positive number."""
    weights = {}
    for part in filter(None, text.split(",")):
        role, equals, value = part.partition("=")
        try:
            weight = float(value)
        except ValueError:
            weight = 0.0
        if not (role and equals and weight > 0):
            raise ConfigurationError(f"weight {part!r} cannot be read; write it as 'role=2.5'")
        weights[role] = weight
    return weights
