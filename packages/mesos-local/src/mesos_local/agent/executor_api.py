"""`POST /api/v1/executor`: the v1 executor API, on the same session as libprocess.

The order of the checks, and what each answers, is that of upstream's src/slave/http.cpp.
"""

from __future__ import annotations

from collections.abc import Callable

from mesos_messenger.http import HttpError, Request, Response, StreamingResponse
from mesos_proto import devolve
from mesos_proto.v0 import executor_pb2 as executor
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v1 import executor_pb2 as v1_executor

from .. import _http
from .._ids import invalid_uuid
from .._streams import Streams
from .session import AgentSession, ExecutorCalled, ExecutorStreamClosed, ExecutorSubscribed
from .state import Connection, Executor, ExecutorState

__all__ = ["ExecutorApi"]

_Call = executor.Call


class ExecutorApi:
    """The event streams of executors on HTTP, and their calls."""

    def __init__(self, session: AgentSession, dispatch: Callable[[object], None]) -> None:
        self._session = session
        self._dispatch = dispatch
        self.streams = Streams(lambda stream: dispatch(ExecutorStreamClosed(stream)))

    async def answer(self, request: Request) -> Response | StreamingResponse:
        """Take a call."""
        if request.method != "POST":
            return _http.wrong_method(request, "POST")
        call = devolve(_http.body_as(v1_executor.Call, request, await request.read()))
        error = _invalid(call)
        if error:
            raise HttpError(400, f"Failed to validate Executor::Call: {error}")
        media = _http.accepted(request) if call.type == _Call.SUBSCRIBE else ""
        if call.type == _Call.HEARTBEAT:
            return Response(202)
        found = self._executor(call)
        if call.type == _Call.SUBSCRIBE:
            stream, response = self.streams.open(media)
            self._dispatch(ExecutorSubscribed(stream, call))
            return response
        if found.state is ExecutorState.REGISTERING:
            raise HttpError(403, "Executor is not subscribed")
        self._dispatch(ExecutorCalled(call))
        return Response(202)

    def _executor(self, call: executor.Call) -> Executor:
        agent = self._session.state
        known = call.framework_id.value in agent.frameworks
        if agent.connection is Connection.RECOVERING and not (call.type == _Call.SUBSCRIBE and known):
            raise HttpError(503, "Agent has not finished recovery")
        if not known:
            raise HttpError(400, "Framework cannot be found")
        found = agent.executor(call.framework_id.value, call.executor_id.value)
        if found is None:
            raise HttpError(400, "Executor cannot be found")
        return found


def _invalid(call: executor.Call) -> str | None:
    if not call.HasField("type") or call.type == _Call.UNKNOWN:
        return "Expecting 'type' to be present"
    if call.type == _Call.SUBSCRIBE and not call.HasField("subscribe"):
        return "Expecting 'subscribe' to be present"
    if call.type == _Call.MESSAGE and not call.HasField("message"):
        return "Expecting 'message' to be present"
    if call.type == _Call.UPDATE:
        if not call.HasField("update"):
            return "Expecting 'update' to be present"
        return _invalid_status(call)
    return None


def _invalid_status(call: executor.Call) -> str | None:
    status = call.update.status
    error = invalid_uuid(status.uuid)
    if error:
        return error
    if status.HasField("executor_id") and status.executor_id != call.executor_id:
        return "ExecutorID in Call does not match ExecutorID in TaskStatus"
    if status.source != mesos.TaskStatus.SOURCE_EXECUTOR:
        return "Received Call from executor that is not of source SOURCE_EXECUTOR"
    if status.state == mesos.TASK_STAGING:
        return "Received TASK_STAGING from executor, which is not allowed"
    return None
