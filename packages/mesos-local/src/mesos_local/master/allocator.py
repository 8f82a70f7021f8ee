"""Who is offered what: dominant resource fairness over roles and frameworks, and the filters of refusals.

Mirrors upstream's src/master/allocator/mesos/hierarchical.cpp: agents in random order; on each the roles by
dominant share, in a role its frameworks likewise; the first who may have it gets all that is free there. As
upstream, nothing is offered merely because resources came back: the next interval finds them.
"""

from __future__ import annotations

from collections.abc import Iterable

from mesos_proto.resources import Resources
from mesos_proto.v0 import mesos_pb2 as mesos

from .state import Agent, Framework, Master, RefusedFilter

__all__ = ["Grant", "allocate", "forget_agent", "forget_framework", "hold", "recover", "unfilter"]

DEFAULT_REFUSE_SECONDS = 5.0
MAX_REFUSE_SECONDS = 365 * 86400.0
_SCALARS = ("cpus", "mem", "disk", "gpus")

Grant = tuple[Framework, Agent, str, Resources]
"""A framework, the agent, the role, and what of the agent it is offered under that role."""


def allocate(master: Master, agent_ids: Iterable[str] | None) -> list[Grant]:
    """Decide on offers of what is free on these agents (None: on all), and hold it for them."""
    chosen = (
        list(master.agents) if agent_ids is None else [each for each in agent_ids if each in master.agents]
    )
    candidates = [each for each in master.frameworks.values() if each.active]
    if not chosen or not candidates:
        return []
    shares = _Shares(master)
    grants: list[Grant] = []
    master.rng.shuffle(chosen)
    for agent_id in chosen:
        agent = master.agents[agent_id]
        if agent.connected:
            grants.extend(_allocate_agent(master, agent, candidates, shares))
    return grants


def _allocate_agent(
    master: Master, agent: Agent, candidates: list[Framework], shares: _Shares
) -> list[Grant]:
    grants: list[Grant] = []
    available = agent.available
    if not _allocatable(master, available):
        return grants
    roles = {role for framework in candidates for role in framework.roles if role not in framework.suppressed}
    for role in sorted(roles, key=shares.of_role):
        inside = [each for each in candidates if role in each.roles and role not in each.suppressed]
        for framework in sorted(inside, key=lambda each: shares.of_framework(each.id, role)):
            visible = _visible(master, agent, framework, role, available)
            if not _allocatable(master, visible) or _filtered(master, framework, role, agent, visible):
                continue
            hold(agent, framework.id, role, visible)
            shares.add(framework.id, role, visible)
            available = available - visible
            grants.append((framework, agent, role, visible))
    return grants


def _allocatable(master: Master, resources: Resources) -> bool:
    return (resources.scalar("cpus") or 0.0) >= master.settings.min_cpus or (
        resources.scalar("mem") or 0.0
    ) >= master.settings.min_mem


def _visible(
    master: Master, agent: Agent, framework: Framework, role: str, available: Resources
) -> Resources:
    """Give what of `available` the framework may see under `role`: unreserved, or reserved for the role."""
    has_gpus = bool(agent.total.scalar("gpus"))
    wants_gpus = framework.has(mesos.FrameworkInfo.Capability.GPU_RESOURCES)
    if has_gpus and master.settings.filter_gpu_resources and not wants_gpus:
        return Resources([])
    visible = available.allocatable_to(role)
    if not framework.has(mesos.FrameworkInfo.Capability.RESERVATION_REFINEMENT):
        visible = visible.filter(lambda resource: len(resource.reservations) <= 1)
    if not framework.has(mesos.FrameworkInfo.Capability.SHARED_RESOURCES):
        visible = visible.nonshared()
    if not framework.has(mesos.FrameworkInfo.Capability.REVOCABLE_RESOURCES):
        visible = visible.nonrevocable()
    return visible


def _filtered(master: Master, framework: Framework, role: str, agent: Agent, resources: Resources) -> bool:
    """Tell whether a refusal still covers `resources`; forgets refusals whose time is over."""
    key = (framework.id, role, agent.id)
    filters = [each for each in master.filters.get(key, ()) if each.expires > master.now]
    if filters:
        master.filters[key] = filters
    else:
        master.filters.pop(key, None)
    return any(each.resources.contains(resources) for each in filters)


def hold(agent: Agent, framework_id: str, role: str, resources: Resources) -> None:
    """Count `resources` of the agent as held by the framework under the role."""
    key = (framework_id, role)
    held = agent.allocated.get(key)
    agent.allocated[key] = resources if held is None else held + resources


def recover(
    master: Master,
    framework_id: str,
    role: str,
    agent_id: str,
    resources: Resources,
    refuse_seconds: float | None = None,
) -> None:
    """Take `resources` back from the framework; with `refuse_seconds` it does not want them for that long."""
    agent = master.agents.get(agent_id)
    if agent is None or not resources:
        return
    key = (framework_id, role)
    held = agent.allocated.get(key)
    if held is not None:
        rest = held - resources
        if rest:
            agent.allocated[key] = rest
        else:
            del agent.allocated[key]
    if refuse_seconds is None or framework_id not in master.frameworks:
        return
    if not refuse_seconds >= 0:
        refuse_seconds = DEFAULT_REFUSE_SECONDS
    if refuse_seconds > 0:
        seconds = max(master.settings.allocation_interval, min(refuse_seconds, MAX_REFUSE_SECONDS))
        refused = RefusedFilter(resources, master.now + seconds)
        master.filters.setdefault((*key, agent_id), []).append(refused)


def unfilter(master: Master, framework_id: str, roles: Iterable[str]) -> None:
    """Forget what the framework refused under these roles."""
    roles = set(roles)
    for key in [key for key in master.filters if key[0] == framework_id and key[1] in roles]:
        del master.filters[key]


def forget_framework(master: Master, framework_id: str) -> None:
    """Drop everything kept about a framework that is gone."""
    for key in [key for key in master.filters if key[0] == framework_id]:
        del master.filters[key]
    for agent in master.agents.values():
        for held in [held for held in agent.allocated if held[0] == framework_id]:
            del agent.allocated[held]


def forget_agent(master: Master, agent_id: str) -> None:
    """Drop everything kept about an agent that is gone."""
    for key in [key for key in master.filters if key[2] == agent_id]:
        del master.filters[key]


class _Shares:
    """The dominant share of roles, and of frameworks in a role, during one allocation."""

    def __init__(self, master: Master) -> None:
        self._weights = master.settings.weights
        self._total = dict.fromkeys(_SCALARS, 0.0)
        self._roles: dict[str, dict[str, float]] = {}
        self._frameworks: dict[tuple[str, str], dict[str, float]] = {}
        for agent in master.agents.values():
            for name in _SCALARS:
                self._total[name] += agent.total.scalar(name) or 0.0
            for (framework_id, role), resources in agent.allocated.items():
                self.add(framework_id, role, resources)

    def add(self, framework_id: str, role: str, resources: Resources) -> None:
        for tally in (
            self._roles.setdefault(role, {}),
            self._frameworks.setdefault((framework_id, role), {}),
        ):
            for name in _SCALARS:
                tally[name] = tally.get(name, 0.0) + (resources.scalar(name) or 0.0)

    def _dominant(self, tally: dict[str, float]) -> float:
        return max(
            (tally.get(name, 0.0) / total for name, total in self._total.items() if total), default=0.0
        )

    def of_role(self, role: str) -> tuple[float, str]:
        return self._dominant(self._roles.get(role, {})) / self._weights.get(role, 1.0), role

    def of_framework(self, framework_id: str, role: str) -> tuple[float, str]:
        return self._dominant(self._frameworks.get((framework_id, role), {})), framework_id
