"""The default executor as a pure state machine: the tasks of task groups, each with a container of its own.

Mirrors upstream's src/launcher/default_executor.cpp: when one task of a group fails or is killed, the others
are killed; when no task is left, the executor ends. `handle(event)` gives the commands that follow.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from os import WEXITSTATUS, WIFEXITED, WTERMSIG
from signal import SIGKILL, SIGTERM, strsignal

from mesos_proto.v1 import mesos_pb2 as mesos

from .checks import Finding, empty_status
from .events import (
    KILL_GRACE,
    CheckFound,
    Child,
    ChildEnded,
    ChildFailed,
    ChildStarted,
    Command,
    Connected,
    Disconnected,
    Event,
    Finish,
    Kill,
    LaunchGroup,
    SetTimer,
    Shutdown,
    Signal,
    Start,
    Tell,
    TimerFired,
    Unwatch,
    Watch,
)

__all__ = ["GroupSession"]

_Status = mesos.TaskStatus


class GroupSession:
    """The tasks of an executor in the container `parent`; `make_uuid` names their containers."""

    def __init__(self, parent: str, make_uuid: Callable[[], uuid.UUID] = uuid.uuid4) -> None:
        self.children: dict[str, Child] = {}
        self._parent = parent
        self._make_uuid = make_uuid
        self._tells_killing = False
        self._unhealthy = False
        self._shutting_down = False
        self._commands: list[Command] = []

    def handle(self, event: Event) -> list[Command]:
        """Take one event; give what is to be done, in order."""
        match event:
            case LaunchGroup(group):
                self._launch(group)
            case Kill(task_id, policy):
                self._kill_asked(task_id, policy)
            case Shutdown():
                self._shutdown()
            case Connected(framework):
                self._connected(framework)
            case _:
                self._handle_of_child(event)
        commands, self._commands = self._commands, []
        return commands

    def _handle_of_child(self, event: Event) -> None:
        """Take an event about a task; one that has ended is past all of them."""
        if isinstance(event, Disconnected):
            self._commands.extend(Unwatch(task_id) for task_id in self.children)
            return
        task_id = event.key[1] if isinstance(event, TimerFired) else getattr(event, "task_id", "")
        child = self.children.get(task_id)
        if child is None:
            return
        match event:
            case ChildStarted():
                child.started = True
                self._begin_group(child)
            case ChildFailed() | ChildEnded():
                child.outcome = event
                if child.running:
                    self._ended(child, event)
                else:
                    self._begin_group(child)
            case CheckFound(_, finding):
                self._found(child, finding)
            case TimerFired(("escalate", _)):
                self._commands.append(Signal(child.id, SIGKILL))
            case TimerFired(("completion", _)) if not child.killing:
                child.timed_out = True
                self._kill(child, 0.0)

    # From the launch to the end of a task.

    def _connected(self, framework: mesos.FrameworkInfo | None) -> None:
        if framework is not None:
            killing = mesos.FrameworkInfo.Capability.TASK_KILLING_STATE
            self._tells_killing = any(each.type == killing for each in framework.capabilities)
        for child in self.children.values():
            if child.running and not child.killing:
                self._commands.append(Watch(child))

    def _launch(self, group: mesos.TaskGroupInfo) -> None:
        if self._shutting_down:
            return
        ids = tuple(info.task_id.value for info in group.tasks)
        for info in group.tasks:
            container_id = mesos.ContainerID(value=str(self._make_uuid()))
            container_id.parent.value = self._parent
            child = Child(info, container_id, ids)
            self.children[child.id] = child
            self._tell(child, mesos.TASK_STARTING)
            self._commands.append(Start(child))

    def _begin_group(self, child: Child) -> None:
        """Go on with the tasks of a group when none of them is still on its way."""
        children = [self.children[each] for each in child.group]
        if not all(each.started or each.outcome for each in children):
            return
        for each in children:
            each.running = True
            if each.started:
                self._begin(each)
        for each in children:
            if each.outcome is not None:
                self._ended(each, each.outcome)

    def _begin(self, child: Child) -> None:
        if child.killing:  # It was killed while its container was made.
            self._terminate(child)
            return
        seconds = child.info.max_completion_time.nanoseconds / 1e9
        if seconds > 0:
            self._commands.append(SetTimer(("completion", child.id), seconds))
        self._tell(child, mesos.TASK_RUNNING)
        self._commands.append(Watch(child))

    def _ended(self, child: Child, event: ChildFailed | ChildEnded) -> None:
        if isinstance(event, ChildFailed):
            self._end(child, mesos.TASK_KILLED if child.killing else mesos.TASK_FAILED, event.text)
            return
        wait_status = event.wait_status
        if WIFEXITED(wait_status):
            ending = f"exited with status {WEXITSTATUS(wait_status)}"
        else:
            ending = f"terminated with signal {strsignal(WTERMSIG(wait_status))}"
        reason = None
        if child.timed_out:
            state, reason = mesos.TASK_FAILED, _Status.REASON_MAX_COMPLETION_TIME_REACHED
        elif child.killing:
            state = mesos.TASK_KILLED
        else:
            state = mesos.TASK_FAILED if wait_status else mesos.TASK_FINISHED
        self._end(child, state, f"Command {ending}", reason)

    def _end(
        self,
        child: Child,
        state: mesos.TaskState.ValueType,
        text: str,
        reason: mesos.TaskStatus.Reason.ValueType | None = None,
    ) -> None:
        """Tell the end of a task, and see to the rest of its group."""
        self._commands.append(Unwatch(child.id))
        self._tell(child, state, text, reason)
        del self.children[child.id]
        if state != mesos.TASK_FINISHED and not self._shutting_down and not child.group_ends:
            others = [self.children[each] for each in child.group if each in self.children]
            for other in others:
                other.group_ends = True
                if not other.killing:
                    self._kill(other, KILL_GRACE)
        if not self.children:
            self._commands.append(Finish())

    def _found(self, child: Child, finding: Finding) -> None:
        if child.killing:
            return
        child.last = finding.applied_to(child.last)
        self._commands.append(Tell(child.last))
        if finding.kill:
            self._unhealthy = True
            self._kill_asked(child.id, None)

    # Kills.

    def _kill_asked(self, task_id: str, policy: mesos.KillPolicy | None) -> None:
        child = self.children.get(task_id)
        if child is None or child.killing or self._shutting_down:
            return
        grace = KILL_GRACE
        for each in (policy, child.info.kill_policy):
            if each is not None and each.HasField("grace_period"):
                grace = each.grace_period.nanoseconds / 1e9
                break
        self._kill(child, grace)

    def _kill(self, child: Child, grace: float) -> None:
        child.killing, child.grace = True, grace
        self._commands.append(Unwatch(child.id))
        if self._tells_killing and not child.timed_out:
            self._tell(child, mesos.TASK_KILLING)
        if child.running:
            self._terminate(child)

    def _terminate(self, child: Child) -> None:
        self._commands.append(Signal(child.id, SIGTERM))
        self._commands.append(SetTimer(("escalate", child.id), child.grace))

    def _shutdown(self) -> None:
        if self._shutting_down:
            return
        self._shutting_down = True
        for child in self.children.values():
            if not child.killing:
                self._kill(child, KILL_GRACE)
        if not self.children:
            self._commands.append(Finish())

    def _tell(
        self,
        child: Child,
        state: mesos.TaskState.ValueType,
        text: str | None = None,
        reason: mesos.TaskStatus.Reason.ValueType | None = None,
    ) -> None:
        """Report about a task, with nothing in it of what was reported before."""
        terminal = state in (mesos.TASK_FINISHED, mesos.TASK_FAILED, mesos.TASK_KILLED)
        child.last = _Status(
            task_id=child.info.task_id,
            state=state,
            message=text,
            reason=reason,
            check_status=empty_status(child.info),
            healthy=False if self._unhealthy and terminal else None,
            container_status=mesos.ContainerStatus(container_id=child.container_id),
        )
        self._commands.append(Tell(child.last))
