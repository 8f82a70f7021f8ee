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
    """A framework on the C++ driver. Its callbacks queue up; `wait` takes them in order."""

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
        self.callbacks: queue.Queue[Callback] = queue.Queue()
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
            self.callbacks.put(Callback(name, (*map(base64.b64decode, map(_unword, words)), *numbers)))
        self.callbacks.put(Callback("exited", ()))

    def wait(
        self,
        name: str,
        predicate: Callable[[Callback], bool] = lambda callback: True,
        timeout: float = READY,
    ) -> Callback:
        """Take callbacks until one of that name satisfies the predicate; the others are dropped."""
        deadline = time.monotonic() + timeout
        seen: list[str] = []
        while True:
            try:
                callback = self.callbacks.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise StartFailed(f"no {name} within {timeout:g} s; {seen}") from None
            if callback.name == name and predicate(callback):
                return callback
            seen.append(callback.name)
            if callback.name == "exited":
                raise StartFailed(
                    f"exited before {name}; {seen}\n{self.log.read_text(errors='replace')[-4000:]}"
                )

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
