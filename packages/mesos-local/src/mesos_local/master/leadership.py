"""Who leads, and what a master does when it is elected, when another is, and when nobody is.

Mirrors `Master::detected`, `Master::_recover` and `Master::lostCandidacy` (src/master/master.cpp).
"""

from __future__ import annotations

import logging

from mesos_proto.v0 import mesos_pb2 as mesos

from .registry import Registry
from .state import Contend, Master, RecoverRegistry, StopMaster

__all__ = ["candidacy_lost", "detected", "recover", "snapshot"]

log = logging.getLogger("mesos.local.master")


def detected(master: Master, leader: mesos.MasterInfo | None) -> None:
    """Take note of the leading master, or of there being none."""
    was_elected = master.elected
    master.leader = leader
    if master.elected:
        master.elected_time = master.now
        if not was_elected:
            log.info("Master %s was elected", master.id)
            master.commands.append(RecoverRegistry())
    elif was_elected:
        master.commands.append(
            StopMaster(
                "lost leadership after an election without a result"
                if leader is None
                else "conceded leadership to another master"
            )
        )
    elif leader is not None:
        log.info("Master %s follows the leading one, %s at %s", master.id, leader.id, leader.pid)


def candidacy_lost(master: Master, reason: str, final: bool) -> None:
    """Go on without a place in the election: the one who leads ends, another stands again."""
    if final:
        master.commands.append(StopMaster(f"failed to contend: {reason}"))
    elif master.elected:
        master.commands.append(StopMaster(f"lost its candidacy as the leading master: {reason}"))
    else:
        log.info("Master %s lost its candidacy as a follower (%s), and contends again", master.id, reason)
        master.commands.append(Contend())


def recover(master: Master, registry: Registry) -> None:
    """Begin to lead, with what earlier masters have known."""
    if not master.elected or master.recovered:
        return
    master.recovered = True
    master.recovered_agents.update((info.id.value, info) for info in registry.agents)
    master.unreachable_agents.update(registry.unreachable)
    master.gone_agents.update(registry.gone)
    master.set_timer(("allocate",), master.settings.allocation_interval)
    master.set_timer(("recovered",), master.settings.agent_reregister_timeout)
    master.registry_changed = True


def snapshot(master: Master) -> Registry:
    """Give what is to be known for good."""
    agents = (*master.recovered_agents.values(), *(agent.info for agent in master.agents.values()))
    return Registry(master.info, agents, dict(master.unreachable_agents), dict(master.gone_agents))
