"""Health checks, which end a task, and checks, which only tell."""

from __future__ import annotations

from collections.abc import Iterable

from mesos_proto._builders._tasks import as_command
from mesos_proto.v1 import mesos_pb2 as mesos


def command_health_check(
    command: mesos.CommandInfo | str,
    *,
    delay: float = 15.0,
    interval: float = 10.0,
    timeout: float = 20.0,
    failures: int = 3,
    grace: float = 10.0,
) -> mesos.HealthCheck:
    """Check health by a command's exit status; times in seconds."""
    made = _health(delay, interval, timeout, failures, grace)
    made.type = mesos.HealthCheck.COMMAND
    made.command.CopyFrom(as_command(command))
    return made


def http_health_check(
    port: int,
    path: str = "/",
    *,
    scheme: str = "http",
    statuses: Iterable[int] = (),
    delay: float = 15.0,
    interval: float = 10.0,
    timeout: float = 20.0,
    failures: int = 3,
    grace: float = 10.0,
) -> mesos.HealthCheck:
    """Check health by the status of an HTTP response; times in seconds."""
    made = _health(delay, interval, timeout, failures, grace)
    made.type = mesos.HealthCheck.HTTP
    made.http.port = port
    made.http.path = path
    made.http.scheme = scheme
    made.http.statuses.extend(statuses)
    return made


def tcp_health_check(
    port: int,
    *,
    delay: float = 15.0,
    interval: float = 10.0,
    timeout: float = 20.0,
    failures: int = 3,
    grace: float = 10.0,
) -> mesos.HealthCheck:
    """Check health by a TCP connection; times in seconds."""
    made = _health(delay, interval, timeout, failures, grace)
    made.type = mesos.HealthCheck.TCP
    made.tcp.port = port
    return made


def _health(delay: float, interval: float, timeout: float, failures: int, grace: float) -> mesos.HealthCheck:
    return mesos.HealthCheck(
        delay_seconds=delay,
        interval_seconds=interval,
        timeout_seconds=timeout,
        consecutive_failures=failures,
        grace_period_seconds=grace,
    )


def command_check(
    command: mesos.CommandInfo | str, *, delay: float = 15.0, interval: float = 10.0, timeout: float = 20.0
) -> mesos.CheckInfo:
    """Watch a command's exit status; times in seconds."""
    made = _check(mesos.CheckInfo.COMMAND, delay, interval, timeout)
    made.command.command.CopyFrom(as_command(command))
    return made


def http_check(
    port: int, path: str = "/", *, delay: float = 15.0, interval: float = 10.0, timeout: float = 20.0
) -> mesos.CheckInfo:
    """Watch the status of an HTTP response; times in seconds."""
    made = _check(mesos.CheckInfo.HTTP, delay, interval, timeout)
    made.http.port = port
    made.http.path = path
    return made


def tcp_check(
    port: int, *, delay: float = 15.0, interval: float = 10.0, timeout: float = 20.0
) -> mesos.CheckInfo:
    """Watch whether a TCP connection succeeds; times in seconds."""
    made = _check(mesos.CheckInfo.TCP, delay, interval, timeout)
    made.tcp.port = port
    return made


def _check(
    kind: mesos.CheckInfo.Type.ValueType, delay: float, interval: float, timeout: float
) -> mesos.CheckInfo:
    return mesos.CheckInfo(type=kind, delay_seconds=delay, interval_seconds=interval, timeout_seconds=timeout)
