"""JSON documents of messages, and what becomes of them, for tests of reading."""

from __future__ import annotations

import copy
import json as plain_json
import random
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from mesos_proto import json, registry
from mesos_proto._fields import is_map, is_repeated, is_required
from mesos_proto._json_shapes import Shapes
from mesos_proto.errors import JSONError

MORE: list[Any] = [
    *(
        "a",
        "abc",
        "a b",
        "~",
        "\x7f",
        "\t",
        '"',
        "\\\\",
        "\\u0041",
        "AAAA",
        "A=",
        "AAA=",
        "AAAA=",
        "====",
        "y" * 5000,
    ),
    *(5, 10, -5, 10**9, -(10**9), 10**18, -(10**18), 10**17, 2.5, -2.5, 1e22, 1e-7, 123456789.123456789, 0.1),
]
NAMES = [*registry.message_names()]
FAVOURITES = [
    "mesos.v1.scheduler.Event",
    "mesos.v1.scheduler.Call",
    "mesos.v1.executor.Event",
    "mesos.v1.TaskStatus",
    "mesos.v1.TaskInfo",
    "mesos.v1.Offer",
]
ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 7, 1.0, 1.5, -0.0, 2**31, 2**32, 2**63, 2**64, -(2**63) - 1, 10**400),
    *("", "1", "1.5", "true", "Infinity", "x", "é", "\ud800", "AA==", "AA", "A===", "A\n==", "TASK_RUNNING"),
    *([], {}, [None], [{}], [[]], ["x"], {"x": 1}, {"value": "v"}, float("nan"), float("inf")),
]


def value(rng: random.Random, field: Any, depth: int) -> Any:
    """Make one value of a field."""
    if field.message_type is not None:
        return document(rng, field.message_type, depth - 1)
    if field.type == FieldDescriptor.TYPE_ENUM:
        return rng.choice([each.name for each in field.enum_type.values])
    choices: dict[int, list[Any]] = {
        FieldDescriptor.TYPE_DOUBLE: [0.0, 1.5, -2.0, 3, 1e300],
        FieldDescriptor.TYPE_BOOL: [True, False],
        FieldDescriptor.TYPE_STRING: ["", "a", "é", "x" * 200, 'quoted " and \\'],
        FieldDescriptor.TYPE_BYTES: ["", "AP8=", "AAAA"],
        FieldDescriptor.TYPE_INT32: [0, 1, -1, 2**31 - 1],
        FieldDescriptor.TYPE_INT64: [0, 1, -1, 2**53 + 1, -(2**63)],
        FieldDescriptor.TYPE_UINT32: [0, 300, 2**32 - 1],
        FieldDescriptor.TYPE_UINT64: [0, 300, 2**64 - 1],
    }
    return rng.choice(choices[field.type])


def document(rng: random.Random, descriptor: Any, depth: int = 4) -> dict[str, Any]:
    """Make the JSON object of a message, complete and in the form that Mesos writes."""
    made: dict[str, Any] = {}
    for field in descriptor.fields:
        if not is_required(field) and (depth <= 0 or rng.random() < 0.6):
            continue
        if is_map(field):
            inner = field.message_type.fields_by_name["value"]
            made[field.name] = {key: value(rng, inner, depth) for key in ("k", "é")[: rng.randrange(3)]}
        elif is_repeated(field):
            made[field.name] = [value(rng, field, depth) for _ in range(rng.randrange(3))]
        else:
            made[field.name] = value(rng, field, depth)
    return made


def places_of(data: Any) -> list[tuple[Any, Any]]:
    """Give every place in a document: what holds it, and the key or index there."""
    places: list[tuple[Any, Any]] = []
    waiting = [data]
    while waiting:
        holder = waiting.pop()
        for key in holder if isinstance(holder, dict) else range(len(holder)):
            places.append((holder, key))
            if isinstance(holder[key], (dict, list)):
                waiting.append(holder[key])
    return places


def vary(rng: random.Random, data: Any) -> Any:
    """Return a document of the same shape, with some other values."""
    data = copy.deepcopy(data)
    for holder, key in places_of(data):
        old = holder[key]
        if type(old) in (str, int, float, bool) and rng.random() < 0.3:
            holder[key] = rng.choice([each for each in [*ODD, *MORE] if type(each) is type(old)])
    return data


def mutate(rng: random.Random, data: Any) -> Any:
    """Return a document with one thing in it changed."""
    data = copy.deepcopy(data)
    places = places_of(data)
    if not places:
        return {"unknown": 1}
    holder, key = rng.choice(places)
    action = rng.randrange(6)
    if action == 0:
        del holder[key]
    elif action == 1:
        holder[key] = [holder[key]]
    elif action == 2 and isinstance(holder, dict):
        holder["unknown"] = rng.choice(ODD)
    else:
        holder[key] = rng.choice(ODD)
    return data


def outcome(read: Any) -> tuple[bytes, Message | str]:
    """Return what came of reading."""
    try:
        message: Message = read()
    except JSONError as error:
        return b"", str(error)
    return message.SerializePartialToString(deterministic=True), message


def check(rng: random.Random) -> None:
    """Read a document as it is, and changed, in every way."""
    kind = registry.message_class(rng.choice(FAVOURITES if rng.random() < 0.5 else NAMES))
    data = document(rng, kind.DESCRIPTOR)
    assert isinstance(json.loads(kind, plain_json.dumps(data)), kind)
    for change in (vary, mutate):
        shapes = Shapes(kind.DESCRIPTOR)
        for text in texts(data):
            shapes.missed(text)
        changed = data
        for _ in range(4):
            compare(kind, changed, shapes)
            changed = change(rng, changed)


def texts(data: Any) -> list[bytes]:
    """Write a document as others may."""
    return [
        plain_json.dumps(data).encode(),
        plain_json.dumps(data, separators=(",", ":")).encode(),
        plain_json.dumps(data).encode(),
        plain_json.dumps(data, ensure_ascii=False).encode("utf-8", "surrogatepass"),
    ]


def compare(kind: type[Message], data: Any, shapes: Shapes) -> None:
    """Read an object in every way."""
    for partial in (False, True):
        slow = outcome(lambda partial=partial: json._read_fields(kind, data, partial))
        assert outcome(lambda partial=partial: json.from_dict(kind, data, partial=partial)) == slow
    slow = outcome(lambda: json._read_fields(kind, data, False))
    for text in texts(data):
        assert outcome(lambda text=text: json.loads(kind, text)) == slow
        wire = shapes.wire(text)
        if wire is not None:
            assert outcome(lambda wire=wire: kind.FromString(wire)) == slow
