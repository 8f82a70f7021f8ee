"""The v1 executor API: an executor that speaks nothing but HTTP, and status codes in upstream's order."""

from __future__ import annotations

import http.client
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from local_scheduler import Recorder, executor_task, running
from mesos_local import LocalCluster
from mesos_proto.v1 import mesos_pb2 as mesos

JSON = {"Content-Type": "application/json", "Accept": "application/json"}

PROGRAM = r"""
import base64, http.client, json, os, uuid
address = os.environ["MESOS_AGENT_ENDPOINT"]
ids = {
    "framework_id": {"value": os.environ["MESOS_FRAMEWORK_ID"]},
    "executor_id": {"value": os.environ["MESOS_EXECUTOR_ID"]},
}
headers = {"Content-Type": "application/json", "Accept": "application/json"}

def post(body):
    connection = http.client.HTTPConnection(address)
    connection.request("POST", "/api/v1/executor", json.dumps({**ids, **body}), headers)
    return connection.getresponse()

def update(task_id, state):
    raw = base64.b64encode(uuid.uuid4().bytes).decode()
    status = {"task_id": task_id, "state": state, "source": "SOURCE_EXECUTOR", "uuid": raw}
    assert post({"type": "UPDATE", "update": {"status": status}}).status == 202

stream = post({"type": "SUBSCRIBE", "subscribe": {}})
assert stream.status == 200, stream.read()
assert post({"type": "HEARTBEAT"}).status == 202
task_id = None
while True:
    digits = b""
    while not digits.endswith(b"\n"):
        byte = stream.read(1)
        if not byte:
            raise SystemExit("the stream ended")
        digits += byte
    event = json.loads(stream.read(int(digits)))
    print(event["type"], flush=True)
    if event["type"] == "LAUNCH":
        task_id = event["launch"]["task"]["task_id"]
        update(task_id, "TASK_RUNNING")
    elif event["type"] == "MESSAGE":
        data = base64.b64decode(event["message"]["data"]).upper()
        post({"type": "MESSAGE", "message": {"data": base64.b64encode(data).decode()}})
    elif event["type"] == "KILL":
        update(event["kill"]["task_id"], "TASK_KILLED")
    elif event["type"] == "SHUTDOWN":
        break
"""


@pytest.fixture
def program(tmp_path: Path) -> str:
    file = tmp_path / "http_executor.py"
    file.write_text(PROGRAM)
    return f"exec {sys.executable} -I -S {file}"


def test_an_executor_lives_on_http(cluster: LocalCluster, program: str) -> None:
    recorder = Recorder(lambda offer: [executor_task(offer, program)])
    with running(cluster, recorder) as driver:
        status = recorder.until("TASK_RUNNING")
        assert status.source == mesos.TaskStatus.SOURCE_EXECUTOR
        assert status.executor_id.value == "custom"
        driver.send_framework_message(mesos.ExecutorID(value="custom"), status.agent_id, b"hello")
        recorder.wait(lambda: recorder.messages == [b"HELLO"])
        driver.kill_task(status.task_id)
        recorder.until("TASK_KILLED")
        (run,) = cluster.work_dir.glob(f"agents/0/work/slaves/*/frameworks/{recorder.framework_ids[0]}")
        stdout = run / "executors/custom/runs/latest/stdout"
        shutdown = [
            each for each in cluster.agents[0].executors if each.framework_id == recorder.framework_ids[0]
        ]
        assert len(shutdown) == 1
        driver.stop()
        shell = cluster.agents[0].shell
        gone = recorder.framework_ids[0]
        assert shell.wait_until(lambda: gone not in cluster.agents[0].session.state.frameworks, 20)
        events = stdout.read_text().split()
        assert events[:2] == ["SUBSCRIBED", "LAUNCH"]
        assert events[-1] == "SHUTDOWN"
        assert events.count("ACKNOWLEDGED") == 2


def post(
    cluster: LocalCluster, body: Any, headers: dict[str, str] = JSON, method: str = "POST"
) -> tuple[int, str]:
    connection = http.client.HTTPConnection(cluster.agents[0].pid.partition("@")[2], timeout=20)
    try:
        text = body if isinstance(body, str) else json.dumps(body)
        connection.request(method, "/api/v1/executor", text, headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def call(kind: str, **members: Any) -> dict[str, Any]:
    return {"framework_id": {"value": "f"}, "executor_id": {"value": "e"}, "type": kind, **members}


def status(**fields: Any) -> dict[str, Any]:
    whole = {
        "task_id": {"value": "t"},
        "state": "TASK_RUNNING",
        "source": "SOURCE_EXECUTOR",
        "uuid": "QP5RfaBDRnaM0M5hjTGuhg==",
    }
    return call("UPDATE", update={"status": {**whole, **fields}})


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        ("{", 400, "Failed to convert JSON into Call protobuf"),
        ({"type": "SUBSCRIBE"}, 400, "Failed to convert JSON into Call protobuf"),
        (call("SUBSCRIBE"), 400, "Expecting 'subscribe' to be present"),
        (call("MESSAGE"), 400, "Expecting 'message' to be present"),
        (call("UPDATE"), 400, "Expecting 'update' to be present"),
        (call("NOTHING"), 400, "Expecting 'type' to be present"),
        (call("SUBSCRIBE", subscribe={}), 400, "Framework cannot be found"),
        (call("HEARTBEAT"), 202, ""),
        (status(), 400, "Framework cannot be found"),
        (status(uuid="eA=="), 400, "Not a valid UUID"),
        (status(state="TASK_STAGING"), 400, "TASK_STAGING"),
        (status(source="SOURCE_AGENT"), 400, "SOURCE_EXECUTOR"),
        (status(executor_id={"value": "other"}), 400, "ExecutorID in Call does not match"),
    ],
)
def test_malformed_calls(cluster: LocalCluster, body: Any, code: int, text: str) -> None:
    got, answer = post(cluster, body)
    assert got == code
    assert text in answer


def test_only_posts_of_known_kinds(cluster: LocalCluster) -> None:
    assert post(cluster, "", method="GET")[0] == 405
    assert post(cluster, "{}", {})[0] == 400
    assert post(cluster, "{}", {"Content-Type": "text/plain"})[0] == 415
    subscribe = call("SUBSCRIBE", subscribe={})
    assert post(cluster, subscribe, {**JSON, "Accept": "text/html"})[0] == 406
