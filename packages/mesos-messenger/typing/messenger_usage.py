"""How the messenger is used; checked by mypy, never run."""

from collections.abc import AsyncIterator

from google.protobuf.wrappers_pb2 import Int32Value, StringValue
from mesos_messenger import (
    UPID,
    Endpoint,
    Messenger,
    Options,
    Overflow,
    Pipe,
    Request,
    Response,
    StreamingResponse,
    Tls,
    Undelivered,
)


def heard(sender: UPID, message: StringValue) -> None:
    print(sender.ip, sender.port, message.value)


def counted(sender: UPID, message: Int32Value) -> int:
    return message.value


def exited(upid: UPID) -> None:
    print(upid.id)


def lost(report: Undelivered) -> None:
    print(report.recipient, report.name, len(report.body), report.reason)


async def state(request: Request) -> Response:
    return Response.json({"path": request.path, "body": (await request.read()).decode()})


async def events(request: Request) -> StreamingResponse:
    async def items() -> AsyncIterator[bytes]:
        yield b"one"

    return StreamingResponse(Pipe() if request.query.get("push") else items())


options = Options(queue_limit=1 << 20, overflow=Overflow.DROP)
with Endpoint(bind="127.0.0.1:0", options=options, tls=Tls("crt", "key")) as endpoint:
    one = Messenger("one", endpoint=endpoint)
    one.install(StringValue, heard).install(Int32Value, counted).route("/state", state).route(
        "/events", events
    )
    one.undelivered = lost
    one.start()
    one.link(UPID.parse("master@10.0.0.1:5050"), exited)
    one.send(one.upid, StringValue(value="x"))
    timer = one.call_later(1.5, one.pause, one.upid)
    timer.cancel()
    print(one.snapshot().total.messages_in)
    one.install(StringValue, counted)  # type: ignore[arg-type]
