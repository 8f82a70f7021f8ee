"""The test framework: launches a number of tasks on an executor of its own and waits for their end.

The executor's program travels over HTTP from here to the agents; pack it into one file first:

    python -m mesos_executor.pack examples/executor.py -o executor.pyz
    python examples/scheduler.py -master=127.0.0.1:5050 -executor=executor.pyz -task-count=5

The flags are those of mesos-go's example of the same name, and glog's.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import pyglog
from mesos_auth import AuthError, Credential
from mesos_detector import redact
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import ArtifactServer, MesosSchedulerDriver, Scheduler, SchedulerDriver, SchedulerError

CPUS_PER_EXECUTOR = 0.01
MEM_PER_EXECUTOR = 64.0
CPUS_PER_TASK = 0.01
MEM_PER_TASK = 1.0
FAILED = (
    mesos.TASK_FAILED,
    mesos.TASK_KILLED,
    mesos.TASK_LOST,
    mesos.TASK_ERROR,
    mesos.TASK_DROPPED,
    mesos.TASK_GONE,
)


class ExampleScheduler(Scheduler):
    """Launches tasks until `total` have finished; failed ones are replaced, up to a limit."""

    def __init__(self, executor: mesos.ExecutorInfo, total: int, slow_launch: bool = False) -> None:
        self.executor = executor
        self.total = total
        self.slow_launch = slow_launch
        self.launched = 0
        self.finished: set[str] = set()
        self.failed: set[str] = set()
        self.began: float | None = None
        self.waiting = True

    @property
    def missing(self) -> int:
        """How many tasks are still to be launched."""
        return self.total - (self.launched - len(self.failed))

    def registered(
        self, driver: SchedulerDriver, framework_id: mesos.FrameworkID, master_info: mesos.MasterInfo
    ) -> None:
        say(f"registered as framework {framework_id.value} with the master {master_info.hostname}")

    def reregistered(self, driver: SchedulerDriver, master_info: mesos.MasterInfo) -> None:
        say(f"registered again with the master {master_info.hostname}")

    def disconnected(self, driver: SchedulerDriver) -> None:
        say("disconnected from the master")

    def resource_offers(self, driver: SchedulerDriver, offers: Sequence[mesos.Offer]) -> None:
        if self.slow_launch:
            time.sleep(3)
        self.waiting = False
        for offer in offers:
            tasks = self.tasks_for(offer)
            if tasks:
                say(f"offer {offer.id.value} on {offer.hostname}: launching {len(tasks)} tasks")
                self.began = self.began or time.monotonic()
                driver.launch_tasks(offer.id, tasks, mesos.Filters(refuse_seconds=5))
            else:
                pyglog.V(1).info("declining the offer %s", offer.id.value)
                driver.decline_offer(offer.id, mesos.Filters(refuse_seconds=120))

    def tasks_for(self, offer: mesos.Offer) -> list[mesos.TaskInfo]:
        """Return as many of the missing tasks as fit into an offer."""
        room = {"cpus": 0.0, "mem": 0.0}
        for resource in offer.resources:
            if resource.name in room:
                room[resource.name] += resource.scalar.value
        if not offer.executor_ids:
            room["cpus"] -= CPUS_PER_EXECUTOR
            room["mem"] -= MEM_PER_EXECUTOR
        fit = int(min(room["cpus"] / CPUS_PER_TASK, room["mem"] / MEM_PER_TASK) + 1e-6)
        return [self.next_task(offer.agent_id) for _ in range(min(fit, self.missing))]

    def next_task(self, agent_id: mesos.AgentID) -> mesos.TaskInfo:
        """Return the next task, for that agent."""
        self.launched += 1
        return mesos.TaskInfo(
            name=f"python-task-{self.launched}",
            task_id=mesos.TaskID(value=str(self.launched)),
            agent_id=agent_id,
            executor=self.executor,
            resources=[scalar("cpus", CPUS_PER_TASK), scalar("mem", MEM_PER_TASK)],
        )

    def status_update(self, driver: SchedulerDriver, status: mesos.TaskStatus) -> None:
        task_id = status.task_id.value
        pyglog.V(1).info("task %s is in state %s", task_id, mesos.TaskState.Name(status.state))
        if status.state == mesos.TASK_FINISHED:
            self.finished.add(task_id)
            if len(self.finished) % max(1, self.total // 10) == 0:
                say(f"{len(self.finished)} of {self.total} tasks finished")
        elif status.state in FAILED:
            self.failed.add(task_id)
            pyglog.warning("task %s: %s %s", task_id, mesos.TaskState.Name(status.state), status.message)
        if len(self.finished) >= self.total:
            seconds = time.monotonic() - (self.began or time.monotonic())
            say(f"{self.total} tasks took {seconds:.2f} s from launch to the last status")
            driver.stop()
        elif len(self.failed) > self.total + 5:
            pyglog.error("giving up: %d tasks failed", len(self.failed))
            driver.stop()
        elif self.missing > 0 and not self.waiting and (status.state in FAILED or len(self.finished)):
            self.waiting = True
            driver.revive_offers()

    def offer_rescinded(self, driver: SchedulerDriver, offer_id: mesos.OfferID) -> None:
        pyglog.warning("the offer %s is rescinded", offer_id.value)

    def framework_message(
        self, driver: SchedulerDriver, executor_id: mesos.ExecutorID, agent_id: mesos.AgentID, data: bytes
    ) -> None:
        pyglog.info("message from the executor %s on %s: %r", executor_id.value, agent_id.value, data)

    def agent_lost(self, driver: SchedulerDriver, agent_id: mesos.AgentID) -> None:
        pyglog.error("the agent %s is lost", agent_id.value)

    def executor_lost(
        self, driver: SchedulerDriver, executor_id: mesos.ExecutorID, agent_id: mesos.AgentID, status: int
    ) -> None:
        pyglog.error("the executor %s on %s is lost, status %d", executor_id.value, agent_id.value, status)

    def error(self, driver: SchedulerDriver, message: str) -> None:
        pyglog.error("the driver is aborted: %s", message)


def say(text: str) -> None:
    """Show progress."""
    print(text, flush=True)


def scalar(name: str, value: float) -> mesos.Resource:
    """Return an amount of a resource."""
    return mesos.Resource(name=name, type=mesos.Value.SCALAR, scalar=mesos.Value.Scalar(value=value))


def executor_info(
    uri: mesos.CommandInfo.URI, program: str, options: argparse.Namespace
) -> mesos.ExecutorInfo:
    """Return how agents are to start the executor."""
    slow = "true" if options.slow_tasks else "false"
    level = pyglog.settings().v
    return mesos.ExecutorInfo(
        type=mesos.ExecutorInfo.CUSTOM,
        executor_id=mesos.ExecutorID(value="default"),
        name="Test Executor (Python)",
        source="python_test",
        command=mesos.CommandInfo(
            value=f"./{program} -logtostderr=true -v={level} -slow_tasks={slow}", uris=[uri]
        ),
        resources=[scalar("cpus", CPUS_PER_EXECUTOR), scalar("mem", MEM_PER_EXECUTOR)],
    )


def boolean(text: str) -> bool:
    """Read a flag's value as Go does."""
    values = {"1": True, "t": True, "true": True, "0": False, "f": False, "false": False}
    if text.lower() not in values:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return values[text.lower()]


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the flags, each of which may have one dash or two."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0],
        allow_abbrev=False,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )

    def text(name: str, default: str, help: str) -> None:
        parser.add_argument(f"-{name}", f"--{name}", default=default, help=help)

    def number(name: str, default: int, help: str) -> None:
        parser.add_argument(f"-{name}", f"--{name}", type=int, default=default, help=help)

    def switch(name: str, help: str) -> None:
        parser.add_argument(
            f"-{name}", f"--{name}", type=boolean, nargs="?", const=True, default=False, help=help
        )

    text("master", "127.0.0.1:5050", "the master's ip:port, or zk://…")
    text("executor", "./executor", "the executor's program, packed into one file")
    text("address", "127.0.0.1", "the address to listen on, for messages and for the program")
    number("artifactPort", 12345, "the port to serve the program on; 0: a free one")
    number("task-count", 5, "how many tasks to run")
    text("role", "*", "the role to get offers for")
    text("mesos_authentication_provider", "SASL", "how to authenticate; there is only SASL")
    text("mesos_authentication_principal", "", "the principal to authenticate as")
    text("mesos_authentication_secret_file", "", "a file that holds nothing but the principal's secret")
    switch("slow_launch", "wait for some seconds before launching, to watch failovers")
    switch("slow_tasks", "have the tasks take from ten seconds to a hundred")
    pyglog.add_flags(parser)
    options = parser.parse_args(arguments)
    if options.mesos_authentication_provider.upper() != "SASL":
        parser.error("-mesos_authentication_provider: there is only SASL")
    if options.task_count < 1:
        parser.error("-task-count must be at least 1")
    pyglog.init(options)
    return options


def load_credential(options: argparse.Namespace) -> Credential | None:
    """Return the credential that the flags name, if any."""
    principal, path = options.mesos_authentication_principal, options.mesos_authentication_secret_file
    if not principal or not path:
        return None
    try:
        secret = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise AuthError(f"-mesos_authentication_secret_file: {path} cannot be read: {reason}") from None
    return Credential(principal, secret)


def run(options: argparse.Namespace) -> int:
    """Run the framework; return the exit status."""
    credential = load_credential(options)
    framework = mesos.FrameworkInfo(
        name="Test Framework (Python)",
        role=options.role,
        principal=options.mesos_authentication_principal,
        failover_timeout=10,
    )
    with ArtifactServer(options.address, options.artifactPort) as artifacts:
        uri = artifacts.add(options.executor)
        executor = executor_info(uri, Path(options.executor).name, options)
        scheduler = ExampleScheduler(executor, options.task_count, options.slow_launch)
        driver = MesosSchedulerDriver(
            scheduler, framework, options.master, credential=credential, bind=f"{options.address}:0"
        )
        say(f"looking for the master at {redact(options.master)}")
        try:
            driver.run()
        except KeyboardInterrupt:
            say("interrupted: ending the framework")
            driver.stop()
            driver.join(10)
            return 130
    say(f"finished {len(scheduler.finished)} of {options.task_count} tasks")
    return 0 if len(scheduler.finished) >= options.task_count else 1


def interrupt(number: int, frame: FrameType | None) -> None:
    """Let SIGTERM unwind the program as Ctrl-C does."""
    raise KeyboardInterrupt


def main() -> int:
    """Run the program."""
    signal.signal(signal.SIGTERM, interrupt)
    options = parse_arguments()
    try:
        return run(options)
    except (SchedulerError, AuthError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        if isinstance(error, SchedulerError) and not Path(options.executor).is_file():
            print(
                "pack the executor first: python -m mesos_executor.pack examples/executor.py -o executor.pyz",
                file=sys.stderr,
            )
        return 1


if __name__ == "__main__":
    sys.exit(main())
