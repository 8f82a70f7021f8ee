"""The threads that talk to a master: one reads the stream, one sends calls, in order."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

from mesos_http import ClientMisuse, MesosHttpError

from .. import commands as v0
from ._flow import Flow
from .client import Client, Subscription
from .commands import (
    CallFailed,
    EventsReceived,
    OpenStream,
    SendCall,
    SessionEvent,
    StreamEnded,
    StreamOpened,
)

_log = logging.getLogger("mesos.scheduler")


class Reader:
    """One attempt to subscribe, and its stream, on a thread of its own."""

    def __init__(
        self, command: OpenStream, client: Client, flow: Flow, post: Callable[[SessionEvent], None]
    ) -> None:
        self.attempt = command.attempt
        self._call = command.call
        self._client = client
        self._flow = flow
        self._post = post
        self._lock = threading.Lock()
        self._closed = False
        self._subscription: Subscription | None = None
        self._thread = threading.Thread(target=self._run, name="mesos-scheduler-stream", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Tell whether the thread still runs."""
        return self._thread.is_alive()

    def close(self) -> bool:
        """End the stream; False when there is none yet, so that only closing the client ends the attempt."""
        with self._lock:
            self._closed = True
            subscription = self._subscription
        self._flow.wake()
        if subscription is None:
            return False
        subscription.close()
        return True

    def join(self, timeout: float) -> None:
        """Wait for the end of the thread."""
        self._thread.join(timeout)

    def _run(self) -> None:
        error: MesosHttpError | None = None
        try:
            self._read()
        except MesosHttpError as caught:
            error = caught
        except Exception as caught:
            _log.exception("the driver fails")
            self._post(v0.Abort(f"the driver failed: {type(caught).__name__}: {caught}"))
        self._post(StreamEnded(self.attempt, error))

    def _read(self) -> None:
        with self._client.open(self._call) as subscription:
            with self._lock:
                self._subscription = subscription
                if self._closed:
                    return
            self._post(StreamOpened(self.attempt, subscription.stream_id))
            while events := subscription.batch():
                self._post(EventsReceived(self.attempt, events))
                self._flow.wait(lambda: self._closed)


class Sender:
    """Sends calls one after the other, so that they arrive in order, on a thread of its own."""

    def __init__(self, post: Callable[[SessionEvent], None]) -> None:
        self._post = post
        self._queue: queue.SimpleQueue[tuple[Client, SendCall] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="mesos-scheduler-calls", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def send(self, client: Client, command: SendCall) -> None:
        """Send a call after those before it."""
        self._queue.put((client, command))

    def finish(self, timeout: float) -> bool:
        """Send what is queued and end; False when that takes longer."""
        self._queue.put(None)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            client, command = item
            try:
                client.call(command.call, command.stream_id)
            except MesosHttpError as error:
                self._post(CallFailed(command.call, command.attempt, error))
            except Exception as error:
                # The user's own code makes the Authorization header.
                _log.exception("a call cannot be sent")
                failure = ClientMisuse(f"{type(error).__name__}: {error}")
                self._post(CallFailed(command.call, command.attempt, failure))
