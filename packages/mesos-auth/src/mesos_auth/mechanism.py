"""SASL mechanisms as plug-ins: what a session needs of one, and the registry that makes them by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Protocol, TypeAlias

from puresasl import SASLError, SASLProtocolException
from puresasl.client import SASLClient

from mesos_auth import cram_md5
from mesos_auth.credential import Credential
from mesos_auth.errors import MechanismError


class ClientMechanism(Protocol):
    """One exchange, seen from the client."""

    def start(self) -> bytes:
        """Return the initial data, empty where the mechanism has none."""

    def step(self, challenge: bytes) -> bytes:
        """Return the response to a challenge; raise MechanismError when there is none."""

    def dispose(self) -> None:
        """Forget the secret."""


class ServerMechanism(Protocol):
    """One exchange, seen from the server."""

    def start(self, data: bytes) -> bytes:
        """Take the client's initial data, return the challenge; raise MechanismError."""

    def step(self, data: bytes) -> str | None:
        """Judge the client's response: the principal it proves, or None; raise MechanismError."""


ClientFactory: TypeAlias = Callable[[Credential], ClientMechanism]
ServerFactory: TypeAlias = Callable[[Mapping[str, str], bytes], ServerMechanism]


class PureSaslClient:
    """A client mechanism of pure-sasl's.

    pure-sasl calls itself complete once it has sent its last data. That says nothing: only the server's
    verdict does, so `complete` serves here merely to refuse a step too many.
    """

    def __init__(self, name: str, credential: Credential) -> None:
        self._client: SASLClient | None = SASLClient(
            "localhost",
            service="mesos",
            mechanism=name,
            username=credential.principal,
            password=credential.secret,
        )
        self._has_initial_data = name != cram_md5.NAME

    def start(self) -> bytes:
        """Return the initial data."""
        return (self._process(None) or b"") if self._has_initial_data else b""

    def step(self, challenge: bytes) -> bytes:
        """Return the response to a challenge."""
        if self._client is None or self._client.complete:
            raise MechanismError("the peer asks for a step after the last one")
        return self._process(challenge) or b""

    def dispose(self) -> None:
        """Forget the secret."""
        if self._client is not None:
            self._client.dispose()
            self._client = None

    def _process(self, challenge: bytes | None) -> bytes | None:
        assert self._client is not None
        problem = ""
        try:
            response: bytes | None = self._client.process(challenge)
            return response
        except (SASLError, SASLProtocolException, ValueError, TypeError, KeyError) as error:
            problem = type(error).__name__
        raise MechanismError(f"the mechanism cannot answer the peer's challenge ({problem})")


class Mechanisms:
    """The mechanisms known, by name, in order of preference. Never changed: `with_…` makes a new one."""

    def __init__(self, clients: Mapping[str, ClientFactory], servers: Mapping[str, ServerFactory]) -> None:
        self._clients = MappingProxyType(dict(clients))
        self._servers = MappingProxyType(dict(servers))

    @property
    def clients(self) -> tuple[str, ...]:
        """Names of those a client can use."""
        return tuple(self._clients)

    @property
    def servers(self) -> tuple[str, ...]:
        """Names of those a server offers."""
        return tuple(self._servers)

    def with_client(self, name: str, factory: ClientFactory) -> Mechanisms:
        """Return a registry that has one more client mechanism, preferred to the others."""
        return Mechanisms({name: factory, **self._clients}, self._servers)

    def with_server(self, name: str, factory: ServerFactory) -> Mechanisms:
        """Return a registry that has one more server mechanism, offered first."""
        return Mechanisms(self._clients, {name: factory, **self._servers})

    def choose(self, offered: Iterable[str]) -> str | None:
        """Return the preferred client mechanism among those a server offers, None when there is none."""
        names = set(offered)
        return next((name for name in self._clients if name in names), None)

    def client(self, name: str, credential: Credential) -> ClientMechanism:
        """Make a client mechanism."""
        if name not in self._clients:
            raise MechanismError(f"no client mechanism {name!r}; known are {', '.join(self._clients)}")
        return self._clients[name](credential)

    def server(self, name: str, secrets: Mapping[str, str], challenge: bytes) -> ServerMechanism:
        """Make a server mechanism."""
        if name not in self._servers:
            raise MechanismError(f"SASL(-4): no mechanism available: {name[:64]!r} is not offered")
        return self._servers[name](secrets, challenge)


def _cram_md5_client(credential: Credential) -> ClientMechanism:
    return PureSaslClient(cram_md5.NAME, credential)


MECHANISMS = Mechanisms({cram_md5.NAME: _cram_md5_client}, {cram_md5.NAME: cram_md5.CramMd5Server})
"""What Mesos uses: CRAM-MD5, on both sides."""
