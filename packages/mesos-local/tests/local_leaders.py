"""A framework that runs many short tasks while its masters change, and what must be true in the end."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local_scheduler import DEADLINE, Recorder, command_task, running, running_v1
from mesos_local import LocalCluster
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import SchedulerDriver

NEVER_RAN = {"TASK_LOST", "TASK_DROPPED", "TASK_GONE", "TASK_UNKNOWN"}
ENDED = {"TASK_FINISHED", *NEVER_RAN}
AWARE = mesos.FrameworkInfo.Capability(type=mesos.FrameworkInfo.Capability.PARTITION_AWARE)


class Workload(Recorder):
    """Launches `count` tasks, a few at each offer; each writes its name into `ran`."""

    def __init__(self, count: int, ran: Path) -> None:
        super().__init__()
        self.count = count
        self.ran = ran
        self.names: dict[str, str] = {}
        """Which agent each task was sent to."""

    def resource_offers(self, driver: SchedulerDriver, offers: Sequence[mesos.Offer]) -> None:
        for offer in offers:
            tasks = []
            while len(self.names) < self.count and len(tasks) < 2:
                name = f"t{len(self.names)}"
                self.names[name] = offer.agent_id.value
                tasks.append(command_task(offer, f"echo {name} >> {self.ran}; exec sleep 0.2", name))
            driver.launch_tasks(offer.id, tasks)

    def open(self) -> list[str]:
        """Give the tasks whose end is not known."""
        with self.changed:
            ended = {
                each.task_id.value for each in self.statuses if mesos.TaskState.Name(each.state) in ENDED
            }
            return [name for name in self.names if name not in ended]

    def reconcile(self, driver: SchedulerDriver) -> None:
        """Ask about the tasks whose end is not known."""
        asked = []
        for name in self.open():
            status = mesos.TaskStatus(state=mesos.TASK_STAGING)
            status.task_id.value, status.agent_id.value = name, self.names[name]
            asked.append(status)
        if asked:
            driver.reconcile_tasks(asked)


@dataclass(frozen=True, slots=True)
class Report:
    """What became of the tasks, and how long each change of the leader took (seconds)."""

    finished: int
    lost: int
    changes: list[float]


def change_leader(cluster: LocalCluster, how: str) -> float:
    """End the leading master in one of three ways, start it again, and give how long the change took."""
    old = cluster.wait_leader(DEADLINE)
    begun = time.monotonic()
    if how == "expire":
        cluster.faults.expire_leadership()
    elif how == "crash":
        old.crash()
    else:
        old.stop()
    new = cluster.wait_leader(DEADLINE, other_than=old)
    took = time.monotonic() - begun
    old.start()
    assert new is not old
    return took


def run(
    cluster: LocalCluster, api: str, *, ways: Sequence[str], tasks: int, ran: Path, seed: int = 0
) -> Report:
    """Run tasks over one API while the leader changes in these ways; check every task's end."""
    rng = random.Random(seed)
    workload = Workload(tasks, ran)
    start = running if api == "v0" else running_v1
    with start(cluster, workload, checkpoint=True, failover_timeout=600.0, capabilities=[AWARE]) as driver:
        over = threading.Event()
        asking = threading.Thread(target=_ask, args=(workload, driver, over), daemon=True)
        asking.start()
        try:
            changes = []
            for number, way in enumerate(ways, 1):
                share = tasks * number // (len(ways) + 1)
                workload.wait(lambda share=share: len(workload.names) >= share)  # type: ignore[misc]
                time.sleep(rng.uniform(0, 0.1))  # Another moment each time, nothing waits for it.
                changes.append(change_leader(cluster, way))
            workload.wait(lambda: len(workload.names) == tasks and not workload.open())
        finally:
            over.set()
            asking.join(DEADLINE)
        assert not workload.errors
    return _check(workload, changes)


def _ask(workload: Workload, driver: SchedulerDriver, over: threading.Event) -> None:
    while not over.wait(1.0):
        workload.reconcile(driver)


def _check(workload: Workload, changes: list[float]) -> Report:
    ran = workload.ran.read_text().split()
    assert len(set(workload.framework_ids)) == 1, "it stays one framework"
    finished = {each.task_id.value for each in workload.statuses if each.state == mesos.TASK_FINISHED}
    assert sorted(ran) == sorted(finished), "what is reported as finished has run, once, and nothing else"
    return Report(len(finished), len(workload.names) - len(finished), changes)
