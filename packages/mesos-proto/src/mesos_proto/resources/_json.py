"""Resources as a JSON array, the other form of an agent's `--resources`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import cast

from mesos_proto.errors import JSONError, ParseError
from mesos_proto.json import from_dict, to_dict
from mesos_proto.resources._shape import Entry, read
from mesos_proto.resources._validate import validate
from mesos_proto.v1 import mesos_pb2 as mesos


def parse(text: str, default_role: str) -> list[Entry]:
    """Read text that begins like an array. Raises `ParseError` with the position where it breaks."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise ParseError(
            f"not JSON: {error.msg}", text, text[error.pos : error.pos + 20], error.pos
        ) from None
    except RecursionError:
        raise ParseError("JSON nested too deep", text, text[:20], 0) from None
    try:
        return read_array(data, default_role)
    except JSONError as error:
        raise ParseError(str(error), text, text.strip(), len(text) - len(text.lstrip())) from None


def read_array(data: str | Iterable[Mapping[str, object]], default_role: str) -> list[Entry]:
    """Read an array. Raises `JSONError` for what is no resource, `ResourceError` for an invalid one."""
    if isinstance(data, str):
        try:
            data = cast("Iterable[Mapping[str, object]]", json.loads(data))
        except (ValueError, RecursionError) as error:
            raise JSONError(f"not JSON: {error}") from None
    if isinstance(data, (str, Mapping)) or not isinstance(data, Iterable):
        raise JSONError("want an array of resources")
    entries = []
    for index, item in enumerate(data):
        if not isinstance(item, Mapping):
            raise JSONError(f"resource {index}: want an object")
        try:
            resource = from_dict(mesos.Resource, dict(item))
        except JSONError as error:
            raise JSONError(f"resource {index}: {error}") from None
        if not resource.HasField("role") and not resource.reservations:
            resource.role = default_role
        validate(resource)
        entries.append(read(resource))
    return entries


def write_array(resources: Iterable[mesos.Resource]) -> list[dict[str, object]]:
    """Write an array of what is set."""
    return [to_dict(resource, defaults=False) for resource in resources]
