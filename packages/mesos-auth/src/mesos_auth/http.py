"""What proves a client to the v1 HTTP APIs: values of the Authorization header."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, MutableMapping
from typing import Protocol

from mesos_auth.credential import Credential
from mesos_auth.errors import AuthError, CredentialError

EXECUTOR_TOKEN = "MESOS_EXECUTOR_AUTHENTICATION_TOKEN"

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


class HttpAuth(Protocol):
    """Makes the value of the Authorization header, anew for each request."""

    def authorization(self) -> str:
        """Return the header's value. It is a secret."""


class BasicAuth:
    """HTTP Basic (RFC 7617), which masters check against their credentials file."""

    def __init__(self, credential: Credential) -> None:
        if ":" in credential.principal:
            raise CredentialError(f"HTTP Basic allows no ':' in a principal, as {credential.principal!r} has")
        self._principal = credential.principal
        pair = f"{credential.principal}:{credential.secret}".encode()
        self._value = "Basic " + base64.b64encode(pair).decode("ascii")

    def __repr__(self) -> str:
        return f"<BasicAuth of {self._principal!r}>"

    def authorization(self) -> str:
        """Return the header's value."""
        return self._value


class BearerAuth:
    """A bearer token (RFC 6750), such as the JWT an agent gives to an executor.

    `token` is the token or what returns a fresh one, called once a request.
    """

    def __init__(self, token: str | Callable[[], str]) -> None:
        self._token = token
        if isinstance(token, str):
            _check(token)

    @classmethod
    def take_from(cls, environ: MutableMapping[str, str], name: str = EXECUTOR_TOKEN) -> BearerAuth | None:
        """Take the token out of an environment, away from child processes; None when there is none."""
        token = environ.pop(name, "")
        return cls(token) if token else None

    def __repr__(self) -> str:
        return "<BearerAuth>"

    def authorization(self) -> str:
        """Return the header's value."""
        token = self._token if isinstance(self._token, str) else self._token()
        _check(token)
        return f"Bearer {token}"


def _check(token: str) -> None:
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise AuthError("a bearer token is one word of letters, digits and -._~+/, with '=' only at its end")
