"""The end of a v1 driver under asyncio: asked for, or by cancellation, in each phase; nothing stays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from mesos_scheduler import DriverMisuse, Scheduler, Status, events
from mesos_scheduler.v1 import AsyncHttpSchedulerDriver
from scheduler_v1_aio_helpers import QUICK, driver_of, next_call, next_stream, registered, run
from scheduler_v1_helpers import Call, framework, update
from scheduler_v1_master import FakeMaster


@pytest.fixture
def master() -> Iterator[FakeMaster]:
    with FakeMaster() as master:
        yield master


ENDS: dict[str, Callable[[AsyncHttpSchedulerDriver], object]] = {
    "stop": lambda driver: driver.stop(),
    "failover": lambda driver: driver.stop(failover=True),
    "abort": lambda driver: driver.abort(),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("phase", ["detecting", "subscribing", "subscribed"])
def test_ends_from_another_task_in_each_phase(master, end, phase):
    async def main() -> None:
        target = "127.0.0.1:1" if phase == "detecting" else master.url
        driver = AsyncHttpSchedulerDriver(framework(), target, options=QUICK)
        await driver.start()
        if phase == "subscribing":
            await next_stream(master)
        elif phase == "subscribed":
            await registered(driver, master)
        waiting = asyncio.ensure_future(driver.__anext__())
        await asyncio.sleep(0)
        ENDS[end](driver)
        with pytest.raises(StopAsyncIteration):
            await waiting
        status = await driver.join()
        assert status is (Status.ABORTED if end == "abort" else Status.STOPPED)

    run(main())


def test_a_cancelled_program_leaves_nothing(master):
    async def program(driver: AsyncHttpSchedulerDriver) -> None:
        async with driver:
            async for event in driver:
                if isinstance(event, events.Registered):
                    ready.set()

    async def main() -> None:
        nonlocal ready
        ready = asyncio.Event()
        task = asyncio.ensure_future(program(driver_of(master)))
        (await next_stream(master)).subscribe()
        await ready.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    ready: asyncio.Event
    run(main())
    assert master.calls.empty()  # The framework is left for another instance.


@pytest.mark.parametrize("turns", range(1, 12, 2))
def test_cancelled_again_while_it_closes(master, turns):
    """The program still waits until all is closed; `run` looks for what stays."""

    async def program(driver: AsyncHttpSchedulerDriver) -> None:
        async with driver:
            ready.set()
            await asyncio.sleep(1e6)

    async def main() -> None:
        nonlocal ready
        ready = asyncio.Event()
        task = asyncio.ensure_future(program(driver_of(master)))
        stream = (await next_stream(master)).subscribe()
        await ready.wait()
        task.cancel()
        for _ in range(turns):
            await asyncio.sleep(0)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        stream.cut()

    ready: asyncio.Event
    run(main())


@pytest.mark.parametrize("cancelled", [True, False])
def test_running_callbacks_until_the_end(master, cancelled):
    class Ending(Scheduler):
        async def status_update(self, driver: Any, status: Any) -> None:  # type: ignore[override]
            if cancelled:
                running.cancel()
                await asyncio.sleep(0)
            else:
                driver.stop()

    async def main() -> None:
        nonlocal running
        running = asyncio.ensure_future(driver_of(master).run(Ending()))
        (await next_stream(master)).subscribe().send(update())
        if cancelled:
            with pytest.raises(asyncio.CancelledError):
                await running
        else:
            assert await running is Status.STOPPED

    running: asyncio.Future[Status]
    run(main())
    assert [call.type for call in list(master.calls.queue)] == ([] if cancelled else [Call.TEARDOWN])


def test_the_loop_ends_while_the_driver_closes(master):
    """As `asyncio.run` does it: every task is cancelled, also the one that closes."""

    async def main() -> None:
        driver = driver_of(master)
        await driver.start()
        await registered(driver, master)
        driver.revive_offers()
        assert (await next_call(master)).type == Call.REVIVE
        driver.stop()
        await asyncio.sleep(0)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            if "wait_for" not in repr(task) and "checked" not in repr(task):  # Those of `run`.
                task.cancel()
        assert await driver.join() is Status.STOPPED

    run(main())


@pytest.mark.parametrize("wrong", ["", "zk://", "ftp://h/", "http://u:secret@h/api", "host:port:5"])
def test_masters_that_cannot_be_meant(wrong):
    async def main() -> None:
        driver = AsyncHttpSchedulerDriver(framework(), wrong)
        with pytest.raises(DriverMisuse) as caught:
            await driver.start()
        assert "secret" not in str(caught.value)
        assert driver.status is Status.ABORTED
        assert await driver.join() is Status.ABORTED

    run(main())
