"""Detection over HTTP: a master the user named is asked again and again who leads.

What follows from an answer is decided by `StandaloneSession`, which is pure:

- A leader that names itself is published; so is every other that later takes its place, and the same one
  after a restart (its id has changed).
- A refused connection means that the master is gone: no leader, until some master answers.
- Silence, or an answer that is not a master's, keeps the leader already known for a few rounds. Where none
  is known, `host:port` is believed as the user wrote it (`Leader.confirmed` is False), because that is what
  Mesos itself does; `http://` is not.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from mesos_detector._http import Answer, Limit, Question, QuestionError, ask, resolve
from mesos_detector._inquiry import Ask, Finding, Found, NoLeader, Unclear, Unreachable, inquire
from mesos_detector._runner import Runner
from mesos_detector._source import Count, Problem, Publish, SetTimer, Sink, TimerFired, crashed
from mesos_detector.address import HostPort
from mesos_detector.leader import Leader, info_of_pid, leader_of

_FIRST_RETRY = 0.25
_LAST_RETRY = 5.0
_MISSES_ALLOWED = 3
_SERVERS_REMEMBERED = 8


@dataclass(frozen=True, slots=True)
class Started:
    """Event: begin."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """Event: the user has a reason to doubt the leader; ask now."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Event: what the questions at one server came to. `address` is the server's IP, None if unknown."""

    finding: Finding
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Inquire:
    """Command: ask, starting with this server."""

    scheme: str
    server: HostPort


Event: TypeAlias = Started | Refreshed | Answered | TimerFired
Command: TypeAlias = Inquire | SetTimer | Publish | Problem


class StandaloneSession:
    """Decides whom to ask, when, and what to make of the answers."""

    def __init__(self, scheme: str, server: HostPort, *, trusting: bool, poll_interval: float) -> None:
        self._servers: list[tuple[str, HostPort]] = [(scheme, server)]
        self._untried: list[tuple[str, HostPort]] = []
        self._trusting = trusting
        self._poll_interval = poll_interval
        self._leader: Leader | None = None
        self._identified = False
        self._misses = 0
        self._retry = _FIRST_RETRY
        self._asked: tuple[str, HostPort] | None = None
        self._doubted = False

    def handle(self, event: Event) -> list[Command]:
        """Take an event, return what is to be done."""
        if isinstance(event, Answered):
            return self._answered(event)
        if self._asked is not None:
            self._doubted = self._doubted or isinstance(event, Refreshed)
            return []
        self._untried = list(self._servers)
        return self._ask_next()

    def _ask_next(self) -> list[Command]:
        self._asked = self._untried.pop(0)
        return [Inquire(*self._asked)]

    def _answered(self, event: Answered) -> list[Command]:
        asked, self._asked = self._asked, None
        finding = event.finding
        if asked is None:
            return []
        if isinstance(finding, Found):
            return self._found(finding, event.address)
        if isinstance(finding, Unclear):
            if self._trusting and asked == self._servers[-1] and self._leader_is_at(asked):
                return self._believe(asked, event.address, finding.reason)
            self._misses += 1
            if self._leader is not None and self._misses < _MISSES_ALLOWED:
                return [Problem(finding.reason), SetTimer("ask", self._backoff())]
        if self._untried:
            return self._ask_next()
        return self._lost(finding)

    def _lost(self, finding: NoLeader | Unreachable | Unclear) -> list[Command]:
        commands: list[Command] = [Problem(finding.reason)]
        if self._leader is not None:
            self._leader = None
            self._identified = False
            self._retry = _FIRST_RETRY
            commands.append(Publish(None, ()))
        commands.append(SetTimer("ask", self._backoff()))
        return commands

    def _found(self, finding: Found, address: str | None) -> list[Command]:
        self._remember(finding.scheme, finding.server)
        info, url = finding.info, _url(finding.scheme, finding.server)
        if info is None:
            if self._leader is not None and self._leader.url == url:
                return self._settled([])
            info = info_of_pid(
                f"master@{address or finding.server.host}:{finding.server.port}", hostname=finding.server.host
            )
            if info is None:
                return [Problem(f"{finding.server} has no libprocess address"), self._again()]
        bare = leader_of(info)
        return self._settled(
            self._take(Leader(bare.info, bare.pid, url), identified=finding.info is not None)
        )

    def _believe(self, asked: tuple[str, HostPort], address: str | None, reason: str) -> list[Command]:
        scheme, server = asked
        if self._leader is not None:
            return [Problem(f"{reason}; still taken for the leader"), self._again()]
        info = info_of_pid(f"master@{address}:{server.port}", hostname=server.host) if address else None
        if info is None:
            return self._lost(Unclear(reason))
        bare = leader_of(info)
        leader = Leader(bare.info, bare.pid, _url(scheme, server), confirmed=False)
        taken = self._take(leader, identified=False)
        return [Problem(f"{reason}; taken for the leader all the same"), *taken, self._again()]

    def _take(self, leader: Leader, *, identified: bool) -> list[Command]:
        known, was_identified = self._leader, self._identified
        same = known is not None and known.pid == leader.pid
        if same and known is not None and identified and was_identified:
            same = known.info.id == leader.info.id
        if same and not identified and was_identified:
            return []
        if same and known == leader:
            return []
        self._leader, self._identified = leader, identified
        return [Publish(leader, (leader.info,), quiet=same)]

    def _settled(self, commands: list[Command]) -> list[Command]:
        self._misses = 0
        self._retry = _FIRST_RETRY
        return [Problem(None), *commands, self._again()]

    def _again(self) -> SetTimer:
        doubted, self._doubted = self._doubted, False
        return SetTimer("ask", min(_FIRST_RETRY, self._poll_interval) if doubted else self._poll_interval)

    def _leader_is_at(self, asked: tuple[str, HostPort]) -> bool:
        return self._leader is None or self._leader.url == _url(*asked)

    def _backoff(self) -> float:
        seconds, self._retry = self._retry, min(self._retry * 2, _LAST_RETRY)
        return min(seconds, self._poll_interval)

    def _remember(self, scheme: str, server: HostPort) -> None:
        """Put a leading master first among those to ask; the one the user named stays, as the last."""
        named = self._servers[-1]
        others = [entry for entry in self._servers[:-1] if entry != (scheme, server)]
        if (scheme, server) != named:
            others.insert(0, (scheme, server))
        self._servers = [*others[: _SERVERS_REMEMBERED - 1], named]


def _url(scheme: str, server: HostPort) -> str:
    return f"{scheme}://{server}"


class StandaloneSource:
    """Carries out a StandaloneSession's commands: asks over HTTP, one server at a time."""

    def __init__(
        self,
        session: StandaloneSession,
        sink: Sink,
        *,
        request_timeout: float,
        authorization: Callable[[], str] | None,
        context: ssl.SSLContext | None,
    ) -> None:
        self._sink = sink
        self._request_timeout = request_timeout
        self._authorization = authorization
        self._context = context
        self._runner: Runner[Event, Command] = Runner(
            "mesos-detector-ask",
            handle=session.handle,
            perform=self._perform,
            on_timer=TimerFired,
            on_crash=crashed(sink),
        )

    def start(self) -> None:
        """Begin to ask."""
        self._runner.start()
        self._runner.post(Started())

    def refresh(self) -> None:
        """Ask now rather than when the time has come."""
        self._runner.post(Refreshed())

    def stop(self) -> None:
        """Stop asking; a question under way is cut off."""
        self._runner.stop()

    def _perform(self, command: Command) -> None:
        if isinstance(command, Inquire):
            self._runner.post(self._inquire(command))
        elif isinstance(command, SetTimer):
            self._runner.set_timer(command.name, command.seconds)
        elif isinstance(command, Publish):
            self._sink.publish(command)
        else:
            self._sink.problem(command.text)

    def _inquire(self, command: Inquire) -> Answered:
        limit = Limit(self._request_timeout, self._runner.stopped)

        def bounded(question: Question) -> Answer:
            return ask(question, limit, self._context)

        finding = self._find(command, bounded)
        if not isinstance(finding, Found):
            self._sink.count(Count("failed_questions", ""))
        if isinstance(finding, Found):
            return Answered(finding, self._address(finding.server) if finding.info is None else None)
        return Answered(finding, self._address(command.server))

    def _find(self, command: Inquire, bounded: Ask) -> Finding:
        try:
            authorization = self._authorization() if self._authorization is not None else None
        except Exception as error:
            return Unclear(f"authorization= raised {type(error).__name__}")
        return inquire(command.scheme, command.server, bounded, authorization)

    def _address(self, server: HostPort) -> str | None:
        try:
            addresses = resolve(server.host, Limit(self._request_timeout, self._runner.stopped))
        except QuestionError:
            return None
        return next((address for address in addresses if ":" not in address), None)
