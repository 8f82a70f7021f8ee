"""The tasks a framework has launched and not yet seen end, and asking the master about them.

Reconciles as Mesos's documentation advises: asks for the tasks it knows, again and again with growing
pauses, until there was an update for each after the question.
"""

from __future__ import annotations

from collections.abc import Iterator

from mesos_proto.v1 import mesos_pb2 as v1

TERMINAL = frozenset(
    v1.TaskState.Value(f"TASK_{name}")
    for name in ("FINISHED", "FAILED", "KILLED", "LOST", "ERROR", "DROPPED", "GONE", "GONE_BY_OPERATOR")
)

BATCH = 10_000
"""How many tasks one call asks for."""


class Tasks:
    """Every task of which no terminal state was seen: task id to agent id ("" when unknown)."""

    def __init__(self) -> None:
        self._agents: dict[str, str] = {}
        self._unanswered: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._agents)

    def __contains__(self, task_id: object) -> bool:
        return task_id in self._agents

    def __iter__(self) -> Iterator[str]:
        return iter(self._agents)

    @property
    def unanswered(self) -> int:
        """How many tasks the round running has no answer for."""
        return len(self._unanswered)

    def launched(self, task_id: str, agent_id: str) -> None:
        """Take note of a task on its way."""
        self._agents[task_id] = agent_id

    def updated(self, task_id: str, agent_id: str, state: int) -> None:
        """Take note of a state."""
        if state in TERMINAL:
            self._agents.pop(task_id, None)
        elif agent_id or task_id not in self._agents:
            self._agents[task_id] = agent_id
        if self._unanswered:
            self._unanswered.pop(task_id, None)

    def ask_for_all(self) -> None:
        """Begin a round: every task known now is without an answer."""
        self._unanswered = dict.fromkeys(self._agents)

    def questions(self) -> list[list[tuple[str, str]]]:
        """Return (task id, agent id) of what is still without an answer, one list for each call."""
        asked = [(task_id, self._agents.get(task_id, "")) for task_id in self._unanswered]
        return [asked[start : start + BATCH] for start in range(0, len(asked), BATCH)]
