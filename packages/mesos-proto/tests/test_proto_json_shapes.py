"""Documents of a shape that has been seen before."""

from __future__ import annotations

import json as plain_json
import random

import pytest
from google.protobuf.message import Message
from mesos_proto import json
from mesos_proto._json_shapes import _MOST, Shapes
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2 as scheduler

UPDATE = scheduler.Event(
    type=scheduler.Event.UPDATE,
    update={
        "status": mesos.TaskStatus(
            task_id={"value": "t1"},
            agent_id={"value": "S1"},
            state=mesos.TASK_RUNNING,
            uuid=b"\xff" * 16,
            timestamp=1.5e9,
            healthy=True,
            container_status=mesos.ContainerStatus(
                executor_pid=42, network_infos=[{"ip_addresses": [{"ip_address": "10.0.0.7"}]}]
            ),
        )
    },
)


def dumped(message: Message, *, spaces: bool = True) -> bytes:
    data = json.to_dict(message, defaults=False)
    return plain_json.dumps(data, separators=None if spaces else (",", ":")).encode()


def learnt(*texts: bytes, kind: type[Message] = scheduler.Event) -> Shapes:
    shapes = Shapes(kind.DESCRIPTOR)
    for text in texts:
        assert shapes.wire(text) is None
        shapes.missed(text)
        shapes.missed(text)
    return shapes


@pytest.mark.parametrize("spaces", [True, False])
def test_other_values_in_the_same_shape(spaces: bool) -> None:
    shapes = learnt(dumped(UPDATE, spaces=spaces))
    status = UPDATE.update.status
    other = scheduler.Event()
    other.CopyFrom(UPDATE)
    changed = other.update.status
    changed.task_id.value, changed.uuid, changed.timestamp = "x" * 300, b"", 0.25
    changed.container_status.executor_pid = 0
    for event in (UPDATE, other):
        wire = shapes.wire(dumped(event, spaces=spaces))
        assert wire is not None and scheduler.Event.FromString(wire) == event
    # Enums, booleans, and what is there and what is not belong to the shape.
    for name, value in (("state", mesos.TASK_FINISHED), ("healthy", False), ("message", "m")):
        other.CopyFrom(UPDATE)
        setattr(other.update.status, name, value)
        assert shapes.wire(dumped(other, spaces=spaces)) is None
    assert status == UPDATE.update.status


@pytest.mark.parametrize(
    "value",
    [
        '"é"',
        '"\\u0041"',
        '"\\""',
        '"\x01"',
        '"a',
        '"a""',
        "null",
        "1",
        '["a"]',
        f'"{"x" * 5000}"',
        '"a", "value": "b"',
    ],
)
def test_texts_that_must_be_read_as_json(value: str) -> None:
    shapes = learnt(b'{"value": "a"}', kind=mesos.TaskID)
    assert shapes.wire(b'{"value": "other"}') == b"\x0a\x85\x00other"
    assert shapes.wire(f'{{"value": {value}}}'.encode()) is None


@pytest.mark.parametrize(
    "number", ["1", "-0", "01", "1.", ".5", "1e5", "+1.0", "NaN", "Infinity", "1.0.0", "--1.0", '"1.0"']
)
def test_numbers_in_another_form(number: str) -> None:
    shapes = learnt(b'{"value": 1.5}', kind=mesos.Value.Scalar)
    assert shapes.wire(b'{"value": -20.25}') is not None
    assert shapes.wire(b'{"value": %s}' % number.encode()) is None


@pytest.mark.parametrize("text", ["AA", "A===", "AA=A", "====", "AAAA=", "AA AA", "AA\\n==", "-_8="])
def test_bytes_in_another_form(text: str) -> None:
    shapes = learnt(b'{"value": "AAAA"}', kind=mesos.UUID)
    assert shapes.wire(b'{"value": "/+8="}') == b"\x0a\x82\x00\xff\xef"
    assert shapes.wire(b'{"value": "%s"}' % text.encode()) is None


@pytest.mark.parametrize(
    "text",
    [
        '{"type": "UPDATE", "type": "UPDATE"}',
        '{"type": "OF_TOMORROW"}',
        '{"type": 1}',
        '{"unknown": 1}',
        '{"type": null}',
        '{"type": "UPDATE"} ',
        '{"type": "UPDATE"}{}',
        '[{"type": "UPDATE"}]',
        '{"error": {"message": "é"}}',
        '{"error": {"message": "%s"}}' % ("x" * 5000),
        '{"update": {"status": {"limitation": {"resources": {}}}}}',
        "",
        "{",
    ],
)
def test_documents_of_which_no_shape_is_made(text: str) -> None:
    shapes = learnt(text.encode())
    assert shapes.wire(text.encode()) is None


def nested(number: int) -> bytes:
    """Give a document of a shape of its own."""
    text = '{"value": "a"}'
    for _ in range(number):
        text = f'{{"value": "a", "parent": {text}}}'
    return text.encode()


def test_shapes_are_few_and_the_newest_are_kept() -> None:
    shapes = Shapes(mesos.ContainerID.DESCRIPTOR)
    count = 0
    for number in range(_MOST + 2):
        while shapes.wire(nested(number)) is None and count < 50_000:
            shapes.missed(nested(number))
            count += 1
    known = [number for number in range(_MOST + 2) if shapes.wire(nested(number)) is not None]
    assert known == [*range(2, _MOST + 2)]
    assert 2000 < count < 3000  # The last two took patience.


def test_a_stream_of_mixed_events() -> None:
    rng = random.Random(3)
    for number in range(3000):
        kind = rng.choice([scheduler.Event.UPDATE, scheduler.Event.HEARTBEAT, scheduler.Event.MESSAGE])
        event = scheduler.Event(type=kind)
        if kind == scheduler.Event.UPDATE:
            event.CopyFrom(UPDATE)
            event.update.status.task_id.value = f"t{number}"
            event.update.status.state = rng.choice([mesos.TASK_RUNNING, mesos.TASK_FINISHED])
        elif kind == scheduler.Event.MESSAGE:
            event.message.agent_id.value = "S"
            event.message.executor_id.value = f"é{number}"
            event.message.data = bytes(rng.randrange(256) for _ in range(number % 40))
        assert json.loads(scheduler.Event, dumped(event)) == event
    assert len(json._shapes[scheduler.Event]._shapes) >= 3


def test_a_shape_nested_deeper_than_protobuf_allows() -> None:
    for _ in range(5):
        assert json.loads(mesos.ContainerID, nested(120)).parent.parent.value == "a"
