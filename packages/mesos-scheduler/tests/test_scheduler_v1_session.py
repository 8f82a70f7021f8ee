"""The v1 session: attempts, streams, signs of life, calls and their failures, the end."""

from __future__ import annotations

import pytest
from mesos_http import (
    BadRequest,
    ClientClosed,
    ConnectionFailed,
    InternalError,
    NotFound,
    NotSubscribed,
    RecordError,
    RedirectFailed,
    StreamIdRejected,
    TimedOut,
    Unauthenticated,
    Unavailable,
)
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import DriverMisuse, Status, events
from mesos_scheduler import commands as v0
from mesos_scheduler.v1 import HttpOptions, Phase, commands
from scheduler_v1_helpers import (
    FRAMEWORK_ID,
    OTHER_URL,
    URL,
    Call,
    Driven,
    Event,
    Kind,
    accept,
    error,
    framework,
    of,
    subscribed,
    update,
)

ACKNOWLEDGEMENT = events.Acknowledgement("S1", "t1", b"u")


def failed(driven: Driven, call: Call, failure) -> list[commands.Command]:
    return driven.do(commands.CallFailed(call, driven.attempt, failure))


def test_the_way_to_a_subscription():
    driven = Driven()
    assert driven.do(v0.Start()) == []
    assert driven.session.phase is Phase.WAITING
    driven.do(commands.LeaderDetected(URL))
    assert driven.timers[Kind.CONNECT].seconds == 0.25
    (opened, _) = driven.fire(Kind.CONNECT)
    assert (opened.attempt, opened.url) == (1, URL)
    assert opened.call.type == Call.SUBSCRIBE and not opened.call.HasField("framework_id")
    driven.do(commands.StreamOpened(1, "S"))
    driven.take()
    driven.receive(subscribed(), Event(type=Event.HEARTBEAT))
    assert driven.session.phase is Phase.CONNECTED and driven.session.framework_id == FRAMEWORK_ID
    done = driven.take()
    assert of(v0.RememberFramework, done) == [v0.RememberFramework(FRAMEWORK_ID)]
    (delivered,) = of(v0.Deliver, done[:2]) or of(v0.Deliver, done)
    assert [type(event) for event in delivered.events] == [events.Registered, events.Heartbeat]


def test_an_id_takes_over_and_asks_for_every_task():
    known = mesos.TaskStatus(task_id=mesos.TaskID(value="old"), agent_id=mesos.AgentID(value="S1"))
    driven = Driven(framework(id=mesos.FrameworkID(value=FRAMEWORK_ID)), known_tasks=[known])
    driven.connect()
    (opened,) = of(commands.OpenStream, driven.take())
    assert opened.call.framework_id == opened.call.subscribe.framework_info.id
    driven.receive(subscribed())
    everything, one = driven.calls()
    assert everything.type == one.type == Call.RECONCILE
    assert not everything.reconcile.tasks and one.reconcile.tasks[0].task_id.value == "old"
    driven.fire(Kind.RECONCILIATION)
    assert len(driven.calls()) == 1 and driven.timers[Kind.RECONCILIATION].seconds == 4
    driven.receive(update("old", mesos.TASK_LOST, b""))
    driven.fire(Kind.RECONCILIATION)
    assert driven.calls() == []


@pytest.mark.parametrize(
    "failure",
    [
        None,
        ConnectionFailed("x"),
        TimedOut("x"),
        RedirectFailed("x"),
        RecordError("x"),
        NotFound(404, ""),
        Unavailable(503, "No leader elected"),
        InternalError(500, ""),
    ],
)
@pytest.mark.parametrize("subscribed_before", [True, False])
def test_whatever_ends_a_stream_leads_to_another_attempt(failure, subscribed_before):
    driven = Driven()
    driven.connect()
    if subscribed_before:
        driven.receive(subscribed())
    driven.take()
    done = driven.end(failure)
    assert of(commands.CloseStream, done) == [commands.CloseStream(1)]
    assert of(v0.Redetect, done)
    told = [event for c in of(v0.Deliver, done) for event in c.events]
    assert told == ([events.Disconnected()] if subscribed_before else [])
    assert driven.session.phase is Phase.PAUSING
    driven.open()
    assert driven.attempt == 2 and driven.session.phase is Phase.SUBSCRIBING


@pytest.mark.parametrize("failure", [BadRequest(400, "bad"), Unauthenticated(401, "")])
def test_refusals_that_will_be_repeated_end_the_driver(failure):
    driven = Driven()
    driven.connect()
    done = driven.end(failure)
    (ended,) = of(v0.Ended, done)
    assert ended.status is Status.ABORTED and str(failure.status) in ended.reason
    assert of(v0.Close, done)
    assert driven.do(commands.LeaderDetected(OTHER_URL)) == []


def test_pauses_grow_and_are_bounded():
    driven = Driven()
    driven.connect()
    pauses = []
    for _ in range(8):
        driven.end(ConnectionFailed("x"))
        pauses.append(driven.timers[Kind.CONNECT].seconds)
        driven.open()
    assert pauses == [0.25, 0.5, 1, 2, 4, 7.5, 7.5, 7.5]
    driven.receive(subscribed())
    driven.end()
    assert driven.timers[Kind.CONNECT].seconds == 0.25
    short = Driven(framework(failover_timeout=1.0))
    short.connect()
    short.end(ConnectionFailed("x"))
    assert short.timers[Kind.CONNECT].seconds == 0.05


def test_five_missed_heartbeats_end_a_stream():
    driven = Driven()
    driven.subscribe()
    driven.now += 70
    driven.receive(Event(type=Event.HEARTBEAT))
    driven.now -= 70
    driven.fire(Kind.LIVENESS)  # At 75 s, five after the last sign of life.
    assert driven.session.phase is Phase.CONNECTED
    assert driven.timers[Kind.LIVENESS].seconds == 70
    done = driven.fire(Kind.LIVENESS)
    assert of(commands.CloseStream, done) and driven.session.phase is Phase.PAUSING


def test_while_nobody_reads_no_heartbeat_is_missed():
    driven = Driven()
    driven.subscribe()
    driven.do(v0.Congested(True))
    for _ in range(3):
        driven.fire(Kind.LIVENESS)
    assert driven.session.phase is Phase.CONNECTED
    driven.do(v0.Congested(False))
    driven.fire(Kind.LIVENESS)
    assert driven.session.phase is Phase.PAUSING


def test_an_attempt_without_subscribed_is_given_up():
    driven = Driven(options=HttpOptions(subscribe_timeout=10))
    driven.connect()
    assert of(commands.CloseStream, driven.fire(Kind.SUBSCRIBE))
    assert driven.session.phase is Phase.PAUSING


def test_leaders_come_and_go():
    driven = Driven()
    driven.subscribe()
    assert driven.do(commands.LeaderDetected(URL)) == []
    assert of(commands.CloseStream, driven.do(commands.LeaderDetected(None)))
    assert driven.delivered() == [events.Disconnected()]
    assert driven.session.phase is Phase.WAITING
    driven.do(commands.LeaderDetected(OTHER_URL))
    driven.open()
    (opened,) = of(commands.OpenStream, driven.take())
    assert opened.url == OTHER_URL and opened.call.framework_id.value == FRAMEWORK_ID
    driven.receive(subscribed(master="other"))
    assert [type(event) for event in driven.delivered()] == [events.Registered]
    driven.end()
    driven.open()
    driven.take()
    driven.receive(subscribed(master="other"))
    assert [type(event) for event in driven.delivered()] == [events.Reregistered]


def test_old_attempts_and_timers_count_no_more():
    driven = Driven()
    driven.subscribe()
    liveness = driven.timers[Kind.LIVENESS]
    driven.end()
    driven.open()
    driven.take()
    assert driven.do(liveness.fired) == []
    assert driven.do(commands.StreamEnded(1, None)) == []
    assert driven.do(commands.EventsReceived(1, [subscribed()])) == []
    assert driven.session.phase is Phase.SUBSCRIBING


def test_events_without_what_they_announce_or_out_of_place_are_dropped():
    driven = Driven()
    driven.connect()
    driven.take()
    driven.receive(update())
    driven.receive(Event(type=Event.SUBSCRIBED))
    assert driven.delivered() == [] and driven.session.phase is Phase.SUBSCRIBING
    driven.receive(subscribed())
    driven.take()
    driven.receive(Event(type=Event.UPDATE), Event(type=Event.OFFERS), Event(type=Event.ERROR), Event())
    assert driven.take() == []
    assert sum(driven.session.dropped.values()) == 5


def test_a_master_that_gives_another_id_is_not_believed():
    driven = Driven(framework(id=mesos.FrameworkID(value="mine")))
    driven.connect()
    (ended,) = of(v0.Ended, driven.receive(subscribed("other")))
    assert ended.status is Status.ABORTED


def test_events_become_those_of_the_user():
    driven = Driven()
    driven.subscribe()
    agent, executor = mesos.AgentID(value="S1"), mesos.ExecutorID(value="E")
    rescind, lost, gone, message = (Event() for _ in range(4))
    rescind.type, lost.type, gone.type, message.type = (
        Event.RESCIND,
        Event.FAILURE,
        Event.FAILURE,
        Event.MESSAGE,
    )
    rescind.rescind.offer_id.value = "O"
    lost.failure.agent_id.CopyFrom(agent)
    gone.failure.CopyFrom(Event.Failure(agent_id=agent, executor_id=executor, status=256))
    message.message.CopyFrom(Event.Message(agent_id=agent, executor_id=executor, data=b"d"))
    feedback = Event(type=Event.UPDATE_OPERATION_STATUS)
    feedback.update_operation_status.status.state = mesos.OPERATION_FINISHED
    feedback.update_operation_status.status.uuid.value = b"u"
    feedback.update_operation_status.status.operation_id.value = "o"
    driven.receive(rescind, lost, gone, message, feedback, update(uuid=b""))
    assert driven.delivered() == [
        events.OfferRescinded(mesos.OfferID(value="O")),
        events.AgentLost(agent),
        events.ExecutorLost(executor, agent, 256),
        events.FrameworkMessage(executor, agent, b"d"),
        events.OperationStatusUpdate(feedback.update_operation_status.status, True),
        events.StatusUpdate(update(uuid=b"").update.status, None),
    ]


def test_acknowledgements_follow_callbacks():
    driven = Driven()
    driven.subscribe()
    driven.do(v0.Handled([ACKNOWLEDGEMENT]))
    status = mesos.OperationStatus(state=mesos.OPERATION_FINISHED, uuid=mesos.UUID(value=b"u"))
    status.operation_id.value = "o"
    driven.do(commands.OperationHandled(status))
    task, operation = driven.calls()
    assert (task.acknowledge.task_id.value, task.acknowledge.uuid) == ("t1", b"u")
    assert operation.acknowledge_operation_status.uuid == b"u"
    driven.end()
    driven.take()
    assert driven.do(v0.Handled([ACKNOWLEDGEMENT])) == []
    explicit = Driven(options=HttpOptions(implicit_acknowledgements=False))
    explicit.subscribe()
    assert explicit.do(v0.Handled([ACKNOWLEDGEMENT])) == []
    explicit.session.check(v0.AcknowledgeStatusUpdate(ACKNOWLEDGEMENT))
    explicit.do(v0.AcknowledgeStatusUpdate(ACKNOWLEDGEMENT))
    assert [call.type for call in explicit.calls()] == [Call.ACKNOWLEDGE]
    with pytest.raises(DriverMisuse, match="implicit_acknowledgements"):
        driven.session.check(v0.AcknowledgeStatusUpdate(ACKNOWLEDGEMENT))


def test_tasks_launched_without_a_master_are_lost():
    driven = Driven()
    driven.do(v0.Start())
    driven.do(accept("t1", "t2"))
    lost = [event.status for event in driven.delivered()]
    assert [(each.task_id.value, each.state) for each in lost] == [
        ("t1", mesos.TASK_LOST),
        ("t2", mesos.TASK_LOST),
    ]
    assert len(driven.session.tasks) == 0


@pytest.mark.parametrize("failure", [BadRequest(400, "no"), Unavailable(503, ""), NotSubscribed(403, "")])
def test_tasks_of_a_refused_call_are_lost(failure):
    driven = Driven(framework(capabilities=[{"type": "PARTITION_AWARE"}]))
    driven.subscribe()
    driven.do(accept("t1"))
    (call,) = driven.calls()
    assert "t1" in driven.session.tasks
    failed(driven, call, failure)
    lost = [e.status for e in driven.delivered() if isinstance(e, events.StatusUpdate)]
    assert [(each.task_id.value, each.state) for each in lost] == [("t1", mesos.TASK_DROPPED)]
    assert "t1" not in driven.session.tasks


@pytest.mark.parametrize("failure", [ConnectionFailed("x"), InternalError(500, ""), ClientClosed("x")])
def test_tasks_of_a_call_of_unknown_fate_are_asked_for(failure):
    driven = Driven()
    driven.subscribe()
    driven.do(accept("t1"))
    (call,) = driven.calls()
    failed(driven, call, failure)
    assert [e for e in driven.delivered() if isinstance(e, events.StatusUpdate)] == []
    if isinstance(failure, ClientClosed):
        driven.end()
        driven.open()
        driven.receive(subscribed())
    else:
        driven.fire(Kind.RECONCILIATION)
    asked = [call for call in driven.calls() if call.type == Call.RECONCILE and call.reconcile.tasks]
    assert [each.task_id.value for call in asked for each in call.reconcile.tasks] == ["t1"]


@pytest.mark.parametrize("failure", [StreamIdRejected(400, ""), NotSubscribed(403, "")])
def test_a_master_that_forgot_the_stream_gets_another(failure):
    driven = Driven()
    driven.subscribe()
    driven.do(v0.ReviveOffers([]))
    (call,) = driven.calls()
    assert of(commands.CloseStream, failed(driven, call, failure))
    assert driven.session.phase is Phase.PAUSING
    driven.open()
    driven.receive(subscribed())
    driven.take()
    assert driven.do(commands.CallFailed(call, 1, failure)) == []
    assert driven.session.phase is Phase.CONNECTED


def test_what_is_suppressed_is_told_to_the_next_master():
    driven = Driven(framework(roles=["a", "b"]), suppressed_roles=["a"])
    driven.subscribe()
    driven.do(v0.SuppressOffers(["b"]))
    driven.do(v0.ReviveOffers(["a"]))
    suppress, revive = driven.calls()
    assert (list(suppress.suppress.roles), list(revive.revive.roles)) == (["b"], ["a"])
    driven.end()
    driven.do(v0.SuppressOffers([]))
    driven.open()
    (opened,) = of(commands.OpenStream, driven.take())
    assert list(opened.call.subscribe.suppressed_roles) == ["a", "b"]


def test_updating_the_framework():
    driven = Driven()
    with pytest.raises(DriverMisuse, match="registered"):
        driven.session.check(v0.UpdateFramework(framework(), [], None))
    driven.subscribe()
    with pytest.raises(DriverMisuse, match="set its id"):
        driven.session.check(v0.UpdateFramework(framework(), [], None))
    info = framework(id=mesos.FrameworkID(value=FRAMEWORK_ID), name="renamed", user="")
    event = v0.UpdateFramework(info, ["*"], None)
    driven.session.check(event)
    driven.do(event)
    (call,) = driven.calls()
    assert call.update_framework.framework_info.name == "renamed"
    assert call.update_framework.framework_info.user == "nobody"
    with pytest.raises(DriverMisuse, match="task id"):
        driven.session.check(v0.KillTask(mesos.TaskID(value="")))
    driven.session.check(v0.ReconcileTasks([mesos.TaskStatus(task_id=mesos.TaskID(value="t"))]))
    with pytest.raises(DriverMisuse, match="task id of each"):
        driven.session.check(v0.ReconcileTasks([mesos.TaskStatus()]))
    incomplete = mesos.Offer.Operation(type=mesos.Offer.Operation.LAUNCH)
    incomplete.launch.task_infos.add(name="x")
    with pytest.raises(DriverMisuse, match="task_id"):
        driven.session.check(v0.AcceptOffers([], [incomplete], mesos.Filters()))


def test_stop_ends_the_framework_and_stop_failover_does_not():
    for failover in (False, True):
        driven = Driven()
        driven.subscribe()
        done = driven.do(v0.Stop(failover))
        sent = [c.call.type for c in of(commands.SendCall, done)]
        assert sent == ([] if failover else [Call.TEARDOWN])
        assert bool(of(v0.ForgetFramework, done)) is not failover
        assert of(v0.Ended, done) == [v0.Ended(Status.STOPPED)] and done[-1] == v0.Close()
        assert driven.do(v0.Stop(failover)) == [] and driven.do(v0.Abort()) == []


def test_an_aborted_driver_lingers_for_a_stop():
    driven = Driven()
    driven.subscribe()
    done = driven.do(v0.Abort("broken"))
    assert of(v0.Ended, done) == [v0.Ended(Status.ABORTED, "broken")] and not of(v0.Close, done)
    assert driven.receive(update()) == []
    stopped = driven.do(v0.Stop(False))
    assert [c.call.type for c in of(commands.SendCall, stopped)] == [Call.TEARDOWN]
    assert of(v0.Close, stopped) and not of(v0.Ended, stopped)
    for finish in (lambda d: d.do(commands.CloseNow()), lambda d: d.fire(Kind.LINGER)):
        other = Driven()
        other.subscribe()
        other.do(v0.Abort())
        assert finish(other) == [v0.Close()]
        assert other.do(v0.Stop(False)) == []


@pytest.mark.parametrize(
    ("message", "forgets"),
    [("Framework failed over", False), ("Framework has been removed", True), ("x", False)],
)
def test_errors_of_the_master_end_the_driver(message, forgets):
    driven = Driven()
    driven.subscribe()
    done = driven.receive(error(message), update())
    assert of(v0.Ended, done) == [v0.Ended(Status.ABORTED, message)]
    assert bool(of(v0.ForgetFramework, done)) is forgets
    assert not of(v0.Deliver, done)


def test_detection_that_fails_ends_the_driver():
    driven = Driven()
    driven.do(v0.Start())
    (ended, _) = driven.do(v0.DetectionFailed("no way"))
    assert "no way" in ended.reason


def test_options_that_cannot_be_meant():
    for wrong in ({"heartbeats_missed": 0.5}, {"subscribe_timeout": 0.0}, {"backoff": -1.0}):
        with pytest.raises(DriverMisuse):
            HttpOptions(**wrong)


def test_only_a_framework_that_there_is_is_said_to_stay(caplog):
    never, gone = Driven(), Driven()
    never.do(v0.Start())
    never.do(v0.Stop(failover=False))
    assert "stays" not in caplog.text
    gone.subscribe()
    gone.end(ConnectionFailed(f"{URL}: Connection refused"))
    assert f"{URL}: Connection refused; subscribing again" in caplog.text and caplog.text.count(URL) == 1
    gone.do(v0.Stop(failover=False))
    assert "it stays for its failover_timeout" in caplog.text
