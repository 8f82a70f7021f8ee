"""A connection that a peer has opened: its messages are delivered, its requests answered, in order.

No peer can make it hold more than the limits: reading stops while answers are not read, while a body
is not consumed, and while somebody has paused the peer. It is never closed for being idle.
"""

from __future__ import annotations

import asyncio
import logging
from enum import Flag
from typing import TYPE_CHECKING, cast

import h11

from ._answers import phrase
from ._slow import BodyPart, RequestHead, SlowRequest
from .codec import Decoder, Event, MessageHead
from .errors import ProtocolError
from .http import Request, Response, StreamingResponse
from .metrics import Drop, PeerMetrics
from .upid import EMPTY, UPID

if TYPE_CHECKING:
    from .endpoint import Endpoint

__all__ = ["Connection"]

logger = logging.getLogger("mesos.messenger")

_BODY_AHEAD = 256 * 1024
_PIPELINE_AHEAD = 64 * 1024
# Answers wait a little for others: who exchanges single messages would be woken twice for each.
_ANSWER_WITHIN = 0.002
_ANSWERS_AT_ONCE = 2 * 1024
_REASONS = {413: Drop.TOO_LARGE, 431: Drop.TOO_LARGE}


class _Hold(Flag):
    """Why reading has stopped."""

    NONE = 0
    ANSWERS = 1
    BODY = 2
    PIPELINE = 4
    PAUSED = 8


class Connection(asyncio.Protocol):
    """The receiving side of one inbound connection."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._decoder = Decoder(endpoint.options.limits, endpoint.heads)
        self._transport: asyncio.Transport | None = None
        self._hold = _Hold.NONE
        self._writable = asyncio.Event()
        self._writable.set()
        self._request: Request | None = None
        self._task: asyncio.Task[None] | None = None
        self._streaming = False
        self._half_closed = False
        self._answers: list[bytes] = []
        self._answer_timer: asyncio.TimerHandle | None = None
        self._closing = False
        self._metrics: PeerMetrics = endpoint.metrics.others
        self.sender = EMPTY
        self.client: tuple[str, int] = ("", 0)
        self.progress = 0
        """Grows with everything that is completed; a partial request that keeps it still is slow."""
        self.seen_progress = (-1, 0.0)

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple) and len(peer) >= 2:
            self.client = (str(peer[0]), int(peer[1]))
        peers = self._endpoint.peers
        if peers.room():
            peers.connections.add(self)
        else:
            self._closing = True
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        events: list[Event] = []
        fault: ProtocolError | None = None
        slow = self._decoder.slow
        try:
            self._decoder.receive_into(data, events)
        except ProtocolError as error:
            fault = error
        if events:
            self._process(events)
        self._metrics.bytes_in += len(data)
        if self._decoder.slow != slow:
            self._metrics.slow += self._decoder.slow - slow
        if self._task is not None and self._decoder.buffered > _PIPELINE_AHEAD:
            self.hold(_Hold.PIPELINE, True)
        if fault is not None:
            self._fail(fault)

    def eof_received(self) -> bool:
        if self._decoder.buffered or (self._request is not None and not self._request.ended):
            self._metrics.drop(Drop.CUT_SHORT)
        if self._request is not None and not self._request.ended:
            self._request.finish(ProtocolError("the client closed the connection in mid-request"))
        transport = self._transport
        secure = transport is None or transport.get_extra_info("sslcontext") is not None
        self._write(None)
        if self._task is None or self._streaming or secure:
            return False
        # The client has said all it wanted to; it may still read the answer.
        self._half_closed = True
        return True

    def pause_writing(self) -> None:
        self._writable.clear()
        self.hold(_Hold.ANSWERS, self._task is None)

    def resume_writing(self) -> None:
        self._writable.set()
        self.hold(_Hold.ANSWERS, False)

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None and (self._decoder.buffered or self._request is not None):
            self._metrics.drop(Drop.CUT_SHORT)
        self._closing = True
        if self._transport is not None:
            # Before Python 3.11, a TLS transport that the peer has closed does not know it.
            self._transport.abort()
        self._transport = None
        self._write_answers()
        self._writable.set()
        if self._request is not None and not self._request.ended:
            self._request.finish(ProtocolError("the connection was lost in mid-request"))
        if self._task is not None:
            self._task.cancel()
        self._endpoint.peers.connections.discard(self)

    # What the endpoint calls.

    @property
    def partial(self) -> bool:
        """Whether a message or request has come in part, and the rest is up to the peer."""
        if self._hold is not _Hold.NONE or self._transport is None:
            return False
        if self._task is not None:
            return self._request is not None and not self._request.ended
        return self._decoder.buffered > 0

    @property
    def stalled(self) -> bool:
        """Whether the peer does not read its answers."""
        return bool(self._hold & _Hold.ANSWERS) or not self._writable.is_set()

    def pause(self, paused: bool) -> None:
        """Stop or resume reading from the peer."""
        self.hold(_Hold.PAUSED, paused)

    def hold(self, reason: _Hold, on: bool) -> None:
        """Stop reading for a reason, or drop the reason."""
        before = self._hold
        self._hold = before | reason if on else before & ~reason
        if self._transport is None or self._transport.is_closing():
            return
        if before is _Hold.NONE and self._hold is not _Hold.NONE:
            self._transport.pause_reading()
        elif before is not _Hold.NONE and self._hold is _Hold.NONE:
            self._transport.resume_reading()

    def close(self) -> None:
        """Close the connection once what has been written is out."""
        self._write(None)
        self._closing = True
        if self._task is not None:
            self._task.cancel()
        if self._transport is not None:
            self._transport.close()

    def abort(self, reason: Drop | None = None) -> None:
        """Close the connection at once."""
        self._closing = True
        if reason is not None:
            self._metrics.drop(reason)
        if self._transport is not None:
            self._transport.abort()

    # Messages and requests.

    def _process(self, events: list[Event]) -> None:
        endpoint = self._endpoint
        close = False
        endpoint.calls.hold()
        try:
            for event in events:
                if isinstance(event, tuple):
                    head, bodies = event
                    if head.sender is not self.sender:
                        self._switch(head.sender)
                    answer = self._accept(head, bodies)
                    if endpoint.options.respond or head.close:
                        self._answers.append(answer * len(bodies))
                    self.progress += len(bodies)
                    close = close or head.close
                elif isinstance(event, BodyPart):
                    self._feed(event.data)
                elif isinstance(event, RequestHead):
                    self._begin(event)
                else:
                    self._end()
        finally:
            # What the handlers have sent goes first: nobody waits for the answers, which go out together.
            endpoint.calls.make()
        if close:
            self.close()
        elif self._answers and sum(map(len, self._answers)) >= _ANSWERS_AT_ONCE:
            self._write_answers()
        elif self._answers and self._answer_timer is None:
            loop = asyncio.get_running_loop()
            self._answer_timer = loop.call_later(_ANSWER_WITHIN, self._write_answers)

    def _switch(self, sender: UPID) -> None:
        self.sender = sender
        self._metrics = self._endpoint.metrics.inbound_of(sender.address)
        self.hold(_Hold.PAUSED, self._endpoint.peers.is_paused(sender.address))

    def _accept(self, head: MessageHead, bodies: list[bytes]) -> bytes:
        """Deliver messages; return the answer to each."""
        endpoint, metrics = self._endpoint, self._metrics
        if head.fault is not None:
            metrics.drop(Drop.BAD_RECIPIENT, len(bodies))
            return endpoint.answers.error(500, f"Failed to decode URL path: {head.fault}")
        if endpoint.peer_address_ip_match and head.sender.ip != self.client[0]:
            metrics.drop(Drop.WRONG_ADDRESS, len(bodies))
            return endpoint.answers.error(
                400,
                f"UPID IP address validation failed: Message from {head.sender} "
                f"was sent from IP {self.client[0]}",
            )
        if endpoint.registry.deliver(head, bodies, metrics):
            return endpoint.answers.accepted()
        return endpoint.answers.error(404, "404 Not Found.")

    def _begin(self, head: RequestHead) -> None:
        slow = self._decoder.request
        assert slow is not None
        self._request = Request(
            head,
            client=self.client,
            body_limit=self._endpoint.options.limits.body,
            on_consumed=lambda: self.hold(_Hold.BODY, False),
        )
        if slow.h11.they_are_waiting_for_100_continue:
            self._write(slow.h11.send(h11.InformationalResponse(status_code=100, headers=[])))
        self._task = asyncio.get_running_loop().create_task(self._serve(self._request, slow))

    def _feed(self, data: bytes) -> None:
        if self._request is not None:
            self._request.feed(data)
            self.progress += 1
            self.hold(_Hold.BODY, self._request.waiting > _BODY_AHEAD)

    def _end(self) -> None:
        if self._request is not None:
            self._request.finish()
            self.progress += 1

    def _write(self, data: bytes | None) -> None:
        if self._answers:
            self._write_answers()
        if data and self._transport is not None:
            self._transport.write(data)

    def _write_answers(self) -> None:
        """Answer the messages so far."""
        if self._answer_timer is not None:
            self._answer_timer.cancel()
            self._answer_timer = None
        data, self._answers = b"".join(self._answers), []
        if data and self._transport is not None:
            self._transport.write(data)

    async def _serve(self, request: Request, slow: SlowRequest) -> None:
        try:
            response = await self._endpoint.answer(request)
            await self._respond(request, slow.h11, response)
            if not await self._discard(request):
                self.close()
                return
        except ProtocolError as error:
            logger.debug("a request from %s:%d broke off: %s", *self.client, error)
            self.close()
            return
        except (OSError, h11.LocalProtocolError) as error:
            logger.error("cannot answer %s %s: %s", request.method, request.path, error)
            self.close()
            return
        self._task = self._request = None
        self.progress += 1
        again = slow.h11.our_state is h11.DONE and slow.h11.their_state is h11.DONE
        if not again or self._half_closed or self._closing:
            self.close()
            return
        self._next()

    async def _discard(self, request: Request) -> bool:
        """Read what is left of a request's body; False when that is too much."""
        size = 0
        async for part in request.stream():
            size += len(part)
            if size > _BODY_AHEAD * 4:
                return False
        return True

    def _next(self) -> None:
        events: list[Event] = []
        fault: ProtocolError | None = None
        slow = self._decoder.slow
        try:
            self._decoder.resume(events)
        except ProtocolError as error:
            fault = error
        self._metrics.slow += self._decoder.slow - slow
        self.hold(_Hold.BODY | _Hold.PIPELINE, False)
        self.hold(_Hold.ANSWERS, not self._writable.is_set() and self._task is None)
        self._process(events)
        if fault is not None:
            self._fail(fault)

    async def _respond(
        self, request: Request, wire: h11.Connection, response: Response | StreamingResponse
    ) -> None:
        head = [("Date", self._endpoint.answers.date()), *response.items()]
        bodiless = request.method == "HEAD" or response.status in {204, 304}
        if isinstance(response, Response):
            if not bodiless or response.body:
                head.append(("Content-Length", str(len(response.body))))
            data = (
                wire.send(
                    h11.Response(status_code=response.status, headers=head, reason=phrase(response.status))
                )
                or b""
            )
            if response.body and not bodiless:
                data += wire.send(h11.Data(data=response.body)) or b""
            self._write(data + (wire.send(h11.EndOfMessage()) or b""))
            await self._writable.wait()
            return
        self._streaming = True
        try:
            await self._stream(request, wire, response, head, bodiless)
        finally:
            self._streaming = False
            close = getattr(response.chunks, "aclose", None)
            if close is not None:
                await close()

    async def _stream(
        self,
        request: Request,
        wire: h11.Connection,
        response: StreamingResponse,
        head: list[tuple[str, str]],
        bodiless: bool,
    ) -> None:
        self._write(
            wire.send(h11.Response(status_code=response.status, headers=head, reason=phrase(response.status)))
        )
        if not bodiless:
            async for chunk in response.chunks:
                if chunk:
                    self._write(wire.send(h11.Data(data=chunk)))
                    await self._writable.wait()
                if self._transport is None:
                    raise ConnectionError("the client has gone")
        self._write(wire.send(h11.EndOfMessage()))

    def _fail(self, fault: ProtocolError) -> None:
        """Tell the peer what is wrong where libprocess would, and close."""
        self._metrics.drop(_REASONS.get(fault.status or 0, Drop.BAD_REQUEST))
        self._endpoint.log_limited("refused a request from %s:%d: %s", *self.client, fault)
        if self._request is not None and not self._request.ended:
            self._request.finish(fault)
        elif fault.status is not None and self._task is None:
            self._write(self._endpoint.answers.error(fault.status, str(fault), close=True))
        if self._task is None or self._streaming:
            self.close()
        else:
            self._half_closed = True
