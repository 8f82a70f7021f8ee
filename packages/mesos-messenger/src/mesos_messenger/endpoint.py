"""Endpoint: one listening socket and one event loop for the processes that share an address.

Upstream: process.cpp, socket_manager.hpp.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from enum import Enum
from types import TracebackType
from typing import TYPE_CHECKING, Final

from . import _address
from ._answers import Answers
from ._connection import Connection
from ._flags import flag
from ._heads import HeadCache
from ._local import LocalOutbox
from ._outbox import Outbox, OutboxState
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

__all__ = ["Endpoint", "TimerHandle"]

logger = logging.getLogger("mesos.messenger")

_IP_MATCH: Final = "LIBPROCESS_REQUIRE_PEER_ADDRESS_IP_MATCH"
_BACKLOG: Final = 4096
_LOG_EVERY: Final = 1.0
_TURN: Final = 512


class EndpointState(Enum):
    """The life of an endpoint."""

    NEW = "new"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"


class TimerHandle:
    """A call that `call_later` has arranged."""

    __slots__ = ("_endpoint", "_handle", "cancelled")

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._handle: asyncio.TimerHandle | None = None
        self.cancelled = False

    def cancel(self) -> None:
        """See to it that the call is not made; from any thread."""
        self.cancelled = True
        if self._handle is not None and self._endpoint.on_loop():
            self._handle.cancel()

    def arm(self, delay: float, call: Callable[[], object]) -> None:
        """Start the timer (called on the loop's thread)."""
        if not self.cancelled:
            self._handle = self._endpoint.loop.call_later(max(0.0, delay), self._fire, call)

    def _fire(self, call: Callable[[], object]) -> None:
        if not self.cancelled:
            call()


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
        self._mail: deque[tuple[Callable[..., object], tuple[object, ...]]] = deque()
        self._mail_scheduled = False
        self._server: asyncio.AbstractServer | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self._shutdown: asyncio.Task[None] | None = None
        self._outboxes: dict[Address, Outbox] = {}
        self._connections: set[Connection] = set()
        self._paused: dict[Address, set[Messenger]] = {}
        self._logged: dict[str, tuple[float, int]] = {}
        self._warned: set[Address] = set()
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
        self._accepting: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._handshakes: set[asyncio.Task[None]] = set()
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
        if self._towards is not None and self._ip is None:
            self._settle_towards(self._towards)
        return self

    async def _listen(self) -> int:
        loop = asyncio.get_running_loop()
        where = self._place.bind_ip, self._place.bind_port
        if self._tls is None:
            self._server = await loop.create_server(self.accept, *where, backlog=_BACKLOG, reuse_address=True)
            port = int(self._server.sockets[0].getsockname()[1])
        else:
            listener = socket.create_server(where, backlog=_BACKLOG)
            listener.setblocking(False)
            self._accepting = loop.create_task(self._accept(listener, self._tls))
            port = int(listener.getsockname()[1])
        self._sweep()
        return port

    async def _accept(self, listener: socket.socket, tls: TlsSide) -> None:
        """Accept connections one by one, so that a handshake that fails is noticed."""
        loop = asyncio.get_running_loop()
        with listener:
            while True:
                try:
                    connection, peer = await loop.sock_accept(listener)
                except OSError as error:
                    self.log_limited("cannot accept a connection: %s", error)
                    await asyncio.sleep(0.05)
                    continue
                if len(self._connections) + len(self._handshakes) >= self.options.max_connections:
                    self.metrics.others.drop(Drop.TOO_MANY)
                    connection.close()
                    continue
                task = loop.create_task(self._shake_hands(connection, peer, tls))
                self._handshakes.add(task)
                task.add_done_callback(self._handshakes.discard)

    async def _shake_hands(self, connection: socket.socket, peer: tuple[str, int], tls: TlsSide) -> None:
        try:
            await tls.accept(connection, self.accept)
        except OSError as error:
            connection.close()
            self.metrics.others.drop(Drop.TLS)
            self.log_limited("refused a connection from %s:%d: %s", *peer[:2], error)
        except asyncio.CancelledError:
            connection.close()
            raise

    def stop(self, timeout: float = 5.0) -> bool:
        """Send what waits, let the peers read it, close everything; True when that was in time.

        What cannot be sent within `timeout` seconds is reported undelivered. On the endpoint's own
        thread this only begins the stop, and returns False.
        """
        with self._lock:
            if self._state is EndpointState.NEW:
                self._state = EndpointState.STOPPED
                return True
            first = self._state is EndpointState.RUNNING
            if first:
                self._state = EndpointState.STOPPING
        for outbox in list(self._outboxes.values()):
            outbox.wake_waiters()
        if not self._runner.may_wait():
            if first:
                self._shutdown = self.loop.create_task(self._stop_from_within(timeout))
            return False
        if first:
            self._runner.run(self._close(timeout))
        ended = self._runner.finish(timeout + 5.0)
        self._state = EndpointState.STOPPED
        return ended

    async def _stop_from_within(self, timeout: float) -> None:
        await self._close(timeout)
        self._runner.finish(None)
        self._state = EndpointState.STOPPED

    async def _close(self, timeout: float) -> None:
        for messenger in list(self.registry.processes.values()):
            self.detach(messenger)
        if self._sweeper is not None:
            self._sweeper.cancel()
        closing: list[asyncio.Task[None]] = [
            asyncio.ensure_future(outbox.close()) for outbox in self._outboxes.values()
        ]
        if closing:
            _, late = await asyncio.wait(closing, timeout=timeout)
            for task in late:
                task.cancel()
            await asyncio.gather(*closing, return_exceptions=True)
        for outbox in self._outboxes.values():
            outbox.abandon()
        for task in self._ending:
            task.cancel()
        # Only now: peers take the end of these connections for our exit.
        if self._server is not None:
            self._server.close()
        waiting = [*self._handshakes, *([self._accepting] if self._accepting is not None else [])]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        for connection in list(self._connections):
            connection.close()
        deadline = self.now() + 0.5
        while self._connections and self.now() < deadline:
            await asyncio.sleep(0.001)
        for connection in list(self._connections):
            connection.abort()
        # One turn for the transports to let go of their sockets.
        await asyncio.sleep(0)

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
        self._mail.append((call, args))
        if not self._mail_scheduled:
            self._mail_scheduled = True
            try:
                if self._runner.on_loop():
                    self.loop.call_soon(self.read_mail)
                else:
                    self.loop.call_soon_threadsafe(self.read_mail)
            except RuntimeError as error:
                self._mail_scheduled = False
                self._mail.clear()
                raise NotRunningError("the messenger is not running") from error

    def hold_mail(self) -> None:
        """Promise that `read_mail` will be called presently (on the loop's thread)."""
        self._mail_scheduled = True

    def read_mail(self) -> None:
        """Make the calls that wait (on the loop's thread)."""
        # Cleared first: who adds to the mail from now on sees to being read.
        self._mail_scheduled = False
        mail = self._mail
        for _ in range(min(len(mail), _TURN)):
            call, args = mail.popleft()
            self.run_guarded(call, *args)
        if mail and not self._mail_scheduled:
            self._mail_scheduled = True
            self.loop.call_soon(self.read_mail)

    def run_guarded(self, call: Callable[..., object], *args: object) -> None:
        """Call a function; what it raises is logged."""
        try:
            call(*args)
        except Exception:
            logger.exception("%r failed", call)

    def call_later(self, delay: float, call: Callable[..., object], *args: object) -> TimerHandle:
        """Have a function called on the endpoint's thread after some seconds; from any thread."""
        timer = TimerHandle(self)
        bound: Callable[[], object] = lambda: self.run_guarded(call, *args)  # noqa: E731
        if self._runner.on_loop():
            timer.arm(delay, bound)
        else:
            self.call_soon(timer.arm, delay, bound)
        return timer

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
        for address in list(self._paused):
            self.set_paused(messenger, address, False)
        for outbox in list(self._outboxes.values()):
            outbox.unlink(messenger)
            if isinstance(outbox, LocalOutbox):
                outbox.ended(messenger.id)
        messenger.detached()

    def delegate_to(self, process: str) -> None:
        """Send the requests whose path names no process to this one; it is the first by default."""
        self.router.delegate = process

    def route(self, path: str, handler: Handler) -> None:
        """Answer requests for a path below no process, such as `/metrics/snapshot`."""
        self.router.add(None, path, handler)

    def outbox(self, address: Address) -> Outbox:
        """Return what waits for an address; from any thread."""
        found = self._outboxes.get(address)
        if found is not None:
            return found
        self._face(address)
        with self._lock:
            found = self._outboxes.get(address)
            if found is None:
                kind = LocalOutbox if address == self.address else Outbox
                found = kind(self, address)
                # A new dict, so that those who go through the old one are not disturbed.
                self._outboxes = {**self._outboxes, address: found} if self.running else self._outboxes
            return found

    # Connections.

    def accept(self) -> asyncio.Protocol:
        """Return what receives an inbound connection."""
        return Connection(self)

    def admit(self, connection: Connection) -> bool:
        """Take an inbound connection; False when there are too many."""
        if len(self._connections) >= self.options.max_connections:
            self.metrics.others.drop(Drop.TOO_MANY)
            return False
        self._connections.add(connection)
        return True

    def forget(self, connection: Connection) -> None:
        """Note that an inbound connection is gone."""
        self._connections.discard(connection)

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

    def set_paused(self, messenger: Messenger, address: Address, paused: bool) -> None:
        """Stop or resume reading from an address for a process (on the loop's thread)."""
        if paused:
            self._paused.setdefault(address, set()).add(messenger)
        else:
            who = self._paused.get(address, set())
            who.discard(messenger)
            if not who:
                self._paused.pop(address, None)
        for connection in self._connections:
            if connection.sender.address == address:
                connection.pause(self.is_paused(address))

    def is_paused(self, address: Address) -> bool:
        """Tell whether somebody wants nothing more from an address."""
        return address in self._paused

    def _sweep(self) -> None:
        """Close what has been idle or incomplete for too long."""
        options = self.options
        now = self.now()
        interval = max(0.05, min(options.idle_timeout, options.request_timeout, 120.0) / 4)
        self._sweeper = asyncio.get_running_loop().call_later(interval, self._sweep)
        for connection in list(self._connections):
            progress, since = connection.seen_progress
            if not connection.partial or progress != connection.progress:
                connection.seen_progress = (connection.progress, now)
            elif now - since > options.request_timeout:
                self.log_limited("closed a connection from %s:%d: too slow", *connection.client)
                connection.abort(Drop.TOO_SLOW)
        for address, outbox in list(self._outboxes.items()):
            if isinstance(outbox, LocalOutbox) or not outbox.idle_since(now - options.idle_timeout):
                continue
            if outbox.retire():
                self._outboxes = {key: value for key, value in self._outboxes.items() if key != address}
                self.metrics.inbound_of(address).add(outbox.metrics)
                self._end(self._let_go(outbox))

    def linger(self, transport: asyncio.Transport, lost: asyncio.Future[None], *, cut: bool) -> None:
        """End a connection that nobody needs: at once, or when the peer has read what was written."""
        if cut or not transport.can_write_eof():
            transport.abort() if cut else transport.close()
            return
        transport.write_eof()
        self._end(self._abort_late(transport, lost))

    async def _abort_late(self, transport: asyncio.Transport, lost: asyncio.Future[None]) -> None:
        try:
            await asyncio.wait([lost], timeout=self.options.connect_timeout)
        finally:
            transport.abort()

    def _end(self, ending: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(ending)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _let_go(self, outbox: Outbox) -> None:
        """Close a connection that is not needed any longer."""
        try:
            await asyncio.wait_for(outbox.close(), self.options.connect_timeout)
        except asyncio.TimeoutError:
            logger.debug("%s:%d does not close its connection", *outbox.address)
        finally:
            outbox.abandon()

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
        outboxes = list(self._outboxes.values())
        outbound = {outbox.address: (outbox.metrics, outbox.queued) for outbox in outboxes}
        open_ones = sum(outbox.state is OutboxState.OPEN for outbox in outboxes)
        return self.metrics.snapshot(outbound, len(self._connections), open_ones)

    async def _metrics_page(self, request: Request) -> Response:
        return Response.json(self.snapshot().flat())

    async def _health_page(self, request: Request) -> Response:
        return Response()
