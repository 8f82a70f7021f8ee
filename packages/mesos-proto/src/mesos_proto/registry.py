"""Full names of messages and their classes, both ways, for v0 and v1."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import cache

from google.protobuf.message import Message

from mesos_proto._index import MODULES
from mesos_proto.errors import UnknownMessageError

__all__ = ["full_name", "message_class", "message_names"]


@cache
def message_class(name: str) -> type[Message]:
    """Return the class of a message by its full name, `"mesos.internal.KillTaskMessage"` say.

    Loads the module that holds it. Raises `UnknownMessageError`.
    """
    parts = name.split(".")
    for size in range(len(parts), 0, -1):
        module = MODULES.get(".".join(parts[:size]))
        if module is not None:
            found: object = importlib.import_module(f"mesos_proto.{module}")
            for part in parts[size - 1 :]:
                found = getattr(found, part, None)
            if isinstance(found, type) and issubclass(found, Message):
                return found
    raise UnknownMessageError(f"Mesos 1.11 has no message {name!r}")


def full_name(message: Message | type[Message]) -> str:
    """Return the full name of a message or of its class."""
    return message.DESCRIPTOR.full_name


def message_names() -> Iterator[str]:
    """Iterate over the full names of all top-level messages; loads nothing."""
    return iter(MODULES)
