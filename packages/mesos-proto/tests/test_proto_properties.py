"""What holds for all resources, messages and texts."""

from __future__ import annotations

import contextlib
import json as plain_json
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mesos_proto import Resources, devolve, evolve, json, registry
from mesos_proto._fields import is_repeated
from mesos_proto.errors import InsufficientResourcesError, MesosProtoError, ParseError, UnknownMessageError
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.values import from_fixed
from proto_helpers import disk, layer, reserved, revocable

few = settings(max_examples=100, deadline=None, derandomize=True)

NAMES = {"SCALAR": ["cpus", "mem"], "RANGES": ["ports", "more"], "SET": ["zones"]}
LAYERS = [
    (),
    (layer("STATIC", "a"),),
    (layer("DYNAMIC", "a", "p"),),
    (layer("DYNAMIC", "a"), layer("DYNAMIC", "a/b", "q")),
]
spans = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5)), max_size=4)


@st.composite
def amounts(draw: st.DrawFn, *, scalars_only: bool = False, offset: int = 0) -> mesos.Resource:
    """Draw a resource without a disk; `offset` keeps ranges and sets apart."""
    kind = draw(st.sampled_from(["SCALAR"] if scalars_only else list(NAMES)))
    made = mesos.Resource(name=draw(st.sampled_from(NAMES[kind])), type=kind)  # type: ignore[arg-type]
    if kind == "SCALAR":
        made.scalar.value = from_fixed(draw(st.integers(0, 10**7)))
    elif kind == "RANGES":
        made.ranges.SetInParent()
        position = offset
        for gap, size in draw(spans):
            made.ranges.range.add(begin=position + gap, end=position + gap + size)
            position += gap + size + 2
    else:
        made.set.SetInParent()
        made.set.item.extend(f"{item}-{offset}" for item in draw(st.sets(st.integers(0, 5), max_size=4)))
    made.reservations.extend(draw(st.sampled_from(LAYERS)))
    if draw(st.booleans()):
        made.allocation_info.role = "r"
    if draw(st.booleans()):
        made.revocable.SetInParent()
    return made


@st.composite
def disks(draw: st.DrawFn) -> mesos.Resource:
    """Draw a disk: plain, of a source, a volume, shared."""
    source = draw(st.sampled_from([None, "PATH", "MOUNT", "RAW", "BLOCK"]))
    identity = draw(st.sampled_from([None, "x", "y"]))
    return disk(
        draw(st.integers(1, 3)),
        role=draw(st.sampled_from([None, "a"])),
        id=identity,
        path=draw(st.sampled_from([None, "p"])),
        source=source,
        root="/mnt" if source in ("PATH", "MOUNT") and draw(st.booleans()) else None,
        shared=identity is not None and draw(st.booleans()),
    )


def sums(offset: int = 0) -> st.SearchStrategy[Resources]:
    """Draw sums of resources of every kind."""
    return st.lists(amounts(offset=offset) | disks(), max_size=6).map(Resources)


SCALARS = st.lists(amounts(scalars_only=True), max_size=6).map(Resources)


@few
@given(sums(), sums(offset=100_000))
def test_adding_and_taking_away_disjoint_ones(a: Resources, b: Resources) -> None:
    assert (a + b) - b == a


@few
@given(SCALARS, SCALARS)
def test_adding_and_taking_away_scalars(a: Resources, b: Resources) -> None:
    assert (a + b) - b == a
    assert (a + b).contains(a) and (a + b).contains(b)


@few
@given(sums(), sums(), sums())
def test_addition_commutes_and_associates(a: Resources, b: Resources, c: Resources) -> None:
    assert a + b == b + a and hash(a + b) == hash(b + a)
    assert (a + b) + c == a + (b + c) == Resources.sum([c, a, b])
    assert a + Resources() == a == Resources() + a


@few
@given(sums(), sums())
def test_subtraction_never_fails_and_the_checked_one_does(a: Resources, b: Resources) -> None:
    left = a - b
    assert not (left - a), "no more than there was"
    if a.contains(b):
        assert a.checked_subtract(b) == left
    else:
        with pytest.raises(InsufficientResourcesError):
            a.checked_subtract(b)
    assert (a == b) == (a.contains(b) and b.contains(a))
    assert not a - a and a.contains(a) and a.contains(Resources())


@few
@given(sums())
def test_messages_json_and_printing_come_back(a: Resources) -> None:
    assert Resources(a.messages(1)) == a == Resources(a.messages(0))
    assert Resources.parse(plain_json.dumps(a.to_json())) == a or not a
    assert Resources.from_json(a.to_json()) == a
    assert [str(message) for message in Resources(a.messages())] == [str(message) for message in a]
    assert (str(a) == "{}") == (not a)


@few
@given(sums())
def test_text_comes_back(a: Resources) -> None:
    assert Resources.parse(a.to_text()) == a
    assert Resources.parse(a.to_text()).to_text() == a.to_text()


@few
@given(sums(), st.data())
def test_what_is_found_is_there(a: Resources, data: st.DataObject) -> None:
    assume(a)
    target = data.draw(st.sampled_from(a.messages()))
    found = a.find(target)
    if found is not None:
        assert a.contains(found)
        assert found.quantities() == Resources(target).quantities()


@few
@given(sums())
def test_reservations_come_off_again(a: Resources) -> None:
    pushed = a.push_reservation(layer("DYNAMIC", "a/b/c", "p"))
    assert pushed.pop_reservation() == a
    assert pushed.to_unreserved() == a.to_unreserved()
    assert a.allocate("z").unallocate() == a.unallocate()


def test_a_revocable_and_a_reserved_one_are_among_the_drawn() -> None:
    both = Resources([revocable("cpus:1"), reserved("cpus:1", *LAYERS[3])])
    assert Resources.parse(both.to_text()) == both


# --- messages of every type


def values(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    """Draw a value for one field."""
    kind = field.type
    if kind == FieldDescriptor.TYPE_MESSAGE:
        return contents(field.message_type, depth - 1)  # type: ignore[arg-type]
    if kind == FieldDescriptor.TYPE_ENUM:
        return st.sampled_from([value.name for value in field.enum_type.values])  # type: ignore[union-attr]
    if kind in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
        return st.sampled_from([0.0, 1.5, -2.0, float("inf")])
    if kind == FieldDescriptor.TYPE_BOOL:
        return st.booleans()
    if kind == FieldDescriptor.TYPE_STRING:
        return st.sampled_from(["", "a", "é"])
    if kind == FieldDescriptor.TYPE_BYTES:
        return st.sampled_from([b"", b"\x00\xff"])
    small = kind in (FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_UINT32)
    return st.sampled_from([0, 1, 2**31 - 1 if small else 2**53 + 1])


@st.composite
def contents(draw: st.DrawFn, descriptor: Descriptor, depth: int) -> dict[str, Any]:
    """Draw the constructor's arguments of a message; some fields of it."""
    chosen: dict[str, Any] = {}
    for field in descriptor.fields:
        inner = field.message_type
        if inner is not None and (depth <= 0 or inner.GetOptions().map_entry):
            continue
        if field.containing_oneof is None and draw(st.integers(0, 3)) == 0:
            value = draw(values(field, depth))  # type: ignore[arg-type]
            chosen[field.name] = [value, value] if is_repeated(field) else value
    return chosen


def counterpart(name: str) -> bool:
    """Tell whether a message of v1 has a v0 form."""
    try:
        devolve(registry.message_class(name)())
    except UnknownMessageError:
        return False
    return True


V1 = [name for name in registry.message_names() if name.startswith("mesos.v1.") and counterpart(name)]


def test_nearly_every_v1_message_has_a_v0_form() -> None:
    assert len(V1) > 105


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.data())
def test_devolving_and_evolving_is_the_identity_on_bytes(data: st.DataObject) -> None:
    kind = registry.message_class(data.draw(st.sampled_from(V1)))
    message = kind(**data.draw(contents(kind.DESCRIPTOR, 2)))
    back: Message = evolve(devolve(message))
    assert type(back) is kind
    assert back.SerializePartialToString() == message.SerializePartialToString()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.data())
def test_json_comes_back(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([*registry.message_names()]))
    kind = registry.message_class(name)
    message = kind(**data.draw(contents(kind.DESCRIPTOR, 2)))
    for defaults in (False, True):
        text = json.dumps(message, defaults=defaults)
        back = json.loads(kind, text, partial=True)
        if not defaults:
            assert back == message
        assert json.dumps(back, defaults=defaults) == text


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='cpusdiskmem:;()[]{}<>,-019. \n*/ARV&"', max_size=30))
def test_any_text_parses_or_says_why(text: str) -> None:
    try:
        found = Resources.parse(text)
    except ParseError as error:
        assert error.text[error.position : error.position + len(error.part)] == error.part
    else:
        assert Resources.from_json(found.to_json()) == found


JSON_NAMES = st.sampled_from(["name", "type", "scalar", "value", "ranges", "range", "disk"])
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner) | st.dictionaries(JSON_NAMES, inner),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(JSON_VALUES)
def test_any_json_reads_or_says_why(value: object) -> None:
    with contextlib.suppress(MesosProtoError):
        Resources.parse(plain_json.dumps([value]))
    with contextlib.suppress(MesosProtoError):
        json.from_dict(mesos.Resource, {"name": "x", "disk": value, "scalar": value, "type": value})
