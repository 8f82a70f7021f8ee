"""`POST /api/v1/scheduler`: the v1 scheduler API, on the same session as libprocess.

The order of the checks, and what each answers, is that of upstream's src/master/http.cpp.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mesos_messenger.http import HttpError, Request, Response, StreamingResponse
from mesos_proto import devolve
from mesos_proto.v0 import scheduler_pb2 as scheduler
from mesos_proto.v1 import scheduler_pb2 as v1_scheduler

from .. import _http
from .._streams import Streams
from . import validation
from .redirect import refusal
from .session import MasterSession, SchedulerCalled, StreamClosed, StreamOpened
from .state import Framework

__all__ = ["SchedulerApi"]

REALM = "mesos-master-scheduler"
_Call = scheduler.Call


class SchedulerApi:
    """The event streams of frameworks on HTTP, and their calls.

    `secrets` are those of Basic authentication, None when everybody is let in.
    """

    def __init__(
        self,
        session: MasterSession,
        dispatch: Callable[[object], None],
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        self._session = session
        self._dispatch = dispatch
        self._secrets = secrets
        self.streams = Streams(lambda stream: dispatch(StreamClosed(stream)))

    async def answer(self, request: Request) -> Response | StreamingResponse:
        """Take a call."""
        principal = _http.principal(request, self._secrets, REALM)
        elsewhere = refusal(self._session.state, request)
        if elsewhere is not None:
            return elsewhere
        if request.method != "POST":
            return _http.wrong_method(request, "POST")
        call = devolve(_http.body_as(v1_scheduler.Call, request, await request.read()))
        error = validation.call(call)
        if error:
            raise HttpError(400, f"Failed to validate scheduler::Call: {error}")
        if call.type == _Call.SUBSCRIBE:
            return self._subscribe(request, call, principal)
        if call.type == _Call.RECONCILE_OPERATIONS:
            _http.accepted(request)
        framework = self._framework(request, call, principal)
        self._dispatch(SchedulerCalled(framework.id, call))
        if call.type == _Call.UPDATE_FRAMEWORK:
            if self._session.refusal is not None:
                raise HttpError(400, self._session.refusal)
            return Response()
        return Response(202)

    def _subscribe(self, request: Request, call: scheduler.Call, principal: str) -> StreamingResponse:
        media = _http.accepted(request)
        if "mesos-stream-id" in request.headers:
            raise HttpError(400, "Subscribe calls should not include the 'Mesos-Stream-Id' header")
        claimed = call.subscribe.framework_info.principal
        if principal and claimed and claimed != principal:
            raise HttpError(
                400,
                "Failed to validate scheduler::Call: Authenticated principal"
                f" '{principal}' does not match principal '{claimed}' set in `FrameworkInfo`",
            )
        stream, response = self.streams.open(media, header="Mesos-Stream-Id")
        self._dispatch(StreamOpened(stream, principal, call.subscribe))
        return response

    def _framework(self, request: Request, call: scheduler.Call, principal: str) -> Framework:
        framework = self._session.state.frameworks.get(call.framework_id.value)
        if framework is None:
            raise HttpError(400, "Framework cannot be found")
        if principal and principal != framework.info.principal:
            raise HttpError(
                400,
                f"Authenticated principal '{principal}' does not match principal"
                f" '{framework.info.principal}' set in `FrameworkInfo`",
            )
        if not framework.connected:
            raise HttpError(403, "Framework is not subscribed")
        if not framework.stream:
            raise HttpError(403, "Framework is not connected via HTTP")
        stream = request.headers.get("mesos-stream-id")
        if stream is None:
            raise HttpError(400, "All non-subscribe calls should include the 'Mesos-Stream-Id' header")
        if stream != framework.stream:
            raise HttpError(
                400,
                f"The stream ID '{stream}' included in this request didn't match the stream ID"
                f" currently associated with framework ID {framework.id}",
            )
        return framework
