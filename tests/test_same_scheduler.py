"""One `Scheduler` class, unchanged, over v0 and v1, with its own executor: what it reads is the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from mesos_executor.pack import pack
from mesos_http import JSON, PROTOBUF
from mesos_local import LocalCluster
from mesos_proto import Attributes, Resources, build
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import MesosSchedulerDriver, Scheduler, SchedulerDriver, Status
from mesos_scheduler.v1 import HttpSchedulerDriver

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
TOTAL = "cpus:2;mem:512;ports:[31000-31010]"
NEEDS = Resources.parse("cpus:0.25;mem:32")
TASKS = 3


class Reader(Scheduler):
    """Runs one task after the other on the same executor, and notes all it is told."""

    def __init__(self, executor: Path) -> None:
        command = build.command(f"exec {executor}")
        self.executor = build.executor(command, "reader", resources=NEEDS)
        self.notes: list[tuple[object, ...]] = []
        self.agents: set[str] = set()
        self.tasks = 0
        self.busy = False

    def registered(
        self, driver: SchedulerDriver, framework_id: mesos.FrameworkID, master_info: mesos.MasterInfo
    ) -> None:
        self.notes.append(("registered", master_info.version))

    def resource_offers(self, driver: SchedulerDriver, offers: Sequence[mesos.Offer]) -> None:
        for offer in offers:
            self.agents.add(offer.agent_id.value)
            resources, attributes = Resources(offer.resources), Attributes(offer.attributes)
            ids = [each.value for each in offer.executor_ids]
            free = Resources.parse(TOTAL) - (NEEDS if ids else Resources())
            if self.busy or free not in resources.unallocate():
                driver.decline_offer(offer.id, mesos.Filters(refuse_seconds=0))  # The rest comes yet.
                continue
            assert attributes.get("rack") == "r1"
            self.notes.append(("offer", offer.hostname, str(resources), str(attributes), ids))
            self.busy = True
            self.tasks += 1
            task = build.task("task", offer.agent_id, NEEDS, executor=self.executor, id=f"t{self.tasks}")
            driver.launch_tasks(offer.id, [task], mesos.Filters(refuse_seconds=0))

    def status_update(self, driver: SchedulerDriver, status: mesos.TaskStatus) -> None:
        self.agents.add(status.agent_id.value)
        self.notes.append(
            ("update", status.task_id.value, status.state, status.source, status.executor_id.value)
        )
        if status.state == mesos.TASK_FINISHED:
            self.busy = False
            if self.tasks == TASKS:
                driver.stop()


Make = Callable[[Scheduler, mesos.FrameworkInfo, str], MesosSchedulerDriver | HttpSchedulerDriver]
MAKERS: dict[str, Make] = {
    "v0": lambda scheduler, info, master: MesosSchedulerDriver(scheduler, info, master, bind="127.0.0.1:0"),
    "v1 protobuf": lambda scheduler, info, master: HttpSchedulerDriver(
        scheduler, info, master, codec=PROTOBUF
    ),
    "v1 json": lambda scheduler, info, master: HttpSchedulerDriver(scheduler, info, master, codec=JSON),
}


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reader]:
    """What the scheduler read over each transport."""
    executor = pack(
        EXAMPLES / "example_executor_httpv1.py", tmp_path_factory.mktemp("packed") / "executor.pyz"
    )
    readers = {name: Reader(executor) for name in MAKERS}
    with LocalCluster(resources=TOTAL, attributes="rack:r1;speed:1.5") as cluster:
        for name, reader in readers.items():
            info = mesos.FrameworkInfo(name=name, failover_timeout=60)
            driver = MAKERS[name](reader, info, cluster.master_address)
            driver.start()
            try:
                assert driver.join(60) is Status.STOPPED
            finally:
                driver.stop()
    return readers


def test_it_reads_offers_executors_and_updates(readers: dict[str, Reader]) -> None:
    notes = readers["v0"].notes
    offers = [note[1:] for note in notes if note[0] == "offer"]
    assert [ids for *_, ids in offers] == [[], ["reader"], ["reader"]]
    assert {attributes for _, _, attributes, _ in offers} == {"rack:r1;speed:1.5"}
    updates = [note[1:] for note in notes if note[0] == "update"]
    executor = mesos.TaskStatus.SOURCE_EXECUTOR
    assert updates == [
        (f"t{number}", state, executor, "reader")
        for number in (1, 2, 3)
        for state in (mesos.TASK_RUNNING, mesos.TASK_FINISHED)
    ]


@pytest.mark.parametrize("name", ["v1 protobuf", "v1 json"])
def test_over_v1_it_reads_the_same(readers: dict[str, Reader], name: str) -> None:
    assert readers[name].notes == readers["v0"].notes
    assert readers[name].agents == readers["v0"].agents and len(readers[name].agents) == 1
