"""UPID: the address of one libprocess process, `id@ip:port`.

Parsing follows libprocess (pid.cpp), which never fails: what it cannot read becomes the empty UPID.
"""

from __future__ import annotations

import re
import socket
from typing import Final

__all__ = ["EMPTY", "UPID", "Address", "is_ipv4"]

Address = tuple[str, int]
"""An IPv4 address in dotted form, and a port."""

_PORT = re.compile(r"[+-]?[0-9]+")
_ANY = "0.0.0.0"


def is_ipv4(text: str) -> bool:
    """Tell whether the text is an IPv4 address in dotted form."""
    try:
        socket.inet_pton(socket.AF_INET, text)
    except (OSError, UnicodeEncodeError, ValueError):
        return False
    return True


def _resolve(host: str) -> str | None:
    try:
        found = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError):
        return None
    return str(found[0][4][0]) if found else None


class UPID:
    """The address of a process: immutable, hashable, falsy when it names no process.

    Two UPIDs are equal when id, ip and port are. The empty one prints as `@0.0.0.0:0`, which Mesos
    also writes into messages to say "no process".
    """

    __slots__ = ("_hash", "_text", "address", "id")

    __slots__ = ("_hash", "_text", "address", "id")

    id: str
    address: Address
    _hash: int
    _text: str

    def __init__(self, id: str = "", ip: str = _ANY, port: int = 0) -> None:
        address = (ip, port)
        put = object.__setattr__
        put(self, "id", id)
        put(self, "address", address)
        put(self, "_hash", hash((id, address)))
        put(self, "_text", f"{id}@{ip}:{port}")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a UPID is immutable; make another one instead of setting {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a UPID is immutable; {name} cannot be deleted")

    @property
    def ip(self) -> str:
        """The IPv4 address in dotted form."""
        return self.address[0]

    @property
    def port(self) -> int:
        """The port, 0 when there is none."""
        return self.address[1]

    @classmethod
    def parse(cls, text: str, *, resolve: bool = True) -> UPID:
        """Read `id@host:port`; whatever cannot be read gives the empty UPID, as in libprocess.

        A host that is no dotted IPv4 address is resolved, which may block; with `resolve=False`
        (used for everything a peer sends) it gives the empty UPID instead.
        """
        words = text.split(None, 1)
        id, at, rest = words[0].partition("@") if words else ("", "", "")
        host, colon, tail = rest.partition(":")
        match = _PORT.match(tail)
        if not at or not colon or match is None:
            return EMPTY
        if not is_ipv4(host):
            resolved = _resolve(host) if resolve and host else None
            if resolved is None:
                return EMPTY
            host = resolved
        # sscanf("%hu"): an unsigned long, cut to sixteen bits.
        number = min(abs(int(match.group()[:25])), 2**64 - 1)
        return cls(id, host, (-number if tail[0] == "-" else number) & 0xFFFF)

    def __bool__(self) -> bool:
        return self.id != "" and self.address[1] != 0 and self.address[0] != _ANY

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, UPID):
            return NotImplemented
        return self is other or (self.id == other.id and self.address == other.address)

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"UPID({str(self)!r})"

    def __reduce__(self) -> tuple[type[UPID], tuple[str, str, int]]:
        return UPID, (self.id, *self.address)


EMPTY: Final = UPID()
"""The UPID that names no process."""
