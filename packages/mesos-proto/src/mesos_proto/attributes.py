"""Attributes of agents: `"rack:abc;zone:west;os:centos5;level:10;keys:[1000-1500]"`.

Mirrors upstream's `attributes.cpp`, whose attributes are scalars, ranges and text; sets are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, cast, overload

from mesos_proto.errors import ParseError, ResourceError
from mesos_proto.v0 import mesos_pb2 as mesos0
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.values import Ranges, Text, check_encodable, format_scalar, from_fixed, parse_value, to_fixed

__all__ = ["Attributes"]

AnyAttribute = mesos.Attribute | mesos0.Attribute
_Value = int | Ranges | Text


class Attributes:
    """An immutable list of named values; names may repeat."""

    __slots__ = ("_values",)

    _values: tuple[tuple[str, _Value], ...]

    def __init__(self, attributes: Attributes | Iterable[AnyAttribute] = ()) -> None:
        """Take messages of either API. Raises `ResourceError` for one that Mesos would not take."""
        if isinstance(attributes, Attributes):
            self._values = attributes._values
        else:
            self._values = tuple([_read(attribute) for attribute in attributes])

    @classmethod
    def parse(cls, text: str) -> Attributes:
        """Parse `name:value` pairs between semicolons or line ends. Raises `ParseError`."""
        check_encodable(text)
        values = []
        start = 0
        for piece in text.replace("\n", ";").split(";"):
            if piece:
                values.append(_parse(piece, text, start))
            start += len(piece) + 1
        made = cls()
        made._values = tuple(values)
        return made

    def __iter__(self) -> Iterator[mesos.Attribute]:
        for name, value in self._values:
            yield _write(name, value)

    def __len__(self) -> int:
        return len(self._values)

    @overload
    def messages(self, version: Literal[1] = 1) -> list[mesos.Attribute]: ...

    @overload
    def messages(self, version: Literal[0]) -> list[mesos0.Attribute]: ...

    def messages(self, version: int = 1) -> list[mesos.Attribute] | list[mesos0.Attribute]:
        """Return messages of API `version` 1 or 0."""
        if version not in (0, 1):
            raise ValueError(f"version must be 0 or 1, not {version!r}")
        if version == 1:
            return list(self)
        return [mesos0.Attribute.FromString(attribute.SerializeToString()) for attribute in self]

    def get(self, name: str) -> float | Ranges | str | None:
        """Return the first value of a name: a number, ranges or text; None when there is none."""
        for known, value in self._values:
            if known == name:
                if isinstance(value, Text):
                    return value.value
                return from_fixed(value) if isinstance(value, int) else value
        return None

    def __contains__(self, attribute: AnyAttribute) -> bool:
        return _read(attribute) in self._values

    def __eq__(self, other: object) -> bool:
        """The order does not count, and neither does how often one is repeated."""
        if not isinstance(other, Attributes):
            return NotImplemented
        return len(self) == len(other) and set(self._values) == set(other._values)

    def __hash__(self) -> int:
        return hash(frozenset(self._values))

    def __str__(self) -> str:
        """Write text that `parse` reads back."""
        return ";".join(f"{name}:{_text(value)}" for name, value in self._values)

    def __repr__(self) -> str:
        return f"<Attributes {self}>"


def _parse(piece: str, text: str, start: int) -> tuple[str, _Value]:
    name, colon, value = piece.partition(":")
    if not name or not colon or not value:
        raise ParseError("an attribute needs a name, ':' and a value", text, piece, start)
    parsed = parse_value(value, whole=text, offset=start + len(name) + 1)
    if isinstance(parsed, tuple):
        raise ParseError("an attribute cannot be a set", text, value, start + len(name) + 1)
    return name, parsed


def _read(attribute: AnyAttribute) -> tuple[str, _Value]:
    name = attribute.name
    if not name:
        raise ResourceError("an attribute has no name")
    for text in (name, attribute.text.value):
        if not isinstance(text, str):
            raise ResourceError(f"attribute: {text!r} is not text in UTF-8")
    kinds = {
        mesos.Value.SCALAR: attribute.HasField("scalar"),
        mesos.Value.RANGES: attribute.HasField("ranges"),
        mesos.Value.TEXT: attribute.HasField("text"),
    }
    if not kinds.get(cast("mesos.Value.Type.ValueType", attribute.type)):
        raise ResourceError(f"attribute {name!r} must be of type SCALAR, RANGES or TEXT and have that value")
    if attribute.type == mesos.Value.SCALAR:
        return name, to_fixed(attribute.scalar.value)
    if attribute.type == mesos.Value.RANGES:
        return name, Ranges((span.begin, span.end) for span in attribute.ranges.range)
    return name, Text(attribute.text.value)


def _write(name: str, value: _Value) -> mesos.Attribute:
    attribute = mesos.Attribute(name=name)
    if isinstance(value, int):
        attribute.type = mesos.Value.SCALAR
        attribute.scalar.value = from_fixed(value)
    elif isinstance(value, Ranges):
        attribute.type = mesos.Value.RANGES
        attribute.ranges.SetInParent()
        for begin, end in value:
            attribute.ranges.range.add(begin=begin, end=end)
    else:
        attribute.type = mesos.Value.TEXT
        attribute.text.value = value.value
    return attribute


def _text(value: _Value) -> str:
    if isinstance(value, int):
        return format_scalar(value)
    return str(value) if isinstance(value, Ranges) else value.value
