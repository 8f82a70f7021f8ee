"""Two schedulers that never have enough, one over v0 and one over v1, on one embedded cluster."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence

from mesos_local import LocalCluster
from mesos_proto import build
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import MesosSchedulerDriver, Scheduler, SchedulerDriver, Status
from mesos_scheduler.v1 import HttpSchedulerDriver

AGENTS = 4
TASKS = 5 * AGENTS
PATIENCE = 90


class Contest:
    """What two schedulers contend for: from when both are there, until enough tasks were launched."""

    def __init__(self) -> None:
        self.ready = threading.Barrier(2)
        self.enough = threading.Event()
        self.tasks: Counter[str] = Counter()

    def launched(self, name: str) -> str:
        """Count a task; return its id."""
        self.tasks[name] += 1
        if self.tasks.total() >= TASKS:
            self.enough.set()
        return str(self.tasks[name])


class Greedy(Scheduler):
    """Takes every offer whole."""

    def __init__(self, name: str, contest: Contest) -> None:
        self.name = name
        self.contest = contest

    def registered(
        self, driver: SchedulerDriver, framework_id: mesos.FrameworkID, master_info: mesos.MasterInfo
    ) -> None:
        self.contest.ready.wait(PATIENCE)

    def resource_offers(self, driver: SchedulerDriver, offers: Sequence[mesos.Offer]) -> None:
        for offer in offers:
            task_id = self.contest.launched(self.name)
            task = build.task("greedy", offer.agent_id, offer.resources, "sleep 0.1", id=task_id)
            driver.launch_tasks(offer.id, [task], mesos.Filters(refuse_seconds=0))


def test_v0_and_v1_share_fairly() -> None:
    contest = Contest()
    v0, v1 = (Greedy(name, contest) for name in ("v0", "v1"))
    infos = [mesos.FrameworkInfo(name=name, failover_timeout=60) for name in ("v0", "v1")]
    held: Counter[str] = Counter()
    with LocalCluster(agents=AGENTS, resources="cpus:1;mem:64") as cluster:
        state = cluster.master.session.state

        def look() -> bool:
            """Count who holds which agent now: what is offered counts like what is used."""
            for agent in state.agents.values():
                for framework_id, _ in agent.allocated:
                    held[state.frameworks[framework_id].info.name] += 1
            return True

        master = cluster.master_address
        drivers = (
            MesosSchedulerDriver(v0, infos[0], master, bind="127.0.0.1:0"),
            HttpSchedulerDriver(v1, infos[1], master),
        )
        try:
            for driver in drivers:
                driver.start()
            deadline = time.monotonic() + PATIENCE
            while not contest.enough.wait(0.02):
                assert time.monotonic() < deadline
                if len(contest.tasks) == 2:
                    assert cluster.master.shell.wait_until(look, PATIENCE)
        finally:
            for driver in drivers:
                driver.stop()
        assert [driver.join(30) for driver in drivers] == [Status.STOPPED] * 2
    share = held["v0"] / held.total()
    print(f"tasks: {dict(contest.tasks)}; v0 had {share:.0%} of the agents' time")
    assert 0.35 < share < 0.65, held
    assert min(contest.tasks.values()) >= TASKS // 4
