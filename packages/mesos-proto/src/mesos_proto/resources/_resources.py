"""`Resources`: an immutable sum of resources, with upstream's arithmetic.

Mirrors upstream's `resources.cpp`. What is kept apart there (by name, type, role, disk, revocability,
provider) is kept apart here; scalars have three decimals; ranges and sets are coalesced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal, overload

from google.protobuf.message import Message

from mesos_proto.errors import InsufficientResourcesError, ResourceError
from mesos_proto.resources import _find, _json, _operations, _print, _text
from mesos_proto.resources._amounts import Amounts
from mesos_proto.resources._formats import ResourceFormat, convert_format
from mesos_proto.resources._shape import (
    SCALAR,
    Amount,
    AnyResource,
    Entry,
    Reservation,
    read_reservation,
    read_valid,
    write,
    write_v0,
)
from mesos_proto.resources._sum import Index, Sum, contains, index_of
from mesos_proto.resources._validate import validate
from mesos_proto.roles import is_strict_subrole
from mesos_proto.v0 import mesos_pb2 as mesos0
from mesos_proto.v1 import mesos_pb2 as mesos

AnyOffer = mesos.Offer | mesos0.Offer
AnyOperation = mesos.Offer.Operation | mesos0.Offer.Operation
AnyReservation = mesos.Resource.ReservationInfo | mesos0.Resource.ReservationInfo


def _entry(resource: AnyResource) -> Entry:
    """Validate and read one message."""
    return read_valid(resource, validate)


class Resources(Amounts):
    """An immutable sum of resources.

    `a + b` joins, `a - b` takes away and never fails, `b in a` and `a.contains(b)` compare, `bool(a)`
    is false for nothing. Operands may be `Resources`, a message, or an iterable of messages. Iterating
    yields v1 messages in the format of refined reservations, a shared one once for each copy.
    """

    __slots__ = ("_entries", "_index")

    _entries: tuple[Entry, ...]
    _index: Index | None

    def __init__(
        self, resources: Resources | AnyResource | Iterable[AnyResource] = (), *, skip_invalid: bool = False
    ) -> None:
        """Sum up messages, of either API and in any format of reservations.

        Raises `ResourceError` for one that Mesos would refuse; with `skip_invalid` leaves it out, as
        upstream's constructor does.
        """
        if isinstance(resources, Resources):
            self._entries, self._index = resources._entries, resources._index
            return
        total = Sum()
        for resource in _messages(resources):
            try:
                entry = _entry(resource)
            except ResourceError:
                if not skip_invalid:
                    raise
                continue
            total.add(entry)
        self._entries, self._index = tuple(total.entries), total.index

    # --- making them

    @classmethod
    def parse(cls, text: str, default_role: str = "*", *, flag: bool = False) -> Resources:
        """Parse text, `"cpus:4;mem(role):1024;ports:[31000-32000]"`, or a JSON array of resources.

        What names no role is reserved for `default_role`. With `flag`, refuses what an agent's
        `--resources` refuses: volumes, dynamic reservations, revocable resources. Raises `ParseError`
        for bad text and `ResourceError` for what is no resource.
        """
        stripped = text.lstrip()
        if stripped.startswith("["):
            found = _json.parse(text, default_role)
        else:
            found = _text.parse(text, default_role)
        return cls._of(_text.checked(found, text, flag=flag))

    @classmethod
    def from_json(cls, data: str | Iterable[Mapping[str, object]], default_role: str = "*") -> Resources:
        """Read a JSON array of resources, as text or as parsed. Raises `JSONError`, `ResourceError`."""
        return cls._of(_json.read_array(data, default_role))

    @classmethod
    def sum(cls, many: Iterable[Resources | AnyResource | Iterable[AnyResource]]) -> Resources:
        """Add up many in one go."""
        total = Sum()
        for one in many:
            for entry in _entries(one):
                total.add(entry)
        return cls._from(total)

    @classmethod
    def of_offers(cls, offers: Iterable[AnyOffer]) -> Resources:
        """Add up the resources of offers."""
        return cls.sum(offer.resources for offer in offers)

    @classmethod
    def _of(cls, entries: Iterable[Entry]) -> Resources:
        total = Sum()
        for entry in entries:
            total.add(entry)
        return cls._from(total)

    @classmethod
    def _from(cls, total: Sum) -> Resources:
        made = cls.__new__(cls)
        made._entries, made._index = tuple(total.entries), total.index
        return made

    @classmethod
    def _selected(cls, entries: Iterable[Entry]) -> Resources:
        """Make resources of some of the entries of others: they are joined already."""
        made = cls.__new__(cls)
        made._entries, made._index = tuple(entries), None
        return made

    def _sum(self) -> Sum:
        """Return a copy to work on."""
        return Sum(self._entries, self._index)

    # --- messages

    def __iter__(self) -> Iterator[mesos.Resource]:
        for entry in self._entries:
            for _ in range(entry.copies):
                yield write(entry)

    def __len__(self) -> int:
        return sum(entry.copies for entry in self._entries)

    def __bool__(self) -> bool:
        return bool(self._entries)

    @overload
    def messages(self, version: Literal[1] = 1, format: ResourceFormat = ...) -> list[mesos.Resource]: ...

    @overload
    def messages(self, version: Literal[0], format: ResourceFormat = ...) -> list[mesos0.Resource]: ...

    def messages(
        self, version: int = 1, format: ResourceFormat = ResourceFormat.POST_RESERVATION_REFINEMENT
    ) -> list[mesos.Resource] | list[mesos0.Resource]:
        """Return messages of API `version` 1 or 0, with their reservations in a given format."""
        if version not in (0, 1):
            raise ValueError(f"version must be 0 or 1, not {version!r}")
        if version == 1:
            return [convert_format(resource, format) for resource in self]
        old = [write_v0(entry) for entry in self._entries for _ in range(entry.copies)]
        return [convert_format(resource, format) for resource in old]

    # --- text

    def __str__(self) -> str:
        return _print.upstream(self._entries)

    def __repr__(self) -> str:
        return f"<Resources {self}>"

    def to_text(self) -> str:
        """Write text that `parse` reads back. Raises `ResourceError` for what only JSON can say."""
        return _text.to_text(self._entries)

    def to_json(self) -> list[dict[str, object]]:
        """Return the JSON array of resources, to be dumped."""
        return _json.write_array(self)

    # --- arithmetic

    def __add__(self, other: Resources | AnyResource | Iterable[AnyResource]) -> Resources:
        total = self._sum()
        for entry in _entries(other):
            total.add(entry)
        return Resources._from(total)

    def __radd__(self, other: AnyResource | Iterable[AnyResource] | Literal[0]) -> Resources:
        if other == 0:
            return self
        return Resources() + other + self

    def __sub__(self, other: Resources | AnyResource | Iterable[AnyResource]) -> Resources:
        total = self._sum()
        for entry in _entries(other):
            total.subtract(entry)
        return Resources._from(total)

    def checked_subtract(self, other: Resources | AnyResource | Iterable[AnyResource]) -> Resources:
        """Subtract, or raise `InsufficientResourcesError` when `other` is not contained."""
        taken = _resources(other)
        if not self.contains(taken):
            raise InsufficientResourcesError(f"{self} does not contain {taken}")
        return self - taken

    def contains(self, other: Resources | AnyResource | Iterable[AnyResource]) -> bool:
        """Tell whether all of `other` is here."""
        if self._index is None:
            self._index = index_of(self._entries)
        entries: Sequence[Entry] = self._entries
        index = self._index
        remaining: Sum | None = None
        for entry in _entries(other):
            if not contains(entries, index, entry):
                return False
            if entry.shape.persistent:
                # A volume that is asked for twice must be here twice.
                remaining = remaining or self._sum()
                remaining.subtract(entry)
                entries, index = remaining.entries, remaining.index
        return True

    def __contains__(self, other: Resources | AnyResource) -> bool:
        return self.contains(other)

    def count(self, resource: AnyResource) -> int:
        """How many copies there are of exactly this resource: of a shared one, its copies, else 0 or 1."""
        wanted = _entry(resource)
        for entry in self._entries:
            if entry.shape == wanted.shape and covers_exactly(entry.amount, wanted.amount):
                return entry.copies
        return 0

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Resources):
            return NotImplemented
        return self.contains(other) and other.contains(self)

    def __hash__(self) -> int:
        return hash(frozenset(entry.shape for entry in self._entries))

    def __reduce__(self) -> tuple[type[Resources], tuple[list[mesos.Resource]]]:
        # Shapes remember their hashes, which another process would compute differently.
        return Resources, (self.messages(),)

    # --- parts

    def filter(self, predicate: Callable[[mesos.Resource], bool]) -> Resources:
        """Return those for whose message the predicate holds."""
        return Resources._selected(entry for entry in self._entries if predicate(write(entry)))

    def _where(self, predicate: Callable[[Entry], bool]) -> Resources:
        return Resources._selected(entry for entry in self._entries if predicate(entry))

    def get(self, name: str) -> Resources:
        """Return those of a name."""
        return self._where(lambda entry: entry.shape.name == name)

    def scalars(self) -> Resources:
        """Return the scalars."""
        return self._where(lambda entry: entry.shape.type == SCALAR)

    def reserved(self, role: str | None = None) -> Resources:
        """Return what is reserved: for exactly a role, or for any."""
        return self._where(lambda entry: entry.shape.role is not None and role in (None, entry.shape.role))

    def unreserved(self) -> Resources:
        """Return what is not reserved."""
        return self._where(lambda entry: entry.shape.role is None)

    def dynamically_reserved(self) -> Resources:
        """Return what an operation reserved."""
        return self._where(
            lambda entry: bool(entry.shape.reservations) and entry.shape.reservations[-1].dynamic
        )

    def allocatable_to(self, role: str) -> Resources:
        """Return what can be offered to a role: unreserved, reserved for it or for one above it."""
        return self._where(
            lambda entry: entry.shape.role in (None, role) or is_strict_subrole(role, entry.shape.role or "")
        )

    def reserved_to_subtree(self, role: str) -> Resources:
        """Return what is reserved for a role or for one below it."""
        return self._where(
            lambda entry: (
                entry.shape.role == role
                or (entry.shape.role is not None and is_strict_subrole(entry.shape.role, role))
            )
        )

    def persistent_volumes(self) -> Resources:
        """Return the persistent volumes."""
        return self._where(lambda entry: entry.shape.persistent)

    def revocable(self) -> Resources:
        """Return what may be taken back at any moment."""
        return self._where(lambda entry: entry.shape.revocable)

    def nonrevocable(self) -> Resources:
        """Return what is not revocable."""
        return self._where(lambda entry: not entry.shape.revocable)

    def shared(self) -> Resources:
        """Return what several tasks may hold."""
        return self._where(lambda entry: entry.shape.shared)

    def nonshared(self) -> Resources:
        """Return what only one task may hold."""
        return self._where(lambda entry: not entry.shape.shared)

    def reservations(self) -> dict[str, Resources]:
        """Return what is reserved, by role."""
        roles = dict.fromkeys(entry.shape.role for entry in self._entries)
        return {role: self.reserved(role) for role in roles if role is not None}

    def allocations(self) -> dict[str, Resources]:
        """Return what is allocated, by the role it is allocated to."""
        roles = dict.fromkeys(entry.shape.allocation for entry in self._entries)
        return {
            role: self._where(lambda entry, role=role: entry.shape.allocation == role)  # type: ignore[misc]
            for role in roles
            if role is not None
        }

    # --- other shapes

    def allocate(self, role: str) -> Resources:
        """Return them allocated to a role."""
        return self._reshaped(allocation=role)

    def unallocate(self) -> Resources:
        """Return them allocated to nobody."""
        return self._reshaped(allocation=None)

    def to_unreserved(self) -> Resources:
        """Return them without their reservations."""
        return self._reshaped(reservations=())

    def flatten(self, role: str = "*", reservation: AnyReservation | None = None) -> Resources:
        """Return them with one reservation: none for `"*"`, else a static one, or the one given."""
        if reservation is not None:
            return self.to_unreserved().push_reservation(reservation)
        if role == "*":
            return self.to_unreserved()
        static = mesos.Resource.ReservationInfo(type=mesos.Resource.ReservationInfo.STATIC, role=role)
        return self.to_unreserved().push_reservation(static)

    def push_reservation(self, reservation: AnyReservation) -> Resources:
        """Return them with one more layer of reservation. Raises `ResourceError` where it cannot refine."""
        layer = read_reservation(reservation)
        if not reservation.HasField("type") or not reservation.HasField("role"):
            raise ResourceError("a reservation needs a type and a role")
        pushed = [self._with_layer(entry, layer) for entry in self._entries]
        for entry in pushed:
            validate(write(entry))
        return Resources._of(pushed)

    @staticmethod
    def _with_layer(entry: Entry, layer: Reservation) -> Entry:
        return entry._replace(shape=entry.shape.but(reservations=(*entry.shape.reservations, layer)))

    def pop_reservation(self) -> Resources:
        """Return them without their topmost reservation. Raises `ResourceError` where there is none."""
        popped = []
        for entry in self._entries:
            if not entry.shape.reservations:
                raise ResourceError(f"{_print.upstream([entry])} is not reserved")
            popped.append(entry._replace(shape=entry.shape.but(reservations=entry.shape.reservations[:-1])))
        return Resources._of(popped)

    def _reshaped(self, **changes: object) -> Resources:
        return Resources._of(entry._replace(shape=entry.shape.but(**changes)) for entry in self._entries)

    # --- work

    def find(self, targets: Resources | AnyResource | Iterable[AnyResource]) -> Resources | None:
        """Find this much, first in the targets' roles, then unreserved, then in any other role.

        Returns what was found with its own reservations, None when one target cannot be found. A target
        that is allocated to no role is found whatever role there is allocated to: offers name one.
        """
        return _find.find(self, _resources(targets))

    def allocate_ports(self, count: int, *, name: str = "ports", role: str | None = None) -> Resources:
        """Return `count` single ports, the lowest first: reserved for `role`, unreserved, then any other.

        Raises `InsufficientResourcesError` when there are fewer.
        """
        return _find.allocate_ports(self, count, name, role)

    def apply(self, operation: AnyOperation, converted: Iterable[AnyResource] | None = None) -> Resources:
        """Return what is left after an offer operation.

        `converted` is what a storage provider answered; only disk operations have it. Raises
        `OperationError` when the operation cannot be applied.
        """
        return _operations.apply(self, operation, converted)


def covers_exactly(left: Amount, right: Amount) -> bool:
    """Tell whether two amounts are equal; the order of a set does not count."""
    if isinstance(left, tuple) and isinstance(right, tuple):
        return set(left) == set(right)
    return left == right


def _entries(value: Resources | AnyResource | Iterable[AnyResource]) -> Iterable[Entry]:
    """Read an operand."""
    if isinstance(value, Resources):
        return value._entries
    return [_entry(resource) for resource in _messages(value)]


def _messages(value: AnyResource | Iterable[AnyResource]) -> Iterable[AnyResource]:
    """Return one message or many as an iterable of them."""
    if isinstance(value, Message):
        return (value,)
    if isinstance(value, (str, bytes)):
        raise TypeError("resources cannot be text here; use Resources.parse")
    return value


def _resources(value: Resources | AnyResource | Iterable[AnyResource]) -> Resources:
    """Return an operand as `Resources`."""
    return value if isinstance(value, Resources) else Resources._of(_entries(value))
