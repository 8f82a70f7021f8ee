"""The agent's operator API: what runs there, what is in the sandboxes, what is refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest
from local_operator import JSON, PROTOBUF, ask, post, read, refused
from local_scheduler import Recorder, command_task, get, running
from mesos_local import LocalCluster
from mesos_proto.v1 import agent_pb2

Call = agent_pb2.Call
RECORDIO = "application/recordio"
QUIET = {"Content-Type": JSON, "Accept": JSON}


@pytest.fixture(scope="module")
def address(cluster: LocalCluster) -> Iterator[str]:
    """An agent on which a task runs that has written something."""
    command = "echo 0123456789; exec sleep 1000"
    recorder = Recorder(lambda offer: [command_task(offer, command, "busy", "cpus:1;mem:64")])
    with running(cluster, recorder, name="busy"):
        recorder.until("TASK_RUNNING")
        recorder.wait(lambda: bool(recorder.framework_ids))
        yield cluster.agents[0].pid.partition("@")[2]


def test_what_runs_there(address: str) -> None:
    state = ask(address, "GET_STATE")
    for part in ("GET_TASKS", "GET_EXECUTORS", "GET_FRAMEWORKS"):
        assert ask(address, part) == state[part.lower()]
    (task,) = state["get_tasks"]["launched_tasks"]
    assert (task["name"], task["state"]) == ("busy", "TASK_RUNNING")
    (executor,) = state["get_executors"]["executors"]
    assert executor["executor_info"]["executor_id"] == task["task_id"]
    (framework,) = state["get_frameworks"]["frameworks"]
    assert framework["framework_info"]["name"] == "busy"
    protobuf = read(address, Call(type=Call.GET_TASKS))
    assert [each.task_id.value for each in protobuf.get_tasks.launched_tasks] == ["busy"]


def test_what_the_agent_is(address: str) -> None:
    assert ask(address, "GET_HEALTH") == {"healthy": True}
    assert ask(address, "GET_VERSION")["version_info"]["version"] == "1.11.0"
    info = ask(address, "GET_AGENT")["agent_info"]
    assert info["hostname"] == "localhost" and f":{info['port']}" in address
    metrics = {each["name"]: each["value"] for each in ask(address, "GET_METRICS", get_metrics={})["metrics"]}
    assert metrics["slave/registered"] == 1
    assert ask(address, "GET_FLAGS") == {}
    for name in ("GET_OPERATIONS", "GET_RESOURCE_PROVIDERS"):
        assert ask(address, name) == {}


def test_what_its_containers_take(address: str) -> None:
    (container,) = ask(address, "GET_CONTAINERS")["containers"]
    statistics = container["resource_statistics"]
    assert statistics["cpus_soft_limit"] == 1.1 and statistics["mem_limit_bytes"] == 96 * 2**20
    assert statistics["mem_rss_bytes"] > 2**20
    assert container["container_status"]["executor_pid"] > 1
    (older,) = get(f"http://{address}/containers")
    assert older["container_id"] == container["container_id"]["value"]
    assert older["executor_id"] == "busy" and older["statistics"]["mem_limit_bytes"] == 96 * 2**20
    (oldest,) = get(f"http://{address}/monitor/statistics")
    assert oldest["framework_id"] == older["framework_id"] and "status" not in oldest


def test_sandboxes_are_read(address: str) -> None:
    state = get(f"http://{address}/state")
    sandbox = state["frameworks"][0]["executors"][0]["directory"]
    files = ask(address, "LIST_FILES", list_files={"path": sandbox})["file_infos"]
    browsed = get(f"http://{address}/files/browse?path={sandbox}")
    assert [each["path"] for each in files] == [each["path"] for each in browsed]
    (stdout,) = (each for each in files if each["path"].endswith("/stdout"))
    assert stdout["size"] >= 11 and stdout["mode"] & 0o170000 == 0o100000
    assert stdout["mtime"]["nanoseconds"] > 10**18
    file = f"{sandbox}/stdout"
    whole = ask(address, "READ_FILE", read_file={"path": file, "offset": 0})
    text = base64.b64decode(whole["data"])
    assert whole["size"] == len(text) and b"0123456789\n" in text
    part = ask(address, "READ_FILE", read_file={"path": file, "offset": text.index(b"3"), "length": 4})
    assert base64.b64decode(part["data"]) == b"3456" and part["size"] == len(text)
    for offset in (10**9, 2**64 - 1):
        beyond = ask(address, "READ_FILE", read_file={"path": file, "offset": offset, "length": 2**64 - 1})
        assert beyond == {"size": len(text), "data": ""}


@pytest.mark.parametrize("path", ["/etc/passwd", "/", "", "../../etc/passwd", "/frameworks/x"])
def test_nothing_else_is_read(address: str, path: str) -> None:
    expected = 404 if path else 400
    assert refused(address, "LIST_FILES", list_files={"path": path})[0] == expected
    assert refused(address, "READ_FILE", read_file={"path": path, "offset": 0})[0] == expected


@pytest.mark.parametrize(
    ("call", "status", "text"),
    [
        ({}, 400, "Failed to validate agent::Call: Expecting 'type' to be present"),
        ({"type": "READ_FILE"}, 400, "Failed to validate agent::Call: Expecting 'read_file' to be present"),
        ({"type": "PRUNE_IMAGES"}, 501, "An embedded cluster does not have the call PRUNE_IMAGES."),
        (
            {"type": "LAUNCH_NESTED_CONTAINER"},
            400,
            "Failed to validate agent::Call: Expecting 'launch_nested_container' to be present",
        ),
    ],
)
def test_calls_that_are_refused(address: str, call: dict[str, str], status: int, text: str) -> None:
    answered, said, _ = post(address, json.dumps(call), QUIET)
    assert (answered, said.decode()) == (status, text)


@pytest.mark.parametrize(
    ("headers", "status", "text"),
    [
        ({}, 400, "Expecting 'Content-Type' to be present"),
        ({"Content-Type": "text/plain"}, 415, "or application/recordio"),
        ({"Content-Type": RECORDIO}, 400, "Expecting 'Message-Content-Type' to be set"),
        (
            {"Content-Type": RECORDIO, "Message-Content-Type": "x"},
            415,
            "'Message-Content-Type'",
        ),
        (
            {"Content-Type": RECORDIO, "Message-Content-Type": JSON},
            501,
            "ATTACH_CONTAINER_INPUT",
        ),
        ({**QUIET, "Message-Content-Type": JSON}, 415, "to be not set for non-streaming requests"),
        ({**QUIET, "Accept": "text/html"}, 406, "Expecting 'Accept' to allow"),
        (
            {**QUIET, "Accept": RECORDIO},
            406,
            "Streaming response is not supported for GET_HEALTH",
        ),
        ({**QUIET, "Message-Accept": PROTOBUF}, 406, "to be not set for non-streaming responses"),
    ],
)
def test_media_that_are_refused(address: str, headers: dict[str, str], status: int, text: str) -> None:
    answered, said, _ = post(address, '{"type": "GET_HEALTH"}', headers)
    assert answered == status
    assert text in said.decode()
