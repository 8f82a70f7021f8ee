"""Checks and health checks of a task: what is looked at, when, and what of the findings is worth telling.

Mirrors upstream's src/checks/checker.cpp and health_checker.cpp: a health check is a check whose result is
judged healthy or not. Nothing here looks at anything; `watch` does, and tells a judge what came of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from mesos_proto.v1 import mesos_pb2 as mesos

__all__ = ["CheckJudge", "Finding", "HealthJudge", "Judge", "Plan", "empty_status", "plans"]

_Status = mesos.TaskStatus


@dataclass(frozen=True, slots=True)
class Plan:
    """What is looked at (`check`), and the rest of what only a health check can say. Times are seconds."""

    check: mesos.CheckInfo
    scheme: str = "http"
    host: str = "127.0.0.1"

    @property
    def timeout(self) -> float | None:
        """How long one look may take; None: as long as it likes."""
        return self.check.timeout_seconds or None


@dataclass(frozen=True, slots=True)
class Finding:
    """A change that the scheduler is told, and whether the task is to be killed for it."""

    check_status: mesos.CheckStatusInfo | None = None
    healthy: bool | None = None
    kill: bool = False

    def applied_to(self, status: mesos.TaskStatus) -> mesos.TaskStatus:
        """Give the update that tells it: the last one of the task, with the finding in it."""
        update = _Status()
        update.CopyFrom(status)
        update.ClearField("uuid")
        update.ClearField("timestamp")
        if self.check_status is not None:
            update.check_status.CopyFrom(self.check_status)
            update.reason = _Status.REASON_TASK_CHECK_STATUS_UPDATED
        if self.healthy is not None:
            update.healthy = self.healthy
            update.reason = _Status.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED
        return update


class Judge(Protocol):
    """Takes the result of each look (None: the look itself failed) and gives what is worth telling."""

    def judge(self, result: mesos.CheckStatusInfo | None, now: float) -> Finding | None: ...


def empty_status(task: mesos.TaskInfo) -> mesos.CheckStatusInfo | None:
    """Give the status of a task's check before its first result; None for a task that has no check."""
    return _empty(task.check) if task.HasField("check") else None


def _empty(check: mesos.CheckInfo) -> mesos.CheckStatusInfo:
    status = mesos.CheckStatusInfo(type=check.type)
    if check.type == mesos.CheckInfo.COMMAND:
        status.command.SetInParent()
    elif check.type == mesos.CheckInfo.HTTP:
        status.http.SetInParent()
    else:
        status.tcp.SetInParent()
    return status


class CheckJudge:
    """Tells each change of a check's result."""

    def __init__(self, check: mesos.CheckInfo) -> None:
        self._empty = _empty(check)
        self._last = self._empty

    def judge(self, result: mesos.CheckStatusInfo | None, now: float) -> Finding | None:
        """Take the result of a look."""
        status = result if result is not None else self._empty
        if status == self._last:
            return None
        self._last = status
        return Finding(check_status=status)


class HealthJudge:
    """Tells of the first success, of each failure, and of the first success after failures.

    Failures before the first success do not count during the grace period, which begins with the task.
    """

    def __init__(self, check: mesos.HealthCheck, started: float) -> None:
        self._grace_ends = started + check.grace_period_seconds if check.grace_period_seconds > 0 else None
        self._allowed = check.consecutive_failures
        self._failures = 0
        self._succeeded = False

    def judge(self, result: mesos.CheckStatusInfo | None, now: float) -> Finding | None:
        """Take the result of a look, made at time `now` on the clock of `started`."""
        if result is not None and _is_healthy(result):
            news = not self._succeeded or self._failures > 0
            self._succeeded, self._failures = True, 0
            return Finding(healthy=True) if news else None
        if not self._succeeded and self._grace_ends is not None and now <= self._grace_ends:
            return None
        self._failures += 1
        return Finding(healthy=False, kill=self._failures >= self._allowed)


def _is_healthy(result: mesos.CheckStatusInfo) -> bool:
    if result.type == mesos.CheckInfo.COMMAND:
        return result.command.exit_code == 0
    if result.type == mesos.CheckInfo.HTTP:
        return 200 <= result.http.status_code < 400
    return result.tcp.succeeded


def plans(task: mesos.TaskInfo, started: float) -> list[tuple[Plan, Judge]]:
    """Give what is to be watched of a task that started at time `started`."""
    found: list[tuple[Plan, Judge]] = []
    if task.HasField("check"):
        found.append((Plan(task.check), CheckJudge(task.check)))
    if task.HasField("health_check"):
        found.append((_health_plan(task.health_check), HealthJudge(task.health_check, started)))
    return found


def _health_plan(health: mesos.HealthCheck) -> Plan:
    check = mesos.CheckInfo(
        delay_seconds=health.delay_seconds,
        interval_seconds=health.interval_seconds,
        timeout_seconds=health.timeout_seconds,
    )
    if health.type == mesos.HealthCheck.COMMAND:
        check.type = mesos.CheckInfo.COMMAND
        check.command.command.CopyFrom(health.command)
        return Plan(check)
    if health.type == mesos.HealthCheck.HTTP:
        check.type = mesos.CheckInfo.HTTP
        check.http.port = health.http.port
        check.http.path = health.http.path
        return Plan(check, health.http.scheme or "http", _host(health.http.protocol))
    check.type = mesos.CheckInfo.TCP
    check.tcp.port = health.tcp.port
    return Plan(check, host=_host(health.tcp.protocol))


def _host(protocol: mesos.NetworkInfo.Protocol.ValueType) -> str:
    return "::1" if protocol == mesos.NetworkInfo.IPv6 else "127.0.0.1"
