"""Agents and frameworks as the operator API tells of them, in events as in answers.

Mirrors `createAgentResponse` and `createFrameworkAdded` of upstream's src/common/protobuf_utils.cpp.
"""

from __future__ import annotations

from mesos_proto.resources import ResourceFormat, Resources
from mesos_proto.v0 import master_pb2 as operator
from mesos_proto.v0 import mesos_pb2 as mesos

from . import holdings
from .state import Agent, Framework, FrameworkState, Master

__all__ = ["agent", "endpoint", "framework", "nanoseconds"]


def nanoseconds(seconds: float) -> mesos.TimeInfo:
    """Write a time."""
    return mesos.TimeInfo(nanoseconds=round(seconds * 1e9))


def endpoint(resources: Resources) -> list[mesos.Resource]:
    """Write resources with both forms of reservations, as endpoints do."""
    return resources.messages(version=0, format=ResourceFormat.ENDPOINT)


def agent(master: Master, of: Agent) -> operator.Response.GetAgents.Agent:
    """Tell of an agent."""
    message = operator.Response.GetAgents.Agent(
        agent_info=of.info,
        active=of.connected,
        deactivated=False,
        version=of.version,
        pid=of.pid,
        registered_time=nanoseconds(of.registered_time),
        total_resources=endpoint(of.total),
        allocated_resources=endpoint(holdings.allocated(holdings.used(master, [of]))),
        offered_resources=endpoint(holdings.allocated(holdings.offered(master, of.offers))),
        capabilities=[mesos.SlaveInfo.Capability(type=each) for each in of.capabilities],
    )
    if of.reregistered_time is not None:
        message.reregistered_time.CopyFrom(nanoseconds(of.reregistered_time))
    return message


def framework(of: Framework) -> operator.Response.GetFrameworks.Framework:
    """Tell how a framework stands, without what it holds."""
    return operator.Response.GetFrameworks.Framework(
        framework_info=of.info,
        active=of.active,
        connected=of.connected,
        recovered=of.state is FrameworkState.RECOVERED,
        registered_time=nanoseconds(of.registered_time),
        reregistered_time=nanoseconds(of.reregistered_time or of.registered_time),
        unregistered_time=nanoseconds(of.unregistered_time or 0.0),
    )
