"""The state of the connection, its changes, and silence."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import DriverMisuse, Scheduler, events
from mesos_scheduler._dispatch import handlers
from mesos_scheduler.extras.handlers import chain
from mesos_scheduler.extras.notify import Connection, Connectivity, SilenceWatch, State
from scheduler_extras_helpers import Clock, KeptCalls

FRAMEWORK = mesos.FrameworkID(value="F")
MASTER, OTHER = mesos.MasterInfo(id="m1"), mesos.MasterInfo(id="m2")
REGISTERED = events.Registered(FRAMEWORK, MASTER)


def deliver(connection, *items, scheduler=None):
    table = handlers(chain(connection)(scheduler or Scheduler()), KeptCalls())
    for item in items:
        table[type(item)](item)


def test_states():
    connection = Connection()
    seen = []
    connection.on_change(seen.append)
    assert connection.now == Connectivity(State.WAITING) and not connection.connected
    deliver(
        connection,
        REGISTERED,
        events.Heartbeat(),
        events.Disconnected(),
        events.Reregistered(MASTER),
        events.Registered(FRAMEWORK, OTHER),
        events.Error("removed"),
    )
    assert seen == [
        Connectivity(State.CONNECTED, FRAMEWORK, MASTER),
        Connectivity(State.DISCONNECTED, FRAMEWORK, MASTER),
        Connectivity(State.CONNECTED, FRAMEWORK, MASTER),
        Connectivity(State.CONNECTED, FRAMEWORK, OTHER),
        Connectivity(State.FAILED, FRAMEWORK, OTHER, "removed"),
    ]
    assert connection.now is seen[-1] and not connection.connected


def test_a_callback_finds_the_state_changed():
    connection = Connection()
    found = []

    class Asking(Scheduler):
        def registered(self, driver, framework_id, master_info):
            found.append(connection.connected)

    deliver(connection, REGISTERED, scheduler=Asking())
    assert found == [True]


def test_a_driver_that_was_stopped_is_not_connected():
    connection, driver = Connection(), KeptCalls()
    table = handlers(chain(connection)(Scheduler()), driver)
    table[events.Registered](REGISTERED)
    assert connection.connected
    driver.stop()
    assert not connection.connected and connection.now.state is State.CONNECTED


def test_a_listener_that_is_removed_hears_nothing():
    connection = Connection()
    seen = []
    remove = connection.on_change(seen.append)
    connection.on_change(lambda connectivity: remove())
    deliver(connection, REGISTERED, events.Disconnected())
    assert len(seen) == 1
    remove()


def test_silence_and_heartbeats():
    clock = Clock()
    connection = Connection(heartbeat=10, clock=clock)
    assert connection.silence == float("inf") and connection.missed_heartbeats == 0
    deliver(connection, REGISTERED)
    clock.move(29)
    assert connection.silence == 29 and connection.missed_heartbeats == 2
    deliver(connection, events.Heartbeat())
    assert connection.silence == 0 and connection.missed_heartbeats == 0


def test_waiting_for_a_master():
    connection = Connection()
    assert not connection.wait_until_connected(0)
    waiting = threading.Thread(target=deliver, args=(connection, REGISTERED))
    waiting.start()
    assert connection.wait_until_connected(30)
    waiting.join()
    assert connection.wait_until_connected(0)


def test_nobody_waits_for_a_driver_that_failed():
    connection = Connection()
    deliver(connection, events.Error("refused"))
    began = time.monotonic()
    assert not connection.wait_until_connected(60)
    assert time.monotonic() - began < 30
    assert connection.now.error == "refused"


def test_waiting_under_asyncio():
    connection = Connection()

    async def main():
        assert not await connection.connect(0.01)
        waiting = asyncio.create_task(connection.connect(30))
        await asyncio.sleep(0)
        deliver(connection, events.Disconnected(), REGISTERED)
        assert await waiting
        assert await connection.connect(0)

    asyncio.run(main())
    assert connection._listeners == []


def test_silence_is_told_once_and_again_after_another_event():
    connection = Connection()
    told = threading.Event()
    count = []

    def silent():
        count.append(connection.silence)
        told.set()

    with SilenceWatch(connection, 0.05, silent):
        assert told.wait(30)
        told.clear()
        deliver(connection, events.Heartbeat())
        assert told.wait(30)
    assert len(count) == 2 and count[0] == float("inf") and 0.05 <= count[1] < float("inf")


def test_a_watch_outlives_what_it_tells_and_may_be_closed_by_it(caplog):
    connection = Connection()
    closed = threading.Event()

    def silent():
        watch.close()
        closed.set()
        raise ValueError("broken")

    watch = SilenceWatch(connection, 0.05, silent)
    assert closed.wait(30)
    watch.close()
    assert not watch._thread.is_alive() and "broken" in caplog.text


def test_a_watch_that_cannot_be_meant():
    with pytest.raises(DriverMisuse, match="some seconds"):
        SilenceWatch(Connection(), 0, print)
