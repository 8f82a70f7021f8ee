"""An agent on a Messenger of its own: the session, its timers and links, its containers, its HTTP pages."""

from __future__ import annotations

import logging
import os
import random
import shutil
import time
from collections.abc import Callable

from mesos_detector import Detector, Leader, detect
from mesos_messenger import Messenger

from .._models import Json
from .._shell import SessionShell, serve
from .containers import ContainerEvent, Containers, link_volume
from .routes import routes
from .session import MESSAGES, AgentSession, ContainerExited, MasterDetected, Stopping
from .state import (
    AgentCommand,
    AgentSettings,
    DestroyContainer,
    LaunchContainer,
    LinkVolume,
    MakeVolume,
    RemoveVolume,
    StopAgent,
)

__all__ = ["AgentShell"]

log = logging.getLogger("mesos.local.agent")

_REAP_INTERVAL = 0.1
"""The end of a process is taken note of this much later: what it sent last is read before."""
_STOP_TIMEOUT = 10.0


class AgentShell:
    """One running agent.

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
    ) -> None:
        self._messenger = Messenger(f"slave({number})", bind=bind, environ={})
        self._settings = settings
        self._master = master
        self._flags = flags
        self._rng = random.Random(seed)
        self._on_told_to_leave = on_told_to_leave
        self._containers = Containers(self._report)
        self._shell: SessionShell | None = None
        self._detector: Detector | None = None

    def start(self) -> None:
        """Listen, and look for the master."""
        os.makedirs(self._settings.work_dir, exist_ok=True)
        self._messenger.start()
        session = AgentSession(self._settings, pid=str(self._messenger.upid), rng=self._rng, now=time.time())
        self.session = session
        self._shell = SessionShell(self._messenger, session.handle, self._perform, MESSAGES)
        serve(self._messenger, routes(session.state, self._flags))
        if "://" in self._master:
            self._detector = detect(self._master)
            self._detector.watch(self._detected)
        else:
            address = self._master.removeprefix("master@")
            self._shell.post(MasterDetected(f"master@{address}", address.rpartition(":")[0]))

    @property
    def pid(self) -> str:
        """The UPID of the agent, as text."""
        return str(self._messenger.upid)

    @property
    def shell(self) -> SessionShell:
        """The running shell."""
        assert self._shell is not None, "the agent was not started"
        return self._shell

    def stop(self) -> None:
        """End the agent and every process it started."""
        if self._detector is not None:
            self._detector.stop()
        if self._shell is not None:
            self._shell.post(Stopping())
        self._containers.stop(_STOP_TIMEOUT)
        if self._shell is not None:
            self._shell.stop()
        self._messenger.stop()

    def _detected(self, leader: Leader | None) -> None:
        event = MasterDetected("") if leader is None else MasterDetected(leader.pid, leader.info.hostname)
        self.shell.post(event)

    def _report(self, event: ContainerEvent) -> None:
        if isinstance(event, ContainerExited):
            self.shell.post_later(_REAP_INTERVAL, event)
        else:
            self.shell.post(event)

    def _perform(self, command: AgentCommand) -> None:
        match command:
            case LaunchContainer():
                self._containers.launch(command)
            case DestroyContainer(container_id):
                self._containers.destroy(container_id)
            case LinkVolume():
                if os.path.isdir(command.directory):
                    link_volume(command)
            case MakeVolume(path):
                os.makedirs(path, exist_ok=True)
            case RemoveVolume(path):
                shutil.rmtree(path, ignore_errors=True)
            case StopAgent(reason):
                log.error("Leaving: %s", reason)
                if self._on_told_to_leave is not None:
                    self._on_told_to_leave()
            case _:
                raise AssertionError(f"an agent's shell does not know {command!r}")
