"""What offer operations do to resources: some are consumed, some come in their place.

Mirrors upstream's `getResourceConversions`. Disk operations end in what the storage provider answers,
so they need that answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from mesos_proto.convert import evolve
from mesos_proto.errors import OperationError, ResourceError
from mesos_proto.resources._validate import validate
from mesos_proto.v0 import mesos_pb2 as mesos0
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.values import from_fixed, to_fixed

if TYPE_CHECKING:
    from mesos_proto.resources._resources import Resources

_Operation = mesos.Offer.Operation


class Conversion(NamedTuple):
    """Resources that go, resources that come, and a volume that must be gone altogether."""

    consumed: Resources
    converted: Resources
    gone: Resources | None = None


def apply(
    have: Resources,
    operation: mesos.Offer.Operation | mesos0.Offer.Operation,
    converted: Iterable[mesos.Resource | mesos0.Resource] | None,
) -> Resources:
    """Apply an operation; see `Resources.apply`."""
    ours = evolve(operation) if isinstance(operation, mesos0.Offer.Operation) else operation
    name = _Operation.Type.Name(ours.type)
    try:
        conversions = _conversions(ours, converted)
    except OperationError:
        raise
    except ResourceError as error:
        raise OperationError(f"{name}: {error}") from None
    left = have
    for conversion in conversions:
        if not left.contains(conversion.consumed):
            raise OperationError(f"{name}: {left} does not contain {conversion.consumed}")
        left = left - conversion.consumed + conversion.converted
        if conversion.gone is not None and left.contains(conversion.gone):
            raise OperationError(f"{name}: further shared copies of {conversion.gone} are in use")
    if converted is None and left.quantities() != have.quantities():
        raise OperationError(f"{name}: would turn {have} into {left}, which is not as much")
    return left


def _conversions(
    operation: mesos.Offer.Operation, converted: Iterable[mesos.Resource | mesos0.Resource] | None
) -> list[Conversion]:
    from mesos_proto.resources._resources import Resources

    kind = operation.type
    disk = kind in (_Operation.CREATE_DISK, _Operation.DESTROY_DISK)
    if converted is not None and not disk:
        raise OperationError(f"{_Operation.Type.Name(kind)}: only disk operations take 'converted'")
    if kind == _Operation.RESERVE:
        return [_reserve(operation.reserve)]
    if kind == _Operation.UNRESERVE:
        return [_unreserve(reserved) for reserved in operation.unreserve.resources]
    if kind == _Operation.CREATE:
        return [_create(volume) for volume in operation.create.volumes]
    if kind == _Operation.DESTROY:
        return [_destroy(volume) for volume in operation.destroy.volumes]
    if kind == _Operation.GROW_VOLUME:
        return [_grow(operation.grow_volume.volume, operation.grow_volume.addition)]
    if kind == _Operation.SHRINK_VOLUME:
        return [_shrink(operation.shrink_volume.volume, operation.shrink_volume.subtract)]
    if disk and converted is not None:
        source = (
            operation.create_disk.source if kind == _Operation.CREATE_DISK else operation.destroy_disk.source
        )
        return [Conversion(Resources([source]), Resources(converted))]
    if disk:
        raise OperationError(f"{_Operation.Type.Name(kind)}: 'converted', the provider's answer, is missing")
    raise OperationError(f"{_Operation.Type.Name(kind)}: changes no resources")


def _reserve(reserve: mesos.Offer.Operation.Reserve) -> Conversion:
    from mesos_proto.resources._resources import Resources

    reserved = Resources(reserve.resources)
    _must_be_dynamic(reserved)
    source = Resources(reserve.source) if reserve.source else reserved.pop_reservation()
    return Conversion(source, reserved)


def _unreserve(resource: mesos.Resource) -> Conversion:
    from mesos_proto.resources._resources import Resources

    reserved = Resources([resource])
    _must_be_dynamic(reserved)
    return Conversion(reserved, reserved.pop_reservation())


def _must_be_dynamic(reserved: Resources) -> None:
    static = reserved - reserved.dynamically_reserved()
    if static:
        raise ResourceError(f"{static} is not dynamically reserved")


def _create(volume: mesos.Resource) -> Conversion:
    from mesos_proto.resources._resources import Resources

    created = Resources([volume])
    return Conversion(Resources([_stripped(volume)]), created)


def _destroy(volume: mesos.Resource) -> Conversion:
    from mesos_proto.resources._resources import Resources

    destroyed = Resources([volume])
    return Conversion(destroyed, Resources([_stripped(volume)]), destroyed)


def _grow(volume: mesos.Resource, addition: mesos.Resource) -> Conversion:
    from mesos_proto.resources._resources import Resources

    _must_be_resizable(volume)
    validate(addition)
    grown = mesos.Resource()
    grown.CopyFrom(volume)
    grown.scalar.value = from_fixed(to_fixed(volume.scalar.value) + to_fixed(addition.scalar.value))
    return Conversion(Resources([volume, addition]), Resources([grown]))


def _shrink(volume: mesos.Resource, subtract: mesos.Value.Scalar) -> Conversion:
    from mesos_proto.resources._resources import Resources

    _must_be_resizable(volume)
    shrunk = mesos.Resource()
    shrunk.CopyFrom(volume)
    left = to_fixed(volume.scalar.value) - to_fixed(subtract.value)
    if subtract.value <= 0 or left <= 0:
        raise ResourceError(f"a volume of {volume.scalar.value} cannot shrink by {subtract.value}")
    shrunk.scalar.value = from_fixed(left)
    freed = _stripped(volume)
    freed.scalar.value = subtract.value
    return Conversion(Resources([volume]), Resources([shrunk, freed]))


def _must_be_resizable(volume: mesos.Resource) -> None:
    validate(volume)
    if not volume.disk.HasField("persistence"):
        raise ResourceError("only a persistent volume can change its size")
    if volume.HasField("provider_id"):
        raise ResourceError("volumes of resource providers cannot change their size")


def _stripped(volume: mesos.Resource) -> mesos.Resource:
    """Return the disk that a volume is made of."""
    if not volume.disk.HasField("persistence"):
        raise ResourceError("not a persistent volume")
    bare = mesos.Resource()
    bare.CopyFrom(volume)
    if bare.disk.HasField("source"):
        bare.disk.ClearField("persistence")
        bare.disk.ClearField("volume")
    else:
        bare.ClearField("disk")
    bare.ClearField("shared")
    return bare
