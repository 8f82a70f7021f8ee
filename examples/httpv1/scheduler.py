"""The scheduler: launches tasks until as many as wanted have finished."""

from __future__ import annotations

import argparse
import collections
import logging
import random
import time
from collections.abc import Sequence

from mesos_proto import Resources, build
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import Scheduler, SchedulerDriver

from .metrics import Metrics
from .screen import Screen

log = logging.getLogger("example")

UNEXPECTED = frozenset((mesos.TASK_LOST, mesos.TASK_KILLED, mesos.TASK_FAILED, mesos.TASK_ERROR))


class ExampleScheduler(Scheduler):
    """Launches `options.tasks` tasks and stops the driver when all have finished, or when one has failed.

    A task that fails or is lost is not tried again: `failure` then says which one, and why.
    """

    def __init__(
        self, options: argparse.Namespace, executor: mesos.ExecutorInfo, metrics: Metrics, screen: Screen
    ) -> None:
        role = None if options.role == "*" else options.role
        self.options = options
        self.executor = executor
        self.metrics = metrics
        self.screen = screen
        self.task_needs = Resources(
            [build.cpus(options.cpu, role=role), build.mem(options.memory, role=role)]
        )
        self.executor_needs = Resources(
            [build.cpus(options.exec_cpu, role=role), build.mem(options.exec_memory, role=role)]
        )
        self.executors: dict[str, mesos.ExecutorInfo] = {}
        self.states: dict[str, mesos.TaskState.ValueType] = {}
        self.launched = 0
        self.finished = 0
        self.failure = ""
        self.began: float | None = None
        self.warned = False

    def registered(
        self, driver: SchedulerDriver, framework_id: mesos.FrameworkID, master_info: mesos.MasterInfo
    ) -> None:
        self.screen.say(f"subscribed as framework {framework_id.value}")
        self.show()

    def disconnected(self, driver: SchedulerDriver) -> None:
        self.screen.say("disconnected from the master")

    # Offers.

    def resource_offers(self, driver: SchedulerDriver, offers: Sequence[mesos.Offer]) -> None:
        self.metrics.offers(offers)
        launched = declined = 0
        for offer in offers:
            log.info("offer %s has %s", offer.id.value, Resources(offer.resources))
            tasks = self.tasks_for(offer)
            # With no tasks this declines the offer. Chance keeps many schedulers from asking all at once.
            refuse = mesos.Filters(refuse_seconds=random.uniform(0, self.options.maxRefuseSeconds))
            driver.launch_tasks(offer.id, tasks, refuse)
            launched += len(tasks)
            declined += not tasks
        self.metrics.launched(launched, declined)
        log.info("%d tasks launched on %d offers", launched, len(offers))
        if launched:
            self.began = self.began or time.monotonic()
        elif not self.launched and not self.warned:
            self.warned = True
            needs = (self.task_needs + self.executor_needs).unallocate().to_unreserved()
            log.warning("no task fits into the offers so far: one and its executor need %s", needs)
        self.show()

    def tasks_for(self, offer: mesos.Offer) -> list[mesos.TaskInfo]:
        """Return as many of the tasks still to be launched as fit into an offer."""
        remaining = Resources(offer.resources)
        executor = self.executors.get(offer.agent_id.value)
        if executor is None or not offer.executor_ids:
            found = remaining.find(self.executor_needs)
            if found is None:
                return []
            remaining -= found
            executor = mesos.ExecutorInfo()
            executor.CopyFrom(self.executor)
            executor.resources.extend(found.messages())
            self.executors[offer.agent_id.value] = executor
        tasks = []
        while self.launched < self.options.tasks and (found := remaining.find(self.task_needs)) is not None:
            remaining -= found
            self.launched += 1
            log.info("launching task %d on offer %s", self.launched, offer.id.value)
            tasks.append(
                build.task(
                    f"Task {self.launched}",
                    offer.agent_id,
                    found,
                    executor=executor,
                    id=str(self.launched),
                )
            )
        return tasks

    def offer_rescinded(self, driver: SchedulerDriver, offer_id: mesos.OfferID) -> None:
        log.info("offer %s is rescinded", offer_id.value)

    # Tasks.

    def status_update(self, driver: SchedulerDriver, status: mesos.TaskStatus) -> None:
        task_id, state = status.task_id.value, mesos.TaskState.Name(status.state)
        log.info("task %s is in state %s%s", task_id, state, f": {status.message}" if status.message else "")
        if self.states.get(task_id) == mesos.TASK_FINISHED:
            return  # The same update may come more than once.
        self.states[task_id] = status.state
        if status.state == mesos.TASK_FINISHED:
            self.task_finished(driver)
        elif status.state in UNEXPECTED:
            reason = mesos.TaskStatus.Reason.Name(status.reason) if status.HasField("reason") else "no reason"
            source = mesos.TaskStatus.Source.Name(status.source) if status.HasField("source") else "no source"
            self.failure = f"task {task_id} is in state {state} ({source}, {reason}): {status.message or '-'}"
            driver.stop()
        self.show()

    def task_finished(self, driver: SchedulerDriver) -> None:
        """Stop when it was the last one, else ask for more offers."""
        self.finished += 1
        self.metrics.tasks_finished.add()
        total = self.options.tasks
        if not self.screen.live and self.finished % max(1, total // 10) == 0:
            self.screen.say(f"{self.finished} of {total} tasks finished")
        if self.finished >= total:
            self.screen.clear()
            seconds = time.monotonic() - (self.began or time.monotonic())
            self.screen.say(f"{total} tasks took {seconds:.2f} s from launch to the last status")
            driver.stop()
        elif self.launched < total:
            driver.revive_offers()

    def show(self) -> None:
        """Show how far the work is."""
        total = self.options.tasks
        if not self.screen.live or self.finished >= total:
            return
        counts = collections.Counter(self.states.values())
        done = 20 * self.finished // total
        self.screen.status(
            f"[{'#' * done}{'.' * (20 - done)}] {self.finished} of {total} finished, "
            f"{counts[mesos.TASK_RUNNING]} running, {self.launched} launched"
        )

    # What goes wrong.

    def executor_lost(
        self, driver: SchedulerDriver, executor_id: mesos.ExecutorID, agent_id: mesos.AgentID, status: int
    ) -> None:
        log.warning("executor %s on agent %s ended, status %d", executor_id.value, agent_id.value, status)

    def agent_lost(self, driver: SchedulerDriver, agent_id: mesos.AgentID) -> None:
        log.warning("agent %s is lost", agent_id.value)
