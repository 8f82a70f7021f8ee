"""Requests of HTTP/1.1 as bytes, and where they go."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, urlsplit

from .errors import ClientMisuse
from .transport import HttpRequest

_METHOD = re.compile(r"[A-Z]+")
_HEADERS = re.compile(r"(?:[!#-'*+\-.0-9A-Z^-z|~]+: [\t -~\x80-\xff]*\r\n)*")
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "expect", "upgrade"})
_IN_A_TARGET = "/:?#[]@!$&'()*+,;=%~"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the requests for a URL go; `origin` is the same for those that may share a connection."""

    origin: tuple[bool, str, int]
    host_header: str
    target: str

    @property
    def tls(self) -> bool:
        """Tell whether the connection is encrypted."""
        return self.origin[0]

    @property
    def host(self) -> str:
        """The name or address to connect to."""
        return self.origin[1]

    @property
    def port(self) -> int:
        """The port to connect to."""
        return self.origin[2]


@lru_cache(maxsize=256)
def place_of(url: str) -> Place:
    """Return the place of a URL that `Route` has checked. Raises `ClientMisuse`."""
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    host = parts.hostname or ""
    try:
        name = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise ClientMisuse(f"{host!r} cannot be the name of a host: {error}") from error
    header = f"[{name}]" if ":" in name else name
    if parts.port is not None:
        header += f":{parts.port}"
    target = quote(parts.path or "/", _IN_A_TARGET)
    if parts.query:
        target += "?" + quote(parts.query, _IN_A_TARGET)
    return Place((tls, name, parts.port if parts.port is not None else 443 if tls else 80), header, target)


def to_bytes(request: HttpRequest, place: Place) -> bytes:
    """Return a request as it is sent. Raises `ClientMisuse`, whose text shows no value of a header."""
    headers = "".join([f"{name}: {value}\r\n" for name, value in request.headers.items()])
    if not _HEADERS.fullmatch(headers) or headers.count("\r\n") != len(request.headers):
        raise ClientMisuse(f"{request.url}: a header has characters that it may not have")
    if not _METHOD.fullmatch(request.method) or not _OURS.isdisjoint(map(str.lower, request.headers)):
        raise ClientMisuse(
            f"{request.url}: this cannot be sent: a method or a header that is not yours to set"
        )
    return (
        f"{request.method} {place.target} HTTP/1.1\r\nHost: {place.host_header}\r\n{headers}"
        f"Content-Length: {len(request.body)}\r\n\r\n"
    ).encode("latin-1") + request.body
