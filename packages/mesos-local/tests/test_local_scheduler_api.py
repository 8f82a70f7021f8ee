"""The v1 scheduler API: status codes in upstream's order, and a framework that lives on it."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from local_scheduler import Recorder, running
from mesos_auth import Credential
from mesos_local import LocalCluster, MasterSettings
from mesos_proto.resources import Resources
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2 as scheduler

JSON = {"Content-Type": "application/json"}
PROTOBUF = {"Content-Type": "application/x-protobuf", "Accept": "application/x-protobuf"}
SUBSCRIBE = {"type": "SUBSCRIBE", "subscribe": {"framework_info": {"user": "u", "name": "n"}}}


class Stream:
    """An event stream and the calls that belong to it, in protobuf."""

    def __init__(
        self, address: str, info: mesos.FrameworkInfo, headers: dict[str, str] | None = None
    ) -> None:
        self._address = address
        self._headers = {**PROTOBUF, **(headers or {})}
        call = scheduler.Call(type=scheduler.Call.SUBSCRIBE)
        call.subscribe.framework_info.CopyFrom(info)
        if info.HasField("id"):
            call.framework_id.CopyFrom(info.id)
        self._connection = http.client.HTTPConnection(address, timeout=20)
        self._connection.request("POST", "/api/v1/scheduler", call.SerializeToString(), self._headers)
        self.response = self._connection.getresponse()
        assert self.response.status == 200, self.response.read()
        self.framework_id = info.id

    def event(self) -> scheduler.Event:
        """Give the next event."""
        digits = b""
        while not digits.endswith(b"\n"):
            byte = self.response.read(1)
            if not byte:
                raise EOFError
            digits += byte
        return scheduler.Event.FromString(self.response.read(int(digits)))

    def until(self, kind: str) -> scheduler.Event:
        """Give the next event of this type."""
        while True:
            event = self.event()
            if scheduler.Event.Type.Name(event.type) == kind:
                if kind == "SUBSCRIBED":
                    self.framework_id = event.subscribed.framework_id
                return event

    def call(self, kind: str, **members: Any) -> int:
        """Make a call, and give the status of its answer."""
        call = scheduler.Call(type=scheduler.Call.Type.Value(kind), framework_id=self.framework_id, **members)
        stream = self.response.headers["Mesos-Stream-Id"]
        status, _ = post(
            self._address, call.SerializeToString(), {**self._headers, "Mesos-Stream-Id": stream}
        )
        return status

    def close(self) -> None:
        self.response.close()
        self._connection.close()


def post(address: str, body: bytes | str, headers: dict[str, str], method: str = "POST") -> tuple[int, str]:
    connection = http.client.HTTPConnection(address, timeout=20)
    try:
        connection.request(method, "/api/v1/scheduler", body, headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


@contextmanager
def subscribed(cluster: LocalCluster, **info: Any) -> Iterator[Stream]:
    stream = Stream(cluster.master_address, mesos.FrameworkInfo(**{"user": "u", "name": "n", **info}))
    try:
        first, second = stream.event(), stream.event()
        kinds = [scheduler.Event.Type.Name(each.type) for each in (first, second)]
        assert kinds == ["SUBSCRIBED", "HEARTBEAT"]
        assert first.subscribed.heartbeat_interval_seconds == 15
        assert first.subscribed.master_info.version == "1.11.0"
        stream.framework_id = first.subscribed.framework_id
        yield stream
    finally:
        stream.close()


def test_a_framework_lives_on_the_stream(cluster: LocalCluster) -> None:
    with subscribed(cluster) as stream:
        (offer,) = stream.until("OFFERS").offers.offers
        task = mesos.TaskInfo(name="t", agent_id=offer.agent_id, resources=Resources.parse("cpus:0.1;mem:32"))
        task.task_id.value = "t"
        task.command.value = "exit 7"
        accept = scheduler.Call.Accept(offer_ids=[offer.id])
        accept.operations.add(type=mesos.Offer.Operation.LAUNCH).launch.task_infos.append(task)
        assert stream.call("ACCEPT", accept=accept) == 202
        for state in (mesos.TASK_STARTING, mesos.TASK_RUNNING, mesos.TASK_FAILED):
            status = stream.until("UPDATE").update.status
            assert status.state == state and len(status.uuid) == 16
            acknowledge = scheduler.Call.Acknowledge(
                agent_id=status.agent_id, task_id=status.task_id, uuid=status.uuid
            )
            assert stream.call("ACKNOWLEDGE", acknowledge=acknowledge) == 202
        reconcile = scheduler.Call.Reconcile()
        reconcile.tasks.add().task_id.value = "nobody"
        assert stream.call("RECONCILE", reconcile=reconcile) == 202
        answer = stream.until("UPDATE").update.status
        assert answer.reason == mesos.TaskStatus.REASON_RECONCILIATION and not answer.HasField("uuid")
        assert stream.call("TEARDOWN") == 202
        with pytest.raises(EOFError):
            stream.until("ERROR")


def test_the_newest_stream_wins(cluster: LocalCluster) -> None:
    with subscribed(cluster, failover_timeout=60.0) as old:
        with subscribed(cluster, failover_timeout=60.0, id=old.framework_id) as new:
            assert old.until("ERROR").error.message == "Framework failed over"
            with pytest.raises(EOFError):
                old.event()
            assert old.call("REVIVE") == 400, "the stream id is the old one"
            assert new.call("REVIVE") == 202
            assert new.call("TEARDOWN") == 202


def test_a_framework_may_come_over_from_libprocess(cluster: LocalCluster) -> None:
    recorder = Recorder()
    with running(cluster, recorder, failover_timeout=60.0):
        recorder.wait(lambda: bool(recorder.framework_ids))
        framework_id = mesos.FrameworkID(value=recorder.framework_ids[0])
        with subscribed(cluster, failover_timeout=60.0, id=framework_id) as stream:
            recorder.wait(lambda: recorder.errors == ["Framework failed over"])
            assert stream.call("TEARDOWN") == 202


def test_a_closed_stream_disconnects_the_framework(cluster: LocalCluster) -> None:
    with subscribed(cluster, failover_timeout=60.0) as stream:
        framework_id = stream.framework_id
    framework = cluster.master.session.state.frameworks[framework_id.value]
    assert cluster.master.shell.wait_until(lambda: not framework.connected, 20)
    with subscribed(cluster, failover_timeout=60.0, id=framework_id) as again:
        assert again.call("TEARDOWN") == 202


def test_what_is_wrong_with_a_framework_is_told_on_the_stream(cluster: LocalCluster) -> None:
    stream = Stream(cluster.master_address, mesos.FrameworkInfo(user="u", name="n", role="a b"))
    assert "is not a valid role" in stream.until("ERROR").error.message
    with pytest.raises(EOFError):
        stream.event()
    stream.close()


def test_updating_a_framework_is_answered_with_what_came_of_it(cluster: LocalCluster) -> None:
    with subscribed(cluster) as stream:
        info = mesos.FrameworkInfo(user="u", name="renamed", id=stream.framework_id)
        update = scheduler.Call.UpdateFramework(framework_info=info)
        assert stream.call("UPDATE_FRAMEWORK", update_framework=update) == 200
        framework = cluster.master.session.state.frameworks[stream.framework_id.value]
        assert framework.info.name == "renamed"
        update.framework_info.role = "a b"
        assert stream.call("UPDATE_FRAMEWORK", update_framework=update) == 400


@pytest.mark.parametrize(
    ("method", "body", "headers", "status", "text"),
    [
        ("GET", "", JSON, 405, "POST"),
        ("POST", "{}", {}, 400, "Expecting 'Content-Type' to be present"),
        ("POST", "{}", {"Content-Type": "text/plain"}, 415, "Expecting 'Content-Type' of application/json"),
        ("POST", "{", JSON, 400, "Failed to convert JSON into Call protobuf"),
        ("POST", b"\xff", PROTOBUF, 400, "Failed to parse body into Call protobuf"),
        ("POST", "{}", JSON, 400, "Failed to validate scheduler::Call: Expecting 'type' to be present"),
        ("POST", '{"type":"REVIVE"}', JSON, 400, "Expecting 'framework_id' to be present"),
        (
            "POST",
            '{"type":"ACCEPT","framework_id":{"value":"x"}}',
            JSON,
            400,
            "Expecting 'accept' to be present",
        ),
        ("POST", '{"type":"REVIVE","framework_id":{"value":"x"}}', JSON, 400, "Framework cannot be found"),
        ("POST", json.dumps(SUBSCRIBE), {**JSON, "Accept": "text/html"}, 406, "Expecting 'Accept' to allow"),
        (
            "POST",
            json.dumps(SUBSCRIBE),
            {**JSON, "Mesos-Stream-Id": "x"},
            400,
            "Subscribe calls should not include the 'Mesos-Stream-Id' header",
        ),
    ],
)
def test_malformed_calls(
    cluster: LocalCluster, method: str, body: str | bytes, headers: dict[str, str], status: int, text: str
) -> None:
    got, answer = post(cluster.master_address, body, headers, method)
    assert got == status
    assert text in answer


def test_calls_need_the_stream_and_a_framework_on_http(cluster: LocalCluster) -> None:
    with subscribed(cluster) as stream:
        call = json.dumps({"type": "REVIVE", "framework_id": {"value": stream.framework_id.value}})
        status, text = post(cluster.master_address, call, JSON)
        assert (status, text) == (400, "All non-subscribe calls should include the 'Mesos-Stream-Id' header")
    recorder = Recorder()
    with running(cluster, recorder):
        recorder.wait(lambda: bool(recorder.framework_ids))
        call = json.dumps({"type": "REVIVE", "framework_id": {"value": recorder.framework_ids[0]}})
        assert post(cluster.master_address, call, JSON)[0] == 403


def test_basic_authentication_where_it_is_asked_for() -> None:
    settings = MasterSettings(authenticate_http_frameworks=True)
    with LocalCluster(0, master=settings, credentials=[Credential("anna", "secret")]) as cluster:
        for text, expected in (
            ("", 401),
            ("Basic !", 401),
            (basic("anna:wrong"), 401),
            (basic("anna:secret"), 400),
        ):
            headers = {**JSON, "Authorization": text} if text else JSON
            assert post(cluster.master_address, "{}", headers)[0] == expected
        info = mesos.FrameworkInfo(user="u", name="n")
        stream = Stream(cluster.master_address, info, {"Authorization": basic("anna:secret")})
        framework_id = stream.until("SUBSCRIBED").subscribed.framework_id
        assert cluster.master.session.state.frameworks[framework_id.value].info.principal == "anna"
        stream.close()


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()
