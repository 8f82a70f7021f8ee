"""Two schedulers that never have enough, one over v0 and one over v1, on one embedded cluster."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

from mesos_local import LocalCluster
from mesos_proto import build
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import MesosSchedulerDriver, Scheduler, SchedulerDriver, Status
from mesos_scheduler.v1 import HttpSchedulerDriver

AGENTS = 4
TASKS = 5 * AGENTS
PATIENCE = 90


class Greedy(Scheduler):
    """Takes every offer whole."""

    def __init__(self, launched: Callable[[], None]) -> None:
        self.launched = launched
        self.tasks = 0

    def resource_offers(self, driver: SchedulerDriver, offers: Sequence[mesos.Offer]) -> None:
        for offer in offers:
            self.tasks += 1
            task = build.task("greedy", offer.agent_id, offer.resources, "sleep 0.1", id=str(self.tasks))
            driver.launch_tasks(offer.id, [task], mesos.Filters(refuse_seconds=0))
            self.launched()


def test_v0_and_v1_share_fairly() -> None:
    enough = threading.Event()

    def launched() -> None:
        if v0.tasks + v1.tasks >= TASKS:
            enough.set()

    v0, v1 = Greedy(launched), Greedy(launched)
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
        for driver in drivers:
            driver.start()
        deadline = time.monotonic() + PATIENCE
        while not enough.wait(0.02):
            assert time.monotonic() < deadline
            if v0.tasks and v1.tasks:
                assert cluster.master.shell.wait_until(look, PATIENCE)
        for driver in drivers:
            driver.stop()
            assert driver.join(30) is Status.STOPPED
    share = held["v0"] / held.total()
    print(f"of {v0.tasks + v1.tasks} tasks {v0.tasks} over v0; of the agents' time {share:.0%}")
    assert 0.35 < share < 0.65, held
    assert min(v0.tasks, v1.tasks) >= TASKS // 4
