"""Messages as JSON objects; each type of message is compiled once to a function for each of its fields."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from mesos_proto._fields import FLOATS, Field, is_map, is_repeated
from mesos_proto.errors import JSONError

__all__ = ["write_object"]

_Write = Callable[[Any, bool], object]
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class _Part:
    """A field: its name, what writes it, and what is written when it is not set (or `_ABSENT`)."""

    name: str
    write: _Write
    default: object


@dataclass(frozen=True, slots=True)
class _Plan:
    """The fields of a type by their numbers, as they are declared; `by_number`: that is their order, too."""

    parts: dict[int, _Part]
    by_number: bool


_plans: dict[type[Message], _Plan] = {}


def write_object(message: Message, defaults: bool) -> dict[str, object]:
    """Return the JSON object of a message; see `mesos_proto.json.to_dict`."""
    plan = _plans.get(type(message)) or _plan(type(message))
    parts = plan.parts
    result: dict[str, object] = {}
    if plan.by_number and not defaults:
        for field, value in message.ListFields():
            part = parts[field.number]
            result[part.name] = part.write(value, False)
        return result
    present = {field.number: value for field, value in message.ListFields()}
    for number, part in parts.items():
        if number in present:
            result[part.name] = part.write(present[number], defaults)
        elif defaults and part.default is not _ABSENT:
            result[part.name] = part.default
    return result


def _plan(kind: type[Message]) -> _Plan:
    parts = {field.number: _part(field) for field in cast("Descriptor", kind.DESCRIPTOR).fields}
    plan = _plans[kind] = _Plan(parts, list(parts) == sorted(parts))
    return plan


def _part(field: Field) -> _Part:
    write = _value_writer(field)
    default = _ABSENT
    if field.has_default_value and not is_repeated(field) and not field.GetOptions().deprecated:
        default = write(field.default_value, True)
    if is_map(field):
        write = _map_writer(_value_writer(field.message_type.fields_by_name["value"]))
    elif is_repeated(field):
        write = _list_writer(write)
    return _Part(field.name, write, default)


def _map_writer(write: _Write) -> _Write:
    def write_map(value: Any, defaults: bool) -> object:
        return {_key_text(key): write(value[key], defaults) for key in value}

    return write_map


def _list_writer(write: _Write) -> _Write:
    def write_list(value: Any, defaults: bool) -> object:
        return [write(item, defaults) for item in value]

    return write_list


def _value_writer(field: Field) -> _Write:
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return write_object
    if field.type == FieldDescriptor.TYPE_ENUM:
        names = {value.number: value.name for value in reversed(field.enum_type.values)}
        return lambda value, defaults: names.get(value, value)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return lambda value, defaults: base64.b64encode(value).decode("ascii")
    if field.type in FLOATS:
        return _float_writer(field.name)
    if field.type == FieldDescriptor.TYPE_STRING:
        return _text_writer(field.name)
    return lambda value, defaults: value


def _float_writer(name: str) -> _Write:
    def write(value: float, defaults: bool) -> object:
        if math.isfinite(value):
            return value
        if math.isnan(value):
            raise JSONError(f"field {name!r} is NaN, which JSON cannot say")
        return "Infinity" if value > 0 else "-Infinity"

    return write


def _text_writer(name: str) -> _Write:
    def write(value: object, defaults: bool) -> object:
        if not isinstance(value, str):
            raise JSONError(f"field {name!r} is not text in UTF-8")
        return value

    return write


def _key_text(key: object) -> str:
    if isinstance(key, bytes):
        raise JSONError(f"key {key!r} is not text in UTF-8")
    return json.dumps(key) if isinstance(key, bool) else str(key)
