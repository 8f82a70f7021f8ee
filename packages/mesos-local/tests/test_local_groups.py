"""Task groups on a real cluster: the default executor runs them, as real processes."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from local_groups import running_pod
from local_scheduler import alive, wait_for
from mesos_local import LocalCluster
from mesos_proto.v1 import mesos_pb2 as mesos

STATUS = mesos.TaskStatus
KILLING = mesos.FrameworkInfo.Capability(type=mesos.FrameworkInfo.Capability.TASK_KILLING_STATE)


def quick_health(command: str) -> mesos.HealthCheck:
    """Describe a health check that looks often and forgives nothing."""
    check = mesos.HealthCheck(type=mesos.HealthCheck.COMMAND, consecutive_failures=1)
    check.delay_seconds, check.interval_seconds, check.grace_period_seconds = 0, 0.05, 0
    check.command.value = command
    return check


def test_a_group_runs_to_its_end_and_its_executor_goes(cluster: LocalCluster) -> None:
    with running_pod(cluster) as pod:
        pod.launch(one="echo out; echo err >&2; pwd", two="true")
        one = pod.recorder.until("TASK_FINISHED", "one")
        pod.recorder.until("TASK_FINISHED", "two")
        assert pod.states("one") == pod.states("two") == ["STARTING", "RUNNING", "FINISHED"]
        assert one.message == "Command exited with status 0"
        assert one.source == STATUS.SOURCE_EXECUTOR and one.executor_id.value == "pod"
        sandbox = pod.sandbox()
        container = one.container_status.container_id
        assert container.parent.value == Path(os.path.realpath(sandbox)).name
        own = sandbox / "tasks" / "one"
        assert os.path.realpath(own) == os.path.join(os.path.realpath(sandbox), "containers", container.value)
        assert (own / "stdout").read_text() == f"out\n{os.path.realpath(own)}\n"
        assert (own / "stderr").read_text() == "err\n"
        pod.recorder.wait(lambda: pod.recorder.lost_executors == [("pod", 0)])


def test_one_failure_kills_the_rest_of_the_group_and_no_other_group(cluster: LocalCluster) -> None:
    with running_pod(cluster, capabilities=[KILLING]) as pod:
        pod.launch(other="exec sleep 1000")
        pod.recorder.until("TASK_RUNNING", "other")
        pod.launch(bad="sleep 0.2; exit 3", good="exec sleep 1000")
        killed = pod.recorder.until("TASK_KILLED", "good")
        assert pod.recorder.until("TASK_FAILED", "bad").message == "Command exited with status 3"
        assert pod.states("good") == ["STARTING", "RUNNING", "KILLING", "KILLED"]
        assert killed.message == "Command terminated with signal Terminated"
        assert pod.states("other") == ["STARTING", "RUNNING"]
        pod.driver.kill_task(mesos.TaskID(value="other"))
        pod.recorder.until("TASK_KILLED", "other")
        pod.recorder.wait(lambda: pod.recorder.lost_executors == [("pod", 0)])


def test_a_kill_of_one_task_ends_its_group_after_its_own_grace(cluster: LocalCluster) -> None:
    def stubborn(tasks: list[mesos.TaskInfo]) -> None:
        tasks[0].kill_policy.grace_period.nanoseconds = 200_000_000

    with running_pod(cluster) as pod:
        pod.launch(stubborn, one="trap '' TERM; while true; do sleep 0.1; done", two="exec sleep 1000")
        pod.recorder.until("TASK_RUNNING", "two")
        pod.driver.kill_task(pod.recorder.until("TASK_RUNNING", "one").task_id)
        assert pod.recorder.until("TASK_KILLED", "one").message == "Command terminated with signal Killed"
        pod.recorder.until("TASK_KILLED", "two")


def test_an_unhealthy_task_ends_its_group(cluster: LocalCluster) -> None:
    def sick(tasks: list[mesos.TaskInfo]) -> None:
        tasks[0].health_check.CopyFrom(quick_health('test "$(cat mark)" = "$GREETING"'))
        tasks[0].command.environment.variables.add(name="GREETING", value="hello")

    with running_pod(cluster) as pod:
        pod.launch(sick, one="echo hello > mark; sleep 0.5; rm mark; exec sleep 1000", two="exec sleep 1000")
        one = pod.recorder.until("TASK_KILLED", "one")
        pod.recorder.until("TASK_KILLED", "two")
        assert one.HasField("healthy") and not one.healthy
        told = [each for each in pod.recorder.statuses if each.task_id.value == "one"]
        assert False in [
            each.healthy for each in told if each.HasField("healthy") and each.state == mesos.TASK_RUNNING
        ]


def test_a_task_that_takes_too_long_fails_and_ends_its_group(cluster: LocalCluster) -> None:
    def hurried(tasks: list[mesos.TaskInfo]) -> None:
        tasks[0].max_completion_time.nanoseconds = 200_000_000

    with running_pod(cluster) as pod:
        pod.launch(hurried, one="exec sleep 1000", two="exec sleep 1000")
        failed = pod.recorder.until("TASK_FAILED", "one")
        assert failed.reason == STATUS.REASON_MAX_COMPLETION_TIME_REACHED
        pod.recorder.until("TASK_KILLED", "two")


@pytest.mark.parametrize("broken", ["uri", "program"])
def test_a_task_that_cannot_start_ends_its_group(cluster: LocalCluster, broken: str) -> None:
    def breaks(tasks: list[mesos.TaskInfo]) -> None:
        if broken == "uri":
            tasks[0].command.uris.add(value="/no/such/file")
        else:
            tasks[0].command.shell = False

    with running_pod(cluster) as pod:
        pod.launch(breaks, one="/no/such/program", two="exec sleep 1000")
        failed = pod.recorder.until("TASK_FAILED", "one")
        pod.recorder.until("TASK_KILLED", "two")
        if broken == "uri":
            container = failed.container_status.container_id
            name = f"{container.parent.value}.{container.value}"
            assert failed.message == f"Failed to fetch all URIs for container '{name}': exited with status 1"
        else:
            assert failed.message == "Command exited with status 1"


def test_tasks_have_their_own_environment_and_files_and_share_what_they_ask_for(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    (tmp_path / "data.txt").write_text("fetched")

    def describe(tasks: list[mesos.TaskInfo]) -> None:
        tasks[0].command.uris.add(value=str(tmp_path / "data.txt"))
        for task in tasks:
            task.container.type = mesos.ContainerInfo.MESOS
            volume = task.container.volumes.add(mode=mesos.Volume.RW, container_path="shared")
            volume.source.type = mesos.Volume.Source.SANDBOX_PATH
            volume.source.sandbox_path.type = mesos.Volume.Source.SandboxPath.PARENT
            volume.source.sandbox_path.path = "common"

    with running_pod(cluster) as pod:
        pod.launch(
            describe,
            one="env > environment; cp data.txt shared/; exec sleep 1000",
            two="until test -s shared/data.txt; do sleep 0.05; done",
        )
        pod.recorder.until("TASK_FINISHED", "two")
        own = pod.sandbox() / "tasks" / "one"
        assert (pod.sandbox() / "common" / "data.txt").read_text() == "fetched"
        environment = dict(line.split("=", 1) for line in (own / "environment").read_text().splitlines())
        for name in ("LC_CTYPE", "OLDPWD", "SHLVL", "_"):
            environment.pop(name, None)
        assert environment == {
            "MESOS_ALLOCATION_ROLE": "*",
            "MESOS_CONTAINER_IP": "127.0.0.1",
            "MESOS_SANDBOX": os.path.realpath(own),
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "PWD": os.path.realpath(own),
        }
        pod.driver.kill_task(mesos.TaskID(value="one"))
        pod.recorder.until("TASK_KILLED", "one")


def test_nothing_of_a_group_outlives_its_executor(cluster: LocalCluster) -> None:
    with running_pod(cluster) as pod:
        pod.launch(one="sleep 1000 & echo $! > new; mv new child; wait", two="exec sleep 1000")
        pod.recorder.until("TASK_RUNNING", "two")
        child = pod.sandbox() / "tasks" / "one" / "child"
        wait_for(child.exists)
        own = pod.recorder.framework_ids[0]
        (executor,) = (each for each in cluster.agents[0].executors if each.framework_id == own)
        os.kill(executor.os_pid, signal.SIGKILL)
        for name in ("one", "two"):
            status = pod.recorder.until("TASK_FAILED", name)
            assert status.reason == STATUS.REASON_EXECUTOR_TERMINATED
        assert not alive(int(child.read_text()))


CUSTOM = """
import sys
sys.path[:] = {path!r}
from mesos_executor import Executor
from mesos_executor.v1 import HttpExecutorDriver
from mesos_proto.v1 import mesos_pb2 as mesos

class Groups(Executor):
    def launch_group(self, driver, task_group):
        names = " ".join(task.task_id.value for task in task_group.tasks)
        for task in task_group.tasks:
            status = mesos.TaskStatus(task_id=task.task_id, state=mesos.TASK_RUNNING, message=names)
            driver.send_status_update(status)
    def kill_task(self, driver, task_id):
        driver.send_status_update(mesos.TaskStatus(task_id=task_id, state=mesos.TASK_KILLED))

HttpExecutorDriver(Groups()).run()
"""


def test_a_custom_executor_is_given_groups_whole(cluster: LocalCluster, tmp_path: Path) -> None:
    program = tmp_path / "executor.py"
    program.write_text(CUSTOM.format(path=[os.path.abspath(each) for each in sys.path if each]))
    with running_pod(cluster) as pod:
        pod.executor.type = mesos.ExecutorInfo.CUSTOM
        pod.executor.command.value = f"exec {sys.executable} -I -S {program}"
        pod.launch(one="true", two="true")
        assert pod.recorder.until("TASK_RUNNING", "one").message == "one two"
        pod.recorder.until("TASK_RUNNING", "two")
        pod.launch(three="true")
        assert pod.recorder.until("TASK_RUNNING", "three").message == "three"
        pod.driver.kill_task(mesos.TaskID(value="two"))
        pod.recorder.until("TASK_KILLED", "two")
        assert pod.states("one") == ["RUNNING"], "what a failure means is the executor's to decide"


def test_groups_live_through_a_crash_of_the_agent(tmp_path: Path) -> None:
    sick = tmp_path / "sick"

    def checked(tasks: list[mesos.TaskInfo]) -> None:
        tasks[0].health_check.CopyFrom(quick_health(f"! test -e {sick}"))

    with (
        LocalCluster(resources="cpus:4;mem:4096;disk:1000") as cluster,
        running_pod(cluster, checkpoint=True) as pod,
    ):
        pod.launch(checked, one="exec sleep 1000", two="exec sleep 1000")
        pod.launch(three=f"until test -e {sick}; do sleep 0.05; done; exit 4")
        pod.recorder.until("TASK_RUNNING", "three")
        pod.recorder.wait(lambda: any(each.healthy for each in pod.recorder.statuses))
        (executor,) = cluster.agents[0].executors
        cluster.agents[0].crash()
        sick.touch()
        cluster.agents[0].start()
        assert pod.recorder.until("TASK_FAILED", "three").message == "Command exited with status 4"
        assert not pod.recorder.until("TASK_KILLED", "one").healthy
        assert pod.recorder.until("TASK_KILLED", "two").container_status.executor_pid == executor.os_pid
        pod.recorder.wait(lambda: len(pod.recorder.lost_executors) == 1)


def test_a_group_that_ends_while_its_agent_is_away_is_told_when_it_is_back(tmp_path: Path) -> None:
    go_on, done = tmp_path / "go-on", tmp_path / "done"
    with (
        LocalCluster(resources="cpus:4;mem:4096;disk:1000") as cluster,
        running_pod(cluster, checkpoint=True) as pod,
    ):
        pod.launch(one=f"until test -e {go_on}; do sleep 0.05; done; touch {done}; exit 3")
        pod.recorder.until("TASK_RUNNING", "one")
        cluster.agents[0].crash()
        go_on.touch()
        wait_for(done.exists)
        cluster.agents[0].start()
        assert pod.recorder.until("TASK_FAILED", "one").message == "Command exited with status 3"
        pod.recorder.wait(lambda: len(pod.recorder.lost_executors) == 1)
