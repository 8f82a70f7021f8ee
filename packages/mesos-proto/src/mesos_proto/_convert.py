"""Between the v0 and the v1 form of a message.

Strategy: the two APIs share the wire but for names, so a message is written and read back as its
counterpart, as upstream's `evolve.cpp` and `devolve.cpp` do. Fields the counterpart lacks travel
along as unknown ones. What does not fit that is in `_EVOLVE` and `_DEVOLVE`: numbers that mean
something else, and libprocess messages whose v1 form is an event.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from google.protobuf.message import Message

from mesos_proto import _events
from mesos_proto.errors import ConversionError, UnknownMessageError
from mesos_proto.registry import message_class
from mesos_proto.v0 import master_pb2 as master0
from mesos_proto.v0 import mesos_pb2 as mesos0
from mesos_proto.v0 import scheduler_pb2 as scheduler0
from mesos_proto.v1 import master_pb2 as master1
from mesos_proto.v1 import mesos_pb2 as mesos1
from mesos_proto.v1 import scheduler_pb2 as scheduler1

_NANOSECONDS = 1_000_000_000


def evolve(message: Message) -> Message:
    """Return the v1 form of a v0 message; of a libprocess message, the event it stands for.

    Raises `UnknownMessageError` for a message that has no v1 form.
    """
    name = message.DESCRIPTOR.full_name
    special = _EVOLVE.get(name)
    return special(message) if special is not None else _rewrite(message, _evolved(name))


def devolve(message: Message) -> Message:
    """Return the v0 form of a v1 message. Raises `UnknownMessageError` where there is none."""
    name = message.DESCRIPTOR.full_name
    special = _DEVOLVE.get(name)
    return special(message) if special is not None else _rewrite(message, _devolved(name))


def _rewrite(message: Message, target: type[Message]) -> Message:
    """Read a message's bytes as another type; required fields may be missing."""
    result = target()
    result.MergeFromString(message.SerializePartialToString())
    return result


@cache
def _evolved(name: str) -> type[Message]:
    """Return the v1 class of a v0 full name."""
    if not name.startswith("mesos.") or name.startswith(("mesos.v1.", "mesos.internal.")):
        raise UnknownMessageError(f"{name} has no v1 form")
    renamed = "mesos.v1." + name[len("mesos.") :].replace("Slave", "Agent")
    try:
        return message_class(renamed)
    except UnknownMessageError:
        raise UnknownMessageError(f"{name} has no v1 form") from None


@cache
def _devolved(name: str) -> type[Message]:
    """Return the v0 class of a v1 full name."""
    if not name.startswith("mesos.v1."):
        raise UnknownMessageError(f"{name} is not a v1 message")
    plain = "mesos." + name[len("mesos.v1.") :]
    for candidate in (plain, plain.replace("Agent", "Slave")):
        try:
            return message_class(candidate)
        except UnknownMessageError:
            continue
    raise UnknownMessageError(f"{name} has no v0 form")


# --- numbers that mean something else


def _evolve_agent_info(message: Message) -> Message:
    """`checkpoint` is true of every v1 agent, and not said: only a false one travels along."""
    info = mesos0.SlaveInfo()
    info.MergeFromString(message.SerializePartialToString())
    if info.checkpoint:
        info.ClearField("checkpoint")
    return _rewrite(info, mesos1.AgentInfo)


def _devolve_agent_info(message: Message) -> Message:
    info = mesos0.SlaveInfo()
    info.MergeFromString(message.SerializePartialToString())
    if not info.HasField("checkpoint"):
        info.checkpoint = True
    return info


def _evolve_subscribe(message: Message) -> Message:
    old = scheduler0.Call.Subscribe()
    old.MergeFromString(message.SerializePartialToString())
    new = scheduler1.Call.Subscribe(suppressed_roles=old.suppressed_roles)
    if old.HasField("framework_info"):
        new.framework_info.MergeFromString(old.framework_info.SerializePartialToString())
        new.framework_info.SetInParent()
    if old.HasField("offer_constraints"):
        new.offer_constraints.MergeFromString(old.offer_constraints.SerializePartialToString())
        new.offer_constraints.SetInParent()
    return new


def _devolve_subscribe(message: Message) -> Message:
    new = scheduler1.Call.Subscribe()
    new.MergeFromString(message.SerializePartialToString())
    old = scheduler0.Call.Subscribe(suppressed_roles=new.suppressed_roles)
    if new.HasField("framework_info"):
        old.framework_info.MergeFromString(new.framework_info.SerializePartialToString())
        old.framework_info.SetInParent()
    if new.HasField("offer_constraints"):
        old.offer_constraints.MergeFromString(new.offer_constraints.SerializePartialToString())
        old.offer_constraints.SetInParent()
    return old


def _evolve_drain(message: Message) -> Message:
    old = master0.Call.DrainAgent()
    old.MergeFromString(message.SerializePartialToString())
    grace = old.max_grace_period.nanoseconds if old.HasField("max_grace_period") else None
    old.ClearField("max_grace_period")
    new = master1.Call.DrainAgent()
    new.MergeFromString(old.SerializePartialToString())
    if grace is not None:
        seconds = abs(grace) // _NANOSECONDS * (1 if grace >= 0 else -1)
        new.max_grace_period.seconds = seconds
        new.max_grace_period.nanos = grace - seconds * _NANOSECONDS
        new.max_grace_period.SetInParent()
    return new


def _devolve_drain(message: Message) -> Message:
    new = master1.Call.DrainAgent()
    new.MergeFromString(message.SerializePartialToString())
    grace = None
    if new.HasField("max_grace_period"):
        grace = new.max_grace_period.seconds * _NANOSECONDS + new.max_grace_period.nanos
        if not -(2**63) <= grace < 2**63:
            raise ConversionError(f"max_grace_period: {grace}ns do not fit into 64 bits")
    new.ClearField("max_grace_period")
    old = master0.Call.DrainAgent()
    old.MergeFromString(new.SerializePartialToString())
    if grace is not None:
        old.max_grace_period.nanoseconds = grace
    return old


def _with_special(
    source: type[Message], target: type[Message], field: str, convert: Callable[[Message], Message]
) -> Callable[[Message], Message]:
    """Convert a call of which one field needs its own conversion."""

    def whole(message: Message) -> Message:
        if not message.HasField(field):
            return _rewrite(message, target)
        rest = source()
        rest.MergeFromString(message.SerializePartialToString())
        part = convert(getattr(rest, field))
        rest.ClearField(field)
        result = _rewrite(rest, target)
        getattr(result, field).MergeFromString(part.SerializePartialToString())
        getattr(result, field).SetInParent()
        return result

    return whole


_EVOLVE: dict[str, Callable[[Message], Message]] = {
    **_events.MAKERS,
    "mesos.SlaveInfo": _evolve_agent_info,
    "mesos.scheduler.Call.Subscribe": _evolve_subscribe,
    "mesos.scheduler.Call": _with_special(scheduler0.Call, scheduler1.Call, "subscribe", _evolve_subscribe),
    "mesos.master.Call.DrainAgent": _evolve_drain,
    "mesos.master.Call": _with_special(master0.Call, master1.Call, "drain_agent", _evolve_drain),
}

_DEVOLVE: dict[str, Callable[[Message], Message]] = {
    "mesos.v1.AgentInfo": _devolve_agent_info,
    "mesos.v1.scheduler.Call.Subscribe": _devolve_subscribe,
    "mesos.v1.scheduler.Call": _with_special(
        scheduler1.Call, scheduler0.Call, "subscribe", _devolve_subscribe
    ),
    "mesos.v1.master.Call.DrainAgent": _devolve_drain,
    "mesos.v1.master.Call": _with_special(master1.Call, master0.Call, "drain_agent", _devolve_drain),
}
