"""The test framework for persistent volumes: each task gets a reservation and a volume of its own.

For each task it reserves resources and creates a volume, launches the task on them, and when that has ended
destroys the volume and gives the reservation back. It is done when an offer shows that all is free again.

    python -m mesos_executor.pack examples/executor.py -o executor.pyz
    python examples/persistent_scheduler.py -master=127.0.0.1:5050 -executor=executor.pyz -role=golang

The flags are those of mesos-go's example of the same name, and glog's.
"""

from __future__ import annotations

import argparse
import enum
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import pyglog
from mesos_auth import AuthError, Credential
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import ArtifactServer, MesosSchedulerDriver, Scheduler, SchedulerDriver, SchedulerError

NEEDS = {"cpus": 0.1, "mem": 32.0, "disk": 20.0}
CONTAINER_PATH = "data"
PATIENCE = 5
"""After how many offers without what was asked for it is asked for again."""

Operation = mesos.Offer.Operation


class State(enum.Enum):
    """What a task is waiting for."""

    INIT = "resources"
    RESERVED = "its volume"
    LAUNCHED = "its end"
    ENDED = "an offer of what it held"
    RELEASED = "the sight of it gone"
    DONE = "nothing"


@dataclass
class Task:
    """One task and what belongs to it."""

    number: int
    state: State = State.INIT
    agent: str = ""
    outcome: mesos.TaskState.ValueType = mesos.TASK_STAGING
    disappointments: int = field(default=0, repr=False)

    @property
    def name(self) -> str:
        """The task's id."""
        return f"persistent-task-{self.number}"

    @property
    def persistence_id(self) -> str:
        """The volume's id."""
        return f"persistence-{self.number}"


class PersistentScheduler(Scheduler):
    """Moves each task from state to state as offers and updates come."""

    def __init__(self, executor: mesos.ExecutorInfo, total: int, role: str, principal: str) -> None:
        self.executor = executor
        self.tasks = [Task(number) for number in range(1, total + 1)]
        self.role = role
        self.principal = principal

    @property
    def done(self) -> int:
        """How many tasks have ended and left nothing behind."""
        return sum(task.state is State.DONE for task in self.tasks)

    # Resources.

    def reserved(self, name: str) -> mesos.Resource:
        """Return the reservation of one kind of resource that a task gets."""
        resource = mesos.Resource(
            name=name,
            type=mesos.Value.SCALAR,
            scalar=mesos.Value.Scalar(value=NEEDS[name]),
            role=self.role,
        )
        resource.reservation.SetInParent()
        if self.principal:
            resource.reservation.principal = self.principal
        return resource

    def volume(self, task: Task) -> mesos.Resource:
        """Return a task's volume."""
        resource = self.reserved("disk")
        resource.disk.persistence.id = task.persistence_id
        if self.principal:
            resource.disk.persistence.principal = self.principal
        resource.disk.volume.container_path = CONTAINER_PATH
        resource.disk.volume.mode = mesos.Volume.RW
        return resource

    # Callbacks.

    def registered(
        self, driver: SchedulerDriver, framework_id: mesos.FrameworkID, master_info: mesos.MasterInfo
    ) -> None:
        say(f"registered as framework {framework_id.value} with the master {master_info.hostname}")

    def disconnected(self, driver: SchedulerDriver) -> None:
        say("disconnected from the master")

    def resource_offers(self, driver: SchedulerDriver, offers: Sequence[mesos.Offer]) -> None:
        for offer in offers:
            operations = self.operations(offer)
            names = [Operation.Type.Name(operation.type) for operation in operations]
            if names:
                say(f"offer {offer.id.value} on {offer.hostname}: {', '.join(names)}")
            driver.accept_offers([offer.id], operations, mesos.Filters(refuse_seconds=0 if names else 1))
        if self.done == len(self.tasks):
            driver.stop()

    def operations(self, offer: mesos.Offer) -> list[mesos.Offer.Operation]:
        """Return what to do with an offer, in an order that the master can follow."""
        free = dict.fromkeys(NEEDS, 0.0)
        volumes = set()
        for resource in offer.resources:
            if resource.disk.persistence.id:
                volumes.add(resource.disk.persistence.id)
            elif resource.name in free and resource.role in ("", "*"):
                free[resource.name] += resource.scalar.value
        operations: list[mesos.Offer.Operation] = []
        launches: list[mesos.TaskInfo] = []
        for task in self.tasks:
            if task.state is State.INIT:
                operations += self.reserve(task, offer.agent_id.value, free)
            elif task.agent == offer.agent_id.value:
                there = task.persistence_id in volumes
                if task.state is State.RESERVED and there:
                    launches.append(self.launch(task, offer.agent_id))
                elif task.state is State.RESERVED:
                    self.wait_on(task, State.INIT)
                elif task.state is State.ENDED and there:
                    operations += self.release(task)
                elif task.state is State.RELEASED and there:
                    self.wait_on(task, State.ENDED)
                elif task.state is State.ENDED:
                    self.wait_on(task, State.RELEASED)  # an offer from before its resources were free again
                elif task.state is State.RELEASED:
                    task.state = State.DONE
                    say(f"{self.done} of {len(self.tasks)} tasks done and cleaned up after")
        if launches:
            operation = Operation(type=Operation.LAUNCH)
            operation.launch.task_infos.extend(launches)
            operations.append(operation)
        return operations

    def reserve(self, task: Task, agent: str, free: dict[str, float]) -> list[mesos.Offer.Operation]:
        """Reserve for a task and create its volume, if there is room."""
        if any(free[name] < need for name, need in NEEDS.items()):
            return []
        for name, need in NEEDS.items():
            free[name] -= need
        task.state, task.agent, task.disappointments = State.RESERVED, agent, 0
        reserve, create = Operation(type=Operation.RESERVE), Operation(type=Operation.CREATE)
        reserve.reserve.resources.extend(self.reserved(name) for name in NEEDS)
        create.create.volumes.append(self.volume(task))
        return [reserve, create]

    def launch(self, task: Task, agent_id: mesos.AgentID) -> mesos.TaskInfo:
        """Return the task, on its reservation and its volume, with an executor of its own."""
        task.state = State.LAUNCHED
        info = mesos.TaskInfo(
            name=task.name, task_id=mesos.TaskID(value=task.name), agent_id=agent_id, executor=self.executor
        )
        info.executor.executor_id.value = f"persistent-task-executor-{task.number}"
        info.resources.extend([self.reserved("cpus"), self.reserved("mem"), self.volume(task)])
        return info

    def release(self, task: Task) -> list[mesos.Offer.Operation]:
        """Destroy a task's volume and give its reservation back."""
        task.state, task.disappointments = State.RELEASED, 0
        destroy, unreserve = Operation(type=Operation.DESTROY), Operation(type=Operation.UNRESERVE)
        destroy.destroy.volumes.append(self.volume(task))
        unreserve.unreserve.resources.extend(self.reserved(name) for name in NEEDS)
        return [destroy, unreserve]

    def wait_on(self, task: Task, back: State) -> None:
        """Wait for the effect of an operation, and after some offers go back to repeat it."""
        task.disappointments += 1
        if task.disappointments >= PATIENCE:
            pyglog.warning("%s waits in vain for %s, going back", task.name, task.state.value)
            task.state = back

    def status_update(self, driver: SchedulerDriver, status: mesos.TaskStatus) -> None:
        name = mesos.TaskState.Name(status.state)
        pyglog.V(1).info("task %s is in state %s", status.task_id.value, name)
        if status.state in (mesos.TASK_STARTING, mesos.TASK_RUNNING, mesos.TASK_STAGING):
            return
        for task in self.tasks:
            if task.name == status.task_id.value and task.state is State.LAUNCHED:
                task.state, task.outcome, task.disappointments = State.ENDED, status.state, 0
                say(f"{task.name} ended: {name} {status.message}".rstrip())

    def offer_rescinded(self, driver: SchedulerDriver, offer_id: mesos.OfferID) -> None:
        pyglog.V(1).info("the offer %s is rescinded", offer_id.value)

    def agent_lost(self, driver: SchedulerDriver, agent_id: mesos.AgentID) -> None:
        pyglog.error("the agent %s is lost", agent_id.value)

    def error(self, driver: SchedulerDriver, message: str) -> None:
        pyglog.error("the driver is aborted: %s", message)


def say(text: str) -> None:
    """Show progress."""
    print(text, flush=True)


def executor_info(uri: mesos.CommandInfo.URI, program: str) -> mesos.ExecutorInfo:
    """Return how agents are to start the executor."""
    level = pyglog.settings().v
    return mesos.ExecutorInfo(
        type=mesos.ExecutorInfo.CUSTOM,
        executor_id=mesos.ExecutorID(value="persistent-task-executor"),
        name="Test Executor (Python)",
        source="python_test",
        command=mesos.CommandInfo(value=f"./{program} -logtostderr=true -v={level}", uris=[uri]),
    )


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the flags, each of which may have one dash or two."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0],
        allow_abbrev=False,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    texts = {
        "master": ("127.0.0.1:5050", "the master's ip:port, or zk://…"),
        "executor": ("./executor", "the executor's program, packed into one file"),
        "address": ("127.0.0.1", "the address to listen on, for messages and for the program"),
        "role": ("golang", "the role to reserve for"),
        "mesos_authentication_provider": ("SASL", "how to authenticate; there is only SASL"),
        "mesos_authentication_principal": ("", "the principal to authenticate as"),
        "mesos_authentication_secret_file": ("", "a file that holds nothing but the principal's secret"),
    }
    for name, (default, help) in texts.items():
        parser.add_argument(f"-{name}", f"--{name}", default=default, help=help)
    numbers = {
        "artifactPort": (12345, "the port to serve the program on; 0: a free one"),
        "task-count": (5, "how many tasks to run"),
    }
    for name, (number, help) in numbers.items():
        parser.add_argument(f"-{name}", f"--{name}", type=int, default=number, help=help)
    pyglog.add_flags(parser)
    options = parser.parse_args(arguments)
    if options.mesos_authentication_provider.upper() != "SASL":
        parser.error("-mesos_authentication_provider: there is only SASL")
    if options.task_count < 1:
        parser.error("-task-count must be at least 1")
    if options.role in ("", "*"):
        parser.error("-role: nothing can be reserved for every role; name one")
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
    principal = options.mesos_authentication_principal
    framework = mesos.FrameworkInfo(
        name="Test Framework for persistent volumes (Python)",
        role=options.role,
        failover_timeout=10,
    )
    if principal:
        framework.principal = principal
    with ArtifactServer(options.address, options.artifactPort) as artifacts:
        executor = executor_info(artifacts.add(options.executor), Path(options.executor).name)
        scheduler = PersistentScheduler(executor, options.task_count, options.role, principal)
        driver = MesosSchedulerDriver(
            scheduler,
            framework,
            options.master,
            credential=load_credential(options),
            bind=f"{options.address}:0",
        )
        try:
            driver.run()
        except KeyboardInterrupt:
            held = [
                task.persistence_id for task in scheduler.tasks if task.state not in (State.INIT, State.DONE)
            ]
            say(f"interrupted: ending the framework; volumes left behind: {', '.join(held) or 'none'}")
            driver.stop()
            driver.join(10)
            return 130
    finished = sum(task.outcome == mesos.TASK_FINISHED for task in scheduler.tasks)
    say(f"finished {finished} of {options.task_count} tasks")
    return 0 if finished == options.task_count else 1


def interrupt(number: int, frame: FrameType | None) -> None:
    """Let SIGTERM unwind the program as Ctrl-C does."""
    raise KeyboardInterrupt


def main() -> int:
    """Run the program."""
    signal.signal(signal.SIGTERM, interrupt)
    try:
        return run(parse_arguments())
    except (SchedulerError, AuthError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
