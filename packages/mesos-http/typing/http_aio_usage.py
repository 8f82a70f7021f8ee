"""How the client for asyncio is used, for the type checker."""

from __future__ import annotations

import ssl

from mesos_auth import BearerAuth
from mesos_http import JSON, Answer, ConnectionFailed, Next, Settings
from mesos_http.aio import AsyncClient, AsyncEventStream, AsyncHttpResponse, AsyncTransport, H11Transport
from mesos_http.transport import HttpRequest
from mesos_proto.v1 import scheduler_pb2 as scheduler


class Counting:
    """A transport of one's own, over another."""

    def __init__(self, inner: AsyncTransport) -> None:
        self.inner = inner
        self.count = 0

    async def send(
        self, request: HttpRequest, connect_timeout: float, read_timeout: float
    ) -> AsyncHttpResponse:
        self.count += 1
        return await self.inner.send(request, connect_timeout, read_timeout)

    async def close(self) -> None:
        await self.inner.close()


async def everything(call: scheduler.Call) -> None:
    context = ssl.create_default_context(cafile="ca.pem")
    async with AsyncClient(
        "https://master:5050/api/v1/scheduler",
        codec=JSON,
        auth=BearerAuth("token"),
        transport=Counting(H11Transport(context, max_connections=10)),
        settings=Settings(timeout=3, compression=True),
    ) as client:
        answer: Answer[scheduler.Response] = await client.call(call, scheduler.Response, stream_id="s")
        message: scheduler.Response | None = answer.message
        print(message)
        stream: AsyncEventStream[scheduler.Event] = await client.stream(call, scheduler.Event)
        async with stream:
            async for event in stream:
                kind: int = event.type
                print(kind)
            events: list[scheduler.Event] = await stream.batch()
            print(events)
        try:
            await client.call(call)
        except ConnectionFailed as error:
            what: Next = error.next
            print(what)
