"""An agent on a Messenger of its own: the session, its timers and links, its containers, its HTTP pages."""

from __future__ import annotations

import logging
import os
import random
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mesos_auth import Authentication, AuthenticationError, authenticate
from mesos_detector import Detector, Leader, detect
from mesos_messenger import UPID, MessengerError
from mesos_messenger.http import Handler

from .._models import Json
from .._part import STOP_TIMEOUT, Part
from .._realms import OPEN, Realms
from .._rules import FaultPlan
from .._shell import SessionShell
from .._wire import StreamClose, StreamSend
from . import paths, recovery
from .containers import ContainerEvent, Containers, link_volume
from .executor_api import ExecutorApi
from .fetch_cache import FetchCache
from .files import Files
from .memory import MemoryWatch
from .operator_api import AgentOperator
from .routes import routes
from .session import (
    MESSAGES,
    AgentSession,
    ContainerExited,
    ContainerLimited,
    MasterAuthenticated,
    MasterDetected,
    Stopping,
)
from .state import (
    AdoptContainer,
    AgentCommand,
    AgentSettings,
    Authenticate,
    Checkpoint,
    Connection,
    DestroyContainer,
    ExecutorState,
    LaunchContainer,
    LinkVolume,
    MakeVolume,
    MeasureMemory,
    PointLatest,
    RemoveVolume,
    StopAgent,
)

__all__ = ["AgentShell", "RunningExecutor", "write"]

log = logging.getLogger("mesos.local.agent")

_REAP_INTERVAL = 0.1
"""The end of a process is taken note of this much later: what it sent last is read before."""
_STOP_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class RunningExecutor:
    """An executor and its process; its tasks are those delivered and not known to have ended."""

    framework_id: str
    executor_id: str
    os_pid: int
    tasks: tuple[str, ...]


class AgentShell(Part):
    """One agent. Started again after a crash, it finds its executors by what it wrote down.

    `master` is `host:port` or `master@host:port`, which is taken as it is, or anything a detector takes.
    """

    def __init__(
        self,
        settings: AgentSettings,
        master: str,
        *,
        bind: str,
        flags: Json,
        number: int = 1,
        seed: int | None = None,
        on_told_to_leave: Callable[[], None] | None = None,
        zk_session_timeout: float = 10.0,
        plan: FaultPlan | None = None,
        realms: Realms = OPEN,
    ) -> None:
        super().__init__(f"slave({number})", bind, plan)
        self._settings = settings
        self._master = master
        self._flags = flags
        self._realms = realms
        self._rng = random.Random(seed)
        self._on_told_to_leave = on_told_to_leave
        self._zk_session_timeout = zk_session_timeout
        self._lives = 0
        self._cache = FetchCache(Path(paths.fetch_cache(settings.work_dir)), settings.fetcher_cache_size)
        self._containers = Containers(self._reporter(), self._cache)
        self._memory = MemoryWatch(self._reporter())
        self._abandoned: list[Containers] = []
        self._detector: Detector | None = None
        self._authentication: Authentication | None = None
        self.left: str | None = None
        """Why it has left its master for good."""

    def start(self) -> None:
        """Listen, and look for the master."""
        self.left = None
        os.makedirs(self._settings.work_dir, exist_ok=True)
        self._cache.clear()
        recovered = recovery.read(self._settings.work_dir)
        self._listen(recovered)
        self.session = AgentSession(self._settings, pid=self.pid, rng=self._rng, now=time.time())
        if recovered is not None:
            self.session.state.connection = Connection.RECOVERING
        shell = self._begin(
            self.session.handle,
            self._perform,
            MESSAGES,
            self._routes,
        )
        if recovered is not None:
            shell.post(recovered)
        if "://" in self._master:
            self._detector = detect(self._master, session_timeout=self._zk_session_timeout)
            self._detector.watch(self._detected)
        else:
            address = self._master.removeprefix("master@")
            master = str(UPID.parse(f"master@{address}") or f"master@{address}")
            shell.post(MasterDetected(master, address.rpartition(":")[0]))

    def _listen(self, recovered: recovery.Recovered | None) -> None:
        """Listen where executors that an agent of before has left will look for it, if that can be."""
        ip, _, port = self._bind.rpartition(":")
        if recovered is not None and port == "0":
            self._bind = f"{ip}:{recovered.info.port}"
            try:
                self._open()
            except MessengerError as error:
                log.warning("Executors on HTTP will not find their agent again: %s", error)
                self._bind = f"{ip}:0"
            else:
                return
        self._open()

    def _routes(self, shell: SessionShell) -> Mapping[str, Handler]:
        self._api = ExecutorApi(self.session, shell.dispatch)
        agent = self.session.state
        files = Files(agent.settings.work_dir, lambda: agent.id)
        operator = AgentOperator(agent, self._flags, files, self.messenger.call_later)
        pages = {**routes(agent, self._flags, files), "/api/v1": operator.answer}
        return {**self._realms.guard("agent", pages), "/api/v1/executor": self._api.answer}

    @property
    def executors(self) -> tuple[RunningExecutor, ...]:
        """What runs now, for tests that want to harm it."""
        return tuple(
            RunningExecutor(framework.id, executor.id, executor.os_pid, tuple(executor.launched))
            for framework in list(self.session.state.frameworks.values())
            for executor in list(framework.executors.values())
            if executor.os_pid is not None and executor.state is not ExecutorState.TERMINATED
        )

    def stop(self) -> None:
        """End the agent and every process it started."""
        self.resume()
        if self._shell is not None:
            self._shell.post(Stopping())
        for containers in [*self._abandoned, self._containers]:
            containers.stop(_STOP_TIMEOUT)
        self._end(STOP_TIMEOUT)

    def _leave(self) -> None:
        self._authenticate("")
        if self._detector is not None:
            self._detector.stop()
            self._detector = None
        self._abandoned.append(self._containers)
        self._memory.stop(_STOP_TIMEOUT)
        self._lives += 1
        self._containers = Containers(self._reporter(), self._cache)
        self._memory = MemoryWatch(self._reporter())

    def _authenticate(self, master: str) -> None:
        """Begin to authenticate with a master, in place of what was begun with another."""
        if self._authentication is not None:
            self._authentication.cancel()
            self._authentication = None
        credential = self._settings.credential
        if not master or credential is None:
            return

        def done(error: AuthenticationError | None) -> None:
            self.shell.dispatch(MasterAuthenticated(master, None if error is None else str(error)))

        self._authentication = authenticate(self.messenger.endpoint, master, self.pid, credential, done)

    def _detected(self, leader: Leader | None) -> None:
        event = MasterDetected("") if leader is None else MasterDetected(leader.pid, leader.info.hostname)
        self.shell.post(event)

    def _reporter(self) -> Callable[[ContainerEvent | ContainerLimited], None]:
        """Give what containers report to: the life of the agent that started them, and no later one."""
        life = self._lives

        def report(event: ContainerEvent | ContainerLimited) -> None:
            if life != self._lives:
                return
            if isinstance(event, ContainerExited):
                self.shell.post_later(_REAP_INTERVAL, event)
            else:
                self.shell.post(event)

        return report

    def _perform(self, command: AgentCommand) -> None:
        match command:
            case LaunchContainer():
                self._containers.launch(command)
            case StreamSend():
                self._api.streams.send(command)
            case StreamClose():
                self._api.streams.close(command)
            case AdoptContainer(container_id, os_pid):
                self._containers.adopt(container_id, os_pid)
            case Checkpoint():
                write(command)
            case PointLatest(directory):
                paths.point(directory, "latest")
            case DestroyContainer(container_id):
                self._containers.destroy(container_id)
            case MeasureMemory(limits):
                self._memory.look(limits)
            case LinkVolume():
                if os.path.isdir(command.directory):
                    link_volume(command)
            case MakeVolume(path):
                os.makedirs(path, exist_ok=True)
            case RemoveVolume(path):
                shutil.rmtree(path, ignore_errors=True)
            case Authenticate(master):
                self._authenticate(master)
            case StopAgent(reason):
                log.error("Leaving: %s", reason)
                self.left = reason
                if self._on_told_to_leave is not None:
                    self._on_told_to_leave()
            case _:
                raise AssertionError(f"an agent's shell does not know {command!r}")


def write(checkpoint: Checkpoint) -> None:
    """Write a part of the agent's memory; a whole file takes the place of the old one at once."""
    os.makedirs(os.path.dirname(checkpoint.path), exist_ok=True)
    if checkpoint.append:
        with open(checkpoint.path, "ab") as file:
            file.write(checkpoint.data)
        return
    fresh = f"{checkpoint.path}.new"
    with open(fresh, "wb") as file:
        file.write(checkpoint.data)
    os.replace(fresh, checkpoint.path)
