"""Messenger: one libprocess process in Python."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TypeVar

from google.protobuf.message import EncodeError, Message

from ._calls import TimerHandle
from ._registry import Handling
from ._route import Route, Undelivered
from ._router import normalize
from .codec import Encoder
from .endpoint import Endpoint
from .errors import MessageError, NotRunningError, UsageError
from .http import Handler
from .metrics import Snapshot
from .options import Options
from .tls import Tls
from .upid import UPID

__all__ = ["Messenger"]

logger = logging.getLogger("mesos.messenger")

MessageT = TypeVar("MessageT", bound=Message)

_MOST_ROUTES = 4096


class Messenger:
    """A process with an id at an endpoint: typed handlers, ordered sends, links, plain HTTP routes.

    Without an `endpoint` it makes its own from `bind`, `advertise`, `towards`, `options`, `tls` and `environ`
    (see `Endpoint`). Handlers, `on_exited` and whatever `call_soon` is given run one at a time on the
    endpoint's thread and must not block it. `install`, `route` and the hooks may be used before the
    start or after it; `send`, `link`, `call_soon` and `call_later` after it, from any thread.
    """

    def __init__(
        self,
        id: str,
        *,
        bind: str | None = None,
        advertise: str | None = None,
        towards: str | None = None,
        endpoint: Endpoint | None = None,
        options: Options | None = None,
        tls: Tls | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        if not id or any(character in "/@" or character.isspace() for character in id):
            raise UsageError(f"{id!r} is no id of a process: one word without / and @")
        if endpoint is not None and (bind, advertise, towards, options, tls, environ) != (None,) * 6:
            raise UsageError(
                "addresses and options belong to the endpoint; give them to it, not to the messenger"
            )
        self.id = id
        self._shared = endpoint is not None
        self.endpoint = (
            endpoint
            if endpoint is not None
            else Endpoint(
                bind=bind, advertise=advertise, towards=towards, options=options, tls=tls, environ=environ
            )
        )
        self._handlings: dict[str, Handling] = {}
        self._http: dict[str, Handler] = {}
        self._attached = False
        self._stopped = False
        self._routes: dict[tuple[UPID, UPID | None], dict[type[Message], Route]] = {}
        self._last: tuple[UPID, UPID | None, dict[type[Message], Route]] | None = None
        self.unhandled: Callable[[UPID, str, bytes], object] | None = None
        """Called with sender, name and body of a message that no handler is installed for."""
        self.undelivered: Callable[[Undelivered], object] | None = None
        """Called for each message that is not known to have left whole when its connection failed."""
        self.handler_failures = 0
        """How many times a handler has raised."""
        self.mended = 0
        """How many messages had text that was not UTF-8; each broken piece became U+FFFD."""

    # Life.

    def start(self) -> None:
        """Join the endpoint, which is started if need be. Raises `AddressError`, `UsageError`."""
        if self._stopped:
            raise NotRunningError(f"the messenger {self.id} has been stopped; make another one")
        if self._attached:
            return
        self.endpoint.start()
        self.endpoint.run(self._attach)

    def _attach(self) -> None:
        self.endpoint.attach(self)
        for name, handling in self._handlings.items():
            self.endpoint.registry.handlings[self.id, name] = handling
        for path, handler in self._http.items():
            self.endpoint.router.add(self.id, path, handler)
        self._attached = True

    def stop(self, timeout: float = 5.0) -> bool:
        """Leave the endpoint: no handler starts after this returns; True when all was sent in time.

        An endpoint of its own is stopped with it (see `Endpoint.stop`); of a shared one the others go
        on, and what was sent still goes out.
        """
        self._stopped = True
        if not self._shared:
            return self.endpoint.stop(timeout)
        if self.endpoint.running and self._attached:
            try:
                self.endpoint.run(lambda: self.endpoint.detach(self))
            except NotRunningError:
                pass  # The endpoint has been stopped meanwhile, and everybody has been detached.
        return True

    def detached(self) -> None:
        """Note that the process has left its endpoint (called by the endpoint)."""
        self._attached = False
        self._stopped = True
        self._last = None
        self._routes.clear()

    def __enter__(self) -> Messenger:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether it has been started and not stopped."""
        return self._attached and self.endpoint.running

    @property
    def upid(self) -> UPID:
        """Its address; known after the start, and constant from the first use on."""
        return UPID(self.id, *self.endpoint.address)

    def upid_towards(self, peer: str) -> UPID:
        """Return its address, settled for this peer (`id@host:port` or `host:port`) if it was open."""
        return UPID(self.id, *self.endpoint.settle_towards(peer))

    # Messages.

    def install(
        self, kind: type[MessageT], handler: Callable[[UPID, MessageT], object], *, name: str | None = None
    ) -> Messenger:
        """Call `handler(sender, message)` for each message of this type; replaces the one before.

        `name` is what the message is called on the wire, its full protobuf name by default.
        """
        handling = Handling(self, kind, handler)
        wire_name = name if name is not None else str(kind.DESCRIPTOR.full_name)
        self._handlings[wire_name] = handling
        if self._attached:
            key = (self.id, wire_name)
            self.endpoint.run(lambda: self.endpoint.registry.handlings.__setitem__(key, handling))
        return self

    def send(self, upid: UPID, message: Message, *, sender: UPID | None = None) -> None:
        """Send a message: from any thread, in order for each peer, without waiting for an answer.

        `sender` is whom it comes from, this process by default. Raises `MessageError` when the message
        lacks a required field, `NotRunningError`, and `QueueFullError` as `Options.overflow` says.
        """
        last = self._last
        if last is not None and last[0] is upid and last[1] is sender:
            route = last[2].get(type(message))
            if route is None:
                route = self._route(upid, sender, message)
        else:
            route = self._route(upid, sender, message)
        try:
            body = message.SerializeToString()
        except EncodeError as error:
            raise MessageError(f"cannot send {route.name}: {error}") from error
        while not route.outbox.put(route, body):
            self._routes.clear()
            self._last = None
            route = self._route(upid, sender, message)

    def _route(self, upid: UPID, sender: UPID | None, message: Message) -> Route:
        if not self._attached:
            raise NotRunningError(f"the messenger {self.id} is not running")
        routes = self._routes.get((upid, sender))
        if routes is None:
            if not isinstance(upid, UPID) or not upid:
                raise UsageError(f"{upid!r} is the address of no process")
            if len(self._routes) >= _MOST_ROUTES:
                self._routes.clear()
            routes = self._routes[upid, sender] = {}
        route = routes.get(type(message))
        if route is None:
            descriptor = getattr(message, "DESCRIPTOR", None)
            if descriptor is None:
                raise MessageError(f"{type(message).__name__} is no protobuf message")
            name = str(descriptor.full_name)
            outbox = self.endpoint.outbox(upid.address)
            source = sender if sender is not None else self.upid
            encoder = Encoder(source, upid, name, host=self.endpoint.options.host_header)
            route = routes[type(message)] = Route(self, outbox, source, upid, name, encoder)
        self._last = (upid, sender, routes)
        return route

    def report_undelivered(self, report: Undelivered) -> None:
        """Pass on that a message was not delivered (called by the endpoint)."""
        if self.undelivered is not None:
            self.run_guarded(self.undelivered, report)

    # Links.

    def link(self, upid: UPID, on_exited: Callable[[UPID], object], *, reconnect: bool = False) -> None:
        """Connect to a process's address and call `on_exited(upid)` once when that connection ends.

        Also when it cannot be made. A process that ends while its address stays alive is not noticed
        (unless it is at this endpoint), nor is a host that vanishes. With `reconnect`, a connection that
        exists is replaced, and nobody is told. Link again after an exit.
        """
        self._check_running()
        if not upid:
            raise UsageError(f"{upid!r} is the address of no process")

        def link() -> None:
            if self._attached and self.endpoint.running:
                self.endpoint.outbox(upid.address).link(self, upid, on_exited, reconnect=reconnect)

        self.endpoint.call_soon(link)

    def unlink(self, upid: UPID) -> None:
        """Forget the links to a process."""

        def unlink() -> None:
            outbox = self.endpoint.peers.outboxes.get(upid.address)
            if outbox is not None:
                outbox.unlink(self, upid)

        self.endpoint.call_soon(unlink)

    def pause(self, upid: UPID) -> None:
        """Stop reading from a peer's address, until `resume`.

        What has been read already, at most 256 KiB, is still delivered.
        """
        self.endpoint.call_soon(self.endpoint.peers.set_paused, self, upid.address, True)

    def resume(self, upid: UPID) -> None:
        """Read from a peer's address again."""
        self.endpoint.call_soon(self.endpoint.peers.set_paused, self, upid.address, False)

    # Plain HTTP.

    def route(self, path: str, handler: Handler) -> Messenger:
        """Answer requests for `/<id><path>` and what is below it with an async handler.

        The endpoint's delegate (its first process, unless told otherwise) also answers `<path>` itself.
        """
        normalize(path)
        self._http[path] = handler
        if self._attached:
            self.endpoint.run(lambda: self.endpoint.router.add(self.id, path, handler))
        return self

    # Calls on the endpoint's thread.

    def call_soon(self, call: Callable[..., object], *args: object) -> None:
        """Have a function called on the endpoint's thread; from any thread, in order."""
        self._check_running()
        self.endpoint.call_soon(call, *args)

    def call_later(self, delay: float, call: Callable[..., object], *args: object) -> TimerHandle:
        """Have a function called on the endpoint's thread after some seconds; from any thread."""
        self._check_running()
        return self.endpoint.call_later(delay, call, *args)

    def on_loop(self) -> bool:
        """Tell whether the caller is on the endpoint's thread."""
        return self.endpoint.on_loop()

    def _check_running(self) -> None:
        if not self._attached:
            raise NotRunningError(f"the messenger {self.id} is not running")

    def run_guarded(self, call: Callable[..., object], *args: object) -> None:
        """Call one of the user's functions; what it raises is logged and counted."""
        try:
            call(*args)
        except Exception:
            self.handler_failures += 1
            logger.exception("%r of %s failed", call, self.id)

    def snapshot(self) -> Snapshot:
        """Return the endpoint's counters as they are now."""
        return self.endpoint.snapshot()
