"""The calls of a driver, which every form of it has."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from google.protobuf.message import Message
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2

from . import commands, events
from .status import Status

_M = TypeVar("_M", bound=Message)


class Session(Protocol):
    """What a driver asks its session itself."""

    @property
    def framework_id(self) -> str:
        """The framework's id; empty before the first registration."""

    def check(self, event: commands.UserCall) -> None:
        """Raise `DriverMisuse` for a call that cannot work; changes nothing."""


class Shell(Protocol):
    """What runs a session, as its driver sees it."""

    @property
    def closed(self) -> threading.Event:
        """Set when every socket is closed."""

    def start(self) -> None:
        """Begin."""

    def post(self, event: commands.UserCall | commands.Stop | commands.Abort, /) -> None:
        """Give the session an event."""

    def post_quietly(self, item: events.Acknowledgement | commands.AcknowledgeStatusUpdate, /) -> None:
        """Give the session what can wait for a moment."""

    def batch_done(self, size: int) -> None:
        """Take note that callbacks for so many bytes have returned."""

    def close_soon(self) -> None:
        """Close: nobody will call `stop` any more."""


class DriverCalls:
    """What a program may ask of a driver. Each call returns the driver's status, and does nothing on one
    that is not running."""

    _session: Session
    _shell: Shell
    _status: Status
    _around: Callable[[Any], object] | None = None

    @property
    def status(self) -> Status:
        """What the driver is doing."""
        return self._status

    @property
    def framework_id(self) -> mesos.FrameworkID | None:
        """The framework's id, once it has one."""
        value = self._session.framework_id
        return mesos.FrameworkID(value=value) if value else None

    def accept_offers(
        self,
        offer_ids: Iterable[mesos.OfferID],
        operations: Iterable[mesos.Offer.Operation],
        filters: mesos.Filters | None = None,
    ) -> Status:
        """Apply operations, in order, to offers of one agent.

        While the driver is disconnected, each task to launch is reported lost instead.
        """
        return self._do(
            commands.AcceptOffers(list(offer_ids), _copies(operations), filters or mesos.Filters())
        )

    def launch_tasks(
        self,
        offer_ids: mesos.OfferID | Iterable[mesos.OfferID],
        tasks: Iterable[mesos.TaskInfo],
        filters: mesos.Filters | None = None,
    ) -> Status:
        """Launch tasks on offers of one agent; what is left over is declined with the filters."""
        operation = mesos.Offer.Operation(type=mesos.Offer.Operation.LAUNCH)
        operation.launch.task_infos.extend(tasks)
        return self.accept_offers(_listed(offer_ids), [operation], filters)

    def decline_offer(
        self,
        offer_ids: mesos.OfferID | Iterable[mesos.OfferID],
        filters: mesos.Filters | None = None,
    ) -> Status:
        """Decline offers."""
        return self._do(commands.DeclineOffers(_listed(offer_ids), filters or mesos.Filters()))

    def accept_inverse_offers(
        self, inverse_offer_ids: Iterable[mesos.OfferID], filters: mesos.Filters | None = None
    ) -> Status:
        """Agree to free the resources."""
        return self._do(
            commands.AnswerInverseOffers(list(inverse_offer_ids), filters or mesos.Filters(), True)
        )

    def decline_inverse_offers(
        self, inverse_offer_ids: Iterable[mesos.OfferID], filters: mesos.Filters | None = None
    ) -> Status:
        """Refuse to free the resources."""
        return self._do(
            commands.AnswerInverseOffers(list(inverse_offer_ids), filters or mesos.Filters(), False)
        )

    def revive_offers(self, roles: Iterable[str] = ()) -> Status:
        """Ask for offers again, without filters; no roles: for every role."""
        return self._do(commands.ReviveOffers(list(roles)))

    def suppress_offers(self, roles: Iterable[str] = ()) -> Status:
        """Ask for no more offers; no roles: for no role."""
        return self._do(commands.SuppressOffers(list(roles)))

    def request_resources(self, requests: Iterable[mesos.Request]) -> Status:
        """Ask for resources; the stock allocator does not listen."""
        return self._do(commands.RequestResources(_copies(requests)))

    def kill_task(
        self,
        task_id: mesos.TaskID,
        agent_id: mesos.AgentID | None = None,
        kill_policy: mesos.KillPolicy | None = None,
    ) -> Status:
        """Have a task killed; not guaranteed, repeat when no update comes."""
        return self._do(commands.KillTask(task_id, agent_id, kill_policy))

    def shutdown_executor(self, executor_id: mesos.ExecutorID, agent_id: mesos.AgentID) -> Status:
        """Have an executor shut down."""
        return self._do(commands.ShutdownExecutor(executor_id, agent_id))

    def send_framework_message(
        self, executor_id: mesos.ExecutorID, agent_id: mesos.AgentID, data: bytes
    ) -> Status:
        """Send bytes to an executor, straight to its agent when a task was launched there."""
        return self._do(commands.SendFrameworkMessage(executor_id, agent_id, bytes(data)))

    def reconcile_tasks(self, statuses: Iterable[mesos.TaskStatus] = ()) -> Status:
        """Ask for the state of tasks (only `task_id` and `agent_id` matter); none named: of all."""
        return self._do(commands.ReconcileTasks(_copies(statuses)))

    def acknowledge_status_update(self, status: mesos.TaskStatus) -> Status:
        """Acknowledge an update; for drivers with `implicit_acknowledgements=False` only."""
        return self._do(commands.AcknowledgeStatusUpdate(events.Acknowledgement.of(status)))

    def update_framework(
        self,
        framework_info: mesos.FrameworkInfo,
        suppressed_roles: Iterable[str] = (),
        offer_constraints: scheduler_pb2.OfferConstraints | None = None,
    ) -> Status:
        """Change what the master knows of the framework; its id must be the one it has."""
        (info,) = _copies([framework_info])
        return self._do(commands.UpdateFramework(info, list(suppressed_roles), offer_constraints))

    def _do(self, call: Any) -> Status:
        if self._around is None:
            self._send(call)
        else:
            self._around(call)
        return self._status

    def _send(self, call: Any) -> None:
        """Give the session a call of its kind; over v1 there are two more."""
        self._session.check(call)
        if self._status is not Status.RUNNING:
            return
        if type(call) is commands.AcknowledgeStatusUpdate:
            self._shell.post_quietly(call)
        else:
            self._shell.post(call)

    def _wrap_calls(self, wrap: Callable[[Callable[[Any], object]], Callable[[Any], object]]) -> None:
        """Put something around what each call from now on goes through (see `extras.handlers.intercept`)."""
        self._around = wrap(self._around or self._send)


def _listed(offer_ids: mesos.OfferID | Iterable[mesos.OfferID]) -> Sequence[mesos.OfferID]:
    return [offer_ids] if isinstance(offer_ids, mesos.OfferID) else list(offer_ids)


def _copies(messages: Iterable[_M]) -> list[_M]:
    """Return copies: the caller may change its own before the loop's thread has written them."""
    copies = []
    for message in messages:
        copy = type(message)()
        copy.CopyFrom(message)
        copies.append(copy)
    return copies
