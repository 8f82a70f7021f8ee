"""The C++ scheduler driver of the real library, steered from Python: what ours is held against."""

from __future__ import annotations

import base64
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from google.protobuf.message import Message

from realmesos.build import Build
from realmesos.errors import StartFailed
from realmesos.process import READY

_END = 10.0


@dataclass(frozen=True, slots=True)
class Callback:
    """One call of the driver to its scheduler; messages are serialised, v0."""

    name: str
    arguments: tuple[bytes, ...]


class ReferenceScheduler:
    """A framework on the C++ driver. Its callbacks queue up, and `wait` takes them one by one."""

    def __init__(
        self,
        build: Build,
        master: str,
        framework: Message,
        log: Path,
        *,
        credential: Message | None = None,
        implicit_acknowledgements: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.pending: list[Callback] = []
        self._callbacks: queue.Queue[Callback] = queue.Queue()
        self.log = log
        words = [_word(framework), "1" if implicit_acknowledgements else "0"]
        words += [_word(credential)] if credential is not None else []
        variables = {
            "PATH": os.defpath,
            "LIBPROCESS_IP": "127.0.0.1",
            "MESOS_REGISTRATION_BACKOFF_FACTOR": "200ms",
            **(environment or {}),
        }
        with open(log, "ab") as errors:
            self._process = subprocess.Popen(
                [str(build.program), "scheduler", master, *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=variables,
                start_new_session=True,
            )
        self._reader = threading.Thread(target=self._read, name="reference-scheduler", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            name, *words = line.decode().split()
            # The last word of these is a number, all others are base64.
            numbers = [words.pop().encode()] if name in ("ended", "executorLost") else []
            self._callbacks.put(Callback(name, (*map(base64.b64decode, map(_unword, words)), *numbers)))
        self._callbacks.put(Callback("exited", ()))

    def wait(
        self,
        name: str,
        predicate: Callable[[Callback], bool] = lambda callback: True,
        timeout: float = READY,
    ) -> Callback:
        """Take the first callback of that name that satisfies the predicate; the others stay."""
        deadline = time.monotonic() + timeout
        position = 0
        while True:
            while position < len(self.pending):
                if self.pending[position].name == name and predicate(self.pending[position]):
                    return self.pending.pop(position)
                position += 1
            names = [each.name for each in self.pending]
            if "exited" in names:
                log = self.log.read_text(encoding="utf-8", errors="replace")
                raise StartFailed(f"exited before {name}; {names}\n{log[-4000:]}")
            try:
                self.pending.append(self._callbacks.get(timeout=max(0.0, deadline - time.monotonic())))
            except queue.Empty:
                raise StartFailed(f"no {name} within {timeout:g} s; {names}") from None

    def call(self, method: str, *arguments: Message | bytes) -> None:
        """Call a method of the driver, see `launcher/scheduler.cpp`."""
        assert self._process.stdin is not None
        line = " ".join([method, *map(_word, arguments)]) + "\n"
        self._process.stdin.write(line.encode())
        self._process.stdin.flush()

    def stop(self) -> None:
        """Unregister the framework and wait for the driver's end."""
        self.call("stop")
        self.wait("ended")

    def close(self) -> None:
        """End the process, whatever its state."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(_END)
        self._reader.join(_END)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue  # the last command was not read any more

    def __enter__(self) -> ReferenceScheduler:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _word(argument: Message | bytes) -> str:
    data = argument.SerializeToString() if isinstance(argument, Message) else argument
    return base64.b64encode(data).decode() or "="


def _unword(word: str) -> str:
    return "" if word == "=" else word
