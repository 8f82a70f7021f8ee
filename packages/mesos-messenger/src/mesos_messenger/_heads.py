"""Heads of messages: the forms that libprocess sends, understood once and remembered."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

from .upid import UPID

__all__ = ["Framing", "HeadCache", "MessageHead", "sender_of"]

_REQUEST_LINE = re.compile(rb"POST /([^/?#%+\x00-\x20\x7f-\xff]*)(?:/([^?#\x00-\x20\x7f-\xff]*))? HTTP/1\.1")
_FIELD = re.compile(rb"([A-Za-z-]+):([\t\x20-\x7e]*)")
_LENGTH = re.compile(rb"[0-9]{1,15}")
_IDENTITY = b"libprocess/"
_KNOWN: Final = frozenset(
    {b"user-agent", b"libprocess-from", b"connection", b"host", b"transfer-encoding", b"content-length"}
)


class Framing(Enum):
    """How the length of a body is told."""

    CHUNKED = "chunked"
    LENGTH = "length"


class MessageHead:
    """Request line and headers of a message: who sends which message to whom.

    `raw` is the head as it came (empty from the slow path); `length` is that of the body where the
    framing is `LENGTH`. `fault` says why the recipient cannot be understood.
    """

    __slots__ = ("close", "fault", "framing", "key", "length", "name", "raw", "sender", "to")

    def __init__(
        self,
        to: str,
        name: str,
        sender: UPID,
        *,
        raw: bytes = b"",
        framing: Framing = Framing.LENGTH,
        length: int = 0,
        close: bool = False,
        fault: str | None = None,
    ) -> None:
        self.to = to
        self.name = name
        self.key = (to, name)
        self.sender = sender
        self.raw = raw
        self.framing = framing
        self.length = length
        self.close = close
        self.fault = fault

    def __repr__(self) -> str:
        return f"MessageHead(to={self.to!r}, name={self.name!r}, sender={self.sender!r})"


def sender_of(user_agent: bytes | None, libprocess_from: bytes | None) -> UPID | None:
    """Return who sends, empty where it cannot be read; None when this is no message.

    `Libprocess-From` wins; `User-Agent` counts when it starts with `libprocess/`.
    """
    if libprocess_from is not None:
        text = libprocess_from
    elif user_agent is not None and user_agent.startswith(_IDENTITY):
        text = user_agent[len(_IDENTITY) :]
    else:
        return None
    return UPID.parse(text.decode("latin-1"), resolve=False)


def understand(raw: bytes) -> MessageHead | None:
    """Read a head in one of the forms that libprocess sends; None for any other."""
    if not raw.endswith(b"\r\n\r\n"):
        return None
    first, *lines = raw[:-4].split(b"\r\n")
    line = _REQUEST_LINE.fullmatch(first)
    if line is None:
        return None
    fields: dict[bytes, bytes] = {}
    for text in lines:
        field = _FIELD.fullmatch(text)
        if field is None:
            return None
        name = field[1].lower()
        if name not in _KNOWN or name in fields:
            return None
        fields[name] = field[2].strip()
    sender = sender_of(fields.get(b"user-agent"), fields.get(b"libprocess-from"))
    if sender is None or fields.get(b"connection", b"keep-alive").lower() != b"keep-alive":
        return None
    framing, length = Framing.LENGTH, 0
    encoding, content_length = fields.get(b"transfer-encoding"), fields.get(b"content-length")
    if encoding is not None:
        if encoding.lower() != b"chunked" or content_length is not None:
            return None
        framing = Framing.CHUNKED
    elif content_length is not None:
        if _LENGTH.fullmatch(content_length) is None:
            return None
        length = int(content_length)
    to, name = line[1].decode("ascii"), (line[2] or b"").decode("ascii")
    return MessageHead(to, name, sender, raw=raw, framing=framing, length=length)


class HeadCache:
    """The heads seen lately, shared by the connections of an endpoint; bounded in number and size."""

    __slots__ = ("_heads", "_most")

    _LONGEST: Final = 1024

    def __init__(self, most: int = 8192) -> None:
        self._heads: dict[bytes, MessageHead] = {}
        self._most = most

    def find(self, raw: bytes) -> MessageHead | None:
        """Return what this head means; None when it is not in a form that libprocess sends."""
        head = self._heads.get(raw)
        if head is None:
            head = understand(raw)
            if head is not None and len(raw) <= self._LONGEST:
                if len(self._heads) >= self._most:
                    self._heads.clear()
                self._heads[raw] = head
        return head
