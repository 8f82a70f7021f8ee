"""Reservations and volumes that operators make: of what is free, and of offers taken back for it.

Mirrors `Master::Http::_operation` of upstream's src/master/http.cpp.
"""

from __future__ import annotations

from collections.abc import Iterable

from mesos_proto.errors import ResourceError
from mesos_proto.resources import Resources, upgrade_resources
from mesos_proto.v0 import master_pb2 as operator
from mesos_proto.v0 import mesos_pb2 as mesos

from .. import _forms
from . import allocator, offers, operation_validation, operations
from .state import Agent, Master

__all__ = ["apply", "invalid", "made", "operation_of"]

_Operation = mesos.Offer.Operation


def operation_of(call: operator.Call) -> tuple[str, mesos.Offer.Operation]:
    """Give the agent and the operation that a call is about."""
    kinds = operator.Call
    if call.type in (kinds.GROW_VOLUME, kinds.SHRINK_VOLUME):
        grow, shrink = call.grow_volume, call.shrink_volume
        if call.type == kinds.GROW_VOLUME:
            grown = _Operation.GrowVolume(volume=grow.volume, addition=grow.addition)
            return grow.slave_id.value, _Operation(type=_Operation.GROW_VOLUME, grow_volume=grown)
        shrunk = _Operation.ShrinkVolume(volume=shrink.volume, subtract=shrink.subtract)
        return shrink.slave_id.value, _Operation(type=_Operation.SHRINK_VOLUME, shrink_volume=shrunk)
    if call.type == kinds.RESERVE_RESOURCES:
        reserve = call.reserve_resources
        operation = made(_Operation.RESERVE, reserve.resources)
        operation.reserve.source.extend(reserve.source)
        return reserve.slave_id.value, operation
    if call.type == kinds.UNRESERVE_RESOURCES:
        unreserve = call.unreserve_resources
        return unreserve.slave_id.value, made(_Operation.UNRESERVE, unreserve.resources)
    if call.type == kinds.CREATE_VOLUMES:
        return call.create_volumes.slave_id.value, made(_Operation.CREATE, call.create_volumes.volumes)
    return call.destroy_volumes.slave_id.value, made(_Operation.DESTROY, call.destroy_volumes.volumes)


def made(kind: _Operation.Type.ValueType, resources: Iterable[mesos.Resource]) -> mesos.Offer.Operation:
    """Make an operation that is about nothing but these resources, or volumes."""
    operation = _Operation(type=kind)
    if kind == _Operation.RESERVE:
        operation.reserve.resources.extend(resources)
    elif kind == _Operation.UNRESERVE:
        operation.unreserve.resources.extend(resources)
    elif kind == _Operation.CREATE:
        operation.create.volumes.extend(resources)
    else:
        operation.destroy.volumes.extend(resources)
    return operation


def invalid(master: Master, agent_id: str, operation: mesos.Offer.Operation, principal: str) -> str | None:
    """Check an operation of this (empty: any) principal; its resources take the form of our books."""
    agent = master.agents.get(agent_id)
    if agent is None:
        return "No agent found with specified ID"
    error = operation_validation.malformed(operation)
    if error is not None:
        return error
    upgrade_resources(operation)
    error = operation_validation.operation(operation, agent, principal, None)
    kind = _Operation.Type.Name(operation.type)
    where = f" on agent {agent.id} at {agent.pid} ({agent.info.hostname})"
    if operation.type in (_Operation.UNRESERVE, _Operation.DESTROY):
        where = ""
    return error and f"Invalid {kind} operation{where}: {error}"


def apply(master: Master, agent: Agent, operation: mesos.Offer.Operation) -> str | None:
    """Apply a valid operation to what nobody uses; gives the reason when too little is free."""
    required = _consumed(operation)
    recovered = Resources([])
    for offer_id in list(agent.offers):
        offered = master.offers[offer_id].resources
        if required - offered == required:
            continue
        recovered, required = recovered + offered, required - offered
        offers.rescind_all(master, [offer_id], allocator.DEFAULT_REFUSE_SECONDS)
        if _applied(recovered, operation) is not None:
            break
    try:
        available = agent.available
        changed = available.apply(operation)
    except ResourceError as error:
        return str(error).removeprefix(f"{_Operation.Type.Name(operation.type)}: ")
    agent.total = agent.total - (available - changed) + (changed - available)
    operations.perform(master, None, agent, operation)
    master.want_allocation([agent.id])
    return None


def _applied(resources: Resources, operation: mesos.Offer.Operation) -> Resources | None:
    try:
        return resources.apply(operation)
    except ResourceError:
        return None


def _consumed(operation: mesos.Offer.Operation) -> Resources:
    """Give what an operation makes something else of."""
    resources = Resources(_forms.operation_resources(operation))
    if operation.type == _Operation.RESERVE:
        return resources.pop_reservation()
    if operation.type != _Operation.CREATE:
        return resources
    bare = Resources([])
    for volume in resources.messages(version=0):
        if volume.disk.HasField("source"):
            volume.disk.ClearField("persistence")
            volume.disk.ClearField("volume")
        else:
            volume.ClearField("disk")
        volume.ClearField("shared")
        bare = bare + volume
    return bare
