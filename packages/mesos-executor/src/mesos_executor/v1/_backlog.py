"""Counts what is delivered to the user and not yet handled."""

from __future__ import annotations

from collections.abc import Callable

from .. import events


class Backlog:
    """Bytes of events; `changed(congested)` is called when there are too many, and when half are handled."""

    def __init__(self, limit: int, changed: Callable[[bool], None]) -> None:
        self.congested = False
        self._limit = limit
        self._changed = changed
        self._size = 0

    def add(self, event: events.Event) -> None:
        """Take note of an event delivered."""
        self._size += events.size(event)
        if not self.congested and self._size > self._limit:
            self._set(True)

    def handled(self, event: events.Event) -> None:
        """Take note of an event handled."""
        self._size -= events.size(event)
        if self.congested and self._size <= self._limit // 2:
            self._set(False)

    def clear(self) -> None:
        """Take note that nothing more will be handled."""
        self._size = 0
        if self.congested:
            self._set(False)

    def _set(self, congested: bool) -> None:
        self.congested = congested
        self._changed(congested)
