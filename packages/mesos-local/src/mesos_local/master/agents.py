"""Agents: registration, pings, disconnection, removal."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

from mesos_proto.durations import format_duration
from mesos_proto.errors import ResourceError
from mesos_proto.resources import Resources
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal

from .. import _forms, config
from .._ids import identifier
from .._wire import NO_PROCESS
from ..errors import ConfigurationError
from . import allocator, feedback, frameworks, offers, operator_events, tasks
from .state import Agent, AgentState, Framework, Master, Task

__all__ = [
    "disconnect",
    "give_up_recovered",
    "mark_gone",
    "not_back_in_time",
    "ping",
    "pong",
    "register",
    "reregister",
    "unregister",
    "update",
]

log = logging.getLogger("mesos.local.master")

_Status = mesos.TaskStatus
_VERSION = re.compile(r"^[1-9]\d*\.\d+")


def _connection(master: Master) -> internal.MasterSlaveConnection:
    settings = master.settings
    seconds = settings.agent_ping_timeout * settings.max_agent_ping_timeouts
    return internal.MasterSlaveConnection(total_ping_timeout_seconds=seconds)


def _refused(
    master: Master, sender: str, message: internal.RegisterSlaveMessage | internal.ReregisterSlaveMessage
) -> bool:
    """Tell whether a registration is to be dropped without a reply."""
    if master.settings.authenticate_agents and sender not in master.authenticated:
        log.warning("Refusing agent at %s: it is not authenticated", sender)
        return True
    if not _VERSION.match(message.version):
        log.warning("Ignoring agent at %s: its version '%s' is not 1.0.0 or newer", sender, message.version)
        return True
    try:
        _total(message.slave, message.checkpointed_resources)
    except (ResourceError, ConfigurationError) as error:
        log.warning("Ignoring agent at %s: %s", sender, error)
        return True
    return False


def register(master: Master, sender: str, message: internal.RegisterSlaveMessage) -> None:
    """Admit a new agent under a new id; one that asks twice gets the same answer again."""
    master.count("messages_register_slave")
    if _refused(master, sender, message):
        return
    known = master.agent_by_pid(sender)
    if known is not None and known.connected:
        _registered(master, known)
        return
    if known is not None:
        remove(master, known, "a new agent registered at the same address")
    info = mesos.SlaveInfo()
    info.CopyFrom(message.slave)
    info.id.value = master.new_id("agent")
    agent = Agent(
        info,
        sender,
        AgentState.ACTIVE,
        master.now,
        _total(info, message.checkpointed_resources),
        version=message.version,
        capabilities=tuple(each.type for each in message.agent_capabilities),
        resource_version=message.resource_version_uuid.value,
    )
    master.agents[agent.id] = agent
    operator_events.agent_added(master, agent)
    master.registry_changed = True
    master.count("slave_registrations")
    log.info("Registered agent %s at %s with %s", agent.id, sender, agent.total)
    master.link(sender)
    _registered(master, agent)
    _watch(master, agent)
    master.want_allocation([agent.id])


def _total(info: mesos.SlaveInfo, kept: Iterable[mesos.Resource]) -> Resources:
    """Give what an agent has: what its flags say, with the reservations and volumes it remembers."""
    return config.with_checkpointed(_forms.inner(info.resources), _forms.inner(kept))


def _registered(master: Master, agent: Agent) -> None:
    reply = internal.SlaveRegisteredMessage(slave_id=agent.info.id, connection=_connection(master))
    master.send(agent.pid, reply)


def _watch(master: Master, agent: Agent) -> None:
    agent.missed_pings = 0
    master.set_timer(("ping", agent.id), master.settings.agent_ping_timeout)


def reregister(master: Master, sender: str, message: internal.ReregisterSlaveMessage) -> None:
    """Take an agent back with its id, and compare its tasks with ours."""
    master.count("messages_reregister_slave")
    if _refused(master, sender, message):
        return
    agent_id = message.slave.id.value
    error = identifier(agent_id)
    if error:
        log.warning("Ignoring agent at %s: %s", sender, error)
        return
    if agent_id in master.gone_agents:
        master.send(sender, internal.ShutdownMessage(message="Agent has been marked gone"))
        return
    agent = master.agents.get(agent_id)
    reconciliations: list[internal.ReconcileTasksMessage] = []
    if agent is None:
        agent = _readmit(master, sender, message)
    else:
        reconciliations = _missing_tasks(master, agent, message)
        agent.pid = sender
        if agent.info != message.slave:
            agent.info.CopyFrom(message.slave)
            master.registry_changed = True
        agent.reregistered_time = master.now
    agent.state = AgentState.ACTIVE
    agent.version = message.version
    agent.capabilities = tuple(each.type for each in message.agent_capabilities)
    agent.resource_version = message.resource_version_uuid.value
    master.count("slave_reregistrations")
    master.cancel_timer(("reregister", agent_id))
    master.link(sender, reconnect=True)
    master.send(
        sender,
        internal.SlaveReregisteredMessage(
            slave_id=agent.info.id, reconciliations=reconciliations, connection=_connection(master)
        ),
    )
    _send_kills(master, agent)
    _tell_frameworks(master, agent)
    _watch(master, agent)
    master.want_allocation([agent_id])


def _readmit(master: Master, sender: str, message: internal.ReregisterSlaveMessage) -> Agent:
    """Enter an agent this master does not hold: after its own restart, or after the agent's absence."""
    agent_id = message.slave.id.value
    was_unreachable = master.unreachable_agents.pop(agent_id, None) is not None
    was_recovered = master.recovered_agents.pop(agent_id, None) is not None
    total = _total(message.slave, message.checkpointed_resources)
    agent = Agent(message.slave, sender, AgentState.ACTIVE, master.now, total, reregistered_time=master.now)
    master.agents[agent_id] = agent
    master.registry_changed = True
    for info in message.frameworks:
        if identifier(info.id.value):
            continue
        if info.id.value not in master.frameworks and info.id.value not in master.completed_frameworks:
            frameworks.recover(master, info)
    for executor in message.executor_infos:
        _readmit_executor(master, agent, executor)
    for proto in message.tasks:
        framework = master.frameworks.get(proto.framework_id.value)
        if framework is None:
            continue
        framework.unreachable.pop(proto.task_id.value, None)
        task = tasks.record(master, framework, agent, proto, _role_of(proto.resources))
        if task.terminal:
            task.recovered = True
        else:
            allocator.hold(agent, framework.id, task.role, task.resources)
        if not was_recovered:
            _tell_back(master, framework, task, was_unreachable)
    operator_events.agent_added(master, agent)
    for info in message.frameworks:
        if info.id.value in master.completed_frameworks:
            master.send(sender, internal.ShutdownFrameworkMessage(framework_id=info.id))
    return agent


def _readmit_executor(master: Master, agent: Agent, info: mesos.ExecutorInfo) -> None:
    framework = master.frameworks.get(info.framework_id.value)
    if framework is not None and tasks.add_executor(framework, agent, info):
        role = _role_of(info.resources)
        allocator.hold(agent, framework.id, role, _forms.inner(info.resources))


def _role_of(resources: object) -> str:
    roles = _forms.allocation_roles(resources)  # type: ignore[arg-type]
    return next(iter(roles)) if roles else "*"


def _tell_back(master: Master, framework: Framework, task: Task, was_unreachable: bool) -> None:
    tasks.tell_about(
        master,
        framework,
        task.proto.task_id,
        task.proto.slave_id,
        task.proto.state,
        _Status.REASON_SLAVE_REREGISTERED,
        # The first is what upstream writes, twice "re" and all.
        "Unreachable agent re-reregistered" if was_unreachable else "Unknown agent reregistered",
        task=task,
    )


def _missing_tasks(
    master: Master, agent: Agent, message: internal.ReregisterSlaveMessage
) -> list[internal.ReconcileTasksMessage]:
    """Ask the agent about tasks it should have and did not tell of."""
    reported = {(task.framework_id.value, task.task_id.value) for task in message.tasks}
    asked: dict[str, internal.ReconcileTasksMessage] = {}
    for key, task in list(agent.tasks.items()):
        framework = master.frameworks.get(key[0])
        if key in reported or framework is None:
            continue
        if task.terminal:
            tasks.complete(master, framework, task)
            continue
        question = asked.setdefault(
            framework.id,
            internal.ReconcileTasksMessage(framework_id=framework.info.id, framework=framework.info),
        )
        question.statuses.add(
            task_id=task.proto.task_id, slave_id=agent.info.id, state=task.proto.state, timestamp=master.now
        )
    executors = {(info.framework_id.value, info.executor_id.value) for info in message.executor_infos}
    for key in [key for key in agent.executors if key not in executors]:
        tasks.remove_executor(master, agent, key)
    return list(asked.values())


def _send_kills(master: Master, agent: Agent) -> None:
    for task in agent.tasks.values():
        if task.kill is not None:
            master.send(agent.pid, task.kill)
            task.kill = None


def _tell_frameworks(master: Master, agent: Agent) -> None:
    """Tell a returned agent where its frameworks are now."""
    for framework_id in sorted({key[0] for key in (*agent.tasks, *agent.executors)}):
        framework = master.frameworks.get(framework_id)
        if framework is not None and framework.connected:
            master.send(
                agent.pid,
                internal.UpdateFrameworkMessage(
                    framework_id=framework.info.id,
                    pid=framework.pid or NO_PROCESS,
                    framework_info=framework.info,
                ),
            )


def update(master: Master, message: internal.UpdateSlaveMessage) -> None:
    """Note what an agent tells about itself after registration."""
    agent = master.agents.get(message.slave_id.value)
    if agent is None:
        return
    if message.HasField("resource_version_uuid"):
        agent.resource_version = message.resource_version_uuid.value
    feedback.agent_reports(master, agent, message.operations.operations)


def ping(master: Master, agent_id: str) -> None:
    """Ask an agent whether it lives; one that was silent too often is unreachable."""
    agent = master.agents.get(agent_id)
    if agent is None:
        return
    if agent.missed_pings >= master.settings.max_agent_ping_timeouts:
        mark_unreachable(master, agent_id)
        return
    agent.missed_pings += 1
    master.send(agent.pid, internal.PingSlaveMessage(connected=agent.connected))
    master.set_timer(("ping", agent_id), master.settings.agent_ping_timeout)


def pong(master: Master, sender: str) -> None:
    """Note a sign of life."""
    agent = master.agent_by_pid(sender)
    if agent is not None:
        agent.missed_pings = 0


def disconnect(master: Master, agent: Agent) -> None:
    """Note that the link to an agent broke: what cannot survive its restart is lost now."""
    if not agent.connected:
        return
    log.info("Agent %s disconnected", agent.id)
    agent.state = AgentState.DISCONNECTED
    master.authenticated.pop(agent.pid, None)
    offers.rescind_all(master, agent.offers)
    text = f"Agent {agent.info.hostname} disconnected"
    for task in list(agent.tasks.values()):
        framework = master.frameworks.get(task.framework_id)
        if framework is not None and not (framework.info.checkpoint and agent.info.checkpoint):
            tasks.lose(master, framework, task, mesos.TASK_LOST, _Status.REASON_SLAVE_DISCONNECTED, text)
    for key in list(agent.executors):
        framework = master.frameworks.get(key[0])
        if framework is None or not (framework.info.checkpoint and agent.info.checkpoint):
            tasks.remove_executor(master, agent, key)
    master.set_timer(("reregister", agent.id), master.settings.agent_reregister_timeout)


def not_back_in_time(master: Master, agent_id: str) -> None:
    """Give an agent up whose link broke, and that did not come back."""
    agent = master.agents.get(agent_id)
    if agent is not None and not agent.connected:
        limit = format_duration(master.settings.agent_reregister_timeout)
        mark_unreachable(master, agent_id, f"agent did not reregister within {limit} after disconnecting")


def mark_unreachable(master: Master, agent_id: str, text: str = "health check timed out") -> None:
    """Give an agent up that did not answer, or did not come back in time."""
    agent = master.agents.get(agent_id)
    if agent is None:
        return
    log.warning("Agent %s is unreachable", agent_id)
    master.count("slave_unreachable_completed")
    master.unreachable_agents[agent_id] = master.now
    master.registry_changed = True
    feedback.lose(master, agent, mesos.OPERATION_UNREACHABLE, "Agent was marked unreachable")
    for task in list(agent.tasks.values()):
        framework = master.frameworks.get(task.framework_id)
        if framework is not None:
            tasks.lose(
                master,
                framework,
                task,
                framework.lost_state(mesos.TASK_UNREACHABLE),
                _Status.REASON_SLAVE_REMOVED,
                text,
                unreachable_time=master.now,
            )
    _forget(master, agent)


def give_up_recovered(master: Master) -> None:
    """Take agents that an earlier master knew, and that did not come back, for unreachable."""
    for agent_id, info in master.recovered_agents.items():
        log.warning("Agent %s did not come back in time", agent_id)
        master.count("slave_unreachable_completed")
        master.unreachable_agents[agent_id] = master.now
        master.tell_connected(internal.LostSlaveMessage(slave_id=info.id))
    master.recovered_agents.clear()
    master.registry_changed = True


def remove(master: Master, agent: Agent, cause: str) -> None:
    """Take an agent out that left for good."""
    text = f"Agent {agent.info.hostname} removed: {cause}"
    for task in list(agent.tasks.values()):
        framework = master.frameworks.get(task.framework_id)
        if framework is not None:
            tasks.lose(master, framework, task, mesos.TASK_LOST, _Status.REASON_SLAVE_REMOVED, text)
    _forget(master, agent)
    operator_events.agent_removed(master, agent)


def mark_gone(master: Master, agent_id: str) -> None:
    """Give an agent up for ever, as an operator says it will not come back."""
    text = "Agent has been marked gone"
    agent = master.agents.get(agent_id)
    master.gone_agents[agent_id] = master.now
    master.registry_changed = True
    if agent is None:
        master.unreachable_agents.pop(agent_id, None)
        master.recovered_agents.pop(agent_id, None)
        for framework in master.frameworks.values():
            for task in [each for each in framework.unreachable.values() if each.agent_id == agent_id]:
                del framework.unreachable[task.id]
                tasks.lose(master, framework, task, *_gone(framework), text)
        return
    master.send(agent.pid, internal.ShutdownMessage(message=text))
    feedback.lose(master, agent, mesos.OPERATION_GONE_BY_OPERATOR, text)
    for task in list(agent.tasks.values()):
        owner = master.frameworks.get(task.framework_id)
        if owner is not None:
            tasks.lose(master, owner, task, *_gone(owner), text)
    _forget(master, agent)


def _gone(framework: Framework) -> tuple[mesos.TaskState.ValueType, _Status.Reason.ValueType]:
    if framework.partition_aware:
        return mesos.TASK_GONE_BY_OPERATOR, _Status.REASON_SLAVE_REMOVED_BY_OPERATOR
    return mesos.TASK_LOST, _Status.REASON_SLAVE_REMOVED


def _forget(master: Master, agent: Agent) -> None:
    offers.rescind_all(master, agent.offers)
    for key in list(agent.executors):
        tasks.remove_executor(master, agent, key)
    master.cancel_timer(("ping", agent.id))
    master.cancel_timer(("reregister", agent.id))
    allocator.forget_agent(master, agent.id)
    del master.agents[agent.id]
    master.registry_changed = True
    master.count("slave_removals")
    master.tell_connected(internal.LostSlaveMessage(slave_id=agent.info.id))


def unregister(master: Master, sender: str, agent_id: str) -> None:
    """Let an agent go that says goodbye."""
    agent = master.agents.get(agent_id)
    if agent is not None and agent.pid == sender:
        remove(master, agent, "the agent unregistered")
