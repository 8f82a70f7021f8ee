"""The v0 executor driver under asyncio: events as an async iterator, the same session below."""

from __future__ import annotations

from collections.abc import Mapping

from ._async_life import AsyncDriverLife
from ._shell import Shell
from .environment import ExecutorEnvironment


class AsyncExecutorDriver(AsyncDriverLife):
    """Connects a program to the agent that started it; its events come from iterating over the driver.

        async with AsyncExecutorDriver() as driver:
            async for event in driver:
                ...

    An event counts as handled when the next one is asked for. The iteration ends with the driver; leaving
    the `async with` stops the driver, or aborts it when an exception is on its way, and waits until what
    was sent has left. `environ` and `AgentEnvironmentError` are as with `MesosExecutorDriver`.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._shell = Shell(
            ExecutorEnvironment.from_environ(environ),
            deliver=self._deliver,
            ended=self._end,
            closed=self._close,
        )
