"""Whatever comes in whatever order, the session neither raises nor breaks what a driver promises."""

from __future__ import annotations

from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as v0_scheduler
from mesos_proto.v1 import mesos_pb2 as v1
from mesos_scheduler import SessionOptions, Status, commands, events
from scheduler_helpers import (
    AGENT,
    FRAMEWORK_ID,
    MASTER,
    OTHER_MASTER,
    Driven,
    launch,
    master_info,
    offer,
    registered,
    reregistered,
    task,
    update,
)

Event = v0_scheduler.Event
IDS = st.sampled_from(["", "t1", "t2", FRAMEWORK_ID, "\u0000", "x" * 300])
PIDS = st.sampled_from([None, "", "@0.0.0.0:0", str(AGENT), "nonsense", "a@b:c", "a@1.2.3.4:99999"])
VERSIONS = st.sampled_from(["", "0.19.0", "0.22.1", "0.23.0", "0.25.0", "1.4.3", "1.11.0", "x.y"])


@st.composite
def generic_events(draw: st.DrawFn) -> v0_scheduler.Event:
    event = Event(type=draw(st.sampled_from(list(Event.Type.values()))))
    if draw(st.booleans()):
        event.subscribed.framework_id.value = draw(IDS)
    if draw(st.booleans()):
        event.offers.offers.append(offer())
    if draw(st.booleans()):
        event.update.status.CopyFrom(update(draw(IDS)).update.status)
        event.update.status.uuid = draw(st.binary(max_size=17))
    if draw(st.booleans()):
        event.failure.slave_id.value = draw(IDS)
    if draw(st.booleans()):
        event.error.message = draw(st.sampled_from(["no", "Framework disconnected", "is not authenticated"]))
    return event


MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.builds(registered, IDS),
    st.builds(reregistered, IDS),
    st.builds(
        update,
        IDS,
        st.sampled_from(list(v0.TaskState.values())),
        st.binary(max_size=17),
        PIDS,
        st.sampled_from([FRAMEWORK_ID, "another"]),
    ),
    st.builds(
        internal.ResourceOffersMessage,
        offers=st.lists(st.builds(offer, st.integers(1, 3)), max_size=3),
        pids=st.lists(PIDS.filter(lambda pid: pid is not None), max_size=3),
    ),
    st.builds(internal.RescindResourceOfferMessage, offer_id=st.builds(v0.OfferID, value=IDS)),
    st.builds(internal.LostSlaveMessage, slave_id=st.builds(v0.SlaveID, value=IDS)),
    st.builds(
        internal.FrameworkErrorMessage,
        message=st.sampled_from(["Framework disconnected", "is not authenticated", "Framework failed over"]),
    ),
    generic_events(),
)
KINDS = st.sampled_from(list(commands.TimerKind))
CALLS: st.SearchStrategy[commands.SessionEvent] = st.sampled_from(
    [
        commands.AcceptOffers([v1.OfferID(value="O1")], [launch(task())], v1.Filters()),
        commands.AcceptOffers([], [v1.Offer.Operation(type=v1.Offer.Operation.CREATE_DISK)], v1.Filters()),
        commands.DeclineOffers([v1.OfferID(value="O1")], v1.Filters()),
        commands.ReviveOffers(["r"]),
        commands.SuppressOffers([]),
        commands.KillTask(v1.TaskID(value="t1")),
        commands.ReconcileTasks([]),
        commands.SendFrameworkMessage(v1.ExecutorID(value="e"), v1.AgentID(value="S1"), b"\0"),
        commands.Congested(True),
        commands.Congested(False),
    ]
)
STEPS = st.one_of(
    st.tuples(st.just("receive"), st.sampled_from([MASTER, MASTER, MASTER, OTHER_MASTER, AGENT]), MESSAGES),
    st.tuples(st.just("detect"), st.sampled_from([MASTER, OTHER_MASTER, None]), VERSIONS),
    st.tuples(st.just("fire"), KINDS, st.none()),
    st.tuples(st.just("call"), CALLS, st.none()),
    st.tuples(st.just("break"), st.none(), st.none()),
    st.tuples(st.just("settle"), st.sampled_from(list(commands.Verdict)), st.none()),
    st.tuples(st.just("end"), st.sampled_from([commands.Stop(False), commands.Abort()]), st.none()),
)


@settings(deadline=None, max_examples=150, derandomize=True)
@given(st.booleans(), st.lists(STEPS, max_size=25))
def test_nothing_raises_and_nothing_comes_after_the_end(authenticate: bool, steps: list[object]) -> None:
    driven = Driven(options=SessionOptions(authenticate=authenticate, reconcile_interval=30.0))
    driven.do(commands.Start())
    over = False
    for kind, first, second in steps:  # type: ignore[misc]
        driven.take()
        if kind == "receive":
            driven.receive(second, sender=first)
        elif kind == "detect":
            driven.do(commands.MasterDetected(first, None if first is None else master_info(second)))
        elif kind == "fire":
            if first in driven.timers:
                driven.fire(first)
        elif kind == "call" or kind == "end":
            driven.do(first)
        elif kind == "break":
            driven.do(commands.LinkBroken(len(driven.links)))
        else:
            attempts = [c.attempt for c in driven.commands if isinstance(c, commands.Authenticate)]
            driven.do(commands.AuthenticationSettled(attempts[-1] if attempts else 1, first))
        result = driven.take()
        if over:
            assert not any(isinstance(command, commands.Deliver) for command in result)
        over = over or any(isinstance(command, commands.Ended) for command in result)
        assert over == (driven.session.status is not Status.RUNNING)
        due = [
            event.acknowledgement
            for command in result
            if isinstance(command, commands.Deliver)
            for event in command.events
            if isinstance(event, events.StatusUpdate) and event.acknowledgement is not None
        ]
        driven.do(commands.Handled(due))
        for command in driven.take():
            assert isinstance(command, commands.Send)
            assert all(message.IsInitialized() for message in command.messages)
