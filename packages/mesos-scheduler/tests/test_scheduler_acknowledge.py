"""Acknowledgements sent by middleware."""

from __future__ import annotations

import asyncio

import pytest
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import DriverMisuse, Scheduler, commands, events
from mesos_scheduler._dispatch import handlers
from mesos_scheduler.extras.acknowledge import Moment, acknowledge
from mesos_scheduler.extras.handlers import chain, when
from mesos_scheduler.v1 import commands as v1_commands
from scheduler_extras_helpers import KeptCalls, status


class ExplicitDriver(KeptCalls):
    """A driver that acknowledges nothing by itself."""

    def __init__(self) -> None:
        super().__init__(implicit_acknowledgements=False)

    def acknowledge_operation_status(self, status):
        return self._do(v1_commands.AcknowledgeOperationStatus(status))


class Failing(Scheduler):
    """Notes what had been acknowledged when its callback began, and raises when told to."""

    def __init__(self, driver, error=None):
        self.driver = driver
        self.error_to_raise = error
        self.before = None

    def status_update(self, driver, status):
        self.before = len(self.driver.sent)
        if self.error_to_raise is not None:
            raise self.error_to_raise

    operation_status_update = status_update


def update(uuid: bytes = b"u" * 16) -> events.StatusUpdate:
    made = status(uuid=uuid)
    return events.StatusUpdate(made, events.Acknowledgement.of(made) if uuid else None)


def operation(wanted: bool = True) -> events.OperationStatusUpdate:
    made = mesos.OperationStatus(state=mesos.OPERATION_FINISHED)
    made.operation_id.value = "op"
    made.uuid.value = b"v" * 16
    return events.OperationStatusUpdate(made, wanted)


CASES = [
    (Moment.BEFORE, None, 1, 1),
    (Moment.BEFORE, KeyError("x"), 1, 1),
    (Moment.AFTER, None, 0, 1),
    (Moment.AFTER, KeyError("x"), 0, 0),
    (Moment.ALWAYS, None, 0, 1),
    (Moment.ALWAYS, KeyError("x"), 0, 1),
]


@pytest.mark.parametrize("event", [update(), operation()], ids=["task", "operation"])
@pytest.mark.parametrize(("moment", "error", "before", "after"), CASES)
def test_when_an_update_is_acknowledged(moment, error, before, after, event):
    driver = ExplicitDriver()
    scheduler = Failing(driver, error)
    table = handlers(chain(acknowledge(moment))(scheduler), driver)
    if error is None:
        table[type(event)](event)
    else:
        with pytest.raises(KeyError):
            table[type(event)](event)
    assert (scheduler.before, len(driver.sent)) == (before, after)


def test_the_acknowledgement_names_the_update():
    driver = ExplicitDriver()
    table = handlers(chain(acknowledge())(Scheduler()), driver)
    for event in (update(), operation(), events.Heartbeat()):
        table[type(event)](event)
    assert driver.sent == [
        commands.AcknowledgeStatusUpdate(events.Acknowledgement("S1", "t1", b"u" * 16)),
        v1_commands.AcknowledgeOperationStatus(operation().status),
    ]


def test_what_nobody_waits_for_is_not_acknowledged():
    driver = ExplicitDriver()
    table = handlers(chain(acknowledge())(Scheduler()), driver)
    for event in (update(uuid=b""), operation(wanted=False)):
        table[type(event)](event)
    assert driver.sent == []


def test_some_updates_may_be_left_to_the_program():
    driver = ExplicitDriver()
    mine = when(lambda event: event.status.task_id.value != "t1", acknowledge())
    table = handlers(chain(when(events.StatusUpdate, mine))(Scheduler()), driver)
    table[events.StatusUpdate](update())
    assert driver.sent == []


def test_a_driver_that_does_it_itself_says_so():
    driver = KeptCalls()
    with pytest.raises(DriverMisuse, match="implicit_acknowledgements=False"):
        handlers(chain(acknowledge())(Scheduler()), driver)[events.StatusUpdate](update())


def test_coroutines_are_acknowledged_when_they_end():
    driver = ExplicitDriver()

    class Awaiting(Scheduler):
        async def status_update(self, driver, status):
            await asyncio.sleep(0)
            assert driver.sent == []

    asyncio.run(handlers(chain(acknowledge())(Awaiting()), driver)[events.StatusUpdate](update()))
    assert len(driver.sent) == 1
