"""The executor of `example_scheduler_httpv1.py`: reports each task as running, then as finished.

An agent starts it; pack it into one file first, so that it brings what it imports:

    python -m mesos_executor.pack examples/example_executor_httpv1.py -o executor.pyz

It talks to the agent in protobuf, with EXEC_CODEC=json in its environment in JSON.
"""

from __future__ import annotations

import os
import sys

import pyglog
from mesos_executor import AgentEnvironmentError, Executor, ExecutorDriver, Status
from mesos_executor.v1 import HttpExecutorDriver
from mesos_http import JSON, PROTOBUF
from mesos_proto.v1 import mesos_pb2 as mesos


class ExampleExecutor(Executor):
    """Finishes each task at once."""

    def registered(
        self,
        driver: ExecutorDriver,
        executor_info: mesos.ExecutorInfo,
        framework_info: mesos.FrameworkInfo,
        agent_info: mesos.AgentInfo,
    ) -> None:
        pyglog.info("subscribed with the agent on %s", agent_info.hostname)

    def reregistered(self, driver: ExecutorDriver, agent_info: mesos.AgentInfo) -> None:
        pyglog.info("subscribed again with the agent on %s", agent_info.hostname)

    def disconnected(self, driver: ExecutorDriver) -> None:
        pyglog.warning("disconnected from the agent")

    def launch_task(self, driver: ExecutorDriver, task: mesos.TaskInfo) -> None:
        pyglog.info("task %s", task.task_id.value)
        for state in (mesos.TASK_RUNNING, mesos.TASK_FINISHED):
            driver.send_status_update(mesos.TaskStatus(task_id=task.task_id, state=state))

    def framework_message(self, driver: ExecutorDriver, data: bytes) -> None:
        pyglog.info("a message of %d bytes", len(data))

    def shutdown(self, driver: ExecutorDriver) -> None:
        pyglog.info("told to shut down")

    def error(self, driver: ExecutorDriver, message: str) -> None:
        pyglog.error("the driver is aborted: %s", message)


def main() -> int:
    """Run the executor; exit status 0 when it was stopped in good order."""
    pyglog.init(logtostderr=True)
    codec = JSON if os.environ.get("EXEC_CODEC") == "json" else PROTOBUF
    try:
        driver = HttpExecutorDriver(ExampleExecutor(), codec=codec)
    except AgentEnvironmentError as error:
        pyglog.error("this program is started by an agent: %s", error)
        return 1
    return 0 if driver.run() is Status.STOPPED else 1


if __name__ == "__main__":
    sys.exit(main())
