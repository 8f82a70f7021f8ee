"""What can go wrong in this package: one base class, misuse and surroundings apart."""

from __future__ import annotations


class ExecutorError(Exception):
    """Base of every error this package raises by itself."""


class AgentEnvironmentError(ExecutorError):
    """The process environment is not one that an agent gives to an executor."""


class DriverMisuse(ExecutorError):
    """The program called the driver in a way that cannot be meant."""


class DriverAborted(ExecutorError):
    """What the agent said, or the driver found out itself, and that ended it (v1 only)."""


class PackError(ExecutorError):
    """A program could not be packed into one file; the message says what to do."""
