"""The processes of the kill rounds: `master`, `agent`, `scheduler` and `executor`, each to be killed."""

from __future__ import annotations

import json
import os
import shlex
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from mesos_executor import Executor, ExecutorDriver, MesosExecutorDriver
from mesos_local.agent.shell import AgentShell
from mesos_local.agent.state import AgentSettings
from mesos_local.cluster import command_executor
from mesos_local.config import parse_resources
from mesos_local.master.shell import MasterShell
from mesos_local.master.state import MasterSettings
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import (
    FileFrameworkIdStore,
    MesosSchedulerDriver,
    Scheduler,
    SchedulerDriver,
    SessionOptions,
)

ENDED = (
    mesos.TASK_FINISHED,
    mesos.TASK_FAILED,
    mesos.TASK_KILLED,
    mesos.TASK_LOST,
    mesos.TASK_ERROR,
    mesos.TASK_DROPPED,
    mesos.TASK_GONE,
)


def master(port: str) -> None:
    """Run a master until killed."""
    settings = MasterSettings(allocation_interval=0.1, agent_ping_timeout=0.5)
    MasterShell(settings, bind=f"127.0.0.1:{port}", flags={}).start()
    threading.Event().wait()


def agent(port: str, master: str, work_dir: str) -> None:
    """Run an agent until killed."""
    settings = AgentSettings(
        work_dir=work_dir,
        command_executor=command_executor(),
        resources=parse_resources("cpus:4;mem:4096"),
        registration_backoff=0.1,
        max_registration_backoff=1.0,
        update_retry_min=0.5,
        update_retry_max=2.0,
    )
    AgentShell(settings, master, bind=f"127.0.0.1:{port}", flags={}).start()
    threading.Event().wait()


class Worker(Executor):
    """Runs a task for as many seconds as its data says, and tells its own process id."""

    def launch_task(self, driver: ExecutorDriver, task: mesos.TaskInfo) -> None:
        self._report(driver, task, mesos.TASK_RUNNING)
        timer = threading.Timer(float(task.data), self._report, (driver, task, mesos.TASK_FINISHED))
        timer.daemon = True
        timer.start()

    def _report(self, driver: ExecutorDriver, task: mesos.TaskInfo, state: mesos.TaskState.ValueType) -> None:
        data = str(os.getpid()).encode()
        driver.send_status_update(mesos.TaskStatus(task_id=task.task_id, state=state, data=data))


def executor(folder: str) -> None:
    """Leave a file named by the process id, and run tasks."""
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(0.2)  # The time in which it can be killed before it has registered.
    MesosExecutorDriver(Worker()).run()


def executor_command(folder: str) -> str:
    """Say how an agent, which passes on nothing of its environment, starts the executor."""
    path = [str(Path(__file__).parent), *(os.path.abspath(each) for each in sys.path if each)]
    code = f"import sys; sys.path[:] = {path!r}; import kill_rounds_program as p; p.executor({folder!r})"
    return "exec " + shlex.join([sys.executable, "-I", "-S", "-c", code])


class Obedient(Scheduler):
    """Does what it is told on standard input, says what happens on standard output, keeps a journal."""

    def __init__(self, folder: Path) -> None:
        self._journal = (folder / "journal").open("a", encoding="utf-8")
        self._lock = threading.RLock()
        self._command = executor_command(str(folder / "pids"))
        self._offers: list[mesos.Offer] = []
        self._wanted: list[tuple[str, str]] = []
        self.holding = False
        self.gate = threading.Event()
        self.gate.set()

    def say(self, what: str, **more: object) -> None:
        """Tell the test."""
        with self._lock:
            print(json.dumps({"what": what, **more}), flush=True)

    def note(self, *words: str) -> None:
        """Write into the journal."""
        with self._lock:
            self._journal.write(" ".join(words) + "\n")
            self._journal.flush()

    def registered(
        self, driver: SchedulerDriver, framework_id: mesos.FrameworkID, master_info: mesos.MasterInfo
    ) -> None:
        self.say("connected")

    def reregistered(self, driver: SchedulerDriver, master_info: mesos.MasterInfo) -> None:
        self.say("connected")

    def disconnected(self, driver: SchedulerDriver) -> None:
        self.say("disconnected")
        with self._lock:
            self._offers.clear()

    def resource_offers(self, driver: SchedulerDriver, offers: Sequence[mesos.Offer]) -> None:
        with self._lock:
            self._offers.extend(offers)
            self._use_offers(driver)
        for offer in offers:
            self.say("offer", id=offer.id.value)

    def offer_rescinded(self, driver: SchedulerDriver, offer_id: mesos.OfferID) -> None:
        with self._lock:
            self._offers = [each for each in self._offers if each.id != offer_id]

    def launch(self, driver: SchedulerDriver, wanted: list[tuple[str, str]]) -> None:
        """Launch tasks, named with the seconds they take, on what is offered now or next."""
        with self._lock:
            self.holding = False
            self._wanted = wanted
            self._use_offers(driver)

    def _use_offers(self, driver: SchedulerDriver) -> None:
        while self._offers and not self.holding:
            offer = self._offers.pop()
            wanted, self._wanted = self._wanted, []
            if not wanted:
                driver.decline_offer(offer.id, mesos.Filters(refuse_seconds=0.3))
                continue
            tasks = [self._task(offer.agent_id, name, seconds) for name, seconds in wanted]
            for task in tasks:
                self.note("launched", task.task_id.value, offer.agent_id.value)
            driver.launch_tasks(offer.id, tasks)
            self.say("launched", tasks=[task.task_id.value for task in tasks])

    def _task(self, agent_id: mesos.AgentID, name: str, seconds: str) -> mesos.TaskInfo:
        worker = mesos.ExecutorInfo(
            type=mesos.ExecutorInfo.CUSTOM,
            executor_id=mesos.ExecutorID(
                value=name.partition("-")[0] if name.startswith("new") else "worker"
            ),
            command=mesos.CommandInfo(value=self._command),
            resources=[scalar("cpus", 0.1), scalar("mem", 32)],
        )
        return mesos.TaskInfo(
            name=name,
            task_id=mesos.TaskID(value=name),
            agent_id=agent_id,
            executor=worker,
            data=seconds.encode(),
            resources=[scalar("cpus", 0.1), scalar("mem", 8)],
        )

    def status_update(self, driver: SchedulerDriver, status: mesos.TaskStatus) -> None:
        state = mesos.TaskState.Name(status.state)
        self.say("update", task=status.task_id.value, state=state, pid=status.data.decode())
        self.gate.wait()
        if status.state in ENDED:
            self.say("ended", task=status.task_id.value, state=state)
            self.note("ended", status.task_id.value)

    def error(self, driver: SchedulerDriver, message: str) -> None:
        self.say("error", message=message)


def scalar(name: str, value: float) -> mesos.Resource:
    """Return an amount of a resource."""
    return mesos.Resource(name=name, type=mesos.Value.SCALAR, scalar=mesos.Value.Scalar(value=value))


def known_tasks(folder: Path) -> list[mesos.TaskStatus]:
    """Read from the journal what was launched and not seen to end."""
    known: dict[str, str] = {}
    if (folder / "journal").exists():
        for line in (folder / "journal").read_text(encoding="utf-8").splitlines():
            word, task, *agent_id = line.split()
            if word == "launched":
                known[task] = agent_id[0]
            else:
                known.pop(task, None)
    return [
        mesos.TaskStatus(
            task_id=mesos.TaskID(value=task),
            agent_id=mesos.AgentID(value=agent_id),
            state=mesos.TASK_STAGING,
        )
        for task, agent_id in known.items()
    ]


def scheduler(master: str, directory: str) -> None:
    """Run the scheduler, obeying lines of standard input until one says `stop`."""
    folder = Path(directory)
    known = known_tasks(folder)
    obedient = Obedient(folder)
    driver = MesosSchedulerDriver(
        obedient,
        mesos.FrameworkInfo(name="kill-rounds", checkpoint=True, failover_timeout=600),
        master,
        framework_id_store=FileFrameworkIdStore(folder / "framework-id"),
        known_tasks=known,
        bind="127.0.0.1:0",
        options=SessionOptions(registration_backoff_factor=0.1, reconcile_backoff=(0.3, 1.0)),
    )
    driver.start()
    for line in sys.stdin:
        match line.split():
            case ["launch", *tasks]:
                pairs = [each.partition("=") for each in tasks]
                obedient.launch(driver, [(name, seconds) for name, _, seconds in pairs])
            case ["hold"]:
                obedient.holding = True
            case ["close"]:
                obedient.gate.clear()
            case ["open"]:
                obedient.gate.set()
            case ["count", token]:
                threads = sorted(each.name for each in threading.enumerate())
                obedient.say("count", token=token, threads=threads, fds=len(os.listdir("/dev/fd")))
            case ["stop"]:
                driver.stop()
                driver.join(10)
                return


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["master", port]:
            master(port)
        case ["agent", port, address, work_dir]:
            agent(port, address, work_dir)
        case ["scheduler", address, directory]:
            scheduler(address, directory)
