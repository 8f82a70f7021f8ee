"""The v1 driver with agents that send nonsense, too much or nothing at all, and its user's own faults."""

from __future__ import annotations

import queue
import runpy
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from executor_agent import DEADLINE, eventually
from executor_helpers import status
from executor_v1_agent import BAD_STREAMS, HttpAgent, Setup, Stream
from executor_v1_helpers import Call, E, launch, message
from mesos_executor import AgentEnvironmentError, DriverAborted, DriverMisuse, Status
from mesos_executor.v1 import HttpExecutorOptions
from mesos_executor.v1.commands import EventsReceived
from mesos_http import JSON, RequestsTransport, Settings, encode
from mesos_proto.v1 import mesos_pb2 as mesos

RUNNING = mesos.TASK_RUNNING
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


class OneTicket:
    """Makes one Authorization header, and no other."""

    def __init__(self) -> None:
        self._tickets = ["Bearer one"]

    def authorization(self) -> str:
        if not self._tickets:
            raise RuntimeError("no ticket")
        return self._tickets.pop()


def fail(*_: object) -> None:
    raise ZeroDivisionError


def end(setup: Setup) -> None:
    setup.driver.stop()
    assert setup.driver.join(DEADLINE) is Status.STOPPED


@pytest.mark.parametrize("bad", BAD_STREAMS.values(), ids=BAD_STREAMS)
def test_a_bad_stream_is_replaced_and_its_good_events_count(
    agent: HttpAgent, bad: Callable[[Stream], object]
) -> None:
    setup = Setup(agent, environ=QUICK).connect()
    setup.stream.send(launch("one"))
    bad(setup.stream)
    setup.executor.expect("launch_task")
    setup.executor.expect("disconnected")
    stream = agent.next_stream()
    assert [each.task_id.value for each in stream.call.subscribe.unacknowledged_tasks] == ["one"]
    stream.subscribe()
    setup.executor.expect("reregistered")
    end(setup)


def test_an_answer_that_is_no_stream_is_not_believed(agent: HttpAgent) -> None:
    setup = Setup(agent, environ=QUICK)
    setup.driver.start()
    agent.next_stream().refuse(200, b"<html>welcome</html>")
    agent.next_stream().subscribe()
    setup.executor.expect("registered")
    end(setup)


def test_a_subscription_without_an_answer_is_given_up(agent: HttpAgent) -> None:
    setup = Setup(agent, environ=QUICK, options=HttpExecutorOptions(subscribe_timeout=0.2))
    setup.driver.start()
    agent.next_stream()
    agent.next_stream().begin()  # and says nothing
    agent.next_stream().subscribe()
    setup.executor.expect("registered")
    end(setup)


def test_a_call_without_an_answer_is_repeated_by_a_new_subscription(agent: HttpAgent) -> None:
    release = threading.Event()

    def silent(call: Call) -> tuple[int, bytes]:
        release.wait(DEADLINE)
        return 202, b""

    agent.answer = silent
    options = HttpExecutorOptions(flush_timeout=0.2)
    settings = Settings(timeout=0.2, stream_timeout=60.0)
    setup = Setup(agent, environ=QUICK, settings=settings, options=options).connect()
    setup.driver.send_status_update(status("one", RUNNING))
    setup.executor.expect("disconnected")
    stream = agent.next_stream()
    (update,) = stream.call.subscribe.unacknowledged_updates
    assert update.status.task_id.value == "one"
    stream.subscribe()
    setup.executor.expect("reregistered")
    setup.driver.abort()
    release.set()
    assert setup.driver.join(DEADLINE) is Status.ABORTED


def test_stop_ends_an_attempt_under_way(agent: HttpAgent) -> None:
    setup = Setup(agent)
    setup.driver.start()
    agent.next_stream()
    end(setup)


def test_more_than_callbacks_can_take_is_left_with_the_agent(
    agent: HttpAgent,
) -> None:
    setup = Setup(agent, options=HttpExecutorOptions(backlog_limit=4_000_000)).connect()
    release = threading.Event()
    setup.executor.react["framework_message"] = lambda driver: release.wait(DEADLINE)
    sent: queue.Queue[int] = queue.Queue()

    def flood() -> None:
        for number in range(40):
            setup.stream.send(message(bytes([number]) * 1_000_000))
            sent.put(number)

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        assert eventually(lambda: setup.driver._http._backlog.congested)
        assert sent.qsize() < 40, "the agent could not get rid of all"
    finally:
        release.set()
        thread.join(DEADLINE)
    assert [setup.executor.expect("framework_message")[0] for _ in range(40)] == list(range(40))
    end(setup)


def test_who_sends_more_than_can_wait_has_to_wait_himself(
    agent: HttpAgent,
) -> None:
    release = threading.Event()

    def slow(call: Call) -> tuple[int, bytes]:
        release.wait(DEADLINE)
        return 202, b""

    agent.answer = slow
    setup = Setup(agent, options=HttpExecutorOptions(queue_limit=250)).connect()
    sent: queue.Queue[int] = queue.Queue()

    def flood() -> None:
        for number in range(10):
            setup.driver.send_framework_message(bytes([number]) * 100)
            sent.put(number)

    thread = threading.Thread(target=flood)
    thread.start()
    for number in range(3):
        assert sent.get(timeout=DEADLINE) == number
    with pytest.raises(queue.Empty):
        sent.get(timeout=0.2)
    release.set()
    assert [agent.next_call().message.data[0] for _ in range(10)] == list(range(10))
    thread.join(DEADLINE)
    end(setup)


def test_a_transport_or_credentials_that_cannot_be_made_end_the_driver(agent: HttpAgent) -> None:
    class NoAuth:
        def authorization(self) -> str:
            raise RuntimeError("no ticket")

    def no_transport() -> RequestsTransport:
        raise RuntimeError("no transport")

    arguments: dict[str, Any]
    for arguments in ({"auth": NoAuth()}, {"transport": no_transport}):
        setup = Setup(agent, **arguments)
        setup.driver.start()
        with pytest.raises(DriverAborted, match="RuntimeError: no "):
            setup.driver.join(DEADLINE)


@pytest.mark.parametrize("verify", [True, False])
def test_over_tls_with_the_certificates_of_libprocess(tmp_path: Path, verify: bool) -> None:
    pem = tmp_path / "agent.pem"
    helper = Path(__file__).parents[2] / "mesos-http/tests/http_certificate.py"
    pem.write_text(runpy.run_path(str(helper))["PEM"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    environ = {
        "LIBPROCESS_SSL_ENABLED": "1",
        "LIBPROCESS_SSL_KEY_FILE": str(pem),
        "LIBPROCESS_SSL_CERT_FILE": str(pem),
    }
    with HttpAgent(tls=context) as agent:
        if verify:
            stranger = Setup(agent, environ={**environ, "LIBPROCESS_SSL_VERIFY_CERT": "1"})
            stranger.driver.start()
            with pytest.raises(DriverAborted, match="no TLS with the agent"):
                stranger.driver.join(DEADLINE)
            environ.update(LIBPROCESS_SSL_VERIFY_CERT="1", LIBPROCESS_SSL_CA_FILE=str(pem))
        setup = Setup(agent, environ=environ).connect()
        setup.driver.send_status_update(status("one", RUNNING))
        assert agent.next_status().state == RUNNING
        end(setup)


def test_credentials_that_fail_later_end_the_driver(agent: HttpAgent) -> None:
    setup = Setup(agent, auth=OneTicket()).connect()
    setup.driver.send_status_update(status("one", RUNNING))
    with pytest.raises(DriverAborted, match="of task one could not be sent: RuntimeError: no ticket"):
        setup.driver.join(DEADLINE)


def test_a_fault_of_ours_ends_the_driver(agent: HttpAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    setup = Setup(agent).connect()
    monkeypatch.setitem(setup.driver._http.session._handlers, EventsReceived, fail)
    setup.stream.send(launch("one"))
    assert setup.driver.join(DEADLINE) is Status.ABORTED


def test_a_wrong_environment_is_refused_at_once(agent: HttpAgent) -> None:
    for environ, text in [
        ({"MESOS_SUBSCRIPTION_BACKOFF_MAX": "soon"}, "MESOS_SUBSCRIPTION_BACKOFF_MAX is 'soon'"),
        ({"MESOS_DOMAIN_SOCKET": "/" + "x" * 150}, "shorter than 108"),
        ({"MESOS_SLAVE_PID": ""}, "not in the environment: MESOS_SLAVE_PID"),
    ]:
        with pytest.raises(AgentEnvironmentError, match=text):
            Setup(agent, environ=environ)
    with pytest.raises(DriverMisuse, match="must be more than 0"):
        HttpExecutorOptions(flush_timeout=0)


def test_an_unknown_event_in_json_is_left_out(agent: HttpAgent) -> None:
    setup = Setup(agent, codec=JSON).connect()
    setup.stream.write(encode(b'{"type": "SOMETHING_NEW", "something_new": {"a": [1]}}'))
    setup.stream.send(E(type=E.HEARTBEAT), message(b"after"))
    assert setup.executor.expect("framework_message") == b"after"
    end(setup)
