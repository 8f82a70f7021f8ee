"""A master or an agent as a part of a cluster: it starts, stops, and can be made to fail in between."""

from __future__ import annotations

import abc
import socket
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from google.protobuf.message import Message
from mesos_messenger import Messenger, NotRunningError
from mesos_messenger.http import Handler

from ._gate import Gate
from ._links import FaultyEndpoint
from ._rules import FaultPlan
from ._shell import SessionShell, serve
from .errors import ClusterError

__all__ = ["STOP_TIMEOUT", "Part"]

STOP_TIMEOUT = 5.0


class Part(abc.ABC):
    """What the shells of master and agent have in common: a Messenger at one address for all their lives.

    The faults are for tests of whoever talks to the part: `crash` is what SIGKILL does to a process, `pause`
    what SIGSTOP does. A crashed part can be started again at the same address.
    """

    def __init__(self, id: str, bind: str, plan: FaultPlan | None = None) -> None:
        self._id = id
        self._bind = bind
        self.plan = plan or FaultPlan()
        self._endpoint: FaultyEndpoint | None = None
        self._messenger: Messenger | None = None
        self._shell: SessionShell | None = None
        self._resumed: threading.Event | None = None
        self._reserved: socket.socket | None = None

    @abc.abstractmethod
    def start(self) -> None:
        """Listen, and begin."""

    @abc.abstractmethod
    def stop(self) -> None:
        """End it, and whatever it started."""

    @abc.abstractmethod
    def _leave(self) -> None:
        """Let go of what is not the Messenger's."""

    def _open(self) -> Messenger:
        if self._reserved is None:
            self._reserve()
        self._endpoint = FaultyEndpoint(self.plan, bind=self._bind)
        messenger = Messenger(self._id, endpoint=self._endpoint)
        messenger.start()
        self._messenger = messenger
        self._bind = f"{messenger.upid.ip}:{messenger.upid.port}"
        return messenger

    def _reserve(self) -> None:
        """Keep the port for as long as this part may be started again; others take any that is free."""
        if sys.platform != "linux":
            return  # Elsewhere a port that is bound cannot be listened on by another socket.
        ip, _, port = self._bind.rpartition(":")
        reserved = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            reserved.bind((ip, int(port)))
        except OSError:
            reserved.close()  # The endpoint will say what is wrong.
            return
        self._bind = f"{ip}:{reserved.getsockname()[1]}"
        self._reserved = reserved
        weakref.finalize(self, reserved.close)

    def release(self) -> None:
        """Give the port back: it will not be started again."""
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None

    def _begin(
        self,
        handle: Callable[[Any, float], Iterable[object]],
        perform: Callable[[Any], None],
        messages: Iterable[type[Message]],
        routes: Callable[[SessionShell], Mapping[str, Handler]],
    ) -> SessionShell:
        assert self._endpoint is not None
        gate = Gate(self.plan, self._endpoint, self.pid)
        self._shell = SessionShell(self.messenger, handle, perform, messages, gate)
        serve(self.messenger, gate.routes(routes(self._shell)))
        return self._shell

    @property
    def messenger(self) -> Messenger:
        """Its Messenger."""
        if self._messenger is None:
            raise ClusterError(f"{self._id} has not been started")
        return self._messenger

    @property
    def shell(self) -> SessionShell:
        """Its running shell."""
        if self._shell is None:
            raise ClusterError(f"{self._id} has not been started")
        return self._shell

    @property
    def pid(self) -> str:
        """Its UPID, as text."""
        return f"{self._id}@{self._bind}"

    @property
    def running(self) -> bool:
        """Whether it runs; a paused one does."""
        return self._messenger is not None and self._messenger.running

    def pause(self) -> None:
        """Have it do nothing at all, with its connections open, until `resume`."""
        if self._resumed is None:
            self._resumed = threading.Event()
            self.messenger.call_soon(self._resumed.wait)

    def resume(self) -> None:
        """Let it go on."""
        if self._resumed is not None:
            self._resumed.set()
            self._resumed = None

    def crash(self) -> None:
        """End it without a word to anybody; what it started lives on."""
        self._end(timeout=0.0)

    def _end(self, timeout: float) -> None:
        """End it; what was sent before has `timeout` seconds to leave."""
        self.resume()
        if self._shell is not None:
            self._on_loop(self._shell.stop)
            self._shell.stop()
            # Links begun by the last event are made now; a stop must not overtake them.
            self._on_loop(lambda: None)
        self._leave()
        if self._endpoint is not None:
            self._endpoint.stop(timeout)

    def apply_faults(self) -> None:
        """Make its connections as the plan now says."""
        if self.running and self._endpoint is not None:
            self._on_loop(self._endpoint.apply)

    def _on_loop(self, call: Callable[[], None]) -> None:
        """Have something called on the loop's thread, after all that waits there, and wait for it."""
        called = threading.Event()

        def make() -> None:
            call()
            called.set()

        try:
            self.messenger.call_soon(make)
        except NotRunningError:
            return
        called.wait(STOP_TIMEOUT)

    def restart(self) -> None:
        """Crash it, and start it again at the same address."""
        self.crash()
        self.start()
