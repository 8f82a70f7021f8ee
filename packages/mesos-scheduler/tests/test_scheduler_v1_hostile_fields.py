"""Each event of a v1 master, one field hostile at a time: nothing raises, the session lives on."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import Message
from mesos_http import PROTOBUF, DecodeError, encode
from mesos_messenger.mutations import mutations
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import Scheduler, Status, events
from mesos_scheduler import commands as v0
from mesos_scheduler.v1 import HttpOptions, HttpSchedulerDriver, commands
from scheduler_v1_helpers import (
    FRAMEWORK_ID,
    Driven,
    Event,
    accept,
    error,
    framework,
    subscribed,
    update,
)
from scheduler_v1_master import WAIT, FakeMaster

AGENT, EXECUTOR, OFFER = mesos.AgentID(value="S1"), mesos.ExecutorID(value="e"), mesos.OfferID(value="O1")


def event(kind: str, **fields: Any) -> Event:
    return Event(type=Event.Type.Value(kind), **fields)


def offers() -> Event:
    made = mesos.Offer(id=OFFER, agent_id=AGENT, hostname="host")
    made.framework_id.value = FRAMEWORK_ID
    made.resources.add(name="cpus", type=mesos.Value.SCALAR).scalar.value = 1.0
    made.attributes.add(name="rack", type=mesos.Value.TEXT).text.value = "r1"
    made.executor_ids.add(value="e")
    return event("OFFERS", offers={"offers": [made]})


def inverse_offers() -> Event:
    made = mesos.InverseOffer(id=OFFER, framework_id=mesos.FrameworkID(value=FRAMEWORK_ID))
    made.unavailability.start.nanoseconds = 1
    return event("INVERSE_OFFERS", inverse_offers={"inverse_offers": [made]})


def full_update() -> Event:
    made = update()
    status = made.update.status
    status.message, status.data, status.timestamp, status.healthy = "well", b"data", 5.0, True
    status.executor_id.value = "e"
    status.labels.labels.add(key="k", value="v")
    return made


def operation_status() -> Event:
    status = mesos.OperationStatus(state=mesos.OPERATION_FINISHED, message="m")
    status.operation_id.value, status.uuid.value = "X", b"v"
    return event("UPDATE_OPERATION_STATUS", update_operation_status={"status": status})


SAMPLES = {
    "subscribed": subscribed(),
    "offers": offers(),
    "inverse offers": inverse_offers(),
    "rescind": event("RESCIND", rescind={"offer_id": OFFER}),
    "rescind inverse": event("RESCIND_INVERSE_OFFER", rescind_inverse_offer={"inverse_offer_id": OFFER}),
    "update": full_update(),
    "operation status": operation_status(),
    "message": event("MESSAGE", message={"agent_id": AGENT, "executor_id": EXECUTOR, "data": b"x"}),
    "failure": event("FAILURE", failure={"agent_id": AGENT, "executor_id": EXECUTOR, "status": 1}),
    "error": error("Framework disconnected"),
}


def test_there_is_a_sample_of_every_event() -> None:
    names = {Event.Type.Name(sample.type) for sample in SAMPLES.values()}
    assert names == {*Event.Type.keys()} - {"UNKNOWN", "HEARTBEAT"}


def text_is_text(message: Message) -> bool:
    for field, value in message.ListFields():
        for each in [value] if isinstance(value, (str, bytes, int, float, Message)) else list(value):
            if isinstance(each, Message):
                if not text_is_text(each):
                    return False
            elif field.type == field.TYPE_STRING and not isinstance(each, str):
                return False
    return True


def use(done: list[commands.Command]) -> None:
    """Do with commands what a shell does."""
    for command in done:
        repr(command)
        if isinstance(command, commands.SendCall):
            PROTOBUF.encode(command.call)


@pytest.mark.parametrize("connected", [True, False])
@pytest.mark.parametrize("name", SAMPLES)
def test_a_hostile_field_neither_raises_nor_ends_what_goes_on(name: str, connected: bool) -> None:
    count = 0
    for what, body in mutations(SAMPLES[name]):
        try:
            received = PROTOBUF.decode(Event, body)
        except DecodeError:
            continue  # The stream is given up, which is tested elsewhere.
        count += 1
        assert text_is_text(received), what
        driven = Driven()
        driven.connect()
        if connected:
            driven.receive(subscribed())
        driven.take()
        done = driven.receive(received)
        use(done)
        for said in [each for c in done if isinstance(c, v0.Deliver) for each in c.events]:
            if isinstance(said, events.StatusUpdate) and said.acknowledgement is not None:
                use(driven.do(v0.Handled([said.acknowledgement])))
        use(driven.do(accept("t")))
        if driven.session.status is not Status.RUNNING:
            # Only a master's word can end it: another framework's id, or an error.
            assert name in ("subscribed", "error"), what
            continue
        if not driven.session.phase.value.startswith("connected"):
            driven.receive(subscribed(driven.session.framework_id or FRAMEWORK_ID))
        driven.take()
        driven.receive(update("after"))
        assert [type(each) for each in driven.delivered()] == [events.StatusUpdate], what
    assert count > 3


def test_events_that_lack_what_is_required_are_dropped() -> None:
    driven = Driven()
    driven.subscribe()
    lacking = update()
    lacking.update.status.ClearField("task_id")
    for _ in range(2):
        driven.receive(lacking)
    assert driven.delivered() == []
    assert driven.session.dropped == {"UPDATE: lacks a required field": 2}


def test_over_a_socket_the_driver_lives_on() -> None:
    said: list[str] = []

    class Recorder(Scheduler):
        def status_update(self, driver: Any, status: mesos.TaskStatus) -> None:
            said.append(f"{status.task_id.value}: {status.message}")

    broken = full_update()
    broken.update.status.message = "caf??"
    broken.update.status.task_id.value = "t??"
    body = broken.SerializeToString().replace(b"??", b"\xff\xfe")
    lacking = full_update()
    lacking.update.ClearField("status")
    options = HttpOptions(connection_delay=0.0)
    with FakeMaster() as master:
        with HttpSchedulerDriver(Recorder(), framework(), master.url, options=options) as driver:
            stream = master.next_stream().subscribe()
            stream.write(encode(lacking.SerializePartialToString()) + encode(body)).send(update("last"))
            tasks = [master.next_call().acknowledge.task_id.value for _ in range(2)]
            assert driver.status is Status.RUNNING
            driver.stop()
            assert driver.join(WAIT) is Status.STOPPED
    assert tasks == ["t\ufffd\ufffd", "last"]
    assert said == ["t\ufffd\ufffd: caf\ufffd\ufffd", "last: "]
