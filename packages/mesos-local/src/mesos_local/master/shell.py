"""A master on a Messenger of its own: the session, its timers and links, its HTTP endpoints."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Iterable, Mapping

from mesos_auth import AuthenticationResult, Authenticator, Credential
from mesos_messenger import UPID
from mesos_messenger.http import Handler
from mesos_proto.v0 import authentication_pb2

from .._models import Json
from .._part import STOP_TIMEOUT, Part
from .._realms import Realms
from .._rules import FaultPlan
from .._shell import SessionShell
from .._streams import Streams
from .._wire import StreamClose, StreamPublish, StreamSend
from ..errors import RegistryError
from .election import Election
from .operation_forms import operation_forms
from .operator_api import MasterOperator
from .redirect import leading
from .registry_file import NoRegistry, RegistryStore
from .routes import routes
from .scheduler_api import SchedulerApi
from .session import (
    MESSAGES,
    Authenticated,
    Authenticating,
    MasterSession,
    RegistryRecovered,
    Started,
    TeardownAsked,
)
from .state import Contend, MasterCommand, MasterSettings, RecoverRegistry, StopMaster, StoreRegistry

__all__ = ["MasterShell"]


log = logging.getLogger("mesos.local.master")


class MasterShell(Part):
    """One master. Started again, it is a new one (with a new id) that knows what the registry says.

    With `zk`, a `zk://` address, it contends for leadership; without, it leads. A master that loses its
    leadership ends, as a real one exits, and says why in `ended`; it may be started again.
    """

    def __init__(
        self,
        settings: MasterSettings,
        *,
        bind: str,
        flags: Json,
        credentials: Iterable[Credential] = (),
        seed: int | None = None,
        registry: RegistryStore | None = None,
        zk: str | None = None,
        zk_session_timeout: float = 10.0,
        plan: FaultPlan | None = None,
    ) -> None:
        super().__init__("master", bind, plan)
        self._credentials = tuple(credentials)
        self._authenticator: Authenticator | None = None
        self._refuser: Authenticator | None = None
        """Takes the other one's place while every attempt is to fail."""
        self._settings = settings
        self._flags = flags
        self._rng = random.Random(seed)
        self._registry = registry or NoRegistry()
        self._zk = zk
        self._zk_session_timeout = zk_session_timeout
        self._election: Election | None = None
        self._life = threading.RLock()
        self._ending: threading.Thread | None = None
        self.ended: str | None = None
        """Why it ended by itself; None when it did not."""

    def start(self) -> None:
        """Listen, and begin. Raises RegistryError when it leads, and the registry cannot be read."""
        if self._ending is not None:
            self._ending.join()
        with self._life:
            self._start()

    def _start(self) -> None:
        self.ended = None
        registry = self._registry.load() if self._zk is None else None
        messenger = self._open()
        self.session = MasterSession(
            self._settings, pid=self.pid, rng=self._rng, now=time.time(), registry=registry
        )
        self._authenticator, self._refuser = (
            Authenticator(
                messenger.endpoint,
                accepted,
                timeout=self._settings.authentication_timeout,
                on_result=self._authenticated,
            )
            for accepted in (self._credentials, ())
        )
        shell = self._begin(self.session.handle, self._perform, MESSAGES, self._routes)
        messenger.install(authentication_pb2.AuthenticateMessage, self._asked)
        shell.post(Started())
        if self._zk is None:
            shell.wait_until(lambda: self.leads or self.ended is not None, STOP_TIMEOUT)
            if self.ended is not None:
                raise RegistryError(self.ended)
        else:
            self._election = Election(
                self._zk,
                self.session.state.info,
                session_timeout=self._zk_session_timeout,
                post=shell.post,
            )
            self._election.start()

    @property
    def leads(self) -> bool:
        """Whether it runs, and is the leading master."""
        return self.running and self.ended is None and self.session.state.recovered

    @property
    def election(self) -> Election | None:
        """Its place in the election, where there is one."""
        return self._election

    def _routes(self, shell: SessionShell) -> Mapping[str, Handler]:
        wants_secret = self._settings.authenticate_http_frameworks
        secrets = {each.principal: each.secret for each in self._credentials} if wants_secret else None
        self._api = SchedulerApi(self.session, shell.dispatch, secrets)
        realms = Realms.of(
            self._credentials,
            readonly=self._settings.authenticate_http_readonly,
            readwrite=self._settings.authenticate_http_readwrite,
        )
        self._operator = MasterOperator(
            self.session, self._flags, shell.dispatch, self.messenger.call_later, realms
        )
        pages = routes(self.session.state, self._flags, lambda id: shell.dispatch(TeardownAsked(id)))
        forms = operation_forms(self._operator.operate)
        led = leading(self.session.state, {**pages, **forms, "/api/v1": self._operator.calls.answer})
        return {**realms.guard("master", led), "/api/v1/scheduler": self._api.answer}

    def stop(self) -> None:
        """End the master; its sockets are closed when this returns."""
        with self._life:
            self._end(STOP_TIMEOUT)

    def crash(self) -> None:
        """End it without a word to anybody; ZooKeeper keeps its session until that times out."""
        with self._life:
            if self._election is not None:
                self._election.abandon()
            super().crash()

    def _leave(self) -> None:
        for judge in (self._authenticator, self._refuser):
            if judge is not None:
                judge.stop()
        if self._election is not None:
            self._election.stop()
            self._election = None

    def _give_up(self, reason: str) -> None:
        """End, on the loop's thread, as a real master exits."""
        log.error("Master %s ends: %s", self.session.state.id, reason)
        self.shell.stop()
        ending = threading.Thread(target=self.crash, name="mesos-local-master-ends", daemon=True)
        ending.start()
        self._ending = ending
        self.ended = reason

    def wait_ended(self, timeout: float) -> bool:
        """Wait until it has ended by itself; False when it has not after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while self.ended is None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        assert self._ending is not None
        self._ending.join(max(0.0, deadline - time.monotonic()))
        return not self._ending.is_alive()

    def _asked(self, sender: UPID, message: authentication_pb2.AuthenticateMessage) -> None:
        assert self._authenticator is not None and self._refuser is not None
        if not self.session.state.recovered:
            return
        pid = UPID.parse(message.pid, resolve=False)
        if sender and pid:  # Otherwise there is no attempt, and nothing to wait for.
            self.shell.dispatch(Authenticating(str(pid)))
        for rule in self.plan.refusals:
            rule.hit()
        judge = self._refuser if self.plan.refusals else self._authenticator
        judge.authenticate(self.messenger, sender, message.pid)

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
            case StoreRegistry(registry):
                try:
                    self._registry.store(registry)
                except RegistryError as error:
                    self._give_up(str(error))
            case RecoverRegistry():
                try:
                    recovered = self._registry.load()
                except RegistryError as error:
                    self._give_up(str(error))
                else:
                    self.shell.dispatch(RegistryRecovered(recovered))
            case Contend():
                if self._election is not None:
                    self._election.contend()
            case StopMaster(reason):
                self._give_up(reason)
            case _:
                raise AssertionError(f"a master's shell does not know {command!r}")
