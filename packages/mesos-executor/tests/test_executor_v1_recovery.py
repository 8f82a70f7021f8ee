"""The v1 session: agents that go away, come back, refuse, say nothing; and how all ends."""

from __future__ import annotations

from typing import Any

import pytest
from executor_v1_helpers import (
    HEARTBEAT,
    SHUTDOWN,
    Conversation,
    acknowledged,
    checkpointing,
    connected,
    error,
    invoked,
    launch,
    message,
    only,
    sent,
    states,
    subscribed,
)
from mesos_executor import Status, events
from mesos_executor import commands as v0
from mesos_executor.v1 import HttpExecutorOptions, State
from mesos_executor.v1.commands import (
    CallDone,
    CloseStream,
    Congested,
    EventsReceived,
    OpenStream,
    StreamEnded,
    TimerKind,
)
from mesos_http import (
    BadRequest,
    ClientMisuse,
    ConnectionFailed,
    DecodeError,
    Forbidden,
    FrameworkUnknown,
    InternalError,
    MesosHttpError,
    NotFound,
    NotSubscribed,
    TimedOut,
    TlsFailed,
    Unauthenticated,
    Unavailable,
)
from mesos_proto.v1 import mesos_pb2 as mesos

RUNNING, FINISHED, KILLED = mesos.TASK_RUNNING, mesos.TASK_FINISHED, mesos.TASK_KILLED
GONE = [None, ConnectionFailed("reset"), TimedOut("no answer"), TlsFailed("closed in the handshake")]


@pytest.mark.parametrize("gone", GONE)
def test_a_lost_agent_has_the_recovery_timeout_to_come_back(gone: MesosHttpError | None) -> None:
    conversation = checkpointing()
    conversation.receive(launch("a"), launch("b"))
    conversation.update("a", RUNNING)
    kept = [each.status for each in conversation.session.work.updates.values()]
    assert invoked(conversation.end_stream(gone)) == [events.Disconnected()]
    assert conversation.session.state is State.PAUSING
    assert conversation.timers[TimerKind.CONNECT].seconds == 0.5, "half of half of 2 s"
    assert conversation.timers[TimerKind.RECOVERY].seconds == 600
    assert conversation.update("b", RUNNING) == [], "kept for the agent that comes"
    (opened,) = only(conversation.fire(TimerKind.CONNECT), OpenStream)
    body = opened.call.subscribe
    assert [each.task_id.value for each in body.unacknowledged_tasks] == ["a", "b"]
    assert [each.status.task_id.value for each in body.unacknowledged_updates] == ["a", "b"]
    assert body.unacknowledged_updates[0].status == kept[0], "the same to the last byte"
    conversation.update("b", FINISHED)
    commands = conversation.receive(subscribed())
    (told,) = invoked(commands)
    assert isinstance(told, events.Reregistered) and told.agent_info.hostname == "agent.example"
    assert states(commands) == [("b", FINISHED)], "what SUBSCRIBE has not told"


def test_the_recovery_timeout_runs_over_all_attempts_until_one_is_accepted() -> None:
    conversation = checkpointing()
    conversation.end_stream()
    timer = conversation.timers[TimerKind.RECOVERY]
    for refusal in (ConnectionFailed("refused"), NotFound(404, ""), Unavailable(503, "recovering"), None):
        conversation.fire(TimerKind.CONNECT)
        assert invoked(conversation.end_stream(refusal)) == [], "told of once"
    assert conversation.timers[TimerKind.RECOVERY] is timer
    conversation.fire(TimerKind.CONNECT)
    commands = conversation.handle(timer.fired)
    assert only(commands, CloseStream) and only(commands, v0.StartWatchdog)
    assert invoked(commands) == [events.Shutdown()]
    assert conversation.session.state is State.ORPHANED
    (ended,) = only(conversation.handle(v0.ShutdownReturned()), v0.Ended)
    assert ended.status is Status.ABORTED and ended.reason is None
    assert conversation.session.state is State.CLOSED


def test_a_bound_of_nothing_does_not_let_an_agent_be_asked_all_the_time() -> None:
    conversation = connected(MESOS_CHECKPOINT="1", MESOS_SUBSCRIPTION_BACKOFF_MAX="0ns")
    conversation.end_stream()
    assert conversation.timers[TimerKind.CONNECT].seconds == 0.005, "half of half of 20 ms"


def test_once_accepted_the_recovery_timeout_counts_no_more() -> None:
    conversation = checkpointing()
    conversation.end_stream()
    old = conversation.timers[TimerKind.RECOVERY].fired
    conversation.fire(TimerKind.CONNECT)
    conversation.receive(subscribed())
    assert conversation.handle(old) == []
    conversation.end_stream()
    assert conversation.handle(old) == []
    assert conversation.timers[TimerKind.RECOVERY].fired.number > old.number


@pytest.mark.parametrize("gone", [None, ConnectionFailed("reset")])
def test_without_checkpointing_a_lost_agent_is_the_end(gone: MesosHttpError | None) -> None:
    conversation = connected()
    conversation.receive(launch("a"))
    commands = conversation.end_stream(gone)
    assert invoked(commands) == [events.Disconnected(), events.Shutdown()]
    assert only(commands, v0.StartWatchdog) == [v0.StartWatchdog(5.0)]
    conversation.handle(v0.ShutdownReturned())
    assert conversation.session.status is Status.RUNNING, "task a has not ended"
    assert sent(conversation.update("a", KILLED)) == []
    assert conversation.session.status is Status.ABORTED


def test_an_agent_that_is_not_there_is_the_end_without_checkpointing() -> None:
    conversation = Conversation()
    conversation.handle(v0.Start())
    assert invoked(conversation.end_stream(ConnectionFailed("refused"))) == [events.Shutdown()]


@pytest.mark.parametrize("refusal", [NotFound(404, ""), Unavailable(503, ""), InternalError(500, "")])
def test_an_agent_that_is_not_ready_is_asked_again(refusal: MesosHttpError) -> None:
    conversation = Conversation()
    conversation.handle(v0.Start())
    for _ in range(3):
        assert invoked(conversation.end_stream(refusal)) == []
        assert only(conversation.fire(TimerKind.CONNECT), OpenStream)
    assert conversation.timers[TimerKind.RECOVERY].seconds == 900, "not for ever"


@pytest.mark.parametrize(
    "refusal",
    [
        BadRequest(400, "no"),
        Unauthenticated(401, "", challenges="Bearer"),
        Forbidden(403, "claims"),
        ClientMisuse("a header"),
        TlsFailed("certificate"),
    ],
)
def test_a_refusal_for_good_ends_the_driver_with_the_reason(refusal: MesosHttpError) -> None:
    conversation = Conversation(MESOS_CHECKPOINT="1")
    conversation.handle(v0.Start())
    commands = conversation.end_stream(refusal)
    (ended,) = only(commands, v0.Ended)
    assert ended.status is Status.ABORTED and ended.reason is not None and str(refusal) in ended.reason
    assert conversation.session.state is State.CLOSED
    assert invoked(commands) == [], "there is nothing to shut down: no task ever came"


def test_an_agent_that_does_not_know_us_any_more_is_the_end() -> None:
    conversation = checkpointing()
    conversation.end_stream()
    conversation.fire(TimerKind.CONNECT)
    commands = conversation.end_stream(FrameworkUnknown(400, "Framework cannot be found"))
    assert invoked(commands) == [events.Shutdown()]
    assert conversation.session.state is State.ORPHANED


@pytest.mark.parametrize("checkpoint", [True, False])
def test_a_stream_that_makes_no_sense_is_replaced(checkpoint: bool) -> None:
    conversation = checkpointing() if checkpoint else connected()
    assert invoked(conversation.end_stream(DecodeError("12 bytes are no event"))) == [events.Disconnected()]
    assert only(conversation.fire(TimerKind.CONNECT), OpenStream)


@pytest.mark.parametrize("checkpoint", [True, False])
@pytest.mark.parametrize(
    "failure",
    [
        ConnectionFailed("reset"),
        TimedOut("no answer"),
        NotSubscribed(403, "Executor is not subscribed"),
        FrameworkUnknown(400, "Executor cannot be found"),
        DecodeError("what is this"),
    ],
)
def test_a_call_with_an_unknown_fate_is_repeated_by_a_new_subscription(
    failure: Any, checkpoint: bool
) -> None:
    conversation = checkpointing() if checkpoint else connected()
    conversation.update("a", RUNNING)
    conversation.update("a", FINISHED)
    conversation.message(b"lost")
    commands = conversation.fail(failure)
    assert only(commands, CloseStream) == [CloseStream(1)]
    assert invoked(commands) == [events.Disconnected()]
    (opened,) = only(conversation.fire(TimerKind.CONNECT), OpenStream)
    told = [each.status.state for each in opened.call.subscribe.unacknowledged_updates]
    assert told == [RUNNING, FINISHED]
    assert sent(conversation.receive(subscribed())) == []
    assert conversation.session.queued == 0


def test_nothing_of_an_earlier_attempt_counts() -> None:
    conversation = checkpointing()
    conversation.update("a", RUNNING)
    conversation.end_stream()
    conversation.fire(TimerKind.CONNECT)
    conversation.receive(subscribed())
    conversation.update("b", RUNNING)
    assert conversation.handle(EventsReceived(1, [launch("c"), SHUTDOWN])) == []
    assert conversation.handle(StreamEnded(1, None)) == []
    assert conversation.handle(CallDone(1)) == []
    assert states(conversation.update("b", FINISHED)) == [], "the update of b is still on its way"
    assert states(conversation.done()) == [("b", FINISHED)]


def test_an_attempt_without_an_answer_is_given_up() -> None:
    conversation = Conversation()
    conversation.handle(v0.Start())
    commands = conversation.fire(TimerKind.SUBSCRIBE)
    assert only(commands, CloseStream) == [CloseStream(1)]
    assert only(conversation.fire(TimerKind.CONNECT), OpenStream)[0].attempt == 2


def test_missed_heartbeats_end_a_stream_but_only_of_an_agent_that_sends_some() -> None:
    options = HttpExecutorOptions(heartbeat_interval=10, heartbeats_missed=3)
    conversation = Conversation(options=options, MESOS_CHECKPOINT="1")
    conversation.handle(v0.Start())
    conversation.receive(subscribed())
    assert TimerKind.LIVENESS not in conversation.timers
    conversation.receive(HEARTBEAT)
    assert conversation.timers[TimerKind.LIVENESS].seconds == 30
    conversation.now += 20
    conversation.receive(message(b"a sign of life too"))
    conversation.now += 10
    conversation.fire(TimerKind.LIVENESS)
    assert conversation.timers[TimerKind.LIVENESS].seconds == 20
    conversation.handle(Congested(True))
    conversation.now += 1000
    conversation.fire(TimerKind.LIVENESS)
    assert conversation.session.state is State.SUBSCRIBED, "it is we who do not read"
    conversation.handle(Congested(False))
    conversation.now += 30
    assert invoked(conversation.fire(TimerKind.LIVENESS)) == [events.Disconnected()]


def test_an_error_of_the_agent_ends_the_driver() -> None:
    conversation = checkpointing()
    conversation.receive(launch("a"))
    conversation.update("a", RUNNING)
    commands = conversation.receive(error("you are not wanted"), launch("b"))
    assert only(commands, v0.Ended) == [v0.Ended(Status.ABORTED, "you are not wanted")]
    assert commands[-2:] == [CloseStream(1), v0.Close()]
    assert invoked(commands) == []


def test_a_shutdown_ends_when_the_tasks_have_and_the_agent_has_it() -> None:
    conversation = connected()
    conversation.receive(launch("a"))
    commands = conversation.receive(SHUTDOWN, launch("b"), SHUTDOWN)
    assert invoked(commands) == [events.Shutdown()]
    assert only(commands, v0.StartWatchdog) == [v0.StartWatchdog(5.0)]
    assert conversation.handle(v0.ShutdownReturned()) == []
    commands = conversation.update("a", KILLED)
    assert states(commands) == [("a", KILLED)]
    assert only(commands, v0.Ended) == [v0.Ended(Status.STOPPED)]
    assert conversation.session.state is State.FLUSHING
    assert conversation.done() == [CloseStream(1), v0.Close()], "no acknowledgement is waited for"


def test_updates_are_sent_after_the_stream_of_a_shutdown_has_ended() -> None:
    conversation = connected()
    conversation.receive(launch("a"), SHUTDOWN)
    assert conversation.end_stream() == []
    assert states(conversation.update("a", KILLED)) == [("a", KILLED)]
    conversation.handle(v0.ShutdownReturned())
    assert conversation.session.state is State.FLUSHING
    assert conversation.done() == [v0.Close()]


def test_a_shutdown_instead_of_subscribed() -> None:
    conversation = checkpointing()
    conversation.receive(launch("a"))
    conversation.end_stream()
    conversation.fire(TimerKind.CONNECT)
    conversation.update("a", RUNNING)
    commands = conversation.receive(SHUTDOWN)
    assert states(commands) == [("a", RUNNING)], "came after SUBSCRIBE had been written"
    assert invoked(commands) == [events.Shutdown()]


def test_an_agent_that_dies_during_a_shutdown_leaves_us_to_end_alone() -> None:
    conversation = connected()
    conversation.receive(launch("a"), SHUTDOWN)
    conversation.update("a", RUNNING)
    conversation.fail(ConnectionFailed("reset"))
    assert conversation.session.state is State.ORPHANED
    conversation.handle(v0.ShutdownReturned())
    assert only(conversation.update("a", KILLED), v0.Ended) == [v0.Ended(Status.ABORTED)]
    assert conversation.session.state is State.CLOSED


def test_a_local_executor_is_not_killed_but_ended_after_the_grace_period() -> None:
    conversation = connected(MESOS_LOCAL="1", MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD="3secs")
    conversation.receive(launch("a"))
    commands = conversation.receive(SHUTDOWN)
    assert not only(commands, v0.StartWatchdog)
    assert conversation.timers[TimerKind.GRACE].seconds == 3
    assert only(conversation.fire(TimerKind.GRACE), v0.Ended) == [v0.Ended(Status.STOPPED)]


def test_stop_waits_for_answers_and_acknowledgements() -> None:
    conversation = connected()
    conversation.update("a", FINISHED)
    conversation.message(b"last words")
    commands = conversation.handle(v0.End(Status.STOPPED))
    assert only(commands, v0.Ended) == [v0.Ended(Status.STOPPED)]
    assert conversation.session.state is State.FLUSHING
    assert [call.message.data for call in sent(conversation.done())] == [b"last words"]
    conversation.done()
    assert conversation.session.state is State.FLUSHING
    (update,) = conversation.session.work.updates.values()
    assert invoked(conversation.receive(launch("b"), message(b"x"))) == []
    assert conversation.receive(acknowledged(update.status)) == [CloseStream(1), v0.Close()]


def test_stop_does_not_wait_for_ever() -> None:
    conversation = connected()
    conversation.update("a", FINISHED)
    conversation.handle(v0.End(Status.STOPPED))
    first = conversation.timers[TimerKind.FLUSH]
    assert first.seconds == 3
    conversation.done()
    assert conversation.handle(first.fired) == [], "an answer came: it goes on"
    assert conversation.fire(TimerKind.FLUSH) == [CloseStream(1), v0.Close()]


@pytest.mark.parametrize("how", ["stream", "call"])
def test_an_agent_that_goes_away_after_stop_is_not_waited_for(how: str) -> None:
    conversation = checkpointing()
    conversation.update("a", FINISHED)
    conversation.handle(v0.End(Status.STOPPED))
    if how == "stream":
        conversation.end_stream(ConnectionFailed("reset"))
        assert conversation.session.state is State.FLUSHING, "the call may still be taken"
        conversation.done()
    else:
        conversation.fail(ConnectionFailed("reset"))
    assert conversation.session.state is State.CLOSED
    assert conversation.session.status is Status.STOPPED
