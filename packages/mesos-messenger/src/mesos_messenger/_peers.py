"""The peers of an endpoint, both ways: their outboxes, their connections, and what has become of each.

Connections that nobody needs are closed here, the ones that stay incomplete for too long as well.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import TYPE_CHECKING

from ._connection import Connection
from ._local import LocalOutbox
from ._outbox import Outbox, OutboxState
from .metrics import Drop, Snapshot
from .upid import Address

if TYPE_CHECKING:
    from .endpoint import Endpoint
    from .messenger import Messenger

__all__ = ["Peers"]

logger = logging.getLogger("mesos.messenger")

_CLOSING = 0.5


class Peers:
    """Everything an endpoint is connected to. `outboxes` is read by any thread, the rest by the loop's."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._options = endpoint.options
        self.outboxes: dict[Address, Outbox] = {}
        self.connections: set[Connection] = set()
        self._paused: dict[Address, set[Messenger]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._connecting: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.TimerHandle | None = None

    def room(self, more: int = 0) -> bool:
        """Tell whether one more connection may come, beside so many; count it if not."""
        if len(self.connections) + more < self._options.max_connections:
            return True
        self._endpoint.metrics.others.drop(Drop.TOO_MANY)
        return False

    def set_paused(self, messenger: Messenger, address: Address, paused: bool) -> None:
        """Stop or resume reading from an address for a process."""
        if paused:
            self._paused.setdefault(address, set()).add(messenger)
        else:
            who = self._paused.get(address, set())
            who.discard(messenger)
            if not who:
                self._paused.pop(address, None)
        for connection in self.connections:
            if connection.sender.address == address:
                connection.pause(self.is_paused(address))

    def is_paused(self, address: Address) -> bool:
        """Tell whether somebody wants nothing more from an address."""
        return address in self._paused

    def forget(self, messenger: Messenger) -> None:
        """Forget what a process has paused and linked; tell those linked to it that it has ended."""
        for address in list(self._paused):
            self.set_paused(messenger, address, False)
        for outbox in list(self.outboxes.values()):
            outbox.unlink(messenger)
            if isinstance(outbox, LocalOutbox):
                outbox.ended(messenger.id)

    def sweep(self) -> None:
        """Close what has been idle or incomplete for too long; again and again."""
        options = self._options
        loop = asyncio.get_running_loop()
        interval = max(0.05, min(options.idle_timeout, options.request_timeout, 120.0) / 4)
        self._sweeper = loop.call_later(interval, self.sweep)
        now = loop.time()
        for connection in list(self.connections):
            progress, since = connection.seen_progress
            if not connection.partial or progress != connection.progress:
                connection.seen_progress = (connection.progress, now)
            elif now - since > options.request_timeout:
                self._endpoint.log_limited("closed a connection from %s:%d: too slow", *connection.client)
                connection.abort(Drop.TOO_SLOW)
        for address, outbox in list(self.outboxes.items()):
            if isinstance(outbox, LocalOutbox) or not outbox.idle_since(now - options.idle_timeout):
                continue
            if outbox.retire():
                del self.outboxes[address]
                self._endpoint.metrics.inbound_of(address).add(outbox.metrics)
                self._end(self._let_go(outbox))

    def linger(self, transport: asyncio.Transport, lost: asyncio.Future[None], *, cut: bool) -> None:
        """End a connection that nobody needs: at once, or when the peer has read what was written."""
        if cut:
            transport.abort()
        elif transport.can_write_eof():
            transport.write_eof()
            self._end(self._abort_late(transport, lost))
        else:
            transport.close()

    def connect(self, connecting: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Begin to connect; a stop waits until that has ended, too."""
        task = asyncio.get_running_loop().create_task(connecting)
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)
        return task

    def _end(self, ending: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(ending)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _abort_late(self, transport: asyncio.Transport, lost: asyncio.Future[None]) -> None:
        try:
            await asyncio.wait([lost], timeout=self._options.connect_timeout)
        finally:
            transport.abort()

    async def _let_go(self, outbox: Outbox) -> None:
        try:
            await asyncio.wait_for(outbox.close(), self._options.connect_timeout)
        except asyncio.TimeoutError:
            logger.debug("%s:%d does not close its connection", *outbox.address)
        finally:
            outbox.abandon()

    async def finish(self, timeout: float) -> None:
        """Send what waits, and let the peers read it; what takes longer is given up."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        closing = [asyncio.ensure_future(outbox.close()) for outbox in self.outboxes.values()]
        if closing:
            _, late = await asyncio.wait(closing, timeout=timeout)
            for task in late:
                task.cancel()
            await asyncio.gather(*closing, return_exceptions=True)
        for outbox in self.outboxes.values():
            outbox.abandon()
        # What has been called off closes its socket in turns of its own.
        ending = [*self._ending, *self._connecting]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def close(self) -> None:
        """Close the inbound connections."""
        loop = asyncio.get_running_loop()
        for connection in list(self.connections):
            connection.close()
        deadline = loop.time() + _CLOSING
        while self.connections and loop.time() < deadline:
            await asyncio.sleep(0.001)
        for connection in list(self.connections):
            connection.abort()
        # One turn for the transports to let go of their sockets.
        await asyncio.sleep(0)

    def snapshot(self) -> Snapshot:
        """Return the counters as they are now; from any thread."""
        outboxes = list(self.outboxes.values())
        outbound = {outbox.address: (outbox.metrics, outbox.queued) for outbox in outboxes}
        open_ones = sum(outbox.state is OutboxState.OPEN for outbox in outboxes)
        connections = list(self.connections)
        stalled = sum(connection.stalled for connection in connections)
        partial = sum(connection.partial for connection in connections)
        return self._endpoint.metrics.snapshot(outbound, (len(connections), open_ones, stalled, partial))
