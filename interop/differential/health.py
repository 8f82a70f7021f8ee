"""Tasks that are looked at: what their checks find goes through agent and master to the scheduler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.json_format import ParseDict
from mesos_proto.v0 import mesos_pb2 as mesos

from differential import groups
from differential.client import Site
from differential.tasks import kill, task

_QUICK = {"delay_seconds": 0, "interval_seconds": 0.1}
_STRICT = {**_QUICK, "grace_period_seconds": 0, "consecutive_failures": 2}
_NOBODY = {"port": 1}


def _command(code: int) -> dict[str, Any]:
    return {"type": "COMMAND", "command": {"value": f"exit {code}"}}


def _looked_at(name: str, findings: int, **fields: Any) -> Callable[[Site], None]:
    """Run a task with these checks (JSON) until so many findings came, ask about it, and kill it."""

    def script(site: Site) -> None:
        with site.client() as client:
            client.register()
            client.launch(client.offer(), ParseDict(fields, task("t")))
            for _ in range(2 + findings):
                client.status("t")
            client.reconcile()
            client.status("t")
            kill(client, "t")
            client.status("t")

    script.__name__ = name
    return script


def unhealthy(site: Site) -> None:
    with site.client() as client:
        client.register()
        info = ParseDict({"health_check": {**_STRICT, **_command(1)}}, task("t"))
        client.launch(client.offer(), info)
        while client.status("t").state != mesos.TASK_KILLED:
            pass


def unhealthy_in_a_group(site: Site) -> None:
    with site.client() as client:
        client.register()
        sick = ParseDict({"health_check": {**_STRICT, **_command(1)}}, task("sick"))
        groups.launch(client, groups.group(client, sick, task("well")))
        for name in ("sick", "well"):
            while client.status(name).state != mesos.TASK_KILLED:
                pass
        client.expect("ExitedExecutorMessage")


def checked_in_a_group(site: Site) -> None:
    with site.client() as client:
        client.register()
        one = ParseDict({"check": {**_QUICK, **_command_check(7)}}, task("one"))
        two = ParseDict({"health_check": {**_QUICK, **_command(0)}}, task("two"))
        groups.launch(client, groups.group(client, one, two))
        for name in ("one", "two"):
            for _ in range(3):
                client.status(name)
            client.reconcile((name, ""))
            client.status(name)


def _command_check(code: int) -> dict[str, Any]:
    return {"type": "COMMAND", "command": {"command": {"value": f"exit {code}"}}}


SCRIPTS = (
    _looked_at("healthy", 1, health_check={**_QUICK, **_command(0)}),
    _looked_at("checked_by_a_command", 1, check={**_QUICK, **_command_check(7)}),
    _looked_at("checked_by_http_that_nobody_serves", 0, check={**_QUICK, "type": "HTTP", "http": _NOBODY}),
    _looked_at("checked_by_tcp_that_nobody_serves", 1, check={**_QUICK, "type": "TCP", "tcp": _NOBODY}),
    _looked_at(
        "unhealthy_in_its_grace_period",
        0,
        health_check={**_QUICK, "type": "TCP", "tcp": _NOBODY, "grace_period_seconds": 600},
    ),
    unhealthy,
    unhealthy_in_a_group,
    checked_in_a_group,
)
