"""A master on a Messenger of its own: the session, its timers and links, its HTTP endpoints."""

from __future__ import annotations

import random
import time

from mesos_messenger import Messenger

from .._models import Json
from .._shell import SessionShell, serve
from .routes import routes
from .session import MESSAGES, MasterSession, Started
from .state import MasterCommand, MasterSettings

__all__ = ["MasterShell"]

ID = "master"


class MasterShell:
    """One running master."""

    def __init__(self, settings: MasterSettings, *, bind: str, flags: Json, seed: int | None = None) -> None:
        self._messenger = Messenger(ID, bind=bind, environ={})
        self._settings = settings
        self._flags = flags
        self._rng = random.Random(seed)
        self._shell: SessionShell | None = None

    def start(self) -> None:
        """Listen, and begin."""
        self._messenger.start()
        session = MasterSession(self._settings, pid=str(self._messenger.upid), rng=self._rng, now=time.time())
        self.session = session
        self._shell = SessionShell(self._messenger, session.handle, self._perform, MESSAGES)
        serve(self._messenger, routes(session.state, self._flags))
        self._shell.post(Started())

    @property
    def pid(self) -> str:
        """The UPID of the master, as text."""
        return str(self._messenger.upid)

    @property
    def shell(self) -> SessionShell:
        """The running shell."""
        assert self._shell is not None, "the master was not started"
        return self._shell

    def stop(self) -> None:
        """End the master; its sockets are closed when this returns."""
        if self._shell is not None:
            self._shell.stop()
        self._messenger.stop()

    def _perform(self, command: MasterCommand) -> None:
        raise AssertionError(f"a master's shell does not know {command!r}")
