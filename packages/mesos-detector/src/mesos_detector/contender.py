"""The masters' side of the election: `Contender` stands for a master in a ZooKeeper group."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from google.protobuf import json_format
from mesos_proto.v0 import mesos_pb2

from mesos_detector import _candidacy as candidacy
from mesos_detector._candidacy import Candidacy, CandidacySession
from mesos_detector._kazoo import Connection, Link, Missing, Trouble
from mesos_detector._members import JSON_LABEL, members_of
from mesos_detector._runner import Runner
from mesos_detector._source import CancelTimer, Problem, SetTimer, TimerFired
from mesos_detector.address import ZooKeeperAddress, parse_master
from mesos_detector.errors import ContenderError, DetectionTimeoutError
from mesos_detector.leader import is_usable

log = logging.getLogger("mesos.detector")


class Contender:
    """Stands for election as the leading master, once.

    `master` is a `zk://` string, `info` what the node will say. `on_elected()` and `on_lost(reason)` are
    called on a thread of the contender's own; after `on_lost` it is over, and whoever wants to stand again
    makes a new one. `withdraw` steps down at once. As a context manager it starts and withdraws.
    """

    def __init__(
        self,
        master: str,
        info: mesos_pb2.MasterInfo,
        *,
        session_timeout: float = 10.0,
        on_elected: Callable[[], None] | None = None,
        on_lost: Callable[[str], None] | None = None,
    ) -> None:
        address = parse_master(master)
        if not isinstance(address, ZooKeeperAddress):
            raise ContenderError(f"an election needs a zk:// address, not {address}")
        if not is_usable(info):
            raise ContenderError("the MasterInfo lacks a required field, or its pid is not id@host:port")
        self._address = address
        self._data = json_format.MessageToJson(info, preserving_proto_field_name=True, indent=None).encode()
        self._on_elected = on_elected
        self._on_lost = on_lost
        self._changed = threading.Condition()
        self._state = Candidacy.WAITING
        self._problem: str | None = None
        self._withdrawn = False
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._caller = threading.Thread(target=self._call, name="mesos-contender", daemon=True)
        self._runner: Runner[candidacy.Event, candidacy.Command] = Runner(
            "mesos-contender-zookeeper",
            handle=CandidacySession(session_timeout=session_timeout).handle,
            perform=self._perform,
            on_timer=TimerFired,
            on_crash=self._crashed,
        )
        self._connection = Connection(
            address, session_timeout=session_timeout, on_link=self._linked, on_change=self._noticed
        )
        self._started = False

    def __repr__(self) -> str:
        return f"<Contender at {self._address}: {self.state.name}>"

    @property
    def state(self) -> Candidacy:
        """Where the candidacy stands."""
        with self._changed:
            return self._state

    def start(self) -> None:
        """Begin to contend."""
        with self._changed:
            if self._started or self._withdrawn:
                raise ContenderError(f"{type(self).__name__}s contend once; make a new one")
            self._started = True
        self._caller.start()
        self._runner.start()
        self._connection.start()

    def wait_elected(self, timeout: float | None = None) -> None:
        """Wait until this master leads.

        Raises DetectionTimeoutError after `timeout` seconds, ContenderError when the candidacy has ended.
        """
        end = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while self._state is not Candidacy.ELECTED:
                if self._state in candidacy.ENDED:
                    raise ContenderError(f"the candidacy at {self._address} has ended: {self._problem}")
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    reason = self._problem or "another master leads"
                    raise DetectionTimeoutError(f"not elected at {self._address}: {reason}")
                self._changed.wait(left)

    def withdraw(self, timeout: float = 10.0) -> None:
        """Step down: on return the node is gone (if ZooKeeper is there), and no callback starts any more.

        A callback that runs is waited for, `timeout` seconds at most, unless it is the one that calls.
        """
        self._end(self._connection.stop, timeout)

    def abandon(self, timeout: float = 10.0) -> None:
        """End as if this process were killed: the node stays until the session's time is over.

        For tests; otherwise as `withdraw`.
        """
        self._end(self._connection.abandon, timeout)

    def expire(self, timeout: float = 10.0) -> None:
        """Have ZooKeeper end the session, as when it hears nothing for too long; `on_lost` follows.

        For tests. Raises ContenderError when ZooKeeper does not answer within `timeout` seconds.
        """
        self._connection.expire(timeout)

    def _end(self, disconnect: Callable[[], None], timeout: float) -> None:
        with self._changed:
            first, started = not self._withdrawn, self._started
            self._withdrawn = True
            if self._state not in candidacy.ENDED:
                self._state, self._problem = Candidacy.WITHDRAWN, "withdrawn"
            self._changed.notify_all()
        if not started:
            return
        if first:
            self._runner.stop()
            disconnect()
            self._calls.put(None)
        if threading.current_thread() is not self._caller:
            self._caller.join(timeout)

    def __enter__(self) -> Contender:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.withdraw()

    def _call(self) -> None:
        while True:
            call = self._calls.get()
            with self._changed:
                over = self._withdrawn
            if call is None or over:
                return
            try:
                call()
            except Exception:
                log.exception("A callback of the contender at %s raised", self._address)

    def _linked(self, link: Link) -> None:
        if link is Link.CONNECTED:
            self._runner.post(candidacy.Connected())
        elif link is Link.SUSPENDED:
            self._runner.post(candidacy.Suspended())
        else:
            self._runner.post(candidacy.Expired())

    def _noticed(self) -> None:
        self._runner.post(candidacy.Changed())

    def _crashed(self, error: Exception) -> None:
        self._announce(candidacy.Announce(Candidacy.FAILED, f"an unforeseen error, {type(error).__name__}"))

    def _announce(self, command: candidacy.Announce) -> None:
        with self._changed:
            if self._withdrawn:
                return
            self._state = command.state
            if command.reason:
                self._problem = command.reason
            self._changed.notify_all()
        log.info("The candidacy at %s is now: %s %s", self._address, command.state.name, command.reason)
        on_elected, on_lost = self._on_elected, self._on_lost
        if command.state is Candidacy.ELECTED and on_elected is not None:
            self._calls.put(on_elected)
        elif command.state in candidacy.ENDED:
            if on_lost is not None:
                self._calls.put(lambda: on_lost(command.reason))
            self._calls.put(None)

    def _perform(self, command: candidacy.Command) -> None:
        if isinstance(command, candidacy.MakePath):
            self._make_path(command.epoch, self._address.path.split("/")[1:], "")
        elif isinstance(command, candidacy.Scan):
            self._scan(command.epoch)
        elif isinstance(command, candidacy.Create):
            self._create(command.epoch)
        elif isinstance(command, candidacy.Delete):
            self._connection.delete(f"{self._address.path}/{command.name}", lambda outcome: None)
        elif isinstance(command, candidacy.Announce):
            self._announce(command)
            if command.state in candidacy.ENDED:
                # The session, and with it any node of ours, must not outlive the candidacy.
                self._connection.stop()
        elif isinstance(command, SetTimer):
            self._runner.set_timer(command.name, command.seconds)
        elif isinstance(command, CancelTimer):
            self._runner.cancel_timer(command.name)
        else:
            self._tell(command)

    def _tell(self, command: Problem) -> None:
        with self._changed:
            changed, self._problem = command.text != self._problem, command.text
        if changed and command.text is not None:
            log.warning("Contending at %s: %s", self._address, command.text)

    def _make_path(self, epoch: int, rest: list[str], made: str) -> None:
        """Create what is missing of the path, one component after the other."""
        path = f"{made}/{rest[0]}"

        def done(outcome: Any) -> None:
            if isinstance(outcome, Trouble):
                self._runner.post(candidacy.Failed(epoch, outcome.reason, outcome.retryable))
            elif outcome is Missing.MISSING:
                self._runner.post(candidacy.Failed(epoch, f"the parent of {path} has vanished", True))
            elif rest[1:]:
                self._make_path(epoch, rest[1:], path)
            else:
                self._runner.post(candidacy.PathMade(epoch))

        def looked(outcome: Any) -> None:
            if outcome is Missing.MISSING:
                self._connection.create(path, b"", done)
            else:
                done(outcome)

        self._connection.owner(path, looked)

    def _create(self, epoch: int) -> None:
        def done(outcome: Any) -> None:
            if isinstance(outcome, Trouble):
                self._runner.post(candidacy.Failed(epoch, outcome.reason, outcome.retryable))
            elif outcome is Missing.MISSING:
                self._runner.post(candidacy.Failed(epoch, f"{self._address.path} has vanished", True))
            else:
                self._runner.post(candidacy.Created(epoch))

        path = f"{self._address.path}/{JSON_LABEL}_"
        self._connection.create(path, self._data, done, sequential=True)

    def _scan(self, epoch: int) -> None:
        def listed(outcome: Any) -> None:
            if isinstance(outcome, Trouble):
                self._runner.post(candidacy.Failed(epoch, outcome.reason, outcome.retryable))
            elif outcome is Missing.MISSING:
                self._runner.post(candidacy.Scanned(epoch, ()))
            else:
                self._look_at(epoch, [member.name for member in members_of(outcome)])

        self._connection.children(self._address.path, listed)

    def _look_at(self, epoch: int, names: list[str]) -> None:
        """Learn who owns each node, then report."""
        found: dict[str, bool] = {}
        left = set(names)

        def report() -> None:
            children = tuple((name, found[name]) for name in names if name in found)
            self._runner.post(candidacy.Scanned(epoch, children))

        def owner_of(name: str) -> Callable[[Any], None]:
            def done(outcome: Any) -> None:
                if isinstance(outcome, Trouble):
                    self._runner.post(candidacy.Failed(epoch, outcome.reason, outcome.retryable))
                    return
                if outcome is not Missing.MISSING:
                    found[name] = outcome == self._connection.session_id
                left.discard(name)
                if not left:
                    report()

            return done

        if not names:
            report()
        for name in names:
            self._connection.owner(f"{self._address.path}/{name}", owner_of(name))
