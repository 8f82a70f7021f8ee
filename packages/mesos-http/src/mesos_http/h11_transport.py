"""The transport for asyncio, over h11.

A connection is used again when its answer has been read whole and both sides keep it. Before that it is
looked at, as urllib3 does: one that has ended, or on which something came that nobody asked for, is dropped
and another one is opened. A server that closes at the very moment the request leaves cannot be told from one
that took it: that is `ConnectionFailed`, and never tried again here.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping

from ._h11_answer import Answer
from ._h11_connection import Connection
from ._h11_pool import Pool
from ._h11_request import Place, place_of, to_bytes
from .errors import ClientClosed, ClientMisuse
from .transport import HttpRequest


class H11Transport:
    """Sends over connections of its own, of which `max_connections` to one server are open at a time.

    `ssl_context` has the trusted CAs and the client certificate; without one those of the system are trusted.
    `unix_socket` is the path of a socket that every plain request goes to, whatever host its URL names.
    Belongs to the event loop of its first request. Proxies and `.netrc` are ignored.
    """

    def __init__(
        self,
        ssl_context: ssl.SSLContext | None = None,
        *,
        max_connections: int = 100,
        unix_socket: str | None = None,
    ) -> None:
        if max_connections < 1:
            raise ClientMisuse(f"max_connections must be 1 or more, not {max_connections}")
        self._context = ssl_context
        self._limit = max_connections
        self._unix_socket = unix_socket
        self._pool: Pool | None = None
        self._closed = False

    async def send(self, request: HttpRequest, connect_timeout: float, read_timeout: float) -> H11Response:
        """Send a request and return its answer, the body unread."""
        if self._closed:
            raise ClientClosed("this client is closed")
        place = place_of(request.url)
        data = to_bytes(request, place)
        pool = self._pool_here()
        connection = pool.take_idle(place)
        if connection is None:
            connection = await pool.take(place, request.url, connect_timeout)
        try:
            connection.send(data)
            answer = Answer(request.method, request.url)
            while not answer.begun:
                answer.feed(await connection.receive(read_timeout))
        except BaseException:
            connection.abort()
            raise
        return H11Response(answer, connection, place, pool, read_timeout)

    async def close(self) -> None:
        """Close every connection, those in use by other tasks as well."""
        self._closed = True
        if self._pool is not None:
            await self._pool.close()

    def _pool_here(self) -> Pool:
        loop = asyncio.get_running_loop()
        if self._pool is None:
            self._pool = Pool(loop, self._limit, self._tls, self._unix_socket)
        elif self._pool.loop is not loop:
            raise ClientMisuse("this client belongs to another event loop: make one for each")
        return self._pool

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl.create_default_context()
        return self._context


class H11Response:
    """An answer; one task reads, any may close."""

    def __init__(
        self, answer: Answer, connection: Connection, place: Place, pool: Pool, timeout: float
    ) -> None:
        self.status = answer.status
        self.headers: Mapping[str, str] = answer.headers
        self._answer = answer
        self._connection = connection
        self._place = place
        self._pool = pool
        self._timeout = timeout
        self._reading = False
        self._over = False
        self._closed = False

    async def read_some(self) -> bytes:
        """Return what has arrived, waiting for at least one byte; b"" at the end."""
        if self._closed:
            raise ClientClosed("the answer was closed")
        if self._over:
            return b""
        if self._reading:
            raise ClientMisuse("one task alone reads an answer")
        self._reading = True
        try:
            while (piece := self._answer.body()) is None:
                self._answer.feed(await self._connection.receive(self._timeout))
        except BaseException:
            self.close()
            raise
        finally:
            self._reading = False
        if not piece:
            self._over = True
            if self._answer.reusable:
                self._pool.give_back(self._connection, self._place)
            else:
                self._connection.abort()
        return piece

    def close(self) -> None:
        """Give up the connection, unless the answer has been read whole; at once."""
        self._closed = True
        if not self._over:
            self._over = True
            self._connection.abort()
