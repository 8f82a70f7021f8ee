"""The sum under construction: entries, and where to find the one to add to."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from mesos_proto.resources._shape import Entry, combined, covers, reduced

Index = dict[Hashable, tuple[int, ...]]


class Sum:
    """Mutable entries with an index by `Entry.match`; adding and subtracting are one look-up each.

    Starts as a copy of `entries`; `index`, where known, saves the walk over them.
    """

    __slots__ = ("entries", "index")

    def __init__(self, entries: Iterable[Entry] = (), index: Index | None = None) -> None:
        self.entries = list(entries)
        self.index = index_of(self.entries) if index is None else dict(index)

    def add(self, entry: Entry) -> None:
        """Add an entry: to what it can join, or as one more. Nothing of something is left out."""
        if entry.empty:
            return
        match = entry.match
        found = self.index.get(match)
        if found is None:
            self.index[match] = (len(self.entries),)
            self.entries.append(entry)
            return
        shape = entry.shape
        if shape.shared:
            have = self.entries[found[0]]
            self.entries[found[0]] = have._replace(copies=have.copies + entry.copies)
        elif match is shape:
            have = self.entries[found[0]]
            self.entries[found[0]] = Entry(have.shape, combined(have.amount, entry.amount))
        else:
            self.index[match] = (*found, len(self.entries))
            self.entries.append(entry)

    def subtract(self, entry: Entry) -> None:
        """Take an entry away from what it can be taken from; less than nothing is nothing."""
        match = entry.match
        found = self.index.get(match)
        if found is None:
            return
        position = found[0]
        have = self.entries[position]
        if entry.shape.shared:
            left = have._replace(copies=max(have.copies - entry.copies, 0))
        elif match is entry.shape:
            amount = reduced(have.amount, entry.amount)
            if isinstance(amount, int) and amount < 0:
                amount = 0
            left = Entry(have.shape, amount)
        else:
            left = have._replace(copies=0)
        if left.empty:
            self._remove(position)
        else:
            self.entries[position] = left

    def _remove(self, position: int) -> None:
        """Remove one entry; the last one takes its place, as upstream has it."""
        gone = self.entries[position]
        last = self.entries.pop()
        self._forget(gone.match, position)
        if position < len(self.entries):
            self._forget(last.match, len(self.entries))
            self.entries[position] = last
            # In order of position: of several alike, the first one goes first.
            self.index[last.match] = tuple(sorted((*self.index.get(last.match, ()), position)))

    def _forget(self, match: Hashable, position: int) -> None:
        rest = tuple([other for other in self.index[match] if other != position])
        if rest:
            self.index[match] = rest
        else:
            del self.index[match]


def index_of(entries: Iterable[Entry]) -> Index:
    """Make the index of entries that are joined already."""
    index: Index = {}
    for position, entry in enumerate(entries):
        match = entry.match
        index[match] = (*index.get(match, ()), position)
    return index


def contains(entries: Sequence[Entry], index: Index, entry: Entry) -> bool:
    """Tell whether one of the entries holds another."""
    found = index.get(entry.match)
    return found is not None and _covers(entries[found[0]], entry)


def holds(have: Entry, entry: Entry) -> bool:
    """Tell whether an entry holds another."""
    return have.match == entry.match and _covers(have, entry)


def _covers(have: Entry, entry: Entry) -> bool:
    """Tell whether an entry holds another that matches it."""
    if entry.shape.shared:
        return have.copies >= entry.copies
    return entry.match is not entry.shape or covers(have.amount, entry.amount)
