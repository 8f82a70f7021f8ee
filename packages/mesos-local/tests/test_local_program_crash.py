"""The whole program is killed and started again: what it ran goes on, and is told to the end."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from local_groups import executor_info, group_of
from local_scheduler import DEADLINE, Recorder, command_task, running, wait_for
from mesos_local.agent.checkpoints import records
from mesos_proto.v1 import mesos_pb2 as mesos


@contextmanager
def program(work_dir: Path, port: str = "0") -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `mesos-local`; give its process and the address of its master. It is asked to end at the end."""
    code = f"import sys; sys.path[:] = {sys.path!r}; from mesos_local.cli import main; sys.exit(main())"
    arguments = [f"--port={port}", f"--work_dir={work_dir}", "--resources=cpus:4;mem:2048;disk:1000"]
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().split()[1]
        finally:
            process.terminate()
            process.wait(DEADLINE)


def operations(offer: mesos.Offer, go_on: Path) -> list[mesos.Offer.Operation]:
    """A command and a group that end, each in its way, when there is a file."""
    until = f"until test -e {go_on}; do sleep 0.05; done"
    single = mesos.Offer.Operation(type=mesos.Offer.Operation.LAUNCH)
    single.launch.task_infos.append(command_task(offer, f"{until}; exit 7", "command"))
    group = mesos.Offer.Operation(type=mesos.Offer.Operation.LAUNCH_GROUP)
    group.launch_group.executor.CopyFrom(executor_info())
    group.launch_group.executor.framework_id.CopyFrom(offer.framework_id)
    group.launch_group.task_group.tasks.extend(group_of(offer, pod=f"{until}; exit 8"))
    return [single, group]


def acknowledged(work_dir: Path) -> bool:
    """Tell whether the agent knows that both updates of both tasks have arrived."""
    logs = [list(records(path.read_bytes())) for path in work_dir.rglob("meta/**/task.updates")]
    return [len(each) for each in logs] == [4, 4]


def test_tasks_live_through_the_death_of_the_program(tmp_path: Path) -> None:
    go_on = tmp_path / "go-on"
    recorder = Recorder()
    with ExitStack() as stack:
        killed, address = stack.enter_context(program(tmp_path / "work"))
        cluster: Any = SimpleNamespace(master_address=address)
        driver = stack.enter_context(running(cluster, recorder, checkpoint=True, failover_timeout=600.0))
        recorder.wait(lambda: bool(recorder.offers))
        driver.accept_offers([recorder.offers[0].id], operations(recorder.offers[0], go_on))
        for name in ("command", "pod"):
            recorder.until("TASK_RUNNING", name)
        wait_for(lambda: acknowledged(tmp_path / "work"))  # An update in flight would take 10 s more.
        killed.kill()
        killed.wait(DEADLINE)
        with program(tmp_path / "work", address.rpartition(":")[2]):
            offered = len(recorder.offers)
            recorder.wait(lambda: len(recorder.offers) > offered)  # The scheduler is back too.
            go_on.touch()
            ends = {f"Command exited with status {code}" for code in (7, 8)}
            recorder.wait(lambda: ends <= {status.message for status in recorder.statuses})
            driver.stop()
