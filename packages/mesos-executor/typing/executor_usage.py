"""How the package is meant to be used, for the type checker; never run."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from mesos_executor import (
    AsyncExecutorDriver,
    Executor,
    ExecutorDriver,
    MesosExecutorDriver,
    Status,
    events,
)
from mesos_executor.pack import pack
from mesos_proto.v1 import mesos_pb2 as mesos


class Mine(Executor):
    def launch_task(self, driver: ExecutorDriver, task: mesos.TaskInfo) -> None:
        status: Status = driver.send_status_update(
            mesos.TaskStatus(task_id=task.task_id, state=mesos.TASK_RUNNING)
        )
        if status is Status.RUNNING:
            driver.send_framework_message(b"started")
        driver.stop()


def with_threads() -> None:
    driver = MesosExecutorDriver(Mine(), {"MESOS_SLAVE_PID": "slave(1)@127.0.0.1:5051"})
    with driver as same:
        ended: Status | Literal[False] = same.join(1.5)
        final: Status = same.join()
        print(ended, final)
    taken: ExecutorDriver = driver
    taken.abort()


async def with_asyncio() -> None:
    async with AsyncExecutorDriver() as driver:
        async for event in driver:
            if isinstance(event, events.TaskLaunched):
                task: mesos.TaskInfo = event.task
                driver.send_status_update(mesos.TaskStatus(task_id=task.task_id, state=mesos.TASK_FINISHED))
            elif isinstance(event, events.FrameworkMessage):
                data: bytes = event.data
                driver.send_framework_message(data)
            elif isinstance(event, events.Shutdown):
                driver.stop()


def with_the_packer() -> Path:
    return pack("my_executor.py", "my_executor.pyz", requirements=["numpy"], include=["data"])
