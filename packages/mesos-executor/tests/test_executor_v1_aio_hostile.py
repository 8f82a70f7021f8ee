"""The v1 driver under asyncio with agents that send nonsense, too much or nothing; other ways to it."""

from __future__ import annotations

import asyncio
import queue
import runpy
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from executor_agent import DEADLINE, eventually
from executor_helpers import status
from executor_v1_agent import BAD_STREAMS, HttpAgent, Stream
from executor_v1_helpers import Call, launch, message
from mesos_executor import DriverAborted, Status, events
from mesos_executor.v1 import AsyncHttpExecutorDriver, HttpExecutorOptions
from mesos_executor.v1.commands import EventsReceived
from mesos_http import Settings
from mesos_proto.v1 import mesos_pb2 as mesos

QUICK = {"MESOS_CHECKPOINT": "1", "MESOS_SUBSCRIPTION_BACKOFF_MAX": "20ms"}


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


async def next_stream(agent: HttpAgent) -> Stream:
    return await asyncio.to_thread(agent.next_stream)


async def expect(driver: AsyncHttpExecutorDriver, kind: type[events.Event]) -> Any:
    event = await driver.__anext__()
    assert isinstance(event, kind), event
    return event


@pytest.mark.parametrize("bad", BAD_STREAMS.values(), ids=BAD_STREAMS)
def test_a_bad_stream_is_replaced_and_its_good_events_count(
    agent: HttpAgent, bad: Callable[[Stream], object]
) -> None:
    async def scene() -> None:
        async with AsyncHttpExecutorDriver(agent.environ(**QUICK)) as driver:
            stream = (await next_stream(agent)).subscribe().send(launch("one"))
            await expect(driver, events.Registered)
            bad(stream)
            await expect(driver, events.TaskLaunched)
            await expect(driver, events.Disconnected)
            again = await next_stream(agent)
            assert [each.task_id.value for each in again.call.subscribe.unacknowledged_tasks] == ["one"]
            again.subscribe()
            await expect(driver, events.Reregistered)

    play(scene())


def test_who_does_not_answer_is_asked_again(agent: HttpAgent) -> None:
    release = threading.Event()

    def silent(call: Call) -> tuple[int, bytes]:
        release.wait(DEADLINE)
        return 202, b""

    async def scene() -> None:
        options = HttpExecutorOptions(subscribe_timeout=0.3, flush_timeout=0.2)
        settings = Settings(timeout=0.2, stream_timeout=60.0)
        driver = AsyncHttpExecutorDriver(agent.environ(**QUICK), options=options, settings=settings)
        async with driver:
            await next_stream(agent)
            (await next_stream(agent)).begin()  # and says nothing
            (await next_stream(agent)).subscribe()
            await expect(driver, events.Registered)
            agent.answer = silent
            driver.send_status_update(status("one", mesos.TASK_RUNNING))
            await expect(driver, events.Disconnected)
            (update,) = (await next_stream(agent)).call.subscribe.unacknowledged_updates
            assert update.status.task_id.value == "one"
            release.set()

    play(scene())


def test_more_than_the_program_asks_for_is_left_with_the_agent(agent: HttpAgent) -> None:
    sent: queue.Queue[int] = queue.Queue()

    async def scene() -> None:
        options = HttpExecutorOptions(backlog_limit=4_000_000)
        async with AsyncHttpExecutorDriver(agent.environ(), options=options) as driver:
            stream = (await next_stream(agent)).subscribe()
            await expect(driver, events.Registered)

            def flood() -> None:
                for number in range(40):
                    stream.send(message(bytes([number]) * 1_000_000))
                    sent.put(number)

            flooding = asyncio.ensure_future(asyncio.to_thread(flood))
            while not driver._shell._backlog.congested:
                await asyncio.sleep(0.01)
            assert sent.qsize() < 40, "the agent could not get rid of all"
            got = [(await expect(driver, events.FrameworkMessage)).data[0] for _ in range(40)]
            assert got == list(range(40))
            await flooding

    play(scene())


def test_messages_beyond_the_limit_are_lost_and_calls_come_from_any_thread(agent: HttpAgent) -> None:
    release = threading.Event()

    def slow(call: Call) -> tuple[int, bytes]:
        release.wait(DEADLINE)
        return 202, b""

    async def scene() -> None:
        agent.answer = slow
        options = HttpExecutorOptions(queue_limit=250)
        async with AsyncHttpExecutorDriver(agent.environ(), options=options) as driver:
            (await next_stream(agent)).subscribe()
            await expect(driver, events.Registered)
            for number in range(10):
                await asyncio.to_thread(driver.send_framework_message, bytes([number]) * 100)
            await asyncio.to_thread(driver.send_status_update, status("one", mesos.TASK_FINISHED))
            release.set()
            got = [await asyncio.to_thread(agent.next_call) for _ in range(4)]
            assert [call.message.data[:1] for call in got[:3]] == [b"\0", b"\1", b"\2"]
            assert got[3].type == Call.UPDATE
            assert await asyncio.to_thread(driver.stop) is Status.STOPPED
            assert await driver.join(DEADLINE) is Status.STOPPED

    play(scene())


def test_a_transport_or_credentials_that_cannot_be_made_end_the_driver(agent: HttpAgent) -> None:
    class NoAuth:
        def authorization(self) -> str:
            raise RuntimeError("no ticket")

    def no_transport() -> Any:
        raise RuntimeError("no transport")

    async def scene() -> None:
        arguments: dict[str, Any]
        for arguments in ({"auth": NoAuth()}, {"transport": no_transport}):
            driver = AsyncHttpExecutorDriver(agent.environ(), **arguments)
            with pytest.raises(DriverAborted, match="RuntimeError: no "):
                async with driver:
                    await driver.join(DEADLINE)

    play(scene())


def test_credentials_that_fail_later_and_faults_of_ours_end_the_driver(
    agent: HttpAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OneTicket:
        tickets = ["Bearer one"]

        def authorization(self) -> str:
            if not self.tickets:
                raise RuntimeError("no ticket")
            return self.tickets.pop()

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    async def scene() -> None:
        with pytest.raises(DriverAborted, match="of task one could not be sent: RuntimeError: no ticket"):
            async with AsyncHttpExecutorDriver(agent.environ(), auth=OneTicket()) as driver:
                (await next_stream(agent)).subscribe()
                await expect(driver, events.Registered)
                driver.send_status_update(status("one", mesos.TASK_FINISHED))
                await expect(driver, events.Error)
        async with AsyncHttpExecutorDriver(agent.environ()) as driver:
            stream = (await next_stream(agent)).subscribe()
            await expect(driver, events.Registered)
            monkeypatch.setitem(driver._shell.session._handlers, EventsReceived, fail)
            stream.send(launch("one"))
            assert await driver.join(DEADLINE) is Status.ABORTED

    play(scene())


def test_over_a_socket_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "agent.sock"

    async def scene(agent: HttpAgent) -> None:
        async with AsyncHttpExecutorDriver(agent.environ(MESOS_DOMAIN_SOCKET=str(path))) as driver:
            (await next_stream(agent)).subscribe()
            await expect(driver, events.Registered)
            driver.send_status_update(status("one", mesos.TASK_FINISHED))
        assert agent.next_status().state == mesos.TASK_FINISHED

    with HttpAgent(unix_socket=path) as agent:
        play(scene(agent))


@pytest.mark.parametrize("verify", [True, False])
def test_over_tls_with_the_certificates_of_libprocess(tmp_path: Path, verify: bool) -> None:
    pem = tmp_path / "agent.pem"
    helper = Path(__file__).parents[2] / "mesos-http/tests/http_certificate.py"
    pem.write_text(runpy.run_path(str(helper))["PEM"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    environ = {f"LIBPROCESS_SSL_{name}": str(pem) for name in ("KEY_FILE", "CERT_FILE")}
    environ["LIBPROCESS_SSL_ENABLED"] = "1"

    async def scene(agent: HttpAgent) -> None:
        if verify:
            stranger = AsyncHttpExecutorDriver(agent.environ(LIBPROCESS_SSL_VERIFY_CERT="1", **environ))
            with pytest.raises(DriverAborted, match="no TLS with the agent"):
                async with stranger:
                    await stranger.join(DEADLINE)
            environ.update(LIBPROCESS_SSL_VERIFY_CERT="1", LIBPROCESS_SSL_CA_FILE=str(pem))
        async with AsyncHttpExecutorDriver(agent.environ(**environ)) as driver:
            (await next_stream(agent)).subscribe()
            await expect(driver, events.Registered)
            driver.send_status_update(status("one", mesos.TASK_FINISHED))
        assert agent.next_status().state == mesos.TASK_FINISHED

    with HttpAgent(tls=context) as agent:
        play(scene(agent))
