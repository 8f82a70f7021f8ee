"""What a resource is, apart from how much of it there is.

Strategy: two amounts can be added or subtracted when everything but the amount is alike, in the sense
of upstream's `addable` and `subtractable`. A `Shape` holds that everything as a hashable value, so
that finding the amount to add to is one look in a dictionary. Amounts that cannot be split or joined
(a mount, a block device, a volume) are told apart by their value as well: see `Entry.match`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

from google.protobuf.message import Message

from mesos_proto.errors import ResourceError
from mesos_proto.v0 import mesos_pb2 as mesos0
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.values import Ranges, from_fixed, to_fixed

Amount = int | Ranges | tuple[str, ...]
"""Thousandths of a scalar, ranges, or the items of a set in order."""

Labels = tuple[tuple[str, str | None], ...]

SCALAR = mesos.Value.SCALAR
RANGES = mesos.Value.RANGES
SET = mesos.Value.SET
_VALUES: dict[int, int] = {SCALAR: 3, RANGES: 4, SET: 5}  # the number of the field that holds the amount

_Source = mesos.Resource.DiskInfo.Source
_EXCLUSIVE = {_Source.MOUNT, _Source.BLOCK}


AnyResource = mesos.Resource | mesos0.Resource
_OURS = {mesos.Resource, mesos0.Resource}
_FULL_NAMES = {"mesos.Resource", "mesos.v1.Resource"}


class Reservation(NamedTuple):
    """One layer of a reservation."""

    type: int
    role: str
    principal: str | None
    labels: Labels | None

    @property
    def dynamic(self) -> bool:
        """Whether it was made by an operation, not by the agent's operator."""
        return self.type == mesos.Resource.ReservationInfo.DYNAMIC

    @property
    def identity(self) -> Hashable:
        """What makes two reservations equal; the order of labels does not count."""
        return (
            self.type,
            self.role,
            self.principal,
            None if self.labels is None else tuple(sorted(self.labels, key=repr)),
        )

    def fill(self, info: mesos.Resource.ReservationInfo) -> None:
        """Write it into an empty message."""
        info.type = self.type  # type: ignore[assignment]
        info.role = self.role
        if self.principal is not None:
            info.principal = self.principal
        if self.labels is not None:
            info.labels.SetInParent()
            for key, value in self.labels:
                label = info.labels.labels.add(key=key)
                if value is not None:
                    label.value = value


class Disk(NamedTuple):
    """What sets a disk apart, and the serialized v1 `DiskInfo` it was read from."""

    data: bytes
    source: Hashable
    source_type: int | None
    source_id: bool
    persistence: str | None

    @property
    def identity(self) -> Hashable:
        """What makes two disks equal: the volume's paths and the creator do not count."""
        return self.source, self.persistence

    @property
    def exclusive(self) -> bool:
        """Whether it can only be had whole."""
        return (
            self.persistence is not None
            or self.source_type in _EXCLUSIVE
            or (self.source_type == _Source.RAW and self.source_id)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """Everything of a resource but its amount."""

    name: str
    type: int
    allocation: str | None = None  # "" is an allocation that names no role
    reservations: tuple[Reservation, ...] = ()
    disk: Disk | None = None
    revocable: bool = False
    provider: str | None = None
    shared: bool = False
    key: tuple[Hashable, ...] = ()
    code: int = 0

    def __post_init__(self) -> None:
        key = (
            self.name,
            self.type,
            self.allocation,
            tuple([reservation.identity for reservation in self.reservations]),
            None if self.disk is None else self.disk.identity,
            self.revocable,
            self.provider,
            self.shared,
        )
        object.__setattr__(self, "key", key)
        object.__setattr__(self, "code", hash(key))

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Shape) and self.code == other.code and self.key == other.key
        )

    def __hash__(self) -> int:
        return self.code

    @property
    def role(self) -> str | None:
        """The role it is reserved for, None when it is not."""
        return self.reservations[-1].role if self.reservations else None

    @property
    def persistent(self) -> bool:
        """Whether it is a persistent volume."""
        return self.disk is not None and self.disk.persistence is not None

    @property
    def exclusive(self) -> bool:
        """Whether it can only be added, subtracted and contained whole."""
        return self.disk is not None and self.disk.exclusive

    def but(self, **changes: object) -> Shape:
        """Return a copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


class Entry(NamedTuple):
    """An amount of a shape; `copies` is how many there are of a shared one, else 1."""

    shape: Shape
    amount: Amount
    copies: int = 1

    @property
    def match(self) -> Hashable:
        """What an entry must share with another to be added to it or taken from it."""
        shape = self.shape
        if shape.disk is None or not (shape.shared or shape.disk.exclusive):
            return shape
        amount = self.amount
        return shape, frozenset(amount) if isinstance(amount, tuple) else amount

    @property
    def empty(self) -> bool:
        """Whether there is nothing of it."""
        amount = self.amount
        return (amount == 0 if isinstance(amount, int) else not len(amount)) or self.copies == 0


@lru_cache(maxsize=8192)
def shape_of(
    name: str,
    kind: int,
    allocation: str | None,
    reservations: tuple[Reservation, ...],
    revocable: bool,
    provider: str | None,
) -> Shape:
    """Return the shape of a resource that is not a special disk; the same object every time."""
    return Shape(name, kind, allocation, reservations, None, revocable, provider)


def read(resource: AnyResource) -> Entry:
    """Read a resource that has been validated, in any of its formats."""
    return _read(resource)[0]


def read_valid(resource: AnyResource, validate: Callable[[AnyResource], None]) -> Entry:
    """Validate a resource and read it.

    The plain ones, which are nearly all, are found to be valid in passing; `validate` is for the rest.
    """
    if type(resource) not in _OURS:
        resource = _adopted(resource)
    try:
        entry, plain = _read(resource)
    except ResourceError:
        # Says which resource it is.
        validate(resource)
        raise
    if not plain:
        validate(resource)
    return entry


def _adopted(other: object) -> mesos.Resource:
    """Return a resource of another set of generated messages as one of ours."""
    if not isinstance(other, Message) or other.DESCRIPTOR.full_name not in _FULL_NAMES:
        raise TypeError(f"want a Resource message, not {type(other).__name__}")
    return mesos.Resource.FromString(other.SerializePartialToString())


def _read(resource: AnyResource) -> tuple[Entry, bool]:
    """Read a resource; tell also whether it is plain and valid: one look at each field that is set."""
    name, kind = "", -1
    amount: Amount | None = None
    role: str | None = None
    allocation: str | None = None
    old: Message | None = None
    reservations: tuple[Reservation, ...] = ()
    disk: Disk | None = None
    revocable = shared = False
    provider: str | None = None
    plain = True
    for field, value in resource.ListFields():
        number = field.number
        if number == 1:
            name = text(value)
        elif number == 2:
            kind = value
        elif number in (3, 4, 5):
            if amount is not None or _VALUES.get(kind) != number:
                plain = False
                continue
            amount, plain = _read_amount(number, value)
        elif number == 11:
            allocation = text(value.role)
        elif number == 9:
            revocable = True
        elif number == 12:
            provider = text(value.value)
        elif number == 6:
            role = text(value)
            plain = plain and role == "*"
        else:
            plain = False
            if number == 8:
                old = value
            elif number == 13:
                reservations = tuple([read_reservation(info) for info in value])
            elif number == 7:
                disk = read_disk(value)
            elif number == 10:
                shared = True
    if amount is None:
        plain = False
        amount = 0 if kind == SCALAR else Ranges() if kind == RANGES else ()
    if role is not None and role != "*" and not reservations:
        reservations = (_read_old(role, old),)
    if disk is None and not shared:
        shape = shape_of(name, kind, allocation, reservations, revocable, provider)
    else:
        shape = Shape(name, kind, allocation, reservations, disk, revocable, provider, shared)
    return Entry(shape, amount), plain and name != ""


def _read_amount(number: int, value: Any) -> tuple[Amount, bool]:
    """Read an amount by the number of its field; tell also whether it is valid beyond doubt."""
    if number == 3:
        scalar = value.value
        fixed = to_fixed(scalar)
        return fixed, fixed > 0 or scalar == 0
    if number == 4:
        pairs = [(span.begin, span.end) for span in value.range]
        return Ranges(pairs), len(pairs) < 2
    items = tuple([text(item) for item in value.item])
    return items, len(items) == len(set(items))


def text(value: str) -> str:
    """Return a string of a message. Raises `ResourceError` for one that protobuf leaves as bytes."""
    if isinstance(value, str):
        return value
    raise ResourceError(f"{value!r} is not text in UTF-8")


def read_reservation(info: Message) -> Reservation:
    """Read one layer of a reservation."""
    ours = info if isinstance(info, mesos.Resource.ReservationInfo) else _ours(info)
    return Reservation(
        ours.type,
        text(ours.role),
        text(ours.principal) if ours.HasField("principal") else None,
        _read_labels(ours.labels) if ours.HasField("labels") else None,
    )


def _ours(info: Message) -> mesos.Resource.ReservationInfo:
    return mesos.Resource.ReservationInfo.FromString(info.SerializePartialToString())


def _read_old(role: str, info: Message | None) -> Reservation:
    """Read a reservation from the fields that came before refinement."""
    if info is None:
        return Reservation(mesos.Resource.ReservationInfo.STATIC, role, None, None)
    found = read_reservation(info)
    return found._replace(type=mesos.Resource.ReservationInfo.DYNAMIC, role=role)


def _read_labels(labels: mesos.Labels) -> Labels:
    return tuple(
        [(text(label.key), text(label.value) if label.HasField("value") else None) for label in labels.labels]
    )


def read_disk(disk: Message) -> Disk:
    """Read what sets a disk apart."""
    data = disk.SerializePartialToString()
    ours = mesos.Resource.DiskInfo.FromString(data)
    source: Hashable = None
    if ours.HasField("source"):
        bare = mesos.Resource.DiskInfo.Source()
        bare.CopyFrom(ours.source)
        labels = None
        if bare.HasField("metadata"):
            labels = tuple(sorted(_read_labels(bare.metadata), key=repr))
            bare.ClearField("metadata")
        source = (bare.SerializePartialToString(), labels)
    return Disk(
        data,
        source,
        ours.source.type if ours.HasField("source") else None,
        ours.source.HasField("id"),
        text(ours.persistence.id) if ours.HasField("persistence") else None,
    )


def write(entry: Entry) -> mesos.Resource:
    """Make the v1 message of one copy of an entry."""
    shape, amount = entry.shape, entry.amount
    resource = mesos.Resource(name=shape.name, type=shape.type)  # type: ignore[arg-type]
    if isinstance(amount, int):
        resource.scalar.value = from_fixed(amount)
    elif isinstance(amount, Ranges):
        resource.ranges.SetInParent()
        for begin, end in amount.spans:
            resource.ranges.range.add(begin=begin, end=end)
    else:
        resource.set.SetInParent()
        resource.set.item.extend(amount)
    if shape.allocation is not None:
        resource.allocation_info.SetInParent()
        if shape.allocation:
            resource.allocation_info.role = shape.allocation
    for reservation in shape.reservations:
        reservation.fill(resource.reservations.add())
    if shape.disk is not None:
        resource.disk.MergeFromString(shape.disk.data)
        resource.disk.SetInParent()
    if shape.revocable:
        resource.revocable.SetInParent()
    if shape.provider is not None:
        resource.provider_id.value = shape.provider
    if shape.shared:
        resource.shared.SetInParent()
    return resource


def write_v0(entry: Entry) -> mesos0.Resource:
    """Make the v0 message of one copy of an entry."""
    return mesos0.Resource.FromString(write(entry).SerializePartialToString())


def combined(left: Amount, right: Amount) -> Amount:
    """Add two amounts of one shape."""
    if isinstance(left, int) and isinstance(right, int):
        return left + right
    if isinstance(left, Ranges) and isinstance(right, Ranges):
        return left + right
    if isinstance(left, tuple) and isinstance(right, tuple):
        have = set(left)
        return left + tuple([item for item in right if item not in have])
    raise ResourceError("cannot add amounts of different types")


def reduced(left: Amount, right: Amount) -> Amount:
    """Subtract an amount from another of the same shape."""
    if isinstance(left, int) and isinstance(right, int):
        return left - right
    if isinstance(left, Ranges) and isinstance(right, Ranges):
        return left - right
    if isinstance(left, tuple) and isinstance(right, tuple):
        gone = set(right)
        return tuple([item for item in left if item not in gone])
    raise ResourceError("cannot subtract amounts of different types")


def covers(left: Amount, right: Amount) -> bool:
    """Tell whether an amount holds another of the same shape."""
    if isinstance(left, int) and isinstance(right, int):
        return right <= left
    if isinstance(left, Ranges) and isinstance(right, Ranges):
        return right <= left
    if isinstance(left, tuple) and isinstance(right, tuple):
        return set(right) <= set(left)
    return False
