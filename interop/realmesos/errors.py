"""What can go wrong with the equipment itself."""

from __future__ import annotations


class RealMesosError(Exception):
    """Base class of the equipment's errors."""


class NotSupported(RealMesosError):
    """This machine cannot run the binary at all (another platform, or packages that are missing)."""


class BuildFailed(RealMesosError):
    """The library could not be fetched, patched or compiled against."""


class StartFailed(RealMesosError):
    """A server ended early or did not become ready in time."""
