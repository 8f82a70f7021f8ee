"""Each message a scheduler handles, one field hostile at a time: nothing raises, the session lives on."""

from __future__ import annotations

import pytest
from google.protobuf.message import Message
from mesos_messenger.mutations import as_handled, mutations
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as v0_scheduler
from mesos_proto.v1 import mesos_pb2 as v1
from mesos_scheduler import Status, commands, events
from mesos_scheduler._inbound import MESSAGES
from scheduler_fake_master import FakeMaster, Recorder, make_driver, updates, wait_for
from scheduler_helpers import (
    AGENT,
    FRAMEWORK_ID,
    Driven,
    launch,
    offer,
    registered,
    reregistered,
    sent,
    task,
    told,
    update,
)

Event = v0_scheduler.Event


def full_offer() -> v0.Offer:
    """An offer with what agents put into one."""
    made = offer()
    made.url.scheme, made.url.path = "http", "/slave(1)"
    made.url.address.hostname, made.url.address.ip, made.url.address.port = "host", "10.0.0.9", 5051
    made.resources.add(name="cpus", type=v0.Value.SCALAR, role="*").scalar.value = 1.0
    made.attributes.add(name="rack", type=v0.Value.TEXT).text.value = "r1"
    made.executor_ids.add(value="e")
    made.allocation_info.role = "*"
    return made


def full_update() -> internal.StatusUpdateMessage:
    """A status update with what executors put into one."""
    message = update()
    message.update.latest_state = v0.TASK_RUNNING
    status = message.update.status
    status.message, status.source, status.reason = "well", v0.TaskStatus.SOURCE_EXECUTOR, 0
    status.data, status.timestamp, status.uuid, status.healthy = b"data", 5.0, message.update.uuid, True
    status.executor_id.value = "e"
    status.labels.labels.add(key="k", value="v")
    status.container_status.network_infos.add().ip_addresses.add(ip_address="10.0.0.9")
    return message


def event(kind: str, **fields: Message) -> Event:
    """An event of the generic form."""
    return Event(type=Event.Type.Value(kind), **fields)  # type: ignore[arg-type]


def inverse_offer() -> v0.InverseOffer:
    """An inverse offer."""
    made = v0.InverseOffer(id=v0.OfferID(value="I1"), framework_id=v0.FrameworkID(value=FRAMEWORK_ID))
    made.unavailability.start.nanoseconds = 1
    return made


OFFER_ID, AGENT_ID, EXECUTOR_ID = v0.OfferID(value="O1"), v0.SlaveID(value="S1"), v0.ExecutorID(value="e")
SAMPLES: dict[str, Message] = {
    "registered": registered(),
    "reregistered": reregistered(),
    "offers": internal.ResourceOffersMessage(offers=[full_offer()], pids=[str(AGENT)]),
    "rescind": internal.RescindResourceOfferMessage(offer_id=OFFER_ID),
    "inverse": internal.InverseOffersMessage(inverse_offers=[inverse_offer()], pids=[str(AGENT)]),
    "rescind_inverse": internal.RescindInverseOfferMessage(inverse_offer_id=OFFER_ID),
    "update": full_update(),
    "agent_lost": internal.LostSlaveMessage(slave_id=AGENT_ID),
    "executor_lost": internal.ExitedExecutorMessage(
        slave_id=AGENT_ID,
        framework_id=v0.FrameworkID(value=FRAMEWORK_ID),
        executor_id=EXECUTOR_ID,
        status=1,
    ),
    "message": internal.ExecutorToFrameworkMessage(
        slave_id=AGENT_ID,
        framework_id=v0.FrameworkID(value=FRAMEWORK_ID),
        executor_id=EXECUTOR_ID,
        data=b"hello",
    ),
    "error": internal.FrameworkErrorMessage(message="Framework disconnected"),
    "event_subscribed": event(
        "SUBSCRIBED",
        subscribed=Event.Subscribed(
            framework_id=v0.FrameworkID(value=FRAMEWORK_ID), master_info=registered().master_info
        ),
    ),
    "event_offers": event("OFFERS", offers=Event.Offers(offers=[full_offer()])),
    "event_inverse": event(
        "INVERSE_OFFERS", inverse_offers=Event.InverseOffers(inverse_offers=[inverse_offer()])
    ),
    "event_rescind": event("RESCIND", rescind=Event.Rescind(offer_id=OFFER_ID)),
    "event_update": event("UPDATE", update=Event.Update(status=full_update().update.status)),
    "event_failure": event("FAILURE", failure=Event.Failure(slave_id=AGENT_ID, executor_id=EXECUTOR_ID)),
    "event_message": event(
        "MESSAGE", message=Event.Message(slave_id=AGENT_ID, executor_id=EXECUTOR_ID, data=b"hello")
    ),
    "event_error": event("ERROR", error=Event.Error(message="Framework disconnected")),
}


def test_there_is_a_sample_of_every_message() -> None:
    assert {type(sample) for sample in SAMPLES.values()} == set(MESSAGES)


def bytes_for_text(message: Message) -> list[str]:
    """Name the strings of a message that are `bytes`."""
    found = []
    for field, value in message.ListFields():
        values = [value] if isinstance(value, (str, bytes, int, float, Message)) else list(value)
        for each in values:
            if isinstance(each, Message):
                found += bytes_for_text(each)
            elif field.type == field.TYPE_STRING and isinstance(each, bytes):
                found.append(field.full_name)
    return found


def use(result: list[commands.Command]) -> list[events.Acknowledgement]:
    """Do with commands and events what a shell, its logs and a user do; give what is to be acknowledged."""
    due = []
    for message in sent(result):
        assert message.IsInitialized()
        message.SerializeToString()
    for said in told(result):
        repr(said)
        for name in getattr(said, "__slots__", ()):
            value = getattr(said, name)
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, Message):
                    assert bytes_for_text(each) == []
        if isinstance(said, events.StatusUpdate) and said.acknowledgement is not None:
            due.append(said.acknowledgement)
    return due


@pytest.mark.parametrize("phase", ["registering", "connected", "old", "ended"])
@pytest.mark.parametrize("name", SAMPLES)
def test_a_hostile_field_neither_raises_nor_ends_what_goes_on(name: str, phase: str) -> None:
    sample = SAMPLES[name]
    count = 0
    for what, body in mutations(sample):
        message = as_handled(type(sample), body)
        if message is None:
            continue
        count += 1
        driven = Driven()
        if phase == "registering":
            driven.detect()
        else:
            driven.connect("0.22.0" if phase == "old" else "1.11.0")
        if phase == "ended":
            driven.do(commands.Stop(False))
        driven.take()
        due = use(driven.receive(message))
        driven.do(commands.Handled(due))
        accept = commands.AcceptOffers([v1.OfferID(value="O1")], [launch(task())], v1.Filters())
        use(driven.do(accept))
        if driven.session.status is Status.RUNNING and phase == "connected":
            if driven.session.phase.value != "connected":
                driven.receive(registered())
            after = driven.receive(update("after"))
            assert [type(each) for each in told(after)] == [events.StatusUpdate], what
        elif phase == "connected":
            # Only a master's word can end it: another framework's id, or an error.
            assert name in ("registered", "reregistered", "event_subscribed", "error", "event_error"), what
    assert count > 3


def test_over_a_socket_the_driver_lives_on() -> None:
    master = FakeMaster()
    scheduler = Recorder()
    said: list[str] = []
    scheduler.on_update = lambda driver, status: said.append(status.task_id.value + status.message)
    driver = make_driver(scheduler, master.address)
    try:
        driver.start()
        wait_for(lambda: "registered" in scheduler.names, "the registration")
        assert master.scheduler is not None
        good, bad, last = updates("one", "two", "three")
        bad.update.status.message = "\x02\x03"
        body = bad.SerializeToString().replace(b"\x02\x03", b"\xff\xfe")
        master.send(good)
        send_raw(master, bad, body)
        send_raw(master, bad, b"\x0a\x05\xff")
        send_raw(master, bad, b"\x12\x02\xff\xff")
        hostile = internal.ExecutorToFrameworkMessage(
            slave_id=AGENT_ID, framework_id=v0.FrameworkID(value="f"), executor_id=EXECUTOR_ID, data=b"x"
        )
        send_raw(master, hostile, hostile.SerializeToString().replace(b"S1", b"\xff\xff"))
        master.send(last)
        wait_for(lambda: len(master.acknowledged()) == 3, "the acknowledgements")
        assert said == ["one", "two\ufffd\ufffd", "three"]
        wait_for(lambda: "framework_message" in scheduler.names, "the message")
        assert driver.status is Status.RUNNING and scheduler.errors == []
    finally:
        driver.stop()
        assert driver.join(20)
        master.stop()


class _Raw:
    """Stands for a message whose serialized form is what a test says."""

    def __init__(self, sample: Message, body: bytes) -> None:
        self.DESCRIPTOR = sample.DESCRIPTOR
        self._body = body

    def SerializeToString(self) -> bytes:
        return self._body


def send_raw(master: FakeMaster, sample: Message, body: bytes) -> None:
    """Send a body as it is."""
    master.send(type("Raw", (_Raw,), {})(sample, body))
