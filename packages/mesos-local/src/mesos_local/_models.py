"""The JSON that `/state` and its like speak: upstream's own models, older than the protobuf mapping.

See "HTTP endpoints" of the Mesos documentation and upstream's src/common/http.cpp.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from mesos_proto import json
from mesos_proto.resources import ResourceFormat, Resources
from mesos_proto.v0 import mesos_pb2 as mesos

__all__ = [
    "MESOS_VERSION",
    "Json",
    "attributes",
    "executor_extras",
    "executor_fields",
    "full_resources",
    "labels",
    "ranges",
    "resources",
    "roles_field",
    "task",
    "version",
]

MESOS_VERSION = "1.11.0"
"""The release whose behaviour the cluster shows, and the version it tells."""

Json: TypeAlias = dict[str, Any]


def version() -> Json:
    """Give the answer of `/version`."""
    return {"build_date": "", "build_time": 0.0, "build_user": "mesos-local", "version": MESOS_VERSION}


def ranges(value: Any) -> str:
    """Write ranges as text: `[31000-32000, 33000-33100]`."""
    return "[" + ", ".join(f"{each.begin}-{each.end}" for each in value.range) + "]"


def resources(messages: Iterable[Any]) -> Json:
    """Add resources up by name; the four usual ones are always there."""
    model: Json = {"disk": 0.0, "mem": 0.0, "gpus": 0.0, "cpus": 0.0}
    spans: dict[str, list[tuple[int, int]]] = {}
    for message in messages:
        if message.type == mesos.Value.SCALAR:
            model[message.name] = round(model.get(message.name, 0.0) + message.scalar.value, 3)
        elif message.type == mesos.Value.RANGES:
            spans.setdefault(message.name, []).extend((each.begin, each.end) for each in message.ranges.range)
        elif message.type == mesos.Value.SET:
            model[message.name] = "{" + ", ".join(message.set.item) + "}"
    for name, pairs in spans.items():
        model[name] = "[" + ", ".join(f"{begin}-{end}" for begin, end in sorted(pairs)) + "]"
    return model


def full_resources(total: Resources, *, role: str | None = None) -> list[Json]:
    """Write resources one by one, with both forms of reservations; allocated to `role` when given."""
    shown = total.allocate(role) if role is not None else total
    return [
        dict(json.to_dict(message)) for message in shown.messages(version=0, format=ResourceFormat.ENDPOINT)
    ]


def attributes(messages: Iterable[mesos.Attribute]) -> Json:
    """Write an agent's attributes by name."""
    model: Json = {}
    for message in messages:
        if message.type == mesos.Value.SCALAR:
            model[message.name] = message.scalar.value
        elif message.type == mesos.Value.RANGES:
            model[message.name] = ranges(message.ranges)
        elif message.type == mesos.Value.SET:
            model[message.name] = "{" + ", ".join(message.set.item) + "}"
        else:
            model[message.name] = message.text.value
    return model


def labels(message: mesos.Labels) -> list[Json]:
    """Write labels as pairs."""
    return [
        {"key": each.key, "value": each.value} if each.HasField("value") else {"key": each.key}
        for each in message.labels
    ]


def roles_field(info: mesos.FrameworkInfo) -> Json:
    """Give `role`, or `roles` for a framework of several."""
    if any(each.type == mesos.FrameworkInfo.Capability.MULTI_ROLE for each in info.capabilities):
        return {"roles": list(info.roles)}
    return {"role": info.role}


def task(proto: mesos.Task, role: str) -> Json:
    """Write a task."""
    model: Json = {
        "id": proto.task_id.value,
        "name": proto.name,
        "framework_id": proto.framework_id.value,
        "executor_id": proto.executor_id.value,
        "slave_id": proto.slave_id.value,
        "state": mesos.TaskState.Name(proto.state),
        "resources": resources(proto.resources),
        "role": role,
        "statuses": [_status(each) for each in proto.statuses],
    }
    if proto.HasField("user"):
        model["user"] = proto.user
    if proto.HasField("labels"):
        model["labels"] = labels(proto.labels)
    for name in ("discovery", "container", "health_check"):
        if proto.HasField(name):
            model[name] = json.to_dict(getattr(proto, name))
    return model


def _status(status: mesos.TaskStatus) -> Json:
    model: Json = {"state": mesos.TaskState.Name(status.state), "timestamp": status.timestamp}
    if status.HasField("labels"):
        model["labels"] = labels(status.labels)
    if status.HasField("container_status"):
        container = status.container_status
        model["container_status"] = {
            "container_id": json.to_dict(container.container_id),
            "network_infos": [
                {
                    "ip_addresses": [
                        {"protocol": "IPv4", "ip_address": each.ip_address} for each in info.ip_addresses
                    ]
                }
                for info in container.network_infos
            ],
        }
    if status.HasField("healthy"):
        model["healthy"] = status.healthy
    if status.HasField("message"):
        model["message"] = status.message
    return model


def executor_fields(info: mesos.ExecutorInfo) -> Json:
    """Write what an executor says about itself."""
    model: Json = {
        "executor_id": info.executor_id.value,
        "name": info.name,
        "framework_id": info.framework_id.value,
        "command": {"argv": list(info.command.arguments), "uris": [each.value for each in info.command.uris]},
        "resources": resources(info.resources),
        **executor_extras(info),
    }
    if info.command.HasField("value"):
        model["command"]["value"] = info.command.value
    if info.HasField("source"):
        model["source"] = info.source
    return model


def executor_extras(info: mesos.ExecutorInfo) -> Json:
    """Give what not every executor has."""
    model: Json = {}
    if info.resources:
        model["role"] = next((each.allocation_info.role for each in info.resources), "*")
    if info.HasField("labels"):
        model["labels"] = labels(info.labels)
    if info.HasField("type"):
        model["type"] = mesos.ExecutorInfo.Type.Name(info.type)
    return model
