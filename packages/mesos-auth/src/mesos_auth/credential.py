"""Credentials: a principal and its secret, from arguments, files or the environment.

Files come in the forms Mesos reads or has read: JSON with one credential or with a list of them, and lines
of `principal secret`. The secret is in no `repr`, and no error quotes what a file holds.
"""

from __future__ import annotations

import hmac
import json
import logging
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mesos_auth.errors import CredentialError

log = logging.getLogger("mesos.auth")

_MAX_FILE_BYTES = 4 * 1024 * 1024
_MAX_PRINCIPAL = 512
_ENVIRONMENT_PAIRS = (("MESOS_PRINCIPAL", "MESOS_SECRET"), ("DEFAULT_PRINCIPAL", "DEFAULT_SECRET"))


@dataclass(frozen=True, slots=True, eq=False)
class Credential:
    """A principal and the secret that proves it."""

    principal: str
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.principal, str) or not isinstance(self.secret, str):
            raise CredentialError("principal and secret are text")
        if not self.principal or len(self.principal) > _MAX_PRINCIPAL or not self.principal.isprintable():
            raise CredentialError(f"a principal is 1 to {_MAX_PRINCIPAL} printable characters")
        if not self.secret:
            raise CredentialError(f"the credential of {self.principal!r} has no secret, which CRAM-MD5 needs")
        if not _encodable(self.principal) or not _encodable(self.secret):
            raise CredentialError("principal and secret must be encodable as UTF-8")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Credential):
            return NotImplemented
        same_secret = hmac.compare_digest(self.secret.encode(), other.secret.encode())
        return self.principal == other.principal and same_secret

    def __hash__(self) -> int:
        return hash(self.principal)


def load_credential(path: str | os.PathLike[str]) -> Credential:
    """Load the one credential a client uses: `{"principal": …, "secret": …}` or one `principal secret` line.

    Raises CredentialError; warns when others can read the file.
    """
    credentials = load_credentials(path)
    if len(credentials) != 1:
        raise CredentialError(f"{_name(path)!r} holds {len(credentials)} credentials where one is wanted")
    return credentials[0]


def load_credentials(path: str | os.PathLike[str]) -> tuple[Credential, ...]:
    """Load the credentials a server knows: `{"credentials": [{…}, …]}` or lines of `principal secret`.

    Of two credentials with one principal the later is kept, as Mesos does. Raises CredentialError; warns
    when others can read the file.
    """
    name = _name(path)
    text = _read(name)
    stripped = text.strip()
    if not stripped:
        raise CredentialError(f"the credentials file {name!r} is empty")
    found = _from_json(name, stripped) if stripped.startswith(("{", "[")) else _from_lines(name, text)
    unique: dict[str, Credential] = {}
    for credential in found:
        if credential.principal in unique:
            log.warning("%r names the principal %r twice; the later counts", name, credential.principal)
        unique[credential.principal] = credential
    return tuple(unique.values())


def credential_from_environ(environ: Mapping[str, str] | None = None) -> Credential | None:
    """Return the credential that the environment names, or None when it names none.

    Looked at in this order: `MESOS_CREDENTIAL` (the path of a file, with or without `file://`),
    `MESOS_PRINCIPAL` with `MESOS_SECRET`, `DEFAULT_PRINCIPAL` with `DEFAULT_SECRET`.
    """
    variables = os.environ if environ is None else environ
    path = variables.get("MESOS_CREDENTIAL")
    if path:
        return load_credential(path)
    for principal, secret in _ENVIRONMENT_PAIRS:
        if variables.get(principal):
            if not variables.get(secret):
                raise CredentialError(f"{principal} is set in the environment, {secret} is not")
            return Credential(variables[principal], variables[secret])
    return None


def _name(path: str | os.PathLike[str]) -> str:
    return os.fspath(path).removeprefix("file://")


def _encodable(text: str) -> bool:
    return not any(0xD800 <= ord(character) < 0xE000 for character in text)


def _read(name: str) -> str:
    problem = ""
    try:
        with Path(name).open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            data = stream.read(_MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise CredentialError(f"the credentials file {name!r} cannot be read: {reason}") from error
    if stat.S_ISREG(mode) and mode & stat.S_IRWXO:
        log.warning("The credentials file %r is open to everybody; run: chmod o-rwx %s", name, name)
    if len(data) > _MAX_FILE_BYTES:
        problem = "is too long"
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        problem = "is not UTF-8 text"
    if (
        problem
    ):  # Raised here, outside of the handler, because the decoder's error carries the file's content.
        raise CredentialError(f"the credentials file {name!r} {problem}")
    return text


def _from_json(name: str, text: str) -> list[Credential]:
    problem = ""
    value: object = None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        position = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        problem = f"is not JSON: syntax error{position}"
    if problem:
        raise CredentialError(f"the credentials file {name!r} {problem}")
    entries = value.get("credentials", [value]) if isinstance(value, dict) else value
    if not isinstance(entries, list):
        raise CredentialError(f'the credentials file {name!r}: "credentials" is not a list')
    return [_from_entry(f"credential {number} of {name!r}", entry) for number, entry in enumerate(entries, 1)]


def _from_entry(where: str, entry: object) -> Credential:
    if not isinstance(entry, dict):
        raise CredentialError(f'{where} is not an object with "principal" and "secret"')
    principal, secret = entry.get("principal"), entry.get("secret")
    for field_name, value in (("principal", principal), ("secret", secret)):
        if not isinstance(value, str) or not value:
            raise CredentialError(f'{where}: "{field_name}" is missing, empty or not text')
    try:
        return Credential(str(principal), str(secret))
    except CredentialError as error:
        raise CredentialError(f"{where}: {error}") from None


def _from_lines(name: str, text: str) -> list[Credential]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words:
            continue
        if len(words) != 2:
            raise CredentialError(
                f"line {number} of {name!r} is not 'principal secret' ({len(words)} words); "
                "use the JSON form for a principal or secret with spaces"
            )
        try:
            found.append(Credential(words[0], words[1]))
        except CredentialError as error:
            raise CredentialError(f"line {number} of {name!r}: {error}") from None
    return found
