"""The v1 session against a model of an agent that dies, refuses and is late: hundreds of histories."""

from __future__ import annotations

import logging
import random
from collections import deque

import pytest
from executor_helpers import status
from executor_v1_helpers import (
    SHUTDOWN,
    Call,
    Conversation,
    E,
    acknowledged,
    error,
    invoked,
    kill,
    launch,
    launch_group,
    message,
    only,
    subscribed,
)
from mesos_executor import Status, events
from mesos_executor import commands as v0
from mesos_executor.v1 import State
from mesos_executor.v1.commands import (
    CallDone,
    CallFailed,
    CloseStream,
    Command,
    Congested,
    EventsReceived,
    OpenStream,
    SendCall,
    SessionEvent,
    StartTimer,
    StreamEnded,
    TimerFired,
    TimerKind,
)
from mesos_http import (
    BadRequest,
    ConnectionFailed,
    DecodeError,
    FrameworkUnknown,
    MesosHttpError,
    NotFound,
    NotSubscribed,
    TimedOut,
    Unavailable,
)
from mesos_proto.v1 import mesos_pb2 as mesos

SEEDS = 300
STEPS = 120
RUNNING, FINISHED = mesos.TASK_RUNNING, mesos.TASK_FINISHED


class History:
    """A checkpointing agent that loses nothing it has taken, the network between, and one session."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.conversation = Conversation(
            uniform=0.0,
            MESOS_CHECKPOINT="1",
            MESOS_RECOVERY_TIMEOUT="1weeks",
        )
        self.attempt: int | None = None  # one that waits for its answer
        self.stream: int | None = None  # one that the agent has accepted
        self.events: deque[E] = deque()  # on their way to the session
        self.call: SendCall | None = None
        self.timers: list[TimerFired] = []
        self.launched: list[str] = []  # by the agent, and never lost by it
        self.told: list[str] = []  # to the user
        self.reported: dict[str, list[int]] = {}
        self.taken: dict[bytes, mesos.TaskStatus] = {}
        self.do(v0.Start())

    # The session's side.

    def do(self, event: SessionEvent) -> None:
        commands = self.conversation.handle(event)
        for command in commands:
            if isinstance(command, OpenStream):
                assert self.attempt is None and self.stream is None, "one attempt at a time"
                self.attempt = command.attempt
                self.opened = command.call
            elif isinstance(command, CloseStream):
                self.attempt = self.stream = self.call = None
                self.events.clear()
            elif isinstance(command, SendCall):
                assert self.call is None, "one call at a time"
                assert command.attempt == self.stream
                self.call = command
            elif isinstance(command, StartTimer):
                if command.fired.kind is not TimerKind.RECOVERY:  # It is a week.
                    self.timers.append(command.fired)
            else:
                assert isinstance(command, v0.Invoke), command
        for told in invoked(commands):
            if isinstance(told, events.TaskLaunched):
                self.told.append(told.task.task_id.value)
                self.report(told.task.task_id.value, RUNNING)

    def report(self, task_id: str, state: mesos.TaskState.ValueType) -> None:
        self.reported.setdefault(task_id, []).append(state)
        self.do(v0.SendStatusUpdate(status(task_id, state)))

    # The agent's side.

    def take(self, reported: mesos.TaskStatus) -> None:
        known = self.taken.setdefault(reported.uuid, reported)
        assert known == reported, "sent again to the last byte"
        if self.stream is not None:
            self.events.append(acknowledged(reported))

    def accept(self) -> None:
        self.stream, self.attempt = self.attempt, None
        body = self.opened.subscribe
        in_hand = {each.task_id.value for each in body.unacknowledged_tasks}
        for update in body.unacknowledged_updates:
            self.take(update.status)
        reported = {each.task_id.value for each in self.taken.values()}
        # What the executor may not have heard of is launched again, as from the queue of an agent.
        self.events.extendleft([subscribed()])
        self.events.extend(launch(each) for each in self.launched if each not in in_hand | reported)

    def answer(self, failure: MesosHttpError | None, *, taken: bool) -> None:
        assert self.call is not None
        call, self.call = self.call.call, None
        attempt = self.stream
        assert attempt is not None
        if taken and call.type == Call.UPDATE:
            self.take(call.update.status)
        self.do(CallDone(attempt) if failure is None else CallFailed(attempt, failure))

    def end_stream(self, failure: MesosHttpError | None) -> None:
        attempt = self.stream if self.stream is not None else self.attempt
        self.stream = self.attempt = None
        self.events.clear()
        assert attempt is not None
        self.call = None
        self.do(StreamEnded(attempt, failure))

    # What happens.

    def step(self, *, kindly: bool) -> bool:
        """Let one thing happen, of those that can; False when nothing can."""
        choices = []
        if self.attempt is not None:
            choices += [self.accept]
            if not kindly:
                choices += [lambda: self.end_stream(self.random.choice(REFUSALS))]
        if self.events:
            choices += [self.deliver] * 3
        if self.call is not None:
            choices += [lambda: self.answer(None, taken=True)] * 3
            if not kindly:
                choices += [
                    lambda: self.answer(Unavailable(503, "recovering"), taken=False),
                    lambda: self.answer(ConnectionFailed("reset"), taken=self.random.random() < 0.5),
                    lambda: self.answer(NotSubscribed(403, "Executor is not subscribed"), taken=False),
                ]
        if self.stream is not None and not kindly:
            choices += [lambda: self.end_stream(self.random.choice(BREAKS))]
        if self.timers:
            choices += [lambda: self.do(self.timers.pop(self.random.randrange(len(self.timers))))]
        if not kindly:
            choices += [self.launch, self.launch, self.finish, lambda: self.do(v0.SendFrameworkMessage(b"x"))]
        if not choices:
            return False
        self.random.choice(choices)()
        return True

    def deliver(self) -> None:
        assert self.stream is not None
        count = self.random.randint(1, len(self.events))
        self.do(EventsReceived(self.stream, [self.events.popleft() for _ in range(count)]))

    def launch(self) -> None:
        task_id = f"task-{len(self.launched)}"
        self.launched.append(task_id)
        if self.stream is not None:
            self.events.append(launch(task_id))

    def finish(self) -> None:
        running = [each for each, states in self.reported.items() if states[-1] == RUNNING]
        if running:
            task_id = self.random.choice(running)
            self.report(task_id, self.random.choice([RUNNING, FINISHED]))


REFUSALS: list[MesosHttpError] = [
    ConnectionFailed("refused"),
    TimedOut("nothing"),
    NotFound(404, ""),
    Unavailable(503, "recovering"),
]
BREAKS: list[MesosHttpError | None] = [None, ConnectionFailed("reset"), DecodeError("what")]


def quiet(history: History) -> bool:
    """Tell whether all is said and done."""
    session = history.conversation.session
    return (
        session.state is State.SUBSCRIBED
        and not (history.events or history.call or session.work.updates)
        and len(history.told) == len(history.launched)
    )


@pytest.fixture(autouse=True)
def no_words(caplog: pytest.LogCaptureFixture) -> None:
    """Thousands of warnings would take longer than what they are about."""
    caplog.set_level(logging.CRITICAL, "mesos.executor")


def test_every_task_comes_once_and_every_update_arrives_in_order() -> None:
    for seed in range(SEEDS):
        history = History(seed)
        try:
            for _ in range(STEPS):
                history.step(kindly=False)
            for _ in range(10_000):
                history.timers = [each for each in history.timers if each.kind is not TimerKind.HEARTBEAT]
                if quiet(history) or not history.step(kindly=True):
                    break
            assert quiet(history)
            assert sorted(history.told) == sorted(history.launched), "each once"
            taken: dict[str, list[int]] = {}
            for each in history.taken.values():
                taken.setdefault(each.task_id.value, []).append(each.state)
            assert taken == history.reported
            assert history.conversation.session.status is Status.RUNNING
        except AssertionError as failure:
            raise AssertionError(f"seed {seed}: {failure}") from failure


def anything(chance: random.Random, timers: list[TimerFired]) -> SessionEvent:
    """Return an event that may make no sense now; timers are those started at any time."""
    attempt = chance.randint(0, 4)
    failures = [*REFUSALS, *BREAKS, BadRequest(400, "no"), FrameworkUnknown(400, "cannot be found")]
    failure = chance.choice(failures)
    said = [
        *(subscribed(), launch("a"), launch_group("a", "b"), kill("a"), kill("b", 1), message(b"x")),
        *(SHUTDOWN, E(type=E.HEARTBEAT), E(type=E.LAUNCH), E(), error("no")),
        acknowledged(status("a", RUNNING)),
    ]
    return chance.choice(
        [
            v0.Start(),
            EventsReceived(attempt, chance.sample(said, chance.randint(0, 3))),
            StreamEnded(attempt, failure),
            CallDone(attempt),
            CallFailed(attempt, failure or ConnectionFailed("reset")),
            Congested(chance.random() < 0.5),
            *([chance.choice(timers)] if timers else []),
            v0.SendStatusUpdate(status(chance.choice("ab"), chance.choice([RUNNING, FINISHED]))),
            v0.SendFrameworkMessage(b"x"),
            *([v0.ShutdownReturned(), v0.End(Status.STOPPED)] if chance.random() < 0.2 else []),
        ]
    )


def test_events_in_any_order_do_no_harm() -> None:
    for seed in range(200):
        chance = random.Random(seed)
        changes = {"MESOS_CHECKPOINT": chance.choice("01"), **({"MESOS_LOCAL": "1"} if seed % 2 else {})}
        conversation = Conversation(uniform=chance.random(), **changes)
        timers: list[TimerFired] = []
        done: list[Command] = []
        for _ in range(60):
            closed = conversation.session.state is State.CLOSED
            commands = conversation.handle(anything(chance, timers))
            assert not (closed and commands), (seed, commands)
            timers += [each.fired for each in only(commands, StartTimer)]
            done += commands
        ended = [place for place, each in enumerate(done) if isinstance(each, v0.Ended)]
        assert len(ended) <= 1, seed
        assert not invoked(done[ended[0] :] if ended else []), seed
        closed = conversation.session.state is State.CLOSED
        assert len(only(done, v0.Close)) == (1 if closed else 0), seed
        opened = [each.attempt for each in only(done, OpenStream)]
        assert opened == list(range(1, len(opened) + 1)), seed
