"""The thread that runs an endpoint's event loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import importlib
import logging
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol, TypeVar, cast

from ._calls import Calls
from .errors import NotRunningError

__all__ = ["Runner", "SharedRunner", "ThreadRunner"]

logger = logging.getLogger("mesos.messenger")

T = TypeVar("T")

_LOOK: Final = 0.2


class Runner(Protocol):
    """What runs an event loop; `testing` has one without a thread."""

    calls: Calls
    """What waits to be called on the loop, by all of its endpoints."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...

    def start(self, name: str) -> None:
        """Make the loop and run it."""

    def on_loop(self) -> bool:
        """Whether the caller is on the loop's thread."""

    def may_wait(self) -> bool:
        """Whether the caller can wait for the loop to do something."""

    def run(self, coroutine: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Run a coroutine on the loop and wait for it."""

    def finish(self, timeout: float | None) -> bool:
        """Stop the loop; True when it has ended."""


def _new_loop(uvloop: bool) -> asyncio.AbstractEventLoop:
    if uvloop:
        try:
            module = importlib.import_module("uvloop")
        except ImportError:
            pass
        else:
            return cast(asyncio.AbstractEventLoop, module.new_event_loop())
    return asyncio.new_event_loop()


class ThreadRunner:
    """A loop on a daemon thread of its own."""

    def __init__(self, *, uvloop: bool = True) -> None:
        self.calls = Calls(self)
        self._uvloop = uvloop
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            raise NotRunningError("the messenger has not been started")
        return self._loop

    def start(self, name: str) -> None:
        self._loop = _new_loop(self._uvloop)
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)
        self._thread.start()

    def _main(self) -> None:
        loop = self.loop
        try:
            loop.run_forever()
        finally:
            tasks = asyncio.all_tasks(loop)
            for task in tasks:
                task.cancel()
            if tasks:
                loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    def on_loop(self) -> bool:
        return self._thread is not None and threading.get_ident() == self._thread.ident

    def may_wait(self) -> bool:
        return not self.on_loop()

    def run(self, coroutine: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        except RuntimeError as error:
            coroutine.close()
            raise NotRunningError("the messenger has been stopped") from error
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            try:
                return future.result(_LOOK)
            except concurrent.futures.TimeoutError:
                # A loop that has ended meanwhile never runs it.
                if self._thread is None or not self._thread.is_alive():
                    raise NotRunningError("the messenger has been stopped") from None
                if deadline is not None and time.monotonic() > deadline:
                    raise

    def finish(self, timeout: float | None) -> bool:
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return True
        on_loop = self.on_loop()
        if on_loop:
            loop.stop()
            return False
        try:
            call: Callable[[], object] = loop.stop
            loop.call_soon_threadsafe(call)
        except RuntimeError:
            pass  # The loop has ended already.
        thread.join(timeout)
        return not thread.is_alive()


class SharedRunner(ThreadRunner):
    """One thread for several endpoints; it ends with `end`, not with any of them."""

    def start(self, name: str) -> None:
        if self._loop is None:
            super().start(name)

    def finish(self, timeout: float | None) -> bool:
        return True

    def end(self) -> None:
        """Stop the loop."""
        super().finish(5.0)
