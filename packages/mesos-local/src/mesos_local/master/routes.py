"""The HTTP endpoints of a master."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias
from urllib.parse import parse_qsl

from mesos_messenger.http import Request, Response

from .. import _models
from .._http import as_json, not_implemented, reading, wrong_method
from .._models import Json
from .._pages import pages
from . import views
from .redirect import redirect as redirect_to_leader
from .state import Master

__all__ = ["routes"]

Route: TypeAlias = Callable[[Request], Awaitable[Response]]


_CHANGED_BY = {
    "/weights": ("GET", "PUT"),
    "/quota": ("GET", "POST", "DELETE"),
    "/maintenance/schedule": ("GET", "POST"),
    "/maintenance/status": ("GET",),
    "/machine/down": ("POST",),
    "/machine/up": ("POST",),
}
"""The methods of what can be read here at most; a real master lets it be changed too."""


def routes(master: Master, flags: Json, tear_down: Callable[[str], None]) -> dict[str, Route]:
    """Give the handlers by path. They run on the loop, so what they show is of one moment.

    `tear_down` removes the framework of that id, which there is.
    """

    def shows(model: Callable[[Request], Json]) -> Route:
        async def handler(request: Request) -> Response:
            return reading(request) or as_json(request, model(request))

        return handler

    async def health(request: Request) -> Response:
        return reading(request) or Response()

    async def redirect(request: Request) -> Response:
        return Response.text("404 Not Found.", 404) if request.tail else redirect_to_leader(master)

    async def teardown(request: Request) -> Response:
        if request.method != "POST":
            return wrong_method(request, "POST")
        form = dict(parse_qsl((await request.read()).decode("utf-8", errors="replace")))
        framework_id = form.get("frameworkId")
        if framework_id is None:
            return Response.text("Missing 'frameworkId' query parameter in the request body", 400)
        if framework_id not in master.frameworks:
            return Response.text("No framework found with specified ID", 400)
        tear_down(framework_id)
        return Response()

    async def tasks(request: Request) -> Response:
        try:
            return reading(request) or as_json(request, views.tasks(master, request.query))
        except ValueError as error:
            return Response.text(f"Failed to parse query: {error}.", 400)

    def unchanging(path: str) -> Route:
        async def handler(request: Request) -> Response:
            if request.method not in _CHANGED_BY[path]:
                return wrong_method(request, *_CHANGED_BY[path])
            if request.method != "GET":
                return await not_implemented(request)
            return as_json(request, views.weights(master) if path == "/weights" else {})

        return handler

    return {
        **pages("index.html"),
        "/teardown": teardown,
        **{path: unchanging(path) for path in _CHANGED_BY},
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
