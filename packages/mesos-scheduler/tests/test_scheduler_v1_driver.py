"""The v1 driver over real sockets: faults of the master and of the network, callbacks, and its end."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mesos_http import JSON, PROTOBUF, Settings
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import (
    DriverAborted,
    DriverMisuse,
    FileFrameworkIdStore,
    Scheduler,
    Status,
)
from mesos_scheduler.v1 import HttpOptions, HttpSchedulerDriver
from scheduler_v1_faults import FAULTS
from scheduler_v1_helpers import FRAMEWORK_ID, Call, Event, accept, error, framework, update
from scheduler_v1_master import WAIT, FakeMaster

QUICK = HttpOptions(connection_delay=0.0, backoff=0.01, backoff_max=0.05)


class Recorder(Scheduler):
    """Puts what it is told into a queue."""

    def __init__(self) -> None:
        self.told: queue.Queue[tuple[str, Any]] = queue.Queue()

    def registered(self, driver, framework_id, master_info):
        self.told.put(("registered", framework_id.value))

    def reregistered(self, driver, master_info):
        self.told.put(("reregistered", master_info.id))

    def disconnected(self, driver):
        self.told.put(("disconnected", None))

    def status_update(self, driver, status):
        self.told.put(("update", status))

    def operation_status_update(self, driver, status):
        self.told.put(("operation", status))

    def heartbeat(self, driver):
        self.told.put(("heartbeat", None))

    def error(self, driver, message):
        self.told.put(("error", message))

    def wait(self, what: str) -> Any:
        """Return what it was told, which must be next."""
        name, value = self.told.get(timeout=WAIT)
        assert name == what, (name, value)
        return value


@pytest.fixture
def master() -> Iterator[FakeMaster]:
    before = set(threading.enumerate())
    with FakeMaster() as master:
        yield master
    leaked = [thread for thread in threading.enumerate() if thread not in before]
    for thread in leaked:
        thread.join(WAIT)
    assert [thread for thread in leaked if thread.is_alive()] == []


def driver_of(recorder: Scheduler, master: FakeMaster, **arguments: Any) -> HttpSchedulerDriver:
    return HttpSchedulerDriver(
        recorder, arguments.pop("info", None) or framework(), master.url, **{"options": QUICK, **arguments}
    )


@pytest.mark.parametrize("codec", [PROTOBUF, JSON])
def test_a_subscription_an_acknowledgement_and_the_end(master, codec):
    recorder = Recorder()
    driver = driver_of(recorder, master, codec=codec)
    assert driver.start() is Status.RUNNING
    stream = master.next_stream().subscribe()
    assert recorder.wait("registered") == FRAMEWORK_ID
    assert driver.framework_id.value == FRAMEWORK_ID
    feedback = Event(type=Event.UPDATE_OPERATION_STATUS)
    feedback.update_operation_status.status.CopyFrom(
        mesos.OperationStatus(
            state=mesos.OPERATION_FINISHED,
            operation_id=mesos.OperationID(value="X"),
            uuid=mesos.UUID(value=b"v"),
        )
    )
    stream.send(Event(type=Event.HEARTBEAT), update(), feedback)
    recorder.wait("heartbeat")
    recorder.wait("update")
    recorder.wait("operation")
    sent = {call.type: call for call in (master.next_call(), master.next_call())}
    assert sent[Call.ACKNOWLEDGE].acknowledge.uuid == b"u"
    assert sent[Call.ACKNOWLEDGE_OPERATION_STATUS].acknowledge_operation_status.uuid == b"v"
    assert driver.stop() is Status.STOPPED
    assert master.next_call().type == Call.TEARDOWN
    assert driver.join(WAIT) is Status.STOPPED


def test_every_call_reaches_the_master_in_order(master):
    recorder = Recorder()
    with driver_of(recorder, master) as driver:
        master.next_stream().subscribe()
        recorder.wait("registered")
        agent, executor = mesos.AgentID(value="A"), mesos.ExecutorID(value="E")
        offer = mesos.OfferID(value="O")
        driver.accept_offers([offer], accept("t").operations)
        driver.decline_offer(offer)
        driver.accept_inverse_offers([offer])
        driver.decline_inverse_offers([offer])
        driver.suppress_offers(["*"])
        driver.revive_offers()
        driver.request_resources([mesos.Request()])
        driver.kill_task(mesos.TaskID(value="t"), agent)
        driver.shutdown_executor(executor, agent)
        driver.send_framework_message(executor, agent, b"d")
        driver.reconcile_tasks([mesos.TaskStatus(task_id=mesos.TaskID(value="t"), state=mesos.TASK_RUNNING)])
        driver.reconcile_operations()
        driver.update_framework(framework(id=driver.framework_id))
        names = [Call.Type.Name(master.next_call().type) for _ in range(13)]
        with pytest.raises(DriverMisuse):
            driver.acknowledge_operation_status(mesos.OperationStatus(state=mesos.OPERATION_FINISHED))
    assert names == [
        *("ACCEPT", "DECLINE", "ACCEPT_INVERSE_OFFERS", "DECLINE_INVERSE_OFFERS", "SUPPRESS", "REVIVE"),
        *("REQUEST", "KILL", "SHUTDOWN", "MESSAGE", "RECONCILE", "RECONCILE_OPERATIONS", "UPDATE_FRAMEWORK"),
    ]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_stream_is_followed_by_another(master, fault):
    recorder = Recorder()
    with driver_of(recorder, master):
        FAULTS[fault](master.next_stream().subscribe())
        recorder.wait("registered")
        recorder.wait("disconnected")
        again = master.next_stream()
        assert again.call.framework_id.value == FRAMEWORK_ID
        assert "Mesos-Stream-Id" not in again.headers
        again.subscribe()
        assert recorder.wait("reregistered") == "m"


@pytest.mark.parametrize("status", [404, 500, 503])
def test_refusals_of_a_master_that_starts_are_waited_out(master, status):
    recorder = Recorder()
    with driver_of(recorder, master):
        for _ in range(3):
            master.next_stream().refuse(status, b"not yet")
        master.next_stream().subscribe()
        recorder.wait("registered")


def test_a_loop_of_redirects_is_waited_out(master):
    recorder = Recorder()
    settings = Settings(max_redirects=2, redirect_pause=0)
    with driver_of(recorder, master, settings=settings):
        for _ in range(3):
            master.next_stream().refuse(307, Location=master.url)
        master.next_stream().subscribe()
        recorder.wait("registered")


def test_a_redirect_leads_to_the_leader(master):
    recorder = Recorder()
    with FakeMaster() as leader, driver_of(recorder, master) as driver:
        address = leader.url.partition(":")[2].partition("/api")[0]
        master.next_stream().refuse(307, Location=address)
        leader.next_stream().subscribe()
        recorder.wait("registered")
        driver.revive_offers()
        assert leader.next_call().type == Call.REVIVE
        assert master.calls.empty()


@pytest.mark.parametrize(("status", "words"), [(400, "bad"), (401, "credentials"), (415, "codec")])
def test_other_refusals_end_the_driver(master, status, words):
    recorder = Recorder()
    driver = driver_of(recorder, master)
    driver.start()
    master.next_stream().refuse(status, b"bad")
    with pytest.raises(DriverAborted, match=f"HTTP {status}.*{words}"):
        driver.join(WAIT)
    assert f"HTTP {status}" in recorder.wait("error")
    assert driver.status is Status.ABORTED


def test_missed_heartbeats_with_the_socket_open(master):
    recorder = Recorder()
    with driver_of(recorder, master):
        master.next_stream().subscribe(interval=0.05)
        recorder.wait("registered")
        recorder.wait("disconnected")
        master.next_stream().subscribe()
        recorder.wait("reregistered")


def test_a_master_that_answers_nothing(master):
    recorder = Recorder()
    options = HttpOptions(connection_delay=0.0, backoff=0.01, subscribe_timeout=2.0)
    with driver_of(recorder, master, options=options):
        master.next_stream()
        master.next_stream().subscribe()
        recorder.wait("registered")


def test_a_stale_stream_id_leads_to_another_stream(master):
    recorder = Recorder()
    with driver_of(recorder, master) as driver:
        master.next_stream().subscribe()
        recorder.wait("registered")
        master.answer = lambda call: (400, b"The stream ID 'x' included in this request didn't match")
        driver.revive_offers()
        recorder.wait("disconnected")
        master.answer = lambda call: (202, b"")
        master.next_stream().subscribe()
        recorder.wait("reregistered")


def test_tasks_of_a_refused_call_are_reported(master):
    recorder = Recorder()
    with driver_of(recorder, master) as driver:
        master.next_stream().subscribe()
        recorder.wait("registered")
        master.answer = lambda call: (400, b"Failed to validate") if call.type == Call.ACCEPT else (202, b"")
        driver.accept_offers([mesos.OfferID(value="O")], accept("t").operations)
        status = recorder.wait("update")
        assert (status.task_id.value, status.state) == ("t", mesos.TASK_LOST)
        assert "Failed to validate" in status.message


def test_an_error_of_the_master_ends_the_driver(master):
    recorder = Recorder()
    driver = driver_of(recorder, master)
    driver.start()
    stream = master.next_stream().subscribe()
    recorder.wait("registered")
    stream.send(error("Framework failed over"))
    with pytest.raises(DriverAborted, match="Framework failed over"):
        driver.join(WAIT)
    assert recorder.wait("error") == "Framework failed over"


def test_an_exception_in_a_callback_ends_the_driver(master):
    class Broken(Recorder):
        def registered(self, driver, framework_id, master_info):
            raise RuntimeError("mine")

    recorder = Broken()
    driver = driver_of(recorder, master)
    driver.start()
    master.next_stream().subscribe()
    assert "mine" in recorder.wait("error")
    with pytest.raises(RuntimeError, match="mine"):
        driver.join(WAIT)
    assert master.calls.empty()


def test_an_authorization_that_cannot_be_made_ends_the_driver(master):
    class Broken:
        def authorization(self):
            raise RuntimeError("no token")

    driver = driver_of(Recorder(), master, auth=Broken())
    driver.start()
    with pytest.raises(DriverAborted, match="no token"):
        driver.join(WAIT)


def test_the_id_is_kept_for_another_instance(master, tmp_path: Path):
    store = FileFrameworkIdStore(tmp_path / "id")
    for failover in (True, False):
        recorder = Recorder()
        driver = driver_of(recorder, master, framework_id_store=store)
        driver.start()
        stream = master.next_stream()
        assert stream.call.framework_id.value == ("" if failover else FRAMEWORK_ID)
        stream.subscribe()
        recorder.wait("registered")
        driver.stop(failover=failover)
        driver.join(WAIT)
        assert store.load() == (FRAMEWORK_ID if failover else None)


def test_callbacks_that_lag_stop_the_reading(master):
    held = threading.Event()

    class Slow(Recorder):
        def status_update(self, driver, status):
            held.wait(WAIT)
            super().status_update(driver, status)

    recorder = Slow()
    with driver_of(recorder, master, queue_limit=50) as driver:
        stream = master.next_stream().subscribe(interval=0.4)
        recorder.wait("registered")
        for number in range(20):
            stream.send(update(f"t{number}"))
        # Heartbeats are not missed while nobody reads: the stream stays the first one.
        with pytest.raises(queue.Empty):
            master.streams.get(timeout=2.5)
        held.set()
        for number in range(20):
            assert recorder.wait("update").task_id.value == f"t{number}"
        driver.stop()


def test_stopping_while_the_master_hangs_does_not_hang(master):
    driver = driver_of(Recorder(), master)
    driver.start()
    master.next_stream()
    driver.stop()
    assert driver.join(WAIT) is Status.STOPPED


@pytest.mark.parametrize("wrong", ["", "zk://", "ftp://h/", "http://u:secret@h/api", "host:port:5"])
def test_masters_that_cannot_be_meant(wrong):
    driver = HttpSchedulerDriver(Recorder(), framework(), wrong)
    with pytest.raises(DriverMisuse) as caught:
        driver.start()
    assert "secret" not in str(caught.value)
    assert driver.status is Status.ABORTED
