"""`POST /api/v1` of the master: the v1 operator API."""

from __future__ import annotations

from collections.abc import Callable

from google.protobuf.message import Message
from mesos_messenger.http import HttpError, Request, Response
from mesos_proto.v0 import master_pb2 as operator
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v1 import master_pb2 as v1_operator

from .. import _http
from .._models import Json
from .._operator import Answer, OperatorCalls, Reading
from .._realms import Realms
from .._streams import Streams
from . import operator_operations, operator_views, views
from .session import (
    AgentGone,
    MasterSession,
    OperatorLeft,
    OperatorOperation,
    OperatorSubscribed,
    TeardownAsked,
)
from .state import Master

__all__ = ["MasterOperator"]

_VIEWS: dict[str, Callable[[Master], Message]] = {
    "get_state": operator_views.state,
    "get_agents": operator_views.agents,
    "get_frameworks": operator_views.frameworks,
    "get_executors": operator_views.executors,
    "get_operations": operator_views.operations,
    "get_tasks": operator_views.tasks,
    "get_roles": operator_views.roles,
    "get_master": operator_views.master_info,
}
_OPERATIONS = (
    "RESERVE_RESOURCES",
    "UNRESERVE_RESOURCES",
    "CREATE_VOLUMES",
    "DESTROY_VOLUMES",
    "GROW_VOLUME",
    "SHRINK_VOLUME",
)
_NO_AGENT = "Expecting 'agent_id' to be present; only agent default resources are supported right now"
_NEVER_SET = {
    "get_quota": "status",
    "get_maintenance_status": "status",
    "get_maintenance_schedule": "schedule",
}
"""What can be asked for, and that nobody can have set here."""

_MEMBERS = {
    "LIST_FILES": "list_files",
    "READ_FILE": "read_file",
    "UPDATE_WEIGHTS": "update_weights",
    "RESERVE_RESOURCES": "reserve_resources",
    "UNRESERVE_RESOURCES": "unreserve_resources",
    "CREATE_VOLUMES": "create_volumes",
    "DESTROY_VOLUMES": "destroy_volumes",
    "GROW_VOLUME": "grow_volume",
    "SHRINK_VOLUME": "shrink_volume",
    "UPDATE_MAINTENANCE_SCHEDULE": "update_maintenance_schedule",
    "START_MAINTENANCE": "start_maintenance",
    "STOP_MAINTENANCE": "stop_maintenance",
    "DRAIN_AGENT": "drain_agent",
    "DEACTIVATE_AGENT": "deactivate_agent",
    "REACTIVATE_AGENT": "reactivate_agent",
    "UPDATE_QUOTA": "update_quota",
    "SET_QUOTA": "set_quota",
    "REMOVE_QUOTA": "remove_quota",
    "TEARDOWN": "teardown",
    "MARK_AGENT_GONE": "mark_agent_gone",
}


class MasterOperator:
    """The calls a master answers, and the event streams of its operators."""

    def __init__(
        self,
        session: MasterSession,
        flags: Json,
        dispatch: Callable[[object], None],
        later: Callable[[float, Callable[[], object]], object],
        realms: Realms,
    ) -> None:
        self._session = session
        self._realms = realms
        self._master = session.state
        self._dispatch = dispatch
        self.streams = Streams(lambda stream: dispatch(OperatorLeft(stream)))
        self.calls = OperatorCalls(
            v1_operator.Call,
            operator.Response,
            "master",
            _MEMBERS,
            flags=flags,
            metrics=lambda: views.metrics(self._master),
            later=later,
        )
        for name, view in _VIEWS.items():
            self.calls.reads[name.upper()] = self._reading(name, view)
        for name, member in _NEVER_SET.items():
            self.calls.reads[name.upper()] = self._nothing(name, member)
        self.calls.reads["GET_WEIGHTS"] = self._weights
        self.calls.acts.update(
            LIST_FILES=self._no_file,
            READ_FILE=self._no_file,
            **dict.fromkeys(_OPERATIONS, self._operation),
            SUBSCRIBE=self._subscribe,
            TEARDOWN=self._tear_down,
            MARK_AGENT_GONE=self._mark_gone,
        )

    def _reading(self, name: str, view: Callable[[Master], Message]) -> Reading:
        def read(call: object, response: Message) -> None:
            getattr(response, name).CopyFrom(view(self._master))

        return read

    def _nothing(self, name: str, member: str) -> Reading:
        def read(call: object, response: Message) -> None:
            getattr(getattr(response, name), member).SetInParent()

        return read

    def _weights(self, call: operator.Call, response: operator.Response) -> None:
        if self._master.settings.weights:
            response.get_weights.CopyFrom(operator_views.weights(self._master))

    def _no_file(self, call: operator.Call, request: Request) -> Answer:
        """A master shows nothing but its log, and that only with `--log_dir`."""
        raise HttpError(404)

    def _operation(self, call: operator.Call, request: Request) -> Answer:
        for resize in (call.grow_volume, call.shrink_volume):
            if resize.HasField("volume") and not resize.HasField("slave_id"):
                raise HttpError(400, f"Failed to validate master::Call: {_NO_AGENT}")
        return self.operate(request, *operator_operations.operation_of(call))

    def operate(self, request: Request, agent_id: str, operation: mesos.Offer.Operation) -> Response:
        """Do an operation on the resources of an agent. Raises HttpError when it cannot be done."""
        principal = self._realms.principal(request, "master", "/api/v1")
        error = operator_operations.invalid(self._master, agent_id, operation, principal)
        if error is not None:
            raise HttpError(400, error)
        self._dispatch(OperatorOperation(agent_id, operation))
        if self._session.refusal is not None:
            raise HttpError(409, self._session.refusal)
        return Response(202)

    def _subscribe(self, call: operator.Call, request: Request) -> Answer:
        stream, response = self.streams.open(_http.accepted(request))
        self._dispatch(OperatorSubscribed(stream))
        return response

    def _tear_down(self, call: operator.Call, request: Request) -> Answer:
        framework_id = call.teardown.framework_id.value
        if framework_id not in self._master.frameworks:
            raise HttpError(400, "No framework found with specified ID")
        self._dispatch(TeardownAsked(framework_id))
        return Response()

    def _mark_gone(self, call: operator.Call, request: Request) -> Answer:
        agent_id = call.mark_agent_gone.slave_id.value
        if agent_id not in self._master.gone_agents:
            if not self._master.knows_agent(agent_id):
                raise HttpError(404, f"Agent '{agent_id}' not found")
            self._dispatch(AgentGone(agent_id))
        return Response()
