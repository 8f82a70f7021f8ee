"""An agent that comes back: what was written down is read, and the executors that lived on are called.

Reading is for the shell, before the session begins; `begin` and `finish` are the session's. Mirrors
`Slave::recover` and `Slave::reregisterExecutorTimeout` of upstream's src/slave/slave.cpp.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from google.protobuf.message import Message
from mesos_proto.durations import format_duration
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0.slave_state_pb2 import ResourceState

from .. import _forms
from .._tasks import TERMINAL_STATES
from .._wire import NO_PROCESS
from . import checkpoints, executors, limits, paths, registration, statuses
from .state import AdoptContainer, Agent, Connection, Executor, ExecutorState, Framework, Termination
from .updates import UpdateStream

__all__ = ["Recovered", "begin", "check", "finish", "read"]

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Recovered:
    """What an agent of the same work directory wrote down, before it ended."""

    info: mesos.SlaveInfo
    resources: ResourceState
    frameworks: dict[str, Framework]
    streams: dict[tuple[str, str], UpdateStream]


def read(work_dir: str) -> Recovered | None:
    """Read what was written down; None when nothing was."""
    latest = Path(paths.meta_directory(work_dir), "slaves", "latest")
    if not (latest / "slave.info").is_file():
        return None
    (info,) = _messages(latest / "slave.info", mesos.SlaveInfo)
    (state,) = list(_messages(Path(paths.resource_state(work_dir)), ResourceState)) or (ResourceState(),)
    frameworks: dict[str, Framework] = {}
    streams: dict[tuple[str, str], UpdateStream] = {}
    for directory in _directories(latest / "frameworks"):
        for framework_info in _messages(directory / "framework.info", mesos.FrameworkInfo):
            pid = _text(directory / "framework.pid")
            framework = Framework(framework_info, "" if pid == NO_PROCESS else pid)
            for each in _directories(directory / "executors"):
                executor = _read_executor(work_dir, info.id.value, framework, each, streams)
                if executor is not None:
                    framework.executors[executor.id] = executor
            if framework.executors:
                frameworks[framework.id] = framework
    return Recovered(info, state, frameworks, streams)


def _read_executor(
    work_dir: str,
    agent_id: str,
    framework: Framework,
    directory: Path,
    streams: dict[tuple[str, str], UpdateStream],
) -> Executor | None:
    found = list(_messages(directory / "executor.info", mesos.ExecutorInfo))
    latest = directory / "runs" / "latest"
    if not found or not latest.is_dir() or (latest / "executor.sentinel").exists():
        return None
    info, run = found[0], latest.resolve()
    container_id = run.name
    sandbox = paths.sandbox(work_dir, agent_id, framework.id, info.executor_id.value, container_id)
    generated = _text(directory / "executor_generated_for_command_task") == "1"
    executor = Executor(info, container_id, sandbox, generated)
    executor.pid = _text(run / "pids" / "libprocess.pid")
    forked = _text(run / "pids" / "forked.pid")
    executor.os_pid = int(forked) if forked.isdecimal() else None
    for each in _directories(run / "tasks"):
        for task in _messages(each / "task.info", mesos.Task):
            executor.launched[task.task_id.value] = task
            executor.ever_launched = True
            _replay(framework, executor, each, task.task_id.value, streams)
    return executor


def _replay(
    framework: Framework,
    executor: Executor,
    directory: Path,
    task_id: str,
    streams: dict[tuple[str, str], UpdateStream],
) -> None:
    """Bring a task to where its updates left it."""
    stream = UpdateStream()
    for entry in _messages(directory / "task.updates", internal.StatusUpdateRecord):
        if entry.type == internal.StatusUpdateRecord.UPDATE:
            if stream.add(entry.update):
                statuses.note(executor, entry.update)
            continue
        update = stream.acknowledge(entry.uuid)
        if update is not None and update.status.state in TERMINAL_STATES and not stream.pending:
            record = executor.terminated.pop(task_id, None)
            if record is not None:
                executor.completed.append(record)
            return
    if stream.received:
        streams[(framework.id, task_id)] = stream


def _messages(path: Path, kind: type[M]) -> Iterator[M]:
    if path.is_file():
        for data in checkpoints.records(path.read_bytes()):
            yield kind.FromString(data)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _directories(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    return sorted(Path(entry.path) for entry in os.scandir(path) if entry.is_dir())


# The session's part.


def begin(agent: Agent, recovered: Recovered) -> None:
    """Take over what was read, and ask the executors to come back."""
    agent.info.id.CopyFrom(recovered.info.id)
    agent.checkpointed = _forms.inner(recovered.resources.resources)
    agent.operations = {each.uuid.value: each for each in recovered.resources.operations}
    agent.frameworks = recovered.frameworks
    agent.streams = recovered.streams
    waiting = False
    for framework in agent.frameworks.values():
        for executor in framework.executors.values():
            waiting = True
            agent.commands.append(AdoptContainer(executor.container_id, executor.os_pid))
            reconnect = internal.ReconnectExecutorMessage(slave_id=agent.info.id)
            agent.send(executor.pid, reconnect)
    agent.connection = Connection.RECOVERING if waiting else Connection.DISCONNECTED
    if waiting:
        limits.begin(agent)
        agent.set_timer(("recovery",), agent.settings.executor_reregistration_timeout)


def check(agent: Agent) -> None:
    """End the recovery as soon as no executor is waited for any longer."""
    if agent.connection is Connection.RECOVERING and not _missing(agent):
        agent.cancel_timer(("recovery",))
        _end(agent)


def finish(agent: Agent) -> None:
    """Give up on the executors that did not come back in time, and turn to the master."""
    timeout = format_duration(agent.settings.executor_reregistration_timeout)
    for framework, executor in _missing(agent):
        termination = Termination(
            mesos.TASK_GONE if framework.partition_aware else mesos.TASK_LOST,
            mesos.TaskStatus.REASON_EXECUTOR_REREGISTRATION_TIMEOUT,
            f"Executor did not reregister within {timeout}",
        )
        executors.destroy(agent, executor, termination)
    _end(agent)


def _missing(agent: Agent) -> list[tuple[Framework, Executor]]:
    return [
        (framework, executor)
        for framework in agent.frameworks.values()
        for executor in framework.executors.values()
        if executor.state is ExecutorState.REGISTERING
    ]


def _end(agent: Agent) -> None:
    agent.connection = Connection.DISCONNECTED
    registration.detected(agent, agent.master, agent.master_hostname)
