"""Collects what a session wants done, in order: commands, numbered timers, and calls one after the other."""

from __future__ import annotations

from collections import deque

from mesos_proto.v1 import executor_pb2 as executor

from .commands import Command, SendCall, StartTimer, TimerFired, TimerKind


class Outbox:
    """The commands of the event being handled."""

    def __init__(self) -> None:
        self._commands: list[Command] = []
        self._timers: dict[TimerKind, int] = {}

    def add(self, command: Command) -> None:
        """Add a command."""
        self._commands.append(command)

    def start_timer(self, kind: TimerKind, seconds: float) -> None:
        """Start a timer; an earlier one of its kind counts no more."""
        number = self._timers[kind] = self._timers.get(kind, 0) + 1
        self._commands.append(StartTimer(seconds, TimerFired(kind, number)))

    def stop_timers(self, *kinds: TimerKind) -> None:
        """Let timers that run count no more."""
        for kind in kinds:
            self._timers[kind] = self._timers.get(kind, 0) + 1

    def is_current(self, fired: TimerFired) -> bool:
        """Tell whether a timer counts."""
        return self._timers.get(fired.kind) == fired.number

    def take(self) -> list[Command]:
        """Return the commands, and begin anew."""
        commands, self._commands = self._commands, []
        return commands


class Outgoing:
    """The calls of one subscription: one is on its way, the others wait, so that they arrive in order."""

    def __init__(self, out: Outbox) -> None:
        self.size = 0
        """Bytes of the messages among them."""
        self._out = out
        self._attempt = 0
        self._calls: deque[executor.Call] = deque()

    def __bool__(self) -> bool:
        return bool(self._calls)

    def begin(self, attempt: int) -> None:
        """Let calls go to the stream of that attempt; those of an earlier one are forgotten."""
        self.clear()
        self._attempt = attempt

    def put(self, call: executor.Call) -> None:
        """Send a call after those before it."""
        self._calls.append(call)
        self.size += len(call.message.data)
        if len(self._calls) == 1:
            self.again()

    @property
    def current(self) -> executor.Call:
        """The call on its way, or the one to be repeated."""
        return self._calls[0]

    def done(self) -> None:
        """Send the next call: the current one is over."""
        self.size -= len(self._calls.popleft().message.data)
        if self._calls:
            self.again()

    def again(self) -> None:
        """Send the current call (again)."""
        self._out.add(SendCall(self._attempt, self._calls[0]))

    def clear(self) -> None:
        """Forget every call; what becomes of the current one is of no interest."""
        self._calls.clear()
        self.size = 0
