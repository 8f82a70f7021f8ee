"""Task groups on their way through master and agent, without a network: checked, launched, queued, killed."""

from __future__ import annotations

from typing import Any

import pytest
from local_helpers import AGENT, EXECUTOR, SCHEDULER, Wire, task_info
from mesos_local._wire import StreamSend
from mesos_local.agent.session import ContainerStarted, ExecutorSubscribed
from mesos_local.config import parse_resources
from mesos_proto.v0 import executor_pb2
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as scheduler

STATUS = mesos.TaskStatus
INVALID = STATUS.REASON_TASK_GROUP_INVALID


class Groups(Wire):
    """A cluster with a framework that launches groups."""

    def __init__(self) -> None:
        super().__init__(agents=0)
        self.add_agent(
            AGENT,
            resources=parse_resources("cpus:4;mem:1024;disk:100"),
            default_executor=("/bin/default", "-x"),
        )
        self.framework_id = self.registered(checkpoint=True)

    def executor(self, **fields: Any) -> mesos.ExecutorInfo:
        """Describe a default executor."""
        values = {"resources": parse_resources("cpus:0.1;mem:32;disk:10"), "framework_id": self.framework_id}
        return mesos.ExecutorInfo(
            **{
                "type": mesos.ExecutorInfo.DEFAULT,
                "executor_id": mesos.ExecutorID(value="pod"),
                **values,
                **fields,
            }
        )

    def launch_group(
        self, *names: str, executor: mesos.ExecutorInfo | None = None, **fields: Any
    ) -> mesos.Offer:
        """Launch a group of tasks of these names on the next offer."""
        self.advance(1.0)
        (offer,) = self.offers()
        operation = mesos.Offer.Operation(type=mesos.Offer.Operation.LAUNCH_GROUP)
        operation.launch_group.executor.CopyFrom(executor or self.executor())
        for name in names:
            task = task_info(offer, name, "cpus:0.1;mem:32", executor=None)
            for key, value in fields.items():
                getattr(task, key).MergeFrom(value)
            operation.launch_group.task_group.tasks.append(task)
        accept = scheduler.Call.Accept(offer_ids=[offer.id], operations=[operation])
        accept.filters.refuse_seconds = 0
        self.call(self.framework_id, scheduler.Call.ACCEPT, accept=accept)
        return offer

    def subscribe_executor(self) -> list[executor_pb2.Event]:
        """Let the newest executor subscribe over HTTP; give what it is told."""
        launch = self.launched[-1]
        self.tell(AGENT, ContainerStarted(launch.container_id, 4242))
        call = executor_pb2.Call(type=executor_pb2.Call.SUBSCRIBE)
        call.framework_id.CopyFrom(self.framework_id)
        call.executor_id.value = launch.environment["MESOS_EXECUTOR_ID"]
        call.subscribe.SetInParent()
        self.performed.clear()
        self.tell(AGENT, ExecutorSubscribed("stream", call))
        return self.events()

    def events(self) -> list[executor_pb2.Event]:
        """Give what executors on HTTP have been told since the last time, and forget it."""
        events = [each.event for each in self.performed if isinstance(each, StreamSend)]
        self.performed.clear()
        return events  # type: ignore[return-value]

    def ends(self) -> list[tuple[str, str, str]]:
        return [
            (each.task_id.value, mesos.TaskState.Name(each.state)[5:], each.message)
            for each in self.statuses()
        ]


def ids(event: executor_pb2.Event) -> list[str]:
    return [task.task_id.value for task in event.launch_group.task_group.tasks]


def test_a_group_goes_as_a_whole_to_the_executor_that_it_starts() -> None:
    wire = Groups()
    wire.launch_group("a", "b")
    (launch,) = wire.launched
    assert (launch.command.value, launch.argv) == (
        "/bin/default",
        ("/bin/default", "-x", "/work/fetch", str(2 << 30)),
    )
    subscribed, group = wire.subscribe_executor()
    assert subscribed.subscribed.container_id.value == launch.container_id
    assert (
        subscribed.subscribed.executor_info
        == wire.master.state.agents[launch.environment["MESOS_SLAVE_ID"]].executors[
            (wire.framework_id.value, "pod")
        ]
    )
    assert group.type == executor_pb2.Event.LAUNCH_GROUP and ids(group) == ["a", "b"]
    assert all(
        task.executor == subscribed.subscribed.executor_info for task in group.launch_group.task_group.tasks
    )
    assert set(wire.agent.state.executor(wire.framework_id.value, "pod").launched) == {"a", "b"}  # type: ignore[union-attr]


def test_groups_wait_for_their_executor_and_later_ones_go_at_once() -> None:
    wire = Groups()
    wire.launch_group("a", "b")
    wire.launch_group("c")
    assert len(wire.launched) == 1
    assert [ids(event) for event in wire.subscribe_executor()] == [[], ["a", "b"], ["c"]]
    offer = wire.launch_group("d")
    assert [ids(event) for event in wire.events()] == [["d"]]
    total = {each.name: each.scalar.value for each in offer.resources}
    assert total["cpus"] == pytest.approx(4 - 0.1 - 3 * 0.1), "the executor is paid for once"


def test_a_kill_before_the_executor_is_there_ends_the_whole_group() -> None:
    wire = Groups()
    wire.launch_group("a", "b")
    wire.launch_group("c")
    kill = scheduler.Call.Kill(task_id=mesos.TaskID(value="b"))
    wire.call(wire.framework_id, scheduler.Call.KILL, kill=kill)
    text = "A task within the task group was killed before delivery to the executor"
    assert wire.ends() == [("a", "KILLED", text), ("b", "KILLED", text)]
    assert [ids(event) for event in wire.subscribe_executor()] == [[], ["c"]]


def test_the_end_of_the_executor_ends_queued_and_launched_tasks() -> None:
    wire = Groups()
    wire.launch_group("a", "b")
    wire.subscribe_executor()
    wire.end(wire.launched[0], 9)
    assert wire.one(SCHEDULER, internal.ExitedExecutorMessage).executor_id.value == "pod"
    assert wire.ends() == [(name, "FAILED", "Executor terminated") for name in ("a", "b")]


def test_a_custom_executor_on_http_may_run_groups_and_one_on_libprocess_may_not() -> None:
    wire = Groups()
    custom = wire.executor(type=mesos.ExecutorInfo.CUSTOM, command=mesos.CommandInfo(value="./run"))
    wire.launch_group("a", executor=custom)
    assert wire.launched[0].argv == ("sh", "-c", "./run")
    wire.start_executor(EXECUTOR)
    (end,) = wire.ends()
    assert end == (
        "a",
        "LOST",
        "Executor 'pod' has to subscribe to the v1 executor API to be given task groups",
    )


def test_an_image_refuses_the_whole_group() -> None:
    wire = Groups()
    container = mesos.ContainerInfo(type=mesos.ContainerInfo.MESOS)
    container.mesos.image.type = mesos.Image.DOCKER
    wire.launch_group("a", "b", container=container)
    assert [end[:2] for end in wire.ends()] == [("a", "FAILED"), ("b", "FAILED")]
    assert not wire.launched
    (agent,) = wire.master.state.agents.values()
    assert not agent.executors


def resources(text: str) -> dict[str, Any]:
    return {"resources": parse_resources(text)}


@pytest.mark.parametrize(
    ("executor", "error"),
    [
        (
            resources("mem:32;disk:10"),
            "Executor 'pod' uses less CPUs (None) than the minimum required (0.01)",
        ),
        (
            resources("cpus:0.1;mem:16;disk:10"),
            "Executor 'pod' uses less memory (16MB) than the minimum required (32MB)",
        ),
        (resources("cpus:0.1;mem:32"), "Executor 'pod' uses no disk"),
        ({"framework_id": None}, "'ExecutorInfo.framework_id' must be set"),
        ({"type": None}, "'ExecutorInfo.type' must be set"),
        (
            {"command": mesos.CommandInfo(value="x")},
            "'ExecutorInfo.command' must not be set for 'DEFAULT' executor",
        ),
        ({"type": mesos.ExecutorInfo.CUSTOM}, "'ExecutorInfo.command' must be set for 'CUSTOM' executor"),
        (
            {"container": mesos.ContainerInfo(type=mesos.ContainerInfo.DOCKER)},
            "'ExecutorInfo.container.type' must be 'MESOS' for 'DEFAULT' executor",
        ),
    ],
)
def test_an_executor_that_will_not_do_refuses_every_task(executor: dict[str, Any], error: str) -> None:
    wire = Groups()
    wire.launch_group("a", "b", executor=wire.executor(**executor))
    assert wire.ends() == [("a", "ERROR", error), ("b", "ERROR", error)]
    assert not wire.launched


def test_one_bad_task_refuses_the_group_and_gives_everything_back() -> None:
    wire = Groups()
    wire.launch_group("a", "b", health_check=mesos.HealthCheck(type=mesos.HealthCheck.HTTP))
    text = "Task uses invalid health check: Expecting 'http' to be set for HTTP health check"
    statuses = wire.statuses()
    assert [each.message for each in statuses] == [f"Task 'a' is invalid: {text}"] * 2
    assert {each.reason for each in statuses} == {INVALID}
    wire.advance(1.0)
    (offer,) = wire.offers()
    assert {each.name: each.scalar.value for each in offer.resources}["cpus"] == 4


def test_the_same_id_twice_in_a_group_refuses_it() -> None:
    wire = Groups()
    wire.launch_group("a", "a")
    assert wire.ends() == [("a", "ERROR", "Task 'a' is invalid: Task has duplicate ID: a")] * 2


def test_what_the_master_expects_of_executors_is_compared_with_what_there_is() -> None:
    wire = Groups()
    wire.launch_group("a")
    wire.subscribe_executor()
    agent = wire.agent.state
    run = internal.RunTaskGroupMessage(
        framework=agent.frameworks[wire.framework_id.value].info,
        executor=wire.executor(),
        launch_executor=True,
    )
    task = run.task_group.tasks.add(name="b", executor=run.executor)
    task.task_id.value, task.slave_id.value = "b", agent.id
    wire.send(agent.master, AGENT, run)
    assert wire.ends() == [("b", "LOST", "Master wants to launch executor, but one already exists")]
    assert [event.type for event in wire.events()] == [executor_pb2.Event.SHUTDOWN]
    run.launch_executor, task.task_id.value = False, "c"
    run.executor.executor_id.value = "unknown"
    wire.send(agent.master, AGENT, run)
    assert wire.ends() == [("c", "LOST", "No executor is expected to launch and there is none running")]
