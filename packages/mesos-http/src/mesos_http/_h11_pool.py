"""The connections of a transport: those in use, those that wait to be used again, and who waits for one."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable

from ._h11_connection import Connection, translated
from ._h11_request import Place
from .errors import ClientClosed, ClientMisuse, TimedOut

_MAX_IDLE = 16


class _Group:
    """The connections to one server. Each holds one of `limit` turns from its opening until it is closed.
    `served` counts those who waited and got one."""

    def __init__(self) -> None:
        self.turns = 0
        self.served = 0
        self.idle: list[Connection] = []
        self.waiters: deque[asyncio.Future[Connection | None]] = deque()

    def hand_over(self, connection: Connection | None) -> bool:
        """Give a connection, or (None) the turn to open one, to who has waited longest."""
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                self.served += 1
                return True
        return False

    def free_turn(self) -> None:
        """Let another connection be opened in place of one that is closed."""
        if not self.hand_over(None):
            self.turns -= 1


class Pool:
    """Lends connections: each `take` is followed by `give_back`, or by the connection's `abort`."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        limit: int,
        tls: Callable[[], ssl.SSLContext],
        unix_socket: str | None = None,
    ) -> None:
        self.loop = loop
        self._unix_socket = unix_socket
        self._limit = limit
        self._tls = tls
        self._groups: dict[tuple[bool, str, int], _Group] = {}
        self._connections: set[Connection] = set()
        self._opening: set[asyncio.Task[object]] = set()
        self._closed = False
        self._empty = asyncio.Event()

    def take_idle(self, place: Place) -> Connection | None:
        """Return a connection that has been used before, if there is one that seems to live."""
        group = self._groups.get(place.origin)
        while group is not None and group.idle:
            connection = group.idle.pop()
            if connection.usable():
                return connection
            connection.abort()
        return None

    async def take(self, place: Place, url: str, timeout: float) -> Connection:
        """Return a connection, opened within `timeout`. Raises `ConnectionFailed`, `ClientClosed`."""
        group = self._groups.setdefault(place.origin, _Group())
        if group.turns >= self._limit:
            connection = await self._wait(group, url, timeout)
            if connection is not None and connection.usable():
                return connection
            if connection is not None:
                connection.abort()  # Which passes its turn on.
                return await self.take(place, url, timeout)
        else:
            group.turns += 1
        return await self._open(group, place, url, timeout)

    def give_back(self, connection: Connection, place: Place) -> None:
        """Take note that the answer has been read whole, and that another request could follow."""
        group = self._groups[place.origin]
        if self._closed or not connection.rest():
            connection.abort()
        elif not group.hand_over(connection):
            if len(group.idle) < _MAX_IDLE:
                group.idle.append(connection)
            else:
                connection.abort()

    async def close(self) -> None:
        """Close every connection, and end every wait."""
        self._closed = True
        for group in self._groups.values():
            while group.waiters:
                waiter = group.waiters.popleft()
                if not waiter.done():
                    waiter.set_exception(ClientClosed("this client is closed"))
        for task in self._opening:
            task.cancel()
        for connection in list(self._connections):
            connection.abort()
        if self._opening:
            await asyncio.wait(self._opening)
        while self._connections:
            self._empty.clear()
            await self._empty.wait()

    async def _wait(self, group: _Group, url: str, timeout: float) -> Connection | None:
        """Wait for a connection, or (None) for the turn to open one, as long as others get theirs."""
        waiter: asyncio.Future[Connection | None] = self.loop.create_future()
        group.waiters.append(waiter)
        try:
            while not waiter.done():
                served = group.served
                await asyncio.wait((waiter,), timeout=timeout)
                if not waiter.done() and group.served == served:
                    raise TimedOut(
                        f"{url}: {self._limit} connections are in use, and none became free within"
                        f" {timeout:g} s: end a stream, or raise max_connections"
                    )
            return waiter.result()
        except asyncio.CancelledError:
            if waiter.done() and waiter.exception() is None:
                self._put_back(group, waiter.result())  # It was given what it will not use.
            raise
        finally:
            waiter.cancel()

    def _put_back(self, group: _Group, connection: Connection | None) -> None:
        if connection is None:
            group.free_turn()
        elif not group.hand_over(connection):
            group.idle.append(connection)

    async def _open(self, group: _Group, place: Place, url: str, timeout: float) -> Connection:
        """Open a connection; its turn has been taken."""

        def gone(connection: Connection) -> None:
            self._connections.discard(connection)
            if connection in group.idle:
                group.idle.remove(connection)
            group.free_turn()
            if not self._connections:
                self._empty.set()

        connection = Connection(self.loop, url, gone)
        self._connections.add(connection)
        try:
            if self._closed:
                raise ClientClosed("this client is closed")
            # Not `wait_for`, which before Python 3.12 can lose a cancellation, or the connection.
            task = self.loop.create_task(self._connect(connection, place))
            self._opening.add(task)
            task.add_done_callback(self._opened)
            try:
                await asyncio.wait((task,), timeout=timeout)
            finally:
                task.cancel()
            if not task.done():
                raise TimedOut(f"{url}: no connection within {timeout:g} s")
            if task.cancelled() or self._closed:
                raise ClientClosed("this client is closed")
            task.result()
            return connection
        except OSError as error:
            connection.abort()
            raise translated(error, url) from error
        except UnicodeError as error:
            connection.abort()
            raise ClientMisuse(f"{url}: this cannot be the name of a host: {error}") from error
        except BaseException:
            connection.abort()
            raise

    def _opened(self, task: asyncio.Task[object]) -> None:
        self._opening.discard(task)
        if not task.cancelled():
            task.exception()  # Has been seen.

    async def _connect(self, connection: Connection, place: Place) -> None:
        if self._unix_socket is not None and not place.tls:
            await self.loop.create_unix_connection(lambda: connection, self._unix_socket)
            return
        await self.loop.create_connection(
            lambda: connection,
            place.host,
            place.port,
            ssl=self._tls() if place.tls else None,
            server_hostname=place.host if place.tls else None,
        )
