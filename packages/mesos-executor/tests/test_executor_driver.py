"""The driver in this process, against a tiny agent over real sockets."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterator

import pytest
from executor_agent import DEADLINE, FakeAgent, eventually
from executor_helpers import framework_message, kill_task, reconnect, run_task, status
from executor_recorder import Recorder
from mesos_executor import (
    AgentEnvironmentError,
    DriverMisuse,
    Executor,
    ExecutorDriver,
    MesosExecutorDriver,
    Status,
)
from mesos_messenger import UPID
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v1 import mesos_pb2 as v1


class Setup:
    """An agent, an executor, and the driver between them."""

    def __init__(self, agent: FakeAgent, **changes: str) -> None:
        self.agent = agent
        self.executor = Recorder()
        # MESOS_LOCAL: no watchdog, which would kill the process group of the tests.
        self.driver = MesosExecutorDriver(self.executor, agent.environ(MESOS_LOCAL="1", **changes))

    def connect(self) -> None:
        assert self.driver.start() is Status.RUNNING
        self.agent.expect(internal.RegisterExecutorMessage)
        self.executor.expect("registered")


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert eventually(lambda: not [t for t in threading.enumerate() if t not in before])


@pytest.fixture
def agent() -> Iterator[FakeAgent]:
    with FakeAgent() as agent:
        yield agent


@pytest.fixture
def setup(agent: FakeAgent) -> Iterator[Setup]:
    setup = Setup(agent)
    setup.connect()
    yield setup
    setup.driver.stop()
    assert setup.driver.join(DEADLINE)


def test_a_task_from_launch_to_its_last_update(setup: Setup) -> None:
    agent, executor, driver = setup.agent, setup.executor, setup.driver
    agent.send(run_task("one"))
    task = executor.expect("launch_task")
    assert isinstance(task, v1.TaskInfo)
    assert task.name == "name of one"
    assert driver.send_status_update(status("one", v1.TASK_RUNNING)) is Status.RUNNING
    agent.send(kill_task("one"))
    assert executor.expect("kill_task").value == "one"
    driver.send_status_update(status("one", v1.TASK_KILLED))
    states = [agent.expect(internal.StatusUpdateMessage).update.status.state for _ in range(2)]
    assert states == [v0.TASK_RUNNING, v0.TASK_KILLED]


def test_framework_messages_both_ways(setup: Setup) -> None:
    setup.agent.send(framework_message(b"a\0b"))
    assert setup.executor.expect("framework_message") == b"a\0b"
    setup.driver.send_framework_message(b"c\0d")
    assert setup.agent.expect(internal.ExecutorToFrameworkMessage).data == b"c\0d"


def test_five_hundred_tasks_are_reported_in_order(setup: Setup) -> None:
    def finish(driver: ExecutorDriver) -> None:
        task = launched.get_nowait()
        driver.send_status_update(status(task, v1.TASK_RUNNING))
        driver.send_status_update(status(task, v1.TASK_FINISHED))

    launched: queue.SimpleQueue[str] = queue.SimpleQueue()
    setup.executor.react["launch_task"] = finish
    names = [f"task-{number}" for number in range(500)]
    for name in names:
        launched.put(name)
        setup.agent.send(run_task(name))
    got = [setup.agent.expect(internal.StatusUpdateMessage).update.status for _ in range(1000)]
    assert [update.task_id.value for update in got[::2]] == names
    assert [update.task_id.value for update in got[1::2]] == names
    assert {update.state for update in got[1::2]} == {v0.TASK_FINISHED}
    assert len({update.uuid for update in got}) == 1000


def test_a_blocked_callback_holds_up_nothing_else(setup: Setup) -> None:
    agent, executor, driver = setup.agent, setup.executor, setup.driver
    release = threading.Event()
    executor.react["launch_task"] = lambda driver: release.wait(DEADLINE)
    agent.send(run_task("one"))
    executor.expect("launch_task")
    agent.send(run_task("two"))
    driver.send_status_update(status("one", v1.TASK_RUNNING))
    agent.expect(internal.StatusUpdateMessage)
    assert driver.join(0.01) is False
    assert driver.abort() is Status.ABORTED
    assert driver.join(0.01) is False
    release.set()
    assert driver.join(DEADLINE) is Status.ABORTED
    assert executor.calls.empty(), "no callback starts after abort"


def test_stop_inside_a_callback(agent: FakeAgent) -> None:
    setup = Setup(agent)

    def stop(driver: ExecutorDriver) -> None:
        driver.send_status_update(status("one", v1.TASK_FINISHED))
        assert driver.stop() is Status.STOPPED
        assert driver.send_status_update(status("one", v1.TASK_LOST)) is Status.STOPPED

    setup.executor.react["launch_task"] = stop
    setup.connect()
    agent.send(run_task("one"))
    assert setup.driver.join() is Status.STOPPED
    assert agent.expect(internal.StatusUpdateMessage).update.status.state == v0.TASK_FINISHED
    assert agent.nothing_more()


def test_stop_flushes_ten_megabytes(agent: FakeAgent) -> None:
    setup = Setup(agent)
    setup.connect()
    for number in range(100):
        setup.driver.send_framework_message(bytes([number]) * 100_000)
    setup.driver.stop()
    assert setup.driver.join(DEADLINE) is Status.STOPPED
    got = [agent.expect(internal.ExecutorToFrameworkMessage).data for _ in range(100)]
    assert [data[0] for data in got] == list(range(100))
    assert {len(data) for data in got} == {100_000}


def test_the_driver_ends_after_a_shutdown(setup: Setup) -> None:
    setup.executor.react["shutdown"] = lambda driver: driver.send_status_update(status("one", v1.TASK_KILLED))
    setup.agent.send(run_task("one"))
    setup.executor.expect("launch_task")
    setup.agent.send(internal.ShutdownExecutorMessage())
    setup.executor.expect("shutdown")
    assert setup.driver.join(DEADLINE) is Status.STOPPED
    assert setup.agent.expect(internal.StatusUpdateMessage).update.status.state == v0.TASK_KILLED


def test_an_exception_aborts_goes_to_error_and_is_raised_by_join(
    agent: FakeAgent, caplog: pytest.LogCaptureFixture
) -> None:
    setup = Setup(agent)
    failure = ValueError("no such thing")

    def fail(driver: ExecutorDriver) -> None:
        raise failure

    setup.executor.react["launch_task"] = fail
    setup.connect()
    with caplog.at_level(logging.ERROR, "mesos.executor"):
        agent.send(run_task("one"))
        with pytest.raises(ValueError) as raised:
            setup.driver.join(DEADLINE)
    assert raised.value is failure
    setup.executor.expect("launch_task")
    assert setup.executor.expect("error") == "ValueError: no such thing"
    assert setup.driver.status is Status.ABORTED
    assert "a callback failed" in caplog.text


def test_join_inside_a_callback_is_refused(setup: Setup) -> None:
    answers: queue.Queue[object] = queue.Queue()

    def join(driver: ExecutorDriver) -> None:
        assert isinstance(driver, MesosExecutorDriver)
        answers.put(driver.join(0))
        try:
            driver.join()
        except DriverMisuse as error:
            answers.put(error)

    setup.executor.react["framework_message"] = join
    setup.agent.send(framework_message(b""))
    assert answers.get(timeout=DEADLINE) is False
    assert isinstance(answers.get(timeout=DEADLINE), DriverMisuse)


def test_misuse_raises_and_changes_nothing(setup: Setup) -> None:
    with pytest.raises(DriverMisuse):
        setup.driver.send_status_update(status("one", v1.TASK_STAGING))
    with pytest.raises(DriverMisuse, match=r"a mesos\.v1\.TaskStatus, not TaskInfo"):
        setup.driver.send_status_update(v1.TaskInfo())  # type: ignore[arg-type]
    with pytest.raises(DriverMisuse, match="is bytes, not str"):
        setup.driver.send_framework_message("text")  # type: ignore[arg-type]
    assert setup.driver.start() is Status.RUNNING
    assert setup.driver.status is Status.RUNNING


def test_before_the_start_calls_do_nothing(agent: FakeAgent) -> None:
    driver = Setup(agent).driver
    for call in (driver.stop, driver.abort, driver.join):
        assert call() is Status.NOT_STARTED
    assert driver.send_framework_message(b"x") is Status.NOT_STARTED
    assert driver.send_status_update(status("one", v1.TASK_RUNNING)) is Status.NOT_STARTED


def test_a_wrong_environment_is_refused_at_once() -> None:
    with pytest.raises(AgentEnvironmentError, match="MESOS_SLAVE_PID"):
        MesosExecutorDriver(Executor(), {})


def test_the_driver_is_a_context_manager(agent: FakeAgent) -> None:
    with Setup(agent).driver as driver:
        agent.expect(internal.RegisterExecutorMessage)
        driver.send_framework_message(b"x")
    assert driver.status is Status.STOPPED
    assert agent.expect(internal.ExecutorToFrameworkMessage).data == b"x"
    with pytest.raises(KeyError), Setup(agent).driver as driver:
        raise KeyError
    assert driver.join(DEADLINE) is Status.ABORTED


def test_an_agent_that_comes_back_gets_what_it_missed() -> None:
    with FakeAgent(acknowledges=False) as agent:
        setup = Setup(agent, MESOS_CHECKPOINT="1", MESOS_RECOVERY_TIMEOUT="10mins")
        setup.connect()
        agent.send(run_task("one"))
        setup.executor.expect("launch_task")
        setup.driver.send_status_update(status("one", v1.TASK_RUNNING))
        lost = agent.expect(internal.StatusUpdateMessage).update
        executor = agent.executor
        assert isinstance(executor, UPID)
    setup.executor.expect("disconnected")
    setup.driver.send_status_update(status("one", v1.TASK_FINISHED))
    with FakeAgent(port=agent.upid.port) as again:
        again.reconnect(executor, reconnect())
        message = again.expect(internal.ReregisterExecutorMessage)
        assert message.updates[0] == lost
        assert [update.status.state for update in message.updates] == [v0.TASK_RUNNING, v0.TASK_FINISHED]
        assert [task.task_id.value for task in message.tasks] == ["one"]
        assert setup.executor.expect("reregistered").hostname == "agent.example"
        again.send(run_task("two"))
        assert setup.executor.expect("launch_task").task_id.value == "two"
        setup.driver.abort()
        assert setup.driver.join(DEADLINE) is Status.ABORTED


def test_an_agent_that_stays_away_ends_the_executor() -> None:
    with FakeAgent() as agent:
        setup = Setup(agent, MESOS_CHECKPOINT="1", MESOS_RECOVERY_TIMEOUT="50ms")
        setup.connect()
    setup.executor.expect("disconnected")
    setup.executor.expect("shutdown")
    assert setup.driver.join(DEADLINE) is Status.ABORTED


def test_an_agent_that_is_not_there_ends_the_executor() -> None:
    with FakeAgent() as agent:
        setup = Setup(agent)
    setup.driver.start()
    setup.executor.expect("shutdown")
    assert setup.driver.join(DEADLINE) is Status.ABORTED
