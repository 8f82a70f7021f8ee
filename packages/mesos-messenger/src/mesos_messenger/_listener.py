"""The listening socket: plain, or with TLS, where each handshake is waited for and counted."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final

from .tls import TlsSide
from .upid import Address

__all__ = ["Listener"]

_BACKLOG: Final = 4096
_PAUSE: Final = 0.05


class Listener:
    """Accepts connections for an endpoint."""

    def __init__(
        self,
        accept: Callable[[], asyncio.Protocol],
        *,
        room: Callable[[int], bool],
        refused: Callable[[Address, OSError], None],
    ) -> None:
        """Make one.

        `accept` returns the protocol for a connection; `room` tells whether there is room for one more
        beside so many handshakes (and counts it if not); `refused` is told of a handshake that failed.
        """
        self._accept = accept
        self._room = room
        self._refused = refused
        self._server: asyncio.AbstractServer | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._handshakes: set[asyncio.Task[None]] = set()

    async def listen(self, where: Address, tls: TlsSide | None) -> int:
        """Listen; return the port. Raises `OSError`."""
        loop = asyncio.get_running_loop()
        if tls is None:
            self._server = await loop.create_server(
                self._accept, *where, backlog=_BACKLOG, reuse_address=True
            )
            return int(self._server.sockets[0].getsockname()[1])
        listener = socket.create_server(where, backlog=_BACKLOG)
        listener.setblocking(False)
        self._accepting = loop.create_task(self._accept_all(listener, tls))
        return int(listener.getsockname()[1])

    async def _accept_all(self, listener: socket.socket, tls: TlsSide) -> None:
        loop = asyncio.get_running_loop()
        with listener:
            while True:
                try:
                    connection, peer = await loop.sock_accept(listener)
                except OSError as error:
                    self._refused(("0.0.0.0", 0), error)
                    await asyncio.sleep(_PAUSE)
                    continue
                if not self._room(len(self._handshakes)):
                    connection.close()
                    continue
                task = loop.create_task(self._shake_hands(connection, peer, tls))
                self._handshakes.add(task)
                task.add_done_callback(self._handshakes.discard)

    async def _shake_hands(self, connection: socket.socket, peer: Address, tls: TlsSide) -> None:
        try:
            await tls.accept(connection, self._accept)
        except OSError as error:
            connection.close()
            self._refused(peer, error)
        except asyncio.CancelledError:
            connection.close()
            raise

    async def close(self) -> None:
        """Accept nothing more, and end the handshakes in progress."""
        if self._server is not None:
            self._server.close()
        waiting = [*self._handshakes, *([self._accepting] if self._accepting is not None else [])]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
