"""What an executor has in hand: tasks and updates that its agent may not know of yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mesos_proto.v1 import executor_pb2 as executor
from mesos_proto.v1 import mesos_pb2 as mesos

from ..environment import ExecutorEnvironment
from ..session import TERMINAL

_Update = executor.Call.Update


class Work:
    """Tasks without an acknowledged update, by id, and updates without acknowledgement, by uuid, both in
    their order; `unfinished` are the tasks without a terminal update."""

    def __init__(self, environment: ExecutorEnvironment, make_uuid: Callable[[], bytes]) -> None:
        self.tasks: dict[str, mesos.TaskInfo] = {}
        self.updates: dict[bytes, _Update] = {}
        self.unfinished: set[str] = set()
        self._agent_id = mesos.AgentID(value=environment.agent_id)
        self._executor_id = mesos.ExecutorID(value=environment.executor_id)
        self._make_uuid = make_uuid

    def launched(self, tasks: Sequence[mesos.TaskInfo]) -> bool:
        """Take tasks; False, and nothing changed, when one of them is in hand already."""
        if any(task.task_id.value in self.tasks for task in tasks):
            return False
        for task in tasks:
            # A copy: what the user does to his must not change what a restarted agent is told.
            kept = self.tasks[task.task_id.value] = mesos.TaskInfo()
            kept.CopyFrom(task)
            self.unfinished.add(task.task_id.value)
        return True

    def reported(self, status: mesos.TaskStatus, now: float) -> _Update:
        """Return the update for a status, with what agents and schedulers want to see in it."""
        update = _Update(status=status)
        reported = update.status
        reported.uuid = self._make_uuid()
        reported.timestamp = now
        reported.source = mesos.TaskStatus.SOURCE_EXECUTOR
        reported.executor_id.CopyFrom(self._executor_id)
        reported.agent_id.CopyFrom(self._agent_id)
        self.updates[reported.uuid] = update
        if status.state in TERMINAL:
            self.unfinished.discard(status.task_id.value)
        return update

    def acknowledged(self, task_id: mesos.TaskID, uuid: bytes) -> bool:
        """Take note that the agent keeps an update; False when it is not one of ours."""
        if self.updates.pop(uuid, None) is None:
            return False
        self.tasks.pop(task_id.value, None)
        return True
