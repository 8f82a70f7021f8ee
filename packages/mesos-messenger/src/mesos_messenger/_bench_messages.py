"""The messages of the benchmark: a repeated string, in the sizes of mesos-go's benchmark."""

from __future__ import annotations

import random
import string
from typing import Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

__all__ = ["KINDS", "SIZES", "Done", "make_messages"]

SIZES: Final = {"small": (3, 5), "medium": (10, 10), "big": (20, 20), "large": (30, 30)}
"""How many strings a message has, and how long each is."""

_POOL_SIZE: Final = 1000


def _make_kinds(*names: str) -> list[type[Message]]:
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="mesos_messenger/bench.proto", package="mesos_messenger.bench", syntax="proto2"
    )
    for name in names:
        values = file.message_type.add(name=name).field.add(name="values", number=1)
        values.label, values.type = field.LABEL_REPEATED, field.TYPE_STRING
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    kinds = []
    for name in names:
        descriptor = pool.FindMessageTypeByName(f"mesos_messenger.bench.{name}")
        if hasattr(message_factory, "GetMessageClass"):
            kind = message_factory.GetMessageClass(descriptor)
        else:
            # protobuf before 4.22
            kind = getattr(message_factory, "MessageFactory")(pool).GetPrototype(descriptor)  # noqa: B009
        kinds.append(kind)
    return kinds


*KINDS, Done = _make_kinds("SmallMessage", "MediumMessage", "BigMessage", "LargeMessage", "Done")


def make_messages(size: str, seed: int = 1) -> list[Message]:
    """Return messages of one size, or of all four, shuffled (`mixed`)."""
    source = random.Random(seed)
    letters = string.ascii_letters + string.digits
    names = list(SIZES)
    messages = []
    for index in range(_POOL_SIZE):
        name = names[index % 4] if size == "mixed" else size
        count, length = SIZES[name]
        values = ["".join(source.choices(letters, k=length)) for _ in range(count)]
        messages.append(KINDS[names.index(name)](values=values))
    source.shuffle(messages)
    return messages
