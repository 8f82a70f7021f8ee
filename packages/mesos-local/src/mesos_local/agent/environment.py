"""The environment of an executor: exactly what a real agent gives, and nothing of the agent's own.

Mirrors `executorEnvironment` of upstream's src/slave/slave.cpp and the launch helper, which adds PATH and
PWD.
"""

from __future__ import annotations

from mesos_proto.durations import format_duration
from mesos_proto.v0 import mesos_pb2 as mesos

from .state import Agent, Executor, Framework

__all__ = ["HOST_PATH", "executor_environment"]

HOST_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def executor_environment(agent: Agent, framework: Framework, executor: Executor) -> dict[str, str]:
    """Make the environment for an executor; later entries win, those of its command last."""
    settings = agent.settings
    environment = {
        "PATH": HOST_PATH,
        "LIBPROCESS_IP": agent.ip,
        **dict(settings.executor_environment),
        "LIBPROCESS_PORT": "0",
        "MESOS_FRAMEWORK_ID": framework.id,
        "MESOS_EXECUTOR_ID": executor.id,
        "MESOS_DIRECTORY": executor.directory,
        "MESOS_SANDBOX": executor.directory,
        "MESOS_SLAVE_ID": agent.id,
        "MESOS_SLAVE_PID": agent.pid,
        "MESOS_AGENT_ENDPOINT": agent.address,
        "MESOS_CHECKPOINT": "1" if framework.info.checkpoint else "0",
        "MESOS_HTTP_COMMAND_EXECUTOR": "0",
        "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": format_duration(grace_period(agent, executor.info)),
        "PWD": executor.directory,
    }
    if framework.info.checkpoint:
        environment["MESOS_RECOVERY_TIMEOUT"] = format_duration(settings.recovery_timeout)
        environment["MESOS_SUBSCRIPTION_BACKOFF_MAX"] = format_duration(
            settings.executor_reregistration_timeout
        )
    for variable in executor.info.command.environment.variables:
        environment[variable.name] = variable.value
    return environment


def grace_period(agent: Agent, info: mesos.ExecutorInfo) -> float:
    """Give the seconds an executor has between being told to end and being killed."""
    if info.HasField("shutdown_grace_period"):
        return info.shutdown_grace_period.nanoseconds / 1e9
    return agent.settings.executor_shutdown_grace_period
