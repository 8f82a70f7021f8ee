"""Ask masters over HTTP which of them leads.

Strategy, against one server after the other:

1. `POST /api/v1` with GET_MASTER: the leader answers with its MasterInfo, another master (1.0 and later)
   redirects to the leader.
2. `GET /redirect`, for older masters and for those that want authentication: 307 to the leader, which may
   be the server itself; 503 while there is none.
3. `GET /state`, where nothing else told: its `leader`, `pid` and `leader_info`.

Redirects are followed for a few hops, and never from https to http. Here are only decisions; the transport
is passed in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from mesos_proto.v0 import mesos_pb2

from mesos_detector._http import Answer, Question, QuestionError, RefusedError
from mesos_detector._payload import GarbageError, info_from_object, json_object
from mesos_detector.address import HostPort
from mesos_detector.leader import info_of_pid

_MAX_HOPS = 5
_GET_MASTER = b'{"type": "GET_MASTER"}'

Ask: TypeAlias = Callable[[Question], Answer]


@dataclass(frozen=True, slots=True)
class Found:
    """The master at `server` leads. `info` is what it says of itself, None when it does not say."""

    scheme: str
    server: HostPort
    info: mesos_pb2.MasterInfo | None


@dataclass(frozen=True, slots=True)
class NoLeader:
    """The masters answer, and none leads."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Nothing listens at the server that was to be asked."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """There is something, which did not answer in time or not as a master does."""

    reason: str


@dataclass(frozen=True, slots=True)
class _Redirect:
    scheme: str
    server: HostPort


Finding: TypeAlias = Found | NoLeader | Unreachable | Unclear


def inquire(scheme: str, server: HostPort, ask: Ask, authorization: str | None = None) -> Finding:
    """Find the leading master, starting with one server."""
    seen: list[tuple[str, HostPort]] = []
    while len(seen) < _MAX_HOPS:
        seen.append((scheme, server))
        try:
            step = _Server(scheme, server, ask, authorization).answer()
        except RefusedError as error:
            if len(seen) == 1:
                return Unreachable(str(error))
            return NoLeader(f"the master that should lead is gone: {error}")
        except QuestionError as error:
            return Unclear(str(error))
        if not isinstance(step, _Redirect):
            return step
        if (step.scheme, step.server) in seen:
            return NoLeader(f"the masters do not agree: {server} names {step.server}, which names it")
        scheme, server = step.scheme, step.server
    return NoLeader(f"more than {_MAX_HOPS} redirects")


class _Server:
    """The three questions to one server."""

    def __init__(self, scheme: str, server: HostPort, ask: Ask, authorization: str | None) -> None:
        self._scheme = scheme
        self._server = server
        self._ask = ask
        self._headers = {"Authorization": authorization} if authorization else {}

    def answer(self) -> Found | NoLeader | Unclear | _Redirect:
        answer = self._ask(
            Question(self._scheme, self._server, "/api/v1", body=_GET_MASTER, headers=self._headers)
        )
        if answer.status == 200:
            info = _info_of_get_master(answer.body)
            if info is not None:
                return Found(self._scheme, self._server, info)
        target = self._target(answer)
        if target is not None and target.server != self._server:
            return target
        return self._redirect()

    def _redirect(self) -> Found | NoLeader | Unclear | _Redirect:
        answer = self._ask(Question(self._scheme, self._server, "/redirect"))
        target = self._target(answer)
        if target is not None and target.server != self._server:
            return target
        if answer.status == 503:
            return NoLeader(f"{self._server} knows no leading master")
        return self._state(leads=target is not None)

    def _state(self, *, leads: bool) -> Found | NoLeader | Unclear | _Redirect:
        answer = self._ask(Question(self._scheme, self._server, "/state", headers=self._headers))
        if answer.status == 200:
            try:
                step = self._read_state(json_object(answer.body))
            except GarbageError:
                step = None
            if step is not None:
                return step
        if leads:
            return Found(self._scheme, self._server, None)
        return Unclear(f"{self._server} answers {answer.status}, not as a Mesos master does")

    def _read_state(self, state: dict[str, object]) -> Found | NoLeader | _Redirect | None:
        pid, leader = state.get("pid"), state.get("leader")
        if not isinstance(pid, str):
            return None
        if not isinstance(leader, str) or not leader:
            return NoLeader(f"{self._server} knows no leading master")
        if pid != leader:
            info = info_of_pid(leader)
            return info and _Redirect(
                self._scheme, HostPort(leader.partition("@")[2].split(":")[0], info.port)
            )
        identifier, hostname, version = (state.get(name) for name in ("id", "hostname", "version"))
        info = info_of_pid(
            pid,
            identifier=identifier if isinstance(identifier, str) else None,
            hostname=hostname if isinstance(hostname, str) else "",
        )
        if info is not None and isinstance(version, str):
            info.version = version
        return Found(self._scheme, self._server, info)

    def _target(self, answer: Answer) -> _Redirect | None:
        """Return where a redirect leads; relative and protocol-relative locations are completed."""
        if answer.status not in (301, 302, 303, 307, 308) or not answer.location:
            return None
        try:
            parts = urlsplit(answer.location.strip())
            host, port = parts.hostname, parts.port
        except ValueError:
            return None
        scheme = parts.scheme or self._scheme
        if scheme not in ("http", "https") or (self._scheme == "https" and scheme == "http"):
            return None
        if not host:
            return _Redirect(self._scheme, self._server)
        return _Redirect(scheme, HostPort(host, port or (443 if scheme == "https" else 80)))


def _info_of_get_master(body: bytes) -> mesos_pb2.MasterInfo | None:
    try:
        answer = json_object(body).get("get_master")
        info = answer.get("master_info") if isinstance(answer, dict) else None
        return info_from_object(info) if isinstance(info, dict) else None
    except GarbageError:
        return None
