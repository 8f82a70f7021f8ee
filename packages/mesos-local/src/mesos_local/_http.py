"""What the HTTP endpoints of master and agent share."""

from __future__ import annotations

from mesos_messenger.http import Request, Response

__all__ = ["as_json", "reading"]


def reading(request: Request) -> Response | None:
    """Refuse what is not a reading request."""
    if request.method in ("GET", "HEAD"):
        return None
    text = f"Expecting one of {{ 'GET', 'HEAD' }}, but received '{request.method}'."
    return Response.text(text, 405, {"Allow": "GET, HEAD"})


def as_json(request: Request, model: object) -> Response:
    """Answer with JSON; as a script that calls `jsonp` when the query asks for it."""
    response = Response.json(model)
    callback = request.query.get("jsonp")
    if callback is None:
        return response
    return Response(
        body=callback.encode() + b"(" + response.body + b");", headers={"Content-Type": "text/javascript"}
    )
