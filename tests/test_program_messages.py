"""What the v1 example scheduler says of its framework and its executor."""

from __future__ import annotations

from pathlib import Path

import pytest
from httpv1.flags import parse_flags
from httpv1.program import credential, executor_in_image, executor_served, framework_info, out_of_reach
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import ArtifactServer

Capability = mesos.FrameworkInfo.Capability


def test_a_framework_by_default() -> None:
    assert framework_info(parse_flags([], {})) == mesos.FrameworkInfo(
        user="root",
        name="example",
        role="*",
        failover_timeout=3_600_000,
        checkpoint=True,
        capabilities=[Capability(type=Capability.RESERVATION_REFINEMENT)],
    )


def test_a_framework_with_every_flag() -> None:
    flags = [
        "-user=me",
        "-name=mine",
        "-role=dev",
        "-failoverTimeout=1m",
        "-checkpoint=false",
        "-principal=p",
    ]
    flags += ["-hostname=here", "-label=a=b", "-label=c", "-gpuClusterCompat"]
    assert framework_info(parse_flags(flags, {})) == mesos.FrameworkInfo(
        user="me",
        name="mine",
        role="dev",
        failover_timeout=60,
        checkpoint=False,
        principal="p",
        hostname="here",
        labels=mesos.Labels(labels=[mesos.Label(key="a", value="b"), mesos.Label(key="c")]),
        capabilities=[
            Capability(type=Capability.RESERVATION_REFINEMENT),
            Capability(type=Capability.GPU_RESOURCES),
        ],
    )


def test_an_executor_in_an_image() -> None:
    executor = executor_in_image(parse_flags(["-exec.image=image:1", "-executor=/opt/e"], {}))
    docker = executor.container.docker
    assert executor.container.type == mesos.ContainerInfo.DOCKER
    assert docker.image == "image:1" and docker.force_pull_image
    assert [(each.key, each.value) for each in docker.parameters] == [("entrypoint", "/opt/e")]
    assert not executor.command.shell and not executor.command.uris and not executor.command.value


def test_an_executor_that_agents_fetch() -> None:
    options = parse_flags([f"-executor={__file__}", "-codec=json"], {})
    with ArtifactServer() as artifacts:
        executor = executor_served(options, artifacts)
        (uri,) = executor.command.uris
        assert uri.value == f"{artifacts.url}/{Path(__file__).name}" and uri.executable
    assert executor.command.shell and executor.command.value == f"./{Path(__file__).name}"
    assert [each.value for each in executor.command.environment.variables] == ["json"]


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        (["-url=http://10.0.0.7:5050/api/v1/scheduler"], True),
        (["-url=zk://10.0.0.7:2181/mesos", "-server.address=::1"], True),
        (["-url=127.0.0.1:5050", "-server.address=0.0.0.0"], True),
        (["-url=http://10.0.0.7:5050/api/v1/scheduler", "-server.address=10.0.0.5"], False),
        (["-url=http://10.0.0.7:5050/api/v1/scheduler", "-exec.image=image"], False),
        (["-url=zk://localhost/mesos"], False),
        ([], False),
    ],
)
def test_where_agents_elsewhere_could_not_fetch_it(flags: list[str], wanted: bool) -> None:
    assert out_of_reach(parse_flags(flags, {})) is wanted


def test_a_password_has_no_newline_and_is_not_shown(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_bytes(b"s3cret\r\n")
    flags = ["-credentials.username=me", f"-credentials.passwordFile={password}"]
    found = credential(parse_flags([*flags, "-authmode=basic"], {}))
    assert found is not None and (found.principal, found.secret) == ("me", "s3cret")
    assert "s3cret" not in repr(found)
    assert credential(parse_flags(flags, {})) is None
