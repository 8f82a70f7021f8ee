"""What a master answers that does not lead: where the leading one is. Mirrors `Master::Http::redirect`."""

from __future__ import annotations

from collections.abc import Mapping

from mesos_messenger.http import Handler, Request, Response, StreamingResponse

from .state import Master

__all__ = ["EVERY_MASTER", "leading", "redirect", "refusal"]

EVERY_MASTER = frozenset({"/flags", "/health", "/metrics/snapshot", "/redirect", "/version"})
"""What each master answers for itself; so it does with the files of the web page."""


def leading(master: Master, routes: Mapping[str, Handler]) -> dict[str, Handler]:
    """Have requests to most paths answered by the leading master alone."""

    def only(handler: Handler) -> Handler:
        async def answer(request: Request) -> Response | StreamingResponse:
            return refusal(master, request) or await handler(request)

        return answer

    return {
        path: handler if path in EVERY_MASTER or path.startswith("/static/") else only(handler)
        for path, handler in routes.items()
    }


def refusal(master: Master, request: Request) -> Response | None:
    """Send a request elsewhere; None where it is in the right place."""
    if master.recovered:
        return None
    target = request.target
    # As routed, with the process in front; but for the web page, which upstream does not redirect.
    whole = request.path == "/" or f"{target}/".startswith(("/master/", "/master?"))
    return redirect(master, target if whole else f"/master{target}")


def redirect(master: Master, target: str = "") -> Response:
    """Name the leading master, where `target` is the path and the query."""
    leader = master.leader
    if leader is None:
        return Response.text("No leader elected", 503)
    # Relative to the scheme, as with upstream: the client knows which one it has come by.
    return Response(307, headers={"Location": f"//{leader.hostname}:{leader.port}{target}"})
