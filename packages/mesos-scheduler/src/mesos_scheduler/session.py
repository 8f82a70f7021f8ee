"""The scheduler's side of the v0 protocol as a pure state machine.

`SchedulerSession.handle(event, now)` takes what happened and returns the commands a shell must perform, in
order. It opens no socket, starts no thread and reads no clock; chance comes from the `uniform` passed in.
So a test or a simulation drives it with a list. `now` is in seconds, of any monotonic clock.

The parts: `_connection` (the way to the leading master), `_inbound` (its messages as events), `_calls`
(the user's calls as messages), `_tasks` (what was launched, and reconciliation), `_agents` (addresses).
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

from google.protobuf.message import Message
from mesos_messenger import UPID
from mesos_proto.v1 import mesos_pb2 as v1

from . import _versions, commands, events
from ._agents import AgentAddresses
from ._calls import direct_message
from ._checks import check_complete
from ._connection import Connection, Phase
from ._framework import Framework
from ._inbound import Inbound
from ._outbox import Outbox
from ._tasks import Tasks
from .commands import Command, SessionEvent, TimerKind
from .errors import DriverMisuse, UnsupportedByMaster
from .options import SessionOptions
from .status import Status

_log = logging.getLogger("mesos.scheduler")

_LAUNCH = v1.Offer.Operation.LAUNCH
_LAUNCH_GROUP = v1.Offer.Operation.LAUNCH_GROUP


class SchedulerSession:
    """One framework's conversation with its masters.

    An id in `framework_info` means that this scheduler takes over from an earlier instance, of which
    `known_tasks` are those tasks (task and agent id) that are not known to have ended.
    """

    def __init__(
        self,
        framework_info: v1.FrameworkInfo,
        options: SessionOptions | None = None,
        suppressed_roles: Iterable[str] = (),
        uniform: Callable[[], float] = random.random,
        known_tasks: Iterable[v1.TaskStatus] = (),
    ) -> None:
        self.tasks = Tasks()
        for status in known_tasks:
            self.tasks.launched(status.task_id.value, status.agent_id.value)
        self._options = options or SessionOptions()
        self._out = Outbox()
        self._agents = AgentAddresses()
        self._framework = Framework(framework_info, frozenset(suppressed_roles))
        self._connection = Connection(self._framework, self._options, self._out, uniform)
        self._inbound = Inbound(
            self._connection,
            self._framework,
            self.tasks,
            self._agents,
            self._out,
            self._registered,
            self._options.authenticate,
        )
        self._reconcile_pause = self._options.reconcile_backoff[0]
        self._handlers: dict[type, Callable[..., None]] = {
            commands.AcceptOffers: self._accept,
            commands.DeclineOffers: self._decline,
            commands.AnswerInverseOffers: self._answer_inverse,
            commands.ReviveOffers: self._revive,
            commands.SuppressOffers: self._suppress,
            commands.KillTask: self._kill,
            commands.ShutdownExecutor: self._shutdown_executor,
            commands.RequestResources: self._request,
            commands.SendFrameworkMessage: self._framework_message,
            commands.ReconcileTasks: self._reconcile,
            commands.AcknowledgeStatusUpdate: self._acknowledge,
            commands.UpdateFramework: self._update_framework,
        }
        self._timers: dict[TimerKind, Callable[[float], None]] = {
            TimerKind.REGISTRATION: lambda now: self._connection.register(),
            TimerKind.AUTHENTICATION: lambda now: self._connection.authentication_timer_fired(),
            TimerKind.SILENCE: self._connection.silence_passed,
            TimerKind.PROBE: lambda now: self._connection.probe_timed_out(),
            TimerKind.RECONCILIATION: lambda now: self._ask_again(),
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
        """The framework's id; empty before the first registration."""
        return self._framework.id

    @property
    def dropped(self) -> Counter[str]:
        """How many messages were not acted on, by type and reason."""
        return self._out.dropped

    def handle(self, event: SessionEvent, now: float) -> list[Command]:
        """Take one event; return what to do, in order."""
        connection = self._connection
        if isinstance(event, commands.Received):
            self._inbound.receive(event.messages, now)
        elif isinstance(event, commands.Handled):
            self._handled(event)
        elif type(event) in self._handlers:
            if connection.status is Status.RUNNING:
                self._call(event)
        elif isinstance(event, commands.TimerFired):
            if self._out.is_current(event):
                self._timers[event.kind](now)
        elif isinstance(event, commands.MasterDetected):
            connection.detected(event.master, event.info)
        elif isinstance(event, commands.LinkBroken):
            connection.link_broken(event.number)
        elif isinstance(event, commands.AuthenticationSettled):
            connection.authentication_settled(event.attempt, event.verdict, event.reason)
        elif isinstance(event, commands.Congested):
            connection.congested(event.congested, now)
        elif isinstance(event, commands.Start):
            connection.start()
        elif isinstance(event, commands.Stop):
            connection.stop(event.failover)
        elif isinstance(event, commands.Abort):
            connection.abort(event.reason)
        else:
            assert isinstance(event, commands.DetectionFailed)
            connection.abort(f"the leading master cannot be detected: {event.reason}")
        return self._out.take()

    def check(self, event: commands.UserCall) -> None:
        """Raise `DriverMisuse` or `UnsupportedByMaster` for a call that cannot work; changes nothing."""
        if isinstance(event, commands.AcknowledgeStatusUpdate):
            if self._options.implicit_acknowledgements:
                raise DriverMisuse(
                    "updates are acknowledged by the driver; pass implicit_acknowledgements=False to do it"
                )
        elif isinstance(event, commands.AcceptOffers):
            for operation in event.operations:
                if operation.HasField("id"):
                    raise DriverMisuse(
                        "an operation's id asks for feedback, which the v0 API does not have: clear it"
                    )
        elif isinstance(event, commands.UpdateFramework):
            given = event.framework_info.id.value
            if not self.framework_id:
                raise DriverMisuse("update_framework needs a registered framework; wait for registered()")
            if given != self.framework_id:
                raise DriverMisuse(f"the framework is {self.framework_id}, not {given!r}: set its id")
        elif isinstance(event, commands.KillTask) and not event.task_id.value:
            raise DriverMisuse("kill_task needs a task id")
        check_complete(event)

    # Calls.

    def _call(self, event: SessionEvent) -> None:
        try:
            self._handlers[type(event)](event)
        except UnsupportedByMaster as error:
            _log.error("%s: the call is dropped", error)

    def _send(self, message: Message) -> None:
        assert self._connection.master is not None
        self._out.send(self._connection.master, message)

    def _connected(self, what: str) -> bool:
        if self._connection.phase is Phase.CONNECTED:
            return True
        _log.warning("%s is dropped: the driver is %s", what, self._connection.phase.value)
        return False

    def _accept(self, event: commands.AcceptOffers) -> None:
        launches = [
            task
            for operation in event.operations
            for task in (
                operation.launch.task_infos
                if operation.type == _LAUNCH
                else operation.launch_group.task_group.tasks
                if operation.type == _LAUNCH_GROUP
                else ()
            )
        ]
        if self._connection.phase is not Phase.CONNECTED:
            for task in launches:
                self._deliver_loss(task)
            return
        message = self._connection.master_calls.accept(event)
        for task in launches:
            self.tasks.launched(task.task_id.value, task.agent_id.value)
        self._agents.launched(
            (offer_id.value for offer_id in event.offer_ids), {task.agent_id.value for task in launches}
        )
        self._send(message)

    def _deliver_loss(self, task: v1.TaskInfo) -> None:
        state = v1.TASK_DROPPED if self._framework.partition_aware else v1.TASK_LOST
        status = v1.TaskStatus(
            task_id=task.task_id,
            agent_id=task.agent_id,
            state=state,
            source=v1.TaskStatus.SOURCE_MASTER,
            reason=v1.TaskStatus.REASON_MASTER_DISCONNECTED,
            message="Master disconnected",
        )
        self._out.deliver(events.StatusUpdate(status))

    def _decline(self, event: commands.DeclineOffers) -> None:
        for offer_id in event.offer_ids:
            self._agents.forget_offer(offer_id.value)
        if self._connected("decline_offer"):
            self._send(self._connection.master_calls.decline(event))

    def _answer_inverse(self, event: commands.AnswerInverseOffers) -> None:
        if self._connected("the answer to inverse offers"):
            self._send(self._connection.master_calls.answer_inverse(event))

    def _revive(self, event: commands.ReviveOffers) -> None:
        if event.roles:
            self._framework.suppressed_roles.difference_update(event.roles)
        else:
            self._framework.suppressed_roles.clear()
        if self._connection.phase is Phase.CONNECTED:
            self._send(self._connection.master_calls.revive(event.roles))
        else:
            self._connection.update_on_connect = True

    def _suppress(self, event: commands.SuppressOffers) -> None:
        self._framework.suppressed_roles.update(event.roles or self._framework.roles())
        if self._connection.phase is Phase.CONNECTED:
            self._send(self._connection.master_calls.suppress(event.roles))
        else:
            self._connection.update_on_connect = True

    def _kill(self, event: commands.KillTask) -> None:
        if self._connected("kill_task"):
            self._send(self._connection.master_calls.kill(event))

    def _shutdown_executor(self, event: commands.ShutdownExecutor) -> None:
        if self._connected("shutdown_executor"):
            self._send(self._connection.master_calls.shutdown(event))

    def _request(self, event: commands.RequestResources) -> None:
        if self._connected("request_resources"):
            self._send(self._connection.master_calls.request(event))

    def _framework_message(self, event: commands.SendFrameworkMessage) -> None:
        if not self._connected("send_framework_message"):
            return
        agent = self._agents.get(event.agent_id.value)
        if agent is None:
            self._send(self._connection.master_calls.message(event))
        else:
            self._out.send(agent, direct_message(self._framework.id, event))

    def _reconcile(self, event: commands.ReconcileTasks) -> None:
        if self._connected("reconcile_tasks"):
            asked = [(status.task_id.value, status.agent_id.value) for status in event.statuses]
            self._send(self._connection.master_calls.reconcile(asked))

    def _update_framework(self, event: commands.UpdateFramework) -> None:
        self._framework.update(
            event.framework_info, frozenset(event.suppressed_roles), event.offer_constraints
        )
        if self._connection.phase is Phase.CONNECTED:
            self._send(self._connection.master_calls.update_framework())
        else:
            self._connection.update_on_connect = True

    # Acknowledgements.

    def _acknowledge(self, event: commands.AcknowledgeStatusUpdate) -> None:
        acknowledgement = event.acknowledgement
        if acknowledgement.uuid and acknowledgement.agent_id:
            if self._connection.version < _versions.ACKNOWLEDGED_BY_MASTER_SINCE:
                agent = self._agents.get(acknowledgement.agent_id)
                acknowledgement = replace(acknowledgement, agent=agent)
            self._send_acknowledgements((acknowledgement,))

    def _handled(self, event: commands.Handled) -> None:
        if self._options.implicit_acknowledgements:
            self._send_acknowledgements(event.acknowledgements)

    def _send_acknowledgements(self, acknowledgements: Iterable[events.Acknowledgement]) -> None:
        connection = self._connection
        if connection.phase is not Phase.CONNECTED or connection.master is None:
            return  # Agents send again what is not acknowledged.
        write = connection.master_calls.acknowledge
        to_master: list[Message] = []
        for acknowledgement in acknowledgements:
            agent: UPID | None = acknowledgement.agent
            if agent is None:
                to_master.append(write(acknowledgement))
            else:
                self._out.send(agent, write(acknowledgement))
        if to_master:
            self._out.add(commands.Send(connection.master, to_master))

    # Reconciliation.

    def _registered(self, took_over: bool) -> None:
        options = self._options
        self._reconcile_pause = options.reconcile_backoff[0]
        if options.reconcile and took_over:
            # Tasks of an earlier instance are not in our table: also ask for everything.
            self._send(self._connection.master_calls.reconcile(()))
            self._begin_round()
        elif options.reconcile_interval is not None:
            self._out.start_timer(TimerKind.RECONCILIATION, options.reconcile_interval)

    def _begin_round(self) -> None:
        self.tasks.ask_for_all()
        self._ask()

    def _ask_again(self) -> None:
        if self._connection.phase is not Phase.CONNECTED:
            return
        if self.tasks.unanswered:
            self._ask()
        else:
            self._reconcile_pause = self._options.reconcile_backoff[0]
            if self._options.reconcile_interval is not None:
                self._begin_round()

    def _ask(self) -> None:
        questions = self.tasks.questions()
        for question in questions:
            self._send(self._connection.master_calls.reconcile(question))
        if questions:
            self._out.start_timer(TimerKind.RECONCILIATION, self._reconcile_pause)
            self._reconcile_pause = min(2 * self._reconcile_pause, self._options.reconcile_backoff[1])
        elif self._options.reconcile_interval is not None:
            self._out.start_timer(TimerKind.RECONCILIATION, self._options.reconcile_interval)
