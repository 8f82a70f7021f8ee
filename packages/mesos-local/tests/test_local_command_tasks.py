"""Command tasks on a real cluster: the agent's own executor runs them, in a sandbox, as real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from local_scheduler import Recorder, command_task, running, wait_for
from mesos_local import LocalCluster
from mesos_local.executor.base import TaskExecutor, run
from mesos_proto.v1 import mesos_pb2 as mesos


def sandbox_of(cluster: LocalCluster, status: mesos.TaskStatus, framework_id: str, executor: str) -> Path:
    directory = cluster.work_dir / "agents/0/work/slaves" / status.agent_id.value
    return directory / "frameworks" / framework_id / "executors" / executor / "runs" / "latest"


def test_a_command_runs_to_its_end(cluster: LocalCluster) -> None:
    recorder = Recorder(lambda offer: [command_task(offer, "echo out; echo err >&2; pwd")])
    with running(cluster, recorder):
        status = recorder.until("TASK_FINISHED")
        assert recorder.states() == ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]
        assert status.message == "Command exited with status 0"
        assert status.source == mesos.TaskStatus.SOURCE_EXECUTOR
        assert status.container_status.container_id.value
        sandbox = sandbox_of(cluster, status, recorder.framework_ids[0], "task")
        assert (sandbox / "stdout").read_text() == f"out\n{os.path.realpath(sandbox)}\n"
        assert (sandbox / "stderr").read_text() == "err\n"
        assert os.path.isabs(os.readlink(sandbox))


@pytest.mark.parametrize(
    ("command", "message"),
    [("exit 3", "Command exited with status 3"), ("kill -9 $$", "Command terminated with signal Killed")],
)
def test_a_command_that_fails_says_how(cluster: LocalCluster, command: str, message: str) -> None:
    recorder = Recorder(lambda offer: [command_task(offer, command)])
    with running(cluster, recorder):
        status = recorder.until("TASK_FAILED")
        assert status.message == message
        assert not status.HasField("reason")


def test_the_environment_is_what_a_real_agent_gives(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_AGENT", "must not travel")

    def tasks(offer: mesos.Offer) -> list[mesos.TaskInfo]:
        task = command_task(offer, "env")
        task.command.environment.variables.add(name="GREETING", value="hello")
        return [task]

    recorder = Recorder(tasks)
    with running(cluster, recorder):
        status = recorder.until("TASK_FINISHED")
    sandbox = os.path.realpath(sandbox_of(cluster, status, recorder.framework_ids[0], "task"))
    lines = Path(sandbox, "stdout").read_text().splitlines()
    environment = dict(line.split("=", 1) for line in lines)
    agent = cluster.agents[0].pid
    # What a shell or an interpreter adds of its own does not count.
    for name in ("LC_CTYPE", "OLDPWD", "SHLVL", "_"):
        environment.pop(name, None)
    assert environment == {
        "GREETING": "hello",
        "LIBPROCESS_IP": "127.0.0.1",
        "LIBPROCESS_PORT": "0",
        "MESOS_AGENT_ENDPOINT": agent.partition("@")[2],
        "MESOS_ALLOCATION_ROLE": "*",
        "MESOS_CHECKPOINT": "0",
        "MESOS_DIRECTORY": sandbox,
        "MESOS_EXECUTOR_ID": "task",
        "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": "5secs",
        "MESOS_FRAMEWORK_ID": recorder.framework_ids[0],
        "MESOS_HTTP_COMMAND_EXECUTOR": "0",
        "MESOS_SANDBOX": sandbox,
        "MESOS_SLAVE_ID": status.agent_id.value,
        "MESOS_SLAVE_PID": agent,
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "PWD": sandbox,
    }


def test_a_kill_ends_the_command_and_says_so(cluster: LocalCluster) -> None:
    recorder = Recorder(lambda offer: [command_task(offer, "exec sleep 1000")])
    killing = mesos.FrameworkInfo.Capability(type=mesos.FrameworkInfo.Capability.TASK_KILLING_STATE)
    with running(cluster, recorder, capabilities=[killing]) as driver:
        status = recorder.until("TASK_RUNNING")
        driver.kill_task(status.task_id)
        assert recorder.until("TASK_KILLED").message == "Command terminated with signal Terminated"
        assert recorder.states()[-2] == "TASK_KILLING"


def test_a_command_that_ignores_the_signal_is_killed_after_its_grace_period(cluster: LocalCluster) -> None:
    def tasks(offer: mesos.Offer) -> list[mesos.TaskInfo]:
        task = command_task(offer, "trap '' TERM; while true; do sleep 0.1; done")
        task.kill_policy.grace_period.nanoseconds = 200_000_000
        return [task]

    recorder = Recorder(tasks)
    with running(cluster, recorder) as driver:
        driver.kill_task(recorder.until("TASK_RUNNING").task_id)
        assert recorder.until("TASK_KILLED").message == "Command terminated with signal Killed"


def test_a_command_that_takes_too_long_fails(cluster: LocalCluster) -> None:
    def tasks(offer: mesos.Offer) -> list[mesos.TaskInfo]:
        task = command_task(offer, "exec sleep 1000")
        task.max_completion_time.nanoseconds = 100_000_000
        return [task]

    recorder = Recorder(tasks)
    with running(cluster, recorder):
        status = recorder.until("TASK_FAILED")
        assert status.reason == mesos.TaskStatus.REASON_MAX_COMPLETION_TIME_REACHED


def test_a_task_that_ends_while_its_agent_is_away_is_told_when_it_is_back(tmp_path: Path) -> None:
    go_on, done = tmp_path / "go-on", tmp_path / "done"
    command = f"until test -e {go_on}; do sleep 0.05; done; touch {done}; exit 3"
    recorder = Recorder(lambda offer: [command_task(offer, command)])
    with LocalCluster() as cluster, running(cluster, recorder, checkpoint=True):
        recorder.until("TASK_RUNNING")
        cluster.agents[0].crash()
        go_on.touch()
        wait_for(done.exists)
        cluster.agents[0].start()
        assert recorder.until("TASK_FAILED").message == "Command exited with status 3"


def test_an_executor_waits_for_an_agent_that_is_away_before_it_ends() -> None:
    class Driver:
        stopped = threading.Event()

        def start(self) -> None:
            executor.agent_there.clear()
            executor.ended.set()

        def stop(self) -> None:
            self.stopped.set()

        def join(self, timeout: float) -> None:
            pass

    executor = TaskExecutor()
    thread = threading.Thread(target=run, args=(executor, Driver()))
    thread.start()
    assert not Driver.stopped.wait(0.2)
    executor.agent_there.set()
    thread.join(30.0)
    assert Driver.stopped.is_set()


def test_a_program_that_is_not_there_fails_as_upstream(cluster: LocalCluster) -> None:
    def tasks(offer: mesos.Offer) -> list[mesos.TaskInfo]:
        task = command_task(offer, "/no/such/program")
        task.command.shell = False
        return [task]

    recorder = Recorder(tasks)
    with running(cluster, recorder):
        assert recorder.until("TASK_FAILED").message == "Command exited with status 1"
        assert "TASK_RUNNING" in recorder.states()


@pytest.mark.parametrize(
    ("program", "unwanted"), [("command_executor", "requests"), ("default_executor", "rich")]
)
def test_an_executor_loads_only_what_it_needs(program: str, unwanted: str) -> None:
    """One is started for each command task: what it need not load would cost each of them."""
    names = ["mesos_local.cluster", "mesos_local.master", unwanted]
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; import mesos_local.{program};"
        f" print([name for name in {names!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], stdout=subprocess.PIPE, check=True, timeout=60
    )
    assert done.stdout == b"[]\n"
