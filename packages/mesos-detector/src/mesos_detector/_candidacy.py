"""A master's candidacy in ZooKeeper: a pure session.

Strategy (src/zookeeper/contender.cpp): make the path, create one ephemeral, sequential node, and lead when
its number is the lowest of all. With every connection the group is searched for a node that belongs to our
session before one is created, because an answer that was lost may have created one. A lost session, or one
that must be taken for lost because the connection has been down for the session's time, ends the candidacy;
so does the disappearance of the node.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from mesos_detector._members import members_of
from mesos_detector._source import CancelTimer, Problem, SetTimer, TimerFired

_RETRY = 1.0


class Candidacy(Enum):
    """Where a candidacy stands."""

    WAITING = auto()
    CONTENDING = auto()
    ELECTED = auto()
    LOST = auto()
    FAILED = auto()
    WITHDRAWN = auto()


@dataclass(frozen=True, slots=True)
class Connected:
    """Event: there is a connection, with the old session or the first."""


@dataclass(frozen=True, slots=True)
class Suspended:
    """Event: the connection is lost; the session may live."""


@dataclass(frozen=True, slots=True)
class Expired:
    """Event: the session is over."""


@dataclass(frozen=True, slots=True)
class Changed:
    """Event: the group has changed."""


@dataclass(frozen=True, slots=True)
class PathMade:
    """Event: the group's path exists."""

    epoch: int


@dataclass(frozen=True, slots=True)
class Scanned:
    """Event: the group's children, each with whether our session owns it."""

    epoch: int
    children: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Created:
    """Event: a node was created."""

    epoch: int


@dataclass(frozen=True, slots=True)
class Failed:
    """Event: ZooKeeper answered with an error, or not at all (`retryable`)."""

    epoch: int
    reason: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class MakePath:
    """Command: create the group's path where it is missing."""

    epoch: int


@dataclass(frozen=True, slots=True)
class Scan:
    """Command: list the group with a watch, and see which nodes are ours."""

    epoch: int


@dataclass(frozen=True, slots=True)
class Create:
    """Command: create our node."""

    epoch: int


@dataclass(frozen=True, slots=True)
class Delete:
    """Command: delete a node of ours that is one too many."""

    name: str


@dataclass(frozen=True, slots=True)
class Announce:
    """Command: the candidacy has reached another state; `reason` for those that end it."""

    state: Candidacy
    reason: str = ""


Event: TypeAlias = (
    Connected | Suspended | Expired | Changed | PathMade | Scanned | Created | Failed | TimerFired
)
Command: TypeAlias = MakePath | Scan | Create | Delete | Announce | SetTimer | CancelTimer | Problem

ENDED = frozenset({Candidacy.LOST, Candidacy.FAILED, Candidacy.WITHDRAWN})


class CandidacySession:
    """One candidacy; `handle` takes an event and returns what is to be done."""

    def __init__(self, *, session_timeout: float) -> None:
        self._session_timeout = session_timeout
        self._state = Candidacy.WAITING
        self._epoch = 0
        self._connected = False
        self._entered = False

    def handle(self, event: Event) -> list[Command]:
        """Take an event, return what is to be done."""
        if self._state in ENDED:
            return []
        if isinstance(event, Connected):
            self._connected = True
            self._epoch += 1
            return [CancelTimer("session"), CancelTimer("retry"), Problem(None), MakePath(self._epoch)]
        if isinstance(event, Suspended):
            self._connected = False
            return [Problem("the connection to ZooKeeper is lost"), *self._start_clock()]
        if isinstance(event, Expired):
            return self._expired()
        if isinstance(event, TimerFired):
            return self._fired(event.name)
        if not self._connected:
            return []
        if isinstance(event, Changed):
            return [Scan(self._epoch)]
        if event.epoch != self._epoch:
            return []
        if isinstance(event, Scanned):
            return self._scanned(event.children)
        if isinstance(event, Failed):
            return self._failed(event)
        return [Scan(self._epoch)]

    def _start_clock(self) -> list[Command]:
        return [SetTimer("session", self._session_timeout)] if self._entered else []

    def _expired(self) -> list[Command]:
        self._connected = False
        if self._entered:
            return self._end(Candidacy.LOST, "the session with ZooKeeper has expired")
        return [Problem("the session with ZooKeeper has expired; a new one is made")]

    def _fired(self, name: str) -> list[Command]:
        if name == "session" and not self._connected:
            return self._end(Candidacy.LOST, "ZooKeeper has been out of reach for the time of the session")
        if name == "retry" and self._connected:
            return [MakePath(self._epoch)]
        return []

    def _scanned(self, children: tuple[tuple[str, bool], ...]) -> list[Command]:
        ours = {name for name, is_ours in children if is_ours}
        members = members_of(name for name, _ in children)
        own = [member for member in members if member.name in ours]
        if not own:
            if self._entered:
                return self._end(Candidacy.LOST, "our node has been deleted")
            return [Create(self._epoch)]
        self._entered = True
        commands: list[Command] = [Delete(member.name) for member in own[1:]]
        if members[0] == own[0]:
            return commands + self._become(Candidacy.ELECTED)
        if self._state is Candidacy.ELECTED:
            return [*commands, *self._end(Candidacy.LOST, "another node has a lower number than ours")]
        return commands + self._become(Candidacy.CONTENDING)

    def _failed(self, event: Failed) -> list[Command]:
        if not event.retryable:
            return self._end(Candidacy.FAILED, event.reason)
        return [Problem(f"{event.reason}; trying again"), SetTimer("retry", _RETRY)]

    def _become(self, state: Candidacy) -> list[Command]:
        if self._state is state:
            return []
        self._state = state
        return [Announce(state)]

    def _end(self, state: Candidacy, reason: str) -> list[Command]:
        self._state = state
        return [CancelTimer("session"), CancelTimer("retry"), Announce(state, reason)]
