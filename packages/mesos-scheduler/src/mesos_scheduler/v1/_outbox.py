"""Collects what a session wants done, in order, and numbers its timers."""

from __future__ import annotations

from ..commands import Deliver
from ..events import Event
from .commands import Command, StartTimer, TimerFired, TimerKind


class Outbox:
    """The commands of the event being handled."""

    def __init__(self) -> None:
        self._commands: list[Command] = []
        self._timers: dict[TimerKind, int] = {}

    def add(self, command: Command) -> None:
        """Add a command."""
        self._commands.append(command)

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

    def take(self) -> list[Command]:
        """Return the commands collected, and begin anew."""
        commands, self._commands = self._commands, []
        return commands
