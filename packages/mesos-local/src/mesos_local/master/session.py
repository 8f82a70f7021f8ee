"""The master as a pure state machine: events in, commands out.

Strategy: every event becomes one call into the module of its noun; after it, what became free is offered.
Scheduler calls come as `mesos.scheduler.Call`; the older messages are rewritten as the call they mean, so
that both take one path.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as scheduler

from .._wire import Exited, Received, TimerFired
from . import (
    agents,
    allocator,
    feedback,
    frameworks,
    leadership,
    offers,
    operator_operations,
    operator_stream,
    tasks,
    validation,
)
from .frameworks import Peer
from .legacy import LEGACY, as_call
from .registry import Registry
from .state import Framework, Master, MasterCommand, MasterSettings, StoreRegistry

__all__ = [
    "MESSAGES",
    "AgentGone",
    "Authenticated",
    "Authenticating",
    "CandidacyLost",
    "LeaderDetected",
    "MasterEvent",
    "MasterSession",
    "OperatorLeft",
    "OperatorOperation",
    "OperatorSubscribed",
    "RegistryRecovered",
    "SchedulerCalled",
    "Started",
    "StreamClosed",
    "StreamOpened",
    "TeardownAsked",
]

log = logging.getLogger("mesos.local.master")

_Call = scheduler.Call

_MOST_WAITING = 10
"""Registrations that are kept for a process until it has authenticated: it repeats itself."""


@dataclass(frozen=True, slots=True)
class Started:
    """The shell listens: the periodic work may begin."""


@dataclass(frozen=True, slots=True)
class LeaderDetected:
    """The election has this leading master, or none."""

    leader: mesos.MasterInfo | None


@dataclass(frozen=True, slots=True)
class CandidacyLost:
    """The master has no place in the election any longer, and (`final`) can have none."""

    reason: str
    final: bool = False


@dataclass(frozen=True, slots=True)
class RegistryRecovered:
    """What earlier masters have known for good, as the session had asked."""

    registry: Registry


@dataclass(frozen=True, slots=True)
class Authenticating:
    """The process `pid` asks to authenticate: what it proved before counts no longer."""

    pid: str


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The process `pid` proved to be `principal`, or (None) failed to prove anything."""

    pid: str
    principal: str | None


@dataclass(frozen=True, slots=True)
class StreamOpened:
    """A framework subscribes over HTTP; its events go to the stream."""

    stream: str
    principal: str
    subscribe: scheduler.Call.Subscribe


@dataclass(frozen=True, slots=True)
class StreamClosed:
    """Nobody reads the stream any longer."""

    stream: str


@dataclass(frozen=True, slots=True)
class SchedulerCalled:
    """A connected framework made a valid call over HTTP."""

    framework_id: str
    call: scheduler.Call


@dataclass(frozen=True, slots=True)
class TeardownAsked:
    """An operator wants a framework that there is to be removed."""

    framework_id: str


@dataclass(frozen=True, slots=True)
class AgentGone:
    """An operator says that an agent that is known is gone for good."""

    agent_id: str


@dataclass(frozen=True, slots=True)
class OperatorOperation:
    """An operator wants a valid operation on the resources of an agent that there is."""

    agent_id: str
    operation: mesos.Offer.Operation


@dataclass(frozen=True, slots=True)
class OperatorSubscribed:
    """An operator wants to hear of everything on this stream."""

    stream: str


@dataclass(frozen=True, slots=True)
class OperatorLeft:
    """No operator reads the stream any longer."""

    stream: str


MasterEvent = (
    Received
    | Exited
    | TimerFired
    | Started
    | LeaderDetected
    | CandidacyLost
    | RegistryRecovered
    | Authenticating
    | Authenticated
    | StreamOpened
    | StreamClosed
    | SchedulerCalled
    | TeardownAsked
    | AgentGone
    | OperatorOperation
    | OperatorSubscribed
    | OperatorLeft
)

MESSAGES: tuple[type[Message], ...] = (
    scheduler.Call,
    *LEGACY,
    internal.RegisterFrameworkMessage,
    internal.ReregisterFrameworkMessage,
    internal.DeactivateFrameworkMessage,
    internal.SubmitSchedulerRequest,
    internal.RegisterSlaveMessage,
    internal.ReregisterSlaveMessage,
    internal.UnregisterSlaveMessage,
    internal.UpdateSlaveMessage,
    internal.UpdateOperationStatusMessage,
    internal.PongSlaveMessage,
    internal.StatusUpdateMessage,
    internal.ExitedExecutorMessage,
    internal.ExecutorToFrameworkMessage,
)
"""The messages a shell installs a handler for."""


class MasterSession:
    """A master. `handle` is its only way in; `state` is there to be looked at, not changed.

    `registry` is what earlier masters knew, for a master that has no rivals and leads from its start. Without
    it, it leads when it is told so, and asks for the registry then.
    """

    def __init__(
        self,
        settings: MasterSettings,
        *,
        pid: str,
        rng: random.Random,
        now: float,
        registry: Registry | None = Registry(),  # noqa: B008 (it is frozen)
    ) -> None:
        self.state = Master(settings, pid=pid, rng=rng, now=now)
        self._registry = registry
        self.refusal: str | None = None
        """Why the last call that came over HTTP could not be performed."""
        self._messages: dict[type[Message], Callable[[str, Any], None]] = {
            scheduler.Call: self.call_from_process,
            **dict.fromkeys(LEGACY, self._legacy),
            internal.RegisterFrameworkMessage: self._register_framework,
            internal.ReregisterFrameworkMessage: self._reregister_framework,
            internal.DeactivateFrameworkMessage: self._deactivate_framework,
            internal.SubmitSchedulerRequest: self._submit_scheduler,
            internal.RegisterSlaveMessage: self._register_agent,
            internal.ReregisterSlaveMessage: self._reregister_agent,
            internal.UnregisterSlaveMessage: self._unregister_agent,
            internal.UpdateSlaveMessage: lambda sender, message: agents.update(self.state, message),
            internal.UpdateOperationStatusMessage: lambda sender, message: feedback.update(
                self.state, message
            ),
            internal.PongSlaveMessage: lambda sender, message: agents.pong(self.state, sender),
            internal.StatusUpdateMessage: self._status_update,
            internal.ExitedExecutorMessage: lambda sender, message: tasks.executor_exited(
                self.state, message
            ),
            internal.ExecutorToFrameworkMessage: self._executor_message,
        }

    def handle(self, event: MasterEvent, now: float) -> list[MasterCommand]:
        """Take one event at time `now` (seconds since the epoch); give what is to be done."""
        state = self.state
        state.now = now
        state.to_allocate = set()
        match event:
            case Received():
                self._received(event)
            case Exited(upid):
                self._exited(upid)
            case TimerFired(key):
                self._timer_fired(key)
            case Authenticating(pid):
                state.authenticated.pop(pid, None)
                state.authenticating[pid] = []
            case Authenticated(pid, principal):
                self._authenticated(pid, principal)
            case StreamOpened(stream, principal, subscribe):
                self._subscribe(Peer(stream=stream, principal=principal), subscribe)
            case StreamClosed(stream):
                for framework in list(state.frameworks.values()):
                    if framework.stream == stream:
                        frameworks.disconnect(state, framework)
            case SchedulerCalled(framework_id, call):
                self.refusal = self.perform(state.frameworks[framework_id], call)
            case TeardownAsked(framework_id):
                frameworks.remove(state, state.frameworks[framework_id])
            case AgentGone(agent_id):
                agents.mark_gone(state, agent_id)
            case OperatorOperation(agent_id, operation):
                self.refusal = operator_operations.apply(state, state.agents[agent_id], operation)
            case OperatorSubscribed(stream):
                operator_stream.subscribe(state, stream)
            case OperatorLeft(stream):
                operator_stream.leave(state, stream)
            case LeaderDetected(leader):
                leadership.detected(state, leader)
            case CandidacyLost(reason, final):
                leadership.candidacy_lost(state, reason, final)
            case RegistryRecovered(registry):
                leadership.recover(state, registry)
            case Started():
                if self._registry is not None:
                    state.leader = state.info
                    leadership.recover(state, self._registry)
        if state.to_allocate is None or state.to_allocate:
            offers.offer(state, allocator.allocate(state, state.to_allocate))
        commands, state.commands = state.commands, []
        if state.registry_changed:
            state.registry_changed = False
            commands.insert(0, StoreRegistry(leadership.snapshot(state)))
        return commands

    def _received(self, event: Received) -> None:
        if not self.state.recovered:
            self.state.count("dropped_messages")
            return
        waiting = self.state.authenticating.get(event.sender)
        if waiting is not None and _registers(event.message):
            if len(waiting) < _MOST_WAITING:
                waiting.append(event)
            return
        handler = self._messages.get(type(event.message))
        if handler is None:
            log.warning("Ignoring %s from %s", event.message.DESCRIPTOR.full_name, event.sender)
        else:
            handler(event.sender, event.message)

    def _exited(self, upid: str) -> None:
        agent = self.state.agent_by_pid(upid)
        if agent is not None:
            agents.disconnect(self.state, agent)
        for framework in self.state.frameworks_by_pid(upid):
            frameworks.disconnect(self.state, framework)

    def _timer_fired(self, key: tuple[Any, ...]) -> None:
        state = self.state
        match key:
            case ("allocate",):
                state.want_allocation()
                state.set_timer(("allocate",), state.settings.allocation_interval)
            case ("offer", str(offer_id)):
                offers.timed_out(state, offer_id)
            case ("failover", str(framework_id)):
                frameworks.teardown_timed_out(state, framework_id)
            case ("recovered",):
                agents.give_up_recovered(state)
            case ("heartbeat", str(stream)):
                frameworks.heartbeat(state, stream)
            case ("operator", str(stream)):
                operator_stream.heartbeat(state, stream)
            case ("ping", str(agent_id)):
                agents.ping(state, agent_id)
            case ("reregister", str(agent_id)):
                agents.not_back_in_time(state, agent_id)

    def _authenticated(self, pid: str, principal: str | None) -> None:
        waiting = self.state.authenticating.pop(pid, [])
        if principal is None:
            self.state.authenticated.pop(pid, None)
        else:
            self.state.authenticated[pid] = principal
        for event in waiting:
            self._received(event)

    # Schedulers.

    def call_from_process(self, sender: str, call: scheduler.Call) -> None:
        """Take a call that came by libprocess; what is wrong with it is only logged, as upstream."""
        error = validation.call(call)
        if error:
            log.warning("Dropping call from %s: %s", sender, error)
            return
        if call.type == _Call.SUBSCRIBE:
            self._subscribe(Peer(pid=sender), call.subscribe)
            return
        framework = self._framework_of(sender, call.framework_id)
        if framework is None:
            return
        if not framework.connected:
            frameworks.refuse(self.state, Peer(pid=sender), "Framework disconnected")
            return
        self.perform(framework, call)

    def _subscribe(self, peer: Peer, subscribe: scheduler.Call.Subscribe) -> None:
        frameworks.subscribe(
            self.state,
            peer,
            subscribe.framework_info,
            force=subscribe.force,
            suppressed=subscribe.suppressed_roles,
            constraints=subscribe.offer_constraints,
        )

    def _framework_of(self, sender: str, framework_id: mesos.FrameworkID) -> Framework | None:
        framework = self.state.frameworks.get(framework_id.value)
        if framework is None or framework.pid != sender:
            log.warning(
                "Dropping message of framework %s from %s: not its scheduler", framework_id.value, sender
            )
            return None
        return framework

    def perform(self, framework: Framework, call: scheduler.Call) -> str | None:
        """Perform a valid call of a connected framework; gives a reason when it cannot be."""
        state = self.state
        if call.type == _Call.TEARDOWN:
            frameworks.remove(state, framework)
        elif call.type == _Call.ACCEPT:
            accept = call.accept
            refuse = accept.filters.refuse_seconds
            offers.accept(
                state, framework, [each.value for each in accept.offer_ids], accept.operations, refuse
            )
        elif call.type == _Call.DECLINE:
            declined = (each.value for each in call.decline.offer_ids)
            offers.decline(state, framework, declined, call.decline.filters.refuse_seconds)
        elif call.type in (_Call.REVIVE, _Call.SUPPRESS):
            self._revive_or_suppress(framework, call)
        elif call.type == _Call.KILL:
            tasks.kill(state, framework, call.kill)
        elif call.type == _Call.ACKNOWLEDGE:
            ack = call.acknowledge
            tasks.acknowledge(state, framework, ack.slave_id.value, ack.task_id, ack.uuid)
        elif call.type == _Call.ACKNOWLEDGE_OPERATION_STATUS:
            feedback.acknowledge(state, framework, call.acknowledge_operation_status)
        elif call.type == _Call.RECONCILE_OPERATIONS:
            feedback.reconcile(state, framework, call.reconcile_operations.operations)
        elif call.type == _Call.RECONCILE:
            tasks.reconcile(state, framework, call.reconcile.tasks)
        elif call.type == _Call.MESSAGE:
            self._message(framework, call.message)
        elif call.type == _Call.SHUTDOWN:
            self._shutdown_executor(framework, call.shutdown)
        elif call.type == _Call.UPDATE_FRAMEWORK:
            wanted = call.update_framework
            return frameworks.update(
                state, framework, wanted.framework_info, wanted.suppressed_roles, wanted.offer_constraints
            )
        else:
            log.info("Ignoring call %s of framework %s", _Call.Type.Name(call.type), framework.id)
        return None

    def _revive_or_suppress(self, framework: Framework, call: scheduler.Call) -> None:
        named = call.revive.roles if call.type == _Call.REVIVE else call.suppress.roles
        roles = list(named) or framework.roles
        if any(role not in framework.roles for role in roles):
            log.warning(
                "Dropping call of framework %s: it is not subscribed to all of %s", framework.id, roles
            )
            return
        if call.type == _Call.SUPPRESS:
            framework.suppressed.update(roles)
            return
        framework.suppressed.difference_update(roles)
        allocator.unfilter(self.state, framework.id, roles)
        self.state.want_allocation()

    def _message(self, framework: Framework, message: scheduler.Call.Message) -> None:
        agent = self.state.agents.get(message.slave_id.value)
        if agent is None or not agent.connected:
            log.warning(
                "Dropping message of framework %s: agent %s is away", framework.id, message.slave_id.value
            )
            return
        self.state.send(
            agent.pid,
            internal.FrameworkToExecutorMessage(
                slave_id=message.slave_id,
                framework_id=framework.info.id,
                executor_id=message.executor_id,
                data=message.data,
            ),
        )

    def _shutdown_executor(self, framework: Framework, shutdown: scheduler.Call.Shutdown) -> None:
        agent = self.state.agents.get(shutdown.slave_id.value)
        if agent is not None:
            self.state.send(
                agent.pid,
                internal.ShutdownExecutorMessage(
                    executor_id=shutdown.executor_id, framework_id=framework.info.id
                ),
            )

    # The older messages.

    def _legacy(self, sender: str, message: Message) -> None:
        call = as_call(message)
        framework = self._framework_of(sender, call.framework_id)
        if framework is not None and framework.connected and not validation.call(call):
            self.perform(framework, call)

    def _register_framework(self, sender: str, message: internal.RegisterFrameworkMessage) -> None:
        if message.framework.id.value:
            frameworks.refuse(self.state, Peer(pid=sender), "Registering with 'id' already set")
        else:
            frameworks.subscribe(self.state, Peer(pid=sender), message.framework)

    def _reregister_framework(self, sender: str, message: internal.ReregisterFrameworkMessage) -> None:
        if message.framework.id.value:
            frameworks.subscribe(self.state, Peer(pid=sender), message.framework, force=message.failover)
        else:
            frameworks.refuse(self.state, Peer(pid=sender), "Re-registering without an 'id'")

    def _deactivate_framework(self, sender: str, message: internal.DeactivateFrameworkMessage) -> None:
        framework = self._framework_of(sender, message.framework_id)
        if framework is not None:
            frameworks.deactivate(self.state, framework)

    def _submit_scheduler(self, sender: str, message: internal.SubmitSchedulerRequest) -> None:
        self.state.send(sender, internal.SubmitSchedulerResponse(okay=False))

    # Agents.

    def _register_agent(self, sender: str, message: internal.RegisterSlaveMessage) -> None:
        agents.register(self.state, sender, message)

    def _reregister_agent(self, sender: str, message: internal.ReregisterSlaveMessage) -> None:
        agents.reregister(self.state, sender, message)

    def _unregister_agent(self, sender: str, message: internal.UnregisterSlaveMessage) -> None:
        agents.unregister(self.state, sender, message.slave_id.value)

    def _status_update(self, sender: str, message: internal.StatusUpdateMessage) -> None:
        tasks.status_update(self.state, message)

    def _executor_message(self, sender: str, message: internal.ExecutorToFrameworkMessage) -> None:
        framework = self.state.frameworks.get(message.framework_id.value)
        if framework is not None and framework.connected:
            self.state.tell(framework, message)


def _registers(message: Message) -> bool:
    """Tell whether a message asks for a registration, which waits while its sender authenticates."""
    if isinstance(message, scheduler.Call):
        return message.type == _Call.SUBSCRIBE
    return isinstance(
        message,
        (
            internal.RegisterFrameworkMessage,
            internal.ReregisterFrameworkMessage,
            internal.RegisterSlaveMessage,
            internal.ReregisterSlaveMessage,
        ),
    )
