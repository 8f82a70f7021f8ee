"""Task groups: launched, ended, killed, refused; on a default executor."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from google.protobuf.json_format import ParseDict
from mesos_proto.v0 import mesos_pb2 as mesos

from differential.client import WAIT, Call, Client, Site
from differential.tasks import kill, offer_of, scalar, task

Group = mesos.Offer.Operation.LaunchGroup
Change = Callable[[Group], object]


def group(client: Client, *tasks: mesos.TaskInfo, executor: str = "pod") -> Group:
    """Return tasks with a default executor for them."""
    made = Group()
    info = made.executor
    info.type, info.executor_id.value = mesos.ExecutorInfo.DEFAULT, executor
    info.framework_id.value = client.framework_id
    info.resources.extend([scalar("cpus", 0.1), scalar("mem", 32), scalar("disk", 16)])
    made.task_group.tasks.extend(tasks)
    return made


def launch(client: Client, made: Group, on: mesos.SlaveID | None = None) -> mesos.Offer:
    """Launch a group on the next offer, or the next of a certain agent."""
    offer = offer_of(client, on)
    for each in made.task_group.tasks:
        if not each.slave_id.value:
            each.slave_id.CopyFrom(offer.slave_id)
    client.accept(
        [offer.id], mesos.Offer.Operation(type=mesos.Offer.Operation.LAUNCH_GROUP, launch_group=made)
    )
    return offer


def _statuses(client: Client, name: str, last: int, *, states: int = 3) -> None:
    """Take the statuses of a task, the last of which has the state `last`."""
    for _ in range(states - 1):
        client.status(name)
    assert client.status(name).state == last


def group_finishes(site: Site) -> None:
    with site.client() as client:
        client.register()
        launch(client, group(client, task("one", "true"), task("two", "true")))
        for name in ("one", "two"):
            _statuses(client, name, mesos.TASK_FINISHED)
        client.expect("ExitedExecutorMessage")


def group_of_which_one_fails(site: Site) -> None:
    with site.client() as client:
        client.register()
        launch(client, group(client, task("bad", "sleep 0.2; exit 3"), task("good")))
        _statuses(client, "bad", mesos.TASK_FAILED)
        _statuses(client, "good", mesos.TASK_KILLED)
        client.expect("ExitedExecutorMessage")


def _launch_running(
    client: Client, made: Group, directory: str, on: mesos.SlaveID | None = None
) -> mesos.SlaveID:
    """Launch a group, perhaps on a certain agent, and wait until all its tasks can be sent signals."""
    marks = [Path(directory, each.task_id.value) for each in made.task_group.tasks]
    for each, mark in zip(made.task_group.tasks, marks, strict=True):
        each.command.value = f"touch {mark}; exec sleep 1000"
    agent = launch(client, made, on).slave_id
    for each in made.task_group.tasks:
        _statuses(client, each.task_id.value, mesos.TASK_RUNNING, states=2)
    deadline = time.monotonic() + WAIT
    while not all(mark.exists() for mark in marks):
        assert time.monotonic() < deadline, f"{client.site.address}: {marks}"
        time.sleep(0.01)
    return agent


def group_of_which_one_is_killed(site: Site) -> None:
    killing = mesos.FrameworkInfo.Capability(type=mesos.FrameworkInfo.Capability.TASK_KILLING_STATE)
    with site.client() as client, TemporaryDirectory() as directory:
        client.register(capabilities=[killing])
        _launch_running(client, group(client, task("one"), task("two")), directory)
        kill(client, "one")
        for name in ("one", "two"):
            _statuses(client, name, mesos.TASK_KILLED, states=2)


def two_groups_on_one_executor(site: Site) -> None:
    with site.client() as client, TemporaryDirectory() as directory:
        client.register()
        agent = _launch_running(client, group(client, task("one"), task("two")), directory)
        _launch_running(client, group(client, task("three")), directory, agent)
        kill(client, "two")
        _statuses(client, "two", mesos.TASK_KILLED, states=1)
        _statuses(client, "one", mesos.TASK_KILLED, states=1)
        client.reconcile()
        client.status("three")
        kill(client, "three")
        _statuses(client, "three", mesos.TASK_KILLED, states=1)
        client.expect("ExitedExecutorMessage")


def group_whose_executor_is_shut_down(site: Site) -> None:
    with site.client() as client, TemporaryDirectory() as directory:
        client.register()
        agent = _launch_running(client, group(client, task("one"), task("two")), directory)
        shutdown = Call.Shutdown(slave_id=agent)
        shutdown.executor_id.value = "pod"
        client.call(type=Call.SHUTDOWN, shutdown=shutdown)
        for name in ("one", "two"):
            _statuses(client, name, mesos.TASK_KILLED, states=1)
        client.expect("ExitedExecutorMessage")


def group_with_nothing_to_fetch(site: Site) -> None:
    with site.client() as client:
        client.register()
        bad = task("bad")
        bad.command.uris.add(value="/no/such/file")
        launch(client, group(client, bad, task("good")))
        for name, last in (("bad", mesos.TASK_FAILED), ("good", mesos.TASK_KILLED)):
            while client.status(name).state != last:
                pass


def refused(name: str, change: Change) -> Callable[[Site], None]:
    """Launch a group of two after some change to it, which is not good."""

    def script(site: Site) -> None:
        with site.client() as client:
            client.register()
            made = group(client, task("one"), task("two"))
            change(made)
            launch(client, made)
            client.status("one")
            client.status("two")
            client.fence()

    script.__name__ = name
    return script


def _first(name: str, **fields: Any) -> Callable[[Site], None]:
    """Refuse a group for its first task, which has these fields (JSON)."""
    return refused(name, lambda made: ParseDict(fields, made.task_group.tasks[0]))


def _executor(name: str, **fields: Any) -> Callable[[Site], None]:
    """Refuse a group for its executor, which has these fields (JSON)."""
    return refused(name, lambda made: ParseDict(fields, made.executor))


def _other_executor(made: Group) -> None:
    own = made.task_group.tasks[0].executor
    own.CopyFrom(made.executor)
    own.name = "another"


def _without(name: str, resource: int) -> Callable[[Site], None]:
    def change(made: Group) -> None:
        del made.executor.resources[resource]

    return refused(name, change)


SCRIPTS = (
    group_finishes,
    group_of_which_one_fails,
    group_of_which_one_is_killed,
    two_groups_on_one_executor,
    group_whose_executor_is_shut_down,
    group_with_nothing_to_fetch,
    refused("group_without_framework_id", lambda made: made.executor.ClearField("framework_id")),
    refused("group_without_executor_type", lambda made: made.executor.ClearField("type")),
    refused(
        "group_of_another_framework",
        lambda made: made.executor.framework_id.MergeFrom(mesos.FrameworkID(value="other")),
    ),
    _executor("group_default_executor_with_command", command={"value": "true"}),
    _executor("group_custom_executor_without_command", type="CUSTOM"),
    _executor("group_default_executor_in_docker", container={"type": "DOCKER", "docker": {"image": "x"}}),
    _executor(
        "group_default_executor_with_image",
        container={"type": "MESOS", "mesos": {"image": {"type": "DOCKER", "docker": {"name": "x"}}}},
    ),
    _executor("group_executor_id_with_a_slash", executor_id={"value": "a/b"}),
    _executor("group_executor_grace_in_the_past", shutdown_grace_period={"nanoseconds": -1}),
    _without("group_executor_without_cpus", 0),
    _without("group_executor_without_mem", 1),
    _without("group_executor_without_disk", 2),
    refused("group_tasks_with_another_executor", _other_executor),
    _first("group_task_with_a_bad_check", check={"type": "TCP"}),
    _first("group_task_with_both", executor={"executor_id": {"value": "x"}, "command": {"value": "true"}}),
    _first("group_task_in_docker", container={"type": "DOCKER", "docker": {"image": "x"}}),
    _first(
        "group_task_with_its_own_network_and_an_http_health_check",
        container={"type": "MESOS", "network_infos": [{"name": "n"}]},
        health_check={"type": "HTTP", "http": {"port": 80}},
    ),
    refused(
        "group_too_large",
        lambda made: made.task_group.tasks[0].resources[0].scalar.MergeFrom(mesos.Value.Scalar(value=99)),
    ),
    refused("group_task_without_resources", lambda made: made.task_group.tasks[1].ClearField("resources")),
    refused(
        "group_task_of_another_agent",
        lambda made: made.task_group.tasks[1].slave_id.MergeFrom(mesos.SlaveID(value="nowhere")),
    ),
)
