"""Resources and containers of tasks and executors that make no sense, by themselves or together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.json_format import ParseDict
from mesos_proto.v0 import mesos_pb2 as mesos

from differential import groups
from differential.client import Site
from differential.tasks import refused, scalar

PORTS = {"name": "ports", "type": "RANGES", "ranges": {"range": [{"begin": 31000, "end": 31001}]}}
GPU = {"name": "gpus", "type": "SCALAR", "scalar": {"value": 0.5}}
REVOCABLE = {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}, "revocable": {}}
CPUS = {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}}
DISK = {"name": "disk", "type": "SCALAR", "scalar": {"value": 1}}
VOLUME = {"container_path": "data", "mode": "RW"}
UNSET = {"variables": [{"name": "A"}]}


def _task(name: str, **fields: Any) -> Callable[[Site], None]:
    """Launch a task with these fields (JSON); lists take the place of its own."""
    return refused(name, lambda info: ParseDict(fields, info))


def _container(name: str, **fields: Any) -> Callable[[Site], None]:
    return _task(name, container={"type": "MESOS", **fields})


def _volume(name: str, **fields: Any) -> Callable[[Site], None]:
    return _container(name, volumes=[{**VOLUME, **fields}])


def _with_executor(name: str, *resources: Any, own: Any = (), **fields: Any) -> Callable[[Site], None]:
    """Launch a task whose executor has these resources and fields."""

    def change(info: mesos.TaskInfo) -> None:
        info.ClearField("command")
        executor = info.executor
        executor.executor_id.value, executor.command.value = "executor", "true"
        executor.resources.append(scalar("mem", 32))
        ParseDict({"resources": list(resources), **fields}, executor)
        ParseDict({"resources": list(own)}, info)

    return refused(name, change)


def _group(name: str, *tasks: Any, **executor: Any) -> Callable[[Site], None]:
    """Launch a group of two whose tasks and executor have these fields."""

    def change(made: groups.Group) -> None:
        ParseDict(executor, made.executor)
        for info, fields in zip(made.task_group.tasks, tasks, strict=True):
            ParseDict(fields, info)

    return groups.refused(name, change)


def _cgroups(shared: bool) -> Any:
    return {"container": {"type": "MESOS", "linux_info": {"share_cgroups": shared}}}


def _sandbox_path(name: str, **source: Any) -> Callable[[Site], None]:
    return _volume(name, source={"type": "SANDBOX_PATH", **source})


SCRIPTS = (
    _task("half_a_gpu", resources=[GPU]),
    _task("empty_disk_info", resources=[{**DISK, "disk": {}}]),
    _task(
        "volume_that_is_not_persistent",
        resources=[{**DISK, "disk": {"volume": VOLUME}}],
    ),
    _task(
        "volume_that_is_not_reserved",
        resources=[
            {**DISK, "disk": {"persistence": {"id": "x"}, "volume": {"container_path": "x", "mode": "RW"}}}
        ],
    ),
    _task("revocable_and_not", resources=[CPUS, REVOCABLE]),
    _volume("volume_of_nothing"),
    _volume("volume_of_two", host_path="/tmp", source={"type": "HOST_PATH", "host_path": {"path": "/tmp"}}),
    _volume("volume_of_an_unknown_source", source={"type": "UNKNOWN"}),
    _sandbox_path("volume_without_sandbox_path"),
    _volume("volume_without_host_path", source={"type": "HOST_PATH"}),
    _task("docker_without_docker", container={"type": "DOCKER"}),
    _task(
        "docker_with_a_name",
        container={"type": "DOCKER", "docker": {"image": "x", "parameters": [{"key": "name", "value": "x"}]}},
    ),
    _task("own_cgroups_of_a_single_task", **_cgroups(False)),
    _with_executor("executor_that_shares_cgroups", **_cgroups(True)),
    _with_executor("executor_with_an_empty_disk_info", {**DISK, "disk": {}}),
    _with_executor("executor_in_docker_without_docker", container={"type": "DOCKER"}),
    _with_executor("executor_with_its_tasks_ports", PORTS, own=[PORTS]),
    _with_executor("executor_revocable_and_task_not", REVOCABLE),
    _with_executor(
        "executor_environment_without_value", command={"environment": {"variables": [{"name": "A"}]}}
    ),
    _group("group_that_wants_a_port_twice", {"resources": [PORTS]}, {"resources": [PORTS]}),
    _group("group_of_which_one_has_its_own_cgroups", _cgroups(False), {}),
    _group("group_whose_executor_shares_cgroups", {}, {}, **_cgroups(True)),
    _group(
        "group_with_a_volume_of_nothing",
        {},
        {"container": {"type": "MESOS", "volumes": [{"container_path": "x", "mode": "RW"}]}},
    ),
    _group("group_revocable_and_not", {"resources": [REVOCABLE]}, {"resources": [CPUS]}),
)
