"""What the embedded cluster can take.

    python benchmarks/local.py [--json] [--agents 100] [--tasks 10000]

One framework launches tasks through the v0 driver onto a cluster in this process. Each agent has one custom
executor; its process only sleeps, and this program answers for it on the agent's socket, as an executor
would: every task is running, then finished, and each update is acknowledged. Figures:

    cold_start_ms       start of a cluster of one agent in a fresh process, imports apart; best and worst of 5
    start_ms            start of the cluster under test
    all_agents_s        from then until each agent has reported a task
    tasks_per_s         from the first launch to the last acknowledged update
    us_per_task         the same for each tenth of the tasks, which should not grow
    kb_per_task         memory of the process for each tenth of the tasks
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

# The file pyglog.py beside this one must not hide the package.
sys.path[:] = [path for path in sys.path if Path(path or ".").resolve() != Path(__file__).resolve().parent]

from mesos_local import LocalCluster
from mesos_messenger import UPID, Endpoint, Messenger
from mesos_proto.resources import Resources
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import MesosSchedulerDriver, Scheduler, SchedulerDriver

PER_OFFER = 25
CPUS = 0.125
LIMIT = 300.0
COLD_START = """
import time
from mesos_local import LocalCluster
start = time.perf_counter()
with LocalCluster():
    print(time.perf_counter() - start)
"""


def resident_kb() -> float:
    """Return the memory that this process takes now, in KB."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e3


class InMemoryExecutor:
    """Answers for one executor: a task is running as soon as it comes, and then finished."""

    def __init__(self, endpoint: Endpoint, agent: str, executor: str, framework: str) -> None:
        self._agent = UPID.parse(agent)
        self._executor = v0.ExecutorID(value=executor)
        self._framework = v0.FrameworkID(value=framework)
        self._messenger = Messenger(f"executor-{executor}", endpoint=endpoint)
        self._messenger.install(internal.ExecutorRegisteredMessage, self._registered)
        self._messenger.install(internal.StatusUpdateAcknowledgementMessage, lambda sender, message: None)
        self._messenger.install(internal.RunTaskMessage, self._run)
        self._messenger.start()
        self._slave_id = v0.SlaveID()
        self._messenger.send(
            self._agent,
            internal.RegisterExecutorMessage(framework_id=self._framework, executor_id=self._executor),
        )

    def _registered(self, sender: UPID, message: internal.ExecutorRegisteredMessage) -> None:
        self._slave_id = message.slave_id

    def _run(self, sender: UPID, message: internal.RunTaskMessage) -> None:
        for state in (v0.TASK_RUNNING, v0.TASK_FINISHED):
            update = internal.StatusUpdate(
                framework_id=self._framework,
                executor_id=self._executor,
                slave_id=self._slave_id,
                timestamp=time.time(),
                uuid=uuid.uuid4().bytes,
            )
            update.status.task_id.CopyFrom(message.task.task_id)
            update.status.state = state
            update.status.slave_id.CopyFrom(self._slave_id)
            update.status.source = v0.TaskStatus.SOURCE_EXECUTOR
            update.status.uuid = update.uuid
            self._messenger.send(
                self._agent, internal.StatusUpdateMessage(update=update, pid=str(self._messenger.upid))
            )


def serve(fifo: Path, endpoint: Endpoint, executors: list[InMemoryExecutor]) -> None:
    """Answer for each executor whose process says hello in the pipe; an empty line ends it."""
    with open(os.open(fifo, os.O_RDWR), encoding="ascii") as lines:
        for line in lines:
            if not line.strip():
                return
            executors.append(InMemoryExecutor(endpoint, *line.split()))


class Load(Scheduler):
    """Launches all tasks, some on each offer, and notes time and memory as they end."""

    def __init__(self, tasks: int, fifo: Path) -> None:
        self.done = threading.Event()
        self.marks: list[tuple[float, float]] = []
        self.failure = ""
        self.agents: dict[str, float] = {}
        self._tasks = tasks
        self._launched = 0
        self._finished = 0
        hello = '"$MESOS_SLAVE_PID" "$MESOS_EXECUTOR_ID" "$MESOS_FRAMEWORK_ID"'
        self._command = f"printf '%s %s %s\\n' {hello} > {fifo}; exec sleep 100000"
        self._needs = list(Resources.parse(f"cpus:{CPUS};mem:1"))

    def resource_offers(self, driver: SchedulerDriver, offers: Sequence[mesos.Offer]) -> None:
        if not self.marks:
            self.marks.append((time.perf_counter(), resident_kb()))
        for offer in offers:
            cpus = Resources(offer.resources).scalar("cpus") or 0.0
            count = min(PER_OFFER, int(cpus / CPUS), self._tasks - self._launched)
            tasks = [self._task(offer, self._launched + number) for number in range(count)]
            self._launched += count
            driver.launch_tasks(offer.id, tasks, mesos.Filters(refuse_seconds=0))

    def _task(self, offer: mesos.Offer, number: int) -> mesos.TaskInfo:
        task = mesos.TaskInfo(name="load", agent_id=offer.agent_id, resources=self._needs)
        task.task_id.value = f"load-{number}"
        task.executor.executor_id.value = offer.agent_id.value
        task.executor.command.value = self._command
        return task

    def status_update(self, driver: SchedulerDriver, status: mesos.TaskStatus) -> None:
        self.agents.setdefault(status.agent_id.value, time.perf_counter())
        if status.state == mesos.TASK_RUNNING:
            return
        if status.state != mesos.TASK_FINISHED:
            self.failure = f"{status.task_id.value}: {mesos.TaskState.Name(status.state)} {status.message}"
            self.done.set()
            return
        self._finished += 1
        if self._finished % max(1, self._tasks // 10) == 0:
            self.marks.append((time.perf_counter(), resident_kb()))
        if self._finished == self._tasks:
            self.done.set()


def cold_starts() -> list[float]:
    """Return how many milliseconds the start takes in five new processes."""
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    outputs = [
        subprocess.run([sys.executable, "-c", COLD_START], env=path, check=True, capture_output=True).stdout
        for _ in range(5)
    ]
    return sorted(float(output) * 1e3 for output in outputs)


def load(agents: int, tasks: int, directory: Path) -> dict[str, object]:
    """Run the tasks, and return the figures."""
    fifo = directory / "executors"
    os.mkfifo(fifo)
    executors: list[InMemoryExecutor] = []
    begin = time.perf_counter()
    with (
        LocalCluster(agents, resources="cpus:64;mem:65536;disk:1000") as cluster,
        Endpoint(bind="127.0.0.1:0") as endpoint,
    ):
        started = time.perf_counter()
        answering = threading.Thread(target=serve, args=(fifo, endpoint, executors))
        answering.start()
        scheduler = Load(tasks, fifo)
        info = mesos.FrameworkInfo(user="", name="benchmark")
        with MesosSchedulerDriver(scheduler, info, cluster.master_address, bind="127.0.0.1:0"):
            done = scheduler.done.wait(LIMIT)
        fifo.write_text("\n", encoding="ascii")
        answering.join()
    if scheduler.failure:
        raise RuntimeError(scheduler.failure)
    if not done:
        raise RuntimeError(f"not all tasks ended within {LIMIT:g} s")
    marks = scheduler.marks
    tenth = max(1, tasks // 10)
    pairs = list(itertools.pairwise(marks))
    return {
        "start_ms": round((started - begin) * 1e3),
        "all_agents_s": round(max(scheduler.agents.values()) - started, 2),
        "tasks_per_s": round(tasks / (marks[-1][0] - marks[0][0])),
        "us_per_task": [round((after[0] - before[0]) / tenth * 1e6) for before, after in pairs],
        "kb_per_task": [round((after[1] - before[1]) / tenth, 1) for before, after in pairs],
    }


def main() -> int:
    """Run everything and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--agents", type=int, default=100)
    parser.add_argument("--tasks", type=int, default=10_000)
    options = parser.parse_args()
    starts = cold_starts()
    figures: dict[str, object] = {"cold_start_ms": [round(starts[0]), round(starts[-1])]}
    with tempfile.TemporaryDirectory() as directory:
        figures.update(load(options.agents, options.tasks, Path(directory)))
    if options.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:16} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
