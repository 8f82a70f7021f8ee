"""What a test can make go wrong in a cluster: links, messages, requests, leadership, authentication.

with cluster.faults.cut(cluster.agents[0], cluster.master):
    ...                                         # healed here
dropped = cluster.faults.drop(StatusUpdateMessage, nth=1)
dropped.wait()                                  # until it happened
cluster.faults.heal()                           # everything
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias

from google.protobuf.message import Message

from ._links import address_of
from ._part import Part
from ._rules import AnswerRule, Fate, FaultPlan, LinkRule, LinkState, MessageRule, Rule
from .errors import ClusterError, ConfigurationError, FaultError

if TYPE_CHECKING:
    from .cluster import LocalCluster
    from .master.shell import MasterShell

__all__ = ["Fault", "Faults", "Process"]

Process: TypeAlias = Part | str
"""A master or an agent of the cluster, or the UPID of any process."""


class Fault:
    """Something that goes wrong until `heal`, or the end of a `with` block."""

    def __init__(self, rules: tuple[Rule, ...], heal: Callable[[Fault], None]) -> None:
        self.rules = rules
        self._heal = heal

    @property
    def hits(self) -> int:
        """How often it happened; links do not count."""
        return sum(rule.hits for rule in self.rules)

    def wait(self, hits: int = 1, timeout: float = 30.0) -> None:
        """Wait until it happened so often. Raises FaultError after `timeout` seconds."""
        (rule,) = self.rules
        with rule.changed:
            if not rule.changed.wait_for(lambda: rule.hits >= hits, timeout):
                raise FaultError(f"it happened {rule.hits} times in {timeout:.0f} s, not {hits}: {rule}")

    def heal(self) -> None:
        """Let it go wrong no longer; more than once does no harm."""
        self._heal(self)

    def __enter__(self) -> Fault:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.heal()


class Faults:
    """Makes things go wrong in a cluster. Each method may be called at any time, from any thread."""

    def __init__(self, cluster: LocalCluster, plan: FaultPlan) -> None:
        self._cluster = cluster
        self._plan = plan
        self._open: list[Fault] = []

    def heal(self) -> None:
        """Let nothing go wrong any longer."""
        for fault in list(self._open):
            fault.heal()

    # Links.

    def cut(
        self, one: Process, other: Process | None = None, *, silent: bool = False, one_way: bool = False
    ) -> Fault:
        """Break the connections between two processes (or one and all others), and refuse new ones.

        `silent`: instead nothing arrives any longer, as when packets are lost; what was sent meanwhile
        arrives when it is healed. `one_way`: only what the first says to the other.
        """
        return self._link(one, other, LinkState(refused=not silent, silent=silent), one_way)

    def delay(
        self, seconds: float, one: Process, other: Process | None = None, *, one_way: bool = False
    ) -> Fault:
        """Have what two processes (or one and all others) say to each other arrive so much later."""
        if not seconds > 0:
            raise ConfigurationError(f"a delay of {seconds} seconds is none; give more than 0")
        return self._link(one, other, LinkState(delay=seconds), one_way)

    def _link(self, one: Process, other: Process | None, state: LinkState, one_way: bool) -> Fault:
        source = _address(one)
        target = None if other is None else _address(other)
        rules = [LinkRule(source, target, state)]
        if not one_way:
            rules.append(LinkRule(target, source, state))
        return self._begin(*rules)

    # Messages and events.

    def drop(
        self,
        kind: type[Message] | None = None,
        *,
        nth: int = 1,
        times: int | None = 1,
        source: Process | None = None,
        target: Process | None = None,
        when: Callable[[Message], bool] | None = None,
    ) -> Fault:
        """Have messages of a type (any, without) not arrive: from the `nth` on, so many (`times=None`: all).

        `kind` is a libprocess message, or an `Event` of an HTTP stream. `source` and `target` are the
        processes it goes between, also as the beginning of a UPID (`"scheduler"`); events have no target.
        `when(message)` chooses; it gets a message of v1 when `kind` is one.
        """
        return self._message(kind, nth, times, source, target, when, Fate.DROPPED)

    def cut_stream(
        self,
        kind: type[Message] | None = None,
        *,
        nth: int = 1,
        source: Process | None = None,
        when: Callable[[Message], bool] | None = None,
    ) -> Fault:
        """Break the HTTP stream in the middle of an event, as `drop` chooses one."""
        is_event = when or (lambda message: type(message).__name__ == "Event")
        return self._message(kind, nth, 1, source, None, is_event, Fate.CUT)

    def stop_heartbeats(self, source: Process | None = None) -> Fault:
        """Send no more HEARTBEAT on HTTP streams (of one master or agent, or of all)."""
        return self._message(None, 1, None, source, None, _is_heartbeat, Fate.DROPPED)

    def _message(
        self,
        kind: type[Message] | None,
        nth: int,
        times: int | None,
        source: Process | None,
        target: Process | None,
        when: Callable[[Message], bool] | None,
        fate: Fate,
    ) -> Fault:
        if nth < 1 or (times is not None and times < 1):
            raise ConfigurationError(f"nth={nth} and times={times} are counted from 1")
        rule = MessageRule(kind, _name(source), _name(target), when, nth, times, fate)
        return self._begin(rule)

    # Requests.

    def answer(
        self,
        status: int | None,
        path: str = "/api/v1",
        *,
        part: Part | None = None,
        times: int | None = None,
        location: str | None = None,
    ) -> Fault:
        """Answer requests for `path`, and what is below it, with a status (None: close the connection).

        Of one `part`, or of all; so many `times`, or until it is healed. A redirect needs a `location`.
        """
        if status is not None and not 200 <= status <= 599:
            raise ConfigurationError(f"{status} is no status of an answer; give 200 to 599, or None")
        if status in (301, 302, 303, 307, 308) and location is None:
            raise ConfigurationError(f"an answer {status} needs a location, such as '//127.0.0.1:5050'")
        if not path.startswith("/"):
            raise ConfigurationError(f"the path {path!r} does not begin with /")
        name = None if part is None else part.pid
        return self._begin(AnswerRule(status, path.rstrip("/") or "/", name, location, times))

    def refuse_authentication(self) -> Fault:
        """Have every attempt to authenticate fail, on libprocess and on HTTP."""
        return self._begin(Rule())

    # Leadership.

    def expire_leadership(self, timeout: float = 30.0) -> MasterShell:
        """Have ZooKeeper end the leading master's session, and give the master, which has ended then.

        Raises ClusterError when no master leads, there is no ZooKeeper, or it takes longer than `timeout`.
        """
        deadline = time.monotonic() + timeout
        leader = self._cluster.master
        if leader.election is None:
            raise ClusterError("there is no election: give the cluster a zk='zk://host:2181/mesos'")
        leader.election.expire(timeout)
        if not leader.wait_ended(max(0.0, deadline - time.monotonic())):
            raise ClusterError(f"the master at {leader.pid} still leads after {timeout:.0f} s")
        return leader

    def _begin(self, *rules: Rule) -> Fault:
        fault = Fault(rules, self._end)
        for rule in rules:
            self._plan.add(rule)
        self._open.append(fault)
        self._apply(rules)
        return fault

    def _end(self, fault: Fault) -> None:
        if fault in self._open:
            self._open.remove(fault)
            for rule in fault.rules:
                self._plan.remove(rule)
            self._apply(fault.rules)

    def _apply(self, rules: tuple[Rule, ...]) -> None:
        if any(isinstance(rule, LinkRule) for rule in rules):
            for part in (*self._cluster.masters, *self._cluster.agents):
                part.apply_faults()


def _address(process: Process) -> tuple[str, int]:
    try:
        return address_of(_name(process) or "")
    except ValueError as error:
        raise ConfigurationError(
            f"{process!r} is no process: give a master or an agent of the cluster, or a UPID"
        ) from error


def _name(process: Process | None) -> str | None:
    return process.pid if isinstance(process, Part) else process


def _is_heartbeat(message: Message) -> bool:
    kind = message.DESCRIPTOR.fields_by_name.get("type")
    if kind is None or kind.enum_type is None or type(message).__name__ != "Event":
        return False
    value = kind.enum_type.values_by_number.get(message.type)  # type: ignore[attr-defined]
    return value is not None and value.name == "HEARTBEAT"
