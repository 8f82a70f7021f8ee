"""One connection under asyncio: bytes out, bytes in, with an end to every wait."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import select
import socket
import ssl
from collections.abc import Callable
from typing import cast

from .errors import ClientClosed, ConnectionFailed, TimedOut, TlsFailed

_LIMIT = 256 * 1024


class Connection(asyncio.Protocol):
    """Waits for no more than one task. `on_gone` is called once, when it is closed.

    Reading stops while `_LIMIT` bytes wait to be received.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, url: str, on_gone: Callable[[Connection], None]
    ) -> None:
        self._loop = loop
        self._url = url
        self._on_gone = on_gone
        self._transport: asyncio.Transport | None = None
        self._received: list[bytes] = []
        self._size = 0
        self._paused = False
        self._over = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unsent = 0
        self._gone = False
        self.busy = True
        """Bytes are expected: a request is under way."""
        self.aborted = False

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self.aborted:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if not self.busy:  # Nobody has asked.
            self.abort()
            return
        self._received.append(data)
        self._size += len(data)
        if self._size > _LIMIT and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._end(None)

    def connection_lost(self, error: Exception | None) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()  # Python 3.10's for TLS would complain of not having been closed.
        self._end(error)
        self._leave()

    # What the user of the connection calls.

    def usable(self) -> bool:
        """Tell whether an idle connection can take a request, as far as is known here, now."""
        sock = self._transport.get_extra_info("socket") if self._transport is not None else None
        if self._over or sock is None or sock.fileno() < 0:
            return False
        poll = select.poll()
        poll.register(sock.fileno(), select.POLLIN)
        return not poll.poll(0)  # Else it has ended, or says what nobody has asked for.

    def send(self, data: bytes) -> None:
        """Send bytes; those that cannot go now are kept."""
        self.busy = True
        if self._transport is not None:
            self._transport.write(data)

    async def receive(self, timeout: float) -> bytes:
        """Return what has arrived, waiting for at least one byte; b"" at the end of the connection.

        `timeout` bounds the time without a byte sent or received. Raises `TimedOut`, `ConnectionFailed`, and
        `ClientClosed` after `abort`.
        """
        if not self._received and not self._over:
            waiter = self._waiter = self._loop.create_future()
            self._unsent = self._count_unsent()
            self._timer = self._loop.call_later(timeout, self._timed_out, timeout)
            try:
                await waiter
            finally:
                self._waiter = None
                self._timer.cancel()
        if self.aborted:
            raise ClientClosed("the answer was closed, or its client")
        if not self._received:
            self._raise_error()
            return b""
        data = self._received[0] if len(self._received) == 1 else b"".join(self._received)
        self._received.clear()
        self._size = 0
        if self._paused and self._transport is not None:
            self._paused = False
            with _perhaps_gone():
                self._transport.resume_reading()
        return data

    def rest(self) -> bool:
        """Go idle when another request can follow; tell whether that is so."""
        if self._over or self._received or self._count_unsent():
            return False
        self.busy = False
        return True

    def abort(self) -> None:
        """Close at once, and wake who waits."""
        if not self.aborted:
            self.aborted = True
            self._received.clear()
            self._end(None)
            if self._transport is not None:
                self._transport.abort()
            else:
                self._leave()

    def _count_unsent(self) -> int:
        if self._transport is not None:
            with _perhaps_gone():
                return self._transport.get_write_buffer_size()
        return 0

    def _timed_out(self, timeout: float) -> None:
        unsent = self._count_unsent()
        if unsent < self._unsent:  # The peer still takes what we send.
            self._unsent = unsent
            self._timer = self._loop.call_later(timeout, self._timed_out, timeout)
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(TimedOut(f"{self._url}: nothing came within {timeout:g} s"))

    def _end(self, error: Exception | None) -> None:
        if self._error is None:
            self._error = error
        self._over = True
        self._wake()

    def _leave(self) -> None:
        if not self._gone:
            self._gone = True
            self._on_gone(self)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _raise_error(self) -> None:
        if self._error is not None:
            raise translated(self._error, self._url) from self._error


def _perhaps_gone() -> contextlib.AbstractContextManager[None]:
    """Python 3.10's transport for TLS forgets what is under it some time before it says `connection_lost`."""
    return contextlib.suppress(AttributeError)


def translated(error: Exception, url: str) -> ConnectionFailed:
    """Return what a failure of the system's is called here, in the system's words."""
    if isinstance(error, ssl.SSLError):
        return TlsFailed(f"{url}: no TLS: {error}")
    if isinstance(error, socket.gaierror):
        return ConnectionFailed(f"{url}: {error.strerror}")
    # asyncio's words are of its calls; of a name with several addresses it has one number for each.
    numbers = dict.fromkeys(re.findall(r"\[Errno (\d+)\]", str(error)))
    words = "; ".join(os.strerror(int(number)) for number in numbers)
    return ConnectionFailed(f"{url}: {words or str(error) or type(error).__name__}")
