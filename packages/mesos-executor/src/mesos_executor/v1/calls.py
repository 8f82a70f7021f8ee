"""Every call of the v1 executor API, one function each: pure, from values to `mesos.v1.executor.Call`.

Messages passed in are copied; one that lacks required fields raises `DriverMisuse`. Mirrors upstream's
include/mesos/v1/executor/executor.proto.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import ParamSpec

from google.protobuf.message import EncodeError
from mesos_proto.v1 import executor_pb2 as executor
from mesos_proto.v1 import mesos_pb2 as mesos

from ..errors import DriverMisuse

Call = executor.Call
_P = ParamSpec("_P")


def _checked(make: Callable[_P, Call]) -> Callable[_P, Call]:
    """Raise `DriverMisuse` when required fields are missing."""

    @functools.wraps(make)
    def checked(*args: _P.args, **kwargs: _P.kwargs) -> Call:
        try:
            call = make(*args, **kwargs)
        except (EncodeError, TypeError) as error:
            raise DriverMisuse(f"{make.__name__}: {error}") from error
        if not call.IsInitialized():
            missing = ", ".join(call.FindInitializationErrors())  # type: ignore[attr-defined]
            raise DriverMisuse(f"{make.__name__}: required fields are missing: {missing}")
        return call

    return checked


@_checked
def subscribe(
    framework_id: mesos.FrameworkID,
    executor_id: mesos.ExecutorID,
    unacknowledged_tasks: Iterable[mesos.TaskInfo] = (),
    unacknowledged_updates: Iterable[Call.Update] = (),
) -> Call:
    """SUBSCRIBE; an agent that restarted learns what it may not know of: tasks and updates that it has not
    acknowledged."""
    body = Call.Subscribe(
        unacknowledged_tasks=unacknowledged_tasks, unacknowledged_updates=unacknowledged_updates
    )
    return Call(type=Call.SUBSCRIBE, framework_id=framework_id, executor_id=executor_id, subscribe=body)


@_checked
def update(framework_id: mesos.FrameworkID, executor_id: mesos.ExecutorID, status: mesos.TaskStatus) -> Call:
    """UPDATE: report about a task. The agent wants `source` SOURCE_EXECUTOR and a random `uuid` of 16 bytes,
    and no TASK_STAGING."""
    body = Call.Update(status=status)
    return Call(type=Call.UPDATE, framework_id=framework_id, executor_id=executor_id, update=body)


@_checked
def message(framework_id: mesos.FrameworkID, executor_id: mesos.ExecutorID, data: bytes) -> Call:
    """MESSAGE: bytes for the scheduler; delivery is not guaranteed."""
    body = Call.Message(data=data)
    return Call(type=Call.MESSAGE, framework_id=framework_id, executor_id=executor_id, message=body)


@_checked
def heartbeat(framework_id: mesos.FrameworkID, executor_id: mesos.ExecutorID) -> Call:
    """HEARTBEAT: keep an idle connection alive (agents of 1.8 or newer)."""
    return Call(type=Call.HEARTBEAT, framework_id=framework_id, executor_id=executor_id)
