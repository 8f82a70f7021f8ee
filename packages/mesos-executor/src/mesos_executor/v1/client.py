"""The v1 executor API without a driver: calls as they are, events as they come."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType

from mesos_http import PROTOBUF, Authorization, Codec, EventStream, Settings, Transport
from mesos_http import Client as HttpClient
from mesos_proto.v1 import executor_pb2 as executor
from mesos_proto.v1 import mesos_pb2 as mesos

from ..errors import DriverMisuse
from . import calls


class Client:
    """Speaks to `url`, such as `http://host:5051/slave(1)/api/v1/executor`.

    Does what it is told and nothing more: no second attempts, no bookkeeping. Errors are those of
    mesos-http, each with what to do next. The methods may be called by several threads at once.
    """

    def __init__(
        self,
        url: str,
        *,
        codec: Codec = PROTOBUF,
        auth: Authorization | None = None,
        transport: Transport | None = None,
        settings: Settings | None = None,
    ) -> None:
        self._http = HttpClient(url, codec=codec, auth=auth, transport=transport, settings=settings)

    def subscribe(
        self,
        framework_id: mesos.FrameworkID,
        executor_id: mesos.ExecutorID,
        unacknowledged_tasks: Iterable[mesos.TaskInfo] = (),
        unacknowledged_updates: Iterable[executor.Call.Update] = (),
    ) -> EventStream[executor.Event]:
        """Subscribe; return the events once the agent has taken it. The first is SUBSCRIBED or SHUTDOWN."""
        return self.open(
            calls.subscribe(framework_id, executor_id, unacknowledged_tasks, unacknowledged_updates)
        )

    def open(self, call: executor.Call) -> EventStream[executor.Event]:
        """Send a SUBSCRIBE made elsewhere."""
        return self._http.stream(call, executor.Event)

    def call(self, call: executor.Call) -> None:
        """Send any call but SUBSCRIBE; return once the agent has taken it, which is all that it says."""
        if call.type in (executor.Call.UNKNOWN, executor.Call.SUBSCRIBE):
            raise DriverMisuse(f"{executor.Call.Type.Name(call.type)} is not for call(): use subscribe()")
        self._http.call(call)

    def close(self) -> None:
        """End every call and subscription, those of other threads at once."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
