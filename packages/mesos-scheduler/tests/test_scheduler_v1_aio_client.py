"""The v1 API under asyncio without a driver."""

from __future__ import annotations

import asyncio

import pytest
from mesos_http import JSON, PROTOBUF, StreamIdRejected
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import DriverMisuse
from mesos_scheduler.v1 import AsyncClient, calls
from scheduler_v1_aio_helpers import next_call, next_stream, run
from scheduler_v1_helpers import FRAMEWORK_ID, Call, Event, framework, update
from scheduler_v1_master import FakeMaster

REVIVE = calls.revive(mesos.FrameworkID(value=FRAMEWORK_ID))


@pytest.mark.parametrize("codec", [PROTOBUF, JSON])
def test_calls_as_they_are_and_events_as_they_come(codec):
    async def main() -> None:
        async with AsyncClient(f"http://{master.address}", codec=codec) as client:
            assert client.url == master.url
            subscribing = asyncio.ensure_future(client.subscribe(framework(), ["r"]))
            stream = (await next_stream(master)).subscribe()
            assert list(stream.call.subscribe.suppressed_roles) == ["r"]
            async with await subscribing as subscription:
                assert subscription.stream_id == stream.id
                assert (await subscription.__anext__()).subscribed.framework_id.value == FRAMEWORK_ID
                await client.call(REVIVE, subscription.stream_id)
                assert (await next_call(master)).type == Call.REVIVE
                master.answer = lambda call: (400, b"The stream ID 'x' included in this request didn't match")
                with pytest.raises(StreamIdRejected):
                    await client.call(REVIVE, "x")
                stream.send(update(), Event(type=Event.HEARTBEAT)).end()
                kinds = [event.type async for event in subscription]
                assert kinds == [Event.UPDATE, Event.HEARTBEAT]

    with FakeMaster() as master:
        run(main())


@pytest.mark.parametrize("kind", [Call.UNKNOWN, Call.SUBSCRIBE])
def test_what_is_no_call_by_itself(kind):
    async def main() -> None:
        async with AsyncClient("http://127.0.0.1:1") as client:
            with pytest.raises(DriverMisuse, match=r"use subscribe\(\)"):
                await client.call(Call(type=kind), None)

    run(main())
