"""Finding an amount among roles, as upstream's `Resources::find` does, and ports by number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from mesos_proto.errors import InsufficientResourcesError
from mesos_proto.resources._shape import Entry, reduced
from mesos_proto.resources._sum import holds
from mesos_proto.values import Ranges

if TYPE_CHECKING:
    from mesos_proto.resources._resources import Resources


def find(have: Resources, targets: Resources) -> Resources | None:
    """Find each target in what there is; see `Resources.find`."""
    from mesos_proto.resources._resources import Resources

    found = []
    for target in targets._entries:
        part = _find_one(have, target)
        if part is None:
            return None
        found.append(part)
    return Resources.sum(found)


def _find_one(have: Resources, target: Entry) -> Resources | None:
    """Find one target; each of the steps takes at most one resource that does not suffice alone."""
    from mesos_proto.resources._resources import Resources

    # What a target does not name does not count: its role never does.
    changes: dict[str, object] = {"reservations": ()}
    if target.shape.allocation is None:
        changes["allocation"] = None

    def bare(entry: Entry) -> Entry:
        return entry._replace(shape=entry.shape.but(**changes))

    found: list[Entry] = []
    total = list(have._entries)
    remaining = bare(target)
    for wanted in _steps(target.shape.role):
        for position, entry in enumerate(total):
            if entry.shape.name != target.shape.name or not wanted(entry):
                continue
            candidate = bare(entry)
            if holds(candidate, remaining):
                same = {"reservations": entry.shape.reservations, "allocation": entry.shape.allocation}
                found.append(remaining._replace(shape=remaining.shape.but(**same)))
                return Resources._of(found)
            if holds(remaining, candidate):
                found.append(entry)
                last = total.pop()
                if position < len(total):
                    total[position] = last
                if entry.shape.shared:
                    remaining = remaining._replace(copies=remaining.copies - entry.copies)
                else:
                    remaining = remaining._replace(amount=reduced(remaining.amount, entry.amount))
                break
    return None


def _steps(role: str | None) -> Iterator[Callable[[Entry], bool]]:
    if role is not None:
        yield lambda entry: entry.shape.role == role
    yield lambda entry: entry.shape.role is None
    yield lambda entry: True


def allocate_ports(have: Resources, count: int, name: str, role: str | None) -> Resources:
    """Take single ports; see `Resources.allocate_ports`."""
    from mesos_proto.resources._resources import Resources

    if count < 0:
        raise ValueError(f"count must not be negative, as {count} is")
    taken: list[Entry] = []
    waiting = [
        (entry, entry.amount)
        for entry in have._entries
        if entry.shape.name == name and isinstance(entry.amount, Ranges)
    ]
    waiting.sort(key=lambda pair: pair[1].minimum)
    for wanted in _steps(role if role != "*" else None):
        for entry, amount in [pair for pair in waiting if wanted(pair[0])]:
            waiting.remove((entry, amount))
            part = amount.take(count)
            count -= part.size
            if part:
                taken.append(entry._replace(amount=part))
    if count:
        raise InsufficientResourcesError(f"{count} more {name} are needed than {have.get(name)} has")
    return Resources._of(taken)
