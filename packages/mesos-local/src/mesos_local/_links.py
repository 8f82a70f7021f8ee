"""An endpoint whose connections can be made to break, stand still and be slow.

Each connection that a part opens carries messages one way. To harm what it says to another it is therefore
enough to harm its own connections: they are `Wire`s. What comes from processes outside the cluster is
harmed where it arrives.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from mesos_messenger.endpoint import Endpoint

from ._rules import CLEAR, FaultPlan, LinkState

__all__ = ["FaultyEndpoint"]

_RESET = struct.pack("ii", 1, 0)


class Wire(asyncio.Transport):
    """A connection's transport that writes later, or not until it may again."""

    def __init__(self, inner: asyncio.Transport, address: tuple[str, int], state: LinkState) -> None:
        super().__init__()
        self.address = address
        self._inner = inner
        self._state = state
        self._waiting: deque[tuple[float, bytes | None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def change(self, state: LinkState) -> None:
        """Be as the link now is."""
        self._state = state
        if state.refused:
            self.reset()
        else:
            self._flush()

    def reset(self) -> None:
        """Break it as a peer does that resets the connection."""
        connected = self._inner.get_extra_info("socket")
        if connected is not None:
            with contextlib.suppress(OSError):  # It may have been closed.
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.abort()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._waiting or self._state is not CLEAR:
            self._wait(bytes(data))
        else:
            self._inner.write(data)

    def write_eof(self) -> None:
        if self._waiting:
            self._wait(None)
        else:
            self._inner.write_eof()

    def _wait(self, data: bytes | None) -> None:
        self._waiting.append((asyncio.get_running_loop().time() + self._state.delay, data))
        self._flush()

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop = asyncio.get_running_loop()
        while self._waiting and not self._state.silent:
            due, data = self._waiting[0]
            if due > loop.time():
                self._timer = loop.call_at(due, self._flush)
                return
            self._waiting.popleft()
            if data is None:
                self._inner.write_eof()
            else:
                self._inner.write(data)

    def _forget(self) -> None:
        self._waiting.clear()
        self._flush()

    def close(self) -> None:
        self._forget()
        self._inner.close()

    def abort(self) -> None:
        self._forget()
        self._inner.abort()

    def is_closing(self) -> bool:
        return self._inner.is_closing()

    def can_write_eof(self) -> bool:
        return self._inner.can_write_eof()

    def get_write_buffer_size(self) -> int:
        return self._inner.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._inner.set_write_buffer_limits(high, low)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._inner.get_extra_info(name, default)


class _Wiring(asyncio.Protocol):
    """Gives a protocol a wire for its transport, and steps aside."""

    def __init__(self, protocol: asyncio.BaseProtocol, make: Callable[[asyncio.Transport], Wire]) -> None:
        self._protocol = protocol
        self._make = make

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        inner = cast(asyncio.Transport, transport)
        inner.set_protocol(self._protocol)
        self._protocol.connection_made(self._make(inner))


class FaultyEndpoint(Endpoint):
    """An endpoint that asks a plan how its links are."""

    def __init__(self, plan: FaultPlan, *, bind: str) -> None:
        super().__init__(bind=bind, environ={})
        self._plan = plan
        self._wires: list[Wire] = []
        self._changed = asyncio.Event()
        self._silenced: set[tuple[str, int]] = set()

    async def open_connection(
        self, address: tuple[str, int], factory: Callable[[], asyncio.Protocol]
    ) -> None:
        """Connect to a peer, as far as the plan lets it. Raises OSError or asyncio.TimeoutError."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.options.connect_timeout
        while (state := self._plan.link(self.address, address)).silent:
            await asyncio.wait_for(self._changed.wait(), deadline - loop.time())
        if state.refused:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "the link is cut")

        def wire(inner: asyncio.Transport) -> Wire:
            made = Wire(inner, address, self._plan.link(self.address, address))
            self._wires = [*(each for each in self._wires if not each.is_closing()), made]
            return made

        await super().open_connection(address, lambda: _Wiring(factory(), wire))

    def apply(self) -> None:
        """Make the connections that are there as the plan now says (on the loop's thread)."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        for each in list(self._wires):
            each.change(self._plan.link(self.address, each.address))
        self._apply_to_strangers()

    def _apply_to_strangers(self) -> None:
        """Do the same to what processes outside the cluster have opened."""
        strangers = {each.sender.address for each in self.peers.connections if each.sender}
        strangers |= self._plan.sources()
        strangers -= {address_of(each) for each in self._plan.parts}
        states = {each: self._plan.link(each, self.address) for each in strangers}
        for connection in list(self.peers.connections):
            if connection.sender and states.get(connection.sender.address, CLEAR).refused:
                connection.abort()
        silenced = {each for each, state in states.items() if state.silent}
        for sender in silenced ^ self._silenced:
            for process in self.registry.processes.values():
                self.peers.set_paused(process, sender, sender in silenced)
        self._silenced = silenced


def address_of(process: str) -> tuple[str, int]:
    """Give the address in `id@ip:port`. Raises ValueError."""
    ip, _, port = process.rpartition("@")[2].rpartition(":")
    return ip, int(port)
