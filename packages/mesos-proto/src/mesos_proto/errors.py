"""What this package raises."""

from __future__ import annotations

__all__ = ["ConversionError", "DurationError", "MesosProtoError", "UnknownMessageError"]


class MesosProtoError(Exception):
    """Base class of every error of this package."""


class ConversionError(MesosProtoError, ValueError):
    """A message holds what its counterpart in the other API cannot."""


class DurationError(MesosProtoError, ValueError):
    """Not a duration, or one that 64-bit nanoseconds cannot hold."""


class UnknownMessageError(MesosProtoError, LookupError):
    """No message of that name, or no counterpart of it, in this release of Mesos."""
