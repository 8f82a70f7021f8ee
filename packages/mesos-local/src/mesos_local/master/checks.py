"""What a master refuses of a task's checks and commands, and in which words.

Mirrors upstream's src/common/validation.cpp.
"""

from __future__ import annotations

from mesos_proto.v0 import mesos_pb2 as mesos

__all__ = ["environment", "invalid"]


def invalid(info: mesos.TaskInfo) -> str | None:
    """Check what a task says about its check and its health check."""
    if info.HasField("check"):
        error = _check(info.check)
        if error:
            return f"Task uses invalid check: {error}"
    if info.HasField("health_check"):
        error = _health_check(info.health_check)
        if error:
            return f"Task uses invalid health check: {error}"
    return None


def _check(check: mesos.CheckInfo) -> str | None:
    kind = mesos.CheckInfo
    if not check.HasField("type"):
        return "CheckInfo must specify 'type'"
    if check.type == kind.COMMAND:
        if not check.HasField("command"):
            return "Expecting 'command' to be set for COMMAND check"
        error = _command(check.command.command, "Command check", "Check's")
    elif check.type == kind.HTTP:
        if not check.HasField("http"):
            return "Expecting 'http' to be set for HTTP check"
        error = _path(check.http, "HTTP check")
    elif check.type == kind.TCP:
        error = None if check.HasField("tcp") else "Expecting 'tcp' to be set for TCP check"
    else:
        error = "'UNKNOWN' is not a valid check type"
    return error or _times(check, "delay_seconds", "interval_seconds", "timeout_seconds")


def _health_check(check: mesos.HealthCheck) -> str | None:
    kind = mesos.HealthCheck
    if not check.HasField("type"):
        return "HealthCheck must specify 'type'"
    if check.type == kind.COMMAND:
        if not check.HasField("command"):
            return "Expecting 'command' to be set for COMMAND health check"
        error = _command(check.command, "Command health check", "Health check's")
    elif check.type == kind.HTTP:
        if not check.HasField("http"):
            return "Expecting 'http' to be set for HTTP health check"
        if check.http.HasField("scheme") and check.http.scheme not in ("http", "https"):
            return f"Unsupported HTTP health check scheme: '{check.http.scheme}'"
        error = _path(check.http, "HTTP health check")
    elif check.type == kind.TCP:
        error = None if check.HasField("tcp") else "Expecting 'tcp' to be set for TCP health check"
    else:
        error = "'UNKNOWN' is not a valid health check type"
    times = ("delay_seconds", "grace_period_seconds", "interval_seconds", "timeout_seconds")
    return error or _times(check, *times)


def _command(command: mesos.CommandInfo, what: str, whose: str) -> str | None:
    if not command.HasField("value"):
        missing = "shell command" if command.shell else "executable path"
        return f"{what} must contain '{missing}'"
    error = environment(command)
    return f"{whose} `CommandInfo` is invalid: {error}" if error else None


def _path(http: mesos.CheckInfo.Http | mesos.HealthCheck.HTTPCheckInfo, what: str) -> str | None:
    if http.HasField("path") and not http.path.startswith("/"):
        return f"The path '{http.path}' of {what} must start with '/'"
    return None


def _times(check: mesos.CheckInfo | mesos.HealthCheck, *names: str) -> str | None:
    for name in names:
        if not getattr(check, name) >= 0.0:  # No number at all is refused too.
            return f"Expecting '{name}' to be non-negative"
    return None


def environment(command: mesos.CommandInfo) -> str | None:
    """Check the environment of a command."""
    kinds = mesos.Environment.Variable
    for variable in command.environment.variables:
        named = f"Environment variable '{variable.name}' of type"
        if variable.type == kinds.SECRET:
            if not variable.HasField("secret"):
                return f"{named} 'SECRET' must have a secret set"
            if variable.HasField("value"):
                return f"{named} 'SECRET' must not have a value set"
        elif variable.type == kinds.VALUE:
            if not variable.HasField("value"):
                return f"{named} 'VALUE' must have a value set"
            if variable.HasField("secret"):
                return f"{named} 'VALUE' must not have a secret set"
        else:
            return "Environment variable of type 'UNKNOWN' is not allowed"
    return None
