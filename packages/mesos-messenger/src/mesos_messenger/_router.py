"""Which handler answers an ordinary request.

The first segment of the path names a process; what names none is looked up among the endpoint's own
routes and then goes, whole, to the delegate. Within a process the longest registered prefix wins.
Upstream: process.cpp (`ProcessManager::handle`, `ProcessBase::consume`).
"""

from __future__ import annotations

import logging
from collections.abc import Container
from urllib.parse import unquote

from ._slow import decode_segment
from .errors import ProtocolError, UsageError
from .http import Handler, HttpError, Request, Response, StreamingResponse

__all__ = ["Router", "normalize"]

logger = logging.getLogger("mesos.messenger")

_BAD_REQUEST = Response.text("400 Bad Request.", 400)
_NOT_FOUND = Response.text("404 Not Found.", 404)


def normalize(path: str) -> str:
    """Return a route's path in the form it is looked up by: no slash at either end."""
    if not path.startswith("/"):
        raise UsageError(f"the path of a route starts with /: {path!r}")
    return path.strip("/")


class Router:
    """The routes of an endpoint and of its processes."""

    def __init__(self, processes: Container[str]) -> None:
        self._processes = processes
        self._own: dict[str, Handler] = {}
        self._routes: dict[str, dict[str, Handler]] = {}
        self.delegate: str | None = None

    def add(self, process: str | None, path: str, handler: Handler) -> None:
        """Register a handler, of a process or of the endpoint; a later one replaces it."""
        routes = self._own if process is None else self._routes.setdefault(process, {})
        routes[normalize(path)] = handler

    def remove(self, process: str) -> None:
        """Forget the routes of a process."""
        self._routes.pop(process, None)
        if self.delegate == process:
            self.delegate = None

    def find(self, path: str) -> tuple[Handler, str] | None:
        """Return the handler for a path (as it came), and what of the path follows the route."""
        if "/.." in path:
            return None
        tokens = [token for token in path.split("/") if token]
        if tokens:
            try:
                first = decode_segment(tokens[0].encode("latin-1", "replace"))
            except ValueError:
                first = ""
            if first in self._processes:
                return _longest(self._routes.get(first, {}), tokens[1:])
        found = _longest(self._own, tokens)
        if found is None and self.delegate is not None:
            found = _longest(self._routes.get(self.delegate, {}), tokens)
        return found

    async def answer(self, request: Request) -> Response | StreamingResponse:
        """Have a request answered; a handler that fails gives a 500."""
        found = self.find(request.raw_path)
        if found is None:
            return _NOT_FOUND
        handler, tail = found
        request.tail = unquote(tail)
        try:
            response = await handler(request)
        except HttpError as error:
            response = error.response
        except OSError:
            raise
        except ProtocolError as error:
            # Of the client, which broke off: no fault of the handler's.
            logger.debug("%s %s: %s", request.method, request.path, error)
            return _BAD_REQUEST
        except Exception:
            logger.exception("the handler of %s %s failed", request.method, request.path)
            return Response.text("500 Internal Server Error.", 500)
        if isinstance(response, Response):
            return response.compressed(request.headers.get("accept-encoding", ""))
        return response


def _longest(routes: dict[str, Handler], tokens: list[str]) -> tuple[Handler, str] | None:
    for count in range(len(tokens), 0, -1):
        handler = routes.get("/".join(tokens[:count]))
        if handler is not None:
            return handler, "/".join(tokens[count:])
    # "/" is the page itself, not the start of every path.
    handler = routes.get("") if not tokens else None
    return None if handler is None else (handler, "")
