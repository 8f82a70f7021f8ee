"""The detector for asyncio: the same one, its news handed over to the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType

from mesos_detector.detector import Detector
from mesos_detector.errors import (
    DetectionFailedError,
    DetectorError,
    DetectorStoppedError,
)
from mesos_detector.leader import Leader


class AsyncDetector:
    """Gives a Detector to one event loop.

        async with AsyncDetector(detect("zk://…")) as detector:
            leader = await detector.leader(timeout=30)
            async for leader in detector: ...

    It stops the detector at its end. Iteration yields the newest state at each change, from the one known
    when it begins; it ends at `stop`.
    """

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leader: Leader | None = None
        self._failure: DetectorError | None = None
        self._version = 0
        self._stopped = False
        self._news: set[asyncio.Future[None]] = set()

    @property
    def detector(self) -> Detector:
        """The detector underneath."""
        return self._detector

    async def __aenter__(self) -> AsyncDetector:
        self._begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def leader(self, timeout: float | None = None) -> Leader:
        """Wait for a leading master and return it; raises as `Detector.leader` does."""
        self._begin()
        try:
            return await asyncio.wait_for(self._wait_for_leader(), timeout)
        except asyncio.TimeoutError:
            raise self._detector.timeout_error() from None

    async def __aiter__(self) -> AsyncIterator[Leader | None]:
        self._begin()
        seen = 0
        while not self._stopped:
            if self._version == seen:
                self._raise_failure()
                await self._next_news()
                continue
            seen = self._version
            yield self._leader

    async def stop(self) -> None:
        """Stop; wakes whoever waits."""
        self._stopped = True
        self._wake()
        await asyncio.to_thread(self._detector.stop)

    async def _wait_for_leader(self) -> Leader:
        while self._leader is None:
            if self._stopped:
                raise DetectorStoppedError(f"{self._detector!r} was stopped")
            self._raise_failure()
            await self._next_news()
        return self._leader

    def _begin(self) -> None:
        if self._stopped:
            raise DetectorStoppedError(f"{self._detector!r} was stopped")
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._detector.watch(self._on_leader, on_failure=self._on_failure)

    def _on_leader(self, leader: Leader | None) -> None:
        self._hand_over(leader, None)

    def _on_failure(self, error: DetectorError) -> None:
        self._hand_over(None, error)

    def _hand_over(self, leader: Leader | None, failure: DetectorError | None) -> None:
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(self._take, leader, failure)
        except RuntimeError:  # The loop was closed without stopping this detector: nobody is left to tell.
            return

    def _take(self, leader: Leader | None, failure: DetectorError | None) -> None:
        self._leader = leader
        if failure is None:
            self._version += 1
        else:
            self._failure = failure
        self._wake()

    def _wake(self) -> None:
        for future in self._news:
            if not future.done():
                future.set_result(None)
        self._news.clear()

    async def _next_news(self) -> None:
        future = asyncio.get_running_loop().create_future()
        self._news.add(future)
        try:
            await future
        finally:
            self._news.discard(future)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise DetectionFailedError(str(self._failure)) from self._failure
