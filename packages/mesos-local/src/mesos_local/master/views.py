"""What a master shows over HTTP, as JSON models made from its state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from mesos_proto.resources import Resources
from mesos_proto.v0 import mesos_pb2 as mesos

from .. import _models, _system
from .._models import Json
from . import holdings
from .offers import message as offer_message
from .state import Agent, AgentState, Framework, FrameworkState, Master, Task

__all__ = ["frameworks", "metrics", "roles", "slaves", "state", "state_summary", "tasks", "weights"]

_UNCOUNTED = frozenset({"TASK_DROPPED", "TASK_GONE", "TASK_GONE_BY_OPERATOR", "TASK_UNKNOWN"})
_TASK_STATES = tuple(name for name in mesos.TaskState.keys() if name not in _UNCOUNTED)  # noqa: SIM118
_NOT_IN_SUMMARY = frozenset(
    {"checkpoint", "failover_timeout", "registered_time", "role", "roles", "unregistered_time", "user"}
)
_SCALARS = ("cpus", "mem", "disk", "gpus")


def _agent_used(master: Master, agent: Agent) -> Resources:
    return holdings.total(holdings.used(master, [agent]))


def _framework_used(master: Master, framework: Framework) -> Resources:
    return holdings.total(holdings.used(master, master.agents.values(), framework))


def _offered(master: Master, offers: Iterable[str]) -> Resources:
    return holdings.total(holdings.offered(master, offers))


def _counts(tasks: Iterable[Task]) -> Json:
    counted = Counter(mesos.TaskState.Name(task.proto.state) for task in tasks)
    return {name: counted.get(name, 0) for name in _TASK_STATES}


def _agent(master: Master, agent: Agent) -> Json:
    model: Json = {
        "id": agent.id,
        "hostname": agent.info.hostname,
        "port": agent.info.port,
        "attributes": _models.attributes(agent.info.attributes),
        "pid": agent.pid,
        "registered_time": agent.registered_time,
        "resources": _models.resources(agent.total),
        "used_resources": _models.resources(_agent_used(master, agent)),
        "offered_resources": _models.resources(_offered(master, agent.offers)),
        "reserved_resources": {
            role: _models.resources(each) for role, each in agent.total.reservations().items()
        },
        "unreserved_resources": _models.resources(agent.total.unreserved()),
        "active": agent.state is AgentState.ACTIVE,
        "deactivated": False,
        "version": agent.version,
        "capabilities": [mesos.SlaveInfo.Capability.Type.Name(each) for each in agent.capabilities],
    }
    if agent.reregistered_time is not None:
        model["reregistered_time"] = agent.reregistered_time
    return model


def _agent_full(master: Master, agent: Agent) -> Json:
    return {
        "reserved_resources_full": {
            role: _models.full_resources(each) for role, each in agent.total.reservations().items()
        },
        "unreserved_resources_full": _models.full_resources(agent.total.unreserved()),
        "used_resources_full": _full(holdings.used(master, [agent])),
        "offered_resources_full": _full(holdings.offered(master, agent.offers)),
    }


def _full(held: Iterable[holdings.Holding]) -> list[Json]:
    return [model for each in held for model in _models.full_resources(each.resources, role=each.role)]


def _framework_fields(framework: Framework) -> Json:
    info = framework.info
    model: Json = {
        "id": framework.id,
        "name": info.name,
        "user": info.user,
        "hostname": info.hostname,
        "webui_url": info.webui_url,
        "failover_timeout": info.failover_timeout,
        "checkpoint": info.checkpoint,
        "active": framework.active,
        "connected": framework.connected,
        "recovered": framework.state is FrameworkState.RECOVERED,
        "capabilities": [mesos.FrameworkInfo.Capability.Type.Name(each.type) for each in info.capabilities],
        "registered_time": framework.registered_time,
        "unregistered_time": framework.unregistered_time or 0.0,
        **_models.roles_field(info),
    }
    if framework.pid:
        model["pid"] = framework.pid
    if info.HasField("principal"):
        model["principal"] = info.principal
    if framework.reregistered_time is not None:
        model["reregistered_time"] = framework.reregistered_time
    if info.HasField("labels"):
        model["labels"] = _models.labels(info.labels)
    return model


def _framework(master: Master, framework: Framework) -> Json:
    used = _framework_used(master, framework)
    offered = _offered(master, framework.offers)
    return {
        **_framework_fields(framework),
        "resources": _models.resources(used + offered),
        "used_resources": _models.resources(used),
        "offered_resources": _models.resources(offered),
        "tasks": [_models.task(each.proto, each.role) for each in framework.tasks.values()],
        "unreachable_tasks": [_models.task(each.proto, each.role) for each in framework.unreachable.values()],
        "completed_tasks": [_models.task(each.proto, each.role) for each in framework.completed],
        "offers": [_offer(master, each) for each in sorted(framework.offers)],
        "executors": [
            {**_models.executor_fields(info), "slave_id": agent.id}
            for agent in master.agents.values()
            for key, info in agent.executors.items()
            if key[0] == framework.id
        ],
        "offer_constraints": {},
    }


def _offer(master: Master, offer_id: str) -> Json:
    record = master.offers[offer_id]
    offer = offer_message(master, record)
    return {
        "id": offer_id,
        "framework_id": record.framework_id,
        "slave_id": record.agent_id,
        "allocation_info": {"role": record.role},
        "resources": _models.resources(offer.resources),
    }


def frameworks(master: Master, framework_id: str | None = None) -> Json:
    """Give the answer of `/frameworks`."""
    return {
        "frameworks": [
            _framework(master, each) for each in master.frameworks.values() if framework_id in (None, each.id)
        ],
        "completed_frameworks": [
            _framework(master, each)
            for each in master.completed_frameworks.values()
            if framework_id in (None, each.id)
        ],
        "unregistered_frameworks": [],
    }


def slaves(master: Master, agent_id: str | None = None) -> Json:
    """Give the answer of `/slaves`."""
    return {
        "slaves": [
            {**_agent(master, each), **_agent_full(master, each)}
            for each in master.agents.values()
            if agent_id in (None, each.id)
        ],
        "recovered_slaves": [
            {
                "id": key,
                "hostname": info.hostname,
                "port": info.port,
                "attributes": _models.attributes(info.attributes),
            }
            for key, info in master.recovered_agents.items()
            if agent_id in (None, key)
        ],
    }


def state(master: Master, flags: Json) -> Json:
    """Give the answer of `/state`."""
    active = sum(1.0 for each in master.agents.values() if each.connected)
    model: Json = {
        **_models.version(),
        "start_time": master.start_time,
        "elected_time": master.elected_time,
        "id": master.id,
        "pid": master.pid,
        "hostname": master.settings.hostname,
        "capabilities": [
            mesos.MasterInfo.Capability.Type.Name(each.type) for each in master.info.capabilities
        ],
        "activated_slaves": active,
        "deactivated_slaves": len(master.agents) - active,
        "unreachable_slaves": float(len(master.unreachable_agents)),
        "leader": master.pid,
        "leader_info": {
            "id": master.id,
            "pid": master.pid,
            "port": master.info.port,
            "hostname": master.settings.hostname,
        },
        "flags": flags,
        "slaves": [_agent(master, each) for each in master.agents.values()],
        "recovered_slaves": slaves(master)["recovered_slaves"],
        **frameworks(master),
        "orphan_tasks": [],
    }
    if master.settings.cluster:
        model["cluster"] = master.settings.cluster
    return model


def state_summary(master: Master) -> Json:
    """Give the answer of `/state-summary`."""
    agents = []
    for agent in master.agents.values():
        ids = {key[0] for key in (*agent.tasks, *agent.executors)}
        agents.append(
            {**_agent(master, agent), **_counts(agent.tasks.values()), "framework_ids": sorted(ids)}
        )
    summaries = []
    for framework in master.frameworks.values():
        used = _framework_used(master, framework)
        offered = _offered(master, framework.offers)
        everything = [*framework.tasks.values(), *framework.unreachable.values(), *framework.completed]
        fields = _framework_fields(framework)
        summaries.append(
            {
                **{name: value for name, value in fields.items() if name not in _NOT_IN_SUMMARY},
                "used_resources": _models.resources(used),
                "offered_resources": _models.resources(offered),
                **_counts(everything),
                "slave_ids": sorted({each.agent_id for each in framework.tasks.values()}),
            }
        )
    named = {"cluster": master.settings.cluster} if master.settings.cluster else {}
    return {"hostname": master.settings.hostname, **named, "slaves": agents, "frameworks": summaries}


def tasks(master: Master, query: dict[str, str]) -> Json:
    """Give the answer of `/tasks`; `limit`, `offset`, `order`, `framework_id` and `task_id` choose.

    Raises ValueError for a limit or an offset that is not a number.
    """
    limit, offset = int(query.get("limit", "100")), int(query.get("offset", "0"))
    found = [
        task
        for framework in [*master.frameworks.values(), *master.completed_frameworks.values()]
        if query.get("framework_id", framework.id) == framework.id
        for task in [*framework.tasks.values(), *framework.unreachable.values(), *framework.completed]
        if query.get("task_id", task.id) == task.id
    ]
    found.sort(key=_first_time, reverse=query.get("order", "des") != "asc")
    return {"tasks": [_models.task(each.proto, each.role) for each in found[offset : offset + limit]]}


def _first_time(task: Task) -> float:
    return task.proto.statuses[0].timestamp if task.proto.statuses else 0.0


def roles(master: Master) -> Json:
    """Give the answer of `/roles`."""
    names = {"*"} | {role for each in master.frameworks.values() for role in each.roles}
    names |= {key[1] for agent in master.agents.values() for key in agent.allocated}
    models = []
    for name in sorted(names):
        held = Resources.sum(
            each
            for agent in master.agents.values()
            for key, each in agent.allocated.items()
            if key[1] == name
        )
        models.append(
            {
                "name": name,
                "weight": master.settings.weights.get(name, 1.0),
                "resources": _models.resources(held),
                "allocated": _models.resources(held),
                "quota": {"role": name, "consumed": held.quantities()},
                "frameworks": [each.id for each in master.frameworks.values() if name in each.roles],
            }
        )
    return {"roles": models}


def weights(master: Master) -> list[Json]:
    """Give the answer of `/weights`."""
    return [{"role": role, "weight": weight} for role, weight in sorted(master.settings.weights.items())]


def metrics(master: Master) -> Json:
    """Give the answer of `/metrics/snapshot`."""
    agents = list(master.agents.values())
    active = sum(each.connected for each in agents)
    model: Json = {
        "master/elected": float(master.elected),
        "master/uptime_secs": master.now - master.start_time,
        "master/slaves_active": active,
        "master/slaves_connected": active,
        "master/slaves_inactive": len(agents) - active,
        "master/slaves_disconnected": len(agents) - active,
        "master/slaves_unreachable": len(master.unreachable_agents),
        "master/dropped_messages": master.counters.get("dropped_messages", 0),
        "master/outstanding_offers": len(master.offers),
        **_system.metrics(),
    }
    for name, chosen in (
        ("active", [each for each in master.frameworks.values() if each.active]),
        ("inactive", [each for each in master.frameworks.values() if not each.active]),
        ("connected", [each for each in master.frameworks.values() if each.connected]),
        ("disconnected", [each for each in master.frameworks.values() if not each.connected]),
    ):
        model[f"master/frameworks_{name}"] = len(chosen)
    now = Counter(
        mesos.TaskState.Name(task.proto.state)[5:].lower()
        for framework in master.frameworks.values()
        for task in framework.tasks.values()
    )
    for name in ("staging", "starting", "running", "killing", "unreachable"):
        model[f"master/tasks_{name}"] = now.get(name, 0)
    for name in ("finished", "failed", "killed", "lost", "error", "dropped", "gone", "gone_by_operator"):
        model[f"master/tasks_{name}"] = master.counters.get(f"tasks_{name}", 0)
    total, used = (
        Resources.sum(each.total for each in agents),
        Resources.sum(_agent_used(master, each) for each in agents),
    )
    for name in _SCALARS:
        have, taken = total.scalar(name) or 0.0, used.scalar(name) or 0.0
        model[f"master/{name}_total"] = have
        model[f"master/{name}_used"] = taken
        model[f"master/{name}_percent"] = taken / have if have else 0.0
    for name, count in master.counters.items():
        model.setdefault(f"master/{name}", count)
    return model
