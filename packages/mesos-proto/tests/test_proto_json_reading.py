"""JSON is read in two ways, which must not differ: compiled, and field by field."""

from __future__ import annotations

import functools
import json as plain_json
import random
from typing import Any

import proto_documents
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesos_proto import json
from mesos_proto._json_wire import UNUSUAL, wire_writer
from mesos_proto.errors import JSONError
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2 as scheduler


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False))
def test_both_ways_agree(rng: random.Random) -> None:
    proto_documents.check(rng)


def test_what_mesos_writes_is_read_the_compiled_way() -> None:
    rng = random.Random(1)
    for name in proto_documents.NAMES:
        kind = proto_documents.registry.message_class(name)
        data = proto_documents.document(rng, kind.DESCRIPTOR)
        assert kind.FromString(wire_writer(kind.DESCRIPTOR)(data)) == json._read_fields(kind, data, False)


STATUS = {"task_id": {"value": "t"}, "state": "TASK_RUNNING"}
INFO = {"name": "n", "task_id": {"value": "t"}, "agent_id": {"value": "a"}}


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (mesos.TaskStatus, {**STATUS, "uuid": b"text"}),
        (mesos.TaskStatus, {**STATUS, "uuid": "dGV4d"}),
        (mesos.TaskStatus, {**STATUS, "state": mesos.TASK_RUNNING}),
        (mesos.TaskStatus, {**STATUS, "state": "TASK_OF_TOMORROW"}),
        (mesos.TaskStatus, {**STATUS, "healthy": 1}),
        (mesos.TaskStatus, {**STATUS, "timestamp": True}),
        (mesos.TaskStatus, {**STATUS, "timestamp": "1.5"}),
        (mesos.TaskStatus, {**STATUS, "timestamp": float("nan")}),
        (mesos.TaskStatus, {**STATUS, "message": None}),
        (mesos.TaskStatus, {**STATUS, "message": b"bytes"}),
        (mesos.TaskStatus, {**STATUS, "container_status": {"executor_pid": 1.0}}),
        (mesos.TaskStatus, {**STATUS, "container_status": {"executor_pid": True}}),
        (mesos.TaskStatus, {**STATUS, "container_status": {"executor_pid": 2**32}}),
        (mesos.TaskStatus, {**STATUS, "container_status": {"network_infos": {}}}),
        (mesos.TaskStatus, {"state": "TASK_RUNNING"}),
        (mesos.TaskStatus, {**STATUS, "task_id": {}}),
        (mesos.TaskInfo, {**INFO, "limits": {"cpus": {"value": "Infinity"}}}),
        (mesos.TaskInfo, {**INFO, "limits": {"cpus": None}}),
        (mesos.CommandInfo, {"arguments": "abc"}),
        (mesos.CommandInfo, {"arguments": ("a", "b")}),
    ],
)
def test_values_with_another_or_no_meaning_are_left_to_the_reader_of_fields(
    kind: type[mesos.TaskStatus], data: dict[str, Any]
) -> None:
    with pytest.raises(UNUSUAL):
        wire_writer(kind.DESCRIPTOR)(data)  # type: ignore[arg-type]
    for partial in (False, True):
        slow = proto_documents.outcome(functools.partial(json._read_fields, kind, data, partial))
        fast = functools.partial(json.from_dict, kind, data, partial=partial)
        assert proto_documents.outcome(fast) == slow


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32-le"])
@pytest.mark.parametrize("around", ["", " \n"])
def test_text_in_any_encoding_of_json(encoding: str, around: str) -> None:
    text = around + '{"value": "é"}' + around
    assert json.loads(mesos.TaskID, text.encode(encoding)).value == "é"
    assert json.loads(mesos.TaskID, text).value == "é"


@pytest.mark.parametrize(
    "text", [b'{"value": "a"} {}', b'{"value": "a"}x', b'{"value": "\xff"}', b"\xff", b" "]
)
def test_what_follows_or_is_no_text_is_refused(text: bytes) -> None:
    with pytest.raises(JSONError):
        json.loads(mesos.TaskID, text)


@pytest.mark.parametrize("name", ["type", "\ud800"])
def test_a_name_that_utf8_cannot_say(name: str) -> None:
    # Asking protobuf's own mappings for it is a SystemError.
    assert json.loads(scheduler.Event, plain_json.dumps({name: "\ud800"})) == scheduler.Event()


def test_messages_within_messages_to_any_depth() -> None:
    def nested(depth: int) -> str:
        return '{"value": "a", "parent": ' * depth + '{"value": "b"}' + "}" * depth

    # Beyond a hundred protobuf itself takes none.
    for depth in (90, 150):
        assert json.loads(mesos.ContainerID, nested(depth)).parent.value
    with pytest.raises(JSONError, match="nested too deep"):
        json.loads(mesos.ContainerID, nested(700))
