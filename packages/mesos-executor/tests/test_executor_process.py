"""Real executor processes against a tiny agent: how they end."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from executor_agent import FakeAgent, Program, eventually
from executor_helpers import reconnect, run_task
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v0 import messages_pb2 as internal

PRELUDE = """\
import subprocess, sys, threading, time
from mesos_executor import Executor, MesosExecutorDriver, Status
from mesos_proto.v1 import mesos_pb2 as mesos

def send(driver, task, state):
    driver.send_status_update(mesos.TaskStatus(task_id=task.task_id, state=state))
"""

FINISHES = (
    PRELUDE
    + """
class Finishes(Executor):
    def launch_task(self, driver, task):
        print("launched", task.name)
        send(driver, task, mesos.TASK_RUNNING)
        send(driver, task, mesos.TASK_FINISHED)
        if task.name == "name of last":
            driver.stop()

sys.exit(0 if MesosExecutorDriver(Finishes()).run() is Status.STOPPED else 1)
"""
)

# Starts a child, as an executor does that runs commands, and never reports the end of its task.
HANGS = (
    PRELUDE
    + """
class Hangs(Executor):
    def launch_task(self, driver, task):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        print("child", child.pid)
        send(driver, task, mesos.TASK_RUNNING)
    def shutdown(self, driver):
        print("shutting down")

MesosExecutorDriver(Hangs()).run()
"""
)

REPORTS_LATE = (
    PRELUDE
    + """
class ReportsLate(Executor):
    def launch_task(self, driver, task):
        self.task = task
        send(driver, task, mesos.TASK_RUNNING)
    def shutdown(self, driver):
        def later():
            time.sleep(0.2)
            send(driver, self.task, mesos.TASK_KILLED)
        threading.Thread(target=later).start()

status = MesosExecutorDriver(ReportsLate()).run()
print("ended", status.name)
"""
)

FAILS = (
    PRELUDE
    + """
class Fails(Executor):
    def launch_task(self, driver, task):
        raise ValueError("cannot run " + task.name)
    def error(self, driver, message):
        print("error:", message)

MesosExecutorDriver(Fails()).run()
"""
)


def register(agent: FakeAgent) -> None:
    agent.expect(internal.RegisterExecutorMessage)


def states(agent: FakeAgent, count: int) -> list[int]:
    return [agent.expect(internal.StatusUpdateMessage).update.status.state for _ in range(count)]


def test_the_last_update_leaves_before_the_process_ends(tmp_path: Path) -> None:
    with FakeAgent() as agent, Program(agent, tmp_path, FINISHES) as program:
        register(agent)
        agent.send(run_task("first"))
        agent.send(run_task("last"))
        assert states(agent, 4) == [v0.TASK_RUNNING, v0.TASK_FINISHED] * 2
        assert program.wait() == 0
        agent.expect_exit()
        assert program.output == "launched name of first\nlaunched name of last\n"


def test_a_shutdown_with_nothing_to_do_ends_the_process_well(tmp_path: Path) -> None:
    with FakeAgent() as agent, Program(agent, tmp_path, FINISHES) as program:
        register(agent)
        agent.send(internal.ShutdownExecutorMessage())
        assert program.wait() == 0


def test_late_reports_within_the_grace_period_are_sent(tmp_path: Path) -> None:
    with FakeAgent() as agent, Program(agent, tmp_path, REPORTS_LATE) as program:
        register(agent)
        agent.send(run_task("one"))
        assert states(agent, 1) == [v0.TASK_RUNNING]
        agent.send(internal.ShutdownExecutorMessage())
        assert states(agent, 1) == [v0.TASK_KILLED]
        assert program.wait() == 0
        assert "ended STOPPED" in program.output


def test_the_grace_period_ends_with_the_death_of_the_process_group(tmp_path: Path) -> None:
    grace = {"MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": "500ms"}
    with FakeAgent() as agent, Program(agent, tmp_path, HANGS, **grace) as program:
        register(agent)
        agent.send(run_task("one"))
        assert states(agent, 1) == [v0.TASK_RUNNING]
        agent.send(internal.ShutdownExecutorMessage())
        assert program.wait() == -signal.SIGKILL
        words = program.output.split()
        assert "shutting" in words, "shutdown has run before the end"
        assert eventually(lambda: is_gone(int(words[words.index("child") + 1])))


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended; one that nobody has waited for yet counts as ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return Path("/proc/self").exists()


def test_a_lost_agent_ends_the_process_when_not_checkpointing(tmp_path: Path) -> None:
    with FakeAgent() as agent, Program(agent, tmp_path, FINISHES) as program:
        register(agent)
        agent.close()
        assert program.wait() == 1


def test_an_agent_can_be_restarted_when_checkpointing(tmp_path: Path) -> None:
    checkpoint = {"MESOS_CHECKPOINT": "1", "MESOS_RECOVERY_TIMEOUT": "10mins"}
    with FakeAgent() as agent, Program(agent, tmp_path, FINISHES, **checkpoint) as program:
        register(agent)
        agent.send(run_task("first"))
        states(agent, 2)
        agent.close()
        assert agent.executor is not None
        with FakeAgent(port=agent.upid.port) as again:
            again.reconnect(agent.executor, reconnect())
            again.expect(internal.ReregisterExecutorMessage)
            again.send(run_task("last"))
            assert states(again, 2) == [v0.TASK_RUNNING, v0.TASK_FINISHED]
            assert program.wait() == 0


def test_a_failing_callback_ends_the_process_with_its_traceback(tmp_path: Path) -> None:
    with FakeAgent() as agent, Program(agent, tmp_path, FAILS) as program:
        register(agent)
        agent.send(run_task("one"))
        assert program.wait() == 1
        assert "error: ValueError: cannot run name of one" in program.output
        assert 'raise ValueError("cannot run " + task.name)' in program.output


def test_a_program_outside_of_mesos_says_what_is_missing(tmp_path: Path) -> None:
    with FakeAgent() as agent, Program(agent, tmp_path, FINISHES, MESOS_SLAVE_PID="") as program:
        assert program.wait() == 1
        assert "not in the environment: MESOS_SLAVE_PID" in program.output
