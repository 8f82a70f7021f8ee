"""What a user writes: the callbacks of an executor."""

from __future__ import annotations

from typing import Protocol

from mesos_proto.v1 import mesos_pb2 as mesos

from .status import Status


class ExecutorDriver(Protocol):
    """What a callback may do with the driver it is given; every call may come from any thread."""

    @property
    def status(self) -> Status:
        """What the driver is doing."""

    def send_status_update(self, status: mesos.TaskStatus) -> Status:
        """Report about a task."""

    def send_framework_message(self, data: bytes) -> Status:
        """Send bytes to the scheduler."""

    def stop(self) -> Status:
        """End the driver; no further callback starts."""

    def abort(self) -> Status:
        """End the driver as failed; no further callback starts."""


class Executor:
    """Callbacks of an executor; each has a default that does nothing.

    They are called one at a time, in order, on a thread of the driver's own. One that takes long delays
    the next one, and nothing else. An exception out of any of them aborts the driver, goes to `error`,
    and is raised again by `join`.
    """

    def registered(
        self,
        driver: ExecutorDriver,
        executor_info: mesos.ExecutorInfo,
        framework_info: mesos.FrameworkInfo,
        agent_info: mesos.AgentInfo,
    ) -> None:
        """Take note that the agent has accepted this executor; tasks follow."""

    def reregistered(self, driver: ExecutorDriver, agent_info: mesos.AgentInfo) -> None:
        """Take note that a restarted agent has accepted this executor again."""

    def disconnected(self, driver: ExecutorDriver) -> None:
        """Take note that the agent went away; it may come back, and the tasks go on."""

    def launch_task(self, driver: ExecutorDriver, task: mesos.TaskInfo) -> None:
        """Run a task: report TASK_RUNNING now, a terminal state in the end, from any thread."""

    def launch_group(self, driver: ExecutorDriver, task_group: mesos.TaskGroupInfo) -> None:
        """Run the tasks of a group, all or none of them (v1 only); by default, `launch_task` for each."""
        for task in task_group.tasks:
            self.launch_task(driver, task)

    def kill_task(self, driver: ExecutorDriver, task_id: mesos.TaskID) -> None:
        """Kill a task and report it."""

    def kill_task_with_policy(
        self, driver: ExecutorDriver, task_id: mesos.TaskID, kill_policy: mesos.KillPolicy | None
    ) -> None:
        """Kill a task and report it; a policy given takes precedence over the task's own `kill_policy`.

        This is what the driver calls; by default, it calls `kill_task`.
        """
        self.kill_task(driver, task_id)

    def framework_message(self, driver: ExecutorDriver, data: bytes) -> None:
        """Take bytes from the scheduler; delivery is not guaranteed."""

    def shutdown(self, driver: ExecutorDriver) -> None:
        """Kill every task and send the last updates.

        After it has returned, the driver ends as soon as each task launched has had a terminal update.
        The process group is killed when the grace period is over, whatever is left undone.
        """

    def error(self, driver: ExecutorDriver, message: str) -> None:
        """Take note of what aborted the driver."""
