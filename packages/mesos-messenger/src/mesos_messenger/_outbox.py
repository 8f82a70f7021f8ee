"""What waits to be sent to one address, and the connection it goes over.

Any thread puts messages in; only the loop's thread takes them out. A burst reaches the loop as one
wake-up and the socket as one write. What has been handed to the transport is at most one chunk, so
that a failure finds out which messages were not written whole.

Upstream: socket_manager.hpp. Unlike libprocess, an unlinked peer's connection is kept for a while
instead of being closed after each burst.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Final

from ._link import Link
from ._route import Overflow, Route, Undelivered
from .errors import NotRunningError, QueueFullError
from .metrics import Drop, PeerMetrics
from .upid import UPID, Address

if TYPE_CHECKING:
    from .endpoint import Endpoint
    from .messenger import Messenger

__all__ = ["Outbox", "OutboxState"]

logger = logging.getLogger("mesos.messenger")

CHUNK: Final = 256 * 1024


class OutboxState(Enum):
    """Where the connection to a peer stands."""

    IDLE = "idle"
    CONNECTING = "connecting"
    OPEN = "open"


class Outbox:
    """Everything this endpoint has to say to one address."""

    def __init__(self, endpoint: Endpoint, address: Address) -> None:
        self.address = address
        self.metrics = PeerMetrics()
        self.links: list[tuple[Messenger, UPID, Callable[[UPID], object]]] = []
        self.state = OutboxState.IDLE
        self.blocked = False
        self.retired = False
        """Set when a new outbox takes its place; nothing is put into a retired one."""
        self._endpoint = endpoint
        self._limit = endpoint.options.queue_limit
        self._overflow = endpoint.options.overflow
        # Shared with the senders' threads, under the lock.
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._waiters = 0
        self._pieces: list[bytes] = []
        self._routes: list[Route] = []
        self._scheduled = False
        self.queued = 0
        """Bytes put in that are not known to have been taken by the kernel."""
        # The loop's own: what has been taken out, from `_cursor` (a message) on not yet written.
        self._taken: list[bytes] = []
        self._taken_routes: list[Route] = []
        self._taken_bytes = 0
        self._cursor = 0
        self._chunk = 0
        self._chunk_bytes = 0
        self._chunk_taken = 0
        self._link: Link | None = None
        self._connecting: asyncio.Task[None] | None = None
        self.used = 0.0
        """When it was last used, on the loop's clock."""

    # From any thread.

    def put(self, route: Route, body: bytes) -> bool:
        """Queue one message; False when this outbox has been retired and another is to be used."""
        pieces = route.encoder.pieces(body)
        size = len(pieces[0]) + len(pieces[1]) + len(body) + len(pieces[3])
        with self._lock:
            if self.retired:
                return False
            if self.queued + size > self._limit and self.queued and not self._make_room(route, size):
                return True
            self._pieces += pieces
            self._routes.append(route)
            self.queued += size
            if self._scheduled:
                return True
            self._scheduled = True
        self._endpoint.call_soon(self.flush)
        return True

    def _make_room(self, route: Route, size: int) -> bool:
        """Do what the overflow policy says, holding the lock; False when the message is dropped."""
        if self._overflow is Overflow.DROP:
            self.metrics.drop(Drop.QUEUE_FULL, 1)
            return False
        if self._overflow is Overflow.RAISE or self._endpoint.on_loop():
            self.metrics.drop(Drop.QUEUE_FULL, 1)
            raise QueueFullError(
                f"{self.queued} bytes wait for {self.address[0]}:{self.address[1]}; "
                f"the limit is {self._limit} (Options.queue_limit)"
            )
        self._waiters += 1
        try:
            while self.queued + size > self._limit and self.queued:
                if self._endpoint.stopping or self.retired:
                    raise NotRunningError("the messenger was stopped while a send waited for room")
                self._room.wait()
        finally:
            self._waiters -= 1
        return True

    def _release(self, size: int) -> None:
        with self._lock:
            self.queued -= size
            if self._waiters:
                self._room.notify_all()

    def wake_waiters(self) -> None:
        """Let senders that wait for room look again."""
        with self._lock:
            self._room.notify_all()

    # On the loop's thread.

    def flush(self) -> None:
        """Write what waits, or connect first."""
        self.used = self._endpoint.now()
        if self.state is OutboxState.OPEN:
            if self.blocked:
                self._look()
            self._write()
        elif self.state is OutboxState.IDLE:
            self.connect()

    def connect(self) -> None:
        """Open the connection."""
        self.state = OutboxState.CONNECTING
        self.used = self._endpoint.now()
        self._connecting = self._endpoint.peers.connect(self._connect())

    async def _connect(self) -> None:
        link = Link(self)
        try:
            await self._endpoint.open_connection(self.address, lambda: link)
        except (OSError, asyncio.TimeoutError, ValueError) as error:
            link.outbox = None
            if self._connecting is not asyncio.current_task():
                return
            self._connecting = None
            reason = f"cannot connect: {str(error) or type(error).__name__}"
            self._broken(reason, Drop.CONNECT_FAILED, everything=True)
            return
        except asyncio.CancelledError:
            link.outbox = None
            if link.transport is not None:
                link.transport.abort()
            raise
        if self._connecting is not asyncio.current_task():
            # Called off when it was just done: before Python 3.12, `wait_for` then returns all the same.
            link.outbox = None
            if link.transport is not None:
                link.transport.abort()
            return
        self._connecting = None
        self._link = link
        if link.lost.done():
            self.disconnected(link, "the peer closed the connection")
            return
        self.state = OutboxState.OPEN
        self.blocked = False
        logger.debug("connected to %s:%d", *self.address)
        self._write()

    def _take(self) -> bool:
        """Take out everything that waits; False when there is nothing."""
        with self._lock:
            if not self._pieces:
                self._scheduled = False
                return False
            self._taken, self._pieces = self._pieces, []
            self._taken_routes, self._routes = self._routes, []
            self._scheduled = True
            # Whatever was taken out before has been written.
            self._taken_bytes = self.queued
        self._cursor = 0
        return True

    def _write(self) -> None:
        assert self._link is not None and self._link.transport is not None
        transport = self._link.transport
        while not self.blocked:
            count = len(self._taken_routes)
            if self._cursor == count:
                if not self._take():
                    return
                count = len(self._taken_routes)
            if self._taken_bytes <= CHUNK and not self._cursor:
                self._chunk = count
                data = b"".join(self._taken)
            else:
                # Messages of much the same size: about a chunk of them.
                share = max(1, CHUNK * count // max(1, self._taken_bytes))
                self._chunk = min(share, count - self._cursor)
                data = b"".join(self._taken[4 * self._cursor : 4 * (self._cursor + self._chunk)])
            self._chunk_bytes = len(data)
            transport.write(data)
            if not self.blocked:
                self._written()
            else:
                self._look()

    def _written(self) -> None:
        """Count the chunk that the kernel has taken."""
        if not self._chunk:
            return
        self._cursor += self._chunk
        if self._link is not None:
            self._link.sent += self._chunk
        self.metrics.messages_out += self._chunk
        self.metrics.bytes_out += self._chunk_bytes
        size = self._chunk_bytes
        self._chunk = self._chunk_bytes = self._chunk_taken = 0
        if self._cursor == len(self._taken_routes):
            self._taken, self._taken_routes, self._cursor = [], [], 0
        self._release(size)

    def unblocked(self) -> None:
        """The transport has passed on all that it had; one on TLS may say so before it is connected."""
        self.blocked = False
        self._written()
        if self.state is OutboxState.OPEN:
            self._write()

    def disconnected(self, link: Link, reason: str) -> None:
        """The connection is gone."""
        if link is self._link:
            # What has not even been taken out may go over another connection, unless somebody is linked:
            # then the end of this one is an event, and what was said before it must not come after it.
            self._broken(reason, Drop.CONNECTION_LOST, everything=bool(self.links))

    def _broken(self, reason: str, drop: Drop, *, everything: bool) -> None:
        """Report what was not sent, and tell who is linked."""
        self._settle_chunk()
        self._link = None
        self.state = OutboxState.IDLE
        self.blocked = False
        lost = self._pull_taken()
        if everything and self._take():
            lost += self._pull_taken()
        if lost:
            with self._lock:
                self.metrics.drop(drop, len(lost))
            self._endpoint.log_limited("%d messages to %s:%d lost: %s", len(lost), *self.address, reason)
        links, self.links = self.links, []
        for route, body in lost:
            route.messenger.report_undelivered(Undelivered(route.recipient, route.name, body, reason))
        for messenger, upid, on_exited in links:
            logger.debug("%s exited: %s", upid, reason)
            messenger.run_guarded(on_exited, upid)
        if self.state is OutboxState.IDLE:
            with self._lock:
                again = bool(self._pieces)
                self._scheduled = again
            if again and not self.retired:
                self.flush()

    def _look(self) -> None:
        """Find out how much of the chunk the kernel has taken so far."""
        if self._link is not None and self._link.transport is not None:
            self._chunk_taken = max(0, self._chunk_bytes - self._link.transport.get_write_buffer_size())

    def _settle_chunk(self) -> None:
        """Of the chunk being written, count as sent what is known to have been taken whole."""
        whole = size = 0
        for index in range(self._cursor, self._cursor + self._chunk):
            end = size + sum(map(len, self._taken[4 * index : 4 * index + 4]))
            if end > self._chunk_taken:
                break
            whole, size = whole + 1, end
        self._chunk, self._chunk_bytes = whole, size
        self._written()
        self._chunk = self._chunk_bytes = self._chunk_taken = 0

    def _pull_taken(self) -> list[tuple[Route, bytes]]:
        """Empty what has been taken out; return each message in it."""
        routes = self._taken_routes[self._cursor :]
        pieces = self._taken[4 * self._cursor :]
        self._taken, self._taken_routes, self._cursor = [], [], 0
        self._release(sum(map(len, pieces)))
        return [(route, pieces[4 * index + 2]) for index, route in enumerate(routes)]

    def link(
        self, messenger: Messenger, upid: UPID, on_exited: Callable[[UPID], object], *, reconnect: bool
    ) -> None:
        """Have `on_exited` called when the connection ends, or cannot be made."""
        entry = (messenger, upid, on_exited)
        if entry not in self.links:
            self.links.append(entry)
        if reconnect:
            self._drop_connection()
        if self.state is OutboxState.IDLE:
            self.connect()

    def _drop_connection(self) -> None:
        """Let go of the connection without telling anybody; what waits goes over the next one."""
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
            self.state = OutboxState.IDLE
        if self._link is not None:
            self._look()
            link, self._link = self._link, None
            link.outbox = None
            if link.transport is not None:
                self._endpoint.peers.linger(link.transport, link.lost, cut=self.blocked)
            # Of a chunk that was being written, what is not known to be out goes over the next connection.
            self._settle_chunk()
            self.blocked = False
            self.state = OutboxState.IDLE

    def unlink(self, messenger: Messenger, upid: UPID | None = None) -> None:
        """Forget the links of a messenger, to one process or to all."""
        self.links = [
            entry
            for entry in self.links
            if entry[0] is not messenger or (upid is not None and entry[1] != upid)
        ]

    def idle_since(self, moment: float) -> bool:
        """Tell whether nothing has happened since, and nobody waits for anything."""
        return self.used < moment and not self.links and not self.queued and self._connecting is None

    def retire(self) -> bool:
        """Refuse further messages; False when there are some after all."""
        with self._lock:
            self.retired = not self._pieces and not self.queued
            return self.retired

    async def close(self) -> None:
        """Write what waits, then end the connection when the peer has read it all.

        A peer that closes after our half has read everything; one on TLS, which has no halves, has
        answered everything. May wait forever: the caller gives it a time limit.
        """
        self.links = []
        while self._connecting is not None:
            await asyncio.wait([self._connecting])
        while (link := self._link) is not None and self.queued:
            self._write()
            await asyncio.wait([link.lost], timeout=0.005)
        if link is None or link.transport is None:
            return
        if link.transport.can_write_eof():
            link.transport.write_eof()
        while not link.lost.done() and link.answers < link.sent:
            await asyncio.wait([link.lost], timeout=0.005)
        link.transport.close() if not link.transport.can_write_eof() else None
        await asyncio.wait([link.lost])
        self.abandon()

    def abandon(self) -> None:
        """Close the connection without more ado; what was not sent is reported."""
        with self._lock:
            self.retired = True
            self._room.notify_all()
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        self.links = []
        self._look()
        link, self._link = self._link, None
        if link is not None:
            link.outbox = None
            if link.transport is not None:
                link.transport.abort()
        self._broken("the messenger was stopped", Drop.CONNECTION_LOST, everything=True)
