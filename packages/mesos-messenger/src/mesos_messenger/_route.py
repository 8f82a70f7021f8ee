"""Messages of one type on their way from one process to another, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from ._heads import MessageHead
from .codec import Encoder
from .upid import UPID

if TYPE_CHECKING:
    from ._outbox import Outbox
    from .messenger import Messenger

__all__ = ["Overflow", "Route", "Undelivered"]


class Overflow(Enum):
    """What `send` does when the queue towards a peer is full."""

    WAIT = "wait"
    """Wait for room; on the messenger's own thread, where waiting would never end, raise instead."""
    RAISE = "raise"
    """Raise `QueueFullError`."""
    DROP = "drop"
    """Drop the message and count it."""


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A message that is not known to have left this process whole."""

    recipient: UPID
    name: str
    body: bytes = field(repr=False)
    reason: str


class Route:
    """Messages of one type from one process to another: their encoder and where they wait."""

    __slots__ = ("encoder", "head", "messenger", "name", "outbox", "recipient")

    def __init__(
        self, messenger: Messenger, outbox: Outbox, sender: UPID, recipient: UPID, name: str, encoder: Encoder
    ) -> None:
        self.messenger = messenger
        self.outbox = outbox
        self.recipient = recipient
        self.name = name
        self.encoder = encoder
        self.head = MessageHead(recipient.id, name, sender)
