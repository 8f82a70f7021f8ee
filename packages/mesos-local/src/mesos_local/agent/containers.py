"""Containers: sandbox, fetch, process, reaping. The agent's shell owns one `Containers`.

Strategy: a thread for each container does its blocking steps and then waits for its process. A container is a
session of its own; at its end every process left in that session or its process group is killed. The end
is awaited without reaping (`WNOWAIT`), so the id of the session cannot pass to strangers before that.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from mesos_proto.v0.mesos_pb2 import CommandInfo

from ..errors import FetchError
from . import fetcher, paths
from .processes import await_end, await_stranger, kill_family, reap
from .session import ContainerExited, ContainerFailed, ContainerStarted
from .state import LaunchContainer, LinkVolume

__all__ = ["Containers", "link_volume"]

log = logging.getLogger("mesos.local.agent")

ContainerEvent = ContainerStarted | ContainerFailed | ContainerExited


@dataclass(slots=True)
class _Container:
    launch: LaunchContainer
    thread: threading.Thread | None = None
    process: subprocess.Popen[bytes] | None = None
    adopted: int | None = None
    destroyed: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class Containers:
    """Runs containers and reports what becomes of them through `report`, from threads of its own."""

    def __init__(
        self, report: Callable[[ContainerEvent], None], cache: fetcher.FetchCache | None = None
    ) -> None:
        self._report = report
        self._cache = cache
        self._containers: dict[str, _Container] = {}
        self._lock = threading.Lock()

    def launch(self, launch: LaunchContainer) -> None:
        """Begin a container; returns at once."""
        container = _Container(launch)
        container.thread = threading.Thread(
            target=self._run, args=(container,), name=f"container-{launch.container_id[:8]}", daemon=True
        )
        with self._lock:
            self._containers[launch.container_id] = container
        container.thread.start()

    def adopt(self, container_id: str, os_pid: int | None) -> None:
        """Watch over a container that somebody else started. How it ends is not known, only when."""
        launch = LaunchContainer(container_id, "", CommandInfo(), (), {})
        container = _Container(launch, adopted=os_pid)
        container.thread = threading.Thread(
            target=self._watch, args=(container,), name=f"container-{container_id[:8]}", daemon=True
        )
        with self._lock:
            self._containers[container_id] = container
        container.thread.start()

    def _watch(self, container: _Container) -> None:
        if container.adopted is not None:
            await_stranger(container.adopted)
            kill_family(container.adopted)
        with self._lock:
            del self._containers[container.launch.container_id]
        self._report(ContainerExited(container.launch.container_id, -1))

    def destroy(self, container_id: str) -> None:
        """Kill every process of a container; its end is reported as any other."""
        with self._lock:
            container = self._containers.get(container_id)
        if container is not None:
            _destroy(container)

    def stop(self, timeout: float) -> None:
        """Kill every container and wait until all of them are gone."""
        with self._lock:
            containers = list(self._containers.values())
        for container in containers:
            _destroy(container)
        for container in containers:
            if container.thread is not None and container.thread is not threading.current_thread():
                container.thread.join(timeout)
                if container.thread.is_alive():
                    log.error("Container %s did not end", container.launch.container_id)

    def _run(self, container: _Container) -> None:
        container_id = container.launch.container_id
        try:
            event = self._live(container)
        except Exception as error:  # A container must always report its end.
            log.exception("Container %s failed", container_id)
            event = ContainerFailed(container_id, str(error))
        with self._lock:
            del self._containers[container_id]
        self._report(event)

    def _live(self, container: _Container) -> ContainerEvent:
        launch = container.launch
        try:
            _make_sandbox(launch.directory)
            for volume in launch.volumes:
                link_volume(volume)
            fetcher.fetch_logged(launch.command, launch.directory, self._cache)
            process = _start(container)
        except FetchError:
            return ContainerFailed(
                launch.container_id,
                f"Failed to fetch all URIs for container '{launch.container_id}': exited with status 1",
            )
        except OSError as error:
            return ContainerFailed(launch.container_id, str(error))
        if process is None:
            return ContainerExited(launch.container_id, signal.SIGKILL)
        self._report(ContainerStarted(launch.container_id, process.pid))
        await_end(process)
        with container.lock:
            status = reap(process)
            container.process = None
        return ContainerExited(launch.container_id, status)


def _make_sandbox(directory: str) -> None:
    os.makedirs(directory, mode=0o750)
    paths.point(directory, "latest")


def link_volume(link: LinkVolume) -> None:
    """Put a volume into a sandbox, where it is not there yet."""
    place = os.path.realpath(os.path.join(link.directory, link.container_path))
    if os.path.commonpath([os.path.realpath(link.directory), place]) != os.path.realpath(link.directory):
        if place != os.path.realpath(link.volume):
            raise OSError(f"container_path {link.container_path!r} lies outside the sandbox")
        return
    os.makedirs(os.path.dirname(place), exist_ok=True)
    os.symlink(link.volume, place)


def _start(container: _Container) -> subprocess.Popen[bytes] | None:
    """Start the program of a container, unless it was destroyed meanwhile."""
    launch = container.launch
    executable = launch.command.value if not launch.command.shell else "/bin/sh"
    argv = launch.argv or (executable,)
    with (
        open(os.path.join(launch.directory, "stdout"), "ab") as stdout,
        open(os.path.join(launch.directory, "stderr"), "ab") as stderr,
        container.lock,
    ):
        if container.destroyed:
            return None
        container.process = subprocess.Popen(
            argv,
            executable=executable,
            cwd=launch.directory,
            env=launch.environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        return container.process


def _destroy(container: _Container) -> None:
    with container.lock:
        container.destroyed = True
        root = container.process.pid if container.process is not None else container.adopted
        if root is not None:
            kill_family(root)
