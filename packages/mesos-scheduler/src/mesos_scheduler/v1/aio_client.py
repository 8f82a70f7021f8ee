"""The v1 scheduler API without a driver, for asyncio: calls as they are, events as they come."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType

from mesos_http import PROTOBUF, Authorization, Codec, Settings
from mesos_http.aio import AsyncClient as AsyncHttpClient
from mesos_http.aio import AsyncEventStream, AsyncTransport
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2 as scheduler

from . import calls
from .client import api_url, check_call


class AsyncClient:
    """Speaks to `url` as `Client` does, with the same arguments and errors; many tasks may share one."""

    def __init__(
        self,
        url: str,
        *,
        codec: Codec = PROTOBUF,
        auth: Authorization | None = None,
        transport: AsyncTransport | None = None,
        settings: Settings | None = None,
    ) -> None:
        self._http = AsyncHttpClient(
            api_url(url), codec=codec, auth=auth, transport=transport, settings=settings
        )

    @property
    def url(self) -> str:
        """Where requests go now: the address given, or the leader it named."""
        return self._http.url

    async def subscribe(
        self,
        framework_info: mesos.FrameworkInfo,
        suppressed_roles: Iterable[str] = (),
        offer_constraints: scheduler.OfferConstraints | None = None,
    ) -> AsyncEventStream[scheduler.Event]:
        """Subscribe; return once the master has taken it. The first event is SUBSCRIBED or ERROR.

        The stream's `stream_id` goes with calls.
        """
        return await self.open(calls.subscribe(framework_info, suppressed_roles, offer_constraints))

    async def open(self, call: scheduler.Call) -> AsyncEventStream[scheduler.Event]:
        """Send a SUBSCRIBE made elsewhere."""
        return await self._http.stream(call, scheduler.Event)

    async def call(self, call: scheduler.Call, stream_id: str | None) -> None:
        """Send any call but SUBSCRIBE; return once the master has taken it, which is all that it says."""
        check_call(call)
        await self._http.call(call, stream_id=stream_id)

    async def close(self) -> None:
        """End every call and subscription, those of other tasks at once."""
        await self._http.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
