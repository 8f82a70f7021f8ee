"""The two forms of a message on the v1 APIs: protobuf and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from google.protobuf.message import DecodeError as ProtobufDecodeError
from google.protobuf.message import EncodeError, Message
from mesos_proto import json
from mesos_proto.errors import MesosProtoError
from mesos_proto.utf8 import text_check

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

    def decode_all(self, message_class: type[_M], records: Sequence[bytes]) -> list[_M]:
        """Return the messages in these records. Raises `DecodeError` when any of them is none."""


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
        name = message_class.DESCRIPTOR.full_name
        text = data
        check = text_check(message_class)
        if not data.isascii() and not check.passes(data):
            text = check.mend(data, limit=len(data)) or b""
        try:
            message = message_class.FromString(text or data)
        except (ProtobufDecodeError, UnicodeDecodeError) as error:
            raise DecodeError(f"{len(data)} bytes are no {name}: {error}") from error
        if data and not text:
            raise DecodeError(f"{len(data)} bytes are no {name} in UTF-8")
        return message

    def decode_all(self, message_class: type[_M], records: Sequence[bytes]) -> list[_M]:
        try:
            messages = list(map(message_class.FromString, records))
        except (ProtobufDecodeError, UnicodeDecodeError):
            messages = []
        # Messages one after the other are one message, in which the text of each is looked at.
        whole = b"".join([record for record in records if not record.isascii()])
        if messages and text_check(message_class).passes(whole):
            return messages
        return [self.decode(message_class, record) for record in records]


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

    def decode_all(self, message_class: type[_M], records: Sequence[bytes]) -> list[_M]:
        return [self.decode(message_class, record) for record in records]


PROTOBUF: Codec = _Protobuf()
JSON: Codec = _Json()
