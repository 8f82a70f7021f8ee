"""The address an endpoint listens on, and the one it tells others.

Upstream: process.cpp (`process::initialize`). Unlike libprocess, an endpoint that is bound to no
particular address does not ask the host name for one (which is loopback on many machines): it takes
the source address of the route towards the peer it is to talk to.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass

from .errors import AddressError
from .upid import is_ipv4

__all__ = ["ANY", "LOOPBACK", "Place", "is_loopback", "resolve", "settle", "source_towards"]

ANY = "0.0.0.0"
LOOPBACK = "127.0.0.1"
# An address of the documentation range: asks for the default route without sending anything.
_SOMEWHERE = "192.0.2.1"


def is_loopback(ip: str) -> bool:
    """Tell whether an IPv4 address is only reachable from its own machine."""
    return ip.startswith("127.")


def resolve(host: str, what: str) -> str:
    """Return the IPv4 address of a host; raises `AddressError`."""
    if is_ipv4(host):
        return host
    try:
        found = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressError(f"{what}: cannot resolve {host!r} to an IPv4 address: {error}") from error
    return str(found[0][4][0])


def source_towards(ip: str) -> str | None:
    """Return the address that packets to this one are sent from; None when there is no route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((ip, 9))
            return str(probe.getsockname()[0])
        except OSError:
            return None


def default_source() -> str:
    """Return the address of the default route; the loopback address where there is none."""
    return source_towards(_SOMEWHERE) or LOOPBACK


def _port(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > 65535:
        raise AddressError(f"{what}: {text!r} is no port (0 to 65535)")
    return int(text)


def _split(text: str, what: str) -> tuple[str, int | None]:
    host, colon, port = text.partition(":")
    if ":" in port:
        raise AddressError(f"{what}: {text!r} is not ip:port (IPv6 cannot be written in a UPID)")
    return host, _port(port, what) if colon and port else None


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen and what to advertise; `None` is what remains to be found out."""

    bind_ip: str
    bind_port: int
    advertise_ip: str | None
    advertise_port: int | None


def settle(bind: str | None, advertise: str | None, environ: Mapping[str, str]) -> Place:
    """Combine the arguments with libprocess's environment variables, which they override.

    Raises `AddressError` for what cannot be used.
    """
    bind_host, bind_port = _split(bind, "bind") if bind else ("", None)
    if not bind_host and environ.get("LIBPROCESS_IP"):
        bind_host = environ["LIBPROCESS_IP"]
    if bind_port is None:
        bind_port = _port(environ.get("LIBPROCESS_PORT") or "0", "LIBPROCESS_PORT")
    advertise_host, advertise_port = _split(advertise, "advertise") if advertise else ("", None)
    if not advertise_host and environ.get("LIBPROCESS_ADVERTISE_IP"):
        advertise_host = environ["LIBPROCESS_ADVERTISE_IP"]
    if advertise_port is None and environ.get("LIBPROCESS_ADVERTISE_PORT"):
        advertise_port = _port(environ["LIBPROCESS_ADVERTISE_PORT"], "LIBPROCESS_ADVERTISE_PORT")
    bind_ip = resolve(bind_host, "bind") if bind_host else ANY
    advertise_ip = resolve(advertise_host, "advertise") if advertise_host else None
    if advertise_ip == ANY:
        raise AddressError("advertise: 0.0.0.0 cannot be reached by anyone")
    if advertise_ip is None and bind_ip != ANY:
        advertise_ip = bind_ip
    return Place(bind_ip, bind_port, advertise_ip, advertise_port or None)
