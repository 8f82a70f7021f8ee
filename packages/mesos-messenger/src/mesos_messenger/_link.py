"""The connection to a peer, as its transport sees it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from ._outbox import Outbox

__all__ = ["Link"]

_ANSWER: Final = b"HTTP/1.1 "


class Link(asyncio.Protocol):
    """The transport's side of a connection; tells its outbox what happens, as long as it is current."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox: Outbox | None = outbox
        self.transport: asyncio.Transport | None = None
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.answers = 0
        self.sent = 0
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        # Told at once when anything stays in the transport: what does not, the kernel has taken.
        self.transport.set_write_buffer_limits(high=0)

    def data_received(self, data: bytes) -> None:
        # Answers are drained and counted; nobody waits for them but a connection that ends.
        text = self._tail + data
        self.answers += text.count(_ANSWER)
        self._tail = text[1 - len(_ANSWER) :]

    def pause_writing(self) -> None:
        if self.outbox is not None:
            self.outbox.blocked = True

    def resume_writing(self) -> None:
        if self.outbox is not None:
            self.outbox.unblocked()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.transport is not None:
            # Before Python 3.11, a TLS transport that the peer has closed does not know it.
            self.transport.abort()
        if not self.lost.done():
            self.lost.set_result(None)
        if self.outbox is not None:
            self.outbox.disconnected(self, str(exc) if exc else "the peer closed the connection")
