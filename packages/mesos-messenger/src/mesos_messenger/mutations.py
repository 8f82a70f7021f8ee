"""Messages made hostile, one field at a time, for tests of whoever handles messages.

for what, body in mutations(sample):
    message = as_handled(type(sample), body)   # None: the messenger drops it
    if message is not None:
        session.handle(Received(sender, message), now)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from mesos_proto.utf8 import text_check

__all__ = ["as_handled", "mutations"]

MessageT = TypeVar("MessageT", bound=Message)

_TEXTS = ("", "a\0b", "/../..", "@0.0.0.0:0", "a b\r\n%s{0}", "x" * (1 << 20))
_BROKEN = b"caf\xe9"
_STAND_IN = "\x02\x03\x04\x05"
"""Of the same length, and in no sample."""

_REALS = (0.0, -1.0, float("nan"), float("inf"), -float("inf"), 1e300)
_UNKNOWN_ENUM = b"\xca\xa4\x3c"

_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: (-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(1 << 63), (1 << 63) - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, (1 << 32) - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, (1 << 64) - 1),
}
_REAL = (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT)


def as_handled(kind: type[MessageT], body: bytes) -> MessageT | None:
    """Give the message that a handler gets for a body; None when it is dropped."""
    if not text_check(kind).passes(body):
        mended = text_check(kind).mend(body)
        if mended is None:
            return None
        body = mended
    message = kind.FromString(body)
    return message if message.IsInitialized() else None


def mutations(sample: Message) -> Iterator[tuple[str, bytes]]:
    """Yield what was done and the serialized message, for each field that is set, at any depth.

    Texts become empty, broken, very long, and so on; numbers extreme, enums unknown; fields are left
    out, and repeated ones doubled. Required fields may be missing.
    """
    paths = list(_paths(sample))
    for path in paths:
        name = ".".join(str(step) for step in path)
        yield from ((f"{name}: {what}", body) for what, body in _of_field(sample, path))


def _paths(message: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where the fields are: names, and indices into repeated ones."""
    for field, value in message.ListFields():
        here = (*above, field.name)
        yield here
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        if _is_list(value):
            for index, each in enumerate(value):
                yield from _paths(each, (*here, index))
        else:
            yield from _paths(value, here)


def _is_list(value: object) -> bool:
    return hasattr(value, "extend")


def _owner(message: Any, path: tuple[Any, ...]) -> Any:
    for step in path[:-1]:
        message = message[step] if isinstance(step, int) else getattr(message, step)
    return message


def _of_field(sample: Message, path: tuple[Any, ...]) -> Iterator[tuple[str, bytes]]:
    name = path[-1]
    field = _owner(sample, path).DESCRIPTOR.fields_by_name[name]
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return

    def changed(change: Any) -> bytes:
        copy = type(sample)()
        copy.CopyFrom(sample)
        change(_owner(copy, path))
        return copy.SerializePartialToString()

    yield "left out", changed(lambda owner: owner.ClearField(name))
    listed = _is_list(getattr(_owner(sample, path), name))
    if listed:
        yield "doubled", changed(lambda owner: getattr(owner, name).MergeFrom(list(getattr(owner, name))))

    def put(value: object) -> bytes:
        if not listed:
            return changed(lambda owner: setattr(owner, name, value))
        return changed(lambda owner: getattr(owner, name).__setitem__(0, value))

    if field.message_type is not None:
        if not listed:
            yield "empty", changed(lambda owner: getattr(owner, name).Clear())
    elif field.type == FieldDescriptor.TYPE_STRING:
        for text in _TEXTS:
            yield f"{text[:20]!r} of {len(text)}", put(text)
        yield repr(_BROKEN), put(_STAND_IN).replace(_STAND_IN.encode(), _BROKEN)
    elif field.type == FieldDescriptor.TYPE_BYTES:
        for data in (*(text.encode() for text in _TEXTS), _BROKEN, bytes(16), bytes(17)):
            yield f"{data[:20]!r} of {len(data)}", put(data)
    elif field.enum_type is not None:
        raw = _varint(field.number << 3) + _UNKNOWN_ENUM
        yield "unknown", changed(lambda owner: (owner.ClearField(name), owner.MergeFromString(raw)))
    elif field.cpp_type in _REAL:
        for real in _REALS:
            yield str(real), put(real)
    elif field.cpp_type in _INTEGERS:
        for number in _INTEGERS[field.cpp_type]:
            yield str(number), put(number)


def _varint(value: int) -> bytes:
    return bytes([value & 127 | 128, value >> 7]) if value > 127 else bytes([value])
