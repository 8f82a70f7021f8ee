"""`POST /api/v1` of an agent: the v1 operator API."""

from __future__ import annotations

from collections.abc import Callable

from google.protobuf.message import Message
from mesos_messenger.http import HttpError, Request
from mesos_proto.v0 import agent_pb2 as operator
from mesos_proto.v1 import agent_pb2 as v1_operator

from .. import _http
from .._models import Json
from .._operator import Answer, OperatorCalls, Reading
from . import operator_views
from .files import BadRequest, Files, NotFound
from .metrics import metrics
from .state import Agent, Connection

__all__ = ["AgentOperator"]

RECORDIO = "application/recordio"
_FORMS = (_http.JSON, _http.PROTOBUF)
_MEMBERS = {
    name: name.lower()
    for name in (
        "LIST_FILES",
        "READ_FILE",
        "LAUNCH_NESTED_CONTAINER",
        "WAIT_NESTED_CONTAINER",
        "KILL_NESTED_CONTAINER",
        "REMOVE_NESTED_CONTAINER",
        "LAUNCH_NESTED_CONTAINER_SESSION",
        "ATTACH_CONTAINER_INPUT",
        "ATTACH_CONTAINER_OUTPUT",
        "LAUNCH_CONTAINER",
        "WAIT_CONTAINER",
        "KILL_CONTAINER",
        "REMOVE_CONTAINER",
        "ADD_RESOURCE_PROVIDER_CONFIG",
        "UPDATE_RESOURCE_PROVIDER_CONFIG",
        "REMOVE_RESOURCE_PROVIDER_CONFIG",
        "MARK_RESOURCE_PROVIDER_GONE",
    )
}
_VIEWS: dict[str, Callable[[Agent], Message]] = {
    "get_state": operator_views.state,
    "get_containers": operator_views.containers,
    "get_frameworks": operator_views.frameworks,
    "get_executors": operator_views.executors,
    "get_operations": operator_views.operations,
    "get_tasks": operator_views.tasks,
    "get_agent": operator_views.agent_info,
}


class AgentOperator:
    """The calls an agent answers."""

    def __init__(
        self,
        agent: Agent,
        flags: Json,
        files: Files,
        later: Callable[[float, Callable[[], object]], object],
    ) -> None:
        self._agent = agent
        self._files = files
        self._calls = OperatorCalls(
            v1_operator.Call,
            operator.Response,
            "agent",
            _MEMBERS,
            flags=flags,
            metrics=lambda: metrics(agent),
            later=later,
            accepted=_accepted,
        )
        for name, view in _VIEWS.items():
            self._calls.reads[name.upper()] = self._reading(name, view)
        self._calls.reads.update(
            GET_RESOURCE_PROVIDERS=self._resource_providers,
            LIST_FILES=self._list_files,
            READ_FILE=self._read_file,
        )

    async def answer(self, request: Request) -> Answer:
        """Take a call."""
        if self._agent.connection is Connection.RECOVERING:
            raise HttpError(503, "Agent has not finished recovery")
        if request.method == "POST":
            _check_media(request)
        return await self._calls.answer(request)

    def _reading(self, name: str, view: Callable[[Agent], Message]) -> Reading:
        def read(call: object, response: Message) -> None:
            getattr(response, name).CopyFrom(view(self._agent))

        return read

    def _resource_providers(self, call: operator.Call, response: operator.Response) -> None:
        response.get_resource_providers.SetInParent()

    def _list_files(self, call: operator.Call, response: operator.Response) -> None:
        try:
            entries = self._files.browse(call.list_files.path)
        except (BadRequest, NotFound) as error:
            raise _refusal(error) from error
        response.list_files.SetInParent()
        for each in entries:
            info = response.list_files.file_infos.add(
                path=each.path, nlink=each.nlink, size=each.size, mode=each.mode, uid=each.uid, gid=each.gid
            )
            info.mtime.nanoseconds = int(each.mtime) * 10**9

    def _read_file(self, call: operator.Call, response: operator.Response) -> None:
        wanted = call.read_file
        count = wanted.length if wanted.HasField("length") else None
        try:
            size, data = self._files.read(wanted.path, wanted.offset, count)
        except (BadRequest, NotFound) as error:
            raise _refusal(error) from error
        response.read_file.size, response.read_file.data = size, data


def _refusal(error: Exception) -> HttpError:
    return HttpError(404 if isinstance(error, NotFound) else 400, f"{error}\n")


def _accepted(request: Request, name: str) -> str:
    if not _http.allows(request, *_FORMS):
        raise HttpError(406, f"Streaming response is not supported for {name} call")
    return _http.accepted(request)


def _check_media(request: Request) -> None:
    """Refuse media types in the order, and in the words, of upstream. Raises HttpError."""
    content = request.headers.get("content-type")
    of_messages = request.headers.get("message-content-type")
    if content is None:
        raise HttpError(400, "Expecting 'Content-Type' to be present")
    if content not in (*_FORMS, RECORDIO):
        raise HttpError(415, f"Expecting 'Content-Type' of {_http.JSON} or {_http.PROTOBUF} or {RECORDIO}")
    if content == RECORDIO:
        if of_messages is None:
            raise HttpError(400, "Expecting 'Message-Content-Type' to be set for streaming requests")
        if of_messages not in _FORMS:
            raise HttpError(415, f"Expecting 'Message-Content-Type' of {_http.JSON} or {_http.PROTOBUF}")
        raise HttpError(501, "An embedded cluster does not have the call ATTACH_CONTAINER_INPUT.")
    if of_messages is not None:
        raise HttpError(415, "Expecting 'Message-Content-Type' to be not set for non-streaming requests")
    if not _http.allows(request, *_FORMS, RECORDIO):
        raise HttpError(406, f"Expecting 'Accept' to allow {_http.JSON} or {_http.PROTOBUF} or {RECORDIO}")
    if not _http.allows(request, *_FORMS):
        return  # A stream is wanted, which no call here gives.
    if "message-accept" in request.headers:
        raise HttpError(406, "Expecting 'Message-Accept' to be not set for non-streaming responses")
