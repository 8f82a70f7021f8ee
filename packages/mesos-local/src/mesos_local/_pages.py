"""The web pages: what the package carries in `web/`, which needs nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import resources

from mesos_messenger.http import Request, Response

from ._http import reading

__all__ = ["pages"]

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
_SHARED = ("style.css", "common.js", "live.js")
_PARTS = {
    "index.html": ("cluster.js", "model.js", "stream.js", "tasks.js", "views.js"),
    "agent.html": ("agent.js", "reader.js"),
}
_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
}
"""A page that a task's name could make do something would be allowed nothing: no script, no other host."""


def pages(index: str) -> dict[str, Callable[[Request], Awaitable[Response]]]:
    """Give the handlers of a page at `/` and of what it is made of."""
    return {"/": _file(index), **{f"/static/{name}": _file(name) for name in (*_SHARED, *_PARTS[index])}}


def _file(name: str) -> Callable[[Request], Awaitable[Response]]:
    kind = f"{_TYPES[name.rpartition('.')[2]]}; charset=utf-8"

    async def handler(request: Request) -> Response:
        body = resources.files("mesos_local").joinpath("web").joinpath(name).read_bytes()
        return reading(request) or Response(body=body, headers=_HEADERS, content_type=kind)

    return handler
