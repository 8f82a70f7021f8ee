"""Checks and health checks of tasks that are refused, and in which words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.json_format import ParseDict

from differential.client import Site
from differential.tasks import refused


def _with(name: str, **fields: Any) -> Callable[[Site], None]:
    """Launch a task with these fields, which are JSON."""
    return refused(name, lambda info: ParseDict(fields, info))


def _command(**fields: Any) -> dict[str, Any]:
    return {"type": "COMMAND", "command": fields}


_PORT = {"port": 80}

SCRIPTS = (
    refused("health_check_without_type", lambda info: info.health_check.SetInParent()),
    refused("check_without_type", lambda info: info.check.SetInParent()),
    _with("health_check_without_what", health_check={"type": "HTTP"}),
    _with("check_without_what", check={"type": "COMMAND"}),
    _with("health_check_of_an_unknown_type", health_check={"type": "UNKNOWN"}),
    _with("check_of_an_unknown_type", check={"type": "UNKNOWN"}),
    _with("tcp_health_check_without_what", health_check={"type": "TCP"}),
    _with("health_check_without_shell_command", health_check=_command()),
    _with("health_check_without_executable", health_check=_command(shell=False)),
    _with("check_without_shell_command", check=_command(command={})),
    _with("health_check_scheme", health_check={"type": "HTTP", "http": {**_PORT, "scheme": "ftp"}}),
    _with("health_check_path", health_check={"type": "HTTP", "http": {**_PORT, "path": "health"}}),
    _with("check_path", check={"type": "HTTP", "http": {**_PORT, "path": "health"}}),
    _with("health_check_delay", health_check={"type": "TCP", "tcp": _PORT, "delay_seconds": -1}),
    _with("health_check_grace", health_check={"type": "TCP", "tcp": _PORT, "grace_period_seconds": -1}),
    _with("check_interval", check={"type": "TCP", "tcp": _PORT, "interval_seconds": -1}),
    _with("check_timeout", check={"type": "TCP", "tcp": _PORT, "timeout_seconds": -1}),
    _with(
        "check_environment_without_value",
        check=_command(command={"value": "true", "environment": {"variables": [{"name": "A"}]}}),
    ),
    refused("environment_without_value", lambda info: info.command.environment.variables.add(name="A")),
)
