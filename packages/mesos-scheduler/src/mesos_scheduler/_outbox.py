"""Collects what a session wants done, in order."""

from __future__ import annotations

import logging
from collections import Counter

from google.protobuf.message import Message
from mesos_messenger import UPID

from .commands import Command, Deliver, Send, StartTimer, TimerFired, TimerKind
from .events import Event

_log = logging.getLogger("mesos.scheduler")


class Outbox:
    """The commands of the event being handled; also numbers the timers and counts what was dropped."""

    def __init__(self) -> None:
        self.dropped: Counter[str] = Counter()
        self._commands: list[Command] = []
        self._timers: dict[TimerKind, int] = {}

    def add(self, command: Command) -> None:
        """Add a command."""
        self._commands.append(command)

    def send(self, upid: UPID, message: Message) -> None:
        """Send one message."""
        self._commands.append(Send(upid, (message,)))

    def deliver(self, event: Event, size: int = 100) -> None:
        """Tell the user."""
        last = self._commands[-1] if self._commands else None
        if type(last) is Deliver:
            last.events.append(event)
            last.size += size
        else:
            self._commands.append(Deliver([event], size))

    def start_timer(self, kind: TimerKind, seconds: float) -> None:
        """Start a timer; an earlier one of its kind counts no more."""
        number = self._timers[kind] = self._timers.get(kind, 0) + 1
        self._commands.append(StartTimer(seconds, TimerFired(kind, number)))

    def stop_timer(self, kind: TimerKind) -> None:
        """Let no timer of this kind count."""
        self._timers[kind] = self._timers.get(kind, 0) + 1

    def is_current(self, fired: TimerFired) -> bool:
        """Tell whether this timer still counts."""
        return self._timers.get(fired.kind) == fired.number

    def drop(self, message: Message, reason: str) -> None:
        """Count a message that is not acted on; say so the first time, and now and then after."""
        what = f"{type(message).__name__}: {reason}"
        self.dropped[what] += 1
        count = self.dropped[what]
        if count & (count - 1) == 0:
            _log.warning("dropped %s (%d so far)", what, count)

    def take(self) -> list[Command]:
        """Return the commands collected, and begin anew."""
        commands, self._commands = self._commands, []
        return commands
