"""Mesos's JSON mapping, both ways."""

from __future__ import annotations

import json as plain_json

import pytest
from mesos_proto import json
from mesos_proto.errors import JSONError
from mesos_proto.v0 import docker_v1_pb2 as docker_v1
from mesos_proto.v0 import mesos_pb2 as mesos0
from mesos_proto.v1 import executor_pb2 as executor
from mesos_proto.v1 import master_pb2 as master
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import quota_pb2 as quota
from mesos_proto.v1 import scheduler_pb2 as scheduler

ACCEPT = """
{"framework_id": {"value": "F"}, "type": "ACCEPT",
 "accept": {"offer_ids": [{"value": "O1"}],
  "operations": [{"type": "LAUNCH", "launch": {"task_infos": [
    {"name": "t", "task_id": {"value": "t1"}, "agent_id": {"value": "S0"},
     "resources": [{"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}}],
     "command": {"value": "true"}}]}}],
  "filters": {"refuse_seconds": 5.0}}}
"""


def test_a_call_there_and_back() -> None:
    call = json.loads(scheduler.Call, ACCEPT)
    assert call.accept.operations[0].launch.task_infos[0].agent_id.value == "S0"
    assert json.to_dict(call, defaults=False) == plain_json.loads(ACCEPT)
    assert json.loads(scheduler.Call, json.dumps(call, defaults=False)) == call


def test_defaults_that_are_not_deprecated_are_written() -> None:
    info = mesos0.FrameworkInfo(user="u", name="n")
    assert json.to_dict(info) == {"user": "u", "name": "n", "failover_timeout": 0.0, "checkpoint": False}
    assert json.to_dict(info, defaults=False) == {"user": "u", "name": "n"}
    uri = mesos.CommandInfo.URI(value="v")
    assert json.to_dict(uri) == {"value": "v", "extract": True}
    check = json.to_dict(mesos.HealthCheck(http={"port": 80}))
    assert check["http"] == {"protocol": "IPv4", "port": 80}
    assert check["consecutive_failures"] == 3


def test_64_bit_numbers_are_numbers() -> None:
    time = mesos.TimeInfo(nanoseconds=2**63 - 1)
    assert json.dumps(time) == '{"nanoseconds": 9223372036854775807}'
    for text in ('{"nanoseconds": 9223372036854775807}', '{"nanoseconds": "9223372036854775807"}'):
        assert json.loads(mesos.TimeInfo, text) == time
    assert json.loads(mesos.TimeInfo, '{"nanoseconds": -1.9}').nanoseconds == -1
    unsigned = mesos.Value.Range(begin=0, end=2**64 - 1)
    assert json.loads(mesos.Value.Range, json.dumps(unsigned)) == unsigned


def test_infinities_are_strings() -> None:
    for value, text in ((float("inf"), "Infinity"), (float("-inf"), "-Infinity")):
        scalar = mesos.Value.Scalar(value=value)
        assert json.to_dict(scalar) == {"value": text}
        assert json.from_dict(mesos.Value.Scalar, {"value": text}) == scalar
    with pytest.raises(JSONError, match="NaN"):
        json.dumps(mesos.Value.Scalar(value=float("nan")))


def test_bytes_enums_maps_and_repeated() -> None:
    status = mesos.TaskStatus(task_id={"value": "t"}, state=mesos.TASK_RUNNING, uuid=b"\x00\xff", data=b"")
    data = json.to_dict(status)
    assert data == {"task_id": {"value": "t"}, "state": "TASK_RUNNING", "uuid": "AP8=", "data": ""}
    assert json.from_dict(mesos.TaskStatus, data) == status
    config = quota.QuotaConfig(role="r")
    config.limits["cpus"].value = 2
    assert json.to_dict(config) == {"role": "r", "limits": {"cpus": {"value": 2.0}}}
    assert json.from_dict(quota.QuotaConfig, json.to_dict(config)) == config
    labels = docker_v1.ImageManifest.Config.FromString(b"")
    assert "Env" not in json.to_dict(labels)
    empty = executor.Call(type=executor.Call.SUBSCRIBE)
    empty.subscribe.SetInParent()
    assert json.to_dict(empty) == {"type": "SUBSCRIBE", "subscribe": {}}
    assert json.from_dict(executor.Call, json.to_dict(empty), partial=True) == empty


def test_a_duration_of_protobufs_own() -> None:
    call = master.Call(type=master.Call.DRAIN_AGENT)
    call.drain_agent.agent_id.value = "a"
    call.drain_agent.max_grace_period.seconds = 3
    assert json.to_dict(call, defaults=False)["drain_agent"] == {
        "agent_id": {"value": "a"},
        "max_grace_period": {"seconds": 3},
    }
    assert json.loads(master.Call, json.dumps(call, defaults=False)) == call


def test_reading_is_lenient_as_mesos_is() -> None:
    command = json.from_dict(
        mesos.CommandInfo,
        {"shell": "false", "value": None, "unknown": {"x": [1]}, "uris": {"value": "u", "extract": True}},
    )
    assert command == mesos.CommandInfo(shell=False, uris=[{"value": "u", "extract": True}])
    assert json.from_dict(mesos.Value.Scalar, {"value": "1.5"}).value == 1.5
    call = json.from_dict(scheduler.Call, {"type": "A_CALL_OF_THE_FUTURE"})
    assert not call.HasField("type")
    assert json.from_dict(mesos.CommandInfo, {"arguments": ["a", None, "b"]}).arguments == ["a", "b"]


@pytest.mark.parametrize(
    ("kind", "text", "problem"),
    [
        (mesos.TaskID, "", "not JSON"),
        (mesos.TaskID, "[]", "want a JSON object, not an array"),
        (mesos.TaskID, "{}", "required fields are missing: value"),
        (mesos.TaskID, '{"value": 3}', "TaskID.value: want a string, not a number"),
        (mesos.TaskID, '{"value": "\\ud800"}', "UTF-8"),
        (mesos.TaskStatus, '{"task_id": "x"}', "TaskStatus.task_id: want an object, not a string"),
        (mesos.TaskStatus, '{"task_id": {"value": "t"}, "state": "TASK_OF_TOMORROW"}', "missing: state"),
        (mesos.TaskStatus, '{"state": 1}', "TaskStatus.state: want a string"),
        (mesos.TaskStatus, '{"uuid": "?"}', "TaskStatus.uuid: not base64"),
        (mesos.TaskStatus, '{"healthy": 1}', "TaskStatus.healthy: want a boolean, not a number"),
        (mesos.TaskStatus, '{"timestamp": true}', "TaskStatus.timestamp: want a number, not a boolean"),
        (mesos.TaskStatus, '{"timestamp": "x"}', "TaskStatus.timestamp: 'x' is not a number"),
        (mesos.TaskStatus, '{"timestamp": NaN}', "TaskStatus.timestamp: want a number"),
        (mesos.TimeInfo, '{"nanoseconds": 9223372036854775808}', "is not between"),
        (mesos.TimeInfo, '{"nanoseconds": 1e999}', "want an integer"),
        (mesos.CommandInfo, '{"uris": [{"value": "a"}, {"value": []}]}', r"uris\[1\].value: want a string"),
        (mesos.CommandInfo, '{"arguments": [{}]}', r"arguments\[0\]: want a string, not an object"),
        (quota.QuotaConfig, '{"limits": {"cpus": 3}}', r"limits\['cpus'\]: want an object, not a number"),
        (quota.QuotaConfig, '{"limits": []}', "limits: want an object, not an array"),
    ],
)
def test_bad_json_says_where(kind: type[mesos.TaskID], text: str, problem: str) -> None:
    with pytest.raises(JSONError, match=problem):
        json.loads(kind, text)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(JSONError):
        json.loads(mesos.ContainerID, '{"parent":' * 100_000 + "{}" + "}" * 100_000)
