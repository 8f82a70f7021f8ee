"""The scheduler's side of the v1 protocol as a pure state machine.

`HttpSession.handle(event, now)` takes what happened and returns the commands a shell must perform, in
order. No sockets, threads or clocks; chance comes from the `uniform` passed in.

The parts: `_connection` (the way to the leading master), `_inbound` (what it says), and here the user's
calls, their failures, and reconciliation.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from mesos_http import ClientMisuse, InternalError, Next, StatusError
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2 as scheduler

from .. import commands as v0
from .. import events
from .._checks import check_complete
from .._tasks import Tasks
from ..errors import DriverMisuse
from ..status import Status
from . import calls, commands
from ._connection import Connection, Phase, describe
from ._framework import Framework
from ._inbound import Inbound
from ._outbox import Outbox
from .commands import Command, SendCall, SessionEvent, TimerKind
from .options import HttpOptions

_log = logging.getLogger("mesos.scheduler")
_Call = scheduler.Call
_Operation = mesos.Offer.Operation
_STANDING = (_Call.REVIVE, _Call.SUPPRESS, _Call.UPDATE_FRAMEWORK)
"""Calls that change what the master knows of the framework, which a subscription tells it anew."""


class HttpSession:
    """One framework's conversation with its masters over v1.

    An id in `framework_info` means that this scheduler takes over from an earlier instance, of which
    `known_tasks` are those tasks (task and agent id) that are not known to have ended.
    """

    def __init__(
        self,
        framework_info: mesos.FrameworkInfo,
        options: HttpOptions | None = None,
        suppressed_roles: Iterable[str] = (),
        uniform: Callable[[], float] = random.random,
        known_tasks: Iterable[mesos.TaskStatus] = (),
    ) -> None:
        self.tasks = Tasks()
        for status in known_tasks:
            self.tasks.launched(status.task_id.value, status.agent_id.value)
        self._options = options or HttpOptions()
        self._out = Outbox()
        self._framework = Framework(framework_info, suppressed_roles)
        self._connection = Connection(self._framework, self._options, self._out, uniform)
        self._inbound = Inbound(self._connection, self._framework, self.tasks, self._out, self._subscribed)
        self._reconcile_pause = self._options.reconcile_backoff[0]
        self._unwanted: dict[str, None] = {}
        self._decline_pause = self._options.backoff
        connection = self._connection
        self._timers: dict[TimerKind, Callable[[float], None]] = {
            TimerKind.CONNECT: lambda now: connection.connect(),
            TimerKind.SUBSCRIBE: lambda now: connection.timed_out(),
            TimerKind.LIVENESS: connection.liveness_due,
            TimerKind.RECONCILIATION: lambda now: self._ask(),
            TimerKind.DECLINE: lambda now: self._give_back(),
            TimerKind.LINGER: lambda now: connection.close(),
        }
        self._handlers: dict[type, Callable[[Any, float], None]] = {
            commands.EventsReceived: lambda e, now: self._inbound.receive(e.attempt, e.events, now),
            v0.Handled: lambda e, now: self._handled(e),
            commands.OperationHandled: lambda e, now: self._operation_handled(e),
            commands.TimerFired: self._timer_fired,
            commands.LeaderDetected: lambda e, now: connection.detected(e.url),
            commands.StreamOpened: lambda e, now: connection.opened(e.attempt, e.stream_id),
            commands.StreamEnded: lambda e, now: connection.ended(e.attempt, e.error),
            commands.CallFailed: lambda e, now: self._call_failed(e),
            v0.Congested: lambda e, now: connection.congested(e.congested, now),
            v0.Start: lambda e, now: connection.start(),
            v0.Stop: lambda e, now: connection.stop(e.failover),
            v0.Abort: lambda e, now: connection.abort(e.reason),
            commands.CloseNow: lambda e, now: connection.close(),
            v0.DetectionFailed: lambda e, now: connection.abort(
                f"the leading master cannot be detected: {e.reason}"
            ),
        }
        self._calls: dict[type, Callable[[Any, mesos.FrameworkID], scheduler.Call]] = {
            v0.DeclineOffers: lambda e, i: calls.decline(i, e.offer_ids, e.filters),
            v0.AnswerInverseOffers: _answer_inverse,
            v0.KillTask: lambda e, i: calls.kill(i, e.task_id, e.agent_id, e.kill_policy),
            v0.ShutdownExecutor: lambda e, i: calls.shutdown(i, e.executor_id, e.agent_id),
            v0.RequestResources: lambda e, i: calls.request(i, e.requests),
            v0.SendFrameworkMessage: lambda e, i: calls.message(i, e.agent_id, e.executor_id, e.data),
            v0.ReconcileTasks: _reconcile,
            v0.AcknowledgeStatusUpdate: lambda e, i: _acknowledge(i, e.acknowledgement),
            commands.AcknowledgeOperationStatus: lambda e, i: calls.acknowledge_operation_status(i, e.status),
            commands.ReconcileOperations: lambda e, i: calls.reconcile_operations(i, e.operations),
        }

    @property
    def status(self) -> Status:
        """The driver's status."""
        return self._connection.status

    @property
    def phase(self) -> Phase:
        """Where the session stands with its master."""
        return self._connection.phase

    @property
    def framework_id(self) -> str:
        """The framework's id; empty before the first subscription."""
        return self._framework.id.value

    @property
    def dropped(self) -> Counter[str]:
        """How many events were not acted on, by type and reason."""
        return self._inbound.dropped

    def handle(self, event: SessionEvent, now: float) -> list[Command]:
        """Take one event; return what to do, in order."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event, now)
        elif self.status is Status.RUNNING:
            self._user_call(event)
        return self._out.take()

    def check(self, event: commands.UserCall) -> None:
        """Raise `DriverMisuse` for a call that cannot work; changes nothing."""
        check_complete(event)
        if isinstance(event, v0.AcknowledgeStatusUpdate | commands.AcknowledgeOperationStatus):
            if self._options.implicit_acknowledgements:
                raise DriverMisuse(
                    "updates are acknowledged by the driver; pass implicit_acknowledgements=False to do it"
                )
        elif isinstance(event, v0.UpdateFramework):
            given = event.framework_info.id.value
            if not self.framework_id:
                raise DriverMisuse("update_framework needs a registered framework; wait for registered()")
            if given != self.framework_id:
                raise DriverMisuse(f"the framework is {self.framework_id}, not {given!r}: set its id")
        elif isinstance(event, v0.KillTask) and not event.task_id.value:
            raise DriverMisuse("kill_task needs a task id")

    def _timer_fired(self, event: commands.TimerFired, now: float) -> None:
        if self._out.is_current(event):
            self._timers[event.kind](now)

    # The user's calls.

    def _user_call(self, event: Any) -> None:
        framework = self._framework
        connected = self.phase is Phase.CONNECTED
        if isinstance(event, v0.AcceptOffers):
            self._accept(event)
        elif isinstance(event, v0.ReviveOffers):
            framework.suppressed_roles.difference_update(event.roles or framework.roles())
            if connected:
                self._send(calls.revive(framework.id, event.roles))
        elif isinstance(event, v0.SuppressOffers):
            framework.suppressed_roles.update(event.roles or framework.roles())
            if connected:
                self._send(calls.suppress(framework.id, event.roles))
        elif isinstance(event, v0.UpdateFramework):
            framework.update(event.framework_info, event.suppressed_roles, event.offer_constraints)
            if connected:
                roles = sorted(framework.suppressed_roles)
                self._send(
                    calls.update_framework(framework.id, framework.info, roles, framework.offer_constraints)
                )
        elif connected:
            self._send(self._calls[type(event)](event, framework.id))
        else:
            _log.warning("%s is dropped: the driver is %s", type(event).__name__, self.phase.value)

    def _send(self, call: scheduler.Call) -> None:
        self._out.add(SendCall(self._connection.attempt, self._connection.stream_id, call))

    def _accept(self, event: v0.AcceptOffers) -> None:
        tasks = _launched(event.operations)
        if self.phase is not Phase.CONNECTED:
            self._report_lost(tasks, "Master disconnected")
            return
        for task in tasks:
            self.tasks.launched(task.task_id.value, task.agent_id.value)
        call = calls.accept(self._framework.id, event.offer_ids, event.operations, event.filters)
        for operation in call.accept.operations:
            executor = operation.launch_group.executor
            if operation.type == _Operation.LAUNCH_GROUP and not executor.HasField("framework_id"):
                executor.framework_id.CopyFrom(self._framework.id)  # Masters do so for LAUNCH only.
        self._send(call)

    def _report_lost(self, tasks: Iterable[mesos.TaskInfo], message: str) -> None:
        state = mesos.TASK_DROPPED if self._framework.partition_aware else mesos.TASK_LOST
        for task in tasks:
            status = mesos.TaskStatus(
                task_id=task.task_id,
                agent_id=task.agent_id,
                state=state,
                source=mesos.TaskStatus.SOURCE_MASTER,
                reason=mesos.TaskStatus.REASON_MASTER_DISCONNECTED,
                message=message,
            )
            self.tasks.updated(task.task_id.value, task.agent_id.value, state)
            self._out.deliver(events.StatusUpdate(status))

    def _call_failed(self, event: commands.CallFailed) -> None:
        """Account for the tasks of a call that the master refused, or that nobody knows the fate of."""
        if self.status is not Status.RUNNING:
            return
        error = event.error
        _log.warning("%s is lost: %s", describe(event.call), error)
        refused = isinstance(error, StatusError | ClientMisuse) and not isinstance(error, InternalError)
        tasks = _launched(event.call.accept.operations)
        if refused:
            self._report_lost(tasks, str(error))
        elif tasks:
            self.tasks.ask_for_all()  # Whether the master took the call nobody knows but the master.
        if event.attempt != self._connection.attempt or self.phase is not Phase.CONNECTED:
            return
        if error.next is Next.RESUBSCRIBE:
            self._connection.lost(f"the master no longer knows this stream: {error}")
            return
        self._give_back_later(event.call.accept.offer_ids)
        if error.next is Next.RETRY:
            if event.call.type in _STANDING:
                self._connection.lost(f"{describe(event.call)} did not get through: {error}")
                return
            self._give_back_later(event.call.decline.offer_ids)
            self._out.add(v0.Redetect())
            if self.tasks.unanswered:
                self._ask_later()

    # Offers of calls that did not get through: the master would hold them for ever.

    def _give_back_later(self, offer_ids: Iterable[mesos.OfferID]) -> None:
        for offer_id in offer_ids:
            self._unwanted[offer_id.value] = None
        if self._unwanted:
            self._out.start_timer(TimerKind.DECLINE, self._decline_pause)
            self._decline_pause = min(2 * self._decline_pause, self._options.backoff_max)

    def _give_back(self) -> None:
        offer_ids = [mesos.OfferID(value=value) for value in self._unwanted]
        self._unwanted.clear()
        if offer_ids and self.phase is Phase.CONNECTED:
            self._send(calls.decline(self._framework.id, offer_ids))

    # Acknowledgements.

    def _handled(self, event: v0.Handled) -> None:
        if self._options.implicit_acknowledgements and self.phase is Phase.CONNECTED:
            # Otherwise agents send again what is not acknowledged.
            for acknowledgement in event.acknowledgements:
                self._send(_acknowledge(self._framework.id, acknowledgement))

    def _operation_handled(self, event: commands.OperationHandled) -> None:
        if self._options.implicit_acknowledgements and self.phase is Phase.CONNECTED:
            self._send(calls.acknowledge_operation_status(self._framework.id, event.status))

    # Reconciliation.

    def _subscribed(self, again: bool) -> None:
        self._unwanted.clear()
        self._decline_pause = self._options.backoff
        self._reconcile_pause = self._options.reconcile_backoff[0]
        if self._options.reconcile and again:
            # Tasks of an earlier instance are not in our table: also ask for everything.
            self._send(calls.reconcile(self._framework.id))
            self.tasks.ask_for_all()
            self._ask()

    def _ask(self) -> None:
        questions = self.tasks.questions()
        if self.phase is not Phase.CONNECTED or not questions:
            return
        for question in questions:
            named = [
                (mesos.TaskID(value=task_id), mesos.AgentID(value=agent_id) if agent_id else None)
                for task_id, agent_id in question
            ]
            self._send(calls.reconcile(self._framework.id, named))
        self._ask_later()

    def _ask_later(self) -> None:
        self._out.start_timer(TimerKind.RECONCILIATION, self._reconcile_pause)
        self._reconcile_pause = min(2 * self._reconcile_pause, self._options.reconcile_backoff[1])


def _launched(operations: Iterable[mesos.Offer.Operation]) -> list[mesos.TaskInfo]:
    """Return the tasks that operations launch."""
    tasks: list[mesos.TaskInfo] = []
    for operation in operations:
        if operation.type == _Operation.LAUNCH:
            tasks += operation.launch.task_infos
        elif operation.type == _Operation.LAUNCH_GROUP:
            tasks += operation.launch_group.task_group.tasks
    return tasks


def _answer_inverse(event: v0.AnswerInverseOffers, framework_id: mesos.FrameworkID) -> scheduler.Call:
    make = calls.accept_inverse_offers if event.accept else calls.decline_inverse_offers
    return make(framework_id, event.inverse_offer_ids, event.filters)


def _reconcile(event: v0.ReconcileTasks, framework_id: mesos.FrameworkID) -> scheduler.Call:
    tasks = [
        (status.task_id, status.agent_id if status.HasField("agent_id") else None)
        for status in event.statuses
    ]
    return calls.reconcile(framework_id, tasks)


def _acknowledge(framework_id: mesos.FrameworkID, what: events.Acknowledgement) -> scheduler.Call:
    return calls.acknowledge(
        framework_id, mesos.AgentID(value=what.agent_id), mesos.TaskID(value=what.task_id), what.uuid
    )
