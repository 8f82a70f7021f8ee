"""The shell: addresses, a full queue towards the agent, a full queue before the callbacks."""

from __future__ import annotations

import functools
import signal
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from executor_agent import DEADLINE, FakeAgent, eventually
from executor_helpers import framework_message, kill_task, run_task, status
from mesos_executor import Executor, ExecutorDriver, MesosExecutorDriver, Status, _shell
from mesos_messenger import AddressError, Options
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v1 import mesos_pb2 as v1


@pytest.fixture
def agent() -> Iterator[FakeAgent]:
    with FakeAgent() as agent:
        yield agent


def start(agent: FakeAgent, executor: Executor, **changes: str) -> MesosExecutorDriver:
    driver = MesosExecutorDriver(executor, agent.environ(MESOS_LOCAL="1", **changes))
    driver.start()
    agent.expect(internal.RegisterExecutorMessage)
    return driver


def end(driver: MesosExecutorDriver) -> None:
    driver.stop()
    assert driver.join(DEADLINE) is Status.STOPPED


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


# Addresses.


def test_the_address_is_the_one_that_the_agent_sees(agent: FakeAgent) -> None:
    driver = start(agent, Executor(), LIBPROCESS_IP="")
    assert agent.executor is not None
    assert agent.executor.ip == "127.0.0.1"
    assert agent.executor.id.startswith("executor(")
    end(driver)


def test_a_port_of_libprocess_is_taken(agent: FakeAgent) -> None:
    port = free_port()
    driver = start(agent, Executor(), LIBPROCESS_PORT=str(port))
    assert agent.executor is not None
    assert agent.executor.address == ("127.0.0.1", port)
    end(driver)


def test_a_port_that_is_taken_is_an_error_that_leaves_the_driver_as_it_was(agent: FakeAgent) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        driver = MesosExecutorDriver(Executor(), agent.environ(LIBPROCESS_PORT=str(port)))
        with pytest.raises(AddressError, match=str(port)):
            driver.start()
    assert driver.status is Status.NOT_STARTED
    assert driver.join() is Status.NOT_STARTED


def test_an_advertised_address_is_what_the_agent_is_told(agent: FakeAgent) -> None:
    agent.register = False
    advertised = {"LIBPROCESS_ADVERTISE_IP": "127.0.0.2", "LIBPROCESS_ADVERTISE_PORT": "31999"}
    driver = start(agent, Executor(), **advertised)
    assert agent.executor is not None
    assert agent.executor.address == ("127.0.0.2", 31999)
    driver.abort()
    assert driver.join(DEADLINE) is Status.ABORTED


# The queue towards the agent.


class Killed(Executor):
    def __init__(self) -> None:
        self.killed = threading.Event()

    def kill_task(self, driver: ExecutorDriver, task_id: v1.TaskID) -> None:
        self.killed.set()


def test_an_agent_that_does_not_read_holds_up_senders_alone(
    agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_shell, "Options", functools.partial(Options, queue_limit=1_000_000))
    monkeypatch.setattr(_shell, "CLOSE_TIMEOUT", 0.1)
    executor = Killed()
    driver = start(agent, executor)
    agent.pause()
    sent = threading.Event()

    def send() -> None:
        # More than the queue, the sockets and what the agent reads ahead can hold.
        while driver.send_framework_message(b"x" * 100_000) is Status.RUNNING:
            sent.set()

    sender = threading.Thread(target=send)
    sender.start()
    assert sent.wait(DEADLINE)
    messenger = driver._shell._messenger
    assert messenger is not None
    outbox = messenger.endpoint.outbox(agent.upid.address)
    assert eventually(lambda: outbox.queued > 900_000 and driver._shell._sender == sender.ident)
    agent.send(kill_task("one"))
    assert executor.killed.wait(DEADLINE), "messages of the agent are handled"
    assert driver.abort() is Status.ABORTED
    sender.join(DEADLINE)
    assert not sender.is_alive()
    assert driver.join(DEADLINE) is Status.ABORTED


def test_a_signal_handler_may_stop_the_driver(agent: FakeAgent) -> None:
    driver = start(agent, Executor())

    def handler(number: int, frame: object) -> None:
        driver.send_framework_message(b"from the handler")
        driver.stop()

    def send_and_interrupt(send: Callable[..., None]) -> Callable[..., None]:
        def interrupted(*arguments: object, **options: object) -> None:
            signal.raise_signal(signal.SIGUSR1)
            send(*arguments, **options)

        return interrupted

    messenger = driver._shell._messenger
    assert messenger is not None
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        messenger.send = send_and_interrupt(messenger.send)  # type: ignore[method-assign]
        driver.send_framework_message(b"interrupted")
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert driver.join(DEADLINE) is Status.STOPPED


# The queue before the callbacks.


class Blocked(Executor):
    """Blocks in its first callback until released, and counts messages."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.got: list[bytes] = []

    def launch_task(self, driver: ExecutorDriver, task: v1.TaskInfo) -> None:
        self.release.wait(DEADLINE)

    def framework_message(self, driver: ExecutorDriver, data: bytes) -> None:
        self.got.append(data[:4])


def test_a_full_queue_stops_reading_and_loses_nothing(
    agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_shell, "BACKLOG_LIMIT", 1_000_000)
    executor = Blocked()
    driver = start(agent, executor)
    agent.send(run_task("one"))
    names = [number.to_bytes(4, "big") for number in range(300)]
    for name in names:
        agent.send(framework_message(name + b"x" * 100_000))
    shell = driver._shell
    assert eventually(lambda: shell._paused is not None)
    # 30 MB are on their way; what was read ahead comes on top of the limit, nothing else.
    agent.let_send(0.3)
    assert shell._backlog < 3_000_000
    executor.release.set()
    assert eventually(lambda: executor.got == names)
    assert shell._paused is None
    assert shell._backlog == 0
    end(driver)


def test_an_end_with_a_full_queue_still_hears_acknowledgements(
    agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_shell, "BACKLOG_LIMIT", 1000)
    executor = Blocked()
    driver = start(agent, executor)
    agent.send(run_task("one"))
    agent.send(framework_message(b"x" * 10_000))
    assert eventually(lambda: driver._shell._paused is not None)
    driver.send_status_update(status("one", v1.TASK_FINISHED))
    driver.stop()
    assert driver._shell._session is not None
    session = driver._shell._session
    assert eventually(lambda: not session.updates)
    executor.release.set()
    assert driver.join(DEADLINE) is Status.STOPPED
    assert executor.got == []
