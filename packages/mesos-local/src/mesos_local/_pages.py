"""The web pages: what the package carries in `web/`, which needs nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import resources

from mesos_messenger.http import Request, Response

from ._http import reading

__all__ = ["pages"]

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
_SHARED = ("style.css", "common.js")


def pages(index: str) -> dict[str, Callable[[Request], Awaitable[Response]]]:
    """Give the handlers of a page at `/` and of what it is made of."""
    return {"/": _file(index), **{f"/static/{name}": _file(name) for name in _SHARED}}


def _file(name: str) -> Callable[[Request], Awaitable[Response]]:
    kind = _TYPES[name.rpartition(".")[2]]

    async def handler(request: Request) -> Response:
        body = resources.files("mesos_local").joinpath("web").joinpath(name).read_bytes()
        return reading(request) or Response(body=body, content_type=f"{kind}; charset=utf-8")

    return handler
