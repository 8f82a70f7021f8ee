"""Runs a test of a v1 driver under asyncio, and looks for what it left behind."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any, TypeVar

from mesos_scheduler import events
from mesos_scheduler.v1 import AsyncHttpSchedulerDriver, HttpOptions
from scheduler_v1_helpers import Call, framework
from scheduler_v1_master import WAIT, FakeMaster, Stream

QUICK = HttpOptions(connection_delay=0.0, backoff=0.01, backoff_max=0.05)
_E = TypeVar("_E")


def driver_of(master: FakeMaster, **arguments: Any) -> AsyncHttpSchedulerDriver:
    return AsyncHttpSchedulerDriver(
        arguments.pop("info", None) or framework(), master.url, **{"options": QUICK, **arguments}
    )


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a test; fails when a task or a socket is left behind."""

    async def checked() -> None:
        await asyncio.wait_for(main, 3 * WAIT)
        await asyncio.sleep(0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, left

    asyncio.run(checked())
    gc.collect()  # A transport that was not closed warns now, and every warning is an error.


async def next_stream(master: FakeMaster) -> Stream:
    return await asyncio.to_thread(master.next_stream)


async def next_call(master: FakeMaster) -> Call:
    return await asyncio.to_thread(master.next_call)


async def expect(driver: AsyncHttpSchedulerDriver, kind: type[_E]) -> _E:
    """Ask for the next event, which must be of this kind."""
    event = await driver.__anext__()
    assert isinstance(event, kind), event
    return event


async def registered(driver: AsyncHttpSchedulerDriver, master: FakeMaster, **fields: Any) -> Stream:
    stream = (await next_stream(master)).subscribe(**fields)
    await expect(driver, events.Registered)
    return stream
