"""Puts the program together: flags in, an exit status out."""

from __future__ import annotations

import argparse
import contextlib
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import pyglog
from mesos_auth import AuthError, BasicAuth, Credential
from mesos_detector import redact
from mesos_http import JSON, PROTOBUF, MesosHttpError, Settings
from mesos_proto import build
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import ArtifactServer, DriverMisuse, SchedulerError
from mesos_scheduler.v1 import HttpSchedulerDriver

from .flags import parse_flags
from .scheduler import ExampleScheduler
from .screen import Screen

log = logging.getLogger("example")

Capability = mesos.FrameworkInfo.Capability


class ProgramError(Exception):
    """What a flag asks for cannot be had; the message names the flag."""


def framework_info(options: argparse.Namespace) -> mesos.FrameworkInfo:
    """Return what the master is told of the framework."""
    info = build.framework(
        options.name,
        options.user,
        capabilities=[Capability.RESERVATION_REFINEMENT],
        failover_timeout=options.failoverTimeout,
        checkpoint=options.checkpoint,
        principal=options.principal or None,
        hostname=options.hostname or None,
        labels=mesos.Labels(labels=options.label) if options.label else None,
    )
    info.role = options.role
    if options.gpuClusterCompat:
        info.capabilities.add(type=Capability.GPU_RESOURCES)
    return info


def credential(options: argparse.Namespace) -> Credential | None:
    """Return who to authenticate as, with the password out of its file."""
    path = options.credentials_passwordFile
    try:
        password = Path(path).read_text(encoding="utf-8").rstrip("\r\n") if path else ""
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ProgramError(f"-credentials.passwordFile: {path} cannot be read: {reason}") from None
    return Credential(options.credentials_username, password) if options.authmode else None


def executor_in_image(options: argparse.Namespace) -> mesos.ExecutorInfo:
    """Return how agents start the executor in a container of an image that has its program."""
    container = build.docker(options.exec_image)
    container.docker.force_pull_image = True
    container.docker.parameters.add(key="entrypoint", value=options.executor)
    return mesos.ExecutorInfo(
        type=mesos.ExecutorInfo.CUSTOM,
        executor_id=mesos.ExecutorID(value="default"),
        name="Test Executor",
        command=mesos.CommandInfo(shell=False),
        container=container,
    )


def executor_served(options: argparse.Namespace, artifacts: ArtifactServer) -> mesos.ExecutorInfo:
    """Return how agents fetch the executor's program from us and start it."""
    try:
        uri = artifacts.add(options.executor)
    except DriverMisuse as error:
        raise ProgramError(
            f"-executor: {error}; pack it first: "
            "python -m mesos_executor.pack examples/example_executor_httpv1.py -o executor.pyz"
        ) from None
    log.info("the executor is served at %s", uri.value)
    return build.executor(
        build.command(f"./{Path(options.executor).name}", uris=[uri]), "default", name="Test Executor"
    )


def serve_artifacts(options: argparse.Namespace) -> ArtifactServer:
    """Return the server that agents fetch the executor from."""
    try:
        return ArtifactServer(options.server_address, options.server_port)
    except DriverMisuse as error:
        raise ProgramError(f"-server.address, -server.port: {error}") from None


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Run the framework; return the exit status."""
    who = credential(options)
    with contextlib.ExitStack() as stack:
        if options.exec_image:
            executor = executor_in_image(options)
        else:
            executor = executor_served(options, stack.enter_context(serve_artifacts(options)))
        scheduler = ExampleScheduler(options, executor, screen)
        driver = HttpSchedulerDriver(
            scheduler,
            framework_info(options),
            options.url,
            codec=JSON if options.codec == "json" else PROTOBUF,
            auth=BasicAuth(who) if who is not None else None,
            settings=Settings(
                connect_timeout=options.timeout,
                timeout=options.timeout,
                compression=options.compression,
            ),
        )
        try:
            driver.start()
        except DriverMisuse as error:
            raise ProgramError(f"-url: {error}") from None
        screen.say(f"looking for the master at {redact(options.url)}")
        screen.status("waiting for the master")
        try:
            driver.join()
        except KeyboardInterrupt:
            screen.clear()
            screen.say("interrupted: ending the framework")
            driver.stop()
            driver.join(10)
            return 130
    screen.clear()
    if scheduler.failure:
        raise ProgramError(scheduler.failure)
    screen.say(f"finished {scheduler.finished} of {options.tasks} tasks")
    return 0


def interrupt(number: int, frame: FrameType | None) -> None:
    """Let SIGTERM unwind the program as Ctrl-C does."""
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    signal.signal(signal.SIGTERM, interrupt)
    options = parse_flags(arguments)
    pyglog.init(options, logtostderr=True)
    level = logging.INFO if options.verbose else logging.WARNING
    for name in ("example", "mesos"):
        logging.getLogger(name).setLevel(level)
    screen = Screen(sys.stdout)
    with screen.over_errors():
        try:
            return run(options, screen)
        except (ProgramError, SchedulerError, MesosHttpError, AuthError) as error:
            screen.clear()
            print(f"error: {error}", file=sys.stderr)
            return 1
