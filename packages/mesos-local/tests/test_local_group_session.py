"""What the default executor decides about the tasks of groups, without a process."""

from __future__ import annotations

import signal
from collections.abc import Iterable

import pytest
from mesos_local.executor.checks import Finding
from mesos_local.executor.events import (
    CheckFound,
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
from mesos_local.executor.groups import GroupSession
from mesos_proto.v1 import mesos_pb2 as mesos

EXITED_3 = 3 << 8


class Script:
    """A session and what it has commanded."""

    def __init__(self, *capabilities: str) -> None:
        self.session = GroupSession("parent")
        framework = mesos.FrameworkInfo()
        for name in capabilities:
            framework.capabilities.add(type=mesos.FrameworkInfo.Capability.Type.Value(name))
        self.commands: list[Command] = []
        self.take(Connected(framework))

    def take(self, *events: Event) -> list[Command]:
        """Let it take events; give what it commands."""
        self.commands = [command for event in events for command in self.session.handle(event)]
        return self.commands

    def launch(self, *names: str, started: bool = True, **fields: object) -> None:
        """Launch a group, and let its tasks start."""
        group = mesos.TaskGroupInfo()
        for name in names:
            group.tasks.add(name=name, **fields).task_id.value = name  # type: ignore[arg-type]
        self.take(LaunchGroup(group))
        if started:
            self.take(*(ChildStarted(name) for name in names))

    def told(self) -> list[tuple[str, str]]:
        """Give what the last events had it tell."""
        return [
            (each.status.task_id.value, mesos.TaskState.Name(each.status.state)[5:])
            for each in self.commands
            if isinstance(each, Tell)
        ]


def of(kind: type[Command], commands: Iterable[Command]) -> list[Command]:
    return [each for each in commands if isinstance(each, kind)]


def test_a_group_is_started_as_a_whole_and_watched() -> None:
    script = Script()
    script.launch("a", "b", started=False)
    assert script.told() == [("a", "STARTING"), ("b", "STARTING")]
    children = [each.child for each in script.commands if isinstance(each, Start)]
    assert {child.container_id.parent.value for child in children} == {"parent"}
    assert len({child.container_id.value for child in children}) == 2
    assert not script.take(ChildStarted("b"))
    script.take(ChildStarted("a"))
    assert script.told() == [("a", "RUNNING"), ("b", "RUNNING")]
    assert of(Watch, script.commands) == [Watch(child) for child in children]
    status = next(each.status for each in script.commands if isinstance(each, Tell))
    assert status.container_status.container_id == children[0].container_id


@pytest.mark.parametrize("end", [ChildFailed("a", "no"), ChildEnded("a", EXITED_3)])
def test_an_end_is_told_when_the_whole_group_has_begun(end: Event) -> None:
    script = Script()
    script.launch("a", "b", started=False)
    if isinstance(end, ChildEnded):
        script.take(ChildStarted("a"))
    assert not script.take(end)
    script.take(ChildStarted("b"))
    assert script.told()[-2:] == [("b", "RUNNING"), ("a", "FAILED")]
    assert of(Signal, script.commands) == [Signal("b", signal.SIGTERM)]


def test_the_last_end_ends_the_executor_and_no_end_before_it() -> None:
    script = Script()
    script.launch("a", "b")
    script.launch("c")
    assert not of(Finish, script.take(ChildEnded("a", 0), ChildEnded("b", 0)))
    assert script.told() == [("a", "FINISHED"), ("b", "FINISHED")]
    assert of(Finish, script.take(ChildEnded("c", 0)))


@pytest.mark.parametrize("end", [ChildEnded("a", EXITED_3), ChildEnded("a", 9)])
def test_a_failure_kills_what_is_left_of_the_group_once(end: Event) -> None:
    script = Script("TASK_KILLING_STATE")
    script.launch("a", "b", "done")
    script.launch("other")
    script.take(ChildEnded("done", 0))
    script.take(end)
    assert script.told() == [("a", "FAILED"), ("b", "KILLING")]
    assert of(Signal, script.commands) == [Signal("b", signal.SIGTERM)]
    assert of(SetTimer, script.commands) == [SetTimer(("escalate", "b"), 3.0)]
    script.take(ChildEnded("b", 15))
    assert script.told() == [("b", "KILLED")]
    assert not of(Signal, script.commands)


def test_a_kill_waits_for_its_grace_and_is_heard_once() -> None:
    script = Script()
    script.launch("a", kill_policy=mesos.KillPolicy(grace_period=mesos.DurationInfo(nanoseconds=2 * 10**9)))
    policy = mesos.KillPolicy(grace_period=mesos.DurationInfo(nanoseconds=5 * 10**8))
    assert of(SetTimer, script.take(Kill("a", policy))) == [SetTimer(("escalate", "a"), 0.5)]
    assert not script.take(Kill("a"), Kill("unknown"))
    assert script.take(TimerFired(("escalate", "a"))) == [Signal("a", signal.SIGKILL)]
    script.take(ChildEnded("a", 9))
    assert script.told() == [("a", "KILLED")]
    assert not script.take(TimerFired(("escalate", "a")))


def test_the_tasks_own_kill_policy_counts_when_the_kill_has_none() -> None:
    script = Script()
    script.launch("a", kill_policy=mesos.KillPolicy(grace_period=mesos.DurationInfo(nanoseconds=2 * 10**9)))
    assert of(SetTimer, script.take(Kill("a", mesos.KillPolicy()))) == [SetTimer(("escalate", "a"), 2.0)]


def test_a_task_killed_while_it_starts_is_killed_when_it_runs() -> None:
    script = Script("TASK_KILLING_STATE")
    script.launch("a", started=False)
    script.take(Kill("a"))
    assert script.told() == [("a", "KILLING")] and not of(Signal, script.commands)
    assert of(Signal, script.take(ChildStarted("a"))) == [Signal("a", signal.SIGTERM)]
    assert not script.told() and not of(Watch, script.commands)


def test_time_that_runs_out_fails_the_task_without_grace() -> None:
    script = Script("TASK_KILLING_STATE")
    script.launch("a", max_completion_time=mesos.DurationInfo(nanoseconds=10**9))
    assert SetTimer(("completion", "a"), 1.0) in script.commands
    script.take(TimerFired(("completion", "a")))
    assert not script.told()
    assert SetTimer(("escalate", "a"), 0.0) in script.commands
    script.take(ChildEnded("a", 15))
    (status,) = [each.status for each in script.commands if isinstance(each, Tell)]
    assert status.state == mesos.TASK_FAILED
    assert status.reason == mesos.TaskStatus.REASON_MAX_COMPLETION_TIME_REACHED


def test_an_unhealthy_task_is_killed_and_every_end_after_it_says_so() -> None:
    script = Script()
    script.launch("a", "b")
    script.take(CheckFound("a", Finding(healthy=False, kill=True)))
    assert script.told() == [("a", "RUNNING")]
    assert Unwatch("a") in script.commands and Signal("a", signal.SIGTERM) in script.commands
    assert not script.take(CheckFound("a", Finding(healthy=True)))
    script.take(ChildEnded("a", 15))
    (status,) = [each.status for each in script.commands if isinstance(each, Tell)]
    assert (status.state, status.healthy) == (mesos.TASK_KILLED, False)


def test_a_shutdown_kills_all_and_takes_no_more() -> None:
    script = Script()
    script.launch("a")
    script.launch("b")
    assert [each for each in script.take(Shutdown()) if isinstance(each, Signal)] == [
        Signal("a", signal.SIGTERM),
        Signal("b", signal.SIGTERM),
    ]
    assert not script.take(Shutdown())
    script.launch("late", started=False)
    assert not script.commands
    assert of(Finish, script.take(ChildEnded("a", 15), ChildEnded("b", 15)))
    assert of(Finish, Script().take(Shutdown()))


def test_checks_rest_while_the_agent_is_away() -> None:
    script = Script()
    script.launch("a", "b")
    script.take(Kill("b"))
    assert script.take(Disconnected()) == [Unwatch("a"), Unwatch("b")]
    (watch,) = script.take(Connected())
    assert isinstance(watch, Watch) and watch.child.id == "a"
