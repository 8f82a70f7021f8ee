"""The driver under asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v1 import mesos_pb2 as v1
from mesos_scheduler import (
    AsyncSchedulerDriver,
    DriverAborted,
    DriverMisuse,
    Scheduler,
    SchedulerDriver,
    Status,
    events,
)
from scheduler_fake_master import Call, FakeMaster, updates, wait_for
from scheduler_helpers import FRAMEWORK_ID, framework


@pytest.fixture
def master() -> Iterator[FakeMaster]:
    fake = FakeMaster()
    yield fake
    fake.stop()


def driver_for(master: FakeMaster, **arguments: Any) -> AsyncSchedulerDriver:
    return AsyncSchedulerDriver(framework(), master.address, bind="127.0.0.1:0", **arguments)


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(main, 30))


async def eventually(condition: Any) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come to hold")


def test_an_update_is_handled_when_the_next_event_is_asked_for(master: FakeMaster) -> None:
    async def main() -> None:
        async with driver_for(master) as driver:
            seen = []
            async for event in driver:
                if isinstance(event, events.Registered):
                    assert event.framework_id.value == FRAMEWORK_ID
                    master.send(*updates("t0", "t1", "t2"))
                elif isinstance(event, events.StatusUpdate):
                    seen.append(event.status.task_id.value)
                    if len(seen) == 3:
                        break
            await eventually(lambda: master.acknowledged() == ["t0", "t1"])
        assert driver.status is Status.STOPPED

    run(main())
    wait_for(lambda: master.of_type(Call.TEARDOWN))
    assert master.acknowledged() == ["t0", "t1"]


def test_after_a_break_another_loop_goes_on_without_acknowledging(master: FakeMaster) -> None:
    async def main() -> None:
        async with driver_for(master) as driver:
            async for event in driver:
                if isinstance(event, events.Registered):
                    master.send(*updates("t0", "t1"))
                else:
                    break
            async for event in driver:
                assert isinstance(event, events.StatusUpdate) and event.status.task_id.value == "t1"
                master.send(*updates("t2"))
                break
            assert isinstance(await driver.__anext__(), events.StatusUpdate)
            await eventually(lambda: master.acknowledged() == ["t1"])

    run(main())


def test_an_exception_leaves_the_framework_and_the_update(master: FakeMaster) -> None:
    async def main() -> None:
        with pytest.raises(KeyError):
            async with driver_for(master) as driver:
                async for event in driver:
                    if isinstance(event, events.Registered):
                        master.send(*updates("t0"))
                    else:
                        raise KeyError

    run(main())
    assert master.acknowledged() == [] and not master.of_type(Call.TEARDOWN)


def test_the_masters_last_word_is_raised(master: FakeMaster) -> None:
    async def main() -> None:
        async with driver_for(master) as driver:
            with pytest.raises(DriverAborted, match="failed over"):
                async for _ in driver:
                    master.send(internal.FrameworkErrorMessage(message="Framework failed over"))
            assert driver.status is Status.ABORTED
            with pytest.raises(DriverAborted):
                await driver.join()

    run(main())


def test_stop_from_another_task_ends_the_iteration(master: FakeMaster) -> None:
    async def main() -> None:
        driver = driver_for(master)
        await driver.start()

        async def consume() -> int:
            return len([event async for event in driver])

        consumer = asyncio.ensure_future(consume())
        await eventually(lambda: master.scheduler is not None)
        await eventually(lambda: driver.framework_id is not None)
        assert driver.revive_offers() is Status.RUNNING
        await eventually(lambda: master.of_type(Call.REVIVE))
        assert driver.stop(failover=True) is Status.STOPPED
        assert await consumer <= 1
        assert await driver.join() is Status.STOPPED
        assert driver.stop() is Status.STOPPED

    run(main())


def test_one_task_alone_may_iterate(master: FakeMaster) -> None:
    async def main() -> None:
        async with driver_for(master) as driver:
            await driver.__anext__()
            waiting = asyncio.ensure_future(driver.__anext__())
            await asyncio.sleep(0)
            with pytest.raises(DriverMisuse, match="one stream"):
                await driver.__anext__()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting

    run(main())


class Both(Scheduler):
    """Some callbacks are coroutines, some are not."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.fail = False

    def registered(
        self, driver: SchedulerDriver, framework_id: v1.FrameworkID, master_info: v1.MasterInfo
    ) -> None:
        self.seen.append("registered")

    async def status_update(self, driver: SchedulerDriver, status: v1.TaskStatus) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        self.seen.append(status.task_id.value)
        if status.task_id.value == "t1":
            if self.fail:
                raise ValueError("bad day")
            driver.stop()

    def error(self, driver: SchedulerDriver, message: str) -> None:
        self.seen.append(message)


async def send_when_registered(master: FakeMaster, scheduler: Both) -> None:
    await eventually(lambda: scheduler.seen)
    master.send(*updates("t0", "t1", "t2"))


def test_callbacks_may_be_coroutines(master: FakeMaster) -> None:
    scheduler = Both()

    async def main() -> None:
        sender = asyncio.ensure_future(send_when_registered(master, scheduler))
        assert await driver_for(master).run(scheduler) is Status.STOPPED
        await sender

    run(main())
    assert scheduler.seen == ["registered", "t0", "t1"]
    assert master.acknowledged() == ["t0"]


def test_an_exception_out_of_a_callback_aborts(master: FakeMaster) -> None:
    scheduler = Both()
    scheduler.fail = True

    async def main() -> None:
        sender = asyncio.ensure_future(send_when_registered(master, scheduler))
        driver = driver_for(master)
        with pytest.raises(ValueError, match="bad day"):
            await driver.run(scheduler)
        assert driver.status is Status.ABORTED
        await sender

    run(main())
    assert scheduler.seen == ["registered", "t0", "t1", "ValueError: bad day"]
    assert master.acknowledged() == ["t0"]
    wait_for(lambda: master.has(internal.DeactivateFrameworkMessage))


def test_a_slow_program_keeps_the_master_waiting(master: FakeMaster) -> None:
    async def main() -> None:
        async with driver_for(master, queue_limit=20_000) as driver:
            await driver.__anext__()
            names = [f"{'x' * 1000}{number}" for number in range(1000)]
            for name in names:
                master.send(*updates(name))
            await eventually(lambda: driver._shell._congested)
            seen = []
            async for event in driver:
                assert isinstance(event, events.StatusUpdate)
                seen.append(event.status.task_id.value)
                if len(seen) == 1000:
                    break
            assert seen == names
            await eventually(lambda: len(master.acknowledged()) == 999)

    run(main())


def test_a_bad_master_is_misuse() -> None:
    async def main() -> None:
        driver = AsyncSchedulerDriver(framework(), "no such thing")
        with pytest.raises(DriverMisuse):
            await driver.start()
        assert driver.status is Status.ABORTED
        assert await driver.join() is Status.ABORTED

    run(main())
