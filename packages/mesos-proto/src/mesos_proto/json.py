"""Messages as JSON, in Mesos's own mapping.

Mirrors stout's `protobuf.hpp`, which is not proto3's JSON: field names stay as they are, 64-bit
integers are numbers, bytes are base64, infinities are strings, and an optional field that has an
explicit default and is not deprecated is written even when it is not set. Reading is lenient as
there: unknown names are skipped, numbers and booleans may be strings, `null` is a field not set.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message

from mesos_proto._fields import FLOATS, INTEGERS, Field, enum_numbers, fields_by_name, is_map, is_repeated
from mesos_proto._json_shapes import Shapes
from mesos_proto._json_wire import UNUSUAL, wire_writer
from mesos_proto._json_write import write_object
from mesos_proto.errors import JSONError

__all__ = ["dumps", "from_dict", "loads", "to_dict"]

_M = TypeVar("_M", bound=Message)


def to_dict(message: Message, *, defaults: bool = True) -> dict[str, object]:
    """Return a message as a JSON object, to be dumped.

    Without `defaults`, only fields that are set are written, which Mesos reads just as well. Raises
    `JSONError` for a number that JSON cannot say.
    """
    return write_object(message, defaults)


def dumps(message: Message, *, defaults: bool = True, indent: int | None = None) -> str:
    """Return a message as JSON text; see `to_dict`."""
    return json.dumps(to_dict(message, defaults=defaults), indent=indent)


def from_dict(message_class: type[_M], data: Mapping[str, object], *, partial: bool = False) -> _M:
    """Read a message from a JSON object. Raises `JSONError`; with `partial`, not for missing fields."""
    try:
        return message_class.FromString(wire_writer(cast("Descriptor", message_class.DESCRIPTOR))(data))
    except (*UNUSUAL, DecodeError):
        # Field by field it is understood, or what is wrong is named.
        return _read_fields(message_class, data, partial)


def loads(message_class: type[_M], text: str | bytes, *, partial: bool = False) -> _M:
    """Read a message from JSON text. Raises `JSONError`."""
    shapes = _shapes.get(message_class)
    if shapes is None:
        shapes = _shapes[message_class] = Shapes(cast("Descriptor", message_class.DESCRIPTOR))
    wire = shapes.wire(text) if isinstance(text, bytes) else None
    if wire is not None:
        try:
            return message_class.FromString(wire)
        except DecodeError:
            pass  # Nested deeper than protobuf allows, which the reader of fields does not mind.
    data = _parse(text)
    if not isinstance(data, dict):
        raise JSONError(f"{message_class.DESCRIPTOR.name}: want a JSON object, not {_kind(data)}")
    message = from_dict(message_class, data, partial=partial)
    if isinstance(text, bytes) and not partial:
        shapes.missed(text)
    return message


_shapes: dict[type[Message], Shapes] = {}
_scan = json.JSONDecoder().raw_decode


def _parse(text: str | bytes) -> object:
    """Parse JSON; most is UTF-8 without space around, which needs less than `json.loads` does."""
    try:
        string = text if isinstance(text, str) else str(text, "utf-8")
        data, end = _scan(string)
        if end == len(string):
            return data
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise JSONError(f"not JSON: {error}") from None


def _read_fields(message_class: type[_M], data: Mapping[str, object], partial: bool) -> _M:
    message = message_class()
    name = message_class.DESCRIPTOR.name
    try:
        _read(message, data, name)
    except RecursionError:
        raise JSONError(f"{name}: nested too deep") from None
    if not partial and not message.IsInitialized():
        missing = ", ".join(cast("Any", message).FindInitializationErrors())
        raise JSONError(f"{name}: required fields are missing: {missing}")
    return message


def _read(message: Message, data: Mapping[str, object], path: str) -> None:
    """Fill a message from an object; `path` names it in errors."""
    fields = fields_by_name(cast("Descriptor", message.DESCRIPTOR))
    for name, value in data.items():
        field = fields.get(name)
        if field is not None and value is not None:
            _read_field(message, field, value, f"{path}.{name}")


def _read_field(message: Message, field: Field, value: object, path: str) -> None:
    target: Any = getattr(message, field.name)
    if is_map(field):
        _read_map(target, field, value, path)
    elif is_repeated(field):
        # A lone value stands for a list of one.
        items = value if isinstance(value, list) else [value]
        for index, item in enumerate(items):
            where = f"{path}[{index}]"
            if field.type == FieldDescriptor.TYPE_MESSAGE:
                if item is not None:
                    _read(target.add(), _object(item, where), where)
                continue
            read = None if item is None else _read_one(field, item, where)
            if read is not None:
                target.append(read)
    elif field.type == FieldDescriptor.TYPE_MESSAGE:
        target.SetInParent()
        _read(target, _object(value, path), path)
    else:
        read = _read_one(field, value, path)
        if read is not None:
            setattr(message, field.name, read)


def _read_map(target: Any, field: Field, value: object, path: str) -> None:
    kinds = field.message_type.fields_by_name
    for text, item in _object(value, path).items():
        where = f"{path}[{text!r}]"
        key = _read_one(kinds["key"], text, where)
        if kinds["value"].type == FieldDescriptor.TYPE_MESSAGE:
            _read(target[key], {} if item is None else _object(item, where), where)
        else:
            read = None if item is None else _read_one(kinds["value"], item, where)
            if read is not None:
                target[key] = read


def _read_one(field: Field, value: object, path: str) -> object | None:
    """Read a value that is no message; None means that the field stays unset."""
    kind = field.type
    if kind in INTEGERS:
        return _read_integer(value, path, *INTEGERS[kind])
    if kind in FLOATS:
        return _read_float(value, path)
    if kind == FieldDescriptor.TYPE_BOOL:
        if isinstance(value, str) and value in ("true", "false"):
            return value == "true"
        if isinstance(value, bool):
            return value
        raise JSONError(f"{path}: want a boolean, not {_kind(value)}")
    if not isinstance(value, str):
        raise JSONError(f"{path}: want a string, not {_kind(value)}")
    if kind == FieldDescriptor.TYPE_ENUM:
        return enum_numbers(field.enum_type).get(value)
    if kind == FieldDescriptor.TYPE_BYTES:
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise JSONError(f"{path}: not base64: {error}") from None
    try:
        value.encode()
    except UnicodeEncodeError:
        raise JSONError(f"{path}: not text that UTF-8 can say") from None
    return value


def _read_integer(value: object, path: str, least: int, most: int) -> int:
    number = _number(value, path)
    if isinstance(number, float):
        if not math.isfinite(number):
            raise JSONError(f"{path}: want an integer, not {number}")
        number = int(number)
    if not least <= number <= most:
        raise JSONError(f"{path}: {number} is not between {least} and {most}")
    return number


def _read_float(value: object, path: str) -> float:
    if value in ("Infinity", "-Infinity"):
        return float("inf") if value == "Infinity" else float("-inf")
    try:
        return float(_number(value, path))
    except OverflowError:
        raise JSONError(f"{path}: {value} is too large") from None


def _number(value: object, path: str) -> int | float:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise JSONError(f"{path}: {value!r} is not a number") from None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        raise JSONError(f"{path}: want a number, not {_kind(value)}")
    return value


def _object(value: object, path: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise JSONError(f"{path}: want an object, not {_kind(value)}")
    return value


def _kind(value: object) -> str:
    """Name the JSON kind of a value."""
    if value is None:
        return "null"
    names: Iterable[tuple[type | tuple[type, ...], str]] = (
        (bool, "a boolean"),
        ((int, float), "a number"),
        (str, "a string"),
        (list, "an array"),
        (dict, "an object"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), repr(type(value).__name__))
