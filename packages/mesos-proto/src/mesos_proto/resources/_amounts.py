"""How much there is in a sum of resources, whatever the roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from mesos_proto.resources._shape import Amount, Entry, combined
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.values import Ranges, from_fixed, to_fixed


class Amounts:
    """What `Resources` tells of its entries by name."""

    __slots__ = ()

    _entries: tuple[Entry, ...]

    def scalar(self, name: str) -> float | None:
        """Return the sum of a scalar over all roles, None when there is none."""
        found = [e.amount for e in self._entries if e.shape.name == name and isinstance(e.amount, int)]
        return from_fixed(sum(found)) if found else None

    def ranges(self, name: str) -> Ranges | None:
        """Return the union of ranges over all roles, None when there are none."""
        return cast("Ranges | None", self._union(name, Ranges))

    def set(self, name: str) -> frozenset[str] | None:
        """Return the union of sets over all roles, None when there are none."""
        found = self._union(name, tuple)
        return None if found is None else frozenset(cast("tuple[str, ...]", found))

    def _union(self, name: str, kind: type) -> Amount | None:
        total: Amount | None = None
        for entry in self._entries:
            if entry.shape.name == name and isinstance(entry.amount, kind):
                total = entry.amount if total is None else combined(total, entry.amount)
        return total

    @property
    def cpus(self) -> float | None:
        """CPUs, of all roles."""
        return self.scalar("cpus")

    @property
    def gpus(self) -> float | None:
        """GPUs, of all roles."""
        return self.scalar("gpus")

    @property
    def mem(self) -> float | None:
        """Memory in megabytes, of all roles."""
        return self.scalar("mem")

    @property
    def disk(self) -> float | None:
        """Disk in megabytes, of all roles."""
        return self.scalar("disk")

    @property
    def ports(self) -> Ranges | None:
        """Ports, of all roles."""
        return self.ranges("ports")

    def quantities(self) -> dict[str, float]:
        """Return how much there is of each name: scalars, numbers in ranges, items in sets."""
        return {name: from_fixed(fixed) for name, fixed in self._fixed_quantities().items()}

    def contains_quantities(self, quantities: Mapping[str, float]) -> bool:
        """Tell whether there is this much of each name, whatever the roles."""
        have = self._fixed_quantities()
        return all(have.get(name, 0) >= to_fixed(wanted) for name, wanted in quantities.items())

    def _fixed_quantities(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for shape, amount, _ in self._entries:
            if isinstance(amount, int):
                fixed = amount
            else:
                fixed = 1000 * (amount.size if isinstance(amount, Ranges) else len(amount))
            found[shape.name] = found.get(shape.name, 0) + fixed
        return found

    def names(self) -> frozenset[str]:
        """Return the names there are."""
        return frozenset(entry.shape.name for entry in self._entries)

    def types(self) -> dict[str, mesos.Value.Type.ValueType]:
        """Return the type of each name."""
        return {
            entry.shape.name: cast("mesos.Value.Type.ValueType", entry.shape.type) for entry in self._entries
        }
