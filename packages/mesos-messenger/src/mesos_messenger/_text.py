"""Text in messages that is not UTF-8.

C++ peers may put any bytes into a string of a proto2 message. Of such a string protobuf's C runtime makes
`bytes` in place of `str`, which fails wherever it is used as text; its Python runtime refuses the message.
So it is found before a handler sees it, and replaced as `bytes.decode(errors="replace")` does.

Strategy: protobuf does check the strings of proto3 messages, in C. So a body that is not all ASCII is parsed
once more as a message of a proto3 type that has the strings of the real one and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message

from .errors import MessageError

__all__ = ["LARGEST_MENDED", "TextCheck", "parse_message", "text_check"]

MessageT = TypeVar("MessageT", bound=Message)

LARGEST_MENDED = 256 * 1024
"""Bytes of a body beyond which broken text is not replaced: doing so takes about a microsecond a field."""

_DEEPEST = 100
_STRING = FieldDescriptor.TYPE_STRING
_MESSAGE = FieldDescriptor.TYPE_MESSAGE


class TextCheck:
    """Finds and mends broken text in bodies of one type of message."""

    __slots__ = ("_parse", "_strings")

    def __init__(self, descriptor: Descriptor) -> None:
        self._strings = _only_strings(descriptor)
        self._parse: Callable[[bytes], object] = bytes if self._strings is None else self._strings.FromString

    def passes(self, body: bytes) -> bool:
        """Tell whether every string in a body that can be parsed is UTF-8."""
        try:
            self._parse(body)
        except (DecodeError, UnicodeDecodeError):
            return False
        return True

    def mend(self, body: bytes) -> bytes | None:
        """Return the body with each string as UTF-8, or None when it is too large or no message."""
        if self._strings is None or len(body) > LARGEST_MENDED:
            return None
        try:
            return _mend(cast(Descriptor, self._strings.DESCRIPTOR), body, _DEEPEST)
        except (ValueError, IndexError):
            return None


_checks: dict[Any, TextCheck] = {}


def text_check(kind: type[Message]) -> TextCheck:
    """Return the check of a type of message; making it takes a millisecond or two, once."""
    check = _checks.get(kind)
    if check is None:
        check = _checks[kind] = TextCheck(cast(Descriptor, kind.DESCRIPTOR))
    return check


def parse_message(kind: type[MessageT], body: bytes) -> MessageT:
    """Parse a body as it is parsed for handlers, but refuse text that is not UTF-8.

    Raises `MessageError`. Required fields may be missing.
    """
    try:
        message = kind.FromString(body)
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MessageError(f"cannot be parsed as {kind.DESCRIPTOR.full_name}") from error
    if not body.isascii() and not text_check(kind).passes(body):
        raise MessageError(f"a string in the {kind.DESCRIPTOR.full_name} is not UTF-8")
    return message


def _only_strings(root: Descriptor) -> type[Message] | None:
    """Make a proto3 type that has the strings of another, at any depth; None when there are none."""
    fields = _fields_below(root)
    bearing = {name for name, some in fields.items() if any(field.type == _STRING for field in some)}
    while True:
        more = {
            name
            for name, some in fields.items()
            if any(field.type == _MESSAGE and field.message_type.full_name in bearing for field in some)
        }
        if more <= bearing:
            break
        bearing |= more
    if root.full_name not in bearing:
        return None
    # Here, for it takes two milliseconds that no start has to wait for.
    from google.protobuf import descriptor_pb2

    kinds = descriptor_pb2.FieldDescriptorProto
    names = {name: f"M{number}" for number, name in enumerate(sorted(bearing))}
    file = descriptor_pb2.FileDescriptorProto(name="strings.proto", package="strings", syntax="proto3")
    for name, short in names.items():
        kind = file.message_type.add(name=short)
        for field in fields[name]:
            # Repeated: so every occurrence is checked, whatever the label of the original.
            part = kinds(name=f"f{field.number}", number=field.number, label=kinds.LABEL_REPEATED)
            if field.type == _STRING:
                part.type = kinds.TYPE_STRING
            elif field.message_type.full_name in names:
                part.type = kinds.TYPE_MESSAGE
                part.type_name = f".strings.{names[field.message_type.full_name]}"
            else:
                continue
            kind.field.append(part)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return _message_class(pool, pool.FindMessageTypeByName(f"strings.{names[root.full_name]}"))


def _fields_below(root: Descriptor) -> dict[str, list[Any]]:
    """Give, for the type and each one that it contains, the fields that are strings or messages."""
    found: dict[str, list[Any]] = {}
    waiting = [root]
    while waiting:
        kind = waiting.pop()
        if kind.full_name not in found:
            found[kind.full_name] = [field for field in kind.fields if field.type in (_STRING, _MESSAGE)]
            waiting += [field.message_type for field in kind.fields if field.message_type is not None]
    return found


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
                else:
                    part = _mend(field.message_type, part, depth - 1)
                out += data[start:after_tag] + _write_varint(len(part)) + part
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


def _write_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
