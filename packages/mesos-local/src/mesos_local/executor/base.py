"""What the programs that run tasks share: they end when all is told, also to an agent that was away."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from mesos_executor import Executor, ExecutorDriver, MesosExecutorDriver
from mesos_proto.v1 import mesos_pb2 as mesos

if TYPE_CHECKING:  # One is started for each command task, and has no use for what this loads.
    from mesos_executor.v1 import HttpExecutorDriver

__all__ = ["TaskExecutor", "run"]

AWAY = 60.0
"""How long (in seconds) an agent that is away is waited for with the last update."""


class TaskExecutor(Executor):
    """`ended` is set when there is nothing more to do, `agent_there` while there is an agent to be told."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.agent_there = threading.Event()

    def registered(
        self,
        driver: ExecutorDriver,
        executor_info: mesos.ExecutorInfo,
        framework_info: mesos.FrameworkInfo,
        agent_info: mesos.AgentInfo,
    ) -> None:
        self.agent_there.set()

    def reregistered(self, driver: ExecutorDriver, agent_info: mesos.AgentInfo) -> None:
        self.agent_there.set()

    def disconnected(self, driver: ExecutorDriver) -> None:
        self.agent_there.clear()

    def shutdown(self, driver: ExecutorDriver) -> None:
        """Wait for no agent: it wants this end, or will not come back."""
        self.agent_there.set()

    def error(self, driver: ExecutorDriver, message: str) -> None:
        self.agent_there.set()
        self.ended.set()


def run(executor: TaskExecutor, driver: MesosExecutorDriver | HttpExecutorDriver) -> int:
    """Run an executor to its end; give the exit status."""
    driver.start()
    executor.ended.wait()
    executor.agent_there.wait(AWAY)
    driver.stop()
    driver.join(5.0)
    return 0
