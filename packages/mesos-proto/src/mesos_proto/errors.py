"""What this package raises."""

from __future__ import annotations

__all__ = [
    "ConversionError",
    "DurationError",
    "InsufficientResourcesError",
    "JSONError",
    "MesosProtoError",
    "OperationError",
    "ParseError",
    "ResourceError",
    "RoleError",
    "UnknownMessageError",
]


class MesosProtoError(Exception):
    """Base class of every error of this package."""


class ConversionError(MesosProtoError, ValueError):
    """A message holds what its counterpart in the other API cannot."""


class DurationError(MesosProtoError, ValueError):
    """Not a duration, or one that 64-bit nanoseconds cannot hold."""


class JSONError(MesosProtoError, ValueError):
    """JSON that does not fit the message; says where."""


class ResourceError(MesosProtoError, ValueError):
    """A resource that Mesos would not accept; says which and why."""


class ParseError(ResourceError):
    """Text that does not describe a resource, an attribute or a value.

    `text` is the whole text, `part` the piece that is wrong and `position` where it starts.
    """

    def __init__(self, problem: str, text: str, part: str, position: int) -> None:
        super().__init__(f"{problem}: {part!r} at position {position} of {text!r}")
        self.problem = problem
        self.text = text
        self.part = part
        self.position = position


class RoleError(ResourceError):
    """A name that cannot be a role."""


class InsufficientResourcesError(ResourceError):
    """More was asked for than there is."""


class OperationError(ResourceError):
    """An offer operation that cannot be applied to these resources."""


class UnknownMessageError(MesosProtoError, LookupError):
    """No message of that name, or no counterpart of it, in this release of Mesos."""
