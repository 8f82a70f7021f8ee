"""A scheduler without a driver: it sends calls as libprocess messages and notes whatever comes back."""

from __future__ import annotations

import getpass
import itertools
import json
import re
import threading
import time
from types import TracebackType
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from mesos_messenger import UPID, Messenger
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as scheduler

WAIT = 20.0
NOW = mesos.Filters(refuse_seconds=0)
_NUMBERS = itertools.count(1)
_KINDS = (
    internal.FrameworkRegisteredMessage,
    internal.FrameworkReregisteredMessage,
    internal.FrameworkErrorMessage,
    internal.ResourceOffersMessage,
    internal.RescindResourceOfferMessage,
    internal.StatusUpdateMessage,
    internal.LostSlaveMessage,
    internal.ExitedExecutorMessage,
    internal.ExecutorToFrameworkMessage,
)
# A task may have gone on while an update of it waited: of `latest_state` only the presence counts.
_VARYING = {
    "unreachable_time",
    "latest_state",
    "timestamp",
    "uuid",
    "master_info",
    "pid",
    "container_status",
    "data",
}
Call = scheduler.Call


def anonymous(text: str) -> str:
    """Replace ids, addresses and process names by words; put resources in order.

    What is free on an agent comes in an order of its history.
    """
    for resources in (r'(?<=more than available )[^"]*', r'(?<=")[^"]*(?= does not contain )'):
        text = re.sub(resources, lambda found: "; ".join(sorted(found[0].split("; "))), text)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}(-\d{4})?", "UUID", text)
    text = re.sub(r"UUID-([SO])\d+", r"UUID-\1", text)
    text = re.sub(r"slave\(\d+\)", "slave(N)", text)
    text = re.sub(r"differential-\d+", "CLIENT", text)
    return re.sub(r"127\.0\.0\.1:\d+", "ADDRESS", text)


def plain(value: Any) -> Any:
    """Keep of a message as a dictionary what does not vary, and the presence of what does."""
    if isinstance(value, dict):
        return {key: "…" if key in _VARYING else plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value


class Site:
    """One of the clusters, and the transcript of the script that runs on it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.lines: list[str] = []

    def note(self, *parts: object) -> None:
        """Add a line to the transcript."""
        self.lines.append(anonymous(" ".join(str(part) for part in parts)))

    def client(self) -> Client:
        """Return a scheduler for this cluster."""
        return Client(self)


class Client:
    """As a context manager its framework is torn down at the end."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.framework_id = ""
        self._messenger = Messenger(f"differential-{next(_NUMBERS)}", bind="127.0.0.1:0")
        self._master = UPID.parse(f"master@{site.address}")
        self._inbox: list[Message] = []
        self._changed = threading.Condition()
        for kind in _KINDS:
            self._messenger.install(kind, self._received)

    def __enter__(self) -> Client:
        self._messenger.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.framework_id:
            self.call(type=Call.TEARDOWN)
        self._messenger.stop()

    def _received(self, sender: UPID, message: Message) -> None:
        if isinstance(message, internal.StatusUpdateMessage) and message.update.uuid and message.pid:
            status = message.update.status
            self.call(
                type=Call.ACKNOWLEDGE,
                acknowledge=Call.Acknowledge(
                    slave_id=message.update.slave_id, task_id=status.task_id, uuid=message.update.uuid
                ),
            )
        with self._changed:
            self._inbox.append(message)
            self._changed.notify_all()

    # ---- calls --------------------------------------------------------------------------

    def call(self, **fields: Any) -> None:
        """Send a call of this framework."""
        call = Call(**fields)
        if self.framework_id and not call.HasField("framework_id"):
            call.framework_id.value = self.framework_id
        self._messenger.send(self._master, call)

    def subscribe(self, *, force: bool = False, suppressed: tuple[str, ...] = (), **fields: Any) -> None:
        """Subscribe with the given fields of FrameworkInfo."""
        info = mesos.FrameworkInfo(**{"user": getpass.getuser(), "name": "differential", **fields})
        call = Call(type=Call.SUBSCRIBE)
        call.subscribe.framework_info.CopyFrom(info)
        call.subscribe.force = force
        call.subscribe.suppressed_roles.extend(suppressed)
        if info.id.value:
            call.framework_id.CopyFrom(info.id)
        self._messenger.send(self._master, call)

    def register(self, **fields: Any) -> str:
        """Subscribe, and return the id of the framework."""
        self.subscribe(**fields)
        message = self.take("FrameworkRegisteredMessage")
        self.framework_id = message.framework_id.value
        return self.framework_id

    def accept(self, offers: list[mesos.OfferID], *operations: mesos.Offer.Operation) -> None:
        """Accept offers."""
        self.call(type=Call.ACCEPT, accept=Call.Accept(offer_ids=offers, operations=operations, filters=NOW))

    def launch(self, offer: mesos.Offer, *tasks: mesos.TaskInfo) -> None:
        """Launch tasks on an offer, on its agent unless they name one."""
        operation = mesos.Offer.Operation(type=mesos.Offer.Operation.LAUNCH)
        for task in tasks:
            if not task.slave_id.value:
                task.slave_id.CopyFrom(offer.slave_id)
        operation.launch.task_infos.extend(tasks)
        self.accept([offer.id], operation)

    def reconcile(self, *tasks: tuple[str, str]) -> None:
        """Ask about tasks, each an id and an agent or ''; about all when none is given."""
        call = Call.Reconcile()
        for task, agent in tasks:
            entry = call.tasks.add(task_id=mesos.TaskID(value=task))
            if agent:
                entry.slave_id.value = agent
        self.call(type=Call.RECONCILE, reconcile=call)

    # ---- what comes ------------------------------------------------------------------------

    def take(self, *names: str, where: Any = lambda message: True) -> Any:
        """Return the first message of one of the names, which is taken out; nothing is noted."""

        def find() -> Message | None:
            for index, message in enumerate(self._inbox):
                if message.DESCRIPTOR.name in names and where(message):
                    return self._inbox.pop(index)
            return None

        deadline = time.monotonic() + WAIT
        with self._changed:
            while (found := find()) is None:
                if not self._changed.wait(deadline - time.monotonic()):
                    raise AssertionError(
                        f"{self.site.address}: no {names}; there are {self._inbox}, noted {self.site.lines}"
                    )
        return found

    def expect(self, *names: str) -> Any:
        """Take a message, and note it."""
        message = self.take(*names)
        self._note(message)
        return message

    def status(self, task_id: str) -> mesos.TaskStatus:
        """Take the next status of a task, and note it."""
        message = self.take(
            "StatusUpdateMessage", where=lambda each: each.update.status.task_id.value == task_id
        )
        self._note(message)
        status: mesos.TaskStatus = message.update.status
        return status

    def offers(self) -> internal.ResourceOffersMessage:
        """Take the next offers; those that came and were rescinded before are not seen."""
        message: internal.ResourceOffersMessage = self.take("ResourceOffersMessage")
        return message

    def offer(self) -> mesos.Offer:
        """Take the next offer, one that has at least a processor."""
        while True:
            for offer in self.offers().offers:
                if sum(each.scalar.value for each in offer.resources if each.name == "cpus") >= 1:
                    return offer
                self.decline(offer)

    def decline(self, offer: mesos.Offer, seconds: float = 0) -> None:
        """Give an offer back."""
        filters = mesos.Filters(refuse_seconds=seconds)
        self.call(type=Call.DECLINE, decline=Call.Decline(offer_ids=[offer.id], filters=filters))

    def heard(self) -> list[str]:
        """Give the names of what came and was not taken."""
        with self._changed:
            return [str(each.DESCRIPTOR.name) for each in self._inbox]

    def fence(self, agent: str = "") -> None:
        """Have the master answer, and note all but offers that came before the answer.

        A master that waits for agents it knows answers only about an `agent` that it does not know.
        """
        name = f"fence-{time.monotonic_ns()}"
        self.reconcile((name, agent))
        self.take("StatusUpdateMessage", where=lambda each: each.update.status.task_id.value == name)
        with self._changed:
            others = [each for each in self._inbox if not isinstance(each, internal.ResourceOffersMessage)]
            self._inbox = [each for each in self._inbox if isinstance(each, internal.ResourceOffersMessage)]
        for message in others:
            self._note(message)
        self.site.note("fence")

    def _note(self, message: Message) -> None:
        fields = plain(MessageToDict(message, preserving_proto_field_name=True))
        self.site.note(message.DESCRIPTOR.name, json.dumps(fields, sort_keys=True, ensure_ascii=False))


def note_offer(site: Site, offer: mesos.Offer) -> None:
    """Note what an offer holds."""
    for resource in sorted(
        json.dumps(plain(MessageToDict(each, preserving_proto_field_name=True)), sort_keys=True)
        for each in offer.resources
    ):
        site.note("offered", resource)
