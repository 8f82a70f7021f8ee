"""The v0 executor driver: callbacks on a thread of its own, the protocol on another."""

from __future__ import annotations

from collections.abc import Mapping

from ._life import DriverLife
from ._shell import Shell
from .environment import ExecutorEnvironment
from .executor import Executor


class MesosExecutorDriver(DriverLife):
    """Connects an `Executor` to the agent that started this process, over libprocess.

    `environ` is the environment the agent gave (None: the process's own). Raises `AgentEnvironmentError`,
    naming what is missing, when it is not one.

    Each call returns the driver's `Status` after it and may come from any thread, also from a callback.
    Calls that come too early or too late do nothing, as in Mesos's own driver.
    """

    def __init__(self, executor: Executor, environ: Mapping[str, str] | None = None) -> None:
        super().__init__(executor)
        self._shell = Shell(
            ExecutorEnvironment.from_environ(environ),
            deliver=self._callbacks.put,
            ended=self._ended,
            closed=self._closed.set,
        )
