"""The test executor: reports each task as running, then as finished.

An agent starts it; pack it into one file first, so that it brings what it imports:

    python -m mesos_executor.pack examples/executor.py -o executor.pyz

With -slow_tasks a task takes from ten seconds to a hundred, which helps to watch failovers.
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
from collections.abc import Sequence

import pyglog
from mesos_executor import AgentEnvironmentError, Executor, ExecutorDriver, MesosExecutorDriver, Status
from mesos_proto.v1 import mesos_pb2 as mesos


class ExampleExecutor(Executor):
    """Finishes each task at once, or after a while on a thread of its own when tasks are slow."""

    def __init__(self, slow_tasks: bool) -> None:
        self._slow_tasks = slow_tasks
        self._tasks_launched = 0
        self._pending: dict[str, threading.Timer] = {}
        self._lock = threading.Lock()

    def registered(
        self,
        driver: ExecutorDriver,
        executor_info: mesos.ExecutorInfo,
        framework_info: mesos.FrameworkInfo,
        agent_info: mesos.AgentInfo,
    ) -> None:
        print("Registered Executor on agent", agent_info.hostname)

    def reregistered(self, driver: ExecutorDriver, agent_info: mesos.AgentInfo) -> None:
        print("Re-registered Executor on agent", agent_info.hostname)

    def disconnected(self, driver: ExecutorDriver) -> None:
        print("Executor disconnected.")

    def launch_task(self, driver: ExecutorDriver, task: mesos.TaskInfo) -> None:
        print("Launching task", task.name, "with command", task.command.value)
        if self._slow_tasks:
            send(driver, task.task_id, mesos.TASK_STARTING)
        send(driver, task.task_id, mesos.TASK_RUNNING)
        self._tasks_launched += 1
        print("Total tasks launched", self._tasks_launched)
        if not self._slow_tasks:
            self._finish(driver, task)
            return
        timer = threading.Timer(random.uniform(10, 100), self._finish, (driver, task))
        timer.daemon = True
        with self._lock:
            self._pending[task.task_id.value] = timer
        timer.start()

    def kill_task(self, driver: ExecutorDriver, task_id: mesos.TaskID) -> None:
        print("Kill task", task_id.value)
        if self._forget(task_id):
            send(driver, task_id, mesos.TASK_KILLED)

    def framework_message(self, driver: ExecutorDriver, data: bytes) -> None:
        print("Got framework message:", data.decode("utf-8", "backslashreplace"))

    def shutdown(self, driver: ExecutorDriver) -> None:
        print("Shutting down the executor")
        with self._lock:
            task_ids = list(self._pending)
        for task_id in task_ids:
            self.kill_task(driver, mesos.TaskID(value=task_id))

    def error(self, driver: ExecutorDriver, message: str) -> None:
        print("Got error message:", message)

    def _finish(self, driver: ExecutorDriver, task: mesos.TaskInfo) -> None:
        if self._slow_tasks and not self._forget(task.task_id):
            return
        print("Finishing task", task.name)
        send(driver, task.task_id, mesos.TASK_FINISHED)
        print("Task finished", task.name)

    def _forget(self, task_id: mesos.TaskID) -> bool:
        """Stop waiting for a task; tell whether it was still running."""
        with self._lock:
            timer = self._pending.pop(task_id.value, None)
        if timer is not None:
            timer.cancel()
        return timer is not None


def send(driver: ExecutorDriver, task_id: mesos.TaskID, state: mesos.TaskState.ValueType) -> None:
    """Report the state of a task."""
    driver.send_status_update(mesos.TaskStatus(task_id=task_id, state=state))


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the flags of the Go example's executor and glog's, which start with one dash or two."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0], allow_abbrev=False)
    parser.add_argument(
        "-slow_tasks",
        "--slow_tasks",
        nargs="?",
        const=True,
        default=False,
        type=boolean,
        metavar="BOOL",
        help="take from ten seconds to a hundred for a task",
    )
    pyglog.add_flags(parser)
    return parser.parse_args(arguments)


def boolean(text: str) -> bool:
    """Parse a flag's value as Go does."""
    if text.lower() in ("1", "t", "true"):
        return True
    if text.lower() in ("0", "f", "false"):
        return False
    raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the executor; exit status 0 when it was stopped in good order."""
    options = parse_arguments(sys.argv[1:] if arguments is None else arguments)
    pyglog.init(options)
    print("Starting Example Executor (Python)")
    try:
        driver = MesosExecutorDriver(ExampleExecutor(options.slow_tasks))
    except AgentEnvironmentError as error:
        print("Unable to create an ExecutorDriver:", error, file=sys.stderr)
        return 1
    driver.start()
    print("Executor process has started and running.")
    status = driver.join()
    print("executor terminating")
    return 0 if status is Status.STOPPED else 1


if __name__ == "__main__":
    sys.exit(main())
