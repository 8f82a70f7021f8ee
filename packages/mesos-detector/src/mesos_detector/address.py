"""Master strings: the text a user writes to say where the masters are, as values.

Accepted are `host:port`, `master@host:port`, `zk://[user:password@]host:port[,…]/path`,
`http://host:port`, `https://host:port` and `file://path` (a file holding one of these). The rules for
`zk://` follow include/mesos/zookeeper/url.hpp: the path begins at the first `/`, the credentials end at
the last `@` before it. A password never appears in a `repr`, a `str` or an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from mesos_detector.errors import MalformedMasterError

FORMS: Final = (
    "host:port, master@host:port, zk://[user:password@]host:port[,host:port…]/path, "
    "http://host:port, https://host:port or file:///path"
)

_ZOOKEEPER_PORT = 2181
_HTTP_PORTS = {"http": 80, "https": 443}
_MAX_FILE_BYTES = 64 * 1024
_MAX_FILE_DEPTH = 4
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9._])?")
_IPV6 = re.compile(r"\[([0-9A-Fa-f:.]+)\]")


@dataclass(frozen=True, slots=True)
class HostPort:
    """A TCP address: a name or a literal, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class StandaloneAddress:
    """A master named directly: `host:port` or `master@host:port`."""

    server: HostPort

    def __str__(self) -> str:
        return str(self.server)


@dataclass(frozen=True, slots=True)
class HttpAddress:
    """A master's HTTP address, which is asked where the leader is: `http(s)://host:port`."""

    scheme: str
    server: HostPort

    def __str__(self) -> str:
        return f"{self.scheme}://{self.server}"


@dataclass(frozen=True, slots=True)
class ZooKeeperAddress:
    """A ZooKeeper ensemble, the path of the masters' group, and digest credentials (`user:password`)."""

    servers: tuple[HostPort, ...]
    path: str
    credential: str | None = field(default=None, repr=False)

    @property
    def hosts(self) -> str:
        """The servers as `host:port,host:port`."""
        return ",".join(str(server) for server in self.servers)

    def __str__(self) -> str:
        secret = "***@" if self.credential is not None else ""
        return f"zk://{secret}{self.hosts}{self.path}"


MasterAddress: TypeAlias = StandaloneAddress | HttpAddress | ZooKeeperAddress


def redact(master: str) -> str:
    """Return a master string with whatever could be credentials replaced by `***`."""
    head, separator, rest = master.partition("://")
    if not separator:
        head, rest = "", master
    if "@" not in rest or rest.rpartition("@")[0] == "master":
        return master
    return f"{head}{separator}***@{rest.rpartition('@')[2]}"


def parse_master(master: str) -> MasterAddress:
    """Parse a master string; a `file://` is read and its content parsed.

    Raises MalformedMasterError, whose text names the part that is wrong and the form that is right.
    """
    return _parse(master, depth=0)


def _parse(master: str, *, depth: int) -> MasterAddress:
    text = master.strip()
    if not text:
        raise MalformedMasterError(f"the master string is empty; write one of {FORMS}")
    if "\0" in text or (any(character.isspace() for character in text) and not text.startswith("file://")):
        raise MalformedMasterError(f"{redact(text)!r}: a master string holds no white space")
    if text.startswith("zk://"):
        return _parse_zookeeper(text)
    if text.startswith("file://"):
        return _parse_file(text, depth)
    if text.startswith(("http://", "https://")):
        return _parse_http(text)
    if "://" in text:
        scheme = text.partition("://")[0]
        raise MalformedMasterError(f"{scheme!r} is not a known scheme; write one of {FORMS}")
    if text == "local":
        raise MalformedMasterError(
            "'local' asks for a cluster in this process; start a mesos_local.LocalCluster, give its address"
        )
    return _parse_standalone(text)


def _parse_standalone(text: str) -> StandaloneAddress:
    identifier, at, address = text.rpartition("@")
    if at and identifier != "master":
        raise MalformedMasterError(f"{redact(text)!r}: the part before '@' can only be 'master'")
    if "/" in address:
        hint = "; did you mean zk:// or http://?" if address.startswith(("zk:", "http")) else ""
        raise MalformedMasterError(f"{redact(text)!r}: host:port takes no path{hint}")
    server = _parse_server(address, default_port=None, where=redact(text))
    if ":" in server.host:
        raise MalformedMasterError(f"{text!r}: libprocess addresses are IPv4; use a name or an IPv4 address")
    return StandaloneAddress(server)


def _parse_http(text: str) -> HttpAddress:
    shown = redact(text)
    scheme, _, rest = text.partition("://")
    authority, slash, path = rest.partition("/")
    if "@" in rest:
        raise MalformedMasterError(
            f"{shown!r}: credentials do not go into the URL; pass them as authorization="
        )
    if "?" in rest or "#" in rest or (slash and path):
        raise MalformedMasterError(f"{shown!r}: only scheme, host and port, as in {scheme}://host:5050")
    return HttpAddress(scheme, _parse_server(authority, default_port=_HTTP_PORTS[scheme], where=shown))


def _parse_zookeeper(text: str) -> ZooKeeperAddress:
    shown = redact(text)
    authority, slash, path = text.removeprefix("zk://").partition("/")
    credential, at, servers = authority.rpartition("@")
    if not at and "@" in path:
        raise MalformedMasterError(f"{shown!r}: the part before '@' cannot contain '/', nor the path '@'")
    if at and (":" not in credential or credential.startswith(":")):
        raise MalformedMasterError(f"{shown!r}: credentials are written user:password@")
    if not servers:
        raise MalformedMasterError(f"{shown!r}: no ZooKeeper server is named; write zk://host:port/path")
    parsed = tuple(
        _parse_server(server, default_port=_ZOOKEEPER_PORT, where=shown) for server in servers.split(",")
    )
    return ZooKeeperAddress(parsed, _parse_path(slash + path, shown), credential if at else None)


def _parse_path(path: str, shown: str) -> str:
    trimmed = path.rstrip("/")
    if not trimmed:
        raise MalformedMasterError(
            f"{shown!r}: a path is needed ('/' is not one), as in zk://host:port/mesos"
        )
    for component in trimmed[1:].split("/"):
        if component in ("", ".", ".."):
            raise MalformedMasterError(f"{shown!r}: a ZooKeeper path has no component {component!r}")
    return trimmed


def _parse_server(text: str, *, default_port: int | None, where: str) -> HostPort:
    bracketed = _IPV6.match(text)
    if bracketed:
        host, rest = bracketed.group(1), text[bracketed.end() :]
    else:
        host, colon, port_text = text.partition(":")
        rest = colon + port_text
        # Labels of a wrong length are an error that comes late and unexpected, out of the name look-up.
        labels = host.removesuffix(".").split(".")
        if not _HOST.fullmatch(host) or not all(0 < len(label) < 64 for label in labels):
            problem = "a host is missing" if not host else f"{host!r} is not a host name or address"
            raise MalformedMasterError(f"{where!r}: {problem}")
    if not rest:
        if default_port is None:
            raise MalformedMasterError(f"{where!r}: the port is missing, as in {text}:5050")
        return HostPort(host, default_port)
    digits = rest[1:]
    if not (rest[0] == ":" and digits.isascii() and digits.isdigit() and 0 < int(digits[:6]) < 65536):
        raise MalformedMasterError(f"{where!r}: after {host} comes ':' and a port between 1 and 65535")
    return HostPort(host, int(digits))


def _parse_file(text: str, depth: int) -> MasterAddress:
    name = text.removeprefix("file://")
    if not name:
        raise MalformedMasterError("file:// needs the path of a file, as in file:///etc/mesos/zk")
    if depth >= _MAX_FILE_DEPTH:
        raise MalformedMasterError(f"{text!r}: files name each other, {depth} deep; write the master itself")
    try:
        with Path(name).open("rb") as stream:
            content = stream.read(_MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise MalformedMasterError(f"the master file {name!r} cannot be read: {reason}") from error
    if len(content) > _MAX_FILE_BYTES:
        raise MalformedMasterError(f"the master file {name!r} is too long to hold a master string")
    try:
        return _parse(content.decode("utf-8"), depth=depth + 1)
    except UnicodeDecodeError:
        raise MalformedMasterError(f"the master file {name!r} is not text") from None
    except MalformedMasterError as error:
        raise MalformedMasterError(f"in the master file {name!r}: {error}") from None
