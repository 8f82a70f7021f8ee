"""Events and commands of both sides' sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from google.protobuf.message import Message

from mesos_auth.errors import AuthenticationError


@dataclass(frozen=True, slots=True)
class Begin:
    """Event: start the exchange."""


@dataclass(frozen=True, slots=True)
class Received:
    """Event: a message has come from a libprocess address (text of a UPID, empty when it has none)."""

    sender: str
    message: Message


@dataclass(frozen=True, slots=True)
class TimedOut:
    """Event: the time allowed is over."""


@dataclass(frozen=True, slots=True)
class PeerLost:
    """Event: the connection to the peer is broken."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Event: nobody wants the outcome any more."""


@dataclass(frozen=True, slots=True)
class Send:
    """Command: send a message to a libprocess address."""

    to: str
    message: Message


@dataclass(frozen=True, slots=True)
class Link:
    """Command: watch the connection to a libprocess address; its end is PeerLost."""

    to: str


@dataclass(frozen=True, slots=True)
class Done:
    """Command, always the last: the exchange is over.

    With `principal`, it proved that principal; else `error` says why not.
    """

    principal: str | None
    error: AuthenticationError | None = None


Event: TypeAlias = Begin | Received | TimedOut | PeerLost | Cancelled
Command: TypeAlias = Send | Link | Done
