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
from mesos_executor.v1 import (
    AsyncHttpExecutorDriver,
    Client,
    HttpExecutorDriver,
    HttpExecutorOptions,
    calls,
)
from mesos_http import JSON
from mesos_proto.v1 import executor_pb2 as executor
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


class Grouped(Mine):
    def launch_group(self, driver: ExecutorDriver, task_group: mesos.TaskGroupInfo) -> None:
        names: list[str] = [task.name for task in task_group.tasks]
        print(names)

    def kill_task_with_policy(
        self, driver: ExecutorDriver, task_id: mesos.TaskID, kill_policy: mesos.KillPolicy | None
    ) -> None:
        grace: int = 0 if kill_policy is None else kill_policy.grace_period.nanoseconds
        print(task_id.value, grace)


def over_http() -> Status:
    options = HttpExecutorOptions(flush_timeout=1.0)
    driver = HttpExecutorDriver(Grouped(), codec=JSON, options=options)
    with driver as same:
        container: mesos.ContainerID | None = same.container_id
        print(container)
    taken: ExecutorDriver = driver
    return taken.stop()


def without_a_driver(framework_id: mesos.FrameworkID, executor_id: mesos.ExecutorID) -> None:
    with Client("http://127.0.0.1:5051/slave(1)/api/v1/executor", codec=JSON) as client:
        with client.subscribe(framework_id, executor_id) as stream:
            for event in stream:
                kind: executor.Event.Type.ValueType = event.type
                print(kind)
        client.call(calls.message(framework_id, executor_id, b"data"))


async def over_http_with_asyncio() -> None:
    async with AsyncHttpExecutorDriver() as driver:
        async for event in driver:
            if isinstance(event, events.TaskGroupLaunched):
                group: mesos.TaskGroupInfo = event.task_group
                print(len(group.tasks))


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
