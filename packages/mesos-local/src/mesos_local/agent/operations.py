"""Operations the master wants done here: done at once, written down, and told until that is acknowledged.

Mirrors `Slave::applyOperation` and the operation status update manager of upstream's src/slave.
"""

from __future__ import annotations

import logging

from mesos_proto.errors import ResourceError
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal

from .. import _forms
from ..config import checkpointed, with_checkpointed
from ..errors import ConfigurationError
from . import checkpoints, volumes
from .state import Agent, Connection

__all__ = ["acknowledge", "apply", "reconcile", "resend", "resend_all"]

log = logging.getLogger("mesos.local.agent")


def apply(agent: Agent, sender: str, message: internal.ApplyOperationMessage) -> None:
    """Do an operation. Done or not, the master hears of it."""
    if sender != agent.master:
        return
    operation = mesos.Operation(
        slave_id=agent.info.id, info=message.operation_info, uuid=message.operation_uuid
    )
    if message.HasField("framework_id"):
        operation.framework_id.CopyFrom(message.framework_id)
    status = operation.statuses.add(state=mesos.OPERATION_FINISHED, slave_id=agent.info.id)
    if message.operation_info.HasField("id"):
        status.operation_id.CopyFrom(message.operation_info.id)
    status.uuid.value = agent.new_uuid().bytes
    plain = _forms.unallocated(message.operation_info)
    try:
        total = with_checkpointed(_forms.inner(agent.info.resources), agent.checkpointed)
        kept = checkpointed(total.apply(plain))
    except (ResourceError, ConfigurationError) as error:
        log.error("The operation %s cannot be done here: %s", message.operation_info.id.value, error)
        status.state, status.message = mesos.OPERATION_FAILED, str(error)
        kept = agent.checkpointed
    operation.latest_status.CopyFrom(status)
    agent.operations[operation.uuid.value] = operation
    volumes.keep(agent, kept)
    agent.operation_retries[operation.uuid.value] = agent.settings.update_retry_min
    _forward(agent, operation)


def _forward(agent: Agent, operation: mesos.Operation) -> None:
    """Tell the master of an operation, and look again later."""
    if agent.connection is not Connection.RUNNING:
        return
    message = internal.UpdateOperationStatusMessage(
        slave_id=agent.info.id, status=operation.statuses[-1], operation_uuid=operation.uuid
    )
    if operation.HasField("framework_id"):
        message.framework_id.CopyFrom(operation.framework_id)
    agent.send(agent.master, message)
    agent.set_timer(("operation", operation.uuid.value), agent.operation_retries[operation.uuid.value])


def resend(agent: Agent, uuid: bytes) -> None:
    """Tell it again when nobody acknowledged it in time, and wait longer for the next try."""
    operation = agent.operations.get(uuid)
    if operation is not None:
        agent.operation_retries[uuid] = min(
            agent.operation_retries[uuid] * 2, agent.settings.update_retry_max
        )
        _forward(agent, operation)


def resend_all(agent: Agent) -> None:
    """Tell of all operations that are not acknowledged: a master is there (again)."""
    for uuid, operation in agent.operations.items():
        agent.operation_retries[uuid] = agent.settings.update_retry_min
        _forward(agent, operation)


def acknowledge(agent: Agent, sender: str, message: internal.AcknowledgeOperationStatusMessage) -> None:
    """Forget an operation whose end is known to whom it concerns."""
    uuid = message.operation_uuid.value
    operation = agent.operations.get(uuid)
    if sender != agent.master or operation is None or operation.statuses[-1].uuid != message.status_uuid:
        log.warning("Ignoring unexpected acknowledgement of an operation")
        return
    del agent.operations[uuid]
    del agent.operation_retries[uuid]
    agent.cancel_timer(("operation", uuid))
    checkpoints.resources(agent)


def reconcile(agent: Agent, sender: str, message: internal.ReconcileOperationsMessage) -> None:
    """Answer the master about operations that never came here."""
    if sender != agent.master:
        return
    for asked in message.operations:
        if asked.operation_uuid.value not in agent.operations:
            status = mesos.OperationStatus(state=mesos.OPERATION_DROPPED, slave_id=agent.info.id)
            answer = internal.UpdateOperationStatusMessage(
                slave_id=agent.info.id, status=status, operation_uuid=asked.operation_uuid
            )
            agent.send(agent.master, answer)
