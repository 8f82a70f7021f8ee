"""Operations on offers, all of them."""

from __future__ import annotations

from collections.abc import Iterable

from mesos_proto._builders._resources import ResourcesLike, messages
from mesos_proto.v1 import mesos_pb2 as mesos

_Operation = mesos.Offer.Operation


def launch(*tasks: mesos.TaskInfo, id: str | None = None) -> mesos.Offer.Operation:
    """Launch tasks."""
    made = _operation(_Operation.LAUNCH, id)
    made.launch.SetInParent()
    made.launch.task_infos.extend(tasks)
    return made


def launch_group(
    executor: mesos.ExecutorInfo,
    tasks: mesos.TaskGroupInfo | Iterable[mesos.TaskInfo],
    *,
    id: str | None = None,
) -> mesos.Offer.Operation:
    """Launch a group of tasks under one executor, all or none."""
    made = _operation(_Operation.LAUNCH_GROUP, id)
    made.launch_group.executor.CopyFrom(executor)
    made.launch_group.task_group.SetInParent()
    made.launch_group.task_group.tasks.extend(
        tasks.tasks if isinstance(tasks, mesos.TaskGroupInfo) else tasks
    )
    return made


def reserve(
    resources: ResourcesLike, *, source: ResourcesLike | None = None, id: str | None = None
) -> mesos.Offer.Operation:
    """Reserve: `resources` as they shall be; `source` as they are, when more than one layer changes."""
    made = _operation(_Operation.RESERVE, id)
    made.reserve.resources.extend(messages(resources))
    if source is not None:
        made.reserve.source.extend(messages(source))
    return made


def unreserve(resources: ResourcesLike, *, id: str | None = None) -> mesos.Offer.Operation:
    """Give up the topmost reservation of resources."""
    made = _operation(_Operation.UNRESERVE, id)
    made.unreserve.resources.extend(messages(resources))
    return made


def create(*volumes: mesos.Resource, id: str | None = None) -> mesos.Offer.Operation:
    """Create persistent volumes."""
    made = _operation(_Operation.CREATE, id)
    made.create.volumes.extend(messages(volumes))
    return made


def destroy(*volumes: mesos.Resource, id: str | None = None) -> mesos.Offer.Operation:
    """Destroy persistent volumes."""
    made = _operation(_Operation.DESTROY, id)
    made.destroy.volumes.extend(messages(volumes))
    return made


def grow_volume(
    volume: mesos.Resource, addition: mesos.Resource, *, id: str | None = None
) -> mesos.Offer.Operation:
    """Make a persistent volume larger by a disk."""
    made = _operation(_Operation.GROW_VOLUME, id)
    made.grow_volume.volume.CopyFrom(volume)
    made.grow_volume.addition.CopyFrom(addition)
    return made


def shrink_volume(
    volume: mesos.Resource, megabytes: float, *, id: str | None = None
) -> mesos.Offer.Operation:
    """Make a persistent volume smaller."""
    made = _operation(_Operation.SHRINK_VOLUME, id)
    made.shrink_volume.volume.CopyFrom(volume)
    made.shrink_volume.subtract.value = megabytes
    return made


def create_disk(
    source: mesos.Resource,
    target_type: mesos.Resource.DiskInfo.Source.Type.ValueType,
    *,
    target_profile: str | None = None,
    id: str | None = None,
) -> mesos.Offer.Operation:
    """Make a MOUNT or a BLOCK disk of a RAW one."""
    made = _operation(_Operation.CREATE_DISK, id)
    made.create_disk.source.CopyFrom(source)
    made.create_disk.target_type = target_type
    if target_profile is not None:
        made.create_disk.target_profile = target_profile
    return made


def destroy_disk(source: mesos.Resource, *, id: str | None = None) -> mesos.Offer.Operation:
    """Make a MOUNT, BLOCK or RAW disk into what it came from."""
    made = _operation(_Operation.DESTROY_DISK, id)
    made.destroy_disk.source.CopyFrom(source)
    return made


def _operation(kind: mesos.Offer.Operation.Type.ValueType, id: str | None) -> mesos.Offer.Operation:
    made = _Operation(type=kind)
    if id is not None:
        made.id.value = id
    return made
