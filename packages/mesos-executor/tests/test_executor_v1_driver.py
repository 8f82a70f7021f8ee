"""The v1 driver in this process, against an agent that does what a test says, over real sockets."""

from __future__ import annotations

import logging
import os
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from executor_agent import DEADLINE, eventually
from executor_helpers import status
from executor_recorder import Recorder
from executor_v1_agent import PATH, HttpAgent, Setup
from executor_v1_helpers import (
    SHUTDOWN,
    Call,
    kill,
    launch,
    launch_group,
    message,
)
from mesos_executor import DriverAborted, ExecutorDriver, Status
from mesos_executor.v1 import HttpExecutorDriver, HttpExecutorOptions
from mesos_http import JSON, PROTOBUF, Codec
from mesos_proto.v1 import mesos_pb2 as mesos

RUNNING, FINISHED, KILLED = mesos.TASK_RUNNING, mesos.TASK_FINISHED, mesos.TASK_KILLED


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert eventually(lambda: not [t for t in threading.enumerate() if t not in before])


@pytest.fixture
def agent() -> Iterator[HttpAgent]:
    with HttpAgent() as agent:
        yield agent


@pytest.fixture
def setup(agent: HttpAgent) -> Iterator[Setup]:
    setup = Setup(agent).connect()
    yield setup
    setup.driver.stop()
    assert setup.driver.join(DEADLINE)


def report(task_id: str, state: mesos.TaskState.ValueType) -> Callable[[ExecutorDriver], object]:
    return lambda driver: driver.send_status_update(status(task_id, state))


@pytest.mark.parametrize("codec", [PROTOBUF, JSON], ids=["protobuf", "json"])
def test_tasks_and_messages_both_ways(agent: HttpAgent, codec: Codec) -> None:
    setup = Setup(agent, codec=codec)
    assert setup.driver.container_id is None
    with setup.driver as driver:
        stream = agent.next_stream().subscribe()
        info, framework, agent_info = setup.executor.expect("registered")
        assert (info.executor_id.value, framework.name, agent_info.hostname) == (
            "default",
            "test",
            "agent.example",
        )
        assert driver.container_id == mesos.ContainerID(value="container-1")
        stream.send(launch("one"), launch_group("two", "three"), message(b"a\0b\xff"), kill("one"))
        assert setup.executor.expect("launch_task").name == "name of one"
        assert [setup.executor.expect("launch_task").task_id.value for _ in range(2)] == ["two", "three"]
        assert setup.executor.expect("framework_message") == b"a\0b\xff"
        assert setup.executor.expect("kill_task").value == "one"
        assert driver.send_status_update(status("one", RUNNING)) is Status.RUNNING
        driver.send_framework_message(b"c\0d\xff")
        driver.send_status_update(status("one", KILLED))
        assert agent.next_status().state == RUNNING
        assert agent.next_call().message.data == b"c\0d\xff"
        assert agent.next_status().state == KILLED
    assert driver.status is Status.STOPPED
    assert agent.paths == {PATH}
    assert stream.headers["Content-Type"] == stream.headers["Accept"] == codec.media_type


def test_five_hundred_tasks_are_reported_in_order(setup: Setup) -> None:
    names = [f"task-{number}" for number in range(500)]
    launched = iter(names)

    def finish(driver: ExecutorDriver) -> None:
        task_id = next(launched)
        driver.send_status_update(status(task_id, RUNNING))
        driver.send_status_update(status(task_id, FINISHED))

    setup.executor.react["launch_task"] = finish
    setup.stream.send(*map(launch, names))
    got = [setup.agent.next_status() for _ in range(1000)]
    assert [update.task_id.value for update in got[::2]] == names
    assert [update.task_id.value for update in got[1::2]] == names
    assert {update.state for update in got[1::2]} == {FINISHED}
    assert len({update.uuid for update in got}) == 1000


def test_a_blocked_callback_holds_up_nothing_else(setup: Setup) -> None:
    release = threading.Event()
    setup.executor.react["launch_task"] = lambda driver: release.wait(DEADLINE)
    setup.stream.send(launch("one"), launch("two"))
    setup.executor.expect("launch_task")
    setup.driver.send_status_update(status("one", RUNNING))
    setup.agent.next_status()
    assert setup.driver.join(0.01) is False
    assert setup.driver.abort() is Status.ABORTED
    assert setup.driver.join(0.01) is False
    release.set()
    assert setup.driver.join(DEADLINE) is Status.ABORTED
    assert setup.executor.calls.empty(), "no callback starts after abort"


def test_stop_inside_a_callback(agent: HttpAgent) -> None:
    setup = Setup(agent)

    def stop(driver: ExecutorDriver) -> None:
        driver.send_status_update(status("one", FINISHED))
        assert driver.stop() is Status.STOPPED
        assert driver.send_status_update(status("one", mesos.TASK_LOST)) is Status.STOPPED

    setup.executor.react["launch_task"] = stop
    setup.connect().stream.send(launch("one"))
    assert setup.driver.join(DEADLINE) is Status.STOPPED
    assert agent.next_status().state == FINISHED
    assert agent.calls.empty()


def test_stop_flushes_ten_megabytes(agent: HttpAgent) -> None:
    setup = Setup(agent).connect()
    for number in range(100):
        setup.driver.send_framework_message(bytes([number]) * 100_000)
    setup.driver.stop()
    assert setup.driver.join(DEADLINE) is Status.STOPPED
    got = [agent.next_call().message.data for _ in range(100)]
    assert [data[0] for data in got] == list(range(100))
    assert {len(data) for data in got} == {100_000}


def test_the_driver_ends_after_a_shutdown(setup: Setup) -> None:
    setup.executor.react["shutdown"] = report("one", KILLED)
    setup.stream.send(launch("one"), SHUTDOWN)
    setup.executor.expect("launch_task")
    setup.executor.expect("shutdown")
    assert setup.driver.join(DEADLINE) is Status.STOPPED
    assert setup.agent.next_status().state == KILLED


def test_an_exception_aborts_goes_to_error_and_is_raised_by_join(
    agent: HttpAgent, caplog: pytest.LogCaptureFixture
) -> None:
    setup = Setup(agent)
    failure = ValueError("no such thing")

    def fail(driver: ExecutorDriver) -> None:
        raise failure

    setup.executor.react["launch_task"] = fail
    setup.connect()
    with caplog.at_level(logging.ERROR, "mesos.executor"):
        setup.stream.send(launch("one"))
        with pytest.raises(ValueError) as raised:
            setup.driver.join(DEADLINE)
    assert raised.value is failure
    setup.executor.expect("launch_task")
    assert setup.executor.expect("error") == "ValueError: no such thing"
    assert setup.driver.status is Status.ABORTED


def test_an_agent_that_comes_back_gets_what_it_missed(agent: HttpAgent) -> None:
    agent.acknowledges = False
    environ = {"MESOS_CHECKPOINT": "1", "MESOS_SUBSCRIPTION_BACKOFF_MAX": "20ms"}
    setup = Setup(agent, environ=environ, options=HttpExecutorOptions(flush_timeout=0.2)).connect()
    setup.stream.send(launch("one"))
    setup.executor.expect("launch_task")
    setup.driver.send_status_update(status("one", RUNNING))
    lost = agent.next_status()
    agent.close()
    setup.executor.expect("disconnected")
    setup.driver.send_status_update(status("one", FINISHED))
    with HttpAgent(port=agent.port) as again:
        stream = again.next_stream()
        body = stream.call.subscribe
        assert body.unacknowledged_updates[0].status == lost
        assert [each.status.state for each in body.unacknowledged_updates] == [RUNNING, FINISHED]
        assert [task.task_id.value for task in body.unacknowledged_tasks] == ["one"]
        stream.subscribe().send(launch("two"))
        assert setup.executor.expect("reregistered").hostname == "agent.example"
        assert setup.executor.expect("launch_task").task_id.value == "two"
        setup.driver.abort()
        assert setup.driver.join(DEADLINE) is Status.ABORTED


def test_an_agent_that_recovers_is_asked_again_and_an_update_repeated(agent: HttpAgent) -> None:
    answers: queue.Queue[tuple[int, bytes]] = queue.Queue()
    answers.put((503, b"Agent has not finished recovery"))

    def answer(call: Call) -> tuple[int, bytes]:
        return (202, b"") if answers.empty() else answers.get()

    agent.answer = answer
    setup = Setup(agent, environ={"MESOS_SUBSCRIPTION_BACKOFF_MAX": "20ms"})
    setup.driver.start()
    for code in (404, 503):
        agent.next_stream().refuse(code)
    agent.next_stream().subscribe()
    setup.executor.expect("registered")
    setup.driver.send_status_update(status("one", RUNNING))
    setup.driver.send_status_update(status("one", FINISHED))
    got = [agent.next_status() for _ in range(3)]
    assert got[0] == got[1] and [each.state for each in got[1:]] == [RUNNING, FINISHED]
    setup.driver.stop()
    assert setup.driver.join(DEADLINE) is Status.STOPPED


def test_an_agent_that_stays_away_ends_the_executor(agent: HttpAgent) -> None:
    environ = {"MESOS_CHECKPOINT": "1", "MESOS_RECOVERY_TIMEOUT": "50ms"}
    setup = Setup(agent, environ=environ).connect()
    agent.close()
    setup.executor.expect("disconnected")
    setup.executor.expect("shutdown")
    assert setup.driver.join(DEADLINE) is Status.ABORTED


def test_an_agent_that_is_not_there_ends_the_executor(agent: HttpAgent) -> None:
    setup = Setup(agent)
    agent.close()
    setup.driver.start()
    setup.executor.expect("shutdown")
    assert setup.driver.join(DEADLINE) is Status.ABORTED


def test_a_token_is_shown_and_a_refusal_ends_the_driver(agent: HttpAgent) -> None:
    setup = Setup(agent, environ={"MESOS_EXECUTOR_AUTHENTICATION_TOKEN": "the.secret.token"})
    setup.driver.start()
    agent.next_stream().refuse(401)
    with pytest.raises(DriverAborted, match="refused the subscription: HTTP 401") as raised:
        setup.driver.join(DEADLINE)
    assert setup.executor.expect("error") == str(raised.value)
    assert agent.tokens == {"Bearer the.secret.token"}
    assert "the.secret.token" not in str(raised.value)


def test_the_token_is_taken_out_of_the_environment(agent: HttpAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in agent.environ(MESOS_EXECUTOR_AUTHENTICATION_TOKEN="secret").items():
        monkeypatch.setenv(name, value)
    HttpExecutorDriver(Recorder())
    assert "MESOS_EXECUTOR_AUTHENTICATION_TOKEN" not in os.environ


def test_over_a_socket_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "agent.sock"
    with HttpAgent(unix_socket=path) as agent:
        setup = Setup(agent, environ={"MESOS_DOMAIN_SOCKET": str(path), "LIBPROCESS_IP": "127.0.0.1"})
        setup.connect().stream.send(launch("one"))
        setup.executor.expect("launch_task")
        setup.driver.send_status_update(status("one", FINISHED))
        assert agent.next_status().state == FINISHED
        assert agent.paths == {PATH}
        setup.driver.stop()
        assert setup.driver.join(DEADLINE) is Status.STOPPED


def test_before_the_start_calls_do_nothing(agent: HttpAgent) -> None:
    driver = Setup(agent).driver
    for call in (driver.stop, driver.abort, driver.join):
        assert call() is Status.NOT_STARTED
    assert driver.send_framework_message(b"x") is Status.NOT_STARTED
    assert driver.send_status_update(status("one", RUNNING)) is Status.NOT_STARTED
