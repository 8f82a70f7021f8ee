"""A master on a Messenger of its own: the session, its timers and links, its HTTP endpoints."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable

from mesos_auth import AuthenticationResult, Authenticator, Credential
from mesos_messenger import UPID, Messenger
from mesos_proto.v0 import authentication_pb2

from .._models import Json
from .._shell import SessionShell, serve
from .routes import routes
from .scheduler_api import SchedulerApi
from .session import MESSAGES, Authenticated, Authenticating, MasterSession, Started
from .state import MasterCommand, MasterSettings, StreamClose, StreamSend

__all__ = ["MasterShell"]

ID = "master"


class MasterShell:
    """One running master."""

    def __init__(
        self,
        settings: MasterSettings,
        *,
        bind: str,
        flags: Json,
        credentials: Iterable[Credential] = (),
        seed: int | None = None,
    ) -> None:
        self._credentials = tuple(credentials)
        self._authenticator: Authenticator | None = None
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
        wants_secret = self._settings.authenticate_http_frameworks
        secrets = {each.principal: each.secret for each in self._credentials} if wants_secret else None
        self._api = SchedulerApi(session, self._shell.dispatch, secrets)
        serve(
            self._messenger,
            {**routes(session.state, self._flags), "/api/v1/scheduler": self._api.answer},
        )
        self._authenticator = Authenticator(
            self._messenger.endpoint,
            self._credentials,
            timeout=self._settings.authentication_timeout,
            on_result=self._authenticated,
        )
        self._messenger.install(authentication_pb2.AuthenticateMessage, self._asked)
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
        if self._authenticator is not None:
            self._authenticator.stop()
        self._messenger.stop()

    def _asked(self, sender: UPID, message: authentication_pb2.AuthenticateMessage) -> None:
        assert self._authenticator is not None
        self.shell.dispatch(Authenticating(message.pid))
        self._authenticator.authenticate(self._messenger, sender, message.pid)

    def _authenticated(self, result: AuthenticationResult) -> None:
        self.shell.dispatch(Authenticated(result.pid, result.principal))

    def _perform(self, command: MasterCommand) -> None:
        match command:
            case StreamSend():
                self._api.send(command)
            case StreamClose():
                self._api.close(command)
            case _:
                raise AssertionError(f"a master's shell does not know {command!r}")
