"""What can go wrong in this package: one base class; misuse, the master's refusal and surroundings apart."""

from __future__ import annotations


class SchedulerError(Exception):
    """Base of every error this package raises by itself."""


class DriverMisuse(SchedulerError):
    """The program called the driver in a way that cannot be meant."""


class UnsupportedByMaster(SchedulerError):
    """The leading master is too old for this call; the message names both versions."""


class DriverAborted(SchedulerError):
    """What the driver was told by the master, or found out itself, and that ended it."""


class FlagError(SchedulerError):
    """A driver flag in the environment has a value that cannot be used."""


class FrameworkIdStoreError(SchedulerError):
    """The stored framework id could not be read or written."""
