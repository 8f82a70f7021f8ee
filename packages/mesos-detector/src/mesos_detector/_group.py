"""What to make of the masters' group in ZooKeeper: a pure session.

Strategy (src/zookeeper/group.cpp, src/master/detector/zookeeper.cpp):

- List the children with a watch; each time the watch fires, list again. A path that does not exist is
  watched for, not created.
- Fetch what members say, the first one first, and publish as soon as the first is known. A node that has
  vanished between list and fetch, or holds garbage, is skipped: the next one counts as first.
- A lost connection keeps the leader for one session timeout. If it is not back by then, there is no leader:
  by then the masters, too, may have lost their sessions.
- With each new connection everything is listed and fetched anew; answers of an earlier one are dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from mesos_proto.v0 import mesos_pb2

from mesos_detector._members import Member, members_of, read_member
from mesos_detector._payload import GarbageError
from mesos_detector._source import CancelTimer, Count, Fail, Problem, Publish, SetTimer, TimerFired
from mesos_detector.errors import DetectionFailedError
from mesos_detector.leader import leader_of

_FIRST_RETRY = 0.5
_LAST_RETRY = 60.0
_FIRST_COMPLAINT = 3.0
_MAX_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Started:
    """Event: a connection is being made."""


@dataclass(frozen=True, slots=True)
class Connected:
    """Event: there is a connection, with the old session or a new one."""


@dataclass(frozen=True, slots=True)
class Suspended:
    """Event: the connection is lost; the session may live."""


@dataclass(frozen=True, slots=True)
class Expired:
    """Event: the session is over; a new one is being made."""


@dataclass(frozen=True, slots=True)
class Changed:
    """Event: a watch has fired, or the user wants a new look."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Event: the children's names; None when the path does not exist (and is watched for)."""

    epoch: int
    names: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Fetched:
    """Event: a node's data; None when it has vanished."""

    epoch: int
    name: str
    data: bytes | None


@dataclass(frozen=True, slots=True)
class Failed:
    """Event: ZooKeeper answered with an error."""

    epoch: int
    reason: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class ListChildren:
    """Command: list the group's children and watch them; watch for the path when it does not exist."""

    epoch: int


@dataclass(frozen=True, slots=True)
class FetchNode:
    """Command: read a child's data."""

    epoch: int
    name: str


Event: TypeAlias = (
    Started | Connected | Suspended | Expired | Changed | Listed | Fetched | Failed | TimerFired
)
Command: TypeAlias = ListChildren | FetchNode | SetTimer | CancelTimer | Publish | Problem | Count | Fail


class _Link(Enum):
    CONNECTING = auto()
    CONNECTED = auto()
    SUSPENDED = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class _Pending:
    """The data of a member has been asked for."""


@dataclass(frozen=True, slots=True)
class _Useless:
    """A member has vanished or holds garbage."""


_Known: TypeAlias = mesos_pb2.MasterInfo | _Pending | _Useless


class GroupSession:
    """Follows one group; `handle` takes an event and returns what is to be done."""

    def __init__(self, *, path: str, session_timeout: float) -> None:
        self._path = path
        self._session_timeout = session_timeout
        self._link = _Link.CONNECTING
        self._epoch = 0
        self._members: list[Member] = []
        self._known: dict[str, _Known] = {}
        self._published: Publish | None = None
        self._retry = _FIRST_RETRY
        self._retrying = False
        self._complaint = _FIRST_COMPLAINT
        self._counted: set[str] = set()

    def handle(self, event: Event) -> list[Command]:
        """Take an event, return what is to be done."""
        if self._link is _Link.FAILED:
            return []
        if isinstance(event, Started):
            return [SetTimer("complain", self._complaint)]
        if isinstance(event, Connected):
            return self._connected()
        if isinstance(event, (Suspended, Expired)):
            return self._suspended(event)
        if isinstance(event, TimerFired):
            return self._fired(event.name)
        if self._link is not _Link.CONNECTED:
            return []
        if isinstance(event, Changed):
            return [ListChildren(self._epoch)]
        if event.epoch != self._epoch:
            return []
        if isinstance(event, Listed):
            return self._listed(event.names)
        if isinstance(event, Fetched):
            return self._fetched(event)
        return self._failed(event)

    def _connected(self) -> list[Command]:
        self._link = _Link.CONNECTED
        self._epoch += 1
        self._known.clear()
        self._retry = _FIRST_RETRY
        self._retrying = False
        self._complaint = _FIRST_COMPLAINT
        return [
            CancelTimer("session"),
            CancelTimer("complain"),
            CancelTimer("list"),
            ListChildren(self._epoch),
        ]

    def _suspended(self, event: Suspended | Expired) -> list[Command]:
        was, self._link = self._link, _Link.SUSPENDED
        commands: list[Command] = []
        if isinstance(event, Expired):
            commands.append(
                Count("expired_sessions", "the session with ZooKeeper has expired; a new one is made")
            )
        if was is _Link.CONNECTED:
            commands += [
                CancelTimer("list"),
                SetTimer("session", self._session_timeout),
                SetTimer("complain", self._complaint),
                Problem("the connection to ZooKeeper is lost; still trying"),
            ]
        return commands

    def _fired(self, name: str) -> list[Command]:
        if name == "list":
            self._retrying = False
            return [ListChildren(self._epoch)] if self._link is _Link.CONNECTED else []
        if self._link is _Link.CONNECTED:
            return []
        if name == "session":
            self._members = []
            self._known.clear()
            return self._publish(None, ())
        self._complaint = min(self._complaint * 2, _LAST_RETRY)
        return [
            Problem("ZooKeeper cannot be reached at any of its addresses; still trying"),
            SetTimer("complain", self._complaint),
        ]

    def _listed(self, names: tuple[str, ...] | None) -> list[Command]:
        if names is None:
            problem = f"the path {self._path} does not exist yet in ZooKeeper; waiting for it"
            self._members = []
            self._known.clear()
            return [CancelTimer("list"), Problem(problem), *self._publish(None, ())]
        self._members = members_of(names)
        present = {member.name for member in self._members}
        self._known = {name: known for name, known in self._known.items() if name in present}
        commands: list[Command] = [CancelTimer("list")]
        for member in self._members:
            if member.name not in self._known:
                self._known[member.name] = _Pending()
                commands.append(FetchNode(self._epoch, member.name))
        return commands + self._settle()

    def _fetched(self, event: Fetched) -> list[Command]:
        if not isinstance(self._known.get(event.name), _Pending):
            return []
        member = next(member for member in self._members if member.name == event.name)
        commands: list[Command] = []
        self._known[event.name] = _Useless()
        if event.data is not None:
            try:
                self._known[event.name] = read_member(member, event.data)
            except GarbageError as error:
                commands += self._count(event.name, str(error))
        return commands + self._settle()

    def _count(self, name: str, reason: str) -> list[Command]:
        """Count a malformed node, once however often it is read."""
        if name in self._counted:
            return []
        if len(self._counted) >= _MAX_COUNTED:
            self._counted.clear()
        self._counted.add(name)
        return [Count("malformed_nodes", f"the node {name!r} is skipped: {reason}")]

    def _settle(self) -> list[Command]:
        """Publish what is known, as far as it is certain who comes first."""
        known = [self._known[member.name] for member in self._members]
        useful = [entry for entry in known if not isinstance(entry, _Useless)]
        if useful and isinstance(useful[0], _Pending):
            return []
        self._retry = _FIRST_RETRY
        infos = tuple(entry for entry in useful if isinstance(entry, mesos_pb2.MasterInfo))
        problem = None if infos else f"no master has been elected in {self._path}"
        return [Problem(problem), *self._publish(infos[0] if infos else None, infos)]

    def _publish(
        self, info: mesos_pb2.MasterInfo | None, infos: tuple[mesos_pb2.MasterInfo, ...]
    ) -> list[Command]:
        publish = Publish(None if info is None else leader_of(info), infos)
        if publish == self._published:
            return []
        self._published = publish
        return [publish]

    def _failed(self, event: Failed) -> list[Command]:
        if not event.retryable:
            self._link = _Link.FAILED
            return [*self._publish(None, ()), Fail(DetectionFailedError(event.reason))]
        if self._retrying:
            return []
        self._retrying = True
        seconds, self._retry = self._retry, min(self._retry * 2, _LAST_RETRY)
        self._known = {name: entry for name, entry in self._known.items() if not isinstance(entry, _Pending)}
        return [Problem(f"{event.reason}; trying again"), SetTimer("list", seconds)]
