"""How the HTTP client is used, for the type checker."""

from __future__ import annotations

import requests
from mesos_auth import BasicAuth, Credential
from mesos_http import (
    JSON,
    Answer,
    Client,
    Decoder,
    EventStream,
    Next,
    RequestsTransport,
    Settings,
    StatusError,
    encode,
)
from mesos_proto.v1 import scheduler_pb2 as scheduler


def everything(call: scheduler.Call) -> None:
    client = Client(
        "https://master:5050/api/v1/scheduler",
        codec=JSON,
        auth=BasicAuth(Credential("principal", "secret")),
        transport=RequestsTransport(requests.Session()),
        settings=Settings(timeout=3, compression=True),
    )
    answer: Answer[scheduler.Response] = client.call(call, scheduler.Response, stream_id="s")
    message: scheduler.Response | None = answer.message
    print(message)
    stream: EventStream[scheduler.Event] = client.stream(call, scheduler.Event)
    for event in stream:
        kind: int = event.type
        print(kind)
    taken = client.call(call)
    print(taken.status)
    try:
        client.call(call)
    except StatusError as error:
        what: Next = error.next
        print(what, error.status)
    records: list[bytes] = Decoder().feed(encode(b"x"))
    print(records)
