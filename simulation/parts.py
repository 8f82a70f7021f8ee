"""The parts of the rounds of kill -9, each a process of its own: a master, an agent, executors, a scheduler.

    python -m simulation.parts master PORT
    python -m simulation.parts agent PORT MASTER DIRECTORY
    python -m simulation.parts scheduler API MASTER DIRECTORY
    python -m simulation.parts executor API

An API is `v0`, or `v1` or `v1-json`, which are HTTP with protobuf and with JSON; with `v1-asyncio` the
scheduler is on an event loop. It takes its orders on standard input.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mesos_executor import Executor, ExecutorDriver, MesosExecutorDriver
from mesos_executor.v1 import HttpExecutorDriver
from mesos_http import JSON, PROTOBUF
from mesos_local import AgentSettings, MasterSettings
from mesos_local.agent.shell import AgentShell
from mesos_local.config import parse_resources
from mesos_local.master.shell import MasterShell
from mesos_proto.v1 import mesos_pb2 as v1
from mesos_scheduler import (
    FileFrameworkIdStore,
    MesosSchedulerDriver,
    Scheduler,
    SchedulerDriver,
    SessionOptions,
)
from mesos_scheduler._tasks import TERMINAL
from mesos_scheduler.v1 import AsyncHttpSchedulerDriver, HttpOptions, HttpSchedulerDriver

ROOT = Path(__file__).resolve().parent.parent
CODECS = {"v1": PROTOBUF, "v1-json": JSON, "v1-asyncio": PROTOBUF}
APIS = ("v0", *CODECS)


def run_master(port: int) -> None:
    """Be a master."""
    settings = MasterSettings(allocation_interval=0.2)
    MasterShell(settings, bind=f"127.0.0.1:{port}", flags={}).start()
    signal.pause()


def run_agent(port: int, master: str, directory: str) -> None:
    """Be an agent, which finds again what an earlier one has left in its directory."""
    settings = AgentSettings(
        work_dir=directory,
        command_executor=("/bin/false",),
        resources=tuple(parse_resources("cpus:4;mem:4096")),
        registration_backoff=0.2,
        max_registration_backoff=1.0,
        update_retry_min=1.0,
    )
    AgentShell(settings, master, bind=f"127.0.0.1:{port}", flags={}).start()
    signal.pause()


class Worker(Executor):
    """Runs each task for a second."""

    def launch_task(self, driver: ExecutorDriver, task: v1.TaskInfo) -> None:
        report(driver, task.task_id, v1.TASK_RUNNING)
        threading.Timer(1.0, report, (driver, task.task_id, v1.TASK_FINISHED)).start()


def report(driver: ExecutorDriver, task_id: v1.TaskID, state: v1.TaskState.ValueType) -> None:
    """Report the state of a task."""
    driver.send_status_update(v1.TaskStatus(task_id=task_id, state=state))


class Launcher(Scheduler):
    """Launches what it is told on standard input, and says what happens on standard output.

    What it has launched, and what has ended, it also writes to files, as a program would to its database.
    """

    def __init__(self, directory: Path, api: str) -> None:
        self.directory = directory
        self.api = api
        self.wanted = 0
        self.hold = 0.0
        self.linger = 0.0
        self.offers: list[v1.Offer] = []
        self.lock = threading.Lock()

    def known(self, name: str) -> list[str]:
        """Return the lines of a file."""
        path = self.directory / name
        return path.read_text().split() if path.exists() else []

    def note(self, name: str, *lines: str) -> None:
        """Add lines to a file."""
        with open(self.directory / name, "a") as file:
            file.writelines(f"{line}\n" for line in lines)

    def say(self, what: str, **more: Any) -> None:
        """Tell the outside."""
        print(json.dumps({"what": what, **more}), flush=True)

    def take(self, driver: SchedulerDriver, line: str) -> None:
        """Take an order."""
        order = json.loads(line)
        self.hold, self.linger = order["hold"], order["linger"]
        self.wanted += order["tasks"]
        if order["tasks"]:
            driver.revive_offers()

    def registered(
        self, driver: SchedulerDriver, framework_id: v1.FrameworkID, master_info: v1.MasterInfo
    ) -> None:
        self.say("connected")

    def reregistered(self, driver: SchedulerDriver, master_info: v1.MasterInfo) -> None:
        self.say("connected")

    def disconnected(self, driver: SchedulerDriver) -> None:
        self.offers.clear()
        self.say("disconnected")

    def offer_rescinded(self, driver: SchedulerDriver, offer_id: v1.OfferID) -> None:
        self.offers = [offer for offer in self.offers if offer.id.value != offer_id.value]

    def resource_offers(self, driver: SchedulerDriver, offers: Sequence[v1.Offer]) -> None:
        self.offers += offers
        self.launch(driver)

    def launch(self, driver: SchedulerDriver) -> None:
        """Use the offers that are open for what is wanted."""
        with self.lock:
            offers, self.offers = self.offers, []
            for offer in offers:
                if self.wanted <= 0:
                    driver.decline_offer(offer.id, v1.Filters(refuse_seconds=1))
                    continue
                self.say("offers")
                time.sleep(self.hold)
                first = len(self.known("launched"))
                names = [f"t{first + number}" for number in range(self.wanted)]
                self.wanted = 0
                self.note("launched", *[f"{name}@{offer.agent_id.value}" for name in names])
                driver.launch_tasks(offer.id, [task_for(name, offer.agent_id, self.api) for name in names])
                self.say("launched")

    def status_update(self, driver: SchedulerDriver, status: v1.TaskStatus) -> None:
        self.say("update", task=status.task_id.value, state=v1.TaskState.Name(status.state))
        time.sleep(self.linger)
        if status.state in TERMINAL:
            self.note("ended", status.task_id.value)
            self.say("ended", task=status.task_id.value)

    def error(self, driver: SchedulerDriver, message: str) -> None:
        self.say("error", message=message)


def task_for(name: str, agent_id: v1.AgentID, api: str) -> v1.TaskInfo:
    """Return a task for our own executor."""

    def scalar(kind: str, value: float) -> v1.Resource:
        return v1.Resource(name=kind, type=v1.Value.SCALAR, scalar=v1.Value.Scalar(value=value))

    task = v1.TaskInfo(
        name=name,
        task_id=v1.TaskID(value=name),
        agent_id=agent_id,
        resources=[scalar("cpus", 0.1), scalar("mem", 32)],
    )
    task.executor.executor_id.value = "worker"
    task.executor.type = v1.ExecutorInfo.CUSTOM
    paths = ":".join([str(ROOT), *(path for path in sys.path if path)])
    program = f"exec {sys.executable} -m simulation.parts executor {api}"
    task.executor.command.value = f"PYTHONPATH={paths} {program}"
    task.executor.resources.extend([scalar("cpus", 0.1), scalar("mem", 32)])
    return task


def run_scheduler(api: str, master: str, directory: str) -> None:
    """Be a scheduler, which takes over from an earlier one."""
    launcher = Launcher(Path(directory), api)
    ended = set(launcher.known("ended"))
    known = []
    for line in launcher.known("launched"):
        name, _, agent = line.partition("@")
        if name not in ended:
            known.append(v1.TaskStatus(task_id=v1.TaskID(value=name), agent_id=v1.AgentID(value=agent)))
    info = v1.FrameworkInfo(name="rounds", checkpoint=True, failover_timeout=600)
    store = FileFrameworkIdStore(Path(directory) / "id")
    http = HttpOptions(connection_delay=0.2, backoff=0.2, backoff_max=2.0, reconcile_backoff=(1.0, 5.0))
    driver: MesosSchedulerDriver | HttpSchedulerDriver
    if api == "v1-asyncio":
        asyncio.run(
            run_async(
                launcher,
                AsyncHttpSchedulerDriver(
                    info, master, framework_id_store=store, known_tasks=known, options=http
                ),
            )
        )
        return
    if api == "v0":
        driver = MesosSchedulerDriver(
            launcher,
            info,
            master,
            bind="127.0.0.1:0",
            framework_id_store=store,
            known_tasks=known,
            options=SessionOptions(
                registration_backoff_factor=0.2, silence=5.0, probe_timeout=5.0, reconcile_interval=5.0
            ),
        )
    else:
        driver = HttpSchedulerDriver(
            launcher,
            info,
            master,
            codec=CODECS[api],
            framework_id_store=store,
            known_tasks=known,
            options=http,
        )
    driver.start()
    for line in sys.stdin:
        launcher.take(driver, line)
    driver.stop(failover=True)
    driver.join(10)


async def run_async(launcher: Launcher, driver: AsyncHttpSchedulerDriver) -> None:
    """Take orders on an event loop, where callbacks hold up everything else."""
    orders = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    pipe, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    await driver.start()
    running = asyncio.ensure_future(driver.run(launcher))
    while line := await orders.readline():
        launcher.take(driver, line.decode())
    driver.stop(failover=True)
    await running
    pipe.close()


def run_executor(api: str) -> None:
    """Be an executor."""
    worker = Worker()
    driver = MesosExecutorDriver(worker) if api == "v0" else HttpExecutorDriver(worker, codec=CODECS[api])
    driver.run()


if __name__ == "__main__":
    kind, *words = sys.argv[1:]
    if kind == "master":
        run_master(int(words[0]))
    elif kind == "agent":
        run_agent(int(words[0]), *words[1:])
    elif kind == "scheduler":
        run_scheduler(*words)
    else:
        run_executor(*words)
