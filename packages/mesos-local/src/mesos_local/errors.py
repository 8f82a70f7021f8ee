"""Errors of this package, under one base class."""

from __future__ import annotations

__all__ = [
    "ClusterError",
    "ConfigurationError",
    "FaultError",
    "FetchError",
    "MesosLocalError",
    "RegistryError",
]


class MesosLocalError(Exception):
    """Anything that goes wrong in an embedded cluster."""


class ConfigurationError(MesosLocalError, ValueError):
    """A flag or an argument that cannot be used; the text says what to write instead."""


class ClusterError(MesosLocalError):
    """A cluster that does not start, or is asked for something after its end."""


class RegistryError(ClusterError):
    """The file in which masters keep what they know for good cannot be read or written."""


class FaultError(MesosLocalError):
    """A fault that did not happen in time."""


class FetchError(MesosLocalError):
    """A URI of a command that cannot be brought into the sandbox."""
