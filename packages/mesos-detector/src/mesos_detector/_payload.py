"""Decoders of what says who a master is: JSON and binary MasterInfo, a bare libprocess address."""

from __future__ import annotations

import json
from collections.abc import Mapping

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from mesos_proto.v0 import mesos_pb2

from mesos_detector.leader import info_of_pid, is_usable

MAX_BYTES = 256 * 1024


class GarbageError(ValueError):
    """The bytes do not describe a master."""


def json_object(data: bytes) -> dict[str, object]:
    """Decode a JSON object; raise GarbageError for anything else."""
    try:
        value = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise GarbageError("not JSON") from error
    if not isinstance(value, dict):
        raise GarbageError("not a JSON object")
    return value


def info_from_object(value: Mapping[str, object]) -> mesos_pb2.MasterInfo:
    """Make a MasterInfo of a JSON object; unknown fields are ignored, as Mesos does."""
    try:
        info = json_format.ParseDict(dict(value), mesos_pb2.MasterInfo(), ignore_unknown_fields=True)
    except (json_format.ParseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise GarbageError("not a MasterInfo in JSON") from error
    return _checked(info)


def info_from_json(data: bytes) -> mesos_pb2.MasterInfo:
    """Decode a MasterInfo in JSON, as nodes named `json.info_…` hold it (Mesos 0.24 and later)."""
    return info_from_object(json_object(_bounded(data)))


def info_from_bytes(data: bytes) -> mesos_pb2.MasterInfo:
    """Decode a binary MasterInfo, as nodes named `info_…` hold it (Mesos up to 0.23)."""
    info = mesos_pb2.MasterInfo()
    try:
        info.ParseFromString(_bounded(data))
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise GarbageError("not a binary MasterInfo") from error
    return _checked(info)


def info_from_pid(data: bytes) -> mesos_pb2.MasterInfo:
    """Decode a bare libprocess address, as nodes without a label hold it."""
    try:
        text = _bounded(data).decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise GarbageError("not a libprocess address") from error
    info = info_of_pid(text)
    if info is None:
        raise GarbageError("not a libprocess address")
    return info


def _bounded(data: bytes) -> bytes:
    if len(data) > MAX_BYTES:
        raise GarbageError(f"more than {MAX_BYTES} bytes")
    return data


def _has_broken_text(message: Message) -> bool:
    """Whether a string is not UTF-8: proto2 lets that pass, and Python then gives bytes instead of text."""
    for field, value in message.ListFields():
        values = (value,) if isinstance(value, (str, bytes, int, float, Message)) else value
        for entry in values:
            if isinstance(entry, Message):
                if _has_broken_text(entry):
                    return True
            elif field.type == field.TYPE_STRING and not isinstance(entry, str):
                return True
    return False


def _checked(info: mesos_pb2.MasterInfo) -> mesos_pb2.MasterInfo:
    if _has_broken_text(info):
        raise GarbageError("text that is not UTF-8")
    if not is_usable(info):
        raise GarbageError("no address, or a required field is missing")
    return info
