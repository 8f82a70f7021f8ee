"""What fields are, in whichever release of protobuf."""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

__all__ = [
    "FLOATS",
    "INTEGERS",
    "Field",
    "enum_numbers",
    "fields_by_name",
    "is_map",
    "is_repeated",
    "is_required",
]

Field = Any
"""A `FieldDescriptor`; each implementation of protobuf has a class of its own."""

FLOATS = {FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT}
INTEGERS = {
    **dict.fromkeys(
        (FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_SINT32, FieldDescriptor.TYPE_SFIXED32),
        (-(2**31), 2**31 - 1),
    ),
    **dict.fromkeys(
        (FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_SINT64, FieldDescriptor.TYPE_SFIXED64),
        (-(2**63), 2**63 - 1),
    ),
    **dict.fromkeys((FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_FIXED32), (0, 2**32 - 1)),
    **dict.fromkeys((FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_FIXED64), (0, 2**64 - 1)),
}
"""The types of integers, with the least and the most that each can hold."""


@cache
def is_repeated(field: Field) -> bool:
    """Tell whether a field holds any number of values; a map does."""
    # `label` is deprecated in new releases of protobuf, `is_repeated` is missing from old ones.
    answer: bool | None = getattr(field, "is_repeated", None)
    return bool(field.label == FieldDescriptor.LABEL_REPEATED) if answer is None else answer


@cache
def is_required(field: Field) -> bool:
    """Tell whether a message without this field is incomplete."""
    answer: bool | None = getattr(field, "is_required", None)
    return bool(field.label == FieldDescriptor.LABEL_REQUIRED) if answer is None else answer


@cache
def is_map(field: Field) -> bool:
    """Tell whether a field is a map."""
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


# Dicts of our own: protobuf's mappings raise SystemError when asked for what is no text, as "\ud800".


@cache
def fields_by_name(descriptor: Descriptor) -> dict[str, Field]:
    """Return the fields of a type of message."""
    return {field.name: field for field in descriptor.fields}


@cache
def enum_numbers(enum: EnumDescriptor) -> dict[str, int]:
    """Return the numbers of an enum's names, aliases too."""
    return {value.name: value.number for value in enum.values}
