"""The agent and its master: registration with backoff, coming back, pings."""

from __future__ import annotations

import logging

from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal

from .. import _forms
from .._models import MESOS_VERSION
from .._tasks import task_record
from . import checkpoints, operations, statuses
from .state import Agent, Authenticate, Connection, StopAgent

__all__ = [
    "CAPABILITIES",
    "authenticated",
    "detected",
    "master_lost",
    "pinged",
    "register",
    "registered",
    "reregistered",
    "told_to_leave",
]

log = logging.getLogger("mesos.local.agent")

CAPABILITIES = (
    mesos.SlaveInfo.Capability.MULTI_ROLE,
    mesos.SlaveInfo.Capability.HIERARCHICAL_ROLE,
    mesos.SlaveInfo.Capability.RESERVATION_REFINEMENT,
    mesos.SlaveInfo.Capability.RESOURCE_PROVIDER,
    mesos.SlaveInfo.Capability.RESIZE_VOLUME,
    mesos.SlaveInfo.Capability.AGENT_OPERATION_FEEDBACK,
)


def detected(agent: Agent, master: str, hostname: str = "") -> None:
    """Turn to the leading master, or to none (empty)."""
    if agent.connection is Connection.TERMINATING:
        return
    agent.master = master
    agent.master_hostname = hostname
    if agent.connection is Connection.RECOVERING:
        return  # The end of the recovery comes back to this.
    agent.connection = Connection.DISCONNECTED
    agent.backoff = agent.settings.registration_backoff
    agent.cancel_timer(("ping",))
    if agent.settings.credential is not None:
        agent.cancel_timer(("register",))
        agent.commands.append(Authenticate(master))
    elif not master:
        agent.cancel_timer(("register",))
    if master:
        agent.link(master, reconnect=True)
        if agent.settings.credential is None:
            register(agent)


def authenticated(agent: Agent, master: str, refusal: str | None) -> None:
    """Go on once the master knows who the agent is; one that it refuses ends, but not its executors."""
    if master != agent.master:
        return
    if refusal is None:
        log.info("Authenticated with master %s", master)
        register(agent)
    else:
        agent.connection = Connection.TERMINATING
        agent.commands.append(StopAgent(f"Master {master} refused authentication: {refusal}"))


def register(agent: Agent) -> None:
    """Ask the master to take the agent in, and again after a growing, random time."""
    if not agent.master or agent.connection is not Connection.DISCONNECTED:
        return
    if agent.id:
        agent.send(agent.master, _reregistration(agent))
    else:
        agent.send(
            agent.master,
            internal.RegisterSlaveMessage(
                slave=agent.info,
                checkpointed_resources=_forms.wire(agent.checkpointed),
                version=MESOS_VERSION,
                agent_capabilities=[mesos.SlaveInfo.Capability(type=each) for each in CAPABILITIES],
                resource_version_uuid=mesos.UUID(value=agent.resource_version),
            ),
        )
    agent.set_timer(("register",), agent.rng.uniform(0, agent.backoff) + 0.05)
    agent.backoff = min(agent.backoff * 2, agent.settings.max_registration_backoff)


def _reregistration(agent: Agent) -> internal.ReregisterSlaveMessage:
    message = internal.ReregisterSlaveMessage(
        slave=agent.info,
        checkpointed_resources=_forms.wire(agent.checkpointed),
        version=MESOS_VERSION,
        agent_capabilities=[mesos.SlaveInfo.Capability(type=each) for each in CAPABILITIES],
        resource_version_uuid=mesos.UUID(value=agent.resource_version),
    )
    for framework in agent.frameworks.values():
        message.frameworks.append(framework.info)
        for executor in framework.executors.values():
            if not executor.command_task:
                message.executor_infos.append(executor.info)
            queued = [task_record(framework.info.id, each) for each in executor.queued.values()]
            for record in [*executor.launched.values(), *executor.terminated.values(), *queued]:
                task = message.tasks.add()
                task.CopyFrom(record)
                stream = agent.streams.get((framework.id, record.task_id.value))
                if stream is not None and stream.head is not None:
                    task.status_update_state = stream.head.status.state
                    task.status_update_uuid = stream.head.uuid
    return message


def registered(agent: Agent, sender: str, message: internal.SlaveRegisteredMessage) -> None:
    """Take the id the master gave."""
    if sender != agent.master or agent.connection is not Connection.DISCONNECTED:
        return
    agent.info.id.CopyFrom(message.slave_id)
    checkpoints.agent_info(agent)
    log.info("Registered with master %s as %s", sender, agent.id)
    _connected(agent, message.connection)


def reregistered(agent: Agent, sender: str, message: internal.SlaveReregisteredMessage) -> None:
    """Go on with the old id, and answer what the master asks about tasks it misses."""
    if sender != agent.master or message.slave_id.value != agent.id:
        return
    if agent.connection is Connection.DISCONNECTED:
        log.info("Reregistered with master %s as %s", sender, agent.id)
        _connected(agent, message.connection)
    for question in message.reconciliations:
        _answer(agent, question)


def _connected(agent: Agent, connection: internal.MasterSlaveConnection) -> None:
    agent.connection = Connection.RUNNING
    agent.cancel_timer(("register",))
    agent.send(
        agent.master,
        internal.UpdateSlaveMessage(
            slave_id=agent.info.id,
            update_oversubscribed_resources=False,
            resource_version_uuid=mesos.UUID(value=agent.resource_version),
            operations=internal.UpdateSlaveMessage.Operations(operations=agent.operations.values()),
            resource_providers=internal.UpdateSlaveMessage.ResourceProviders(),
        ),
    )
    agent.ping_timeout = connection.total_ping_timeout_seconds or agent.ping_timeout
    agent.set_timer(("ping",), agent.ping_timeout)
    statuses.resend_all(agent)
    operations.resend_all(agent)


def _answer(agent: Agent, question: internal.ReconcileTasksMessage) -> None:
    framework = agent.frameworks.get(question.framework_id.value)
    aware = mesos.FrameworkInfo.Capability.PARTITION_AWARE
    knows_dropped = any(each.type == aware for each in question.framework.capabilities)
    state = mesos.TASK_DROPPED if knows_dropped else mesos.TASK_LOST
    for status in question.statuses:
        executors = framework.executors.values() if framework is not None else ()
        if any(each.find(status.task_id.value) or status.task_id.value in each.queued for each in executors):
            continue
        statuses.report_unknown(
            agent,
            question.framework_id,
            status.task_id,
            state,
            mesos.TaskStatus.REASON_RECONCILIATION,
            "Reconciliation: task unknown to the agent",
        )


def master_lost(agent: Agent) -> None:
    """Look for the master again after the link to it broke or it fell silent."""
    if agent.connection in (Connection.RUNNING, Connection.DISCONNECTED) and agent.master:
        if agent.connection is Connection.RUNNING:
            log.warning("Lost the master at %s; trying to come back to it", agent.master)
        agent.connection = Connection.DISCONNECTED
        agent.cancel_timer(("ping",))
        agent.set_timer(("relink",), agent.rng.uniform(0, agent.settings.registration_backoff) * 0.5)


def pinged(agent: Agent, sender: str, message: internal.PingSlaveMessage) -> None:
    """Answer the master; one that holds the agent disconnected is registered with again."""
    agent.send(sender, internal.PongSlaveMessage())
    if agent.connection is not Connection.RUNNING:
        return
    if not message.connected:
        detected(agent, agent.master, agent.master_hostname)
    else:
        agent.set_timer(("ping",), agent.ping_timeout)


def told_to_leave(agent: Agent, sender: str, message: internal.ShutdownMessage) -> None:
    """End the agent when its master says so."""
    if sender == agent.master:
        agent.connection = Connection.TERMINATING
        agent.commands.append(StopAgent(message.message or "the master asked for it"))
