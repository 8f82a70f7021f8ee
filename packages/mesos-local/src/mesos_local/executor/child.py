"""The container of a task in a group: a sandbox in its executor's, and a process of the executor's session.

Laid out as nested containers are by upstream's agent: `containers/<id>`, and a link to it, `tasks/<task>`.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

from mesos_proto import devolve
from mesos_proto.v1 import mesos_pb2 as mesos

from ..agent import fetcher, paths
from ..agent.containers import link_volume
from ..agent.environment import HOST_PATH
from ..agent.fetch_cache import FetchCache
from ..agent.processes import own_group
from ..agent.state import LinkVolume
from ..errors import FetchError
from .events import Child

__all__ = ["environment", "sandbox", "start"]


def sandbox(directory: str, child: Child) -> str:
    """Give the sandbox of a task whose executor runs in `directory`."""
    return os.path.join(directory, "containers", child.container_id.value)


def environment(child: Child, directory: str, ip: str) -> dict[str, str]:
    """Make the environment of a task; of its executor's it has nothing."""
    variables = {
        "PATH": HOST_PATH,
        "MESOS_SANDBOX": directory,
        "MESOS_CONTAINER_IP": ip,
        "MESOS_ALLOCATION_ROLE": next((each.allocation_info.role for each in child.info.resources), "*"),
        "PWD": directory,
    }
    variables.update((each.name, each.value) for each in child.info.command.environment.variables)
    return variables


def start(
    child: Child, executor_directory: str, variables: dict[str, str], cache: FetchCache | None
) -> subprocess.Popen[bytes]:
    """Make the container of a task and start its program. Raises FetchError or OSError."""
    directory = sandbox(executor_directory, child)
    os.makedirs(directory, mode=0o750)
    os.makedirs(os.path.join(executor_directory, "tasks"), exist_ok=True)
    paths.link(directory, os.path.join(executor_directory, "tasks", child.id))
    for volume in _volumes(child.info, directory, executor_directory):
        os.makedirs(volume.volume, exist_ok=True)
        link_volume(volume)
    command = child.info.command
    try:
        fetcher.fetch_logged(devolve(command), directory, cache)
    except FetchError as error:
        name = f"{child.container_id.parent.value}.{child.container_id.value}"
        raise FetchError(f"Failed to fetch all URIs for container '{name}': exited with status 1") from error
    return _start(command, directory, variables)


def _volumes(info: mesos.TaskInfo, directory: str, executor_directory: str) -> Iterator[LinkVolume]:
    """Give what a task shares with its executor: volumes among its resources, and paths it asks for."""
    for resource in info.resources:
        if resource.disk.HasField("volume"):
            path = resource.disk.volume.container_path
            yield LinkVolume(directory, path, os.path.join(executor_directory, path))
    for volume in info.container.volumes:
        source = volume.source.sandbox_path
        if source.type == mesos.Volume.Source.SandboxPath.PARENT:
            yield _inside(LinkVolume(directory, volume.container_path, source.path), executor_directory)
        elif source.type == mesos.Volume.Source.SandboxPath.SELF:
            yield _inside(LinkVolume(directory, volume.container_path, source.path), directory)


def _inside(link: LinkVolume, root: str) -> LinkVolume:
    place = os.path.normpath(os.path.join(root, link.volume))
    if os.path.commonpath([root, place]) != root:
        raise OSError(f"sandbox path {link.volume!r} lies outside the sandbox")
    return LinkVolume(link.directory, link.container_path, place)


def _start(command: mesos.CommandInfo, directory: str, variables: dict[str, str]) -> subprocess.Popen[bytes]:
    argv = ["sh", "-c", command.value] if command.shell else list(command.arguments) or [command.value]
    with (
        open(os.path.join(directory, "stdout"), "ab") as stdout,
        open(os.path.join(directory, "stderr"), "ab") as stderr,
    ):
        try:
            return _spawn(
                argv, None if command.shell else command.value, directory, variables, stdout, stderr
            )
        except OSError as error:
            stderr.write(f"Failed to execute '{command.value}': {error}\n".encode())
            return _spawn(["sh", "-c", "exit 1"], None, directory, variables, stdout, stderr)


def _spawn(
    argv: list[str],
    program: str | None,
    directory: str,
    variables: dict[str, str],
    stdout: object,
    stderr: object,
) -> subprocess.Popen[bytes]:
    """Start a program in a process group of its own, in the executor's session: its end is that of both."""
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
        argv,
        executable=program,
        cwd=directory,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        **own_group(),
    )
