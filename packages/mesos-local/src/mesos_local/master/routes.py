"""The HTTP endpoints of a master."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import resources
from typing import TypeAlias

from mesos_messenger.http import Request, Response

from .. import _models
from .._http import as_json, reading
from .._models import Json
from . import views
from .state import Master

__all__ = ["routes"]

Route: TypeAlias = Callable[[Request], Awaitable[Response]]


def routes(master: Master, flags: Json) -> dict[str, Route]:
    """Give the handlers by path. They run on the loop, so what they show is of one moment."""

    def shows(model: Callable[[Request], Json]) -> Route:
        async def handler(request: Request) -> Response:
            return reading(request) or as_json(request, model(request))

        return handler

    async def index(request: Request) -> Response:
        return reading(request) or Response.html(page())

    async def health(request: Request) -> Response:
        return reading(request) or Response()

    async def redirect(request: Request) -> Response:
        host = f"//{master.settings.hostname}:{master.info.port}"
        return Response(307, headers={"Location": host + request.tail})

    async def tasks(request: Request) -> Response:
        try:
            return reading(request) or as_json(request, views.tasks(master, request.query))
        except ValueError as error:
            return Response.text(f"Failed to parse query: {error}.", 400)

    return {
        "/": index,
        "/health": health,
        "/redirect": redirect,
        "/tasks": tasks,
        "/version": shows(lambda request: _models.version()),
        "/flags": shows(lambda request: {"flags": flags}),
        "/state": shows(lambda request: views.state(master, flags)),
        "/state-summary": shows(lambda request: views.state_summary(master)),
        "/frameworks": shows(lambda request: views.frameworks(master, request.query.get("framework_id"))),
        "/slaves": shows(lambda request: views.slaves(master, request.query.get("slave_id"))),
        "/roles": shows(lambda request: views.roles(master)),
        "/metrics/snapshot": shows(lambda request: views.metrics(master)),
    }


def page() -> str:
    """Give the web page."""
    return resources.files("mesos_local").joinpath("web/index.html").read_text(encoding="utf-8")
