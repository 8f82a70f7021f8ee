"""What a master refuses, and in which words. Each check gives the reason as text, or None.

The order of the checks, and the texts clients recognise, are those of upstream's src/master/validation.cpp.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from mesos_proto.resources import Resources
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import scheduler_pb2 as scheduler

from .. import _forms
from .._ids import identifier, invalid_uuid
from . import checks, containers, task_resources
from .checks import environment
from .state import Agent, Framework, Master

if TYPE_CHECKING:
    from .frameworks import Peer

__all__ = [
    "authentication",
    "call",
    "framework",
    "framework_change",
    "identifier",
    "offers",
    "role",
    "task",
    "task_alone",
]

_MAX_SECONDS = 2**63 / 1e9


def role(name: str) -> str | None:
    """Check the name of a role."""
    if name == "*":
        return None
    if name.startswith("/"):
        return f"Role '{name}' cannot start with a slash"
    if name.endswith("/"):
        return f"Role '{name}' cannot end with a slash"
    if "//" in name:
        return f"Role '{name}' cannot contain two adjacent slashes"
    if not name:
        return "Role names cannot be the empty string"
    for part in name.split("/"):
        if part in (".", "..", "*"):
            return f"Role '{name}' cannot include '{part}' as a component"
        if part.startswith("-"):
            return f"Role component '{part}' is invalid because it starts with a dash"
        if any(char in "\t\n\v\f\r \x7f" for char in part):
            return f"Role component '{part}' is invalid because it contains backspace or whitespace"
    return None


# Frameworks.


def framework(master: Master, info: mesos.FrameworkInfo, suppressed: Collection[str]) -> str | None:
    """Check what a framework says about itself."""
    error = _framework_roles(info) or (identifier(info.id.value) if info.id.value else None)
    if error:
        return error
    multi_role = any(each.type == mesos.FrameworkInfo.Capability.MULTI_ROLE for each in info.capabilities)
    roles = list(info.roles) if multi_role else [info.role]
    allowed = master.settings.roles
    if allowed is not None:
        unknown = sorted({name for name in roles if name != "*" and name not in allowed})
        if unknown:
            return f"Roles {{ {', '.join(unknown)} }} are not present in the master's --roles"
    for name in sorted(suppressed):
        if name not in roles:
            return f"Suppressed role '{name}' is not contained in the list of roles"
    if info.user == "root" and not master.settings.root_submissions:
        return "User 'root' is not allowed to run frameworks without --root_submissions set"
    if info.id.value in master.completed_frameworks:
        return "Framework has been removed"
    if not -_MAX_SECONDS <= info.failover_timeout < _MAX_SECONDS:
        return f"The framework failover_timeout ({info.failover_timeout:g}) is invalid"
    return None


def _framework_roles(info: mesos.FrameworkInfo) -> str | None:
    if any(each.type == mesos.FrameworkInfo.Capability.MULTI_ROLE for each in info.capabilities):
        if info.HasField("role"):
            return "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable"
        twice = sorted({name for name in info.roles if list(info.roles).count(name) > 1})
        if twice:
            return f"'FrameworkInfo.roles' contains duplicate items: {{ {', '.join(twice)} }}"
        for name in info.roles:
            error = role(name)
            if error:
                return f"'FrameworkInfo.roles' contains invalid role: {error}"
        return None
    if info.roles:
        return "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable"
    error = role(info.role)
    return f"'FrameworkInfo.role' is not a valid role: {error}" if error else None


def authentication(master: Master, peer: Peer, info: mesos.FrameworkInfo) -> str | None:
    """Check that a framework reached by libprocess authenticated, as whom it says it is."""
    if peer.stream:
        return None
    principal = master.authenticated.get(peer.pid)
    if principal is None:
        if master.settings.authenticate_frameworks:
            return f"Framework at {peer.pid} is not authenticated"
        return None
    if info.HasField("principal") and info.principal != principal:
        return f"Framework principal '{info.principal}' does not match authenticated principal '{principal}'"
    return None


def framework_change(old: mesos.FrameworkInfo, new: mesos.FrameworkInfo) -> str | None:
    """Check a change of a framework's information."""
    had = old.principal if old.HasField("principal") else None
    has = new.principal if new.HasField("principal") else None
    return "Changing framework's principal is not allowed." if had != has else None


# Calls.

_MEMBERS = {
    scheduler.Call.ACCEPT: "accept",
    scheduler.Call.DECLINE: "decline",
    scheduler.Call.ACCEPT_INVERSE_OFFERS: "accept_inverse_offers",
    scheduler.Call.DECLINE_INVERSE_OFFERS: "decline_inverse_offers",
    scheduler.Call.KILL: "kill",
    scheduler.Call.SHUTDOWN: "shutdown",
    scheduler.Call.ACKNOWLEDGE: "acknowledge",
    scheduler.Call.ACKNOWLEDGE_OPERATION_STATUS: "acknowledge_operation_status",
    scheduler.Call.RECONCILE: "reconcile",
    scheduler.Call.RECONCILE_OPERATIONS: "reconcile_operations",
    scheduler.Call.MESSAGE: "message",
    scheduler.Call.REQUEST: "request",
    scheduler.Call.UPDATE_FRAMEWORK: "update_framework",
}


def call(request: scheduler.Call) -> str | None:
    """Check the form of a scheduler call."""
    if not request.HasField("type") or request.type == scheduler.Call.UNKNOWN:
        return "Expecting 'type' to be present"
    if request.type == scheduler.Call.SUBSCRIBE:
        if not request.HasField("subscribe"):
            return "Expecting 'subscribe' to be present"
        if request.subscribe.framework_info.id.value != request.framework_id.value:
            return "'framework_id' differs from 'subscribe.framework_info.id'"
        return None
    if not request.HasField("framework_id"):
        return "Expecting 'framework_id' to be present"
    member = _MEMBERS.get(request.type)
    if member and not request.HasField(member):  # type: ignore[arg-type]
        return f"Expecting '{member}' to be present"
    if request.type == scheduler.Call.ACKNOWLEDGE:
        return invalid_uuid(request.acknowledge.uuid)
    if request.type == scheduler.Call.ACKNOWLEDGE_OPERATION_STATUS:
        if not request.acknowledge_operation_status.HasField("slave_id"):
            return "Expecting 'agent_id' to be present"
        return invalid_uuid(request.acknowledge_operation_status.uuid)
    updated = request.update_framework.framework_info.id.value
    if request.type == scheduler.Call.UPDATE_FRAMEWORK and updated != request.framework_id.value:
        return "'framework_id' differs from 'update_framework.framework_info.id'"
    return None


def offers(master: Master, framework: Framework, offer_ids: Iterable[str]) -> str | None:
    """Check the offers of an ACCEPT."""
    offer_ids = list(offer_ids)
    seen: set[str] = set()
    for offer_id in offer_ids:
        if offer_id in seen:
            return f"Duplicate offer {offer_id} in offer list"
        seen.add(offer_id)
    for offer_id in offer_ids:
        if offer_id not in master.offers:
            return f"Offer {offer_id} is no longer valid"
    if not offer_ids:
        return "No offers specified"
    records = [master.offers[offer_id] for offer_id in offer_ids]
    first = records[0]
    for record in records:
        if record.framework_id != framework.id:
            return (
                f"Offer {record.id} has invalid framework {record.framework_id}"
                f" while framework {framework.id} is expected"
            )
    for record in records:
        if record.role != first.role:
            return (
                f"Aggregated offers must be allocated to the same role. Offer {record.id} uses role"
                f" '{record.role} but another is using role '{first.role}"
            )
    for record in records:
        if record.agent_id != first.agent_id:
            return (
                f"Aggregated offers must belong to one single agent. Offer {record.id} uses agent"
                f" {record.agent_id} and agent {first.agent_id}"
            )
    return None


# Tasks.


def task(info: mesos.TaskInfo, framework: Framework, agent: Agent, offered: Resources) -> str | None:
    """Check a task of a LAUNCH against what is left of the offer."""
    error = task_alone(info, framework, agent) or _task_executor(info, framework, agent, offered)
    if error is None and not info.container.linux_info.share_cgroups:
        error = "Only tasks in a task group may have 'share_cgroups' set to 'false'"
    return error


def task_alone(info: mesos.TaskInfo, framework: Framework, agent: Agent) -> str | None:
    """Check a task without its executor."""
    task_id = info.task_id.value
    error = identifier(task_id)
    if error:
        return error
    if task_id in framework.tasks:
        return f"Task has duplicate ID: {task_id}"
    if task_id in framework.unreachable:
        return f"Task reuses the ID of an unreachable task: {task_id}"
    if info.slave_id.value != agent.id:
        return f"Task uses invalid agent {info.slave_id.value} while agent {agent.id} is expected"
    if info.kill_policy.grace_period.nanoseconds < 0:
        return "Task's 'kill_policy.grace_period' must be non-negative"
    if info.max_completion_time.nanoseconds < 0:
        return "Task's `max_completion_time` must be non-negative"
    error = checks.invalid(info)
    if error:
        return error
    if not info.resources:
        return "Task uses no resources"
    error = _held(info.resources, "Task", "task")
    if error:
        return error
    error = environment(info.command)
    if error:
        return f"Task's `CommandInfo` is invalid: {error}"
    error = containers.invalid(info)
    if error:
        return f"Task's `ContainerInfo` is invalid: {error}"
    if info.limits:
        return "Agent is not capable of handling task resource limits"
    return None


def _held(messages: Sequence[mesos.Resource], whose: str, kind: str) -> str | None:
    """Check the resources of a task or an executor by themselves."""
    error = task_resources.each(messages)
    if error:
        return f"{whose} uses invalid resources: {error}"
    error = task_resources.duplicate(messages)
    if error:
        return f"{whose} uses duplicate persistence ID: {error}"
    error = task_resources.roles(messages)
    if error:
        return f"Invalid {kind} resources: {error}"
    error = task_resources.mixed(messages)
    return f"{whose} mixes revocable and non-revocable resources: {error}" if error else None


def _task_executor(
    info: mesos.TaskInfo, framework: Framework, agent: Agent, offered: Resources
) -> str | None:
    if info.HasField("executor") == info.HasField("command"):
        return "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present"
    total = _forms.inner(info.resources)
    if info.HasField("executor"):
        error = executor(info.executor, framework, agent)
        if error:
            return error
        if info.executor.HasField("type") and info.executor.type != mesos.ExecutorInfo.CUSTOM:
            return "'ExecutorInfo.type' must be 'CUSTOM'"
        if not info.executor.HasField("command"):
            return "'ExecutorInfo.command' must be set"
        if Resources(info.executor.resources).shared():
            shown = task_resources.shown(info.executor.resources)
            return f"Executor resources {shown} should not contain any shared resources"
        error = containers.shares_on_executor(info.executor.container)
        if error:
            return error
        if (framework.id, info.executor.executor_id.value) not in agent.executors:
            total = total + _forms.inner(info.executor.resources)
        error = _together(info)
        if error:
            return error
    if not offered.contains(total):
        role = next(iter(_forms.allocation_roles(info.resources)), "*")
        return (
            f"Total resources {total.allocate(role)} required by task and its executor is more than"
            f" available {offered.allocate(role)}"
        )
    return None


def _together(info: mesos.TaskInfo) -> str | None:
    """Check the resources of a task and its executor as one."""
    held = [*info.resources, *info.executor.resources]
    if task_resources.overlapping([info.resources, info.executor.resources]):
        return (
            f"There are overlapping resources in the task resources {task_resources.shown(info.resources)}"
            f" and executor resources {task_resources.shown(info.executor.resources)}"
        )
    error = task_resources.duplicate(held)
    if error:
        return f"Task and its executor use duplicate persistence ID: {error}"
    error = task_resources.mixed(held)
    return f"Task and its executor mix revocable and non-revocable resources: {error}" if error else None


def executor(info: mesos.ExecutorInfo, framework: Framework, agent: Agent) -> str | None:
    """Check an executor, also against one of the same id that runs on the agent."""
    error = _executor_type(info) or identifier(info.executor_id.value)
    if error:
        return error
    if info.shutdown_grace_period.nanoseconds < 0:
        return "ExecutorInfo's 'shutdown_grace_period' must be non-negative"
    error = environment(info.command)
    if error:
        return f"Executor's `CommandInfo` is invalid: {error}"
    error = containers.invalid(info)
    if error:
        return f"Executor's `ContainerInfo` is invalid: {error}"
    if not info.HasField("framework_id"):
        return "'ExecutorInfo.framework_id' must be set"
    if info.framework_id.value != framework.id:
        return (
            "ExecutorInfo has an invalid FrameworkID"
            f" (Actual: {info.framework_id.value} vs Expected: {framework.id})"
        )
    error = _held(info.resources, "Executor", "executor")
    if error:
        return error
    running = agent.executors.get((framework.id, info.executor_id.value))
    if running is not None and running != info:
        return (
            "ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID"
            f" ({info.executor_id.value})"
        )
    return None


def _executor_type(info: mesos.ExecutorInfo) -> str | None:
    if info.type == mesos.ExecutorInfo.DEFAULT:
        if info.HasField("command"):
            return "'ExecutorInfo.command' must not be set for 'DEFAULT' executor"
        if info.HasField("container") and info.container.type != mesos.ContainerInfo.MESOS:
            return "'ExecutorInfo.container.type' must be 'MESOS' for 'DEFAULT' executor"
        if info.container.mesos.HasField("image"):
            return "'ExecutorInfo.container.mesos.image' must not be set for 'DEFAULT' executor"
    if info.type == mesos.ExecutorInfo.CUSTOM and not info.HasField("command"):
        return "'ExecutorInfo.command' must be set for 'CUSTOM' executor"
    return None
