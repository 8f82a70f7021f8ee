"""Puts the program together: flags in, an exit status out."""

from __future__ import annotations

import argparse
import contextlib
import logging
import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

import pyglog
from mesos_auth import AuthError, BasicAuth, Credential
from mesos_detector import redact
from mesos_http import JSON, PROTOBUF, MesosHttpError, Settings
from mesos_proto import build
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import ArtifactServer, DriverMisuse, Scheduler, SchedulerError
from mesos_scheduler.commands import ReviveOffers
from mesos_scheduler.extras import handlers
from mesos_scheduler.extras.handlers import CallMiddleware
from mesos_scheduler.extras.metrics import MetricsServer
from mesos_scheduler.extras.revive import ReviveLimiter
from mesos_scheduler.v1 import HttpSchedulerDriver

from .flags import parse_flags
from .metrics import MeteredTransport, Metrics
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


def executor_environment(options: argparse.Namespace) -> mesos.Environment:
    """Return what our executor is told: to write as we do. Others do not look at it."""
    return build.environment({"EXEC_CODEC": options.codec})


def executor_in_image(options: argparse.Namespace) -> mesos.ExecutorInfo:
    """Return how agents start the executor in a container of an image that has its program."""
    container = build.docker(options.exec_image)
    container.docker.force_pull_image = True
    container.docker.parameters.add(key="entrypoint", value=options.executor)
    return mesos.ExecutorInfo(
        type=mesos.ExecutorInfo.CUSTOM,
        executor_id=mesos.ExecutorID(value="default"),
        name="Test Executor",
        command=mesos.CommandInfo(shell=False, environment=executor_environment(options)),
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
    command = build.command(f"./{Path(options.executor).name}", uris=[uri])
    command.environment.CopyFrom(executor_environment(options))
    return build.executor(command, "default", name="Test Executor")


def out_of_reach(options: argparse.Namespace) -> bool:
    """Tell whether agents on other hosts, where there seem to be some, cannot fetch the executor from us."""
    here = re.compile(r"\b(127\.0\.0\.1|localhost)\b|\[?::1\b")
    address = options.server_address
    return not options.exec_image and (
        address == "0.0.0.0" or bool(here.search(address) and not here.search(options.url))
    )


def serve_artifacts(options: argparse.Namespace, metrics: Metrics) -> ArtifactServer:
    """Return the server that agents fetch the executor from."""
    try:
        metrics.job_start_count.add(value="artifact-server")
        return ArtifactServer(
            options.server_address, options.server_port, fetched=lambda name: metrics.artifact_downloads.add()
        )
    except DriverMisuse as error:
        raise ProgramError(f"-server.address, -server.port: {error}") from None


@contextlib.contextmanager
def metrics_served(options: argparse.Namespace, metrics: Metrics, screen: Screen) -> Iterator[None]:
    """Serve the metrics while the block runs; where that fails try again, and do the work meanwhile."""
    over = threading.Event()

    def serve() -> None:
        metrics.job_start_count.add(value="api-server")
        with MetricsServer(
            metrics.registry,
            address=options.server_address,
            port=options.metrics_port,
            path=options.metrics_path,
        ) as server:
            screen.say(f"metrics are at {server.url}")
            over.wait()

    def keep_serving() -> None:
        while not over.is_set():
            try:
                serve()
            except DriverMisuse as error:
                log.warning("-metrics.port: %s; trying again in %g s", error, options.jobRestartDelay)
                over.wait(max(0.1, options.jobRestartDelay))

    thread = threading.Thread(target=keep_serving, name="metrics")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def make_driver(
    options: argparse.Namespace, scheduler: Scheduler, metrics: Metrics, limiter: CallMiddleware
) -> HttpSchedulerDriver:
    """Return the driver, with what belongs around it."""
    codec = JSON if options.codec == "json" else PROTOBUF
    who = credential(options)
    tell = [handlers.log(logging.INFO, log)] if options.verbose else []
    driver = HttpSchedulerDriver(
        handlers.chain(*tell, metrics.event)(scheduler),
        framework_info(options),
        options.url,
        codec=codec,
        auth=BasicAuth(who) if who is not None else None,
        transport=lambda: MeteredTransport(metrics, codec),
        settings=Settings(
            connect_timeout=options.timeout, timeout=options.timeout, compression=options.compression
        ),
    )
    return handlers.intercept(driver, limiter, *tell)


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Run the framework; return the exit status."""
    metrics = Metrics(summaries=options.summaryMetrics, resources=options.resourceTypeMetrics)
    with contextlib.ExitStack() as stack:
        if options.exec_image:
            executor = executor_in_image(options)
        else:
            artifacts = stack.enter_context(serve_artifacts(options, metrics))
            executor = executor_served(options, artifacts)
        scheduler = ExampleScheduler(options, executor, metrics, screen)
        limiter: CallMiddleware = handlers.drop(ReviveOffers)
        if options.revive_burst:
            limiter = stack.enter_context(ReviveLimiter(options.revive_burst, options.revive_wait))
        driver = make_driver(options, scheduler, metrics, limiter)
        try:
            driver.start()
        except DriverMisuse as error:
            raise ProgramError(f"-url: {error}") from None
        if out_of_reach(options):
            address = options.server_address
            log.warning("agents elsewhere cannot fetch the executor from %s: give -server.address", address)
        stack.enter_context(metrics_served(options, metrics, screen))
        screen.say(f"looking for the master at {redact(options.url)}")
        screen.status("waiting for the master")
        try:
            driver.join()
        except KeyboardInterrupt:
            screen.close()
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
    try:
        signal.signal(signal.SIGTERM, interrupt)
        options = parse_flags(arguments)
        pyglog.init(options, logtostderr=True)
        level = logging.INFO if options.verbose else logging.WARNING
        for name in ("example", "mesos"):
            logging.getLogger(name).setLevel(level)
        return show(options, Screen(sys.stdout))
    except KeyboardInterrupt:
        return 130


def show(options: argparse.Namespace, screen: Screen) -> int:
    """Run the framework, and show what happens; return the exit status."""
    with screen.over_errors():
        try:
            return run(options, screen)
        except (ProgramError, SchedulerError, MesosHttpError, AuthError) as error:
            screen.clear()
            print(f"error: {error}", file=sys.stderr)
            return 1
