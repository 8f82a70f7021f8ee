"""Masters and their agents in this process, for development and tests; executors are real processes."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from mesos_auth import Credential
from mesos_detector import MalformedMasterError, ZooKeeperAddress, parse_master
from mesos_messenger import MessengerError

from ._models import Json
from ._part import Part
from ._realms import Realms
from ._rules import FaultPlan
from .agent.shell import AgentShell
from .agent.state import AgentSettings, Connection
from .config import default_resources, parse_attributes, parse_resources
from .errors import ClusterError, ConfigurationError
from .faults import Faults
from .master.registry_file import FileRegistry, NoRegistry
from .master.shell import MasterShell
from .master.state import MasterSettings

__all__ = ["LocalCluster", "command_executor", "default_executor"]

log = logging.getLogger("mesos.local")

START_TIMEOUT = 10.0
REGISTRIES = ("replicated_log", "in_memory")
QUICK_INTERVAL = 0.1
"""How often (in seconds) free resources are offered again: ten times as often as a real master does."""


def command_executor() -> tuple[str, ...]:
    """Give the program (argv) that runs command tasks, for an agent in this interpreter."""
    return _program("command_executor")


def default_executor() -> tuple[str, ...]:
    """Give the program (argv) that runs task groups, for an agent in this interpreter."""
    return _program("default_executor")


def _program(module: str) -> tuple[str, ...]:
    """Give what runs a module of ours; it is told where its modules are, as executors inherit nothing."""
    path = [os.path.abspath(each) for each in sys.path if each]
    code = f"import sys; sys.path[:] = {path!r}; from mesos_local.{module} import main; sys.exit(main())"
    return (sys.executable, "-I", "-S", "-c", code)


class LocalCluster:
    """`masters` masters and `agents` agents on the loopback interface, each with a port of its own.

    Use it as a context manager, with `with` or `async with`: when the block is entered the agents have
    registered; when it is left, for whatever reason, no process, thread or socket of the cluster remains,
    nor its folder unless you named it.

    With `zk`, a `zk://` address, the masters contend for leadership in that ZooKeeper, and agents look there
    for the leading one; more than one master needs it. `zk_session_timeout` (seconds) is how long ZooKeeper
    waits for a master that has crashed. `registry` is `replicated_log`, a file below `work_dir` that the
    masters share, or `in_memory`: then a master that starts or is elected knows nothing.

    `port` is the master's (0: a free one; of several masters, the first one's); `resources` and `attributes`
    are what each agent has, in Mesos's text form. `master` and `agent` hold everything else, see
    `MasterSettings` and `AgentSettings`; of the latter `work_dir`, `resources` and `attributes` are
    overridden. Those named by `credentials` can authenticate;
    `MasterSettings(authenticate_frameworks=True)` makes them have to. With `credential` the agents do, which
    `MasterSettings(authenticate_agents=True)` wants.

    Raises ClusterError when it does not start, ConfigurationError for what cannot be read.
    """

    def __init__(
        self,
        agents: int = 1,
        *,
        masters: int = 1,
        zk: str | None = None,
        zk_session_timeout: float = 10.0,
        registry: str = "replicated_log",
        ip: str = "127.0.0.1",
        port: int = 0,
        resources: str | None = None,
        attributes: str = "",
        work_dir: str | os.PathLike[str] | None = None,
        master: MasterSettings | None = None,
        agent: AgentSettings | None = None,
        credentials: Iterable[Credential] = (),
        credential: Credential | None = None,
        flags: Json | None = None,
    ) -> None:
        _check_masters(masters, zk, registry)
        self._count = masters
        self._zk = zk
        self._zk_session_timeout = zk_session_timeout
        self._registry = registry
        self._ip = ip
        self._port = port
        self._given_work_dir = work_dir
        self._work_dir: Path | None = None
        self._flags = flags or {}
        self._credentials = tuple(credentials)
        if agents and master is not None and master.authenticate_agents and credential is None:
            raise ConfigurationError(
                "authenticate_agents needs a credential that the agents have (credential=…, --credential=…)"
            )
        self._master_settings = master or MasterSettings(allocation_interval=QUICK_INTERVAL)
        base = agent or AgentSettings()
        self._agent_settings = [
            replace(
                base,
                credential=credential,
                command_executor=base.command_executor or command_executor(),
                default_executor=base.default_executor or default_executor(),
                resources=parse_resources(resources) if resources else default_resources(number, agents),
                attributes=parse_attributes(attributes),
            )
            for number in range(1, agents + 1)
        ]
        self._masters: list[MasterShell] = []
        self._plan = FaultPlan()
        self.faults = Faults(self, self._plan)
        """What a test wants to go wrong."""
        self._agents: list[AgentShell] = []
        self._lock = threading.Lock()

    def start(self) -> LocalCluster:
        """Start master and agents, and wait until all have registered."""
        with self._lock:
            if self._masters:
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
        for number in range(self._count):
            self._start_master(self._ip, self._port if number == 0 else 0)
        deadline = time.monotonic() + START_TIMEOUT
        leader = self.wait_leader(START_TIMEOUT)
        for number, settings in enumerate(self._agent_settings, 1):
            directory = self._work_dir / "agents" / str(number - 1) / "work"
            agent = AgentShell(
                replace(settings, work_dir=str(directory)),
                self._zk or leader.pid,
                bind=f"{self._ip}:0",
                flags=self._flags,
                number=number,
                zk_session_timeout=self._zk_session_timeout,
                plan=self._plan,
                realms=Realms.of(
                    self._credentials,
                    readonly=self._master_settings.authenticate_http_readonly,
                    readwrite=self._master_settings.authenticate_http_readwrite,
                ),
            )
            self._agents.append(agent)
            agent.start()
            self._note_part(agent)
        late = [each for each in self._agents if not _registered(each, deadline - time.monotonic())]
        if late:
            count = len(self._agents)
            raise ClusterError(f"only {count - len(late)} of {count} agents have registered in time")

    def _start_master(self, ip: str, port: int) -> None:
        registry = FileRegistry(self.registry_path) if self._registry == "replicated_log" else NoRegistry()
        master = MasterShell(
            self._master_settings,
            bind=f"{ip}:{port}",
            flags=self._flags,
            credentials=self._credentials,
            registry=registry,
            zk=self._zk,
            zk_session_timeout=self._zk_session_timeout,
            plan=self._plan,
        )
        self._masters.append(master)
        self._note_part(master)
        try:
            master.start()
        except MessengerError as error:
            raise ClusterError(f"a master cannot listen on {ip}:{port}: {error}") from error

    def _note_part(self, part: Part) -> None:
        self._plan.parts |= {part.pid}

    def stop(self) -> None:
        """End it all; more than once does no harm."""
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        atexit.unregister(self.stop)
        self.faults.heal()
        for agent in self._agents:
            agent.stop()
            agent.release()
        self._agents = []
        # The leading one last: otherwise the next would be elected meanwhile.
        for master in sorted(self._masters, key=lambda each: each.leads):
            master.stop()
            master.release()
        if self._work_dir is not None and self._given_work_dir is None:
            shutil.rmtree(self._work_dir, ignore_errors=True)

    def __enter__(self) -> LocalCluster:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> LocalCluster:
        starting = asyncio.ensure_future(asyncio.to_thread(self.start))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            # The thread cannot be called off: what it has started by now is ended.
            await asyncio.wait([starting])
            await asyncio.to_thread(self.stop)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)

    @property
    def masters(self) -> tuple[MasterShell, ...]:
        """The masters."""
        return tuple(self._masters)

    @property
    def master(self) -> MasterShell:
        """The master; of several, the leading one. Raises ClusterError while there is none."""
        if not self._masters:
            raise ClusterError("the cluster has not been started")
        leader = self._masters[0] if len(self._masters) == 1 else self.leader
        if leader is None:
            raise ClusterError("no master leads at this moment; wait_leader() waits for one")
        return leader

    @property
    def leader(self) -> MasterShell | None:
        """The leading master, None while there is none."""
        return next((each for each in self._masters if each.leads), None)

    def wait_leader(self, timeout: float = 30.0, *, other_than: MasterShell | None = None) -> MasterShell:
        """Wait until a master leads. Raises ClusterError when none does after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            leader = self.leader
            if leader is not None and leader is not other_than:
                return leader
            if time.monotonic() > deadline:
                ended = "".join(
                    f"; {each.pid} has ended: {each.ended}" for each in self._masters if each.ended
                )
                where = f" at {parse_master(self._zk)}" if self._zk else ""
                raise ClusterError(f"no master was elected{where} in {timeout:.0f} s{ended}")
            time.sleep(0.002)

    @property
    def zk(self) -> str | None:
        """The `zk://` address where the masters contend, None without."""
        return self._zk

    @property
    def agents(self) -> tuple[AgentShell, ...]:
        """The agents."""
        return tuple(self._agents)

    @property
    def master_address(self) -> str:
        """What a scheduler driver takes: the `zk://` address, or without one the master's `ip:port`."""
        return self._zk or self.master.pid.partition("@")[2]

    @property
    def web_url(self) -> str:
        """The address of the web page."""
        return f"http://{self.master.pid.partition('@')[2]}/"

    @property
    def registry_path(self) -> Path:
        """The file in which the masters keep what they know for good."""
        return self.work_dir / "master" / "registry.json"

    @property
    def work_dir(self) -> Path:
        """The folder under which the agents keep their sandboxes, and the masters their registry."""
        if self._work_dir is None:
            raise ClusterError("the cluster has not been started")
        return self._work_dir


def _registered(agent: AgentShell, timeout: float) -> bool:
    """Wait until an agent knows that it is registered; False when it does not in time.

    Raises ClusterError when it has been turned away.
    """
    state = agent.session.state
    settled = (Connection.RUNNING, Connection.TERMINATING)
    in_time = agent.shell.wait_until(lambda: state.connection in settled, max(0.0, timeout))
    if agent.left is not None:
        raise ClusterError(f"the agent at {agent.pid} has left: {agent.left}")
    return in_time


def _check_masters(masters: int, zk: str | None, registry: str) -> None:
    """Refuse what can be no cluster. Raises ConfigurationError."""
    if masters < 1:
        raise ConfigurationError(f"a cluster of {masters} masters does not work; give masters=1 or more")
    if registry not in REGISTRIES:
        raise ConfigurationError(f"registry {registry!r} is none of {', '.join(REGISTRIES)}")
    if zk is None:
        if masters > 1:
            raise ConfigurationError(
                f"{masters} masters need a ZooKeeper to elect the leading one; give "
                "zk='zk://host:2181/mesos' (mesos_detector.testing.ZooKeeperEnsemble can start one)"
            )
        return
    try:
        address = parse_master(zk)
    except MalformedMasterError as error:
        raise ConfigurationError(str(error)) from error
    if not isinstance(address, ZooKeeperAddress):
        raise ConfigurationError(f"{address} is no ZooKeeper; write zk://host:2181/mesos")
