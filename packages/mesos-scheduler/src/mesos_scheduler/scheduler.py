"""What a user writes: the callbacks of a scheduler."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2

from .status import Status


class SchedulerDriver(Protocol):
    """What a callback may do with the driver it is given; every call may come from any thread.

    Each call returns the driver's status; on a driver that is not running it does nothing. Calls that
    cannot be meant raise `DriverMisuse`, those that the master is too old for are logged and dropped.
    """

    @property
    def status(self) -> Status:
        """What the driver is doing."""

    def stop(self, failover: bool = False) -> Status:
        """End the driver; unless `failover`, the framework and its tasks too."""

    def abort(self) -> Status:
        """End the driver as failed; the framework stays for its `failover_timeout`."""

    def accept_offers(
        self,
        offer_ids: Iterable[mesos.OfferID],
        operations: Iterable[mesos.Offer.Operation],
        filters: mesos.Filters | None = None,
    ) -> Status:
        """Apply operations, in order, to offers of one agent."""

    def launch_tasks(
        self,
        offer_ids: mesos.OfferID | Iterable[mesos.OfferID],
        tasks: Iterable[mesos.TaskInfo],
        filters: mesos.Filters | None = None,
    ) -> Status:
        """Launch tasks on offers of one agent; what is left over is declined with the filters."""

    def decline_offer(
        self,
        offer_ids: mesos.OfferID | Iterable[mesos.OfferID],
        filters: mesos.Filters | None = None,
    ) -> Status:
        """Decline offers."""

    def accept_inverse_offers(
        self, inverse_offer_ids: Iterable[mesos.OfferID], filters: mesos.Filters | None = None
    ) -> Status:
        """Agree to free the resources."""

    def decline_inverse_offers(
        self, inverse_offer_ids: Iterable[mesos.OfferID], filters: mesos.Filters | None = None
    ) -> Status:
        """Refuse to free the resources."""

    def revive_offers(self, roles: Iterable[str] = ()) -> Status:
        """Ask for offers again, without filters; no roles: for every role."""

    def suppress_offers(self, roles: Iterable[str] = ()) -> Status:
        """Ask for no more offers; no roles: for no role."""

    def request_resources(self, requests: Iterable[mesos.Request]) -> Status:
        """Ask for resources; the stock allocator does not listen."""

    def kill_task(
        self,
        task_id: mesos.TaskID,
        agent_id: mesos.AgentID | None = None,
        kill_policy: mesos.KillPolicy | None = None,
    ) -> Status:
        """Have a task killed; not guaranteed, repeat when no update comes."""

    def shutdown_executor(self, executor_id: mesos.ExecutorID, agent_id: mesos.AgentID) -> Status:
        """Have an executor shut down."""

    def send_framework_message(
        self, executor_id: mesos.ExecutorID, agent_id: mesos.AgentID, data: bytes
    ) -> Status:
        """Send bytes to an executor; delivery is not guaranteed."""

    def reconcile_tasks(self, statuses: Iterable[mesos.TaskStatus] = ()) -> Status:
        """Ask for the state of tasks; none named: of all."""

    def acknowledge_status_update(self, status: mesos.TaskStatus) -> Status:
        """Acknowledge an update, when the driver does not do it."""

    def update_framework(
        self,
        framework_info: mesos.FrameworkInfo,
        suppressed_roles: Iterable[str] = (),
        offer_constraints: scheduler_pb2.OfferConstraints | None = None,
    ) -> Status:
        """Change what the master knows of the framework."""


class Scheduler:
    """Callbacks of a scheduler; each has a default that does nothing.

    They are called one at a time, in order, on a thread of the driver's own. One that takes long delays
    the next ones, and nothing else: acknowledgements due, reconnection and `abort` go on. An exception out
    of any of them aborts the driver, goes to `error`, and is raised again by `join`.
    """

    def registered(
        self, driver: SchedulerDriver, framework_id: mesos.FrameworkID, master_info: mesos.MasterInfo
    ) -> None:
        """Take note that a master has accepted this framework; comes again after a change of master."""

    def reregistered(self, driver: SchedulerDriver, master_info: mesos.MasterInfo) -> None:
        """Take note that the same master has accepted this scheduler again."""

    def disconnected(self, driver: SchedulerDriver) -> None:
        """Take note that the master is gone; the driver reconnects by itself, tasks go on."""

    def resource_offers(self, driver: SchedulerDriver, offers: Sequence[mesos.Offer]) -> None:
        """Use or decline offers."""

    def offer_rescinded(self, driver: SchedulerDriver, offer_id: mesos.OfferID) -> None:
        """Take note that an offer is no longer valid."""

    def inverse_offers(self, driver: SchedulerDriver, inverse_offers: Sequence[mesos.InverseOffer]) -> None:
        """Take note that an operator wants resources back."""

    def inverse_offer_rescinded(self, driver: SchedulerDriver, inverse_offer_id: mesos.OfferID) -> None:
        """Take note that an inverse offer is no longer valid."""

    def status_update(self, driver: SchedulerDriver, status: mesos.TaskStatus) -> None:
        """Take note of a task's state. It is acknowledged when this returns (unless the program does it);
        the same update may come more than once."""

    def framework_message(
        self, driver: SchedulerDriver, executor_id: mesos.ExecutorID, agent_id: mesos.AgentID, data: bytes
    ) -> None:
        """Take bytes from an executor; delivery is not guaranteed."""

    def agent_lost(self, driver: SchedulerDriver, agent_id: mesos.AgentID) -> None:
        """Take note that an agent was removed; updates for its tasks come separately."""

    def executor_lost(
        self, driver: SchedulerDriver, executor_id: mesos.ExecutorID, agent_id: mesos.AgentID, status: int
    ) -> None:
        """Take note that an executor ended; updates for its tasks come separately."""

    def operation_status_update(self, driver: SchedulerDriver, status: mesos.OperationStatus) -> None:
        """Take note of the state of an operation with an id; over v1 only. It is acknowledged when this
        returns (unless the program does it); the same update may come more than once."""

    def heartbeat(self, driver: SchedulerDriver) -> None:
        """Take note that the master lives; over v1 only, every 15 seconds or so."""

    def error(self, driver: SchedulerDriver, message: str) -> None:
        """Take note of what aborted the driver; the last callback there is."""
