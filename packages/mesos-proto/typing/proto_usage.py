"""How the package is used, for the type checker."""

from __future__ import annotations

from mesos_proto import Attributes, Ranges, Resources, build, devolve, evolve, json, message_class
from mesos_proto.durations import format_duration, parse_duration
from mesos_proto.resources import ResourceFormat, downgrade_resources
from mesos_proto.v0 import mesos_pb2 as mesos0
from mesos_proto.v0 import messages_pb2 as messages
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2 as scheduler


def launch(offer: mesos.Offer) -> list[mesos.Offer.Operation]:
    """Launch a task where an offer has room for it."""
    wanted = Resources.parse("cpus:0.5;mem:32")
    available = Resources(offer.resources)
    found: Resources | None = available.find(wanted)
    if found is None:
        return []
    ports: Ranges | None = available.allocate_ports(1).ports
    task = build.task("hello", offer.agent_id, found, "echo hello", health_check=build.tcp_health_check(80))
    left: Resources = available - found
    cpus: float | None = left.cpus
    print(cpus, ports, left.scalar("mem"), task.resources[0].scalar.value)
    return [build.launch(task)]


def convert(offer: mesos0.Offer, lost: messages.LostSlaveMessage) -> None:
    """The type of what comes out follows from the type of what goes in."""
    new: mesos.Offer = evolve(offer)
    old: mesos0.Offer = devolve(new)
    event: scheduler.Event = evolve(lost)
    call: scheduler.Call = json.loads(scheduler.Call, "{}")
    state: mesos.TaskState.ValueType = mesos.TASK_RUNNING
    in_v0: list[mesos0.Resource] = Resources(old.resources).messages(0)
    in_v1: list[mesos.Resource] = Resources(old.resources).messages(format=ResourceFormat.ENDPOINT)
    offer = downgrade_resources(offer)
    rack: float | Ranges | str | None = Attributes(offer.attributes).get("rack")
    text: str = format_duration(parse_duration("15mins"))
    print(event, call, state, in_v0, in_v1, rack, text, message_class("mesos.Offer")())
