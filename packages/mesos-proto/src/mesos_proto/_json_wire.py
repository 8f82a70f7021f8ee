"""JSON objects in the form Mesos writes, turned into the wire form of a message.

Strategy: reading a message field by field costs more than anything else. Here each type of message is
compiled once to functions that write its wire form, which protobuf then parses in one call. They take only
what has one meaning, complete messages of canonical values; for all else (null, a number as text, an unknown
enum, a lone value for a list, a required field that is missing) they raise one of `UNUSUAL`, and whoever
called reads field by field, which knows every meaning and names every error.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from mesos_proto._fields import (
    INTEGERS,
    Field,
    enum_numbers,
    fields_by_name,
    is_map,
    is_repeated,
    is_required,
)
from mesos_proto._wire import SIZES, tag, varint

__all__ = ["UNUSUAL", "wire_writer"]

UNUSUAL = (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError)

_Write = Callable[[Any], bytes]

_VARINTS = {
    FieldDescriptor.TYPE_INT32,
    FieldDescriptor.TYPE_INT64,
    FieldDescriptor.TYPE_UINT32,
    FieldDescriptor.TYPE_UINT64,
}


@cache
def wire_writer(descriptor: Descriptor) -> _Write:
    """Return the function from a JSON object to the wire form of such a message; it raises `UNUSUAL`."""
    return _Writers(descriptor).write


class _Writers(dict[str, _Write]):
    """The fields of a type by their names, each with what writes it; unknown ones write nothing."""

    def __init__(self, descriptor: Descriptor) -> None:
        self._required = frozenset(field.name for field in descriptor.fields if is_required(field))
        # Types contain themselves, so what a field of them needs is made when it is first seen.
        self._fields = fields_by_name(descriptor)

    def __missing__(self, name: str) -> _Write:
        field = self._fields.get(name)
        if field is None:
            return _nothing
        write = self[name] = _field_writer(field)
        return write

    def write(self, value: Mapping[str, Any]) -> bytes:
        """Return the wire form of a message."""
        if not self._required <= value.keys():
            raise KeyError(*(self._required - value.keys()))
        out = b""
        for name, part in value.items():
            out += self[name](part)
        return out


def _nothing(value: object) -> bytes:
    return b""


def _field_writer(field: Field) -> _Write:
    if is_map(field):
        return _map_writer(field)
    write = _value_writer(field)
    return _list_writer(write) if is_repeated(field) else write


def _list_writer(write: _Write) -> _Write:
    def write_list(value: object) -> bytes:
        if type(value) is not list:
            raise TypeError("not a list")
        return b"".join([write(item) for item in value])

    return write_list


def _map_writer(field: Field) -> _Write:
    kinds = field.message_type.fields_by_name
    if kinds["key"].type != FieldDescriptor.TYPE_STRING:
        return _refuse
    begin = tag(field)
    write_key, write_item = _value_writer(kinds["key"]), _value_writer(kinds["value"])

    def write_map(value: Mapping[str, object]) -> bytes:
        entries = [write_key(key) + write_item(item) for key, item in value.items()]
        return b"".join([begin + varint(len(entry)) + entry for entry in entries])

    return write_map


def _value_writer(field: Field) -> _Write:
    """Return what writes one value, with the tag of its field."""
    begin = tag(field)
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return _delimited(begin, wire_writer(field.message_type))
    if field.type == FieldDescriptor.TYPE_STRING:
        return _delimited(begin, str.encode)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _delimited(begin, _from_base64)
    if field.type == FieldDescriptor.TYPE_ENUM:
        numbers = enum_numbers(field.enum_type).items()
        return {name: begin + varint(number & (2**64 - 1)) for name, number in numbers}.__getitem__
    if field.type == FieldDescriptor.TYPE_BOOL:
        return _bool_writer(begin)
    if field.type == FieldDescriptor.TYPE_DOUBLE:
        return _double_writer(begin)
    return _integer_writer(begin, *INTEGERS[field.type]) if field.type in _VARINTS else _refuse


def _delimited(begin: bytes, encode: _Write) -> _Write:
    def write(value: object) -> bytes:
        data = encode(value)
        size = len(data)
        return begin + (SIZES[size] if size < 2048 else varint(size)) + data

    return write


def _from_base64(value: str) -> bytes:
    return base64.b64decode(value.encode(), validate=True)


def _bool_writer(begin: bytes) -> _Write:
    true, false = begin + b"\1", begin + b"\0"

    def write(value: object) -> bytes:
        if type(value) is not bool:
            raise TypeError("not a boolean")
        return true if value else false

    return write


def _double_writer(begin: bytes) -> _Write:
    pack = struct.Struct("<d").pack

    def write(value: Any) -> bytes:
        if type(value) not in (float, int) or value != value:
            raise TypeError("not a number")
        return begin + pack(float(value))

    return write


def _integer_writer(begin: bytes, least: int, most: int) -> _Write:
    def write(value: Any) -> bytes:
        if type(value) is not int or not least <= value <= most:
            raise TypeError("not an integer of this size")
        return begin + varint(value & (2**64 - 1))

    return write


def _refuse(value: object) -> bytes:
    raise TypeError("a kind of value that is read otherwise")
