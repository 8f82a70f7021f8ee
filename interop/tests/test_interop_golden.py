"""Our codec and our messages against the bytes of real Mesos releases (`golden/`, see `record.py`)."""

from __future__ import annotations

import re

import pytest
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet
from mesos_messenger import UPID, Decoder, Encoder, HostHeader
from mesos_proto import devolve, evolve, registry
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as messages
from mesos_proto.v0 import scheduler_pb2
from realmesos import golden

pytestmark = pytest.mark.ci

VERSIONS = ["1.4.3", "1.10.0", "1.11.0"]
SAMPLES = [(version, sample) for version in VERSIONS for sample in golden.load(version)]

# Between schedulers, executors, agents and master these are all that the C++ programs of 1.11 exchange
# in the recorded scenarios; a new recording must not lose one.
KINDS_OF_1_11 = 71

# Fields that releases before 1.11 had and 1.11 does not.
RETIRED_FIELDS = {"mesos.internal.UpdateSlaveMessage.3"}


def decode(*parts: bytes) -> tuple[str, str, UPID, bytes]:
    decoder = Decoder()
    events = [event for part in parts for event in decoder.receive(part)]
    assert len(events) == 1 and decoder.buffered == 0 and decoder.slow == 0
    (event,) = events
    assert isinstance(event, tuple)
    head, bodies = event
    (body,) = bodies
    return head.to, head.name, head.sender, body


def ids(value: object) -> str:
    if isinstance(value, golden.Sample):
        short = value.name.rpartition(".")[2]
        return f"{value.sender}-{short}-{value.detail}".rstrip("-").replace(" ", "-")
    return str(value)


@pytest.fixture(params=SAMPLES, ids=lambda pair: f"{pair[0]}-{ids(pair[1])}")
def sample(request: pytest.FixtureRequest) -> golden.Sample:
    found: golden.Sample = request.param[1]
    return found


def parsed(sample: golden.Sample) -> Message:
    return registry.message_class(sample.name).FromString(decode(sample.data)[3])


def test_the_codec_reads_it(sample: golden.Sample) -> None:
    to, name, sender, body = decode(sample.data)

    assert (golden.role(sender.id), golden.role(to), name) == (sample.sender, sample.recipient, sample.name)
    assert sender.ip == "127.0.0.1" and sender.port > 0
    half = len(sample.data) // 2
    assert decode(sample.data[:half], sample.data[half:]) == (to, name, sender, body)
    assert decode(*(bytes([byte]) for byte in sample.data)) == (to, name, sender, body)


def test_the_codec_writes_the_same_bytes(sample: golden.Sample) -> None:
    to, name, sender, body = decode(sample.data)
    encoder = Encoder(sender, UPID(to, "127.0.0.1", 5050), name, host=HostHeader.EMPTY)

    assert encoder.encode(body) == sample.data


def test_the_message_is_known_to_the_last_field(sample: golden.Sample) -> None:
    message = parsed(sample)

    assert message.IsInitialized()
    assert set(unknown_fields(message)) <= RETIRED_FIELDS
    # Field order is the same in both implementations, so equal content means equal bytes.
    assert message.SerializeToString() == decode(sample.data)[3]


def test_conversion_to_v1_and_back_loses_nothing(sample: golden.Sample) -> None:
    for part in public_parts(parsed(sample)):
        there = evolve(part)
        assert devolve(there).SerializeToString(deterministic=True) == part.SerializeToString(
            deterministic=True
        )


def public_parts(message: Message) -> list[Message]:
    """Return what of a message a driver's user gets to see, as v0."""
    if isinstance(message, scheduler_pb2.Call):
        return [message]
    if isinstance(message, messages.ResourceOffersMessage):
        return list(message.offers)
    if isinstance(message, messages.StatusUpdateMessage):
        return [message.update.status]
    if isinstance(message, messages.FrameworkRegisteredMessage):
        return [message.framework_id, message.master_info]
    if isinstance(message, messages.RunTaskMessage):
        return [message.task, message.framework]
    if isinstance(message, messages.ExecutorRegisteredMessage):
        return [message.executor_info, message.framework_info, message.slave_info]
    return []


def unknown_fields(message: Message) -> list[str]:
    """Return the path of each field that our definitions lack."""
    name = message.DESCRIPTOR.full_name
    unknown = UnknownFieldSet(message)
    found = [f"{name}.{unknown[index].field_number}" for index in range(len(unknown))]
    for descriptor, value in message.ListFields():
        if descriptor.message_type is None:
            continue
        for each in value if isinstance(value, (list, tuple)) or hasattr(value, "add") else [value]:
            if isinstance(each, Message):
                found += unknown_fields(each)
    return found


def test_the_recordings_are_complete() -> None:
    assert len(golden.load("1.11.0")) == KINDS_OF_1_11
    for version in VERSIONS:
        keys = [sample.key for sample in golden.load(version)]
        assert len(set(keys)) == len(keys)


def test_every_sender_leaves_the_host_empty(sample: golden.Sample) -> None:
    assert b"\r\nConnection: Keep-Alive\r\nHost: \r\n" in sample.data
    assert (b"Transfer-Encoding" in sample.data) is bool(decode(sample.data)[3])


def test_updates_carry_an_agents_pid_and_uuid_or_neither() -> None:
    """Only updates that carry both are to be acknowledged."""
    for version, sample in SAMPLES:
        if sample.sender == "master" and sample.name.endswith(".StatusUpdateMessage"):
            message = parsed(sample)
            assert isinstance(message, messages.StatusUpdateMessage)
            from_agent = message.update.status.source != mesos.TaskStatus.SOURCE_MASTER
            assert bool(message.update.uuid) is from_agent, version
            assert bool(re.match(r"slave\(1\)@127", message.pid)) is from_agent, version
