"""The program that runs a command task: an executor of one task, started by the agent.

Mirrors upstream's src/launcher/executor.cpp: TASK_STARTING, TASK_RUNNING, what its checks find, one terminal
update; a kill is SIGTERM to the whole tree and SIGKILL after the grace period.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

from mesos_executor import ExecutorDriver, MesosExecutorDriver
from mesos_proto.durations import parse_duration
from mesos_proto.v1 import mesos_pb2 as mesos

from .agent.processes import kill_family, signal_family
from .executor.base import TaskExecutor, run
from .executor.checks import Finding, empty_status, plans
from .executor.probes import Surroundings
from .executor.watch import WatchThread

__all__ = ["CommandExecutor", "main"]

DEFAULT_KILL_GRACE = 3.0
LINGER = 1.0
"""How long the executor stays after the terminal update, so that it leaves the socket."""
_SHUTDOWN_MARGIN = 2.0
_DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ)
"""Ignored by Python itself, which a command does not expect."""


class CommandExecutor(TaskExecutor):
    """Runs the command of the one task it is given."""

    def __init__(self, environment: dict[str, str], *, linger: float = LINGER) -> None:
        super().__init__()
        self._environment = environment
        self._linger = linger
        self._lock = threading.Lock()
        self._task: mesos.TaskInfo | None = None
        self._pid: int | None = None
        self._killed = False
        self._killed_at = 0.0
        self._kill_grace = 0.0
        self._timed_out = False
        self._unhealthy = False
        self._tells_killing = False
        self._last = mesos.TaskStatus()
        self._watches: WatchThread | None = None
        self._timers: list[threading.Timer] = []

    def registered(
        self,
        driver: ExecutorDriver,
        executor_info: mesos.ExecutorInfo,
        framework_info: mesos.FrameworkInfo,
        agent_info: mesos.AgentInfo,
    ) -> None:
        super().registered(driver, executor_info, framework_info, agent_info)
        killing = mesos.FrameworkInfo.Capability.TASK_KILLING_STATE
        self._tells_killing = any(each.type == killing for each in framework_info.capabilities)

    def launch_task(self, driver: ExecutorDriver, task: mesos.TaskInfo) -> None:
        if self._task is not None:
            text = 'Attempted to run multiple tasks using a "command" executor'
            refused = mesos.TaskStatus(task_id=task.task_id, state=mesos.TASK_FAILED, message=text)
            driver.send_status_update(refused)
            return
        self._task = task
        self._update(driver, mesos.TASK_STARTING)
        with self._lock:
            self._pid = self._start(task)
        self._update(driver, mesos.TASK_RUNNING)
        self._watch(driver, task)
        threading.Thread(target=self._wait, args=(driver, self._pid), name="task-reaper", daemon=True).start()
        if task.max_completion_time.nanoseconds > 0:
            self._after(task.max_completion_time.nanoseconds / 1e9, self._out_of_time, driver)

    def _start(self, task: mesos.TaskInfo) -> int:
        """Start the command in a process group of its own, in the executor's session."""
        command = task.command
        environment = dict(self._environment)
        for variable in command.environment.variables:
            environment[variable.name] = variable.value
        environment["MESOS_ALLOCATION_ROLE"] = next(
            (each.allocation_info.role for each in task.resources), "*"
        )
        if command.shell:
            return os.posix_spawnp(
                "sh", ["sh", "-c", command.value], environment, setpgroup=0, setsigdef=_DEFAULT_SIGNALS
            )
        argv = list(command.arguments) or [command.value]
        try:
            return os.posix_spawnp(command.value, argv, environment, setpgroup=0, setsigdef=_DEFAULT_SIGNALS)
        except OSError as error:
            print(f"Failed to execute '{command.value}': {error}", file=sys.stderr, flush=True)
            return os.posix_spawnp(
                "sh", ["sh", "-c", "exit 1"], environment, setpgroup=0, setsigdef=_DEFAULT_SIGNALS
            )

    def _watch(self, driver: ExecutorDriver, task: mesos.TaskInfo) -> None:
        """Begin the checks of a task that has any."""
        found = plans(task, time.monotonic())
        if found:
            around = Surroundings(self._environment)
            self._watches = WatchThread(found, around, lambda finding: self._found(driver, finding))

    def _found(self, driver: ExecutorDriver, finding: Finding) -> None:
        """Tell what a check found, while the task runs and is not being killed."""
        with self._lock:
            if self._pid is None or self._killed:
                return
            self._last = finding.applied_to(self._last)
            driver.send_status_update(self._last)
            self._unhealthy = finding.kill
        if finding.kill:
            self._kill(driver, self._grace())

    def _grace(self) -> float:
        if self._task is not None and self._task.kill_policy.HasField("grace_period"):
            return self._task.kill_policy.grace_period.nanoseconds / 1e9
        return DEFAULT_KILL_GRACE

    def kill_task(self, driver: ExecutorDriver, task_id: mesos.TaskID) -> None:
        self._kill(driver, self._grace())

    def shutdown(self, driver: ExecutorDriver) -> None:
        super().shutdown(driver)
        if self._pid is None:
            self.ended.set()
            return
        period = parse_duration(self._environment.get("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", "5secs"))
        self._kill(driver, max(0.0, period - _SHUTDOWN_MARGIN))

    def _kill(self, driver: ExecutorDriver, grace: float) -> None:
        """Kill the task, once; told again, the time it has left can only become less."""
        with self._lock:
            pid, now = self._pid, time.monotonic()
            if pid is None or (self._killed and grace >= self._kill_grace):
                return
            if not self._killed:
                self._killed, self._killed_at = True, now
                if self._tells_killing and not self._timed_out:
                    self._update(driver, mesos.TASK_KILLING)
                signal_family(pid, signal.SIGTERM)
            self._kill_grace = grace
        self._after(max(0.0, self._killed_at + grace - now), self._escalate)

    def _escalate(self) -> None:
        with self._lock:
            if self._pid is not None:
                kill_family(self._pid)

    def _out_of_time(self, driver: ExecutorDriver) -> None:
        with self._lock:
            self._timed_out = not self._killed
        if self._timed_out:
            self._kill(driver, 0.0)

    def _after(self, seconds: float, call: object, *args: object) -> None:
        timer = threading.Timer(seconds, call, args)  # type: ignore[arg-type]
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def _wait(self, driver: ExecutorDriver, pid: int) -> None:
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with self._lock:
            self._pid = None
        if self._watches is not None:
            self._watches.stop()
        for timer in self._timers:
            timer.cancel()
        if code < 0:
            ending = f"terminated with signal {signal.strsignal(-code)}"
        else:
            ending = f"exited with status {code}"
        reason = None
        if self._timed_out:
            state, reason = mesos.TASK_FAILED, mesos.TaskStatus.REASON_MAX_COMPLETION_TIME_REACHED
        elif self._killed:
            state = mesos.TASK_KILLED
        else:
            state = mesos.TASK_FAILED if code else mesos.TASK_FINISHED
        self._update(driver, state, f"Command {ending}", reason)
        threading.Event().wait(self._linger)
        self.ended.set()

    def _update(
        self,
        driver: ExecutorDriver,
        state: mesos.TaskState.ValueType,
        message: str | None = None,
        reason: mesos.TaskStatus.Reason.ValueType | None = None,
    ) -> None:
        """Report about the task, with nothing in it of what was reported before."""
        assert self._task is not None
        self._last = mesos.TaskStatus(
            task_id=self._task.task_id,
            state=state,
            message=message,
            reason=reason,
            check_status=empty_status(self._task),
            healthy=False if self._unhealthy and state == mesos.TASK_KILLED else None,
        )
        driver.send_status_update(self._last)


def main() -> int:
    """Run the executor in the environment its agent gave; the status is that of a well-behaved executor."""
    executor = CommandExecutor(dict(os.environ))
    return run(executor, MesosExecutorDriver(executor))


if __name__ == "__main__":
    sys.exit(main())
