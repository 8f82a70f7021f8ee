"""A scheduler with one callback for events of every type."""

from __future__ import annotations

from collections.abc import Sequence

from mesos_proto.v1 import mesos_pb2 as mesos

from . import events
from .scheduler import Scheduler, SchedulerDriver


class EventScheduler(Scheduler):
    """Takes every event in `handle`, in place of a callback for each type.

    Drivers call `handle` alone. The callbacks lead there too, for those who call one by hand.
    """

    def handle(self, driver: SchedulerDriver, event: events.Event) -> object:
        """Take note of an event; asyncio's drivers await what can be awaited."""
        return None

    def registered(
        self, driver: SchedulerDriver, framework_id: mesos.FrameworkID, master_info: mesos.MasterInfo
    ) -> None:
        self.handle(driver, events.Registered(framework_id, master_info))

    def reregistered(self, driver: SchedulerDriver, master_info: mesos.MasterInfo) -> None:
        self.handle(driver, events.Reregistered(master_info))

    def disconnected(self, driver: SchedulerDriver) -> None:
        self.handle(driver, events.Disconnected())

    def resource_offers(self, driver: SchedulerDriver, offers: Sequence[mesos.Offer]) -> None:
        self.handle(driver, events.ResourceOffers(offers))

    def offer_rescinded(self, driver: SchedulerDriver, offer_id: mesos.OfferID) -> None:
        self.handle(driver, events.OfferRescinded(offer_id))

    def inverse_offers(self, driver: SchedulerDriver, inverse_offers: Sequence[mesos.InverseOffer]) -> None:
        self.handle(driver, events.InverseOffers(inverse_offers))

    def inverse_offer_rescinded(self, driver: SchedulerDriver, inverse_offer_id: mesos.OfferID) -> None:
        self.handle(driver, events.InverseOfferRescinded(inverse_offer_id))

    def status_update(self, driver: SchedulerDriver, status: mesos.TaskStatus) -> None:
        acknowledgement = events.Acknowledgement.of(status) if status.uuid else None
        self.handle(driver, events.StatusUpdate(status, acknowledgement))

    def framework_message(
        self, driver: SchedulerDriver, executor_id: mesos.ExecutorID, agent_id: mesos.AgentID, data: bytes
    ) -> None:
        self.handle(driver, events.FrameworkMessage(executor_id, agent_id, data))

    def agent_lost(self, driver: SchedulerDriver, agent_id: mesos.AgentID) -> None:
        self.handle(driver, events.AgentLost(agent_id))

    def executor_lost(
        self, driver: SchedulerDriver, executor_id: mesos.ExecutorID, agent_id: mesos.AgentID, status: int
    ) -> None:
        self.handle(driver, events.ExecutorLost(executor_id, agent_id, status))

    def operation_status_update(self, driver: SchedulerDriver, status: mesos.OperationStatus) -> None:
        self.handle(driver, events.OperationStatusUpdate(status, bool(status.uuid.value)))

    def heartbeat(self, driver: SchedulerDriver) -> None:
        self.handle(driver, events.Heartbeat())

    def error(self, driver: SchedulerDriver, message: str) -> None:
        self.handle(driver, events.Error(message))
