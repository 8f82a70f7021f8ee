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

_LONG = 200


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
        super().__init__(f"{problem}: {_short(part)} at position {position} of {_short(text, position)}")
        self.problem = problem
        self.text = text
        self.part = part
        self.position = position

    def __reduce__(self) -> tuple[type[ParseError], tuple[str, str, str, int]]:
        return type(self), (self.problem, self.text, self.part, self.position)


class RoleError(ResourceError):
    """A name that cannot be a role."""


class InsufficientResourcesError(ResourceError):
    """More was asked for than there is."""


class OperationError(ResourceError):
    """An offer operation that cannot be applied to these resources."""


class UnknownMessageError(MesosProtoError, LookupError):
    """No message of that name, or no counterpart of it, in this release of Mesos."""


def _short(text: str, position: int = 0) -> str:
    """Quote text, or where it is long the part of it around a position."""
    if len(text) <= _LONG:
        return repr(text)
    start = max(0, min(position - _LONG // 2, len(text) - _LONG))
    return f"{'…' if start else ''}{text[start : start + _LONG]!r}{'…' if start + _LONG < len(text) else ''}"
