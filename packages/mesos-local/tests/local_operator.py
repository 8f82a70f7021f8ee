"""A client of the operator APIs for tests: calls, and the event stream, in JSON or protobuf."""

from __future__ import annotations

import http.client
import json
from types import TracebackType
from typing import Any

from google.protobuf.message import Message
from mesos_proto.v1 import agent_pb2, master_pb2

JSON = "application/json"
PROTOBUF = "application/x-protobuf"


def post(
    address: str, body: bytes | str, headers: dict[str, str], method: str = "POST"
) -> tuple[int, bytes, http.client.HTTPMessage]:
    """Send a request to `/api/v1`; give status, body and headers of the answer."""
    connection = http.client.HTTPConnection(address, timeout=20)
    try:
        connection.request(method, "/api/v1", body, headers)
        response = connection.getresponse()
        return response.status, response.read(), response.headers
    finally:
        connection.close()


def ask(address: str, kind: str, **members: Any) -> Any:
    """Make a call in JSON that has to be answered; give the member of the answer, None for an empty one."""
    headers = {"Content-Type": JSON, "Accept": JSON}
    status, body, _ = post(address, json.dumps({"type": kind, **members}), headers)
    assert status in (200, 202), (status, body)
    if not body:
        return None
    answer = json.loads(body)
    assert answer["type"] == kind
    return answer.get(kind.lower())


def refused(address: str, kind: str, **members: Any) -> tuple[int, str]:
    """Make a call in JSON that is refused; give the status and the text."""
    headers = {"Content-Type": JSON, "Accept": JSON}
    status, body, _ = post(address, json.dumps({"type": kind, **members}), headers)
    assert status >= 300
    return status, body.decode()


def read(address: str, call: Message) -> Any:
    """Make a call in protobuf; give the answer."""
    headers = {"Content-Type": PROTOBUF, "Accept": PROTOBUF}
    status, body, answered = post(address, call.SerializeToString(), headers)
    assert (status, answered["Content-Type"]) == (200, PROTOBUF), body
    of_master = isinstance(call, master_pb2.Call)
    return (master_pb2 if of_master else agent_pb2).Response.FromString(body)


class Watch:
    """The event stream of a master."""

    def __init__(self, address: str, media: str = PROTOBUF) -> None:
        self._media = media
        self._connection = http.client.HTTPConnection(address, timeout=20)
        headers = {"Content-Type": JSON, "Accept": media}
        self._connection.request("POST", "/api/v1", '{"type": "SUBSCRIBE"}', headers)
        self._response = self._connection.getresponse()
        assert self._response.status == 200, self._response.read()
        assert self._response.headers["Content-Type"] == media

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._response.close()
        self._connection.close()

    def record(self) -> bytes:
        """Give the next record. Raises EOFError at the end."""
        digits = b""
        while not digits.endswith(b"\n"):
            byte = self._response.read(1)
            if not byte:
                raise EOFError
            digits += byte
        return self._response.read(int(digits))

    def event(self) -> master_pb2.Event:
        """Give the next event of a stream in protobuf."""
        return master_pb2.Event.FromString(self.record())

    def until(self, kind: str) -> master_pb2.Event:
        """Give the next event of this type."""
        while True:
            event = self.event()
            if master_pb2.Event.Type.Name(event.type) == kind:
                return event
