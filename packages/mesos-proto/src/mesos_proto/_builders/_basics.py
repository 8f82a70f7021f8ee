"""Identities, labels, credentials, frameworks, filters."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping

from mesos_proto.errors import MesosProtoError
from mesos_proto.v1 import mesos_pb2 as mesos


def framework_id(value: str) -> mesos.FrameworkID:
    """Make a framework's id."""
    return mesos.FrameworkID(value=value)


def agent_id(value: str) -> mesos.AgentID:
    """Make an agent's id."""
    return mesos.AgentID(value=value)


def offer_id(value: str) -> mesos.OfferID:
    """Make an offer's id."""
    return mesos.OfferID(value=value)


def task_id(value: str | None = None) -> mesos.TaskID:
    """Make a task's id; a random one when no value is given."""
    return mesos.TaskID(value=_identity(value))


def executor_id(value: str | None = None) -> mesos.ExecutorID:
    """Make an executor's id; a random one when no value is given."""
    return mesos.ExecutorID(value=_identity(value))


def operation_id(value: str | None = None) -> mesos.OperationID:
    """Make an operation's id; a random one when no value is given."""
    return mesos.OperationID(value=_identity(value))


def container_id(value: str | None = None, parent: mesos.ContainerID | None = None) -> mesos.ContainerID:
    """Make a container's id, of one nested in `parent` say; a random one when no value is given."""
    return mesos.ContainerID(value=_identity(value), parent=parent)


def _identity(value: str | None) -> str:
    return str(uuid.uuid4()) if value is None else value


def labels(values: Mapping[str, str | None] | None = None, /, **more: str | None) -> mesos.Labels:
    """Make labels of a mapping, of keyword arguments or of both; None is a label without a value."""
    made = mesos.Labels()
    for key, value in {**(values or {}), **more}.items():
        label = made.labels.add(key=key)
        if value is not None:
            label.value = value
    return made


def credential(principal: str, secret: str | None = None) -> mesos.Credential:
    """Make a credential."""
    made = mesos.Credential(principal=principal)
    if secret is not None:
        made.secret = secret
    return made


def filters(refuse_seconds: float = 5.0) -> mesos.Filters:
    """Make filters that keep declined resources away for a time."""
    return mesos.Filters(refuse_seconds=refuse_seconds)


def duration(seconds: float) -> mesos.DurationInfo:
    """Make a duration."""
    return mesos.DurationInfo(nanoseconds=round(seconds * 1e9))


def framework(
    name: str,
    user: str = "",
    *,
    roles: Iterable[str] = (),
    capabilities: Iterable[mesos.FrameworkInfo.Capability.Type.ValueType | str] = (),
    id: str | None = None,
    failover_timeout: float | None = None,
    checkpoint: bool | None = None,
    principal: str | None = None,
    hostname: str | None = None,
    webui_url: str | None = None,
    labels: mesos.Labels | None = None,
) -> mesos.FrameworkInfo:
    """Describe a framework; an empty `user` lets the driver fill in the current one.

    With roles, the capability MULTI_ROLE that they need is added.
    """
    made = mesos.FrameworkInfo(name=name, user=user, roles=roles, labels=labels)
    wanted = [_capability(capability) for capability in capabilities]
    if made.roles and mesos.FrameworkInfo.Capability.MULTI_ROLE not in wanted:
        wanted.append(mesos.FrameworkInfo.Capability.MULTI_ROLE)
    for capability in wanted:
        made.capabilities.add(type=capability)
    if id is not None:
        made.id.value = id
    if failover_timeout is not None:
        made.failover_timeout = failover_timeout
    if checkpoint is not None:
        made.checkpoint = checkpoint
    if principal is not None:
        made.principal = principal
    if hostname is not None:
        made.hostname = hostname
    if webui_url is not None:
        made.webui_url = webui_url
    return made


def _capability(
    capability: mesos.FrameworkInfo.Capability.Type.ValueType | str,
) -> mesos.FrameworkInfo.Capability.Type.ValueType:
    if not isinstance(capability, str):
        return capability
    try:
        return mesos.FrameworkInfo.Capability.Type.Value(capability)
    except ValueError:
        known = ", ".join(mesos.FrameworkInfo.Capability.Type.keys())
        raise MesosProtoError(f"no capability {capability!r}; there are {known}") from None
