"""Every call of the v1 scheduler API, one function each: pure, from values to `mesos.v1.scheduler.Call`.

Messages passed in are copied; one that lacks required fields raises `DriverMisuse`. Mirrors upstream's
include/mesos/v1/scheduler/scheduler.proto.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import ParamSpec

from google.protobuf.message import EncodeError
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2 as scheduler

from ..errors import DriverMisuse

Call = scheduler.Call
_P = ParamSpec("_P")


def _checked(make: Callable[_P, Call]) -> Callable[_P, Call]:
    """Raise `DriverMisuse` when required fields are missing."""

    @functools.wraps(make)
    def checked(*args: _P.args, **kwargs: _P.kwargs) -> Call:
        try:
            call = make(*args, **kwargs)
        except EncodeError as error:
            raise DriverMisuse(f"{make.__name__}: {error}") from error
        if not call.IsInitialized():
            missing = ", ".join(call.FindInitializationErrors())  # type: ignore[attr-defined]
            raise DriverMisuse(f"{make.__name__}: required fields are missing: {missing}")
        return call

    return checked


@_checked
def subscribe(
    framework_info: mesos.FrameworkInfo,
    suppressed_roles: Iterable[str] = (),
    offer_constraints: scheduler.OfferConstraints | None = None,
) -> Call:
    """SUBSCRIBE; takes over from whoever subscribed with the id in `framework_info`, if there is one."""
    call = Call(type=Call.SUBSCRIBE)
    call.subscribe.framework_info.CopyFrom(framework_info)
    call.subscribe.suppressed_roles.extend(suppressed_roles)
    if offer_constraints is not None:
        call.subscribe.offer_constraints.CopyFrom(offer_constraints)
    if framework_info.id.value:
        call.framework_id.CopyFrom(framework_info.id)
    return call


@_checked
def teardown(framework_id: mesos.FrameworkID) -> Call:
    """TEARDOWN: end the framework and all of its tasks."""
    return Call(type=Call.TEARDOWN, framework_id=framework_id)


@_checked
def accept(
    framework_id: mesos.FrameworkID,
    offer_ids: Iterable[mesos.OfferID],
    operations: Iterable[mesos.Offer.Operation],
    filters: mesos.Filters | None = None,
) -> Call:
    """ACCEPT: apply operations, in order, to offers of one agent."""
    body = Call.Accept(offer_ids=offer_ids, operations=operations, filters=filters)
    return Call(type=Call.ACCEPT, framework_id=framework_id, accept=body)


@_checked
def decline(
    framework_id: mesos.FrameworkID,
    offer_ids: Iterable[mesos.OfferID],
    filters: mesos.Filters | None = None,
) -> Call:
    """DECLINE."""
    body = Call.Decline(offer_ids=offer_ids, filters=filters)
    return Call(type=Call.DECLINE, framework_id=framework_id, decline=body)


@_checked
def accept_inverse_offers(
    framework_id: mesos.FrameworkID,
    inverse_offer_ids: Iterable[mesos.OfferID],
    filters: mesos.Filters | None = None,
) -> Call:
    """ACCEPT_INVERSE_OFFERS: agree to free the resources."""
    body = Call.AcceptInverseOffers(inverse_offer_ids=inverse_offer_ids, filters=filters)
    return Call(type=Call.ACCEPT_INVERSE_OFFERS, framework_id=framework_id, accept_inverse_offers=body)


@_checked
def decline_inverse_offers(
    framework_id: mesos.FrameworkID,
    inverse_offer_ids: Iterable[mesos.OfferID],
    filters: mesos.Filters | None = None,
) -> Call:
    """DECLINE_INVERSE_OFFERS."""
    body = Call.DeclineInverseOffers(inverse_offer_ids=inverse_offer_ids, filters=filters)
    return Call(type=Call.DECLINE_INVERSE_OFFERS, framework_id=framework_id, decline_inverse_offers=body)


@_checked
def revive(framework_id: mesos.FrameworkID, roles: Iterable[str] = ()) -> Call:
    """REVIVE: offers again, without filters; no roles: for every role."""
    return Call(type=Call.REVIVE, framework_id=framework_id, revive=Call.Revive(roles=roles))


@_checked
def suppress(framework_id: mesos.FrameworkID, roles: Iterable[str] = ()) -> Call:
    """SUPPRESS: no more offers; no roles: for no role."""
    return Call(type=Call.SUPPRESS, framework_id=framework_id, suppress=Call.Suppress(roles=roles))


@_checked
def kill(
    framework_id: mesos.FrameworkID,
    task_id: mesos.TaskID,
    agent_id: mesos.AgentID | None = None,
    kill_policy: mesos.KillPolicy | None = None,
) -> Call:
    """KILL a task."""
    body = Call.Kill(task_id=task_id, agent_id=agent_id, kill_policy=kill_policy)
    return Call(type=Call.KILL, framework_id=framework_id, kill=body)


@_checked
def shutdown(framework_id: mesos.FrameworkID, executor_id: mesos.ExecutorID, agent_id: mesos.AgentID) -> Call:
    """SHUTDOWN a custom executor."""
    body = Call.Shutdown(executor_id=executor_id, agent_id=agent_id)
    return Call(type=Call.SHUTDOWN, framework_id=framework_id, shutdown=body)


@_checked
def acknowledge(
    framework_id: mesos.FrameworkID, agent_id: mesos.AgentID, task_id: mesos.TaskID, uuid: bytes
) -> Call:
    """ACKNOWLEDGE an update of a task's state; only those with a uuid want it."""
    body = Call.Acknowledge(agent_id=agent_id, task_id=task_id, uuid=uuid)
    return Call(type=Call.ACKNOWLEDGE, framework_id=framework_id, acknowledge=body)


@_checked
def acknowledge_operation_status(framework_id: mesos.FrameworkID, status: mesos.OperationStatus) -> Call:
    """ACKNOWLEDGE_OPERATION_STATUS: the feedback on an operation; only that with a uuid wants it."""
    body = Call.AcknowledgeOperationStatus(uuid=status.uuid.value, operation_id=status.operation_id)
    if status.HasField("agent_id"):
        body.agent_id.CopyFrom(status.agent_id)
    if status.HasField("resource_provider_id"):
        body.resource_provider_id.CopyFrom(status.resource_provider_id)
    return Call(
        type=Call.ACKNOWLEDGE_OPERATION_STATUS,
        framework_id=framework_id,
        acknowledge_operation_status=body,
    )


@_checked
def reconcile(
    framework_id: mesos.FrameworkID, tasks: Iterable[tuple[mesos.TaskID, mesos.AgentID | None]] = ()
) -> Call:
    """RECONCILE: ask for the state of tasks; none: of all."""
    body = Call.Reconcile(
        tasks=[Call.Reconcile.Task(task_id=task_id, agent_id=agent_id) for task_id, agent_id in tasks]
    )
    return Call(type=Call.RECONCILE, framework_id=framework_id, reconcile=body)


@_checked
def reconcile_operations(
    framework_id: mesos.FrameworkID,
    operations: Iterable[Call.ReconcileOperations.Operation] = (),
) -> Call:
    """RECONCILE_OPERATIONS: ask for the state of operations; none: of all."""
    body = Call.ReconcileOperations(operations=operations)
    return Call(type=Call.RECONCILE_OPERATIONS, framework_id=framework_id, reconcile_operations=body)


@_checked
def message(
    framework_id: mesos.FrameworkID,
    agent_id: mesos.AgentID,
    executor_id: mesos.ExecutorID,
    data: bytes,
) -> Call:
    """MESSAGE: bytes for an executor; delivery is not guaranteed."""
    body = Call.Message(agent_id=agent_id, executor_id=executor_id, data=data)
    return Call(type=Call.MESSAGE, framework_id=framework_id, message=body)


@_checked
def request(framework_id: mesos.FrameworkID, requests: Iterable[mesos.Request]) -> Call:
    """REQUEST resources; the stock allocator does not listen."""
    return Call(type=Call.REQUEST, framework_id=framework_id, request=Call.Request(requests=requests))


@_checked
def update_framework(
    framework_id: mesos.FrameworkID,
    framework_info: mesos.FrameworkInfo,
    suppressed_roles: Iterable[str] = (),
    offer_constraints: scheduler.OfferConstraints | None = None,
) -> Call:
    """UPDATE_FRAMEWORK: change what the master knows of the framework (1.9 or newer)."""
    body = Call.UpdateFramework(
        framework_info=framework_info, suppressed_roles=suppressed_roles, offer_constraints=offer_constraints
    )
    return Call(type=Call.UPDATE_FRAMEWORK, framework_id=framework_id, update_framework=body)
