"""Masters and agents that belong together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from realmesos.build import Build
from realmesos.errors import StartFailed
from realmesos.process import READY, wait_for
from realmesos.servers import Agent, Flags, Master


class Cluster:
    """A running cluster; as a context manager it is ended on leaving.

    One master stands alone with its registry in memory; several share a replicated log and elect
    their leader in a ZooKeeper ensemble, whose `zk://` URL is given; no other cluster may use its path.
    `credentials` (principal to secret) become the masters' file.
    """

    def __init__(
        self,
        build: Build,
        directory: Path,
        *,
        masters: int = 1,
        agents: int = 1,
        zookeeper: str | None = None,
        credentials: Mapping[str, str] | None = None,
        master_flags: Flags | None = None,
        agent_flags: Flags | None = None,
    ) -> None:
        self.build = build
        self.directory = directory
        self.zookeeper = zookeeper
        self.masters: list[Master] = []
        self.agents: list[Agent] = []
        self._counts = (masters, agents)
        self._master_flags = dict(master_flags or {})
        self._agent_flags = dict(agent_flags or {})
        directory.mkdir(parents=True, exist_ok=True)
        if credentials is not None:
            self._master_flags["credentials"] = str(self._write_credentials(credentials))
        if masters > 1 and zookeeper is None:
            raise StartFailed("several masters need a ZooKeeper")

    def _write_credentials(self, credentials: Mapping[str, str]) -> Path:
        path = self.directory / "credentials.json"
        entries = [{"principal": principal, "secret": secret} for principal, secret in credentials.items()]
        path.write_text(json.dumps({"credentials": entries}), encoding="utf-8")
        path.chmod(0o600)
        return path

    @property
    def address(self) -> str:
        """What a driver is given: `zk://…` with an ensemble, else the master's `ip:port`."""
        return self.zookeeper or self.masters[0].address

    def start(self) -> Cluster:
        """Start all, and wait until a master leads and every agent is registered."""
        masters, agents = self._counts
        for number in range(1, masters + 1):
            flags: dict[str, str | bool] = {"registry": "in_memory"}
            if self.zookeeper is not None:
                quorum = str(masters // 2 + 1)
                flags = {"zk": self.address, "quorum": quorum, "zk_session_timeout": "5secs"}
            name = f"master-{number}"
            flags.update(self._master_flags)
            self.masters.append(Master(name, self.directory / name, self.build, flags))
            self.masters[-1].start()
        if masters:
            self.leader()
        if self.zookeeper is not None:
            for master in self.masters:  # until then the loss of one master may be one too many
                master.wait_log("Successfully joined the Paxos group|Replica is in VOTING status")
        for _ in range(agents):
            self.add_agent()
        for agent in self.agents:
            agent.wait_registered()
        return self

    def add_agent(self, **flags: str | bool) -> Agent:
        """Start one more agent; it is not waited for."""
        name = f"agent-{len(self.agents) + 1}"
        all_flags = {"master": self.address, **self._agent_flags, **flags}
        agent = Agent(name, self.directory / name, self.build, all_flags)
        self.agents.append(agent)
        return agent.start()

    def leader(self, timeout: float = READY) -> Master:
        """Wait until one of the masters leads, and return it."""
        return wait_for(
            "a leading master",
            lambda: next((master for master in self.masters if master.leads), None),
            timeout,
        )

    def logs(self) -> dict[str, str]:
        """Return the log of each server, and what the executors wrote."""
        texts = {server.name: server.log() for server in (*self.masters, *self.agents)}
        for agent in self.agents:
            for sandbox in agent.sandboxes:
                for name in ("stdout", "stderr"):
                    path = sandbox / name
                    if path.exists() and path.stat().st_size:
                        label = f"{agent.name} executor {sandbox.parent.parent.name} {name}"
                        texts[label] = path.read_text(encoding="utf-8", errors="replace")
        return texts

    def stop(self) -> None:
        """End every server and every executor."""
        for agent in self.agents:
            agent.clear()
        for master in self.masters:
            master.stop()

    def __enter__(self) -> Cluster:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
