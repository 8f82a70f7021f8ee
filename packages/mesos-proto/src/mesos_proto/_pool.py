"""The descriptor pool of these messages, apart from protobuf's default one.

Strategy: protobuf's default pool refuses a second file of the same name, and a second message of
the same full name, whose definitions differ. Another release of Mesos's protos in the same process
would be such a pair, so every generated module adds its file here instead and gets its classes from
here. The wire format knows nothing of pools; only the classes are distinct.
"""

from __future__ import annotations

import copyreg
import threading
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, cast

from google.protobuf import descriptor_pool
from google.protobuf.internal import enum_type_wrapper
from google.protobuf.message import Message
from google.protobuf.reflection import GeneratedProtocolMessageType

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FileDescriptor

POOL = descriptor_pool.DescriptorPool()
_lock = threading.Lock()


def load(module: str, namespace: MutableMapping[str, Any], name: str, serialized: bytes) -> FileDescriptor:
    """Add one file to the pool and put its messages and enums into a module's namespace.

    Arguments: the module's name, its globals, the file's name, its serialized descriptor. What the
    file imports must have been loaded before.
    """
    with _lock:
        POOL.AddSerializedFile(serialized)
        file: FileDescriptor = POOL.FindFileByName(name)
        for enum_name, enum in file.enum_types_by_name.items():
            namespace[enum_name] = enum_type_wrapper.EnumTypeWrapper(enum)
            for value in enum.values:
                namespace[value.name] = value.number
        for message_name, descriptor in file.message_types_by_name.items():
            namespace[message_name] = _message_class(module, descriptor, "")
    return file


def _message_class(module: str, descriptor: Descriptor, prefix: str) -> type[Message]:
    """Make the class of a message and of those nested in it."""
    qualified = prefix + descriptor.name
    members: dict[str, Any] = {
        name: _message_class(module, nested, qualified + ".")
        for name, nested in descriptor.nested_types_by_name.items()
    }
    members.update(DESCRIPTOR=descriptor, __module__=module, __qualname__=qualified)
    made = cast("type[Message]", GeneratedProtocolMessageType(descriptor.name, (Message,), members))
    copyreg.pickle(made, _reduce)
    return made


def _reduce(message: Message) -> tuple[Any, ...]:
    """Pickle a message; protobuf's own way would look its class up in the default pool."""
    return _restore, (message.DESCRIPTOR.full_name, message.SerializePartialToString())


def _restore(full_name: str, serialized: bytes) -> Message:
    """Unpickle a message."""
    from mesos_proto.registry import message_class

    message = message_class(full_name)()
    message.MergeFromString(serialized)
    return message
