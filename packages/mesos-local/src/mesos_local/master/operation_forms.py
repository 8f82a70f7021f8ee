"""`/reserve`, `/unreserve`, `/create-volumes` and `/destroy-volumes`: the older way to say an operation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from json import loads
from urllib.parse import parse_qsl

from mesos_messenger.http import HttpError, Request, Response
from mesos_proto import json
from mesos_proto.v0 import mesos_pb2 as mesos

from .._http import wrong_method
from .operator_operations import made

__all__ = ["operation_forms"]

_Operation = mesos.Offer.Operation


def operation_forms(
    operate: Callable[[Request, str, mesos.Offer.Operation], Response],
) -> dict[str, Callable[[Request], Awaitable[Response]]]:
    """Give the handlers by path. `operate` does an operation on an agent, or raises HttpError."""

    def form(kind: _Operation.Type.ValueType, member: str) -> Callable[[Request], Awaitable[Response]]:
        async def handler(request: Request) -> Response:
            if request.method != "POST":
                return wrong_method(request, "POST")
            values = dict(parse_qsl((await request.read()).decode("utf-8", errors="replace")))
            for name in ("slaveId", member):
                if name not in values:
                    raise HttpError(400, f"Missing '{name}' query parameter in the request body")
            return operate(request, values["slaveId"], made(kind, _resources(member, values[member])))

        return handler

    return {
        "/reserve": form(_Operation.RESERVE, "resources"),
        "/unreserve": form(_Operation.UNRESERVE, "resources"),
        "/create-volumes": form(_Operation.CREATE, "volumes"),
        "/destroy-volumes": form(_Operation.DESTROY, "volumes"),
    }


def _resources(name: str, text: str) -> list[mesos.Resource]:
    try:
        found = loads(text)
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise ValueError("it is no list of resources")
        return [json.from_dict(mesos.Resource, each) for each in found]
    except (ValueError, RecursionError) as error:
        text = f"Error parsing '{name}' query parameter in the request body: {error}"
        raise HttpError(400, text) from error
