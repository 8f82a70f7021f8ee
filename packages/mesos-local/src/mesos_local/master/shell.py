"""A master on a Messenger of its own: the session, its timers and links, its HTTP endpoints."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Mapping

from mesos_auth import AuthenticationResult, Authenticator, Credential
from mesos_messenger import UPID
from mesos_messenger.http import Handler
from mesos_proto.v0 import authentication_pb2
from mesos_proto.v0 import mesos_pb2 as mesos

from .._models import Json
from .._part import STOP_TIMEOUT, Part
from .._shell import SessionShell
from .._streams import Streams
from .._wire import StreamClose, StreamPublish, StreamSend
from .operator_api import MasterOperator
from .routes import routes
from .scheduler_api import SchedulerApi
from .session import MESSAGES, Authenticated, Authenticating, MasterSession, Started, TeardownAsked
from .state import MasterCommand, MasterSettings

__all__ = ["MasterShell"]


class MasterShell(Part):
    """One master. Started again, it is a new one (with a new id) that knows which agents there were."""

    def __init__(
        self,
        settings: MasterSettings,
        *,
        bind: str,
        flags: Json,
        credentials: Iterable[Credential] = (),
        seed: int | None = None,
    ) -> None:
        super().__init__("master", bind)
        self._credentials = tuple(credentials)
        self._authenticator: Authenticator | None = None
        self._settings = settings
        self._flags = flags
        self._rng = random.Random(seed)
        self._registry: list[mesos.SlaveInfo] = []

    def start(self) -> None:
        """Listen, and begin."""
        messenger = self._open()
        self.session = MasterSession(
            self._settings, pid=self.pid, rng=self._rng, now=time.time(), registry=self._registry
        )
        self._authenticator = Authenticator(
            messenger.endpoint,
            self._credentials,
            timeout=self._settings.authentication_timeout,
            on_result=self._authenticated,
        )
        shell = self._begin(self.session.handle, self._perform, MESSAGES, self._routes)
        messenger.install(authentication_pb2.AuthenticateMessage, self._asked)
        shell.post(Started())

    def _routes(self, shell: SessionShell) -> Mapping[str, Handler]:
        wants_secret = self._settings.authenticate_http_frameworks
        secrets = {each.principal: each.secret for each in self._credentials} if wants_secret else None
        self._api = SchedulerApi(self.session, shell.dispatch, secrets)
        self._operator = MasterOperator(self.session, self._flags, shell.dispatch, self.messenger.call_later)
        pages = routes(self.session.state, self._flags, lambda id: shell.dispatch(TeardownAsked(id)))
        return {**pages, "/api/v1/scheduler": self._api.answer, "/api/v1": self._operator.calls.answer}

    def stop(self) -> None:
        """End the master; its sockets are closed when this returns."""
        self._end(STOP_TIMEOUT)

    def _leave(self) -> None:
        if self._authenticator is not None:
            self._authenticator.stop()
            state = self.session.state
            known = {**state.recovered_agents, **{key: each.info for key, each in state.agents.items()}}
            self._registry = list(known.values())

    def _asked(self, sender: UPID, message: authentication_pb2.AuthenticateMessage) -> None:
        assert self._authenticator is not None
        pid = UPID.parse(message.pid, resolve=False)
        if sender and pid:  # Otherwise there is no attempt, and nothing to wait for.
            self.shell.dispatch(Authenticating(str(pid)))
        self._authenticator.authenticate(self.messenger, sender, message.pid)

    def _authenticated(self, result: AuthenticationResult) -> None:
        self.shell.dispatch(Authenticated(result.pid, result.principal))

    def _streams_of(self, stream: str) -> Streams:
        return self._operator.streams if stream in self._operator.streams else self._api.streams

    def _perform(self, command: MasterCommand) -> None:
        match command:
            case StreamSend(stream):
                self._streams_of(stream).send(command)
            case StreamPublish():
                self._operator.streams.publish(command)
            case StreamClose(stream):
                self._streams_of(stream).close(command)
            case _:
                raise AssertionError(f"a master's shell does not know {command!r}")
