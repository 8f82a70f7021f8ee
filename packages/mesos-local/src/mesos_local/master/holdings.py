"""Who holds what of the agents, which every view shows: used and offered, by agent, framework and role."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mesos_proto.resources import Resources

from .state import Agent, Framework, Master

__all__ = ["Holding", "allocated", "known_roles", "offered", "total", "used"]


@dataclass(frozen=True, slots=True)
class Holding:
    """What a framework holds of one agent under one role."""

    framework_id: str
    agent_id: str
    role: str
    resources: Resources


def used(master: Master, agents: Iterable[Agent], framework: Framework | None = None) -> Iterator[Holding]:
    """Give what is used, not merely offered, on these agents; by all frameworks or by one."""
    for agent in agents:
        offers = [master.offers[each] for each in agent.offers]
        for (framework_id, role), held in agent.allocated.items():
            if framework is not None and framework_id != framework.id:
                continue
            out = (o.resources for o in offers if (o.framework_id, o.role) == (framework_id, role))
            rest = held - Resources.sum(out)
            if rest:
                yield Holding(framework_id, agent.id, role, rest)


def offered(master: Master, offers: Iterable[str]) -> Iterator[Holding]:
    """Give what is in these offers."""
    for record in (master.offers[each] for each in offers):
        yield Holding(record.framework_id, record.agent_id, record.role, record.resources)


def total(holdings: Iterable[Holding]) -> Resources:
    """Add up, whoever holds it."""
    return Resources.sum(each.resources for each in holdings)


def allocated(holdings: Iterable[Holding]) -> Resources:
    """Add up, each resource saying which role it is allocated to."""
    return Resources.sum(each.resources.allocate(each.role) for each in holdings)


def known_roles(master: Master) -> list[str]:
    """Give the roles that frameworks, reservations or weights name, and those above them, sorted."""
    names = set(master.settings.roles or ())
    if master.settings.roles is None:
        names.update(role for each in master.frameworks.values() for role in each.roles)
        names.update(master.settings.weights)
        for agent in master.agents.values():
            names.update(agent.total.reservations())
            names.update(role for _, role in agent.allocated)
    for name in list(names):
        parts = name.split("/")
        names.update("/".join(parts[:end]) for end in range(1, len(parts)))
    return sorted(names)
