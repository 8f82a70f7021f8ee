"""The two forms of a message on the v1 APIs: protobuf and JSON."""

from __future__ import annotations

from typing import Protocol, TypeVar

from google.protobuf.message import DecodeError as ProtobufDecodeError
from google.protobuf.message import EncodeError, Message
from mesos_proto import json
from mesos_proto.errors import MesosProtoError

from .errors import ClientMisuse, DecodeError

_M = TypeVar("_M", bound=Message)


class Codec(Protocol):
    """Writes and reads messages in one media type."""

    @property
    def media_type(self) -> str:
        """The value of Content-Type and Accept."""

    def encode(self, message: Message) -> bytes:
        """Return a message's bytes. Raises `ClientMisuse` when required fields are missing."""

    def decode(self, message_class: type[_M], data: bytes) -> _M:
        """Return the message in these bytes. Raises `DecodeError`."""


class _Protobuf:
    media_type = "application/x-protobuf"

    def __repr__(self) -> str:
        return "PROTOBUF"

    def encode(self, message: Message) -> bytes:
        try:
            return message.SerializeToString()
        except EncodeError as error:
            raise ClientMisuse(str(error)) from error

    def decode(self, message_class: type[_M], data: bytes) -> _M:
        try:
            return message_class.FromString(data)
        except ProtobufDecodeError as error:
            name = message_class.DESCRIPTOR.full_name
            raise DecodeError(f"{len(data)} bytes are no {name}: {error}") from error


class _Json:
    media_type = "application/json"

    def __repr__(self) -> str:
        return "JSON"

    def encode(self, message: Message) -> bytes:
        if not message.IsInitialized():
            missing = ", ".join(message.FindInitializationErrors())  # type: ignore[attr-defined]
            raise ClientMisuse(f"{message.DESCRIPTOR.full_name}: required fields are missing: {missing}")
        try:
            return json.dumps(message, defaults=False).encode()
        except MesosProtoError as error:
            raise ClientMisuse(str(error)) from error

    def decode(self, message_class: type[_M], data: bytes) -> _M:
        try:
            return json.loads(message_class, data)
        except MesosProtoError as error:
            raise DecodeError(
                f"{len(data)} bytes are no {message_class.DESCRIPTOR.full_name}: {error}"
            ) from error


PROTOBUF: Codec = _Protobuf()
JSON: Codec = _Json()
