"""A real ZooKeeper from Debian's package: one server is an ensemble of one."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from realmesos import system
from realmesos.process import Server, wait_for

_HOST = "127.0.0.1"
_JARS = "/usr/share/java/*"
_MAIN = "org.apache.zookeeper.server.quorum.QuorumPeerMain"


def free_port() -> int:
    """Return a port that is free now; ZooKeeper cannot choose one itself."""
    with socket.socket() as listener:
        listener.bind((_HOST, 0))
        port: int = listener.getsockname()[1]
        return port


class ZooKeeperServer(Server):
    """One ZooKeeper server."""

    def __init__(self, name: str, directory: Path) -> None:
        super().__init__(name, directory)
        self.port = free_port()

    def command(self) -> Sequence[str]:
        """See `Server`."""
        data = self.directory / "data"
        data.mkdir(exist_ok=True)
        lines = {
            "dataDir": data,
            "clientPort": self.port,
            "clientPortAddress": _HOST,
            "tickTime": 500,
            "initLimit": 20,
            "syncLimit": 10,
            "minSessionTimeout": 1000,
            "maxSessionTimeout": 60000,
            "admin.enableServer": "false",
            "4lw.commands.whitelist": "*",
        }
        config = self.directory / "zoo.cfg"
        config.write_text("".join(f"{name}={value}\n" for name, value in lines.items()), encoding="utf-8")
        return ["java", "-Xmx128m", "-XX:+UseSerialGC", "-cp", _JARS, _MAIN, str(config)]

    def environment(self) -> Mapping[str, str]:
        """See `Server`."""
        return {**super().environment(), "PATH": os.environ.get("PATH", os.defpath)}

    def serves(self) -> bool:
        """Whether it answers clients."""
        try:
            with socket.create_connection((_HOST, self.port), timeout=5) as connection:
                connection.sendall(b"ruok")
                return connection.recv(16) == b"imok"
        except OSError:
            return False


class Ensemble:
    """What clusters elect their leaders in."""

    def __init__(self, directory: Path) -> None:
        system.ensure(system.ZOOKEEPER_PACKAGES)
        self.server = ZooKeeperServer("zookeeper", directory)
        self._numbers: Iterator[int] = itertools.count(1)

    @property
    def hosts(self) -> str:
        """`host:port,…`, as in a `zk://` URL."""
        return f"{_HOST}:{self.server.port}"

    def new_path(self) -> str:
        """Return a node that no other cluster of this run uses."""
        return f"/mesos-{next(self._numbers)}"

    def __enter__(self) -> Ensemble:
        self.server.spawn()
        wait_for("ZooKeeper serves", lambda: self.server.alive and self.server.serves())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.server.stop()
