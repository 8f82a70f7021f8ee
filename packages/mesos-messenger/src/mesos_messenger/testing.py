"""Messengers without sockets, threads or waiting: an in-memory network on a clock that a test moves.

    with MemoryNetwork() as network:
        master = Messenger("master", endpoint=network.endpoint("10.0.0.1:5050"))
        agent = Messenger("slave(1)", endpoint=network.endpoint("10.0.0.2"))
        master.start(); agent.start()
        agent.link(master.upid, on_exited)
        network.run()                              # until nothing is left to be done now
        network.cut("10.0.0.1", "10.0.0.2")        # connections break, new ones are refused
        network.advance(30.0)                      # timers fire in order

Everything happens in `run` and `advance`, in the caller's thread; nothing depends on real time.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Coroutine
from contextvars import Context
from types import TracebackType
from typing import Any, TypeVar

from ._calls import Calls
from .endpoint import Endpoint
from .options import Options
from .upid import Address

__all__ = ["ManualLoop", "MemoryEndpoint", "MemoryNetwork", "MemoryTransport"]

T = TypeVar("T")

_FIRST_PORT = 40000
_MOST_TURNS = 100_000


class ManualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time stands still until it is moved."""

    def __init__(self) -> None:
        self._now = 0.0
        self._made = 0
        self._times: list[float] = []
        super().__init__()

    def time(self) -> float:
        """Return the manual time."""
        return self._now

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """As in asyncio; counted, so that the end of the work is noticed."""
        self._made += 1
        return super().call_soon(callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """As in asyncio; the moment is noted."""
        heapq.heappush(self._times, when)
        return super().call_at(when, callback, *args, context=context)

    def turn(self) -> bool:
        """Make the calls that are due; True when they have led to others."""
        super().call_soon(self.stop)
        before = self._made
        self.run_forever()
        return self._made != before

    def run_until_idle(self, turns: int = _MOST_TURNS) -> None:
        """Make the calls that are due, and those they lead to, until none is left.

        Raises `RuntimeError` when that takes more than so many turns.
        """
        quiet = 0
        for _ in range(turns):
            quiet = 0 if self.turn() else quiet + 1
            if quiet == 2:
                return
        raise RuntimeError("the work does not end: something calls itself again and again")

    def advance(self, seconds: float) -> None:
        """Let time pass, stopping at each timer on the way."""
        target = self._now + seconds
        self.run_until_idle()
        while self.jump(target):
            self.run_until_idle()
        self._now = target
        self.run_until_idle()

    def jump(self, limit: float = float("inf")) -> bool:
        """Move to the next timer's moment; False when there is none up to the limit."""
        while self._times and self._times[0] <= self._now:
            heapq.heappop(self._times)
        if not self._times or self._times[0] > limit:
            return False
        # A hair more: timers fire when their moment has passed.
        self._now = self._times[0] + 1e-9
        return True


class _ManualRunner:
    """Runs coroutines on a manual loop, moving its time as far as they need."""

    def __init__(self, loop: ManualLoop) -> None:
        self._loop = loop
        self.calls = Calls(self)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def start(self, name: str) -> None:
        pass

    def on_loop(self) -> bool:
        return True

    def may_wait(self) -> bool:
        return not self._loop.is_running()

    def run(self, coroutine: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        task = self._loop.create_task(coroutine)
        while True:
            self._loop.run_until_idle()
            if task.done():
                return task.result()
            if not self._loop.jump():
                task.cancel()
                self._loop.run_until_idle()
                raise RuntimeError("it waits for something that never happens")

    def finish(self, timeout: float | None) -> bool:
        return True


class MemoryTransport(asyncio.Transport):
    """One end of a connection in memory; the other end gets the bytes when the loop turns."""

    def __init__(
        self, network: MemoryNetwork, mine: Address, other: Address, protocol: asyncio.Protocol
    ) -> None:
        super().__init__({"peername": other, "sockname": mine})
        self.mine = mine
        self.other = other
        self.peer: MemoryTransport
        self._network = network
        self._protocol = protocol
        self._capacity = network.capacity
        self._incoming: list[bytes | None] = []
        self._outgoing = 0
        self._high = 64 * 1024
        self._full = False
        self._paused = False
        self._eof_sent = False
        self._closing = False
        self._lost = False

    def connect(self, peer: MemoryTransport) -> None:
        """Join two ends."""
        self.peer = peer
        self._protocol.connection_made(self)

    def is_closing(self) -> bool:
        """Tell whether it has been closed."""
        return self._closing

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes; what the other end has not read beyond the network's capacity counts as buffered."""
        if self._closing or self._eof_sent or not data:
            return
        self._outgoing += len(data)
        self.peer._incoming.append(bytes(data))
        if self.get_write_buffer_size() > self._high and not self._full:
            self._full = True
            self._protocol.pause_writing()
        self._network.loop.call_soon(self.peer._read)

    def get_write_buffer_size(self) -> int:
        """Return how many bytes are beyond what the network takes."""
        return max(0, self._outgoing - self._capacity)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set from how many buffered bytes on the protocol is told to pause."""
        self._high = 64 * 1024 if high is None else high

    def can_write_eof(self) -> bool:
        """Return True: a connection has two halves."""
        return True

    def write_eof(self) -> None:
        """Close this half when what was written has been read."""
        if not self._eof_sent and not self._closing:
            self._eof_sent = True
            self.peer._incoming.append(None)
            self._network.loop.call_soon(self.peer._read)

    def pause_reading(self) -> None:
        """Stop the protocol from being given bytes."""
        self._paused = True

    def resume_reading(self) -> None:
        """Give the protocol bytes again."""
        self._paused = False
        self._network.loop.call_soon(self._read)

    def is_reading(self) -> bool:
        """Tell whether the protocol is given bytes."""
        return not self._paused and not self._closing

    def close(self) -> None:
        """Close both halves; what was written is still read by the other end."""
        if not self._closing:
            self.write_eof()
            self._end(None)

    def abort(self) -> None:
        """Close at once; the other end gets a reset."""
        if not self._closing:
            self._end(None)
            self.peer.break_off(ConnectionResetError("the peer reset the connection"))

    def break_off(self, error: Exception) -> None:
        """End with an error."""
        if not self._closing:
            self._incoming.clear()
            self._end(error)

    def _end(self, error: Exception | None) -> None:
        self._closing = True
        self._network.forget(self)
        self._network.loop.call_soon(self._lose, error)

    def _lose(self, error: Exception | None) -> None:
        if not self._lost:
            self._lost = True
            self._protocol.connection_lost(error)

    def _read(self) -> None:
        while self._incoming and not self._paused and not self._closing:
            data = self._incoming.pop(0)
            if data is None:
                if not self._protocol.eof_received():
                    self.close()
                return
            self._protocol.data_received(data)
            self.peer._was_read(len(data))

    def _was_read(self, size: int) -> None:
        self._outgoing -= size
        if self._full and not self.get_write_buffer_size() and not self._closing:
            self._full = False
            self._protocol.resume_writing()


class MemoryEndpoint(Endpoint):
    """An endpoint on a `MemoryNetwork`."""

    def __init__(self, network: MemoryNetwork, bind: str, options: Options | None) -> None:
        super().__init__(bind=bind, options=options, environ={}, runner=network.runner)
        self.network = network

    async def _listen(self) -> int:
        self.peers.sweep()
        return self.network.listen(self, self._place.bind_ip, self._place.bind_port)

    async def open_connection(self, address: Address, factory: Callable[[], asyncio.Protocol]) -> None:
        """Connect to another endpoint of the network; raises `OSError`."""
        self.network.connect(self.address[0], address, factory)

    async def _close(self, timeout: float) -> None:
        await super()._close(timeout)
        self.network.unlisten(self)


class MemoryNetwork:
    """Endpoints that reach each other in memory, on one manual clock.

    `capacity` is how many bytes a connection takes before its sender has to wait.
    """

    def __init__(self, *, capacity: int = 1 << 20) -> None:
        self.loop = ManualLoop()
        self.runner = _ManualRunner(self.loop)
        self.capacity = capacity
        self._endpoints: dict[Address, MemoryEndpoint] = {}
        self._made: list[MemoryEndpoint] = []
        self._transports: list[MemoryTransport] = []
        self._cut: set[frozenset[str]] = set()
        self._next_port = _FIRST_PORT

    def endpoint(self, bind: str, *, options: Options | None = None) -> MemoryEndpoint:
        """Make an endpoint at `ip` or `ip:port`."""
        endpoint = MemoryEndpoint(self, bind, options)
        self._made.append(endpoint)
        return endpoint

    def run(self) -> None:
        """Do everything that can be done without time passing."""
        self.loop.run_until_idle()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.loop.advance(seconds)

    @property
    def now(self) -> float:
        """The time, in seconds from the start."""
        return self.loop.time()

    def cut(self, one: str, other: str) -> None:
        """Break the connections between two addresses (IPs), and refuse new ones."""
        self._cut.add(frozenset((one, other)))
        for transport in list(self._transports):
            if {transport.mine[0], transport.other[0]} == {one, other}:
                transport.break_off(ConnectionResetError("the network was cut"))

    def heal(self, one: str, other: str) -> None:
        """Let two addresses reach each other again."""
        self._cut.discard(frozenset((one, other)))

    def listen(self, endpoint: MemoryEndpoint, ip: str, port: int) -> int:
        """Take an address for an endpoint; raises `OSError` when it is taken."""
        if port == 0:
            port, self._next_port = self._next_port, self._next_port + 1
        if (ip, port) in self._endpoints:
            raise OSError(98, "Address already in use")
        self._endpoints[ip, port] = endpoint
        return port

    def unlisten(self, endpoint: MemoryEndpoint) -> None:
        """Give back an endpoint's address."""
        self._endpoints = {key: value for key, value in self._endpoints.items() if value is not endpoint}

    def connect(self, ip: str, address: Address, factory: Callable[[], asyncio.Protocol]) -> None:
        """Connect an IP to an address; raises `OSError` where nobody listens or the network is cut."""
        target = self._endpoints.get(address)
        if target is None or frozenset((ip, address[0])) in self._cut:
            raise ConnectionRefusedError(111, "Connection refused")
        port, self._next_port = self._next_port, self._next_port + 1
        near = MemoryTransport(self, (ip, port), address, factory())
        far = MemoryTransport(self, address, (ip, port), target.accept())
        near.peer, far.peer = far, near
        self._transports += near, far
        far.connect(near)
        near.connect(far)

    def forget(self, transport: MemoryTransport) -> None:
        """Note that an end of a connection is closed."""
        if transport in self._transports:
            self._transports.remove(transport)

    def close(self) -> None:
        """Stop all endpoints and end the loop."""
        for endpoint in self._made:
            endpoint.stop(0.1)
        self.loop.run_until_idle()
        self.loop.close()

    def __enter__(self) -> MemoryNetwork:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
