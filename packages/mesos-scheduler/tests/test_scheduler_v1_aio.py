"""The v1 driver under asyncio, over real sockets: events as they are asked for, and faults."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from mesos_http import JSON, PROTOBUF, Settings
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import DriverAborted, DriverMisuse, FileFrameworkIdStore, Scheduler, Status, events
from mesos_scheduler.v1 import HttpOptions
from scheduler_v1_aio_helpers import driver_of, expect, next_call, next_stream, registered, run
from scheduler_v1_faults import FAULTS
from scheduler_v1_helpers import FRAMEWORK_ID, Call, Event, accept, error, framework, update
from scheduler_v1_master import FakeMaster


@pytest.fixture
def master() -> Iterator[FakeMaster]:
    with FakeMaster() as master:
        yield master


@pytest.mark.parametrize("codec", [PROTOBUF, JSON])
def test_a_subscription_an_acknowledgement_and_the_end(master, codec):
    feedback = Event(type=Event.UPDATE_OPERATION_STATUS)
    feedback.update_operation_status.status.CopyFrom(
        mesos.OperationStatus(
            state=mesos.OPERATION_FINISHED,
            operation_id=mesos.OperationID(value="X"),
            uuid=mesos.UUID(value=b"v"),
        )
    )

    async def main() -> None:
        async with driver_of(master, codec=codec) as driver:
            stream = await registered(driver, master)
            assert driver.framework_id.value == FRAMEWORK_ID
            stream.send(Event(type=Event.HEARTBEAT), update(), feedback)
            await expect(driver, events.Heartbeat)
            await expect(driver, events.StatusUpdate)
            assert master.calls.empty()
            assert not [each for each in threading.enumerate() if each.name.startswith("mesos")]
            await expect(driver, events.OperationStatusUpdate)
            assert (await next_call(master)).acknowledge.uuid == b"u"
            stream.send(Event(type=Event.HEARTBEAT))
            await expect(driver, events.Heartbeat)
            assert (await next_call(master)).acknowledge_operation_status.uuid == b"v"
        assert driver.status is Status.STOPPED

    run(main())
    assert master.next_call().type == Call.TEARDOWN


def test_every_call_reaches_the_master_in_order_from_any_thread(master):
    async def main() -> None:
        async with driver_of(master) as driver:
            await registered(driver, master)
            agent, executor, offer = (
                mesos.AgentID(value="A"),
                mesos.ExecutorID(value="E"),
                mesos.OfferID(value="O"),
            )
            driver.accept_offers([offer], accept("t").operations)
            driver.decline_offer(offer)
            driver.suppress_offers(["*"])
            driver.revive_offers()
            await asyncio.to_thread(driver.kill_task, mesos.TaskID(value="t"), agent)
            driver.send_framework_message(executor, agent, b"d")
            driver.reconcile_operations()
            driver.update_framework(framework(id=driver.framework_id))
            with pytest.raises(DriverMisuse):
                driver.acknowledge_operation_status(mesos.OperationStatus(state=mesos.OPERATION_FINISHED))
            names = [Call.Type.Name((await next_call(master)).type) for _ in range(8)]
        assert names == [
            *("ACCEPT", "DECLINE", "SUPPRESS", "REVIVE", "KILL", "MESSAGE"),
            *("RECONCILE_OPERATIONS", "UPDATE_FRAMEWORK"),
        ]

    run(main())


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_stream_is_followed_by_another(master, fault):
    async def main() -> None:
        async with driver_of(master) as driver:
            FAULTS[fault](await registered(driver, master))
            await expect(driver, events.Disconnected)
            again = await next_stream(master)
            assert again.call.framework_id.value == FRAMEWORK_ID
            assert "Mesos-Stream-Id" not in again.headers
            again.subscribe()
            await expect(driver, events.Reregistered)

    run(main())


def test_a_redirect_leads_to_the_leader(master):
    async def main() -> None:
        address = leader.url.partition(":")[2].partition("/api")[0]
        async with driver_of(master) as driver:
            (await next_stream(master)).refuse(307, Location=address)
            await registered(driver, leader)
            driver.revive_offers()
            assert (await next_call(leader)).type == Call.REVIVE
            assert master.calls.empty()

    with FakeMaster() as leader:
        run(main())


def test_refusals_and_silence_are_waited_out(master):
    options = HttpOptions(connection_delay=0.0, backoff=0.01, subscribe_timeout=2.0)

    async def main() -> None:
        settings = Settings(max_redirects=2, redirect_pause=0)
        async with driver_of(master, settings=settings, options=options) as driver:
            (await next_stream(master)).refuse(503, b"not yet")
            for _ in range(3):
                (await next_stream(master)).refuse(307, Location=master.url)
            await next_stream(master)  # Which answers nothing.
            await registered(driver, master)

    run(main())


@pytest.mark.parametrize(("status", "words"), [(400, "bad"), (401, "credentials")])
def test_other_refusals_end_the_driver(master, status, words):
    async def main() -> None:
        driver = driver_of(master)
        await driver.start()
        (await next_stream(master)).refuse(status, b"bad")
        with pytest.raises(DriverAborted, match=f"HTTP {status}.*{words}"):
            await driver.__anext__()
        with pytest.raises(DriverAborted):
            await driver.join()
        assert driver.status is Status.ABORTED

    run(main())


def test_missed_heartbeats_with_the_socket_open(master):
    async def main() -> None:
        async with driver_of(master) as driver:
            await registered(driver, master, interval=0.05)
            await expect(driver, events.Disconnected)
            (await next_stream(master)).subscribe()
            await expect(driver, events.Reregistered)

    run(main())


def test_a_stale_stream_id_leads_to_another_stream(master):
    async def main() -> None:
        async with driver_of(master) as driver:
            await registered(driver, master)
            master.answer = lambda call: (400, b"The stream ID 'x' included in this request didn't match")
            driver.revive_offers()
            await expect(driver, events.Disconnected)
            master.answer = lambda call: (202, b"")
            (await next_stream(master)).subscribe()
            await expect(driver, events.Reregistered)

    run(main())


def test_a_loop_of_redirects_is_waited_out(master):
    async def main() -> None:
        settings = Settings(max_redirects=2, redirect_pause=0)
        async with driver_of(master, settings=settings) as driver:
            for _ in range(3):
                (await next_stream(master)).refuse(307, Location=master.url)
            await registered(driver, master)

    run(main())


def test_tasks_of_a_refused_call_are_reported(master):
    async def main() -> None:
        async with driver_of(master) as driver:
            await registered(driver, master)
            master.answer = lambda call: (
                (400, b"Failed to validate") if call.type == Call.ACCEPT else (202, b"")
            )
            driver.accept_offers([mesos.OfferID(value="O")], accept("t").operations)
            event = await expect(driver, events.StatusUpdate)
            assert (event.status.task_id.value, event.status.state) == ("t", mesos.TASK_LOST)

    run(main())


def test_an_error_of_the_master_is_raised(master):
    async def main() -> None:
        async with driver_of(master) as driver:
            (await registered(driver, master)).send(error("Framework failed over"))
            with pytest.raises(DriverAborted, match="Framework failed over"):
                async for _ in driver:
                    pass
            assert driver.status is Status.ABORTED

    run(main())


def test_an_update_is_not_acknowledged_after_a_break_or_an_exception(master):
    async def main() -> None:
        with pytest.raises(KeyError):
            async with driver_of(master) as driver:
                stream = await registered(driver, master)
                stream.send(update("t0", uuid=b"0"), update("t1", uuid=b"1"))
                async for event in driver:
                    assert isinstance(event, events.StatusUpdate)
                    break
                async for event in driver:
                    assert isinstance(event, events.StatusUpdate)
                    raise KeyError

    run(main())
    assert master.calls.empty()  # Neither acknowledged, nor was the framework ended.


def test_an_authorization_that_cannot_be_made_ends_the_driver(master):
    class Broken:
        def authorization(self):
            raise RuntimeError("no token")

    async def main() -> None:
        async with driver_of(master, auth=Broken()) as driver:
            with pytest.raises(DriverAborted, match="no token"):
                await driver.__anext__()

    run(main())


def test_the_id_is_kept_for_another_instance(master, tmp_path: Path):
    store = FileFrameworkIdStore(tmp_path / "id")

    async def main() -> None:
        for failover in (True, False):
            async with driver_of(master, framework_id_store=store) as driver:
                stream = await next_stream(master)
                assert stream.call.framework_id.value == ("" if failover else FRAMEWORK_ID)
                stream.subscribe()
                await expect(driver, events.Registered)
                driver.stop(failover=failover)
                await driver.join()
            assert store.load() == (FRAMEWORK_ID if failover else None)

    run(main())


def test_a_program_that_lags_stops_the_reading(master):
    async def main() -> None:
        async with driver_of(master, queue_limit=50) as driver:
            stream = await registered(driver, master, interval=0.4)
            for number in range(20):
                stream.send(update(f"t{number}"))
            # Heartbeats are not missed while nobody reads: the stream stays the first one.
            await asyncio.sleep(2.5)
            assert master.streams.empty()
            assert len(driver._batches) < 20
            for number in range(20):
                event = await expect(driver, events.StatusUpdate)
                assert event.status.task_id.value == f"t{number}"

    run(main())


class Both(Scheduler):
    """Some callbacks are coroutines, some are not."""

    def __init__(self, failing: bool) -> None:
        self.seen: list[str] = []
        self._failing = failing

    def registered(self, driver, framework_id, master_info):
        self.seen.append("registered")

    async def status_update(self, driver, status):
        await asyncio.sleep(0)
        self.seen.append(status.task_id.value)
        if status.task_id.value == "t1":
            if self._failing:
                raise ValueError("bad day")
            driver.stop(failover=True)

    def error(self, driver, message):
        self.seen.append(message)


@pytest.mark.parametrize("failing", [False, True])
def test_callbacks_may_be_coroutines(master, failing):
    scheduler = Both(failing)

    async def main() -> None:
        running = asyncio.ensure_future(driver_of(master).run(scheduler))
        (await next_stream(master)).subscribe().send(update("t0", uuid=b"0"), update("t1", uuid=b"1"))
        if failing:
            with pytest.raises(ValueError, match="bad day"):
                await running
        else:
            assert await running is Status.STOPPED

    run(main())
    assert scheduler.seen == ["registered", "t0", "t1", *(["ValueError: bad day"] if failing else [])]
    assert master.next_call().acknowledge.uuid == b"0" and master.calls.empty()
