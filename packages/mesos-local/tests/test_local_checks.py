"""What checks and health checks find, and what of it is told: judged without looking at anything."""

from __future__ import annotations

import pytest
from local_helpers import Wire, task_info
from mesos_local.executor.checks import CheckJudge, Finding, HealthJudge, empty_status, plans
from mesos_local.master import checks
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v1 import mesos_pb2 as mesos

STATUS = mesos.TaskStatus


def exit_code(code: int) -> mesos.CheckStatusInfo:
    status = mesos.CheckStatusInfo(type=mesos.CheckInfo.COMMAND)
    status.command.exit_code = code
    return status


def http(code: int) -> mesos.CheckStatusInfo:
    status = mesos.CheckStatusInfo(type=mesos.CheckInfo.HTTP)
    status.http.status_code = code
    return status


def test_a_check_tells_every_change_and_nothing_else() -> None:
    judge = CheckJudge(mesos.CheckInfo(type=mesos.CheckInfo.COMMAND))
    told = [
        judge.judge(result, 0.0) for result in (None, exit_code(0), exit_code(0), exit_code(1), None, None)
    ]
    found = [finding.check_status for finding in told if finding is not None]
    empty = mesos.CheckStatusInfo(type=mesos.CheckInfo.COMMAND)
    empty.command.SetInParent()
    assert [finding is None for finding in told] == [True, False, True, False, False, True]
    assert found == [exit_code(0), exit_code(1), empty]


def test_health_is_told_at_first_and_when_it_changes_and_each_failure_is() -> None:
    judge = HealthJudge(mesos.HealthCheck(consecutive_failures=3, grace_period_seconds=0), started=0.0)
    results = [exit_code(0), exit_code(0), exit_code(1), None, exit_code(0), exit_code(1), None, exit_code(2)]
    assert [judge.judge(result, 1.0) for result in results] == [
        Finding(healthy=True),
        None,
        Finding(healthy=False),
        Finding(healthy=False),
        Finding(healthy=True),
        Finding(healthy=False),
        Finding(healthy=False),
        Finding(healthy=False, kill=True),
    ]


def test_failures_do_not_count_in_the_grace_period_until_the_first_success() -> None:
    check = mesos.HealthCheck(consecutive_failures=1, grace_period_seconds=10)
    late = HealthJudge(check, started=100.0)
    assert late.judge(exit_code(1), 109.0) is None
    assert late.judge(None, 110.0) is None
    assert late.judge(exit_code(1), 110.1) == Finding(healthy=False, kill=True)
    early = HealthJudge(check, started=100.0)
    assert early.judge(exit_code(0), 101.0) == Finding(healthy=True)
    assert early.judge(exit_code(1), 102.0) == Finding(healthy=False, kill=True)


@pytest.mark.parametrize(
    ("code", "healthy"), [(199, False), (200, True), (399, True), (400, False), (503, False)]
)
def test_http_health_is_a_status_below_400(code: int, healthy: bool) -> None:
    judge = HealthJudge(mesos.HealthCheck(grace_period_seconds=0), started=0.0)
    finding = judge.judge(http(code), 0.0)
    assert finding is not None and finding.healthy is healthy


def test_a_finding_keeps_what_the_last_update_said_but_for_its_name_and_time() -> None:
    last = STATUS(state=mesos.TASK_RUNNING, uuid=b"u", timestamp=1.0, healthy=True, message="m")
    update = Finding(check_status=exit_code(4)).applied_to(last)
    assert (update.message, update.healthy, update.check_status) == ("m", True, exit_code(4))
    assert update.reason == STATUS.REASON_TASK_CHECK_STATUS_UPDATED
    assert not update.HasField("uuid") and not update.HasField("timestamp")
    sick = Finding(healthy=False).applied_to(update)
    assert (sick.healthy, sick.check_status) == (False, exit_code(4))
    assert sick.reason == STATUS.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED


def test_a_health_check_is_watched_as_the_check_it_is() -> None:
    task = mesos.TaskInfo()
    task.check.type = mesos.CheckInfo.TCP
    task.check.tcp.port = 1
    task.health_check.type = mesos.HealthCheck.HTTP
    task.health_check.http.port = 8443
    task.health_check.http.path = "/health"
    task.health_check.http.scheme = "https"
    task.health_check.http.protocol = mesos.NetworkInfo.IPv6
    task.health_check.timeout_seconds = 0
    (check, _), (health, _) = plans(task, 0.0)
    assert (check.check, check.timeout) == (task.check, 20.0)
    assert (health.scheme, health.host, health.check.http.port, health.timeout) == (
        "https",
        "::1",
        8443,
        None,
    )
    assert (health.check.delay_seconds, health.check.interval_seconds) == (15.0, 10.0)
    assert empty_status(task) == mesos.CheckStatusInfo(
        type=mesos.CheckInfo.TCP, tcp=mesos.CheckStatusInfo.Tcp()
    )
    assert empty_status(mesos.TaskInfo()) is None


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ({}, "CheckInfo must specify 'type'"),
        ({"type": "UNKNOWN"}, "'UNKNOWN' is not a valid check type"),
        ({"type": "COMMAND"}, "Expecting 'command' to be set for COMMAND check"),
        ({"type": "COMMAND", "command": {"command": {}}}, "Command check must contain 'shell command'"),
        (
            {"type": "COMMAND", "command": {"command": {"shell": False}}},
            "Command check must contain 'executable path'",
        ),
        ({"type": "HTTP"}, "Expecting 'http' to be set for HTTP check"),
        (
            {"type": "HTTP", "http": {"port": 1, "path": "x"}},
            "The path 'x' of HTTP check must start with '/'",
        ),
        ({"type": "TCP"}, "Expecting 'tcp' to be set for TCP check"),
        (
            {"type": "TCP", "tcp": {"port": 1}, "interval_seconds": -1},
            "Expecting 'interval_seconds' to be non-negative",
        ),
        (
            {"type": "TCP", "tcp": {"port": 1}, "delay_seconds": float("nan")},
            "Expecting 'delay_seconds' to be non-negative",
        ),
    ],
)
def test_a_check_that_makes_no_sense_is_refused(text: dict[str, object], error: str) -> None:
    info = v0.TaskInfo(check=v0.CheckInfo())
    _fill(info.check, text)
    assert checks.invalid(info) == f"Task uses invalid check: {error}"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ({}, "HealthCheck must specify 'type'"),
        (
            {"type": "HTTP", "http": {"port": 1, "scheme": "ftp"}},
            "Unsupported HTTP health check scheme: 'ftp'",
        ),
        ({"type": "COMMAND", "command": {}}, "Command health check must contain 'shell command'"),
        (
            {"type": "TCP", "tcp": {"port": 1}, "grace_period_seconds": -0.5},
            "Expecting 'grace_period_seconds' to be non-negative",
        ),
    ],
)
def test_a_health_check_that_makes_no_sense_is_refused(text: dict[str, object], error: str) -> None:
    info = v0.TaskInfo(health_check=v0.HealthCheck())
    _fill(info.health_check, text)
    assert checks.invalid(info) == f"Task uses invalid health check: {error}"


def _fill(message: v0.CheckInfo | v0.HealthCheck, fields: dict[str, object]) -> None:
    message.CopyFrom(type(message)(**fields))  # type: ignore[arg-type]


def test_the_master_refuses_a_task_for_its_check_before_anything_starts() -> None:
    wire = Wire()
    framework_id = wire.registered()
    (offer,) = wire.offers()
    task = task_info(offer, executor=None)
    task.check.type = v0.CheckInfo.HTTP
    wire.accept(framework_id, [offer], [task])
    (status,) = wire.statuses()
    assert (status.state, status.reason) == (v0.TASK_ERROR, v0.TaskStatus.REASON_TASK_INVALID)
    assert status.message == "Task uses invalid check: Expecting 'http' to be set for HTTP check"
    assert not wire.launched
