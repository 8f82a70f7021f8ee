"""The HTTP endpoints of an agent."""

from __future__ import annotations

import json
import stat
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TypeAlias
from urllib.parse import quote

from mesos_messenger.http import Request, Response, StreamingResponse

from .. import _models
from .._http import as_json, reading
from .._models import Json
from .._pages import pages
from . import views
from .files import BadRequest, Files, NotFound
from .metrics import metrics
from .state import Agent

__all__ = ["routes"]

Route: TypeAlias = Callable[[Request], Awaitable[Response | StreamingResponse]]


def routes(agent: Agent, flags: Json, files: Files) -> dict[str, Route]:
    """Give the handlers by path."""

    def shows(model: Callable[[Request], Json | list[Json]]) -> Route:
        async def handler(request: Request) -> Response:
            return reading(request) or as_json(request, model(request))

        return handler

    async def health(request: Request) -> Response:
        return reading(request) or Response()

    return {
        **pages("agent.html"),
        "/containers": shows(lambda request: views.containers(agent)),
        "/monitor/statistics": shows(lambda request: views.statistics(agent)),
        "/health": health,
        "/version": shows(lambda request: _models.version()),
        "/flags": shows(lambda request: {"flags": flags}),
        "/state": shows(lambda request: views.state(agent, flags)),
        "/metrics/snapshot": shows(lambda request: metrics(agent)),
        "/files/browse": _files(lambda request: _browse(files, request)),
        "/files/read": _files(lambda request: _read(files, request)),
        "/files/download": _files(lambda request: _download(files, request)),
    }


def _files(answer: Callable[[Request], Response | StreamingResponse]) -> Route:
    async def handler(request: Request) -> Response | StreamingResponse:
        try:
            return reading(request) or answer(request)
        except BadRequest as error:
            return Response.text(f"{error}\n", 400)
        except NotFound as error:
            return Response.text(f"{error}\n", 404)

    return handler


def _browse(files: Files, request: Request) -> Response:
    entries = files.browse(request.query.get("path"))
    return as_json(
        request,
        [{**asdict(each), "mtime": int(each.mtime), "mode": stat.filemode(each.mode)} for each in entries],
    )


def _read(files: Files, request: Request) -> Response:
    """Bytes that are no UTF-8 pass as they are, as a real agent gives them."""
    offset, data = files.page(
        request.query.get("path"), request.query.get("offset"), request.query.get("length")
    )
    model = {"offset": offset, "data": data.decode("utf-8", errors="surrogateescape")}
    body = json.dumps(model, ensure_ascii=False).encode("utf-8", errors="surrogateescape")
    return Response(body=body, content_type="application/json")


def _download(files: Files, request: Request) -> StreamingResponse:
    name, parts = files.download(request.query.get("path"))
    shown = "".join(
        each if each.isascii() and each.isprintable() and each not in '"\\' else "_" for each in name
    )
    disposition = (
        f"attachment; filename=\"{shown}\"; filename*=UTF-8''{quote(name, errors='surrogateescape')}"
    )
    return StreamingResponse(
        parts,
        headers={"Content-Disposition": disposition, "X-Content-Type-Options": "nosniff"},
        content_type="application/octet-stream",
    )
