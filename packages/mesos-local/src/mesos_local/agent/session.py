"""The agent as a pure state machine: events in, commands out.

Strategy: as the master's, one call into the module of its noun for each event. The shell runs containers and
tells of their start, failure and end.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message
from mesos_proto.v0 import executor_pb2
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal

from .._wire import NO_PROCESS, Exited, Received, TimerFired
from . import checkpoints, executors, limits, operations, recovery, registration, statuses, tasks, volumes
from .recovery import Recovered
from .state import Agent, AgentCommand, AgentSettings, Connection, ExecutorState

__all__ = [
    "MESSAGES",
    "AgentEvent",
    "AgentSession",
    "ContainerExited",
    "ContainerFailed",
    "ContainerLimited",
    "ContainerStarted",
    "ExecutorCalled",
    "ExecutorStreamClosed",
    "ExecutorSubscribed",
    "MasterAuthenticated",
    "MasterDetected",
    "Stopping",
]

log = logging.getLogger("mesos.local.agent")

_GONE = "gone"
"""No stream has this name: who sends an update without a stream does not hear of its acknowledgement."""


@dataclass(frozen=True, slots=True)
class MasterDetected:
    """The leading master is the process `upid`; empty when there is none."""

    upid: str
    hostname: str = ""


@dataclass(frozen=True, slots=True)
class MasterAuthenticated:
    """The master knows who the agent is, or (with a reason) refuses to."""

    master: str
    refusal: str | None


@dataclass(frozen=True, slots=True)
class ContainerStarted:
    """The program of a container runs as process `os_pid`."""

    container_id: str
    os_pid: int


@dataclass(frozen=True, slots=True)
class ContainerFailed:
    """A container could not be made: a URI was not fetched, or the program did not start."""

    container_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ContainerExited:
    """The program of a container ended with this raw `wait(2)` status (-1 when it is not known)."""

    container_id: str
    wait_status: int


@dataclass(frozen=True, slots=True)
class ContainerLimited:
    """The processes of a container have taken more bytes of memory (`used`) than they may (`limit`)."""

    container_id: str
    limit: int
    used: int


@dataclass(frozen=True, slots=True)
class ExecutorSubscribed:
    """An executor that exists subscribes over HTTP; its events go to the stream."""

    stream: str
    call: executor_pb2.Call


@dataclass(frozen=True, slots=True)
class ExecutorCalled:
    """A subscribed executor made a valid call over HTTP."""

    call: executor_pb2.Call


@dataclass(frozen=True, slots=True)
class ExecutorStreamClosed:
    """Nobody reads the stream any longer."""

    stream: str


@dataclass(frozen=True, slots=True)
class Stopping:
    """The agent is about to end, and says goodbye to its master."""


AgentEvent = (
    Received
    | Exited
    | TimerFired
    | Recovered
    | MasterDetected
    | MasterAuthenticated
    | ContainerStarted
    | ContainerFailed
    | ContainerExited
    | ContainerLimited
    | ExecutorSubscribed
    | ExecutorCalled
    | ExecutorStreamClosed
    | Stopping
)

MESSAGES: tuple[type[Message], ...] = (
    internal.SlaveRegisteredMessage,
    internal.SlaveReregisteredMessage,
    internal.PingSlaveMessage,
    internal.ShutdownMessage,
    internal.CheckpointResourcesMessage,
    internal.ApplyOperationMessage,
    internal.AcknowledgeOperationStatusMessage,
    internal.ReconcileOperationsMessage,
    internal.RunTaskMessage,
    internal.RunTaskGroupMessage,
    internal.KillTaskMessage,
    internal.ShutdownFrameworkMessage,
    internal.ShutdownExecutorMessage,
    internal.UpdateFrameworkMessage,
    internal.FrameworkToExecutorMessage,
    internal.StatusUpdateAcknowledgementMessage,
    internal.RegisterExecutorMessage,
    internal.ReregisterExecutorMessage,
    internal.StatusUpdateMessage,
    internal.ExecutorToFrameworkMessage,
)
"""The messages a shell installs a handler for."""


class AgentSession:
    """An agent. `handle` is its only way in; `state` is there to be looked at, not changed."""

    def __init__(self, settings: AgentSettings, *, pid: str, rng: random.Random, now: float) -> None:
        self.state = agent = Agent(settings, pid=pid, rng=rng, now=now)
        self._messages: dict[type[Message], Callable[[str, Any], None]] = {
            internal.SlaveRegisteredMessage: lambda s, m: registration.registered(agent, s, m),
            internal.SlaveReregisteredMessage: lambda s, m: registration.reregistered(agent, s, m),
            internal.PingSlaveMessage: lambda s, m: registration.pinged(agent, s, m),
            internal.ShutdownMessage: lambda s, m: registration.told_to_leave(agent, s, m),
            internal.CheckpointResourcesMessage: lambda s, m: volumes.checkpoint(agent, s, m),
            internal.ApplyOperationMessage: lambda s, m: operations.apply(agent, s, m),
            internal.AcknowledgeOperationStatusMessage: lambda s, m: operations.acknowledge(agent, s, m),
            internal.ReconcileOperationsMessage: lambda s, m: operations.reconcile(agent, s, m),
            internal.RunTaskMessage: lambda s, m: tasks.run(agent, s, m),
            internal.RunTaskGroupMessage: lambda s, m: tasks.run_group(agent, s, m),
            internal.KillTaskMessage: lambda s, m: tasks.kill(agent, s, m),
            internal.ShutdownFrameworkMessage: self._shutdown_framework,
            internal.ShutdownExecutorMessage: self._shutdown_executor,
            internal.UpdateFrameworkMessage: self._update_framework,
            internal.FrameworkToExecutorMessage: self._framework_message,
            internal.StatusUpdateAcknowledgementMessage: self._acknowledgement,
            internal.RegisterExecutorMessage: lambda s, m: executors.register(agent, s, m),
            internal.ReregisterExecutorMessage: self._reregister_executor,
            internal.StatusUpdateMessage: self._status_update,
            internal.ExecutorToFrameworkMessage: self._executor_message,
        }

    def handle(self, event: AgentEvent, now: float) -> list[AgentCommand]:
        """Take one event at time `now` (seconds since the epoch); give what is to be done."""
        agent = self.state
        agent.now = now
        match event:
            case Received(sender, message):
                handler = self._messages.get(type(message))
                if handler is None:
                    log.warning("Ignoring %s from %s", message.DESCRIPTOR.full_name, sender)
                else:
                    handler(sender, message)
            case Exited(upid):
                if upid == agent.master:
                    registration.master_lost(agent)
            case TimerFired(key):
                self._timer_fired(key)
            case Recovered():
                recovery.begin(agent, event)
            case MasterDetected(upid, hostname):
                registration.detected(agent, upid, hostname)
            case MasterAuthenticated(master, refusal):
                registration.authenticated(agent, master, refusal)
            case ContainerStarted(container_id, os_pid):
                executors.container_started(agent, container_id, os_pid)
            case ContainerFailed(container_id, text):
                executors.container_failed(agent, container_id, text)
            case ContainerExited(container_id, wait_status):
                executors.container_exited(agent, container_id, wait_status)
                recovery.check(agent)
            case ContainerLimited(container_id, limit, used):
                executors.limit_exceeded(agent, container_id, limit, used)
            case ExecutorSubscribed(stream, call):
                executors.subscribe(agent, stream, call)
                recovery.check(agent)
            case ExecutorCalled(call):
                self._executor_called(call)
            case ExecutorStreamClosed(stream):
                self._stream_closed(stream)
            case Stopping():
                self._stopping()
        commands, agent.commands = agent.commands, []
        return commands

    def _timer_fired(self, key: tuple[Any, ...]) -> None:
        agent = self.state
        match key:
            case ("recovery",):
                recovery.finish(agent)
            case ("register",):
                registration.register(agent)
            case ("relink",) | ("ping",):
                registration.detected(agent, agent.master, agent.master_hostname)
            case ("executor", str(container_id)):
                executors.registration_timed_out(agent, container_id)
            case ("shutdown", str(container_id)):
                found = agent.executor_of_container(container_id)
                if found is not None:
                    executors.destroy(agent, found[1])
            case ("operation", bytes(uuid)):
                operations.resend(agent, uuid)
            case ("memory",):
                limits.measure(agent)
            case ("update", str(framework_id), str(task_id)):
                statuses.resend(agent, (framework_id, task_id))

    def _stopping(self) -> None:
        agent = self.state
        if agent.connection is Connection.RUNNING:
            agent.send(agent.master, internal.UnregisterSlaveMessage(slave_id=agent.info.id))
        agent.connection = Connection.TERMINATING

    def _executor_called(self, call: executor_pb2.Call) -> None:
        agent = self.state
        executor = agent.executor(call.framework_id.value, call.executor_id.value)
        if executor is None:
            return
        if call.type == executor_pb2.Call.UPDATE:
            statuses.take_called(agent, call, call.update.status, executor.stream or _GONE)
        elif call.type == executor_pb2.Call.MESSAGE:
            message = internal.ExecutorToFrameworkMessage(
                slave_id=agent.info.id,
                framework_id=call.framework_id,
                executor_id=call.executor_id,
                data=call.message.data,
            )
            self._executor_message("", message)

    def _stream_closed(self, stream: str) -> None:
        """Forget the stream; the executor itself is judged by its process alone."""
        for framework in self.state.frameworks.values():
            for executor in framework.executors.values():
                if executor.stream == stream:
                    executor.stream = ""

    def _reregister_executor(self, sender: str, message: internal.ReregisterExecutorMessage) -> None:
        executors.reregister(self.state, sender, message)
        recovery.check(self.state)

    def _shutdown_framework(self, sender: str, message: internal.ShutdownFrameworkMessage) -> None:
        if sender == self.state.master:
            executors.shutdown_framework(self.state, message.framework_id.value)

    def _shutdown_executor(self, sender: str, message: internal.ShutdownExecutorMessage) -> None:
        framework = self.state.frameworks.get(message.framework_id.value)
        executor = self.state.executor(message.framework_id.value, message.executor_id.value)
        if sender == self.state.master and framework is not None and executor is not None:
            executors.shutdown(self.state, framework, executor)

    def _update_framework(self, sender: str, message: internal.UpdateFrameworkMessage) -> None:
        framework = self.state.frameworks.get(message.framework_id.value)
        if sender == self.state.master and framework is not None:
            framework.pid = message.pid if message.pid != NO_PROCESS else ""
            if message.HasField("framework_info"):
                framework.info.CopyFrom(message.framework_info)
            checkpoints.framework(self.state, framework)

    def _framework_message(self, sender: str, message: internal.FrameworkToExecutorMessage) -> None:
        executor = self.state.executor(message.framework_id.value, message.executor_id.value)
        if executor is None or executor.state is not ExecutorState.RUNNING:
            self.state.count("invalid_framework_messages")
            log.warning("Dropping message for executor %s: it does not run", message.executor_id.value)
        else:
            self.state.count("valid_framework_messages")
            self.state.tell(executor, message)

    def _executor_message(self, sender: str, message: internal.ExecutorToFrameworkMessage) -> None:
        framework = self.state.frameworks.get(message.framework_id.value)
        if framework is not None and not framework.terminating:
            self.state.send(framework.pid or self.state.master, message)

    def _acknowledgement(self, sender: str, message: internal.StatusUpdateAcknowledgementMessage) -> None:
        if statuses.acknowledge(self.state, message):
            framework = self.state.frameworks.get(message.framework_id.value)
            if framework is not None:
                executors.acknowledged(self.state, framework, message.task_id.value)

    def _status_update(self, sender: str, message: internal.StatusUpdateMessage) -> None:
        update = message.update
        if update.status.state == mesos.TASK_STAGING:
            framework = self.state.frameworks.get(update.framework_id.value)
            executor = self.state.executor(update.framework_id.value, update.executor_id.value)
            if framework is not None and executor is not None:
                log.error("Executor %s reports a task as staging; shutting it down", executor.id)
                executors.shutdown(self.state, framework, executor)
            return
        statuses.take(self.state, update, message.pid or sender)
