"""An executor on our drivers that does what a task's data says; the first argument is `v1`, `v1-json` or
`v1-async` for the HTTP API.

`finish` ends at once, `wait` runs until killed, `file` until there is a file `go` in the sandbox, and
`crash` takes the process down with status 3. A framework message is sent back with `echo:` before it;
`finish ID` ends that task. The sandbox's `stdout` tells of callbacks.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time

from mesos_executor import Executor, ExecutorDriver, MesosExecutorDriver, events
from mesos_executor.v1 import AsyncHttpExecutorDriver, HttpExecutorDriver
from mesos_http import JSON, PROTOBUF
from mesos_proto.v1 import mesos_pb2 as mesos


class ObedientExecutor(Executor):
    """See the module."""

    def __init__(self) -> None:
        self._running: set[str] = set()

    def registered(
        self,
        driver: ExecutorDriver,
        executor_info: mesos.ExecutorInfo,
        framework_info: mesos.FrameworkInfo,
        agent_info: mesos.AgentInfo,
    ) -> None:
        print("registered", executor_info.executor_id.value, framework_info.name, agent_info.hostname)

    def reregistered(self, driver: ExecutorDriver, agent_info: mesos.AgentInfo) -> None:
        print("reregistered", agent_info.hostname)

    def disconnected(self, driver: ExecutorDriver) -> None:
        print("disconnected")

    def launch_task(self, driver: ExecutorDriver, task: mesos.TaskInfo) -> None:
        self._report(driver, task.task_id, mesos.TASK_RUNNING)
        if task.data == b"finish":
            self._report(driver, task.task_id, mesos.TASK_FINISHED)
        elif task.data == b"file":
            threading.Thread(target=self._wait_for_file, args=[driver, task.task_id], daemon=True).start()
        elif task.data == b"crash":
            os._exit(3)

    def launch_group(self, driver: ExecutorDriver, task_group: mesos.TaskGroupInfo) -> None:
        print("group", *(task.task_id.value for task in task_group.tasks))
        super().launch_group(driver, task_group)

    def _wait_for_file(self, driver: ExecutorDriver, task_id: mesos.TaskID) -> None:
        while not os.path.exists("go"):
            time.sleep(0.05)
        self._report(driver, task_id, mesos.TASK_FINISHED)

    def kill_task_with_policy(
        self, driver: ExecutorDriver, task_id: mesos.TaskID, kill_policy: mesos.KillPolicy | None
    ) -> None:
        print("kill", "" if kill_policy is None else kill_policy.grace_period.nanoseconds)
        self._report(driver, task_id, mesos.TASK_KILLED)

    def shutdown(self, driver: ExecutorDriver) -> None:
        print("shutdown")
        for task_id in sorted(self._running):
            self._report(driver, mesos.TaskID(value=task_id), mesos.TASK_KILLED)

    def framework_message(self, driver: ExecutorDriver, data: bytes) -> None:
        driver.send_framework_message(b"echo:" + data)
        if data.startswith(b"finish "):
            self._report(driver, mesos.TaskID(value=data.split()[1].decode()), mesos.TASK_FINISHED)

    def _report(
        self, driver: ExecutorDriver, task_id: mesos.TaskID, state: mesos.TaskState.ValueType
    ) -> None:
        if state == mesos.TASK_RUNNING:
            self._running.add(task_id.value)
        else:
            self._running.discard(task_id.value)
        driver.send_status_update(mesos.TaskStatus(task_id=task_id, state=state))


async def run_async(executor: ObedientExecutor) -> None:
    """Call the executor's methods from the loop."""
    driver = AsyncHttpExecutorDriver()
    show_token()
    async with driver:
        async for event in driver:
            if isinstance(event, events.Registered):
                executor.registered(driver, event.executor_info, event.framework_info, event.agent_info)
            elif isinstance(event, events.Reregistered):
                executor.reregistered(driver, event.agent_info)
            elif isinstance(event, events.Disconnected):
                executor.disconnected(driver)
            elif isinstance(event, events.TaskLaunched):
                executor.launch_task(driver, event.task)
            elif isinstance(event, events.TaskGroupLaunched):
                executor.launch_group(driver, event.task_group)
            elif isinstance(event, events.TaskKilled):
                executor.kill_task_with_policy(driver, event.task_id, event.kill_policy)
            elif isinstance(event, events.FrameworkMessage):
                executor.framework_message(driver, event.data)
            elif isinstance(event, events.Shutdown):
                executor.shutdown(driver)


def run(executor: ObedientExecutor, api: str) -> None:
    """Have the driver call them."""
    driver: MesosExecutorDriver | HttpExecutorDriver
    if api == "v0":
        driver = MesosExecutorDriver(executor)
    else:
        driver = HttpExecutorDriver(executor, codec=JSON if api == "v1-json" else PROTOBUF)
    show_token()
    driver.run()


def show_token() -> None:
    """Say whether tasks would inherit the agent's token."""
    print("token", "MESOS_EXECUTOR_AUTHENTICATION_TOKEN" in os.environ, flush=True)


if __name__ == "__main__":
    api = sys.argv[1] if len(sys.argv) > 1 else "v0"
    if api == "v1-async":
        asyncio.run(run_async(ObedientExecutor()))
    else:
        run(ObedientExecutor(), api)
