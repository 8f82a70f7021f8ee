"""The asyncio driver against a tiny agent over real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest
from executor_agent import DEADLINE, FakeAgent
from executor_helpers import framework_message, kill_task, run_task, status
from mesos_executor import AsyncExecutorDriver, DriverMisuse, Status, events
from mesos_messenger import AddressError
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v1 import mesos_pb2 as v1


@pytest.fixture
def agent() -> Iterator[FakeAgent]:
    with FakeAgent() as agent:
        yield agent


def driver_of(agent: FakeAgent) -> AsyncExecutorDriver:
    return AsyncExecutorDriver(agent.environ(MESOS_LOCAL="1"))


def play(scene: Coroutine[Any, Any, None]) -> None:
    """Run a scene to its end, within the deadline."""
    asyncio.run(asyncio.wait_for(scene, DEADLINE))


def test_events_come_from_the_iterator_in_order(agent: FakeAgent) -> None:
    async def scene() -> None:
        seen: list[events.Event] = []
        async with driver_of(agent) as driver:
            async for event in driver:
                seen.append(event)
                if isinstance(event, events.Registered):
                    for message in (run_task("one"), framework_message(b"x"), kill_task("one")):
                        agent.send(message)
                elif isinstance(event, events.TaskKilled):
                    driver.send_status_update(status("one", v1.TASK_KILLED))
                    assert driver.stop() is Status.STOPPED
        assert [type(event) for event in seen] == [
            events.Registered,
            events.TaskLaunched,
            events.FrameworkMessage,
            events.TaskKilled,
        ]
        assert await driver.join() is Status.STOPPED

    play(scene())
    agent.expect(internal.RegisterExecutorMessage)
    assert agent.expect(internal.StatusUpdateMessage).update.status.state == v0.TASK_KILLED


def test_a_handler_can_be_run_instead(agent: FakeAgent) -> None:
    async def scene() -> None:
        driver = driver_of(agent)

        async def handle(event: events.Event) -> None:
            await asyncio.sleep(0)
            if isinstance(event, events.Registered):
                agent.send(run_task("one"))
            elif isinstance(event, events.TaskLaunched):
                driver.send_framework_message(b"launched")
                agent.send(internal.ShutdownExecutorMessage())
            else:
                assert event == events.Shutdown()
                driver.send_status_update(status("one", v1.TASK_KILLED))

        assert await driver.run(handle) is Status.STOPPED

    play(scene())
    agent.expect(internal.RegisterExecutorMessage)
    assert agent.expect(internal.ExecutorToFrameworkMessage).data == b"launched"
    agent.expect(internal.StatusUpdateMessage)


def test_an_exception_aborts(agent: FakeAgent) -> None:
    async def scene() -> None:
        driver = driver_of(agent)
        with pytest.raises(KeyError):
            async with driver:
                async for _ in driver:
                    raise KeyError
        assert driver.status is Status.ABORTED

    play(scene())


def test_leaving_the_iteration_stops(agent: FakeAgent) -> None:
    async def scene() -> None:
        async with driver_of(agent) as driver:
            async for _ in driver:
                break
        assert driver.status is Status.STOPPED

    play(scene())


def test_a_cancelled_task_leaves_nothing_behind(agent: FakeAgent) -> None:
    async def scene() -> None:
        driver = driver_of(agent)

        async def forever() -> None:
            async with driver:
                async for event in driver:
                    assert isinstance(event, events.Registered)
                    registered.set()

        registered = asyncio.Event()
        task = asyncio.create_task(forever())
        await registered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert driver.status is Status.ABORTED
        assert await driver.join(DEADLINE) is Status.ABORTED

    play(scene())


def test_a_cancelled_start_leaves_nothing_behind(agent: FakeAgent) -> None:
    async def scene() -> None:
        driver = driver_of(agent)
        task = asyncio.create_task(driver.start())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while driver.status in (Status.NOT_STARTED, Status.RUNNING):
            await asyncio.sleep(0.01)
        assert await driver.join(DEADLINE) is Status.ABORTED

    play(scene())


def test_a_start_that_failed_can_be_tried_again(agent: FakeAgent) -> None:
    async def scene() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            driver = AsyncExecutorDriver(agent.environ(MESOS_LOCAL="1", LIBPROCESS_PORT=port))
            with pytest.raises(AddressError):
                await driver.start()
        async with driver:
            assert driver.status is Status.RUNNING

    play(scene())


def test_join_with_a_time_limit(agent: FakeAgent) -> None:
    async def scene() -> None:
        driver = driver_of(agent)
        assert await driver.join(0.01) is Status.NOT_STARTED
        async with driver:
            assert await driver.join(0.01) is False

    play(scene())


def test_iterating_before_the_start_is_refused(agent: FakeAgent) -> None:
    async def scene() -> None:
        with pytest.raises(DriverMisuse, match="not been started"):
            async for _ in driver_of(agent):
                pass

    play(scene())
