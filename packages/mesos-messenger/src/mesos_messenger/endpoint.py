"""Endpoint: one listening socket and one event loop for the processes that share an address.

Upstream: process.cpp, socket_manager.hpp.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from types import TracebackType
from typing import TYPE_CHECKING, Final

from . import _address
from ._answers import Answers
from ._calls import TimerHandle
from ._connection import Connection
from ._flags import flag
from ._heads import HeadCache
from ._listener import Listener
from ._local import LocalOutbox
from ._outbox import Outbox
from ._peers import Peers
from ._registry import Registry
from ._router import Router
from ._runner import Runner, ThreadRunner
from .errors import AddressError, NotRunningError, UsageError
from .http import Handler, Request, Response, StreamingResponse
from .metrics import Drop, Metrics, Snapshot
from .options import Options
from .tls import Tls, TlsSide
from .upid import Address, is_ipv4

if TYPE_CHECKING:
    from .messenger import Messenger

__all__ = ["Endpoint"]

logger = logging.getLogger("mesos.messenger")

_IP_MATCH: Final = "LIBPROCESS_REQUIRE_PEER_ADDRESS_IP_MATCH"
_LOG_EVERY: Final = 1.0


class EndpointState(Enum):
    """The life of an endpoint."""

    NEW = "new"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"


class Endpoint:
    """One address, one loop, any number of `Messenger`s.

    `bind` and `advertise` are `ip`, `ip:port` or `:port`; where they are missing, the LIBPROCESS_*
    variables of `environ` (the process's own by default) are looked at. Without an address from either,
    the endpoint listens everywhere and advertises the source address of the route towards `towards`
    (`ip`, `host` or `host:port`; say the master), else of the first peer it sends to, else of the
    default route.
    """

    def __init__(
        self,
        *,
        bind: str | None = None,
        advertise: str | None = None,
        towards: str | None = None,
        options: Options | None = None,
        tls: Tls | None = None,
        environ: Mapping[str, str] | None = None,
        runner: Runner | None = None,
    ) -> None:
        self.options = options if options is not None else Options()
        self._environ = dict(os.environ if environ is None else environ)
        self._place = _address.settle(bind, advertise, self._environ)
        self._towards = towards
        self._runner: Runner = runner if runner is not None else ThreadRunner(uvloop=self.options.uvloop)
        self._state = EndpointState.NEW
        self._lock = threading.Lock()
        self._port = 0
        self._ip = self._place.advertise_ip
        self._shutdown: asyncio.Task[None] | None = None
        self._logged: dict[str, tuple[float, int]] = {}
        self._warned: set[Address] = set()
        self.calls = self._runner.calls
        self.heads = HeadCache()
        self.answers = Answers()
        self.metrics = Metrics()
        self.registry = Registry()
        self.router = Router(self.registry.processes)
        match = self.options.require_peer_address_ip_match
        self.peer_address_ip_match = (
            flag(self._environ.get(_IP_MATCH, ""), _IP_MATCH) if match is None else match
        )
        tls = tls if tls is not None else Tls.from_environ(self._environ)
        self._tls = TlsSide(tls) if tls is not None else None
        self.peers = Peers(self)
        self._listener = Listener(self.accept, room=self.peers.room, refused=self._refused)
        self.router.add(None, "/metrics/snapshot", self._metrics_page)
        self.router.add(None, "/health", self._health_page)

    # Life.

    def start(self) -> Endpoint:
        """Listen. Raises `AddressError` when the address cannot be bound. Does nothing when running."""
        with self._lock:
            if self._state is EndpointState.RUNNING:
                return self
            if self._state is not EndpointState.NEW:
                raise NotRunningError("an endpoint cannot be started again; make another one")
            if self._towards is not None and self._ip is None:
                self._settle_towards(self._towards)
            self._runner.start(f"mesos-messenger:{self._place.bind_port or 'any'}")
            try:
                self._port = self._runner.run(self._listen())
            except OSError as error:
                self._runner.finish(5.0)
                self._state = EndpointState.STOPPED
                where = f"{self._place.bind_ip}:{self._place.bind_port}"
                raise AddressError(
                    f"cannot listen on {where}: {error.strerror or error}; "
                    "choose another with bind= or LIBPROCESS_IP and LIBPROCESS_PORT"
                ) from error
            self._state = EndpointState.RUNNING
        return self

    async def _listen(self) -> int:
        port = await self._listener.listen((self._place.bind_ip, self._place.bind_port), self._tls)
        self.peers.sweep()
        return port

    def _refused(self, peer: Address, error: OSError) -> None:
        self.metrics.others.drop(Drop.TLS)
        self.log_limited("refused a connection from %s:%d: %s", *peer[:2], error)

    def stop(self, timeout: float = 5.0) -> bool:
        """Send what waits, let the peers read it, close everything; True when that was in time.

        What cannot be sent within `timeout` seconds is reported undelivered. On the endpoint's own
        thread this only begins the stop, and returns False.
        """
        with self._lock:
            if self._state in {EndpointState.NEW, EndpointState.STOPPED}:
                self._state = EndpointState.STOPPED
                # A stop that was begun by a handler may still be letting go of its thread.
                return self._runner.finish(timeout)
            first = self._state is EndpointState.RUNNING
            if first:
                self._state = EndpointState.STOPPING
        for outbox in list(self.peers.outboxes.values()):
            outbox.wake_waiters()
        if not self._runner.may_wait():
            if first:
                self._shutdown = self.loop.create_task(self._stop_from_within(timeout))
            return False
        try:
            self._runner.run(self._stop_once(timeout) if first else self._stopped())
        except NotRunningError:
            logger.debug("the loop has ended already")
        ended = self._runner.finish(timeout + 5.0)
        self._state = EndpointState.STOPPED
        return ended

    async def _stop_once(self, timeout: float) -> None:
        self._shutdown = asyncio.get_running_loop().create_task(self._close(timeout))
        await self._shutdown

    async def _stop_from_within(self, timeout: float) -> None:
        await self._close(timeout)
        self._runner.finish(None)
        self._state = EndpointState.STOPPED

    async def _stopped(self) -> None:
        """Wait for the end of a stop that somebody else has begun."""
        while self._shutdown is None:
            await asyncio.sleep(0)
        await asyncio.wait([self._shutdown])

    async def _close(self, timeout: float) -> None:
        self.calls.make_all()
        for messenger in list(self.registry.processes.values()):
            self.detach(messenger)
        await self.peers.finish(timeout)
        # Only now: peers take the end of these connections for our exit.
        await self._listener.close()
        await self.peers.close()

    def __enter__(self) -> Endpoint:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether it has been started and not stopped."""
        return self._state is EndpointState.RUNNING

    @property
    def stopping(self) -> bool:
        """Whether a stop has begun."""
        return self._state in {EndpointState.STOPPING, EndpointState.STOPPED}

    # Address.

    @property
    def port(self) -> int:
        """The port it listens on; 0 before the start."""
        return self._port

    @property
    def address(self) -> Address:
        """The address that others are told. Settled by the first use, and then constant."""
        if self._port == 0:
            raise NotRunningError("the address is known after start()")
        if self._ip is None:
            self._ip = _address.default_source()
        return self._ip, self._place.advertise_port or self._port

    def settle_towards(self, peer: str) -> Address:
        """Settle the address, if that is still open, on the one that this peer would see; return it."""
        if self._ip is None:
            self._settle_towards(peer)
        return self.address

    def _settle_towards(self, peer: str) -> None:
        host = peer.rpartition("@")[2].partition(":")[0]
        self._ip = _address.source_towards(_address.resolve(host, "towards"))

    def _face(self, peer: Address) -> None:
        """Settle the address for a peer, and warn when the peer cannot reach it."""
        if self._ip is None and is_ipv4(peer[0]):
            self._ip = _address.source_towards(peer[0])
        mine = self.address[0]
        if _address.is_loopback(mine) and not _address.is_loopback(peer[0]) and peer not in self._warned:
            if len(self._warned) < 1000:
                self._warned.add(peer)
            logger.warning(
                "%s:%d cannot reach this process, which calls itself %s:%d: answers will go to the "
                "peer's own loopback interface. Give an address it can reach with bind= or advertise= "
                "(LIBPROCESS_IP or LIBPROCESS_ADVERTISE_IP)",
                *peer,
                *self.address,
            )

    # Calls on the loop's thread.

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop; only to be used on its own thread."""
        return self._runner.loop

    def on_loop(self) -> bool:
        """Tell whether the caller is on the endpoint's thread."""
        return self._runner.on_loop()

    def now(self) -> float:
        """Return the time of the loop's clock, in seconds."""
        return self.loop.time()

    def call_soon(self, call: Callable[..., object], *args: object) -> None:
        """Have a function called on the endpoint's thread; from any thread, in order.

        Raises `NotRunningError` before the start and after the stop.
        """
        self.calls.soon(call, *args)

    def call_later(self, delay: float, call: Callable[..., object], *args: object) -> TimerHandle:
        """Have a function called on the endpoint's thread after some seconds; from any thread."""
        return self.calls.later(delay, call, *args)

    def run(self, call: Callable[[], object]) -> None:
        """Call a function on the endpoint's thread and wait until it has returned; raises what it raises."""
        if not self._runner.may_wait():
            call()
            return

        async def step() -> None:
            call()

        self._runner.run(step())

    # Processes.

    def attach(self, messenger: Messenger) -> None:
        """Add a process (on the loop's thread)."""
        if messenger.id in self.registry.processes:
            raise UsageError(f"the endpoint has a process {messenger.id!r} already")
        self.registry.processes[messenger.id] = messenger
        if self.router.delegate is None:
            self.router.delegate = messenger.id

    def detach(self, messenger: Messenger) -> None:
        """Remove a process and all that belongs to it (on the loop's thread)."""
        if self.registry.processes.get(messenger.id) is not messenger:
            return
        del self.registry.processes[messenger.id]
        for key in [key for key in self.registry.handlings if key[0] == messenger.id]:
            self.registry.handlings.pop(key).live = False
        self.router.remove(messenger.id)
        self.peers.forget(messenger)
        messenger.detached()

    def delegate_to(self, process: str) -> None:
        """Send the requests whose path names no process to this one; it is the first by default."""
        self.router.delegate = process

    def route(self, path: str, handler: Handler) -> None:
        """Answer requests for a path below no process, such as `/metrics/snapshot`."""
        self.router.add(None, path, handler)

    def outbox(self, address: Address) -> Outbox:
        """Return what waits for an address; from any thread."""
        outboxes = self.peers.outboxes
        found = outboxes.get(address)
        if found is not None:
            return found
        self._face(address)
        with self._lock:
            found = outboxes.get(address)
            if found is None:
                found = (LocalOutbox if address == self.address else Outbox)(self, address)
                if self.running:
                    outboxes[address] = found
            return found

    # Connections.

    def accept(self) -> asyncio.Protocol:
        """Return what receives an inbound connection."""
        return Connection(self)

    async def open_connection(self, address: Address, factory: Callable[[], asyncio.Protocol]) -> None:
        """Connect to a peer; raises `OSError` or `asyncio.TimeoutError`."""
        loop = asyncio.get_running_loop()
        timeout = self.options.connect_timeout
        if self._tls is None:
            await asyncio.wait_for(loop.create_connection(factory, *address), timeout)
        else:
            await asyncio.wait_for(self._tls.connect(address, factory), timeout)

    def answer(self, request: Request) -> Awaitable[Response | StreamingResponse]:
        """Have an ordinary request answered."""
        return self.router.answer(request)

    # Watching.

    def log_limited(self, text: str, *args: object) -> None:
        """Warn, at most once a second for each kind of event."""
        now = time.monotonic()
        last, skipped = self._logged.get(text, (-_LOG_EVERY, 0))
        if now - last < _LOG_EVERY:
            self._logged[text] = (last, skipped + 1)
            return
        self._logged[text] = (now, 0)
        if skipped:
            logger.warning(text + " (and %d times more before)", *args, skipped)
        else:
            logger.warning(text, *args)

    def snapshot(self) -> Snapshot:
        """Return the counters as they are now; from any thread."""
        return self.peers.snapshot()

    async def _metrics_page(self, request: Request) -> Response:
        return Response.json(self.snapshot().flat())

    async def _health_page(self, request: Request) -> Response:
        return Response()
