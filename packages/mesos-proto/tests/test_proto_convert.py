"""Between v0 and v1: messages, calls, and the events that libprocess messages stand for."""

from __future__ import annotations

import pytest
from google.protobuf.message import Message
from mesos_proto import devolve, evolve
from mesos_proto.errors import ConversionError, UnknownMessageError
from mesos_proto.v0 import executor_pb2 as executor0
from mesos_proto.v0 import master_pb2 as master0
from mesos_proto.v0 import mesos_pb2 as mesos0
from mesos_proto.v0 import messages_pb2 as messages
from mesos_proto.v0 import quota_pb2 as quota0
from mesos_proto.v0 import scheduler_pb2 as scheduler0
from mesos_proto.v1 import executor_pb2 as executor1
from mesos_proto.v1 import master_pb2 as master1
from mesos_proto.v1 import mesos_pb2 as mesos1
from mesos_proto.v1 import scheduler_pb2 as scheduler1

SLAVE, AGENT = mesos0.SlaveID(value="S1"), mesos1.AgentID(value="S1")
EXECUTOR0, EXECUTOR1 = mesos0.ExecutorID(value="E"), mesos1.ExecutorID(value="E")
Event, Call = scheduler1.Event, scheduler1.Call


def test_names_change_and_bytes_do_not() -> None:
    offer = mesos0.Offer(id={"value": "o"}, slave_id=SLAVE, hostname="h")
    evolved = evolve(offer)
    assert isinstance(evolved, mesos1.Offer) and evolved.agent_id == AGENT
    assert evolved.SerializePartialToString() == offer.SerializePartialToString()
    assert devolve(evolved) == offer
    assert isinstance(evolve(mesos0.Offer.Operation.Launch()), mesos1.Offer.Operation.Launch)
    status = mesos1.TaskStatus(source=mesos1.TaskStatus.SOURCE_AGENT)
    assert devolve(status).source == mesos0.TaskStatus.SOURCE_SLAVE


def test_what_one_side_lacks_travels_along() -> None:
    info = mesos0.MasterInfo(id="m", ip=1, port=2)
    info.capabilities.add(type=mesos0.MasterInfo.Capability.QUOTA_V2)
    assert devolve(evolve(info)) == info
    future = mesos0.TaskID.FromString(mesos0.TaskID(value="x").SerializeToString() + b"\xfa\x7f\x03new")
    assert devolve(evolve(future)).SerializeToString().endswith(b"new")


def test_v1_agents_are_all_checkpointing() -> None:
    assert devolve(mesos1.AgentInfo(hostname="h")).checkpoint
    for checkpoint in (True, False):
        info = mesos0.SlaveInfo(hostname="h", checkpoint=checkpoint)
        assert devolve(evolve(info)) == info
    agent = mesos1.AgentInfo(hostname="h")
    assert evolve(devolve(agent)).SerializeToString() == agent.SerializeToString()


def subscribe(*, roles: bool, constraints: bool, info: bool = True) -> scheduler1.Call:
    """Make a call whose fields have other numbers in v0."""
    call = Call(type=Call.SUBSCRIBE, framework_id={"value": "F"})
    call.subscribe.SetInParent()
    if info:
        call.subscribe.framework_info.name = "n"
        call.subscribe.framework_info.user = "u"
    if roles:
        call.subscribe.suppressed_roles.extend(["a", "b"])
    if constraints:
        call.subscribe.offer_constraints.role_constraints["r"].SetInParent()
    return call


@pytest.mark.parametrize("roles", [False, True])
@pytest.mark.parametrize("constraints", [False, True])
@pytest.mark.parametrize("info", [False, True])
def test_subscribing_has_other_numbers(roles: bool, constraints: bool, info: bool) -> None:
    call = subscribe(roles=roles, constraints=constraints, info=info)
    old = devolve(call)
    assert isinstance(old, scheduler0.Call)
    assert list(old.subscribe.suppressed_roles) == (["a", "b"] if roles else [])
    assert old.subscribe.HasField("offer_constraints") is constraints
    assert old.subscribe.HasField("framework_info") is info
    assert not old.subscribe.HasField("force")
    assert evolve(old).SerializePartialToString() == call.SerializePartialToString()
    assert devolve(call.subscribe) == old.subscribe
    assert evolve(old.subscribe) == call.subscribe
    assert devolve(Call(type=Call.REVIVE)).type == scheduler0.Call.REVIVE


@pytest.mark.parametrize("nanoseconds", [0, 1, 1_500_000_000, -1_500_000_000, 2**63 - 1, None])
def test_draining_has_another_duration(nanoseconds: int | None) -> None:
    call = master0.Call(type=master0.Call.DRAIN_AGENT)
    call.drain_agent.slave_id.value = "S"
    if nanoseconds is not None:
        call.drain_agent.max_grace_period.nanoseconds = nanoseconds
    new = evolve(call)
    grace = new.drain_agent.max_grace_period
    assert new.drain_agent.HasField("max_grace_period") == (nanoseconds is not None)
    assert grace.seconds * 10**9 + grace.nanos == (nanoseconds or 0)
    assert grace.seconds * grace.nanos >= 0, "both of one sign"
    assert devolve(new) == call
    assert devolve(new.drain_agent) == call.drain_agent
    assert evolve(master0.Call(type=master0.Call.GET_STATE)).type == master1.Call.GET_STATE


def test_too_long_a_duration_is_refused() -> None:
    call = master1.Call(type=master1.Call.DRAIN_AGENT)
    call.drain_agent.max_grace_period.seconds = 2**40
    with pytest.raises(ConversionError, match="max_grace_period"):
        devolve(call)


@pytest.mark.parametrize(
    "message",
    [mesos1.Offer(), messages.PingSlaveMessage(), scheduler1.Call(), quota0.QuotaInfo],
    ids=["v1", "internal", "v1 call", "class"],
)
def test_evolving_what_has_no_v1_form(message: Message) -> None:
    if isinstance(message, type):
        assert isinstance(evolve(message()), Message)
        return
    with pytest.raises(UnknownMessageError, match="no v1 form"):
        evolve(message)


@pytest.mark.parametrize("message", [mesos0.Offer(), messages.PingSlaveMessage(), scheduler1.APIResult()])
def test_devolving_what_has_no_v0_form(message: Message) -> None:
    with pytest.raises(UnknownMessageError):
        devolve(message)


def update(pid: str, uuid: bytes, **more: object) -> scheduler1.Event:
    """Evolve a status update."""
    message = messages.StatusUpdateMessage(pid=pid)
    status = mesos0.TaskStatus(task_id={"value": "T"}, state=mesos0.TASK_RUNNING, uuid=b"old")
    message.update.status.CopyFrom(status)
    message.update.framework_id.value = "F"
    message.update.timestamp = 1.5
    if uuid:
        message.update.uuid = uuid
    for name, value in more.items():
        getattr(message.update, name).CopyFrom(value)
    return evolve(message)


@pytest.mark.parametrize(
    ("pid", "uuid", "wanted"),
    [
        ("master@127.0.0.1:5050", b"u", b"u"),
        ("master@127.0.0.1:5050", b"", b""),
        ("", b"u", b""),
        ("@0.0.0.0:0", b"u", b""),
        ("nonsense", b"u", b""),
    ],
)
def test_updates_with_an_address_want_an_acknowledgement(pid: str, uuid: bytes, wanted: bytes) -> None:
    event = update(pid, uuid)
    assert event.type == Event.UPDATE and event.update.status.timestamp == 1.5
    assert event.update.status.uuid == wanted and event.update.status.HasField("uuid") == bool(wanted)
    assert not event.update.status.HasField("agent_id")


def test_updates_say_where_the_task_is() -> None:
    status = update("", b"", slave_id=SLAVE, executor_id=EXECUTOR0).update.status
    assert status.agent_id == AGENT and status.executor_id == EXECUTOR1


def test_scheduler_messages_become_events() -> None:
    framework = {"framework_id": {"value": "F"}, "master_info": {"id": "m", "ip": 1, "port": 2}}
    for kind in (messages.FrameworkRegisteredMessage, messages.FrameworkReregisteredMessage):
        event = evolve(kind(**framework))
        assert isinstance(event, Event) and event.type == Event.SUBSCRIBED
        assert event.subscribed.framework_id.value == "F" and event.subscribed.master_info.id == "m"
        assert event.subscribed.heartbeat_interval_seconds == 15
    offers = evolve(messages.ResourceOffersMessage(offers=[{"slave_id": SLAVE}], pids=["x"]))
    assert offers.type == Event.OFFERS and offers.offers.offers[0].agent_id == AGENT
    assert evolve(messages.ResourceOffersMessage()).HasField("offers")
    inverse = evolve(messages.InverseOffersMessage(inverse_offers=[{"slave_id": SLAVE}]))
    assert inverse.type == Event.INVERSE_OFFERS and inverse.inverse_offers.inverse_offers[0].agent_id == AGENT
    rescind = evolve(messages.RescindResourceOfferMessage(offer_id={"value": "O"}))
    assert rescind == Event(type=Event.RESCIND, rescind={"offer_id": {"value": "O"}})
    back = evolve(messages.RescindInverseOfferMessage(inverse_offer_id={"value": "O"}))
    assert (
        back.rescind_inverse_offer.inverse_offer_id.value == "O" and back.type == Event.RESCIND_INVERSE_OFFER
    )
    lost = evolve(messages.LostSlaveMessage(slave_id=SLAVE))
    assert lost == Event(type=Event.FAILURE, failure={"agent_id": AGENT})
    exited = evolve(
        messages.ExitedExecutorMessage(
            slave_id=SLAVE, executor_id=EXECUTOR0, framework_id={"value": "F"}, status=256
        )
    )
    assert exited == Event(
        type=Event.FAILURE, failure={"agent_id": AGENT, "executor_id": EXECUTOR1, "status": 256}
    )
    data = evolve(
        messages.ExecutorToFrameworkMessage(
            slave_id=SLAVE, executor_id=EXECUTOR0, framework_id={"value": "F"}, data=b"d"
        )
    )
    assert data == Event(
        type=Event.MESSAGE, message={"agent_id": AGENT, "executor_id": EXECUTOR1, "data": b"d"}
    )
    operation = evolve(
        messages.UpdateOperationStatusMessage(
            status={"state": mesos0.OPERATION_FINISHED, "slave_id": SLAVE},
            operation_uuid={"value": b"u"},
        )
    )
    assert operation.update_operation_status.status.agent_id == AGENT
    assert evolve(messages.FrameworkErrorMessage(message="x")) == Event(
        type=Event.ERROR, error={"message": "x"}
    )


def test_executor_messages_become_events() -> None:
    kinds = executor1.Event
    registered = messages.ExecutorRegisteredMessage(slave_id=SLAVE)
    registered.executor_info.executor_id.value = "E"
    registered.framework_info.name = "n"
    registered.slave_info.hostname = "h"
    registered.slave_info.checkpoint = True
    event = evolve(registered)
    assert isinstance(event, kinds) and event.type == kinds.SUBSCRIBED
    assert (
        event.subscribed.agent_info.SerializePartialToString()
        == mesos1.AgentInfo(hostname="h").SerializeToString()
    )
    launched = evolve(messages.RunTaskMessage(task={"name": "t", "slave_id": SLAVE}))
    assert launched.type == kinds.LAUNCH and launched.launch.task.agent_id == AGENT
    group = messages.RunTaskGroupMessage()
    group.task_group.tasks.add(name="t")
    assert evolve(group).launch_group.task_group.tasks[0].name == "t"
    kill = messages.KillTaskMessage(task_id={"value": "T"})
    assert not evolve(kill).kill.HasField("kill_policy")
    kill.kill_policy.grace_period.nanoseconds = 5
    assert evolve(kill).kill.kill_policy.grace_period.nanoseconds == 5
    known = evolve(messages.StatusUpdateAcknowledgementMessage(task_id={"value": "T"}, uuid=b"u"))
    assert known == kinds(type=kinds.ACKNOWLEDGED, acknowledged={"task_id": {"value": "T"}, "uuid": b"u"})
    data = evolve(messages.FrameworkToExecutorMessage(data=b"d"))
    assert data == kinds(type=kinds.MESSAGE, message={"data": b"d"})
    assert evolve(messages.ShutdownExecutorMessage()) == kinds(type=kinds.SHUTDOWN)
    call = executor0.Call(type=executor0.Call.UPDATE)
    assert isinstance(evolve(call), executor1.Call) and devolve(evolve(call)) == call
