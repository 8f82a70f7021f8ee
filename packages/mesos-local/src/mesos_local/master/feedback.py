"""Operations on agents: sent, reported, acknowledged, reconciled.

Mirrors `Master::_apply`, `Master::updateOperationStatus`, `Master::acknowledgeOperationStatus` and
`Master::reconcileOperations` of upstream's src/master/master.cpp. All operations here are speculative: the
books are rewritten before the agent has answered, and the answer is only passed on. A framework that named
its operation acknowledges the answer itself; for all others the master does.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as scheduler

from .state import Agent, Framework, Master

__all__ = [
    "TERMINAL",
    "acknowledge",
    "agent_reports",
    "drop",
    "lose",
    "reconcile",
    "send",
    "update",
    "wanted_of",
]

log = logging.getLogger("mesos.local.master")

TERMINAL = frozenset(
    {
        mesos.OPERATION_FINISHED,
        mesos.OPERATION_FAILED,
        mesos.OPERATION_ERROR,
        mesos.OPERATION_DROPPED,
        mesos.OPERATION_GONE_BY_OPERATOR,
    }
)
_Capability = mesos.SlaveInfo.Capability


def wanted_of(agent: Agent) -> bool:
    """Tell whether the agent takes operations one by one, and tells how they went."""
    return {_Capability.RESOURCE_PROVIDER, _Capability.AGENT_OPERATION_FEEDBACK} <= set(agent.capabilities)


def send(master: Master, framework: Framework | None, agent: Agent, info: mesos.Offer.Operation) -> None:
    """Have an agent do an operation that is in our books already."""
    operation = mesos.Operation(slave_id=agent.info.id, info=info)
    operation.uuid.value = master.new_uuid().bytes
    operation.latest_status.state = mesos.OPERATION_PENDING
    operation.latest_status.slave_id.CopyFrom(agent.info.id)
    if info.HasField("id"):
        operation.latest_status.operation_id.CopyFrom(info.id)
    message = internal.ApplyOperationMessage(operation_info=info, operation_uuid=operation.uuid)
    if framework is not None:
        operation.framework_id.CopyFrom(framework.info.id)
        message.framework_id.CopyFrom(framework.info.id)
    message.resource_version_uuid.uuid.value = agent.resource_version
    agent.operations[operation.uuid.value] = operation
    master.send(agent.pid, message)


def drop(master: Master, framework: Framework, operation: mesos.Offer.Operation, text: str) -> None:
    """Answer an operation that is refused, when the framework wants an answer and can be given one."""
    if operation.HasField("id") and framework.stream:
        status = mesos.OperationStatus(operation_id=operation.id, state=mesos.OPERATION_ERROR, message=text)
        _tell(master, framework, status)


def _tell(master: Master, framework: Framework, status: mesos.OperationStatus) -> None:
    message = internal.UpdateOperationStatusMessage(framework_id=framework.info.id, status=status)
    message.operation_uuid.value = b""
    master.tell(framework, message)


def update(master: Master, message: internal.UpdateOperationStatusMessage) -> None:
    """Note how an operation went, and pass it on to whom wants to know."""
    agent = master.agents.get(message.slave_id.value)
    operation = agent.operations.get(message.operation_uuid.value) if agent is not None else None
    if agent is None or operation is None:
        log.warning("Ignoring status of unknown operation '%s'", message.status.operation_id.value)
        return
    status = message.status
    if operation.info.HasField("id"):
        status.operation_id.CopyFrom(operation.info.id)
    operation.latest_status.CopyFrom(message.latest_status if message.HasField("latest_status") else status)
    if not any(each.HasField("uuid") and each.uuid == status.uuid for each in operation.statuses):
        operation.statuses.append(status)
    framework_id = operation.framework_id.value
    terminal = operation.latest_status.state in TERMINAL
    if operation.info.HasField("id") and framework_id not in master.completed_frameworks:
        framework = master.frameworks.get(framework_id)
        if framework is not None and framework.connected:
            master.tell(framework, message)
        if terminal and not status.HasField("uuid"):
            del agent.operations[operation.uuid.value]
        return
    if status.HasField("uuid"):
        _acknowledge(master, agent, operation, status.uuid)
    if terminal:
        del agent.operations[operation.uuid.value]


def _acknowledge(master: Master, agent: Agent, operation: mesos.Operation, status: mesos.UUID) -> None:
    message = internal.AcknowledgeOperationStatusMessage(status_uuid=status, operation_uuid=operation.uuid)
    master.send(agent.pid, message)


def acknowledge(
    master: Master, framework: Framework, call: scheduler.Call.AcknowledgeOperationStatus
) -> None:
    """Pass an acknowledgement on to the agent; of a terminal status it ends the operation."""
    agent = master.agents.get(call.slave_id.value)
    operation = _known(master, framework, call.operation_id)
    status = operation and next((each for each in operation.statuses if each.uuid.value == call.uuid), None)
    if agent is None or not agent.connected or operation is None or status is None:
        master.count("invalid_operation_status_update_acknowledgements")
        log.warning("Dropping acknowledgement of operation %s", call.operation_id.value)
        return
    master.count("valid_operation_status_update_acknowledgements")
    _acknowledge(master, agent, operation, status.uuid)
    if status.state in TERMINAL:
        del agent.operations[operation.uuid.value]


def _of(master: Master, framework: Framework) -> Iterator[mesos.Operation]:
    for agent in master.agents.values():
        for operation in agent.operations.values():
            if operation.framework_id == framework.info.id:
                yield operation


def _known(master: Master, framework: Framework, id: mesos.OperationID) -> mesos.Operation | None:
    return next((each for each in _of(master, framework) if each.info.id == id), None)


def reconcile(
    master: Master,
    framework: Framework,
    asked: Iterable[scheduler.Call.ReconcileOperations.Operation],
) -> None:
    """Answer what is known of these operations, or of all when none is named. Nothing of it is to be
    acknowledged.
    """
    asked = list(asked)
    if not asked:
        for operation in _of(master, framework):
            _tell(master, framework, _last(operation))
    for each in asked:
        known = _known(master, framework, each.operation_id)
        _tell(master, framework, _last(known) if known is not None else _unknown(master, each))


def _last(operation: mesos.Operation) -> mesos.OperationStatus:
    status = mesos.OperationStatus()
    status.CopyFrom(operation.statuses[-1] if operation.statuses else operation.latest_status)
    status.ClearField("uuid")
    return status


def _unknown(master: Master, asked: scheduler.Call.ReconcileOperations.Operation) -> mesos.OperationStatus:
    agent_id = asked.slave_id.value
    state, text = mesos.OPERATION_UNKNOWN, "Both operation and agent are unknown"
    if not asked.HasField("slave_id"):
        text = "Operation is unknown and no 'agent_id' was provided"
    elif agent_id in master.recovered_agents:
        state, text = mesos.OPERATION_RECOVERING, "Agent is recovered but has not re-registered"
    elif agent_id in master.agents:
        text = "Operation is unknown"
    elif agent_id in master.unreachable_agents:
        state, text = mesos.OPERATION_UNREACHABLE, "Agent is unreachable"
    elif agent_id in master.gone_agents:
        state, text = mesos.OPERATION_GONE_BY_OPERATOR, "Agent marked gone by operator"
    status = mesos.OperationStatus(
        operation_id=asked.operation_id, state=state, message=f"Reconciliation: {text}"
    )
    for name in ("slave_id", "resource_provider_id"):
        if asked.HasField(name):
            getattr(status, name).CopyFrom(getattr(asked, name))
    return status


def lose(master: Master, agent: Agent, state: mesos.OperationState.ValueType, text: str) -> None:
    """Tell frameworks of operations on an agent that is about to be given up."""
    for operation in agent.operations.values():
        framework = master.frameworks.get(operation.framework_id.value)
        if operation.info.HasField("id") and framework is not None and framework.stream:
            status = mesos.OperationStatus(
                operation_id=operation.info.id, state=state, message=text, slave_id=agent.info.id
            )
            if framework.connected:
                _tell(master, framework, status)
    agent.operations.clear()


def agent_reports(master: Master, agent: Agent, known: Iterable[mesos.Operation]) -> None:
    """Compare our operations with those an agent has: it is asked about what it does not mention."""
    reported = {each.uuid.value: each for each in known}
    question = internal.ReconcileOperationsMessage()
    for uuid in agent.operations:
        if uuid not in reported:
            question.operations.add().operation_uuid.value = uuid
    for uuid, operation in reported.items():
        agent.operations.setdefault(uuid, operation)
    if question.operations:
        master.send(agent.pid, question)
