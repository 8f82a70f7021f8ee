"""The parts of protobuf's wire form."""

from __future__ import annotations

from google.protobuf.descriptor import FieldDescriptor

from mesos_proto._fields import Field

__all__ = ["SIZES", "tag", "varint"]

_DELIMITED = {FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES, FieldDescriptor.TYPE_MESSAGE}


def varint(value: int) -> bytes:
    """Return an integer, which is not negative, as protobuf writes it."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


SIZES = tuple(varint(size) for size in range(2048))
"""The varints of usual lengths."""


def tag(field: Field) -> bytes:
    """Return what comes before a value of this field; not for kinds of numbers that Mesos has none of."""
    form = 2 if field.type in _DELIMITED else 1 if field.type == FieldDescriptor.TYPE_DOUBLE else 0
    return varint(field.number << 3 | form)
