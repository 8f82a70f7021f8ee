"""The threads that talk to an agent: one reads the stream, one sends calls, in order."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

from mesos_http import ClientMisuse, MesosHttpError

from .client import Client
from .commands import (
    CallDone,
    CallFailed,
    EventsReceived,
    OpenStream,
    SendCall,
    SessionEvent,
    StreamEnded,
)

_log = logging.getLogger("mesos.executor")


class Link:
    """One attempt to subscribe, and what follows: `client` carries its stream and its calls.

    `wait_room(link)` returns when more may be read, or the link is closed.
    """

    def __init__(
        self,
        command: OpenStream,
        make_client: Callable[[], Client],
        post: Callable[[SessionEvent], None],
        wait_room: Callable[[Link], None],
    ) -> None:
        self.attempt = command.attempt
        self.closed = False
        self._call = command.call
        self._make_client = make_client
        self._post = post
        self._wait_room = wait_room
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._thread = threading.Thread(target=self._run, name="mesos-executor-stream", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Tell whether the thread still runs."""
        return self._thread.is_alive()

    @property
    def client(self) -> Client:
        """The client, once the agent has answered."""
        assert self._client is not None
        return self._client

    def close(self) -> None:
        """End the attempt, its stream and its calls, whatever waits for them."""
        with self._lock:
            self.closed = True
            client = self._client
        if client is not None:
            client.close()

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
            # The user's own code may make the transport and the Authorization header.
            _log.exception("the driver cannot subscribe")
            error = ClientMisuse(f"{type(caught).__name__}: {caught}")
        self._post(StreamEnded(self.attempt, error))

    def _read(self) -> None:
        client = self._make_client()
        with self._lock:
            self._client = client
            if self.closed:
                client.close()
                return
        with client.open(self._call) as stream:
            while events := stream.batch():
                self._post(EventsReceived(self.attempt, events))
                self._wait_room(self)


class Sender:
    """Sends calls one after the other on a thread of its own; `post` hears of each."""

    def __init__(self, post: Callable[[SessionEvent], None]) -> None:
        self._post = post
        self._queue: queue.SimpleQueue[tuple[Link, SendCall] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="mesos-executor-calls", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def send(self, link: Link, command: SendCall) -> None:
        """Send a call."""
        self._queue.put((link, command))

    def finish(self, timeout: float) -> None:
        """End, after the call on its way."""
        self._queue.put(None)
        self._thread.join(timeout)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            link, command = item
            self._post(self._send(link, command))

    def _send(self, link: Link, command: SendCall) -> SessionEvent:
        try:
            link.client.call(command.call)
        except MesosHttpError as error:
            return CallFailed(command.attempt, error)
        except Exception as error:
            _log.exception("a call cannot be sent")
            return CallFailed(command.attempt, ClientMisuse(f"{type(error).__name__}: {error}"))
        return CallDone(command.attempt)
