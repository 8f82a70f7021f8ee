"""CRAM-MD5 (RFC 2195): the computation, and the server's side of it, which pure-sasl lacks."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import Final

from mesos_auth.errors import MechanismError

NAME: Final = "CRAM-MD5"

_MAX_RESPONSE = 1024
_DIGEST = re.compile(rb"[0-9a-f]{32}")


def digest(secret: str, challenge: bytes) -> bytes:
    """Return the lower-case hexadecimal HMAC-MD5 of a challenge."""
    try:
        return hmac.new(secret.encode(), challenge, "md5").hexdigest().encode()
    except ValueError as error:
        raise MechanismError("MD5, which CRAM-MD5 is made of, is not available in this Python") from error


def make_challenge(number: int, now: float, host: str) -> bytes:
    """Return `<random.time@host>`. `number` must not be predictable: the proof is only as fresh as it is."""
    return f"<{number}.{int(now)}@{host}>".encode()


class CramMd5Server:
    """One exchange, seen from the server: sends the challenge, judges the response.

    `secrets` maps principals to secrets. `challenge` is used once.
    """

    def __init__(self, secrets: Mapping[str, str], challenge: bytes) -> None:
        self._secrets = secrets
        self._challenge: bytes | None = challenge

    def start(self, data: bytes) -> bytes:
        """Return the challenge; CRAM-MD5 allows the client no initial data."""
        if data:
            raise MechanismError("SASL(-5): bad protocol / cancel: CRAM-MD5 takes no initial data")
        assert self._challenge is not None
        return self._challenge

    def step(self, data: bytes) -> str | None:
        """Return the principal that the response proves, None when it proves nothing.

        Raises MechanismError when it is no response at all. The time taken does not tell a wrong secret
        from an unknown principal.
        """
        challenge, self._challenge = self._challenge, None
        if challenge is None:
            raise MechanismError("SASL(-5): bad protocol / cancel: a second response to one challenge")
        if len(data) > _MAX_RESPONSE:
            raise MechanismError("SASL(-5): bad protocol / cancel: the response is too long")
        name, space, given = data.rpartition(b" ")
        if not space:
            raise MechanismError("SASL(-5): bad protocol / cancel: no space in the response")
        try:
            principal = name.decode("utf-8")
        except UnicodeDecodeError:
            return None
        secret = self._secrets.get(principal)
        expected = digest("unknown" if secret is None else secret, challenge)
        well_formed = _DIGEST.fullmatch(given) is not None
        equal = hmac.compare_digest(expected, given)
        return principal if secret is not None and well_formed and equal else None
