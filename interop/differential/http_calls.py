"""Calls on `/api/v1/scheduler` that are refused, and in which words."""

from __future__ import annotations

import getpass
import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from differential.client import WAIT, Site

PATH = "/api/v1/scheduler"
JSON = {"Content-Type": "application/json", "Accept": "application/json"}
_NOTED = ("content-type", "allow", "www-authenticate")


def _send(site: Site, body: bytes, headers: dict[str, str], method: str = "POST", path: str = PATH) -> None:
    connection = http.client.HTTPConnection(site.address, timeout=WAIT)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        noted = {name: response.headers[name] for name in _NOTED if name in response.headers}
        site.note(
            response.status, noted, response.read().decode(errors="replace") if response.status != 200 else ""
        )
    finally:
        connection.close()


def _plain(
    name: str, body: object, headers: dict[str, str] = JSON, method: str = "POST"
) -> Callable[[Site], None]:
    def script(site: Site) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        _send(site, data, headers, method)

    script.__name__ = name
    return script


@contextmanager
def _subscribed(site: Site) -> Iterator[tuple[str, str]]:
    """Yield the framework's id and its stream's."""
    info = {"user": getpass.getuser(), "name": "http"}
    body = json.dumps({"type": "SUBSCRIBE", "subscribe": {"framework_info": info}})
    connection = http.client.HTTPConnection(site.address, timeout=WAIT)
    try:
        connection.request("POST", PATH, body, JSON)
        response = connection.getresponse()
        length = b""
        while not length.endswith(b"\n"):
            length += response.read(1)
        event = json.loads(response.read(int(length)))
        framework = event["subscribed"]["framework_id"]["value"]
        stream = response.headers["Mesos-Stream-Id"] or ""
        yield framework, stream
        teardown = json.dumps({"type": "TEARDOWN", "framework_id": {"value": framework}})
        _send(site, teardown.encode(), {**JSON, "Mesos-Stream-Id": stream})
    finally:
        connection.close()


def _call(name: str, call: dict[str, object], stream: str | None = "") -> Callable[[Site], None]:
    """Send a call of a subscribed framework; with its own stream id unless another, or None, is given."""

    def script(site: Site) -> None:
        with _subscribed(site) as (framework, own):
            headers = dict(JSON)
            if stream is not None:
                headers["Mesos-Stream-Id"] = stream or own
            body = {"framework_id": {"value": framework}, **call}
            _send(site, json.dumps(body).encode(), headers)

    script.__name__ = name
    return script


_TEXT = {"Content-Type": "text/plain"}
_PROTOBUF = {"Content-Type": "application/x-protobuf"}
_INFO = {"user": "nobody", "name": "http"}
_ID = {"value": "unknown"}


def _subscribe(**info: object) -> dict[str, object]:
    return {"type": "SUBSCRIBE", "subscribe": {"framework_info": {**_INFO, **info}}}


SCRIPTS = (
    _plain("http_get", b"", {}, "GET"),
    _plain("http_put", b"", JSON, "PUT"),
    _plain("http_no_content_type", b"{}", {}),
    _plain("http_text", b"{}", _TEXT),
    _plain("http_bad_json", b"{"),
    _plain("http_json_array", []),
    _plain("http_bad_protobuf", b"\xff\xff", _PROTOBUF),
    _plain("http_empty_protobuf", b"", _PROTOBUF),
    _plain("http_empty_call", {}),
    _plain("http_unknown_type", {"type": "NONSENSE"}),
    _plain("http_subscribe_without_its_field", {"type": "SUBSCRIBE"}),
    _plain("http_subscribe_accepting_text", _subscribe(), {**JSON, "Accept": "text/plain"}),
    _plain("http_subscribe_with_a_stream_id", _subscribe(), {**JSON, "Mesos-Stream-Id": "x"}),
    _plain("http_subscribe_with_one_id_only", {**_subscribe(), "framework_id": _ID}),
    _plain("http_subscribe_with_two_ids", {**_subscribe(id={"value": "other"}), "framework_id": _ID}),
    _plain("http_call_without_framework", {"type": "REVIVE"}),
    _plain("http_unknown_framework", {"type": "REVIVE", "framework_id": _ID}),
    _plain("http_accept_without_its_field", {"type": "ACCEPT", "framework_id": _ID}),
    _plain("http_kill_without_its_field", {"type": "KILL", "framework_id": _ID}),
    _plain("http_decline_without_its_field", {"type": "DECLINE", "framework_id": _ID}),
    _plain("http_message_without_its_field", {"type": "MESSAGE", "framework_id": _ID}),
    _plain("http_reconcile_without_its_field", {"type": "RECONCILE", "framework_id": _ID}),
    _plain("http_acknowledge_without_its_field", {"type": "ACKNOWLEDGE", "framework_id": _ID}),
    _plain(
        "http_bad_uuid",
        {
            "type": "ACKNOWLEDGE",
            "framework_id": _ID,
            "acknowledge": {"agent_id": _ID, "task_id": _ID, "uuid": "AAAA"},
        },
    ),
    _call("http_revive", {"type": "REVIVE"}),
    _call("http_no_stream_id", {"type": "REVIVE"}, None),
    _call("http_wrong_stream_id", {"type": "REVIVE"}, "6a0d9a2f-0f4e-4a1c-9e5b-0c5f6c1c9f10"),
    _call("http_decline_unknown", {"type": "DECLINE", "decline": {"offer_ids": [_ID]}}),
)
