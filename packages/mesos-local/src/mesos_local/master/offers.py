"""Offers: making, rescinding, discarding, declining, accepting."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from mesos_proto.resources import Resources
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal

from .. import _forms
from . import allocator, feedback, operations, tasks, validation
from .state import Agent, Framework, Master, OfferRecord

__all__ = ["accept", "decline", "discard_all", "message", "offer", "rescind_all", "timed_out", "unadapted"]

log = logging.getLogger("mesos.local.master")


def offer(master: Master, grants: Iterable[allocator.Grant]) -> None:
    """Make offers of what was granted, and send each framework all of its own at once."""
    batches: dict[str, internal.ResourceOffersMessage] = {}
    for framework, agent, role, resources in grants:
        record = OfferRecord(master.new_id("offer"), framework.id, agent.id, role, resources)
        master.offers[record.id] = record
        framework.offers.add(record.id)
        agent.offers.add(record.id)
        batch = batches.setdefault(framework.id, internal.ResourceOffersMessage())
        batch.offers.append(message(master, record))
        batch.pids.append(agent.pid)
        if master.settings.offer_timeout is not None:
            master.set_timer(("offer", record.id), master.settings.offer_timeout)
    for framework_id, batch in batches.items():
        master.tell(master.frameworks[framework_id], batch)


def message(master: Master, record: OfferRecord) -> mesos.Offer:
    """Write an offer the way its framework understands."""
    framework = master.frameworks[record.framework_id]
    result = unadapted(master, record)
    multi_role = framework.has(mesos.FrameworkInfo.Capability.MULTI_ROLE)
    if not multi_role:
        result.ClearField("allocation_info")
    del result.resources[:]
    result.resources.extend(
        _forms.wire(
            record.resources,
            role=record.role if multi_role else None,
            refined=framework.has(mesos.FrameworkInfo.Capability.RESERVATION_REFINEMENT),
        )
    )
    return result


def unadapted(master: Master, record: OfferRecord) -> mesos.Offer:
    """Write an offer as the master itself holds it."""
    framework = master.frameworks[record.framework_id]
    agent = master.agents[record.agent_id]
    result = mesos.Offer(
        id=mesos.OfferID(value=record.id),
        framework_id=framework.info.id,
        slave_id=agent.info.id,
        hostname=agent.info.hostname,
        url=agent_url(agent),
        attributes=agent.info.attributes,
        executor_ids=[info.executor_id for key, info in agent.executors.items() if key[0] == framework.id],
        resources=_forms.wire(record.resources, role=record.role),
    )
    result.allocation_info.role = record.role
    if agent.info.HasField("domain"):
        result.domain.CopyFrom(agent.info.domain)
    return result


def agent_url(agent: Agent) -> mesos.URL:
    """Give the address of an agent as offers tell it."""
    process, _, address = agent.pid.partition("@")
    ip, _, port = address.rpartition(":")
    url = mesos.URL(scheme="http", path=f"/{process}")
    url.address.hostname = agent.info.hostname
    url.address.ip = ip
    url.address.port = int(port)
    return url


def _remove(master: Master, offer_id: str) -> OfferRecord | None:
    record = master.offers.pop(offer_id, None)
    if record is None:
        return None
    if record.framework_id in master.frameworks:
        master.frameworks[record.framework_id].offers.discard(offer_id)
    if record.agent_id in master.agents:
        master.agents[record.agent_id].offers.discard(offer_id)
    if master.settings.offer_timeout is not None:
        master.cancel_timer(("offer", offer_id))
    return record


def _discard(master: Master, offer_id: str, refuse_seconds: float | None = None) -> OfferRecord | None:
    record = _remove(master, offer_id)
    if record is not None:
        allocator.recover(
            master, record.framework_id, record.role, record.agent_id, record.resources, refuse_seconds
        )
    return record


def discard_all(master: Master, offer_ids: Iterable[str]) -> None:
    """Void offers without a word to the framework."""
    for offer_id in list(offer_ids):
        _discard(master, offer_id)


def rescind_all(master: Master, offer_ids: Iterable[str], refuse_seconds: float | None = None) -> None:
    """Void offers and say so to the framework; it is not offered the same for `refuse_seconds`."""
    for offer_id in list(offer_ids):
        record = _discard(master, offer_id, refuse_seconds)
        framework = record and master.frameworks.get(record.framework_id)
        if framework:
            rescind = internal.RescindResourceOfferMessage(offer_id=mesos.OfferID(value=offer_id))
            master.tell(framework, rescind)


def timed_out(master: Master, offer_id: str) -> None:
    """Rescind an offer that was neither used nor declined in time."""
    rescind_all(master, [offer_id])


def decline(master: Master, framework: Framework, offer_ids: Iterable[str], refuse_seconds: float) -> None:
    """Take declined offers back; those the framework does not hold are ignored."""
    for offer_id in offer_ids:
        if offer_id in framework.offers:
            _discard(master, offer_id, refuse_seconds)
        else:
            log.warning("Ignoring decline of offer %s: it is no longer valid", offer_id)


def accept(
    master: Master,
    framework: Framework,
    offer_ids: list[str],
    wanted: Iterable[mesos.Offer.Operation],
    refuse_seconds: float,
) -> None:
    """Apply operations, one after the other, to what was offered; the rest counts as declined."""
    wanted = list(wanted)
    error = validation.offers(master, framework, offer_ids)
    if error:
        log.warning("ACCEPT of framework %s is invalid: %s", framework.id, error)
        discard_all(master, [each for each in offer_ids if each in framework.offers])
        _refuse_tasks(
            master,
            framework,
            wanted,
            mesos.TaskStatus.REASON_INVALID_OFFERS,
            f"Task launched with invalid offers: {error}",
        )
        return
    records = [record for each in offer_ids if (record := _remove(master, each)) is not None]
    first = records[0]
    pool = Resources([])
    for record in records:
        pool = pool + record.resources
    agent = master.agents.get(first.agent_id)
    if agent is None or not agent.connected:
        reason = (
            mesos.TaskStatus.REASON_SLAVE_REMOVED
            if agent is None
            else mesos.TaskStatus.REASON_SLAVE_DISCONNECTED
        )
        words = "Agent removed" if agent is None else "Agent disconnected"
        _refuse_tasks(master, framework, wanted, reason, words)
    else:
        accepted = operations.Accepted(master, framework, agent, first.role, pool, rescind_all)
        try:
            for operation in wanted:
                accepted.apply(operation)
        finally:
            pool = accepted.pool
            allocator.recover(master, framework.id, first.role, first.agent_id, pool, refuse_seconds)
        return
    allocator.recover(master, framework.id, first.role, first.agent_id, pool, refuse_seconds)


def _refuse_tasks(
    master: Master,
    framework: Framework,
    wanted: Iterable[mesos.Offer.Operation],
    reason: mesos.TaskStatus.Reason.ValueType,
    text: str,
) -> None:
    """Answer each task of an ACCEPT that cannot be honoured."""
    for operation in wanted:
        feedback.drop(master, framework, operation, text.replace("Task launched", "Operation attempted"))
        infos = [*operation.launch.task_infos, *operation.launch_group.task_group.tasks]
        for info in infos:
            tasks.tell_about(
                master,
                framework,
                info.task_id,
                info.slave_id,
                framework.lost_state(mesos.TASK_DROPPED),
                reason,
                text,
            )
