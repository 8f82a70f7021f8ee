"""One look at a task: a command is run, a URL is asked for, or a port is connected to.

Mirrors upstream's src/checks/checker_process.cpp, which runs `curl -s -S -L -k -g` and a small TCP program.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import h11
from mesos_proto.v1 import mesos_pb2 as mesos

from ..agent.processes import kill_family, own_group
from .checks import Plan

__all__ = ["ProbeError", "Surroundings", "look"]

_MAX_REDIRECTS = 50
_CHUNK = 65536


class ProbeError(Exception):
    """The look itself failed: it took too long, or nothing sensible came of it."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where the commands of a task's checks run."""

    environment: Mapping[str, str]
    directory: str | None = None


async def look(plan: Plan, around: Surroundings) -> mesos.CheckStatusInfo:
    """Look once. Raises ProbeError. Cancelled, it leaves nothing behind."""
    try:
        return await asyncio.wait_for(_look(plan, around), plan.timeout)
    except (asyncio.TimeoutError, TimeoutError) as error:
        raise ProbeError(f"timed out after {plan.timeout} seconds") from error
    except (OSError, ValueError, h11.ProtocolError) as error:
        raise ProbeError(str(error)) from error


async def _look(plan: Plan, around: Surroundings) -> mesos.CheckStatusInfo:
    check = plan.check
    status = mesos.CheckStatusInfo(type=check.type)
    if check.type == mesos.CheckInfo.COMMAND:
        status.command.exit_code = await _run(check.command.command, around)
    elif check.type == mesos.CheckInfo.HTTP:
        host = f"[{plan.host}]" if ":" in plan.host else plan.host
        status.http.status_code = await _get(f"{plan.scheme}://{host}:{check.http.port}{check.http.path}")
    else:
        status.tcp.succeeded = await _connects(plan.host, check.tcp.port)
    return status


async def _run(command: mesos.CommandInfo, around: Surroundings) -> int:
    """Run a command, with its output on our standard error; give its exit code."""
    environment = dict(around.environment)
    for variable in command.environment.variables:
        environment[variable.name] = variable.value
    argv = ["sh", "-c", command.value] if command.shell else list(command.arguments) or [command.value]
    process = await asyncio.create_subprocess_exec(
        *argv,
        executable=None if command.shell else command.value,
        env=environment,
        cwd=around.directory,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=sys.stderr.fileno(),
        stderr=sys.stderr.fileno(),
        **own_group(),
    )
    try:
        code = await process.wait()
    finally:
        if process.returncode is None:
            kill_family(process.pid)
            await process.wait()
    if code < 0:
        raise ProbeError(f"the command was ended by signal {-code}")
    return code


async def _connects(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except (OSError, OverflowError):
        return False
    await _close(writer)
    return True


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _get(url: str) -> int:
    """Ask for a URL and what it redirects to, whoever's certificate it shows; give the last status."""
    for _ in range(_MAX_REDIRECTS + 1):
        code, location = await _get_once(url)
        if not 300 <= code < 400 or not location:
            return code
        url = urljoin(url, location)
    raise ProbeError(f"more than {_MAX_REDIRECTS} redirects")


async def _get_once(url: str) -> tuple[int, str]:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ProbeError(f"{url!r} is no HTTP address")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    tls = _any_certificate() if parts.scheme == "https" else None
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=tls)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Host": parts.netloc, "User-Agent": "mesos-local", "Accept": "*/*", "Connection": "close"}
        wire = h11.Connection(h11.CLIENT)
        request = h11.Request(method="GET", target=target, headers=list(headers.items()))
        writer.write((wire.send(request) or b"") + (wire.send(h11.EndOfMessage()) or b""))
        code, location = 0, ""
        while True:
            event = wire.next_event()
            if event is h11.NEED_DATA:
                wire.receive_data(await reader.read(_CHUNK))
            elif isinstance(event, h11.Response):
                code = event.status_code
                location = dict(event.headers).get(b"location", b"").decode("latin-1")
            elif isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)):
                return code, location
    finally:
        writer.close()


def _any_certificate() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
