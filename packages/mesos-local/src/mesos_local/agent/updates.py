"""One task's status updates on their way to the scheduler: one in flight, the others wait behind it.

Mirrors upstream's src/slave/task_status_update_manager.cpp: an update is sent again and again until the
scheduler acknowledges it; only then goes the next.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal

__all__ = ["UpdateStream"]


@dataclass(slots=True)
class UpdateStream:
    """The updates of one task of one framework that are not acknowledged, oldest first."""

    pending: deque[internal.StatusUpdate] = field(default_factory=deque)
    received: set[bytes] = field(default_factory=set)
    retry: float = 0.0
    """How long to wait for the acknowledgement of the first one, before it is sent again."""
    latest: mesos.TaskState.ValueType | None = None

    @property
    def head(self) -> internal.StatusUpdate | None:
        return self.pending[0] if self.pending else None

    def add(self, update: internal.StatusUpdate) -> bool:
        """Queue an update; tells whether it is new."""
        if update.uuid in self.received:
            return False
        self.received.add(update.uuid)
        self.pending.append(update)
        self.latest = update.status.state
        return True

    def acknowledge(self, uuid: bytes) -> internal.StatusUpdate | None:
        """Drop the first update when `uuid` is its own, and give it; anything else is not expected."""
        if not self.pending or self.pending[0].uuid != uuid:
            return None
        return self.pending.popleft()
