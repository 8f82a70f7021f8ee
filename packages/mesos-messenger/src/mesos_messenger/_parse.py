"""Parsing as it is done for handlers."""

from __future__ import annotations

from typing import TypeVar

from google.protobuf.message import DecodeError, Message
from mesos_proto.utf8 import text_check

from .errors import MessageError

__all__ = ["parse_message"]

MessageT = TypeVar("MessageT", bound=Message)


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
