"""What this package raises."""

from __future__ import annotations

__all__ = ["MesosProtoError", "UnknownMessageError"]


class MesosProtoError(Exception):
    """Base class of every error of this package."""


class UnknownMessageError(MesosProtoError, LookupError):
    """No message of that name, or no counterpart of it, in this release of Mesos."""
