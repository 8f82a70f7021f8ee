"""A master and its agents in this process, for development and tests; executors are real processes."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from mesos_auth import Credential
from mesos_messenger import MessengerError

from ._models import Json
from .agent.shell import AgentShell
from .agent.state import AgentSettings
from .config import default_resources, parse_attributes, parse_resources
from .errors import ClusterError
from .master.shell import MasterShell
from .master.state import MasterSettings

__all__ = ["LocalCluster", "command_executor"]

log = logging.getLogger("mesos.local")

START_TIMEOUT = 10.0
QUICK_INTERVAL = 0.1
"""How often (in seconds) free resources are offered again: ten times as often as a real master does."""


def command_executor() -> tuple[str, ...]:
    """Give the program (argv) that runs command tasks, for an agent in this interpreter.

    It is told where its modules are, as executors inherit nothing of the agent's environment.
    """
    path = [os.path.abspath(each) for each in sys.path if each]
    code = (
        f"import sys; sys.path[:] = {path!r}; from mesos_local.command_executor import main; sys.exit(main())"
    )
    return (sys.executable, "-I", "-S", "-c", code)


class LocalCluster:
    """One master and `agents` agents on the loopback interface, each with a port of its own.

    Use it as a context manager: when the block is entered the agents have registered; when it is left, for
    whatever reason, no process, thread or socket of the cluster remains, nor its folder unless you named it.

    `port` is the master's (0: a free one); `resources` and `attributes` are what each agent has, in Mesos's
    text form. `master` and `agent` hold everything else, see `MasterSettings` and `AgentSettings`; of the
    latter `work_dir`, `resources` and `attributes` are overridden. Those named by `credentials` can
    authenticate; `MasterSettings(authenticate_frameworks=True)` makes them have to.

    Raises ClusterError when it does not start, ConfigurationError for what cannot be read.
    """

    def __init__(
        self,
        agents: int = 1,
        *,
        ip: str = "127.0.0.1",
        port: int = 0,
        resources: str | None = None,
        attributes: str = "",
        work_dir: str | os.PathLike[str] | None = None,
        master: MasterSettings | None = None,
        agent: AgentSettings | None = None,
        credentials: Iterable[Credential] = (),
        flags: Json | None = None,
    ) -> None:
        self._ip = ip
        self._port = port
        self._given_work_dir = work_dir
        self._work_dir: Path | None = None
        self._flags = flags or {}
        self._credentials = tuple(credentials)
        self._master_settings = master or MasterSettings(allocation_interval=QUICK_INTERVAL)
        base = agent or AgentSettings(work_dir="", command_executor=command_executor(), resources=())
        self._agent_settings = [
            replace(
                base,
                resources=parse_resources(resources) if resources else default_resources(number, agents),
                attributes=parse_attributes(attributes),
            )
            for number in range(1, agents + 1)
        ]
        self._master: MasterShell | None = None
        self._agents: list[AgentShell] = []
        self._lock = threading.Lock()

    def start(self) -> LocalCluster:
        """Start master and agents, and wait until all have registered."""
        with self._lock:
            if self._master is not None:
                raise ClusterError("the cluster was started before; make another LocalCluster")
            atexit.register(self.stop)
            try:
                self._start()
            except BaseException:
                self._stop()
                raise
        return self

    def _start(self) -> None:
        if self._given_work_dir is None:
            self._work_dir = Path(tempfile.mkdtemp(prefix="mesos-local-"))
        else:
            self._work_dir = Path(self._given_work_dir).absolute()
        self._master = MasterShell(
            self._master_settings,
            bind=f"{self._ip}:{self._port}",
            flags=self._flags,
            credentials=self._credentials,
        )
        try:
            self._master.start()
        except MessengerError as error:
            raise ClusterError(f"the master cannot listen on {self._ip}:{self._port}: {error}") from error
        for number, settings in enumerate(self._agent_settings, 1):
            directory = self._work_dir / "agents" / str(number - 1) / "work"
            agent = AgentShell(
                replace(settings, work_dir=str(directory)),
                self._master.pid,
                bind=f"{self._ip}:0",
                flags=self._flags,
                number=number,
            )
            self._agents.append(agent)
            agent.start()
        registered = self._master.session.state.agents
        if not self._master.shell.wait_until(lambda: len(registered) >= len(self._agents), START_TIMEOUT):
            raise ClusterError(
                f"only {len(registered)} of {len(self._agents)} agents have registered in time"
            )

    def stop(self) -> None:
        """End it all; more than once does no harm."""
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        atexit.unregister(self.stop)
        for agent in self._agents:
            agent.stop()
        self._agents = []
        if self._master is not None:
            self._master.stop()
        if self._work_dir is not None and self._given_work_dir is None:
            shutil.rmtree(self._work_dir, ignore_errors=True)

    def __enter__(self) -> LocalCluster:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def master(self) -> MasterShell:
        """The master."""
        if self._master is None:
            raise ClusterError("the cluster has not been started")
        return self._master

    @property
    def agents(self) -> tuple[AgentShell, ...]:
        """The agents."""
        return tuple(self._agents)

    @property
    def master_address(self) -> str:
        """`ip:port` of the master, which is what a scheduler driver takes."""
        return self.master.pid.partition("@")[2]

    @property
    def web_url(self) -> str:
        """The address of the web page."""
        return f"http://{self.master_address}/"

    @property
    def work_dir(self) -> Path:
        """The folder under which the agents keep their sandboxes."""
        if self._work_dir is None:
            raise ClusterError("the cluster has not been started")
        return self._work_dir
