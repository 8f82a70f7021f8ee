"""The builders."""

from __future__ import annotations

import pytest
from mesos_proto import build, devolve, evolve
from mesos_proto.errors import MesosProtoError, ResourceError
from mesos_proto.resources import Resources
from mesos_proto.v1 import mesos_pb2 as mesos
from proto_helpers import Source, one, parse

Operation = mesos.Offer.Operation


def test_identities() -> None:
    assert build.agent_id("a") == mesos.AgentID(value="a")
    assert build.framework_id("f").value == "f" and build.offer_id("o").value == "o"
    for made in (build.task_id, build.executor_id, build.operation_id):
        assert made("x").value == "x"
        assert made().value != made().value != ""
    nested = build.container_id("c", parent=build.container_id("p"))
    assert nested.parent.value == "p" and not build.container_id().HasField("parent")


def test_labels_and_credentials() -> None:
    made = build.labels({"a.b": "1", "c": None}, d="2")
    assert [(label.key, label.value) for label in made.labels] == [("a.b", "1"), ("c", ""), ("d", "2")]
    assert not made.labels[1].HasField("value") and build.labels() == mesos.Labels()
    assert build.credential("p", "s") == mesos.Credential(principal="p", secret="s")
    assert not build.credential("p").HasField("secret")
    assert build.filters().refuse_seconds == 5 and build.filters(0.5).refuse_seconds == 0.5
    assert build.duration(1.5).nanoseconds == 1_500_000_000


def test_frameworks() -> None:
    plain = build.framework("n")
    assert plain == mesos.FrameworkInfo(name="n", user="")
    full = build.framework(
        "n",
        "u",
        roles=["a", "b"],
        capabilities=["PARTITION_AWARE", mesos.FrameworkInfo.Capability.GPU_RESOURCES],
        id="f",
        failover_timeout=60,
        checkpoint=True,
        principal="p",
        hostname="h",
        webui_url="http://h",
        labels=build.labels(x="y"),
    )
    names = [mesos.FrameworkInfo.Capability.Type.Name(capability.type) for capability in full.capabilities]
    assert names == ["PARTITION_AWARE", "GPU_RESOURCES", "MULTI_ROLE"]
    assert (full.id.value, full.failover_timeout, full.checkpoint, full.principal) == ("f", 60, True, "p")
    assert full.labels.labels[0].key == "x" and full.hostname == "h" and full.webui_url == "http://h"
    with pytest.raises(MesosProtoError, match=r"no capability 'TIME_TRAVEL'; there are .*MULTI_ROLE"):
        build.framework("n", capabilities=["TIME_TRAVEL"])


def test_resources() -> None:
    made = [build.cpus(1.5), build.mem(64, role="r"), build.gpus(1), build.disk(5), build.ports(1, (3, 5))]
    assert Resources(made) == parse("cpus:1.5;mem(r):64;gpus:1;disk:5;ports:[1,3-5]")
    assert build.set_of("s", ["a"], role="*") == one("s:{a}")
    assert build.ranges("x", [(1, 2), (2, 9)]) == one("x:[1-9]")
    reservation = build.reservation("r", principal="p", labels=build.labels(a="b"))
    assert reservation.type == mesos.Resource.ReservationInfo.DYNAMIC and reservation.labels.labels
    assert build.reservation("r", static=True).type == mesos.Resource.ReservationInfo.STATIC
    volume = build.volume(one("disk(r):5"), "id", "path", principal="p", shared=True, read_only=True)
    assert volume.disk.persistence.principal == "p" and volume.HasField("shared")
    assert volume.disk.volume.mode == mesos.Volume.RO
    for wrong in (lambda: build.cpus(-1), lambda: build.ports((3, 1)), lambda: build.mem(1, role="/")):
        with pytest.raises(ResourceError):
            wrong()


def test_commands() -> None:
    shell = build.command("echo $X", uris=["http://h/f", build.uri("x", executable=True)], environ={"X": "1"})
    assert shell.shell and shell.uris[0].extract and shell.uris[1].executable
    assert shell.environment.variables[0].name == "X"
    program = build.command("/bin/echo", ["echo", "hello"], user="nobody")
    assert not program.shell and list(program.arguments) == ["echo", "hello"] and program.user == "nobody"
    assert build.uri("x", output_file="y", cache=True).output_file == "y"


def test_tasks_and_executors() -> None:
    custom = build.executor("./run", "e", resources="cpus:0.1", name="n", data=b"d", shutdown_grace_seconds=3)
    assert custom.type == mesos.ExecutorInfo.CUSTOM and custom.executor_id.value == "e"
    assert custom.shutdown_grace_period.nanoseconds == 3 * 10**9 and custom.command.value == "./run"
    default = build.executor(framework_id=build.framework_id("f"))
    assert default.type == mesos.ExecutorInfo.DEFAULT and not default.HasField("command")
    task = build.task(
        "t",
        build.agent_id("a"),
        [build.cpus(1), build.mem(32)],
        build.command("true"),
        id="x",
        container=build.docker("image", network=mesos.ContainerInfo.DockerInfo.BRIDGE),
        health_check=build.tcp_health_check(80),
        check=build.tcp_check(80),
        data=b"d",
        labels=build.labels(a="b"),
        kill_grace_seconds=1,
        max_completion_seconds=60,
        limits={"cpus": float("inf"), "mem": 64},
    )
    assert task.IsInitialized() and task.task_id.value == "x" and task.container.docker.image == "image"
    assert task.limits["cpus"].value == float("inf") and task.max_completion_time.nanoseconds == 60 * 10**9
    assert build.task("t", "a", parse("cpus:1"), executor=custom).executor == custom
    assert build.task("t", "a", "cpus:1", "true").command.value == "true"
    assert build.task_group([task]).tasks[0] == task


def test_checks() -> None:
    http = build.http_health_check(80, "/health", statuses=[200, 204], interval=1, failures=5)
    assert (http.http.port, http.http.path, list(http.http.statuses)) == (80, "/health", [200, 204])
    assert (
        http.type == mesos.HealthCheck.HTTP and http.consecutive_failures == 5 and http.interval_seconds == 1
    )
    command = build.command_health_check("true", grace=2)
    assert command.type == mesos.HealthCheck.COMMAND and command.command.value == "true"
    assert build.tcp_health_check(1).type == mesos.HealthCheck.TCP
    assert build.command_check(build.command("x")).command.command.value == "x"
    assert build.http_check(80, delay=1).delay_seconds == 1 and build.tcp_check(9).tcp.port == 9


def test_every_operation_has_a_builder() -> None:
    volume = build.volume(one("disk(r):5"), "id", "path")
    raw = mesos.Resource(name="disk", type=mesos.Value.SCALAR, disk={"source": {"type": Source.RAW}})
    raw.scalar.value = 5
    task = build.task("t", "a", "cpus:1", "true")
    made = [
        build.launch(task, id="op"),
        build.launch_group(build.executor(), build.task_group([task])),
        build.launch_group(build.executor(), [task]),
        build.reserve("cpus(r){}:1", source="cpus:1"),
        build.unreserve("cpus(r){}:1"),
        build.create(volume),
        build.destroy(volume),
        build.grow_volume(volume, one("disk(r):1")),
        build.shrink_volume(volume, 1),
        build.create_disk(raw, Source.BLOCK),
        build.destroy_disk(raw),
    ]
    assert {operation.type for operation in made} == set(Operation.Type.values()) - {Operation.UNKNOWN}
    assert all(operation.IsInitialized() for operation in made)
    assert made[0].id.value == "op" and not made[1].HasField("id")
    assert made[1].launch_group.task_group == made[2].launch_group.task_group
    assert [evolve(devolve(operation)) for operation in made] == made
