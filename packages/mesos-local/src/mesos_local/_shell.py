"""The shell around a session: one Messenger, timers, links, all on the Messenger's loop thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from google.protobuf.message import Message
from mesos_messenger import UPID, Messenger, MessengerError, NotRunningError
from mesos_messenger.http import Handler

from ._gate import Gate
from ._wire import (
    CancelTimer,
    Exited,
    Link,
    Received,
    Send,
    SetTimer,
    StreamPublish,
    StreamSend,
    TimerFired,
    TimerKey,
)

__all__ = ["SessionShell", "serve"]

_OURS = ("/metrics/snapshot", "/health")
"""Pages that an endpoint has too, and that are those of its one process here."""

log = logging.getLogger("mesos.local")


def serve(messenger: Messenger, routes: Mapping[str, Handler]) -> None:
    """Answer HTTP requests for these paths."""
    for path, handler in routes.items():
        messenger.route(path, handler)
        if path in _OURS:
            messenger.endpoint.router.add(None, path, handler)


class Cancellable(Protocol):
    """A timer that can be called off."""

    def cancel(self) -> None: ...


class SessionShell:
    """Feeds a session with what happens and performs what it decides.

    `perform` takes the commands that only one kind of shell knows.
    """

    def __init__(
        self,
        messenger: Messenger,
        handle: Callable[[Any, float], Iterable[object]],
        perform: Callable[[Any], None],
        messages: Iterable[type[Message]],
        gate: Gate | None = None,
    ) -> None:
        self._messenger = messenger
        self._handle = handle
        self._perform_other = perform
        self._gate = gate
        self._timers: dict[TimerKey, Cancellable] = {}
        self._stopped = False
        self.dropped = 0
        """How many messages had no sender, or could not be sent."""
        self._waits: list[tuple[Callable[[], bool], threading.Event]] = []
        for kind in messages:
            messenger.install(kind, self._received)

    def dispatch(self, event: object) -> None:
        """Let the session take an event; only to be called on the loop thread."""
        if self._stopped:
            return
        for command in self._handle(event, time.time()):
            if self._stopped:
                break
            self._perform(command)
        for wait in [wait for wait in self._waits if wait[0]()]:
            self._waits.remove(wait)
            wait[1].set()

    def post(self, event: object) -> None:
        """Let the session take an event, from any thread."""
        self._call(0.0, self.dispatch, event)

    def post_later(self, seconds: float, event: object) -> None:
        """Let the session take an event after some time, from any thread."""
        self._call(seconds, self.dispatch, event)

    def wait_until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait until `condition` holds after some event; False when `timeout` seconds passed before."""
        happened = threading.Event()

        def begin() -> None:
            if condition():
                happened.set()
            else:
                self._waits.append((condition, happened))

        self._call(0.0, begin)
        return happened.wait(timeout)

    def _call(self, seconds: float, call: Callable[..., object], *args: object) -> None:
        try:
            if seconds:
                self._messenger.call_later(seconds, call, *args)
            else:
                self._messenger.call_soon(call, *args)
        except NotRunningError:
            log.debug("%r comes after the end", call)

    def stop(self) -> None:
        """Take no more events."""
        self._stopped = True

    def _received(self, sender: UPID, message: Message) -> None:
        if not sender:
            self._drop(message, "it does not say who sends it")
            return
        event = Received(str(sender), message)
        gate = self._gate
        if gate is None or gate.open or gate.lets_in(sender, message, lambda: self.dispatch(event)):
            self.dispatch(event)

    def _exited(self, upid: UPID) -> None:
        self.dispatch(Exited(str(upid)))

    def _perform(self, command: object) -> None:
        gate = None if self._gate is None or self._gate.open else self._gate
        match command:
            case Send(to, message):
                if gate is None or gate.lets_out(to, message):
                    self._send(to, message)
            case StreamSend() | StreamPublish() if gate is not None:
                let = gate.lets_stream(command)
                if let is not None:
                    self._perform_other(let)
            case Link(to, reconnect):
                upid = UPID.parse(to, resolve=False)
                if upid:
                    self._messenger.link(upid, self._exited, reconnect=reconnect)
            case SetTimer(key, delay):
                self._cancel(key)
                self._timers[key] = self._messenger.call_later(delay, self._fire, key)
            case CancelTimer(key):
                self._cancel(key)
            case _:
                self._perform_other(command)

    def _send(self, to: str, message: Message) -> None:
        # Addresses come from peers too: looking one up would stop the loop, and a wrong one is no fault.
        upid = UPID.parse(to, resolve=False)
        if not upid:
            self._drop(message, f"{to[:100]!r} is the address of no process")
            return
        try:
            self._messenger.send(upid, message)
        except MessengerError as error:
            self._drop(message, str(error))

    def _drop(self, message: Message, why: str) -> None:
        self.dropped += 1
        if self.dropped & (self.dropped - 1) == 0:
            log.warning("Dropped %s (%d so far): %s", message.DESCRIPTOR.full_name, self.dropped, why)

    def _cancel(self, key: TimerKey) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()

    def _fire(self, key: TimerKey) -> None:
        self._timers.pop(key, None)
        self.dispatch(TimerFired(key))
