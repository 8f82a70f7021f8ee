"""Messages between processes of one endpoint: in memory, in order, as libprocess delivers them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ._outbox import Outbox
from ._route import Route
from .upid import UPID

if TYPE_CHECKING:
    from .messenger import Messenger

__all__ = ["LocalOutbox"]


class LocalOutbox(Outbox):
    """What waits for the processes of this endpoint itself."""

    def flush(self) -> None:
        """Deliver what waits. What a handler sends meanwhile is delivered in the next turn."""
        if not self._take():
            return
        routes, pieces = self._taken_routes, self._taken
        size = self._taken_bytes
        self._taken, self._taken_routes = [], []
        registry = self._endpoint.registry
        metrics = self._endpoint.metrics.inbound_of(self.address)
        bodies: list[bytes] = []
        last: Route | None = None
        for index, route in enumerate(routes):
            if route is not last:
                if last is not None:
                    registry.deliver(last.head, bodies, metrics)
                last, bodies = route, []
            bodies.append(pieces[4 * index + 2])
        if last is not None:
            registry.deliver(last.head, bodies, metrics)
        self.metrics.messages_out += len(routes)
        self._release(size)
        self._endpoint.call_soon(self.flush)

    def connect(self) -> None:
        """There is nothing to connect."""

    def link(
        self, messenger: Messenger, upid: UPID, on_exited: Callable[[UPID], object], *, reconnect: bool
    ) -> None:
        """Have `on_exited` called when the process ends; at once when there is none."""
        if upid.id in self._endpoint.registry.processes:
            entry = (messenger, upid, on_exited)
            if entry not in self.links:
                self.links.append(entry)
        else:
            self._endpoint.call_soon(messenger.run_guarded, on_exited, upid)

    def ended(self, id: str) -> None:
        """Tell those who are linked to a process that it has ended."""
        gone = [entry for entry in self.links if entry[1].id == id]
        self.links = [entry for entry in self.links if entry[1].id != id]
        for messenger, upid, on_exited in gone:
            messenger.run_guarded(on_exited, upid)

    async def close(self) -> None:
        """Deliver what waits."""
        self.flush()

    def abandon(self) -> None:
        """Forget everything."""
        self.links = []
        with self._lock:
            self.retired = True
            self._room.notify_all()
