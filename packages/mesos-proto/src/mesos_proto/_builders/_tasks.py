"""Commands, checks, executors, tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mesos_proto._builders._basics import duration, executor_id, task_id
from mesos_proto._builders._resources import ResourcesLike, messages
from mesos_proto.v1 import mesos_pb2 as mesos


def uri(
    value: str,
    *,
    executable: bool = False,
    extract: bool = True,
    cache: bool = False,
    output_file: str | None = None,
) -> mesos.CommandInfo.URI:
    """Describe something to fetch into the sandbox."""
    made = mesos.CommandInfo.URI(value=value, executable=executable, extract=extract, cache=cache)
    if output_file is not None:
        made.output_file = output_file
    return made


def environment(variables: Mapping[str, str]) -> mesos.Environment:
    """Make environment variables."""
    made = mesos.Environment()
    for name, value in variables.items():
        made.variables.add(name=name, value=value)
    return made


def command(
    value: str,
    arguments: Iterable[str] | None = None,
    *,
    uris: Iterable[mesos.CommandInfo.URI | str] = (),
    environ: Mapping[str, str] | None = None,
    user: str | None = None,
) -> mesos.CommandInfo:
    """Describe a command: a shell line, or with `arguments` a program and its argv (argv[0] included)."""
    made = mesos.CommandInfo(value=value, shell=arguments is None)
    made.arguments.extend(arguments or ())
    made.uris.extend(uri(one) if isinstance(one, str) else one for one in uris)
    if environ is not None:
        made.environment.CopyFrom(environment(environ))
    if user is not None:
        made.user = user
    return made


def executor(
    command: mesos.CommandInfo | str | None = None,
    id: str | None = None,
    *,
    name: str | None = None,
    resources: ResourcesLike = (),
    framework_id: mesos.FrameworkID | None = None,
    container: mesos.ContainerInfo | None = None,
    data: bytes | None = None,
    labels: mesos.Labels | None = None,
    shutdown_grace_seconds: float | None = None,
) -> mesos.ExecutorInfo:
    """Describe an executor: a custom one that runs `command`, or without one Mesos's default executor."""
    kind = mesos.ExecutorInfo.DEFAULT if command is None else mesos.ExecutorInfo.CUSTOM
    made = mesos.ExecutorInfo(
        type=kind,
        executor_id=executor_id(id),
        resources=messages(resources),
        framework_id=framework_id,
        container=container,
        labels=labels,
    )
    if command is not None:
        made.command.CopyFrom(as_command(command))
    if name is not None:
        made.name = name
    if data is not None:
        made.data = data
    if shutdown_grace_seconds is not None:
        made.shutdown_grace_period.CopyFrom(duration(shutdown_grace_seconds))
    return made


def as_command(value: mesos.CommandInfo | str) -> mesos.CommandInfo:
    """Return a command of a shell line, or the command itself."""
    return command(value) if isinstance(value, str) else value


def task(
    name: str,
    agent_id: mesos.AgentID | str,
    resources: ResourcesLike,
    command: mesos.CommandInfo | str | None = None,
    *,
    executor: mesos.ExecutorInfo | None = None,
    id: str | None = None,
    container: mesos.ContainerInfo | None = None,
    health_check: mesos.HealthCheck | None = None,
    check: mesos.CheckInfo | None = None,
    data: bytes | None = None,
    labels: mesos.Labels | None = None,
    kill_grace_seconds: float | None = None,
    max_completion_seconds: float | None = None,
    limits: Mapping[str, float] | None = None,
) -> mesos.TaskInfo:
    """Describe a task: what it is called, where it goes, what it takes, and a command or an executor."""
    made = mesos.TaskInfo(
        name=name,
        task_id=task_id(id),
        agent_id=mesos.AgentID(value=agent_id) if isinstance(agent_id, str) else agent_id,
        resources=messages(resources),
        executor=executor,
        container=container,
        health_check=health_check,
        check=check,
        labels=labels,
    )
    if command is not None:
        made.command.CopyFrom(as_command(command))
    if data is not None:
        made.data = data
    if kill_grace_seconds is not None:
        made.kill_policy.grace_period.CopyFrom(duration(kill_grace_seconds))
    if max_completion_seconds is not None:
        made.max_completion_time.CopyFrom(duration(max_completion_seconds))
    for resource, limit in (limits or {}).items():
        made.limits[resource].value = limit
    return made


def task_group(tasks: Iterable[mesos.TaskInfo]) -> mesos.TaskGroupInfo:
    """Make a group of tasks that start together."""
    return mesos.TaskGroupInfo(tasks=tasks)


def docker(
    image: str, *, network: mesos.ContainerInfo.DockerInfo.Network.ValueType | None = None
) -> mesos.ContainerInfo:
    """Describe a container that the docker containerizer runs."""
    made = mesos.ContainerInfo(type=mesos.ContainerInfo.DOCKER)
    made.docker.image = image
    if network is not None:
        made.docker.network = network
    return made
