"""What can go wrong between processes: one base class, misuse and a peer's violations apart."""

from __future__ import annotations

__all__ = [
    "AddressError",
    "ConfigurationError",
    "MessageError",
    "MessengerError",
    "NotRunningError",
    "ProtocolError",
    "QueueFullError",
    "UsageError",
]


class MessengerError(Exception):
    """Base of everything this package raises."""


class ProtocolError(MessengerError):
    """A peer sent what HTTP or libprocess does not allow, or more than a limit allows.

    `status` is the HTTP status that tells the peer so, or None where libprocess closes the
    connection without a word.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class UsageError(MessengerError):
    """The caller asked for something that makes no sense; retrying does not help."""


class ConfigurationError(UsageError, ValueError):
    """An option or environment variable has a value that cannot be used."""


class AddressError(ConfigurationError):
    """An address cannot be parsed, resolved, bound or advertised."""


class MessageError(UsageError, ValueError):
    """A message cannot be serialized (a required field is missing, or it is no protobuf message)."""


class NotRunningError(UsageError, RuntimeError):
    """The messenger has not been started, or has been stopped."""


class QueueFullError(MessengerError):
    """The queue towards a peer holds all it may (`Overflow.RAISE`, or a wait that could not end)."""
