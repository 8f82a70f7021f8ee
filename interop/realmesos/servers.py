"""A master and an agent, with the flags a test on one machine wants."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from realmesos.build import Build
from realmesos.errors import StartFailed
from realmesos.process import HOST, READY, Server, end_all, wait_for

Flags = Mapping[str, str | bool]
_HTTP_TIMEOUT = 10.0


def render(flags: Flags) -> list[str]:
    """Return flags as Mesos reads them; a False is a `--no-flag`."""
    words = []
    for name, value in flags.items():
        if isinstance(value, bool):
            words.append(f"--{name}" if value else f"--no-{name}")
        else:
            words.append(f"--{name}={value}")
    return words


class Daemon(Server):
    """What a master and an agent share: a port of their own choice that they keep, and HTTP."""

    kind = ""

    def __init__(self, name: str, directory: Path, build: Build, flags: Flags) -> None:
        super().__init__(name, directory)
        self.build = build
        self.flags: dict[str, str | bool] = {
            "ip": HOST,
            "port": "0",
            "hostname": "localhost",
            "work_dir": str(directory / "work"),
            **flags,
        }

    def command(self) -> list[str]:
        """See `Server`."""
        return [str(self.build.program), self.kind, *render(self.flags)]

    @property
    def port(self) -> int:
        """The port, known once it has started."""
        return int(self.flags["port"])

    @property
    def address(self) -> str:
        """`ip:port` as everybody else knows it."""
        return f"{HOST}:{self.flags.get('advertise_port', self.port)}"

    def _learn_port(self, pattern: str) -> None:
        port = self.wait_log(pattern).group(1)
        if self.flags["port"] == "0":
            self.flags["port"] = port

    def get(self, path: str) -> tuple[int, Any]:
        """GET a path: the status, and the body parsed as JSON (None unless the status is 200)."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=_HTTP_TIMEOUT)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
            return response.status, json.loads(body) if response.status == 200 and body else None
        finally:
            connection.close()

    def state(self) -> dict[str, Any] | None:
        """Return `/state`, or None while it is not served here."""
        try:
            state: dict[str, Any] | None = self.get("/state")[1]
        except (OSError, http.client.HTTPException):
            return None
        return state


class Master(Daemon):
    """A `mesos-master`."""

    kind = "master"

    def start(self) -> Master:
        """Start it, and wait until its port is open (not until it leads)."""
        self.spawn()
        self._learn_port(r"started on [\d.]+:(\d+)")
        return self

    @property
    def leads(self) -> bool:
        """Whether it leads and takes messages.

        `/state` is served as soon as a master leads, but until its registry is recovered it drops every
        message. An empty call tells: 307 elsewhere, 503 too early, and 400 or 415 from now on.
        """
        if not self.alive:
            return False
        connection = http.client.HTTPConnection(HOST, self.port, timeout=_HTTP_TIMEOUT)
        try:
            connection.request("POST", "/api/v1/scheduler", b"")
            return connection.getresponse().status not in (307, 503)
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def wait_leading(self, timeout: float = READY) -> Master:
        """Wait until it leads."""
        wait_for(f"{self.name} leads", lambda: self.leads, timeout)
        return self

    def metrics(self) -> dict[str, float]:
        """Return `/metrics/snapshot`."""
        status, body = self.get("/metrics/snapshot")
        if status != 200:
            raise StartFailed(f"{self.name}: /metrics/snapshot answers {status}")
        values: dict[str, float] = body
        return values


class Agent(Daemon):
    """A `mesos-agent`; its executors are ended with it by `clear`."""

    kind = "agent"

    def __init__(self, name: str, directory: Path, build: Build, flags: Flags) -> None:
        defaults: dict[str, str | bool] = {
            "runtime_dir": str(directory / "run"),
            "fetcher_cache_dir": str(directory / "fetch"),
            "launcher_dir": str(build.launcher_dir),
            "launcher": "posix",
            "isolation": "posix/cpu,posix/mem,filesystem/posix",
            "systemd_enable_support": False,
            "switch_user": os.geteuid() == 0,
            "registration_backoff_factor": "10ms",
            "resources": "cpus:4;mem:4096;disk:10000;ports:[31000-32000]",
        }
        super().__init__(name, directory, build, {**defaults, **flags})

    def start(self) -> Agent:
        """Start it, and wait until its port is open (not until it is registered)."""
        self.spawn()
        self._learn_port(r"agent started on \(\d+\)@[\d.]+:(\d+)")
        return self

    def wait_registered(self, timeout: float = READY) -> Agent:
        """Wait until a master has registered it, since this start."""
        self.wait_log(r"(Registered|Re-registered|Reregistered) with master ", timeout)
        return self

    @property
    def sandboxes(self) -> list[Path]:
        """The sandboxes of all executors that ever ran, by age."""
        runs = Path(str(self.flags["work_dir"])).glob("slaves/*/frameworks/*/executors/*/runs/*")
        return sorted((run for run in runs if not run.is_symlink()), key=lambda run: run.stat().st_mtime)

    def clear(self) -> None:
        """Stop it, and kill all executors and tasks it left."""
        self.stop()
        end_all(self.directory)
