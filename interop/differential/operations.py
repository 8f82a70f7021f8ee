"""Reservations and volumes: what an operation does is seen in the next offer."""

from __future__ import annotations

from collections.abc import Callable

from mesos_proto.v0 import mesos_pb2 as mesos

from differential.client import Client, Site, note_offer
from differential.registration import MULTI_ROLE

ROLE = "interop"
REFINEMENT = mesos.FrameworkInfo.Capability(type=mesos.FrameworkInfo.Capability.RESERVATION_REFINEMENT)
Operation = mesos.Offer.Operation


def reserved(name: str, value: float, role: str = ROLE, principal: str = "") -> mesos.Resource:
    """Return an amount of a dynamically reserved resource."""
    resource = mesos.Resource(name=name, type=mesos.Value.SCALAR, scalar=mesos.Value.Scalar(value=value))
    reservation = resource.reservations.add(type=mesos.Resource.ReservationInfo.DYNAMIC, role=role)
    if principal:
        reservation.principal = principal
    return resource


def volume(
    size: float = 64, name: str = "v", mode: mesos.Volume.Mode.ValueType = mesos.Volume.RW
) -> mesos.Resource:
    """Return a persistent volume."""
    resource = reserved("disk", size)
    resource.disk.persistence.id = name
    resource.disk.volume.container_path = "data"
    resource.disk.volume.mode = mode
    return resource


def reserve(*resources: mesos.Resource) -> Operation:
    return Operation(type=Operation.RESERVE, reserve=Operation.Reserve(resources=resources))


def unreserve(*resources: mesos.Resource) -> Operation:
    return Operation(type=Operation.UNRESERVE, unreserve=Operation.Unreserve(resources=resources))


def create(*volumes: mesos.Resource) -> Operation:
    return Operation(type=Operation.CREATE, create=Operation.Create(volumes=volumes))


def destroy(*volumes: mesos.Resource) -> Operation:
    return Operation(type=Operation.DESTROY, destroy=Operation.Destroy(volumes=volumes))


def grow(of: mesos.Resource, by: mesos.Resource) -> Operation:
    return Operation(type=Operation.GROW_VOLUME, grow_volume=Operation.GrowVolume(volume=of, addition=by))


def shrink(of: mesos.Resource, by: float) -> Operation:
    return Operation(
        type=Operation.SHRINK_VOLUME,
        shrink_volume=Operation.ShrinkVolume(volume=of, subtract=mesos.Value.Scalar(value=by)),
    )


def _offer_of(client: Client, agent: str) -> mesos.Offer:
    while True:
        for offer in client.offers().offers:
            if offer.slave_id.value == agent:
                return offer
            client.decline(offer)


def _allocated(operation: Operation) -> Operation:
    """Return the operation with its resources allocated to the role."""
    copy = Operation()
    copy.CopyFrom(operation)
    resources = [
        *copy.reserve.resources,
        *copy.unreserve.resources,
        *copy.create.volumes,
        *copy.destroy.volumes,
    ]
    if copy.HasField("grow_volume"):
        resources += [copy.grow_volume.volume, copy.grow_volume.addition]
    if copy.HasField("shrink_volume"):
        resources.append(copy.shrink_volume.volume)
    for resource in resources:
        resource.allocation_info.role = ROLE
    return copy


def _script(
    name: str, steps: tuple[tuple[Operation, ...], ...], undo: tuple[Operation, ...] = ()
) -> Callable[[Site], None]:
    """Each step is one ACCEPT with some operations; `undo` leaves the agent as it was."""

    def script(site: Site) -> None:
        with site.client() as client:
            client.register(roles=[ROLE], capabilities=[MULTI_ROLE, REFINEMENT])
            offer = client.offer()
            agent = offer.slave_id.value
            for number, operations in enumerate((*steps, undo)):
                client.accept([offer.id], *map(_allocated, operations))
                offer = _offer_of(client, agent)
                site.note("step", number)
                note_offer(site, offer)
            client.fence()

    script.__name__ = name
    return script


_CPUS, _DISK, _MORE = reserved("cpus", 1), reserved("disk", 64), reserved("disk", 32)
_MADE = (reserve(_DISK), create(volume()))
_GONE = (destroy(volume()), unreserve(_DISK))

SCRIPTS = (
    _script("reserved_and_unreserved", ((reserve(_CPUS),),), (unreserve(_CPUS),)),
    _script("reserved_too_much", ((reserve(reserved("cpus", 99)),),)),
    _script("reserved_for_another_role", ((reserve(reserved("cpus", 1, "other")),),)),
    _script("reserved_for_all", ((reserve(reserved("cpus", 1, "*")),),)),
    _script(
        "reserved_by_another_principal",
        ((reserve(reserved("cpus", 1, principal="p")),),),
        (unreserve(reserved("cpus", 1, principal="p")),),
    ),
    _script("reserved_nothing", ((reserve(),),)),
    _script(
        "reserved_a_part",
        ((reserve(_CPUS),), (unreserve(reserved("cpus", 0.5)),)),
        (unreserve(reserved("cpus", 0.5)),),
    ),
    _script("unreserved_what_is_not", ((unreserve(_CPUS),),)),
    _script("created_and_destroyed", (_MADE,), _GONE),
    _script("created_without_reservation", ((create(volume()),),)),
    _script("created_twice", (_MADE, (reserve(_DISK), create(volume()))), (*_GONE, unreserve(_DISK))),
    _script(
        "created_read_only", ((reserve(_DISK), create(volume(mode=mesos.Volume.RO))),), (unreserve(_DISK),)
    ),
    _script("created_with_a_bad_name", ((reserve(_DISK), create(volume(name="a/b"))),), (unreserve(_DISK),)),
    _script("created_of_no_volume", ((reserve(_DISK), create(_DISK)),), (unreserve(_DISK),)),
    _script("destroyed_what_is_not", ((destroy(volume()),),)),
    _script("unreserved_a_volume", (_MADE, (unreserve(_DISK),), (unreserve(volume()),)), _GONE),
    _script(
        "grown",
        ((*_MADE, reserve(_MORE)), (grow(volume(), _MORE),)),
        (destroy(volume(96)), unreserve(reserved("disk", 96))),
    ),
    _script("grown_by_too_much", (_MADE, (grow(volume(), _MORE),)), _GONE),
    _script("grown_by_nothing", (_MADE, (grow(volume(), reserved("disk", 0)),)), _GONE),
    _script("shrunk", (_MADE, (shrink(volume(), 32),)), (destroy(volume(32)), unreserve(_DISK))),
    _script("shrunk_by_too_much", (_MADE, (shrink(volume(), 64),), (shrink(volume(), -1),)), _GONE),
    _script("shrunk_what_is_not", ((shrink(volume(), 32),),)),
)
