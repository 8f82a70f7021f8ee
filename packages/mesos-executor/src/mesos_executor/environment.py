"""The environment an agent starts an executor with, read once into a frozen value.

The variables, which of them an agent always sets, and their defaults are those of exec.cpp; the
`LIBPROCESS_*` ones are read by libprocess itself there. Agents older than 0.28 set no grace period, and
only those of 0.26 and later pass their own address on.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass

from mesos_messenger import UPID, ConfigurationError, Tls
from mesos_proto.durations import parse_duration

from .errors import AgentEnvironmentError

DEFAULT_RECOVERY_TIMEOUT = 15 * 60.0
DEFAULT_SHUTDOWN_GRACE_PERIOD = 5.0

_REQUIRED = (
    "MESOS_SLAVE_PID",
    "MESOS_SLAVE_ID",
    "MESOS_FRAMEWORK_ID",
    "MESOS_EXECUTOR_ID",
    "MESOS_DIRECTORY",
)


@dataclass(frozen=True, slots=True)
class ExecutorEnvironment:
    """What an agent tells an executor about itself. Times are seconds, `bind` and `advertise` are
    `(ip, port)` with None where libprocess's own default holds."""

    agent: UPID
    agent_id: str
    framework_id: str
    executor_id: str
    directory: str
    sandbox: str
    checkpoint: bool = False
    recovery_timeout: float = DEFAULT_RECOVERY_TIMEOUT
    shutdown_grace_period: float = DEFAULT_SHUTDOWN_GRACE_PERIOD
    local: bool = False
    bind_ip: str | None = None
    bind_port: int = 0
    advertise_ip: str | None = None
    advertise_port: int | None = None
    require_peer_address_ip_match: bool = False
    tls: Tls | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> ExecutorEnvironment:
        """Read the variables; raise `AgentEnvironmentError` that names every one missing, or the one that
        cannot be understood."""
        values = os.environ if environ is None else environ
        missing = [name for name in _REQUIRED if not values.get(name)]
        if missing:
            raise AgentEnvironmentError(
                f"not in the environment: {', '.join(missing)}; "
                "an executor is started by a Mesos agent, which sets these"
            )
        agent = _upid(values, "MESOS_SLAVE_PID")
        checkpoint = values.get("MESOS_CHECKPOINT") == "1"
        return cls(
            agent=agent,
            agent_id=values["MESOS_SLAVE_ID"],
            framework_id=values["MESOS_FRAMEWORK_ID"],
            executor_id=values["MESOS_EXECUTOR_ID"],
            directory=values["MESOS_DIRECTORY"],
            sandbox=values.get("MESOS_SANDBOX") or values["MESOS_DIRECTORY"],
            checkpoint=checkpoint,
            recovery_timeout=(
                seconds(values, "MESOS_RECOVERY_TIMEOUT", DEFAULT_RECOVERY_TIMEOUT)
                if checkpoint
                else DEFAULT_RECOVERY_TIMEOUT
            ),
            shutdown_grace_period=seconds(
                values, "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", DEFAULT_SHUTDOWN_GRACE_PERIOD
            ),
            local="MESOS_LOCAL" in values,
            bind_ip=_ip(values, "LIBPROCESS_IP"),
            bind_port=_bind_port(values, agent),
            advertise_ip=_ip(values, "LIBPROCESS_ADVERTISE_IP"),
            advertise_port=_port(values, "LIBPROCESS_ADVERTISE_PORT"),
            require_peer_address_ip_match=_flag(values, "LIBPROCESS_REQUIRE_PEER_ADDRESS_IP_MATCH"),
            tls=_tls(values),
        )


def _upid(values: Mapping[str, str], name: str) -> UPID:
    upid = UPID.parse(values[name])
    if not upid:
        raise AgentEnvironmentError(
            f"{name} is {values[name]!r}, which is not id@ip:port, or its host is not known"
        )
    return upid


def seconds(values: Mapping[str, str], name: str, default: float) -> float:
    """Return a variable that is a duration, in seconds; raise `AgentEnvironmentError` when it is none."""
    text = values.get(name)
    if text is None:
        return default
    try:
        return parse_duration(text)
    except ValueError as error:
        raise AgentEnvironmentError(
            f"{name} is {text!r}, which is not a duration such as 5secs or 15mins"
        ) from error


def _ip(values: Mapping[str, str], name: str) -> str | None:
    text = values.get(name)
    if not text:
        return None
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError as error:
        raise AgentEnvironmentError(f"{name} is {text!r}, which is not an IPv4 address") from error


def _port(values: Mapping[str, str], name: str) -> int | None:
    text = values.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise AgentEnvironmentError(f"{name} is {text!r}, which is not a port")
    return int(text)


def _flag(values: Mapping[str, str], name: str) -> bool:
    text = values.get(name, "")
    if text.lower() in ("", "0", "f", "false", "n", "no"):
        return False
    if text.lower() in ("1", "t", "true", "y", "yes"):
        return True
    raise AgentEnvironmentError(f"{name} is {text!r}, which is neither true nor false")


def _tls(values: Mapping[str, str]) -> Tls | None:
    try:
        return Tls.from_environ(values)
    except ConfigurationError as error:
        raise AgentEnvironmentError(str(error)) from error


def _bind_port(values: Mapping[str, str], agent: UPID) -> int:
    """Return the port to listen on: a fixed one is honoured, but not the agent's own, which can only have
    been inherited from it."""
    port = _port(values, "LIBPROCESS_PORT") or 0
    return 0 if port == agent.port else port
