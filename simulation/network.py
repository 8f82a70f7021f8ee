"""A network in memory with a clock that is moved by hand: connections, links, and what can go wrong.

Messages from one process to another travel in order over one connection, each with a random delay. A
connection that is cut loses what is under way and is noticed by who linked; one that is frozen swallows
everything unnoticed until it is cut. A process that is not there refuses connections.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from google.protobuf.message import Message


class Process(Protocol):
    """What lives at an address."""

    def receive(self, sender: str, message: Message) -> None:
        """Take a message."""


@dataclass
class Connection:
    """One direction between two processes."""

    generation: int = 0
    last: float = 0.0
    frozen: bool = False
    links: list[Callable[[], None]] = field(default_factory=list)


class Network:
    """Every process, every connection, and the time."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.now = 1_000_000.0
        self.processes: dict[str, Process] = {}
        self.delivered = 0
        self.lost = 0
        self._connections: dict[tuple[str, str], Connection] = {}
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    # Time.

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Have something happen after some time."""
        heapq.heappush(self._due, (self.now + seconds, next(self._numbers), call))

    def step(self) -> None:
        """Let the next thing happen."""
        self.now, _, call = heapq.heappop(self._due)
        call()

    # Messages and links.

    def connections(self) -> list[tuple[str, str]]:
        """Return every pair of processes that have spoken, or are linked."""
        return [pair for pair in self._connections if pair[0] in self.processes and pair[1] in self.processes]

    def send(self, sender: str, to: str, message: Message, delay: float | None = None) -> None:
        """Send a message; `delay` is random by default."""
        connection = self._connection(sender, to)
        if connection.frozen:
            self.lost += 1
            return
        if delay is None:
            delay = 0.0005 + self.rng.random() * (0.05 if self.rng.random() < 0.1 else 0.002)
        connection.last = max(connection.last, self.now + delay)
        generation = connection.generation
        # What the other side reads are bytes, and an object of its own.
        kind, body = type(message), message.SerializeToString()

        def deliver() -> None:
            process = self.processes.get(to)
            if connection.generation != generation or connection.frozen:
                self.lost += 1
            elif process is None:
                self.lost += 1
                self._notice(connection)
            else:
                self.delivered += 1
                process.receive(sender, kind.FromString(body))

        self.later(connection.last - self.now, deliver)

    def link(self, sender: str, to: str, broken: Callable[[], None], *, reconnect: bool = False) -> None:
        """Have `broken` called once when the connection ends, or cannot be made."""
        connection = self._connection(sender, to)
        if reconnect and connection.frozen:
            # A new connection takes another way than the one that hangs.
            connection.frozen = False
            connection.generation += 1
        connection.links.append(broken)
        if to not in self.processes:
            self.later(0.001, lambda: self._notice(connection))

    def cut(self, sender: str, to: str) -> None:
        """Break a connection: what is under way is lost, who linked is told."""
        connection = self._connections.get((sender, to))
        if connection is not None:
            connection.generation += 1
            connection.frozen = False
            self.later(0.001, lambda: self._notice(connection))

    def freeze(self, sender: str, to: str, seconds: float) -> None:
        """Let a connection swallow everything for some time, and break then."""
        connection = self._connections.get((sender, to))
        if connection is not None and not connection.frozen:
            connection.frozen = True
            generation = connection.generation

            def end() -> None:
                if connection.frozen and connection.generation == generation:
                    self.cut(sender, to)

            self.later(seconds, end)

    def kill(self, address: str) -> None:
        """Let a process end: its connections break, and what it waited for goes nowhere."""
        self.processes.pop(address, None)
        for (sender, to), connection in list(self._connections.items()):
            if sender == address:
                connection.links.clear()
                self.cut(sender, to)
                del self._connections[sender, to]
            elif to == address:
                self.cut(sender, to)

    def _connection(self, sender: str, to: str) -> Connection:
        return self._connections.setdefault((sender, to), Connection())

    def _notice(self, connection: Connection) -> None:
        links, connection.links = connection.links, []
        for broken in links:
            broken()
