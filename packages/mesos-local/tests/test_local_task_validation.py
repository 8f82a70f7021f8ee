"""Tasks and executors whose resources or containers make no sense: refused, in a real master's words."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from google.protobuf.json_format import ParseDict
from local_helpers import AGENT, Wire, task_info
from mesos_local.config import parse_resources
from mesos_proto.v0 import mesos_pb2 as mesos

PORTS = {"name": "ports", "type": "RANGES", "ranges": {"range": [{"begin": 31000, "end": 31001}]}}
DISK = {"name": "disk", "type": "SCALAR", "scalar": {"value": 1}}
REVOCABLE = {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}, "revocable": {}}
VOLUME = {"container_path": "data", "mode": "RW"}
CPUS = {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}}
DOCKER = "DockerInfo 'docker' is not set for DOCKER typed ContainerInfo"
GPUS = "Invalid 'gpus' resource: The 'gpus' resource must be an unsigned integer"
MIXED = "Cannot use both revocable and non-revocable 'cpus' at the same time"


def persistent(role: str) -> dict[str, object]:
    reservation = {"type": "DYNAMIC", "role": role}
    return {**DISK, "disk": {"persistence": {"id": "x"}, "volume": VOLUME}, "reservations": [reservation]}


def error_of(executor: str | None, change: Callable[[mesos.TaskInfo], object]) -> str:
    """Launch a task after some change; give what the master says of it."""
    wire = Wire(agents=0)
    wire.add_agent(AGENT, resources=parse_resources("cpus:4;mem:1024;disk:64;ports:[31000-31009]"))
    framework_id = wire.registered()
    (offer,) = wire.offers()
    task = task_info(offer, executor=executor)
    change(task)
    wire.accept(framework_id, [offer], [task])
    (status,) = wire.statuses()
    assert (status.state, status.reason) == (mesos.TASK_ERROR, mesos.TaskStatus.REASON_TASK_INVALID)
    assert not wire.launched
    return status.message


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        (
            {"resources": [{**DISK, "name": "gpus", "scalar": {"value": 0.5}}]},
            f"Task uses invalid resources: {GPUS}",
        ),
        (
            {"resources": [{**DISK, "disk": {}}]},
            "Task uses invalid resources: Invalid DiskInfo: DiskInfo is set but empty",
        ),
        (
            {"resources": [{**DISK, "disk": {"volume": VOLUME}}]},
            "Task uses invalid resources: Invalid DiskInfo: Non-persistent volume not supported",
        ),
        (
            {"resources": [persistent("a"), persistent("a")]},
            "Task uses duplicate persistence ID: Persistence ID 'x' is not unique",
        ),
        ({"resources": [REVOCABLE, CPUS]}, f"Task mixes revocable and non-revocable resources: {MIXED}"),
        (
            {"container": {"type": "MESOS", "volumes": [VOLUME]}},
            "Task's `ContainerInfo` is invalid: Invalid volume: Only one of them should be set: 'host_path',"
            " 'image' and 'source'",
        ),
        (
            {"container": {"type": "MESOS", "volumes": [{**VOLUME, "source": {"type": "SECRET"}}]}},
            "Task's `ContainerInfo` is invalid: Invalid volume: 'source.secret' is not set for SECRET volume",
        ),
        (
            {"container": {"type": "DOCKER"}},
            f"Task's `ContainerInfo` is invalid: {DOCKER}",
        ),
        (
            {"container": {"type": "MESOS", "linux_info": {"share_cgroups": False}}},
            "Only tasks in a task group may have 'share_cgroups' set to 'false'",
        ),
        (
            {"command": {"environment": {"variables": [{"name": "A"}]}}},
            "Task's `CommandInfo` is invalid: Environment variable 'A' of type 'VALUE' must have a value set",
        ),
    ],
)
def test_a_task_that_makes_no_sense_is_refused(fields: dict[str, object], error: str) -> None:
    assert error_of(None, lambda task: ParseDict(fields, task)) == error


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        (
            {"resources": [{**DISK, "disk": {}}]},
            "Executor uses invalid resources: Invalid DiskInfo: DiskInfo is set but empty",
        ),
        (
            {"resources": [REVOCABLE]},
            f"Task and its executor mix revocable and non-revocable resources: {MIXED}",
        ),
        (
            {"resources": [{**persistent("*"), "shared": {}, "reservations": [], "role": "a"}]},
            "Executor resources [",
        ),
        (
            {"container": {"type": "MESOS", "linux_info": {"share_cgroups": True}}},
            "The 'share_cgroups' field cannot be set to 'true' on executor containers",
        ),
        (
            {"container": {"type": "DOCKER"}},
            f"Executor's `ContainerInfo` is invalid: {DOCKER}",
        ),
    ],
)
def test_an_executor_that_makes_no_sense_is_refused(fields: dict[str, object], error: str) -> None:
    assert error_of("own", lambda task: ParseDict(fields, task.executor)).startswith(error)


def test_a_task_and_its_executor_may_not_have_the_same_port() -> None:
    def both(task: mesos.TaskInfo) -> None:
        ParseDict({"resources": [PORTS]}, task)
        ParseDict({"resources": [PORTS]}, task.executor)

    error = error_of("own", both)
    assert error.startswith("There are overlapping resources in the task resources [{")
    assert '"ranges":{"range":[{"begin":31000,"end":31001}]}' in error
