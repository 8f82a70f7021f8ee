"""Every protobuf message of Apache Mesos 1.11, v0 and v1, and the algebra of resources.

Importing this package loads no message: the modules of `mesos_proto.v0` and `mesos_proto.v1` are
loaded when they are imported, and the names below when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mesos_proto.attributes import (
        Attributes,
    )
    from mesos_proto.convert import (
        devolve,
        evolve,
    )
    from mesos_proto.durations import (
        format_duration,
        parse_duration,
    )
    from mesos_proto.errors import (
        ConversionError,
        DurationError,
        InsufficientResourcesError,
        JSONError,
        MesosProtoError,
        OperationError,
        ParseError,
        ResourceError,
        RoleError,
        UnknownMessageError,
    )
    from mesos_proto.registry import (
        message_class,
    )
    from mesos_proto.resources import (
        Resources,
    )
    from mesos_proto.values import (
        Ranges,
    )

__all__ = [
    "Attributes",
    "ConversionError",
    "DurationError",
    "InsufficientResourcesError",
    "JSONError",
    "MesosProtoError",
    "OperationError",
    "ParseError",
    "Ranges",
    "ResourceError",
    "Resources",
    "RoleError",
    "UnknownMessageError",
    "devolve",
    "evolve",
    "format_duration",
    "message_class",
    "parse_duration",
]

_HOMES = {
    "Attributes": "attributes",
    "ConversionError": "errors",
    "DurationError": "errors",
    "InsufficientResourcesError": "errors",
    "JSONError": "errors",
    "MesosProtoError": "errors",
    "OperationError": "errors",
    "ParseError": "errors",
    "Ranges": "values",
    "ResourceError": "errors",
    "Resources": "resources",
    "RoleError": "errors",
    "UnknownMessageError": "errors",
    "devolve": "convert",
    "evolve": "convert",
    "format_duration": "durations",
    "message_class": "registry",
    "parse_duration": "durations",
}


def __getattr__(name: str) -> object:
    """Load the module that holds one of the names above."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
