"""Every protobuf message of Apache Mesos 1.11, v0 and v1, and the algebra of resources.

Importing this package loads no message: the modules of `mesos_proto.v0` and `mesos_proto.v1` are
loaded when they are imported, and the names below when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mesos_proto.convert import devolve, evolve
    from mesos_proto.errors import (
        ConversionError,
        DurationError,
        MesosProtoError,
        UnknownMessageError,
    )
    from mesos_proto.registry import message_class

__all__ = [
    "ConversionError",
    "DurationError",
    "MesosProtoError",
    "UnknownMessageError",
    "devolve",
    "evolve",
    "message_class",
]

_HOMES = {
    "ConversionError": "errors",
    "DurationError": "errors",
    "MesosProtoError": "errors",
    "UnknownMessageError": "errors",
    "devolve": "convert",
    "evolve": "convert",
    "message_class": "registry",
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
