"""The session under arbitrary histories: what must hold whatever happens."""

from __future__ import annotations

from executor_helpers import (
    AGENT,
    Conversation,
    acknowledge,
    connected,
    framework_message,
    invoked,
    kill_task,
    only,
    reconnect,
    registered,
    reregistered,
    run_task,
    sent,
    status,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from mesos_executor import Status, events
from mesos_executor.commands import (
    Close,
    End,
    Ended,
    Link,
    LinkBroken,
    Received,
    SendFrameworkMessage,
    SendStatusUpdate,
    ShutdownReturned,
    StartTimer,
    StartWatchdog,
    TimerFired,
    TimerKind,
)
from mesos_executor.session import State
from mesos_messenger import UPID
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v1 import mesos_pb2 as v1

STRANGER = UPID.parse("slave(1)@127.0.0.1:6666")
LIVE = (State.REGISTERING, State.CONNECTED, State.RECONNECTING)
TASKS = st.sampled_from(["one", "two", "three"])
STATES = st.sampled_from([v1.TASK_STARTING, v1.TASK_RUNNING, v1.TASK_FINISHED, v1.TASK_KILLED])
MESSAGES = st.one_of(
    st.builds(registered),
    st.builds(reregistered),
    st.builds(reconnect, st.sampled_from(["agent-S0", "agent-S1"])),
    st.builds(run_task, TASKS),
    st.builds(kill_task, TASKS),
    st.builds(framework_message, st.binary(max_size=3)),
    st.builds(internal.ShutdownExecutorMessage),
)
EVENTS = st.one_of(
    st.builds(Received, st.sampled_from([AGENT, AGENT, AGENT, STRANGER]), MESSAGES),
    st.builds(SendStatusUpdate, st.builds(status, TASKS, STATES)),
    st.builds(SendFrameworkMessage, st.binary(max_size=3)),
    st.builds(LinkBroken, st.integers(1, 4)),
    st.builds(TimerFired, st.sampled_from(TimerKind), st.integers(0, 4)),
    st.just("acknowledge"),
    st.just("shutdown returned"),
    st.builds(End, st.sampled_from([Status.STOPPED, Status.ABORTED])),
)


def play(history: list[object], checkpoint: str) -> Conversation:
    """Run a history to its end."""
    conversation = connected(MESOS_CHECKPOINT=checkpoint)
    for step in history:
        if step == "acknowledge":
            updates = list(conversation.session.updates.values())
            if updates:
                conversation.receive(acknowledge(updates[0]), sender=conversation.session.agent)
        elif step == "shutdown returned":
            # It returns only after it has been called.
            if events.Shutdown() in invoked(conversation.commands):
                conversation.handle(ShutdownReturned())
        else:
            conversation.handle(step)  # type: ignore[arg-type]
    return conversation


HISTORIES = st.lists(EVENTS, max_size=30)


@settings(deadline=None, max_examples=200, derandomize=True)
@given(HISTORIES, st.sampled_from(["0", "1"]))
def test_an_end_is_final(history: list[object], checkpoint: str) -> None:
    conversation = play(history, checkpoint)
    commands = conversation.commands
    assert len(only(commands, Ended)) <= 1
    assert len(only(commands, Close)) <= 1
    assert len(only(commands, StartWatchdog)) <= 1
    ends = [index for index, command in enumerate(commands) if isinstance(command, Ended)]
    if ends:
        after = commands[ends[0] + 1 :]
        assert not [command for command in after if not isinstance(command, (StartTimer, Close))]
        assert conversation.session.status in (Status.STOPPED, Status.ABORTED)
    else:
        assert conversation.session.status is Status.RUNNING
        assert not only(commands, Close)
    told = invoked(commands)
    if events.Shutdown() in told:
        assert told[-1] == events.Shutdown(), "nothing comes after shutdown"


@settings(deadline=None, max_examples=200, derandomize=True)
@given(HISTORIES)
def test_what_is_not_acknowledged_is_sent_again(history: list[object]) -> None:
    conversation = connected(MESOS_CHECKPOINT="1")
    expected: list[bytes] = []
    for step in history:
        if step == "acknowledge" and expected:
            heard = conversation.session.state is State.CONNECTED
            update = conversation.session.updates[expected[0]]
            conversation.receive(acknowledge(update), sender=conversation.session.agent)
            if heard:
                del expected[0]
        elif isinstance(step, (Received, SendStatusUpdate, LinkBroken)):
            commands = conversation.handle(step)
            expected += [message.update.uuid for message in sent(commands, internal.StatusUpdateMessage)]
            for message in sent(commands, internal.ReregisterExecutorMessage):
                assert [update.uuid for update in message.updates] == expected
                assert only(commands, Link)[0].reconnect
        if conversation.session.state not in LIVE:
            return
    assert list(conversation.session.updates) == expected
