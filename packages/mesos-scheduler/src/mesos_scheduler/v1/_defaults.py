"""The session that the arguments of a v1 driver ask for, and the calls that only v1 drivers have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2 as scheduler

from .._api import DriverCalls
from .._defaults import complete_framework_info
from ..status import Status
from ..store import FrameworkIdStore
from . import commands
from .options import HttpOptions
from .session import HttpSession


def make_session(
    framework_info: mesos.FrameworkInfo,
    store: FrameworkIdStore | None,
    options: HttpOptions | None,
    implicit_acknowledgements: bool,
    suppressed_roles: Iterable[str],
    known_tasks: Iterable[mesos.TaskStatus],
) -> HttpSession:
    """Return the session that these arguments of a driver ask for."""
    info = complete_framework_info(framework_info)
    if store is not None and not info.id.value:
        info.id.value = store.load() or ""
    settings = replace(options or HttpOptions(), implicit_acknowledgements=implicit_acknowledgements)
    return HttpSession(info, settings, suppressed_roles, known_tasks=known_tasks)


class OperationCalls(DriverCalls):
    """What a program may ask about operations."""

    def reconcile_operations(
        self, operations: Iterable[scheduler.Call.ReconcileOperations.Operation] = ()
    ) -> Status:
        """Ask for the state of operations; none named: of all."""
        return self._do(commands.ReconcileOperations(list(operations)))

    def acknowledge_operation_status(self, status: mesos.OperationStatus) -> Status:
        """Acknowledge the state of an operation; for drivers with `implicit_acknowledgements=False` only."""
        return self._do(commands.AcknowledgeOperationStatus(status))
