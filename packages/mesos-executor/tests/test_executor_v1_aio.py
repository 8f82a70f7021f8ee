"""The v1 driver under asyncio, against an agent that does what a test says, over real sockets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest
from executor_agent import DEADLINE, eventually
from executor_helpers import status
from executor_v1_agent import HttpAgent
from executor_v1_helpers import SHUTDOWN, error, kill, launch, launch_group, message
from mesos_executor import DriverAborted, DriverMisuse, Status, events
from mesos_executor.v1 import AsyncHttpExecutorDriver, HttpExecutorOptions
from mesos_http import JSON, PROTOBUF, Codec
from mesos_proto.v1 import mesos_pb2 as mesos


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert eventually(lambda: not [t for t in threading.enumerate() if t not in before])


@pytest.fixture
def agent() -> Iterator[HttpAgent]:
    with HttpAgent() as agent:
        yield agent


def play(scene: Coroutine[Any, Any, None]) -> None:
    """Run a scene to its end, within the deadline."""
    asyncio.run(asyncio.wait_for(scene, DEADLINE))


async def subscribe(agent: HttpAgent) -> Any:
    """Accept the next subscription."""
    return await asyncio.to_thread(lambda: agent.next_stream().subscribe())


@pytest.mark.parametrize("codec", [PROTOBUF, JSON], ids=["protobuf", "json"])
def test_events_come_from_the_iterator_in_order(agent: HttpAgent, codec: Codec) -> None:
    async def scene() -> None:
        seen: list[type] = []
        async with AsyncHttpExecutorDriver(agent.environ(), codec=codec) as driver:
            stream = await subscribe(agent)
            async for event in driver:
                seen.append(type(event))
                if isinstance(event, events.Registered):
                    assert driver.container_id == mesos.ContainerID(value="container-1")
                    stream.send(launch("one"), launch_group("two", "three"), message(b"x"), kill("one", 1))
                elif isinstance(event, events.TaskKilled):
                    driver.send_framework_message(b"y")
                    driver.send_status_update(status("one", mesos.TASK_KILLED))
                    assert driver.stop() is Status.STOPPED
        assert seen == [
            events.Registered,
            events.TaskLaunched,
            events.TaskGroupLaunched,
            events.FrameworkMessage,
            events.TaskKilled,
        ]
        assert await driver.join() is Status.STOPPED

    play(scene())
    assert agent.next_call().message.data == b"y"
    assert agent.next_status().state == mesos.TASK_KILLED


def test_a_handler_can_be_run_instead(agent: HttpAgent) -> None:
    async def scene() -> None:
        driver = AsyncHttpExecutorDriver(agent.environ())

        async def handle(event: events.Event) -> None:
            await asyncio.sleep(0)
            if isinstance(event, events.Shutdown):
                driver.send_status_update(status("one", mesos.TASK_KILLED))

        running = asyncio.create_task(driver.run(handle))
        (await subscribe(agent)).send(launch("one"), SHUTDOWN)
        assert await running is Status.STOPPED

    play(scene())
    assert agent.next_status().state == mesos.TASK_KILLED


def test_what_the_agent_says_against_us_is_raised(agent: HttpAgent) -> None:
    async def scene() -> None:
        driver = AsyncHttpExecutorDriver(agent.environ())
        seen = []
        with pytest.raises(DriverAborted, match="you are not wanted"):
            async with driver:
                stream = await subscribe(agent)
                async for event in driver:
                    seen.append(event)
                    stream.send(error("you are not wanted"))
        assert [type(event) for event in seen] == [events.Registered]
        with pytest.raises(DriverAborted, match="you are not wanted"):
            await driver.join(DEADLINE)
        assert driver.status is Status.ABORTED

    play(scene())


def test_a_refusal_is_raised_by_who_waits_for_the_end(agent: HttpAgent) -> None:
    async def scene() -> None:
        driver = AsyncHttpExecutorDriver(agent.environ())
        with pytest.raises(DriverAborted, match="HTTP 401"):
            async with driver:
                await asyncio.to_thread(lambda: agent.next_stream().refuse(401))
                assert await driver.join(DEADLINE) is None

    play(scene())


def test_an_exception_aborts_and_leaving_the_iteration_stops(agent: HttpAgent) -> None:
    async def scene() -> None:
        driver = AsyncHttpExecutorDriver(agent.environ())
        with pytest.raises(KeyError):
            async with driver:
                await subscribe(agent)
                async for _ in driver:
                    raise KeyError
        assert driver.status is Status.ABORTED
        async with AsyncHttpExecutorDriver(agent.environ()) as driver:
            await subscribe(agent)
            async for _ in driver:
                break
        assert driver.status is Status.STOPPED

    play(scene())


def test_a_cancelled_task_leaves_nothing_behind(agent: HttpAgent) -> None:
    async def scene() -> None:
        driver = AsyncHttpExecutorDriver(agent.environ())
        registered = asyncio.Event()

        async def forever() -> None:
            async with driver:
                async for _ in driver:
                    registered.set()

        task = asyncio.create_task(forever())
        await subscribe(agent)
        await registered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert driver.status is Status.ABORTED

    play(scene())


def test_a_driver_cancelled_twice_is_closed_to_the_end(agent: HttpAgent) -> None:
    async def scene() -> None:
        agent.acknowledges = False
        driver = AsyncHttpExecutorDriver(agent.environ(), options=HttpExecutorOptions(flush_timeout=0.3))

        async def forever() -> None:
            async with driver:
                driver.send_status_update(status("one", mesos.TASK_RUNNING))
                await asyncio.Event().wait()

        task = asyncio.create_task(forever())
        await subscribe(agent)
        await asyncio.to_thread(agent.next_status)
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await driver.join(0.01) is Status.ABORTED, "closed already"

    play(scene())


def test_an_agent_that_comes_back_gets_what_it_missed(agent: HttpAgent) -> None:
    async def scene() -> None:
        agent.acknowledges = False
        environ = agent.environ(MESOS_CHECKPOINT="1", MESOS_SUBSCRIPTION_BACKOFF_MAX="20ms")
        options = HttpExecutorOptions(flush_timeout=0.2)
        async with AsyncHttpExecutorDriver(environ, options=options) as driver:
            stream = await subscribe(agent)
            stream.send(launch("one"))
            async for event in driver:
                if isinstance(event, events.TaskLaunched):
                    driver.send_status_update(status("one", mesos.TASK_RUNNING))
                    lost = await asyncio.to_thread(agent.next_status)
                    stream.cut()
                elif isinstance(event, events.Disconnected):
                    driver.send_status_update(status("one", mesos.TASK_FINISHED))
                    again = await subscribe(agent)
                elif isinstance(event, events.Reregistered):
                    break
            told = [each.status for each in again.call.subscribe.unacknowledged_updates]
            assert told[0] == lost
        assert driver.status is Status.STOPPED

    play(scene())


def test_iterating_before_the_start_is_refused(agent: HttpAgent) -> None:
    async def scene() -> None:
        with pytest.raises(DriverMisuse, match="not been started"):
            async for _ in AsyncHttpExecutorDriver(agent.environ()):
                pass

    play(scene())
