"""The master's operator API: what is read, what is done, what is refused and in which words."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from local_operator import JSON, PROTOBUF, ask, post, read, refused
from local_scheduler import Recorder, command_task, running
from mesos_local import LocalCluster, MasterSettings
from mesos_proto.v1 import master_pb2
from mesos_proto.v1 import mesos_pb2 as mesos

Call = master_pb2.Call
QUIET = {"Content-Type": JSON, "Accept": JSON}


@pytest.fixture(scope="module")
def busy(cluster: LocalCluster) -> Iterator[tuple[LocalCluster, Recorder]]:
    """A cluster on which a task runs."""
    recorder = Recorder(lambda offer: [command_task(offer, "exec sleep 1000", "busy", "cpus:1;mem:64")])
    with running(cluster, recorder, name="busy"):
        recorder.until("TASK_RUNNING")
        yield cluster, recorder


def test_the_parts_of_the_state_agree(busy: tuple[LocalCluster, Recorder]) -> None:
    cluster, recorder = busy
    state = ask(cluster.master_address, "GET_STATE")
    for part in ("GET_TASKS", "GET_EXECUTORS", "GET_AGENTS"):
        assert ask(cluster.master_address, part) == state[part.lower()]
    (task,) = state["get_tasks"]["tasks"]
    assert (task["name"], task["state"]) == ("busy", "TASK_RUNNING")
    assert state["get_tasks"]["unreachable_tasks"] == [], "even an empty list is there"
    (framework,) = state["get_frameworks"]["frameworks"]
    assert framework["framework_info"]["id"]["value"] == recorder.framework_ids[0]
    assert framework["active"] and framework["connected"] and not framework["recovered"]
    (agent,) = state["get_agents"]["agents"]
    assert agent["agent_info"]["id"] == task["agent_id"]
    assert _amount(agent["total_resources"], "cpus") == 4
    for holder in (agent, framework):
        assert _amount(holder["allocated_resources"], "cpus") == 1
        assert all(each["allocation_info"] == {"role": "*"} for each in holder["allocated_resources"])


def test_protobuf_says_the_same(busy: tuple[LocalCluster, Recorder]) -> None:
    address = busy[0].master_address
    response = read(address, Call(type=Call.GET_TASKS))
    assert response.type == master_pb2.Response.GET_TASKS
    assert [each.task_id.value for each in response.get_tasks.tasks] == [
        each["task_id"]["value"] for each in ask(address, "GET_TASKS")["tasks"]
    ]
    (agent,) = read(address, Call(type=Call.GET_AGENTS)).get_agents.agents
    assert agent.active and agent.version == "1.11.0"
    assert mesos.AgentInfo.Capability.MULTI_ROLE in [each.type for each in agent.capabilities]


def test_what_the_master_is(busy: tuple[LocalCluster, Recorder]) -> None:
    address = busy[0].master_address
    assert ask(address, "GET_HEALTH") == {"healthy": True}
    assert ask(address, "GET_VERSION")["version_info"]["version"] == "1.11.0"
    info = ask(address, "GET_MASTER")["master_info"]
    assert f"{info['address']['ip']}:{info['address']['port']}" == address
    metrics = {each["name"]: each["value"] for each in ask(address, "GET_METRICS", get_metrics={})["metrics"]}
    assert metrics["master/tasks_running"] == 1
    (role,) = ask(address, "GET_ROLES")["roles"]
    assert role["name"] == "*" and len(role["frameworks"]) == 1 and role["weight"] == 1
    for name in ("GET_QUOTA", "GET_MAINTENANCE_STATUS", "GET_MAINTENANCE_SCHEDULE", "GET_OPERATIONS"):
        assert not any(ask(address, name).values())


def test_flags_and_weights_are_those_given() -> None:
    flags = {"roles": "dev,ops", "port": "0"}
    settings = MasterSettings(weights={"dev": 2.5}, roles=frozenset({"dev", "ops"}))
    with LocalCluster(agents=0, master=settings, flags=flags) as cluster:
        address = cluster.master_address
        shown = ask(address, "GET_FLAGS")["flags"]
        assert {each["name"]: each["value"] for each in shown} == flags
        assert ask(address, "GET_WEIGHTS") == {"weight_infos": [{"weight": 2.5, "role": "dev"}]}
        assert [each["name"] for each in ask(address, "GET_ROLES")["roles"]] == ["dev", "ops"]


def test_a_framework_is_torn_down(cluster: LocalCluster) -> None:
    recorder = Recorder()
    with running(cluster, recorder):
        recorder.wait(lambda: bool(recorder.framework_ids))
        wanted = {"framework_id": {"value": recorder.framework_ids[0]}}
        assert ask(cluster.master_address, "TEARDOWN", teardown=wanted) is None
        gone = ask(cluster.master_address, "GET_FRAMEWORKS")["completed_frameworks"]
        assert recorder.framework_ids[0] in [each["framework_info"]["id"]["value"] for each in gone]
        assert refused(cluster.master_address, "TEARDOWN", teardown=wanted) == (
            400,
            "No framework found with specified ID",
        )


def test_an_agent_is_marked_gone() -> None:
    recorder = Recorder(lambda offer: [command_task(offer, "exec sleep 1000")])
    aware = [mesos.FrameworkInfo.Capability(type=mesos.FrameworkInfo.Capability.PARTITION_AWARE)]
    with LocalCluster() as cluster, running(cluster, recorder, capabilities=aware):
        recorder.until("TASK_RUNNING")
        (agent,) = ask(cluster.master_address, "GET_AGENTS")["agents"]
        wanted = {"agent_id": agent["agent_info"]["id"]}
        assert ask(cluster.master_address, "MARK_AGENT_GONE", mark_agent_gone=wanted) is None
        recorder.until("TASK_GONE_BY_OPERATOR")
        assert ask(cluster.master_address, "GET_AGENTS")["agents"] == []
        assert ask(cluster.master_address, "MARK_AGENT_GONE", mark_agent_gone=wanted) is None, "twice is once"
        unknown = {"agent_id": {"value": "nobody"}}
        status, text = refused(cluster.master_address, "MARK_AGENT_GONE", mark_agent_gone=unknown)
        assert (status, text) == (404, "Agent 'nobody' not found")


def test_more_is_logged_for_a_while(cluster: LocalCluster) -> None:
    before = ask(cluster.master_address, "GET_LOGGING_LEVEL")["level"]
    wanted = {"level": before + 2, "duration": {"nanoseconds": 10**8}}
    ask(cluster.master_address, "SET_LOGGING_LEVEL", set_logging_level=wanted)
    deadline = time.monotonic() + 20
    while ask(cluster.master_address, "GET_LOGGING_LEVEL")["level"] != before:
        assert time.monotonic() < deadline, "the level of before did not come back"


REFUSALS: tuple[tuple[str, dict[str, Any], int, str], ...] = (
    ("{}", QUIET, 400, "Failed to validate master::Call: Expecting 'type' to be present"),
    ('{"type": "NONSENSE"}', QUIET, 400, "Failed to validate master::Call: Expecting 'type' to be present"),
    ("{}", {}, 400, "Expecting 'Content-Type' to be present"),
    ("{", QUIET, 400, "Failed to convert JSON into Call protobuf"),
    ("\xff", {"Content-Type": PROTOBUF}, 400, "Failed to parse body into Call protobuf"),
    ("{}", {"Content-Type": "text/plain"}, 415, f"Expecting 'Content-Type' of {JSON} or {PROTOBUF}"),
    (
        '{"type": "GET_HEALTH"}',
        {**QUIET, "Accept": "text/html"},
        406,
        f"Expecting 'Accept' to allow '{PROTOBUF}' or '{JSON}'",
    ),
    (
        '{"type": "GET_METRICS"}',
        QUIET,
        400,
        "Failed to validate master::Call: Expecting 'get_metrics' to be present",
    ),
    (
        '{"type": "MARK_AGENT_GONE"}',
        QUIET,
        400,
        "Failed to validate master::Call: Expecting 'mark_agent_gone' to be present",
    ),
    ('{"type": "UNKNOWN"}', QUIET, 501, "UNKNOWN"),
    (
        '{"type": "GET_HEALTH", "drain_agent": {"agent_id": {"value": "x"},'
        ' "max_grace_period": {"seconds": 9223372036854775807}}}',
        QUIET,
        400,
        "Failed to validate master::Call: max_grace_period",
    ),
    ('{"type": "UPDATE_QUOTA", "update_quota": {}}', QUIET, 501, "does not have the call UPDATE_QUOTA"),
    ('{"type": "READ_FILE", "read_file": {"path": "/etc/passwd", "offset": 0}}', QUIET, 404, ""),
)


@pytest.mark.parametrize(("body", "headers", "status", "text"), REFUSALS)
def test_refusals(cluster: LocalCluster, body: str, headers: dict[str, str], status: int, text: str) -> None:
    answered, said, _ = post(cluster.master_address, body.encode("latin-1"), headers)
    assert answered == status
    assert text in said.decode()


def test_only_posts_are_calls(cluster: LocalCluster) -> None:
    status, text, headers = post(cluster.master_address, b"", QUIET, "GET")
    assert status == 405 and headers["Allow"] == "POST"
    assert b"Expecting one of { 'POST' }, but received 'GET'" in text


def test_a_number_that_json_cannot_say_hides_nothing(busy: tuple[LocalCluster, Recorder]) -> None:
    cluster, _ = busy
    (task,) = cluster.master.session.state.frameworks.copy().popitem()[1].tasks.values()
    status = task.proto.statuses[-1]
    kept, status.timestamp = status.timestamp, float("nan")
    try:
        (shown,) = ask(cluster.master_address, "GET_TASKS")["tasks"]
        assert shown["statuses"][-1]["timestamp"] == 0
    finally:
        status.timestamp = kept


def _amount(resources: list[dict[str, Any]], name: str) -> float:
    return float(sum(each["scalar"]["value"] for each in resources if each["name"] == name))
