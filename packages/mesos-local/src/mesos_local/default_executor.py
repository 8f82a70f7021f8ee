"""The program that runs task groups: the default executor, started by the agent.

What it does is decided by `executor.groups`; here are its threads. Each task has one, which makes its
container and waits for its process; checks and timers have theirs. All of them take the one lock to report.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from mesos_executor import ExecutorDriver
from mesos_executor.v1 import HttpExecutorDriver
from mesos_proto.v1 import mesos_pb2 as mesos

from .agent.fetch_cache import FetchCache
from .agent.processes import await_end, reap
from .errors import FetchError
from .executor import events
from .executor.base import TaskExecutor, run
from .executor.checks import Judge, Plan, plans
from .executor.child import environment, sandbox, start
from .executor.groups import GroupSession
from .executor.probes import Surroundings
from .executor.watch import WatchThread

__all__ = ["DefaultExecutor", "main"]


class DefaultExecutor(TaskExecutor):
    """Runs task groups."""

    def __init__(self, directory: str, ip: str, cache: FetchCache | None = None) -> None:
        super().__init__()
        self._cache = cache
        self._directory = directory
        self._ip = ip
        self._session = GroupSession(os.path.basename(directory))
        self._lock = threading.RLock()
        self._driver: ExecutorDriver | None = None
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._plans: dict[str, list[tuple[Plan, Judge]]] = {}
        self._watches: dict[str, WatchThread] = {}

    def registered(
        self,
        driver: ExecutorDriver,
        executor_info: mesos.ExecutorInfo,
        framework_info: mesos.FrameworkInfo,
        agent_info: mesos.AgentInfo,
    ) -> None:
        super().registered(driver, executor_info, framework_info, agent_info)
        self._driver = driver
        self._take(events.Connected(framework_info))

    def reregistered(self, driver: ExecutorDriver, agent_info: mesos.AgentInfo) -> None:
        super().reregistered(driver, agent_info)
        self._take(events.Connected())

    def disconnected(self, driver: ExecutorDriver) -> None:
        super().disconnected(driver)
        self._take(events.Disconnected())

    def launch_task(self, driver: ExecutorDriver, task: mesos.TaskInfo) -> None:
        print("The default executor runs task groups only", file=sys.stderr, flush=True)
        self._take(events.Shutdown())

    def launch_group(self, driver: ExecutorDriver, task_group: mesos.TaskGroupInfo) -> None:
        self._take(events.LaunchGroup(task_group))

    def kill_task_with_policy(
        self, driver: ExecutorDriver, task_id: mesos.TaskID, kill_policy: mesos.KillPolicy | None
    ) -> None:
        self._take(events.Kill(task_id.value, kill_policy))

    def shutdown(self, driver: ExecutorDriver) -> None:
        super().shutdown(driver)
        self._take(events.Shutdown())

    def _take(self, event: events.Event) -> None:
        """Let the session take an event, from any thread, and do what follows."""
        with self._lock:
            for command in self._session.handle(event):
                self._perform(command)

    def _perform(self, command: events.Command) -> None:
        match command:
            case events.Tell(status):
                assert self._driver is not None
                self._driver.send_status_update(status)
            case events.Start(child):
                threading.Thread(
                    target=self._live, args=(child,), name=f"task-{child.id}", daemon=True
                ).start()
            case events.Signal(task_id, number):
                process = self._processes.get(task_id)
                if process is not None:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process.pid, number)
            case events.SetTimer(key, delay):
                timer = threading.Timer(delay, self._take, (events.TimerFired(key),))
                timer.daemon = True
                timer.start()
            case events.Watch(child):
                self._watch(child)
            case events.Unwatch(task_id):
                watches = self._watches.pop(task_id, None)
                if watches is not None:
                    watches.stop()
            case events.Finish():
                self.ended.set()

    def _live(self, child: events.Child) -> None:
        """See a task from its start to its end."""
        try:
            variables = environment(child, sandbox(self._directory, child), self._ip)
            process = start(child, self._directory, variables, self._cache)
        except (FetchError, OSError) as error:
            self._take(events.ChildFailed(child.id, str(error)))
            return
        with self._lock:
            self._processes[child.id] = process
            self._take(events.ChildStarted(child.id))
        await_end(process)
        with self._lock:  # Nobody sends it a signal while its id is given back.
            status = reap(process)
            del self._processes[child.id]
            self._plans.pop(child.id, None)
            self._take(events.ChildEnded(child.id, status))

    def _watch(self, child: events.Child) -> None:
        """Begin the checks of a task; those that were begun before go on at once."""
        known = child.id in self._plans
        found = self._plans.setdefault(child.id, plans(child.info, time.monotonic()))
        if not found or child.id in self._watches:
            return
        directory = sandbox(self._directory, child)
        around = Surroundings(environment(child, directory, self._ip), directory)
        self._watches[child.id] = WatchThread(
            found, around, lambda finding: self._take(events.CheckFound(child.id, finding)), resumed=known
        )


def main() -> int:
    """Run the executor in the environment its agent gave; arguments are the fetcher's cache and its size."""
    ip = os.environ.get("LIBPROCESS_IP", "127.0.0.1")
    cache = FetchCache(Path(sys.argv[1]), int(sys.argv[2])) if len(sys.argv) > 2 else None
    executor = DefaultExecutor(os.environ["MESOS_DIRECTORY"], ip, cache)
    return run(executor, HttpExecutorDriver(executor))


if __name__ == "__main__":
    sys.exit(main())
