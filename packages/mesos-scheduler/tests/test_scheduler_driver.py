"""The driver on real sockets: threads, order, acknowledgements, ends, and what is left after them."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from mesos_messenger import Messenger
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v1 import mesos_pb2 as v1
from mesos_scheduler import (
    DriverAborted,
    DriverMisuse,
    FileFrameworkIdStore,
    MesosSchedulerDriver,
    SchedulerDriver,
    SessionOptions,
    Status,
)
from scheduler_fake_master import Call, FakeMaster, Recorder, make_driver, updates, wait_for
from scheduler_helpers import FRAMEWORK_ID, framework, task


@pytest.fixture
def master() -> Iterator[FakeMaster]:
    fake = FakeMaster()
    yield fake
    fake.stop()


def file_descriptors() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


def test_updates_are_acknowledged_in_order(master: FakeMaster) -> None:
    scheduler = Recorder()
    with make_driver(scheduler, master.address) as driver:
        wait_for(lambda: "registered" in scheduler.names)
        assert driver.status is Status.RUNNING
        assert driver.framework_id == v1.FrameworkID(value=FRAMEWORK_ID)
        names = [f"t{number}" for number in range(500)]
        master.send(*updates(*names))
        wait_for(lambda: len(master.acknowledged()) == 500)
        assert scheduler.tasks == names == master.acknowledged()
        assert scheduler.thread is not None and scheduler.thread.name == "mesos-scheduler-callbacks"
    assert driver.status is Status.STOPPED
    assert master.of_type(Call.TEARDOWN)


def test_acknowledgements_due_do_not_wait_for_a_blocked_callback(master: FakeMaster) -> None:
    scheduler = Recorder()
    release = threading.Event()

    def block(driver: SchedulerDriver, status: v1.TaskStatus) -> None:
        if status.task_id.value == "t5":
            assert release.wait(20)

    scheduler.on_update = block
    driver = make_driver(scheduler, master.address)
    driver.start()
    wait_for(lambda: "registered" in scheduler.names)
    master.send(*updates(*[f"t{number}" for number in range(10)]))
    wait_for(lambda: master.acknowledged() == ["t0", "t1", "t2", "t3", "t4"])
    # A call from another thread goes out too.
    driver.revive_offers()
    wait_for(lambda: master.of_type(Call.REVIVE))
    # And so does the end, without the callback's return.
    assert driver.abort() is Status.ABORTED
    wait_for(lambda: master.has(internal.DeactivateFrameworkMessage))
    assert driver.join(0.05) is False
    release.set()
    assert driver.join(20) is Status.ABORTED
    assert scheduler.tasks == [f"t{number}" for number in range(6)]
    assert len(master.acknowledged()) == 5


def test_link_loss_is_noticed_while_a_callback_blocks() -> None:
    first = FakeMaster()
    scheduler = Recorder()
    release = threading.Event()

    def block(driver: SchedulerDriver, status: v1.TaskStatus) -> None:
        assert release.wait(20)

    scheduler.on_update = block
    options = SessionOptions(registration_backoff_factor=0.1)
    driver = make_driver(scheduler, first.address, options=options)
    driver.start()
    wait_for(lambda: first.scheduler)
    first.send(*updates("t"))
    wait_for(lambda: scheduler.tasks)
    first.stop()
    second = FakeMaster(first.port)
    try:
        wait_for(second.registrations)
        assert scheduler.names == ["registered", "status_update"]
        release.set()
        wait_for(lambda: scheduler.names[-2:] == ["disconnected", "registered"])
        driver.stop()
        assert driver.join(20) is Status.STOPPED
    finally:
        release.set()
        second.stop()


def test_an_exception_in_a_callback(master: FakeMaster, caplog: pytest.LogCaptureFixture) -> None:
    scheduler = Recorder()

    def fail(driver: SchedulerDriver, status: v1.TaskStatus) -> None:
        if status.task_id.value == "t1":
            raise ValueError("bad day")

    scheduler.on_update = fail
    driver = make_driver(scheduler, master.address)
    driver.start()
    wait_for(lambda: "registered" in scheduler.names)
    master.send(*updates("t0", "t1", "t2"))
    with pytest.raises(ValueError, match="bad day"):
        driver.join(20)
    assert driver.status is Status.ABORTED
    assert scheduler.names == ["registered", "status_update", "status_update", "error"]
    assert scheduler.errors == ["ValueError: bad day"]
    assert master.has(internal.DeactivateFrameworkMessage)
    assert master.acknowledged() == ["t0"]
    assert "a callback failed" in caplog.text


def test_what_the_master_says_at_the_end_is_raised(master: FakeMaster) -> None:
    scheduler = Recorder()
    driver = make_driver(scheduler, master.address)
    driver.start()
    wait_for(lambda: "registered" in scheduler.names)
    master.send(internal.FrameworkErrorMessage(message="Framework failed over"))
    with pytest.raises(DriverAborted, match="Framework failed over"):
        driver.join(20)
    assert scheduler.names == ["registered", "error"]
    assert driver.status is Status.ABORTED
    assert driver.stop() is Status.ABORTED
    assert driver.status is Status.STOPPED


def test_a_fault_of_the_drivers_own_is_no_secret(
    master: FakeMaster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    scheduler = Recorder()
    driver = make_driver(scheduler, master.address)
    driver.start()
    wait_for(lambda: "registered" in scheduler.names)

    def fail(messages: object, now: float) -> None:
        raise RuntimeError("no idea")

    monkeypatch.setattr(driver._session._inbound, "receive", fail)
    master.send(*updates("t"))
    with pytest.raises(DriverAborted, match="RuntimeError: no idea"):
        driver.join(20)
    assert scheduler.errors == ["the driver failed: RuntimeError: no idea"]
    assert "the driver fails" in caplog.text


def test_stop_in_a_callback_ends_everything(master: FakeMaster) -> None:
    before_threads, before_files = threading.active_count(), file_descriptors()
    scheduler = Recorder()
    statuses: list[object] = []

    def stop(driver: SchedulerDriver, status: v1.TaskStatus) -> None:
        statuses.append(driver.stop())

    scheduler.on_update = stop
    driver = make_driver(scheduler, master.address)
    driver.start()
    wait_for(lambda: "registered" in scheduler.names)
    master.send(*updates("t0", "t1"))
    assert driver.join(20) is Status.STOPPED
    assert statuses == [Status.STOPPED]
    assert scheduler.tasks == ["t0"]
    wait_for(lambda: master.of_type(Call.TEARDOWN))
    assert master.acknowledged() == []
    wait_for(lambda: master.exits)
    gc.collect()
    wait_for(lambda: threading.active_count() <= before_threads, "the end of every thread")
    # One more connection of the master's own may linger.
    wait_for(lambda: file_descriptors() <= before_files + 2, "the end of every socket")


def test_stop_for_failover_leaves_the_framework(master: FakeMaster) -> None:
    scheduler = Recorder()
    driver = make_driver(scheduler, master.address)
    driver.start()
    wait_for(lambda: "registered" in scheduler.names)
    driver.stop(failover=True)
    assert driver.join(20) is Status.STOPPED
    wait_for(lambda: master.exits)
    assert not master.of_type(Call.TEARDOWN)


def test_stop_in_the_error_callback_after_an_abort(master: FakeMaster) -> None:
    class Stopper(Recorder):
        def error(self, driver: SchedulerDriver, message: str) -> None:
            super().error(driver, message)
            driver.stop()

    scheduler = Stopper()
    driver = make_driver(scheduler, master.address)
    driver.start()
    wait_for(lambda: "registered" in scheduler.names)
    master.send(internal.FrameworkErrorMessage(message="no"))
    with pytest.raises(DriverAborted):
        driver.join(20)
    wait_for(lambda: master.of_type(Call.TEARDOWN))
    assert driver.status is Status.STOPPED


def test_calls_come_out_in_order_from_any_thread(master: FakeMaster) -> None:
    scheduler = Recorder()
    with make_driver(scheduler, master.address) as driver:
        wait_for(lambda: "registered" in scheduler.names)

        def kill(prefix: str) -> None:
            for number in range(200):
                driver.kill_task(v1.TaskID(value=f"{prefix}{number}"))

        threads = [threading.Thread(target=kill, args=(prefix,)) for prefix in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_for(lambda: len(master.of_type(Call.KILL)) == 600)
        killed = [call.kill.task_id.value for call in master.of_type(Call.KILL)]
        for prefix in "abc":
            own = [name for name in killed if name.startswith(prefix)]
            assert own == [f"{prefix}{number}" for number in range(200)]


def test_a_full_queue_keeps_the_master_waiting(master: FakeMaster) -> None:
    scheduler = Recorder()
    release = threading.Event()

    def block(driver: SchedulerDriver, status: v1.TaskStatus) -> None:
        assert release.wait(20)

    scheduler.on_update = block
    with make_driver(scheduler, master.address, queue_limit=20_000) as driver:
        wait_for(lambda: "registered" in scheduler.names)
        data = "x" * 1000
        names = [f"{data}{number}" for number in range(5000)]
        for name in names:
            master.send(*updates(name))
        # What was read when the limit was passed is at most what one read can bring.
        shell = driver._shell
        wait_for(lambda: shell._congested)
        assert shell._pending_size < 2_000_000
        release.set()
        wait_for(lambda: len(scheduler.tasks) == 5000)
        assert scheduler.tasks == names
        wait_for(lambda: not shell._congested)
        wait_for(lambda: len(master.acknowledged()) == 5000)


def test_a_full_queue_keeps_agents_waiting_too(master: FakeMaster) -> None:
    scheduler = Recorder()
    release = threading.Event()

    def block(driver: SchedulerDriver, status: v1.TaskStatus) -> None:
        assert release.wait(20)

    scheduler.on_update = block
    message = internal.ExecutorToFrameworkMessage(data=b"x" * 10_000)
    message.slave_id.value, message.framework_id.value, message.executor_id.value = "S1", FRAMEWORK_ID, "E"
    with Messenger("slave(1)", bind="127.0.0.1:0") as agent:
        with make_driver(scheduler, master.address, queue_limit=50_000) as driver:
            wait_for(lambda: "registered" in scheduler.names)
            master.send(*updates("t"))
            wait_for(lambda: scheduler.tasks)
            assert master.scheduler is not None
            for _ in range(2000):
                agent.send(master.scheduler, message)
            shell = driver._shell
            wait_for(lambda: agent.upid in shell._paused)
            assert shell._pending_size < 10_000_000
            release.set()
            wait_for(lambda: scheduler.names.count("framework_message") == 2000)
            wait_for(lambda: not shell._paused)


def test_explicit_acknowledgements(master: FakeMaster) -> None:
    scheduler = Recorder()

    def acknowledge(driver: SchedulerDriver, status: v1.TaskStatus) -> None:
        if status.task_id.value == "t1":
            driver.acknowledge_status_update(status)

    scheduler.on_update = acknowledge
    with make_driver(scheduler, master.address, implicit_acknowledgements=False):
        wait_for(lambda: "registered" in scheduler.names)
        master.send(*updates("t0", "t1", "t2"))
        wait_for(lambda: master.acknowledged() == ["t1"])


def test_misuse(master: FakeMaster) -> None:
    scheduler = Recorder()
    with pytest.raises(DriverMisuse, match="needs a name"):
        MesosSchedulerDriver(scheduler, v1.FrameworkInfo(), master.address)
    nonsense = make_driver(scheduler, "no such thing")
    with pytest.raises(DriverMisuse, match="is no master"):
        nonsense.start()
    assert nonsense.status is Status.ABORTED
    assert nonsense.join(1) is Status.ABORTED
    driver = make_driver(scheduler, master.address)
    assert driver.join() is Status.NOT_STARTED
    assert driver.stop() is Status.NOT_STARTED
    assert driver.abort() is Status.NOT_STARTED
    assert driver.kill_task(v1.TaskID(value="t")) is Status.NOT_STARTED
    with pytest.raises(DriverMisuse, match=r"launch\.task_infos\[0\]\.task_id"):
        driver.launch_tasks(v1.OfferID(value="o"), [v1.TaskInfo(name="nameless")])
    with pytest.raises(DriverMisuse, match="task id of each"):
        driver.reconcile_tasks([v1.TaskStatus()])
    with pytest.raises(DriverMisuse, match="task id"):
        driver.kill_task(v1.TaskID())
    with pytest.raises(DriverMisuse, match="acknowledged by the driver"):
        driver.acknowledge_status_update(v1.TaskStatus())


def test_join_inside_a_callback_is_misuse(master: FakeMaster) -> None:
    scheduler = Recorder()

    def join(driver: SchedulerDriver, status: v1.TaskStatus) -> None:
        assert isinstance(driver, type(outer))
        assert driver.join(1) is False
        driver.join()

    scheduler.on_update = join
    outer = make_driver(scheduler, master.address)
    outer.start()
    wait_for(lambda: "registered" in scheduler.names)
    master.send(*updates("t"))
    with pytest.raises(DriverMisuse, match="wait for itself"):
        outer.join(20)


def test_an_exception_under_with_leaves_the_framework(master: FakeMaster) -> None:
    scheduler = Recorder()
    with pytest.raises(KeyError):
        with make_driver(scheduler, master.address) as driver:
            wait_for(lambda: "registered" in scheduler.names)
            raise KeyError
    assert driver.join(20) is Status.STOPPED
    assert not master.of_type(Call.TEARDOWN)


def test_an_abort_under_with_leaves_the_framework(master: FakeMaster) -> None:
    scheduler = Recorder()
    with make_driver(scheduler, master.address) as driver:
        wait_for(lambda: "registered" in scheduler.names)
        driver.abort()
    assert driver.status is Status.ABORTED
    assert master.has(internal.DeactivateFrameworkMessage) and not master.of_type(Call.TEARDOWN)


def test_launching_before_registration_loses_the_task() -> None:
    master = FakeMaster()
    master.answer = False
    scheduler = Recorder()
    try:
        with make_driver(scheduler, master.address) as driver:
            driver.launch_tasks(v1.OfferID(value="O"), [task("t1")])
            wait_for(lambda: scheduler.tasks == ["t1"])
    finally:
        master.stop()


def test_a_stored_id_takes_over(master: FakeMaster, tmp_path: Path) -> None:
    store = FileFrameworkIdStore(tmp_path / "id")
    scheduler = Recorder()
    first = make_driver(scheduler, master.address, framework_id_store=store)
    first.start()
    wait_for(lambda: "registered" in scheduler.names)
    assert store.load() == FRAMEWORK_ID
    first.stop(failover=True)
    first.join(20)

    master.calls.clear()
    master.others.clear()
    successor = Recorder()
    second = make_driver(successor, master.address, framework_id_store=store)
    second.start()
    wait_for(lambda: "registered" in successor.names)
    again = [other for other in master.others if isinstance(other, internal.ReregisterFrameworkMessage)]
    assert [message.failover for message in again] == [True]
    wait_for(lambda: master.of_type(Call.RECONCILE))
    second.stop()
    second.join(20)
    assert store.load() is None


def test_an_id_of_a_removed_framework_is_forgotten(master: FakeMaster, tmp_path: Path) -> None:
    store = FileFrameworkIdStore(tmp_path / "id")
    store.save(FRAMEWORK_ID)
    driver = make_driver(Recorder(), master.address, framework_id_store=store)
    driver.start()
    wait_for(lambda: master.scheduler)
    master.send(internal.FrameworkErrorMessage(message="Framework has been removed"))
    with pytest.raises(DriverAborted, match="removed"):
        driver.join(20)
    assert store.load() is None


def test_an_id_given_is_not_overridden_by_the_store(tmp_path: Path) -> None:
    store = FileFrameworkIdStore(tmp_path / "id")
    store.save("stored")
    given = framework(id=v1.FrameworkID(value="given"))
    driver = MesosSchedulerDriver(Recorder(), given, "127.0.0.1:1", framework_id_store=store)
    assert driver.framework_id == v1.FrameworkID(value="given")
