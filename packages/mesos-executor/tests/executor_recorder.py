"""An executor that keeps what it is told."""

from __future__ import annotations

import queue
from typing import Any

from executor_agent import DEADLINE
from mesos_executor import Executor, ExecutorDriver
from mesos_proto.v1 import mesos_pb2 as v1


class Recorder(Executor):
    """Keeps what it is told; `react[name]` runs inside the callback of that name."""

    def __init__(self) -> None:
        self.calls: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.react: dict[str, Any] = {}

    def expect(self, name: str) -> Any:
        told, value = self.calls.get(timeout=DEADLINE)
        assert told == name
        return value

    def _note(self, name: str, driver: ExecutorDriver, value: Any = None) -> None:
        self.calls.put((name, value))
        if name in self.react:
            self.react[name](driver)

    def registered(
        self,
        driver: ExecutorDriver,
        executor_info: v1.ExecutorInfo,
        framework_info: v1.FrameworkInfo,
        agent_info: v1.AgentInfo,
    ) -> None:
        self._note("registered", driver, (executor_info, framework_info, agent_info))

    def reregistered(self, driver: ExecutorDriver, agent_info: v1.AgentInfo) -> None:
        self._note("reregistered", driver, agent_info)

    def disconnected(self, driver: ExecutorDriver) -> None:
        self._note("disconnected", driver)

    def launch_task(self, driver: ExecutorDriver, task: v1.TaskInfo) -> None:
        self._note("launch_task", driver, task)

    def kill_task(self, driver: ExecutorDriver, task_id: v1.TaskID) -> None:
        self._note("kill_task", driver, task_id)

    def framework_message(self, driver: ExecutorDriver, data: bytes) -> None:
        self._note("framework_message", driver, data)

    def shutdown(self, driver: ExecutorDriver) -> None:
        self._note("shutdown", driver)

    def error(self, driver: ExecutorDriver, message: str) -> None:
        self._note("error", driver, message)
