"""A real and an embedded cluster, to be harmed in the same ways by a script."""

from __future__ import annotations

import http.client
import json
from typing import Any, Protocol

from mesos_local import LocalCluster
from realmesos import Cluster
from realmesos.process import wait_for

from differential.client import WAIT, Site


class Cell(Protocol):
    """What a script can do to a cluster."""

    site: Site
    """Its leading master, and the transcript."""

    @property
    def follower(self) -> str:
        """`ip:port` of a master that does not lead."""
        ...

    def restart_master(self) -> None:
        """Kill the only master, and wait until it leads again."""
        ...

    def kill_agent(self) -> None: ...

    def start_agent(self) -> None: ...

    def freeze_agent(self) -> None: ...

    def thaw_agent(self) -> None: ...


class RealCell:
    """A cluster of real servers."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.site = Site(cluster.leader().address)

    @property
    def follower(self) -> str:
        return next(each.address for each in self._cluster.masters if each.address != self.site.address)

    def restart_master(self) -> None:
        (master,) = self._cluster.masters
        master.kill()
        master.start().wait_leading()

    def kill_agent(self) -> None:
        self._cluster.agents[0].kill()

    def start_agent(self) -> None:
        self._cluster.agents[0].start()

    def freeze_agent(self) -> None:
        self._cluster.agents[0].freeze()

    def thaw_agent(self) -> None:
        self._cluster.agents[0].thaw()


class LocalCell:
    """An embedded cluster."""

    def __init__(self, cluster: LocalCluster) -> None:
        self._cluster = cluster
        self.site = Site(cluster.master.pid.partition("@")[2])

    @property
    def follower(self) -> str:
        return next(each.pid.partition("@")[2] for each in self._cluster.masters if not each.leads)

    def restart_master(self) -> None:
        self._cluster.master.restart()

    def kill_agent(self) -> None:
        self._cluster.agents[0].crash()

    def start_agent(self) -> None:
        self._cluster.agents[0].start()

    def freeze_agent(self) -> None:
        self._cluster.agents[0].pause()

    def thaw_agent(self) -> None:
        self._cluster.agents[0].resume()


def ask(
    address: str, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    """Make a request to a master: status, headers (names in lower case) and body of the answer."""
    connection = http.client.HTTPConnection(address, timeout=WAIT)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, {name.lower(): text for name, text in response.getheaders()}, response.read()
    finally:
        connection.close()


def get(address: str, path: str) -> Any:
    """Give the JSON behind a path."""
    return json.loads(ask(address, "GET", path)[2])


def wait_agents(cell: Cell, what: str, count: int) -> None:
    """Wait until `/slaves` has so many agents under this name that are active, where they can be."""

    def there() -> bool:
        agents: list[dict[str, Any]] = get(cell.site.address, "/slaves")[what]
        return len([each for each in agents if each.get("active", True)]) == count

    wait_for(f"{count} {what}", there)
