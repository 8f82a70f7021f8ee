"""TLS as libprocess has it: the same variables, the same on the listening port and towards peers.

A peer is known by its IPv4 address. Where server certificates are verified, the certificate has to name
that address or, as in libprocess's default scheme, the name that reverse DNS gives for it.
Upstream: openssl.cpp, docs/ssl.md.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ._flags import flag
from .errors import ConfigurationError
from .upid import Address

__all__ = ["Tls"]

logger = logging.getLogger("mesos.messenger")

HANDSHAKE_TIMEOUT = 15.0
_HANDSHAKE = b"\x16"
_NAME_MISMATCHES = frozenset({62, 64})
# Modern ones first; the last four are the ones of libprocess's default that are still fit for use.
_CIPHERS = (
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:ECDHE+AES:"
    "DHE-RSA-AES256-SHA:DHE-RSA-AES128-SHA:AES256-SHA:AES128-SHA"
)


@dataclass(frozen=True, slots=True)
class Tls:
    """What TLS is to be like. `verify_server` implies nothing about clients; `require_client` both."""

    cert_file: str | os.PathLike[str]
    key_file: str | os.PathLike[str]
    ca_file: str | os.PathLike[str] | None = None
    ca_dir: str | os.PathLike[str] | None = None
    verify_server: bool = False
    """Whether the peers that we connect to must have a certificate that holds."""
    require_client: bool = False
    """Whether the peers that connect to us must."""
    support_downgrade: bool = False
    """Whether plain connections are accepted too, and made where TLS is refused."""
    ciphers: str | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Tls | None:
        """Read the LIBPROCESS_SSL_* (or older SSL_*) variables; None when TLS is not enabled.

        Raises `ConfigurationError` for values that libprocess refuses as well.
        """
        values = {
            name: environ.get(f"LIBPROCESS_SSL_{name}", environ.get(f"SSL_{name}", ""))
            for name in (
                *("ENABLED", "CERT_FILE", "KEY_FILE", "CA_FILE", "CA_DIR", "CIPHERS"),
                *("VERIFY_SERVER_CERT", "VERIFY_CERT", "REQUIRE_CLIENT_CERT", "REQUIRE_CERT"),
                "SUPPORT_DOWNGRADE",
            )
        }

        def on(*names: str) -> bool:
            return any(flag(values[name], f"LIBPROCESS_SSL_{name}") for name in names)

        if not on("ENABLED"):
            return None
        for name in ("KEY_FILE", "CERT_FILE"):
            if not values[name]:
                raise ConfigurationError(f"LIBPROCESS_SSL_ENABLED is set: set LIBPROCESS_SSL_{name} too")
        return cls(
            values["CERT_FILE"],
            values["KEY_FILE"],
            values["CA_FILE"] or None,
            values["CA_DIR"] or None,
            verify_server=on("VERIFY_SERVER_CERT", "VERIFY_CERT"),
            require_client=on("REQUIRE_CLIENT_CERT", "REQUIRE_CERT"),
            support_downgrade=on("SUPPORT_DOWNGRADE"),
            ciphers=values["CIPHERS"] or None,
        )


class TlsSide:
    """The contexts made from a `Tls`, and what is done with them."""

    def __init__(self, tls: Tls) -> None:
        self.downgrade = tls.support_downgrade
        self._server = _context(ssl.PROTOCOL_TLS_SERVER, tls)
        self._server.verify_mode = ssl.CERT_REQUIRED if tls.require_client else ssl.CERT_NONE
        self._client = _context(ssl.PROTOCOL_TLS_CLIENT, tls)
        # libprocess: who asks for certificates of its clients verifies servers as well.
        self.verify = tls.verify_server or tls.require_client
        self._client.check_hostname = self.verify
        self._client.verify_mode = ssl.CERT_REQUIRED if self.verify else ssl.CERT_NONE

    async def accept(self, connection: socket.socket, factory: Callable[[], asyncio.Protocol]) -> None:
        """Take over an accepted socket, plain where that is allowed; raises `OSError`.

        Where it is, nothing can be done before the first byte has come, which may take any time.
        """
        loop = asyncio.get_running_loop()
        context: ssl.SSLContext | None = self._server
        if self.downgrade:
            first = await _peek(connection)
            if not first:
                connection.close()
                return
            if first != _HANDSHAKE:
                context = None
        await loop.connect_accepted_socket(
            factory,
            connection,
            ssl=context,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT if context is not None else None,
        )

    async def connect(self, address: Address, factory: Callable[[], asyncio.Protocol]) -> None:
        """Connect to a peer; raises `OSError`, which `ssl.SSLError` is as well."""
        try:
            await self._handshake(address, factory, address[0])
        except ssl.SSLCertVerificationError as error:
            name = await _name_of(address) if error.verify_code in _NAME_MISMATCHES else None
            if name is None:
                raise
            await self._handshake(address, factory, name)
        except (ssl.SSLError, ConnectionResetError, ConnectionAbortedError):
            if not self.downgrade:
                raise
            logger.debug("%s:%d does not speak TLS; connecting without", *address)
            await asyncio.get_running_loop().create_connection(factory, *address)

    async def _handshake(self, address: Address, factory: Callable[[], asyncio.Protocol], name: str) -> None:
        await asyncio.get_running_loop().create_connection(
            factory,
            *address,
            ssl=self._client,
            server_hostname=name,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT,
        )


def _context(protocol: int, tls: Tls) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    try:
        context.set_ciphers(tls.ciphers or _CIPHERS)
        context.load_cert_chain(tls.cert_file, tls.key_file)
        if tls.ca_file is not None or tls.ca_dir is not None:
            context.load_verify_locations(tls.ca_file, tls.ca_dir)
        elif tls.verify_server or tls.require_client:
            context.load_default_certs(
                ssl.Purpose.CLIENT_AUTH if protocol == ssl.PROTOCOL_TLS_SERVER else ssl.Purpose.SERVER_AUTH
            )
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"TLS cannot be set up from {tls}: {error}") from error
    return context


async def _peek(connection: socket.socket) -> bytes:
    """Wait for the first byte and leave it there; empty when the peer closed instead."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    number = connection.fileno()

    def readable() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(number, readable)
    try:
        await ready
    finally:
        loop.remove_reader(number)
    return connection.recv(1, socket.MSG_PEEK)


async def _name_of(address: Address) -> str | None:
    """Return the name that reverse DNS gives for an address."""
    try:
        name, _ = await asyncio.get_running_loop().getnameinfo(address, socket.NI_NAMEREQD)
    except OSError:
        return None
    return name
