"""Who may ask what over HTTP: Basic authentication for what reads, and for what may change something."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mesos_auth import Credential
from mesos_messenger.http import Handler, Request, Response, StreamingResponse

from . import _http

__all__ = ["OPEN", "Realms"]

_READONLY = frozenset(
    {
        "/containers",
        "/flags",
        "/frameworks",
        "/maintenance/status",
        "/metrics/snapshot",
        "/monitor/statistics",
        "/roles",
        "/slaves",
        "/state",
        "/state-summary",
        "/tasks",
    }
)
_READWRITE = frozenset(
    {
        "/api/v1",
        "/create-volumes",
        "/destroy-volumes",
        "/machine/down",
        "/machine/up",
        "/maintenance/schedule",
        "/quota",
        "/reserve",
        "/teardown",
        "/unreserve",
        "/weights",
    }
)


@dataclass(frozen=True, slots=True)
class Realms:
    """The secrets by principal, for what reads and for what may change something; None lets everybody in.

    Which path is in which realm is upstream's; the rest, and the files of the web page, are open.
    """

    readonly: Mapping[str, str] | None = None
    readwrite: Mapping[str, str] | None = None

    @classmethod
    def of(cls, credentials: Iterable[Credential], *, readonly: bool, readwrite: bool) -> Realms:
        """Let only those with one of these credentials in, where it is wanted."""
        secrets = {each.principal: each.secret for each in credentials}
        return cls(secrets if readonly else None, secrets if readwrite else None)

    def principal(self, request: Request, part: str, path: str) -> str:
        """Give who asks `part` (master or agent) for a path, empty where nobody has to say.

        Raises HttpError 401.
        """
        if path in _READWRITE:
            return _http.principal(request, self.readwrite, f"mesos-{part}-readwrite")
        if path in _READONLY or path.startswith("/files/"):
            return _http.principal(request, self.readonly, f"mesos-{part}-readonly")
        return ""

    def guard(self, part: str, routes: Mapping[str, Handler]) -> dict[str, Handler]:
        """Have each path answer only those who may ask."""

        def guarded(path: str, handler: Handler) -> Handler:
            async def answer(request: Request) -> Response | StreamingResponse:
                self.principal(request, part, path)
                return await handler(request)

            return answer

        return {path: guarded(path, handler) for path, handler in routes.items()}


OPEN = Realms()
