"""Lists of one kind, with objx's ways to go through them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


class List(list[T]):
    """A list with `each where reject group replace collect`, whose functions get (index, item).

    Comprehensions do the same: `where(f)` is `[x for i, x in enumerate(items) if f(i, x)]`.
    """

    __slots__ = ()

    def each(self, function: Callable[[int, T], object]) -> List[T]:
        """Call a function for each item, until it returns False; return the list."""
        for index, item in enumerate(self):
            if function(index, item) is False:
                break
        return self

    def where(self, chosen: Callable[[int, T], object]) -> List[T]:
        """Return the items for which a function says yes."""
        return List(item for index, item in enumerate(self) if chosen(index, item))

    def reject(self, refused: Callable[[int, T], object]) -> List[T]:
        """Return the items for which a function says no, which is what objx's `Where…` does."""
        return List(item for index, item in enumerate(self) if not refused(index, item))

    def group(self, name: Callable[[int, T], str]) -> dict[str, List[T]]:
        """Return the items by what a function calls them."""
        groups: dict[str, List[T]] = {}
        for index, item in enumerate(self):
            groups.setdefault(name(index, item), List()).append(item)
        return groups

    def replace(self, function: Callable[[int, T], T]) -> List[T]:
        """Return what a function puts in the place of each item."""
        return List(function(index, item) for index, item in enumerate(self))

    def collect(self, function: Callable[[int, T], R]) -> List[R]:
        """Return what a function makes of each item."""
        return List(function(index, item) for index, item in enumerate(self))
