"""A tiny agent over real sockets: enough of one to talk to a driver, and to see what it does."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from executor_helpers import ENVIRON, acknowledge, registered, reregistered
from google.protobuf.message import Message
from mesos_messenger import UPID, Messenger
from mesos_proto.v0 import messages_pb2 as internal

DEADLINE = 30.0
M = TypeVar("M", bound=Message)


class FakeAgent:
    """Listens as `slave(1)`, keeps every message, answers registrations and acknowledges updates."""

    def __init__(self, *, port: int = 0, register: bool = True, acknowledges: bool = True) -> None:
        self.register = register
        self.acknowledges = acknowledges
        self.executor: UPID | None = None
        self.updates: list[internal.StatusUpdate] = []
        self._messages: queue.Queue[Message] = queue.Queue()
        self._exited: queue.Queue[UPID] = queue.Queue()
        self._messenger = Messenger("slave(1)", bind=f"127.0.0.1:{port}")
        for kind in (
            internal.RegisterExecutorMessage,
            internal.ReregisterExecutorMessage,
            internal.StatusUpdateMessage,
            internal.ExecutorToFrameworkMessage,
        ):
            self._messenger.install(kind, self._received)
        self._messenger.start()

    @property
    def upid(self) -> UPID:
        return self._messenger.upid

    def environ(self, **changes: str) -> dict[str, str]:
        """Return what this agent gives to an executor."""
        return {**ENVIRON, "MESOS_SLAVE_PID": str(self.upid), "LIBPROCESS_IP": "127.0.0.1", **changes}

    def send(self, message: Message) -> None:
        """Send to the executor that registered."""
        assert self.executor is not None
        self._messenger.send(self.executor, message)

    def pause(self) -> None:
        """Read nothing more from the executor."""
        assert self.executor is not None
        self._messenger.pause(self.executor)

    def let_send(self, seconds: float) -> None:
        """Give what was sent to the executor some time to leave."""
        assert self.executor is not None
        outbox = self._messenger.endpoint.outbox(self.executor.address)
        deadline = time.monotonic() + seconds
        while outbox.queued and time.monotonic() < deadline:
            time.sleep(0.01)

    def expect(self, kind: type[M]) -> M:
        """Wait for a message; it must be of that type."""
        message = self._messages.get(timeout=DEADLINE)
        assert isinstance(message, kind), message
        return message

    def expect_exit(self) -> None:
        """Wait until the connection to the executor is lost."""
        self._exited.get(timeout=DEADLINE)

    def nothing_more(self) -> bool:
        """Tell whether every message has been expected."""
        return self._messages.empty()

    def close(self) -> None:
        """Go away, connections and all."""
        self._messenger.stop()

    def __enter__(self) -> FakeAgent:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _received(self, sender: UPID, message: Message) -> None:
        if isinstance(message, (internal.RegisterExecutorMessage, internal.ReregisterExecutorMessage)):
            self.executor = sender
            self._messenger.link(sender, self._exited.put)
            if self.register:
                first = isinstance(message, internal.RegisterExecutorMessage)
                self.send(registered() if first else reregistered())
                if isinstance(message, internal.ReregisterExecutorMessage) and self.acknowledges:
                    for update in message.updates:
                        self.send(acknowledge(update))
        elif isinstance(message, internal.StatusUpdateMessage):
            self.updates.append(message.update)
            if self.acknowledges:
                self.send(acknowledge(message.update))
        self._messages.put(message)

    def reconnect(self, executor: UPID, message: internal.ReconnectExecutorMessage) -> None:
        """Ask an executor that an earlier agent knew to come back."""
        self._messenger.send(executor, message)


class Program:
    """An executor program in a process of its own: a session and group of its own, nothing inherited."""

    def __init__(
        self, agent: FakeAgent, folder: Path, text: str, *, arguments: Sequence[str] = (), **changes: str
    ) -> None:
        self.path = folder / "program.py"
        self.path.write_text(textwrap.dedent(text), encoding="utf-8")
        search = os.pathsep.join(path for path in sys.path if path)
        environ = agent.environ(MESOS_DIRECTORY=str(folder), PYTHONPATH=search, **changes)
        self._output = folder / "stdout"
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(self.path), *arguments],
                env=environ,
                cwd=folder,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self) -> int:
        """Wait for its end; return the exit status, negative for a signal."""
        return self.process.wait(DEADLINE)

    @property
    def output(self) -> str:
        return self._output.read_text(encoding="utf-8")

    def __enter__(self) -> Program:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def eventually(condition: Callable[[], bool]) -> bool:
    """Wait for a condition that nothing announces; False when it did not come true in time."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
