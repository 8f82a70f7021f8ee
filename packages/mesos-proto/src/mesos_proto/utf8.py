"""Text in messages that is not UTF-8.

C++ peers may put any bytes into a string of a proto2 message. Of such a string protobuf's C runtime makes
`bytes` in place of `str`, which fails wherever it is used as text; its Python runtime refuses the message.
So it is found before anybody sees it, and replaced as `bytes.decode(errors="replace")` does.

Strategy: protobuf does check the strings of proto3 messages, in C. So what is not all ASCII is parsed once
more, as a message of a proto3 type that has the fields of the real one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message

from mesos_proto._fields import is_repeated
from mesos_proto._wire import varint

__all__ = ["LARGEST_MENDED", "TextCheck", "text_check"]

LARGEST_MENDED = 256 * 1024
"""Bytes of a body beyond which broken text is not replaced: doing so takes about a microsecond a field."""

_DEEPEST = 100
_STRING = FieldDescriptor.TYPE_STRING
_MESSAGE = FieldDescriptor.TYPE_MESSAGE


class TextCheck:
    """Finds and mends broken text in bodies of one type of message."""

    __slots__ = ("_descriptor", "_parse")

    def __init__(self, descriptor: Descriptor) -> None:
        self._descriptor = descriptor
        kind = _checking_type(descriptor)
        self._parse: Callable[[bytes], object] = bytes if kind is None else kind.FromString

    def passes(self, body: bytes) -> bool:
        """Tell whether every string in a body that can be parsed is UTF-8."""
        try:
            self._parse(body)
        except (DecodeError, UnicodeDecodeError):
            return False
        return True

    def mend(self, body: bytes, limit: int = LARGEST_MENDED) -> bytes | None:
        """Return the body with each string as UTF-8, or None when it is too large or no message."""
        if len(body) > limit:
            return None
        try:
            return _mend(self._descriptor, body, _DEEPEST)
        except (ValueError, IndexError):
            return None


_checks: dict[Any, TextCheck] = {}


def text_check(kind: type[Message]) -> TextCheck:
    """Return the check of a type of message; making it takes a millisecond or two, once."""
    check = _checks.get(kind)
    if check is None:
        check = _checks[kind] = TextCheck(cast(Descriptor, kind.DESCRIPTOR))
    return check


def _checking_type(root: Descriptor) -> type[Message] | None:
    """Make a proto3 type with the fields of another, at any depth; None when none of them is a string."""
    kinds = _kinds_below(root)
    if not any(field.type == _STRING for kind in kinds for field in kind.fields):
        return None
    # Here, for it takes two milliseconds that no start has to wait for.
    from google.protobuf import descriptor_pb2

    proto = descriptor_pb2.FieldDescriptorProto
    names = {kind.full_name: f"M{number}" for number, kind in enumerate(kinds)}
    file = descriptor_pb2.FileDescriptorProto(name="checked.proto", package="checked", syntax="proto3")
    for kind in kinds:
        made = file.message_type.add(name=names[kind.full_name])
        for field in kind.fields:
            label = proto.LABEL_REPEATED if is_repeated(field) else proto.LABEL_OPTIONAL
            part = made.field.add(name=f"f{field.number}", number=field.number, label=label)
            part.type = cast(Any, proto.TYPE_INT32 if field.type == FieldDescriptor.TYPE_ENUM else field.type)
            if field.type == _MESSAGE:
                part.type_name = f".checked.{names[cast(Descriptor, field.message_type).full_name]}"
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return _message_class(pool, pool.FindMessageTypeByName(f"checked.{names[root.full_name]}"))


def _kinds_below(root: Descriptor) -> list[Descriptor]:
    """Give the type and each one that it contains."""
    found: dict[str, Descriptor] = {}
    waiting = [root]
    while waiting:
        kind = waiting.pop()
        if kind.full_name not in found:
            found[kind.full_name] = kind
            waiting += [inner for field in kind.fields if (inner := field.message_type) is not None]
    return list(found.values())


def _message_class(pool: Any, descriptor: Descriptor) -> type[Message]:
    make: Any = getattr(message_factory, "GetMessageClass", None)
    if make is None:  # before protobuf 4.22
        make = cast(Any, message_factory).MessageFactory(pool).GetPrototype
    return cast("type[Message]", make(descriptor))


def _mend(kind: Any, data: bytes, depth: int) -> bytes:
    """Rewrite the strings of a serialized message; raises ValueError or IndexError where it is none."""
    if depth == 0:
        raise ValueError("too deep")
    fields = kind.fields_by_number
    out = bytearray()
    at, end = 0, len(data)
    while at < end:
        start = at
        tag, at = _varint(data, at)
        form = tag & 7
        if form == 2:
            after_tag = at
            size, at = _varint(data, at)
            part = data[at : at + size]
            at += size
            field = fields.get(tag >> 3)
            if field is not None:
                if field.type == _STRING:
                    part = part.decode("utf-8", "replace").encode()
                elif field.type == _MESSAGE:
                    part = _mend(field.message_type, part, depth - 1)
                out += data[start:after_tag] + varint(len(part)) + part
                start = at
        elif form == 0:
            _, at = _varint(data, at)
        elif form in (1, 5):
            at += 8 if form == 1 else 4
        else:
            raise ValueError("a group")
        if at > end:
            raise ValueError("cut short")
        out += data[start:at]
    return bytes(out)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number too long")
