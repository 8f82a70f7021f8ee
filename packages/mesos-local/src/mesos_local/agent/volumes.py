"""Reservations and persistent volumes: what the master tells the agent to remember, and where volumes are."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from mesos_proto.errors import ResourceError
from mesos_proto.resources import Resources
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal

from .. import _forms
from ..config import with_checkpointed
from ..errors import ConfigurationError
from . import checkpoints, paths
from .state import Agent, LinkVolume, MakeVolume, RemoveVolume

__all__ = ["checkpoint", "keep", "links"]

log = logging.getLogger("mesos.local.agent")


def checkpoint(agent: Agent, sender: str, message: internal.CheckpointResourcesMessage) -> None:
    """Take over the whole of what is reserved and persistent here; make new volumes, remove old ones."""
    if sender != agent.master:
        return
    try:
        kept = _forms.inner(message.resources)
        with_checkpointed(_forms.inner(agent.info.resources), kept)
    except (ResourceError, ConfigurationError) as error:
        log.error("Ignoring reservations and volumes that cannot be here: %s", error)
        return
    keep(agent, kept)


def keep(agent: Agent, kept: Resources) -> None:
    """Remember reservations and volumes, with the operations they come from."""
    before = {_path(agent, volume) for volume in _forms.wire(agent.checkpointed.persistent_volumes())}
    after = {_path(agent, volume) for volume in _forms.wire(kept.persistent_volumes())}
    agent.checkpointed = kept
    checkpoints.resources(agent)
    agent.commands.extend(RemoveVolume(path) for path in sorted(before - after))
    agent.commands.extend(MakeVolume(path) for path in sorted(after - before))


def links(agent: Agent, directory: str, resources: Iterable[mesos.Resource]) -> tuple[LinkVolume, ...]:
    """Give the volumes among `resources` as links in a sandbox."""
    return tuple(
        LinkVolume(directory, resource.disk.volume.container_path, _path(agent, resource))
        for resource in resources
        if resource.disk.HasField("persistence")
    )


def _path(agent: Agent, volume: mesos.Resource) -> str:
    role = volume.reservations[-1].role if volume.reservations else volume.role
    return paths.volume(agent.settings.work_dir, role, volume.disk.persistence.id)
