"""What a master refuses of the containers of tasks and executors, and in which words.

Mirrors upstream's src/common/validation.cpp, and what src/master/validation.cpp says of `share_cgroups`.
"""

from __future__ import annotations

from collections.abc import Iterable

from mesos_proto.v0 import mesos_pb2 as mesos

__all__ = ["invalid", "shares_on_executor", "shares_unlike"]

_SOURCES = {
    mesos.Volume.Source.DOCKER_VOLUME: ("docker_volume", "DOCKER_VOLUME"),
    mesos.Volume.Source.HOST_PATH: ("host_path", "HOST_PATH"),
    mesos.Volume.Source.SANDBOX_PATH: ("sandbox_path", "SANDBOX_PATH"),
    mesos.Volume.Source.SECRET: ("secret", "SECRET"),
    mesos.Volume.Source.CSI_VOLUME: ("csi_volume", "CSI"),
}


def invalid(holder: mesos.TaskInfo | mesos.ExecutorInfo) -> str | None:
    """Check the container of a task or an executor that has one."""
    if not holder.HasField("container"):
        return None
    container = holder.container
    for volume in container.volumes:
        error = _volume(volume)
        if error:
            return f"Invalid volume: {error}"
    if container.type == mesos.ContainerInfo.DOCKER:
        if not container.HasField("docker"):
            return "DockerInfo 'docker' is not set for DOCKER typed ContainerInfo"
        if any(parameter.key == "name" for parameter in container.docker.parameters):
            return "Parameter in DockerInfo must not be 'name'"
    return None


def _volume(volume: mesos.Volume) -> str | None:
    if sum(volume.HasField(name) for name in ("host_path", "image", "source")) != 1:
        return "Only one of them should be set: 'host_path', 'image' and 'source'"
    if not volume.HasField("source"):
        return None
    source = volume.source
    if source.type not in _SOURCES:
        return "'source.type' is unknown"
    field, kind = _SOURCES[source.type]
    if not source.HasField(field):  # type: ignore[arg-type]
        return f"'source.{field}' is not set for {kind} volume"
    if field == "csi_volume" and not source.csi_volume.HasField("static_provisioning"):
        return "'source.csi_volume.static_provisioning' is not set for CSI volume"
    return None


def shares_on_executor(container: mesos.ContainerInfo) -> str | None:
    """Check that an executor's container does not share its cgroups."""
    if container.linux_info.share_cgroups and container.linux_info.HasField("share_cgroups"):
        return "The 'share_cgroups' field cannot be set to 'true' on executor containers"
    return None


def shares_unlike(containers: Iterable[mesos.ContainerInfo]) -> str | None:
    """Check that tasks of one executor either all share its cgroups, or none does."""
    if len({each.linux_info.share_cgroups for each in containers}) > 1:
        return (
            "If set, the value of 'share_cgroups' must be the same for all tasks in each task group and"
            " under a single executor"
        )
    return None
