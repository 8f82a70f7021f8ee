"""Frameworks: subscription, failover, disconnection, removal.

Mirrors `Master::_subscribe`, `Master::disconnect` and `Master::removeFramework` of upstream's
src/master/master.cpp; which reply answers which kind of subscription is the part clients depend on.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as scheduler

from .._wire import NO_PROCESS, StreamClose, StreamSend
from . import allocator, http_events, offers, operator_events, tasks, validation
from .state import MAX_COMPLETED_FRAMEWORKS, Framework, FrameworkState, Master

__all__ = [
    "Peer",
    "deactivate",
    "disconnect",
    "heartbeat",
    "recover",
    "remove",
    "subscribe",
    "teardown_timed_out",
    "update",
]

log = logging.getLogger("mesos.local.master")


@dataclass(frozen=True, slots=True)
class Peer:
    """Where a framework can be reached: a process (`pid`) or an HTTP event stream (`stream`)."""

    pid: str = ""
    stream: str = ""
    principal: str = ""


def subscribe(
    master: Master,
    peer: Peer,
    info: mesos.FrameworkInfo,
    *,
    force: bool = False,
    suppressed: Iterable[str] = (),
    constraints: scheduler.OfferConstraints | None = None,
) -> None:
    """Register a framework, or take it back; answer with registered, reregistered or an error."""
    suppressed = set(suppressed)
    error = validation.framework(master, info, suppressed) or validation.authentication(master, peer, info)
    if error:
        log.info("Refusing subscription of framework '%s' at %s: %s", info.name, peer.pid or "HTTP", error)
        refuse(master, peer, error)
        return
    principal = peer.principal or master.authenticated.get(peer.pid, "")
    if principal and not info.principal:
        info.principal = principal
    if info.id.value:
        _subscribe_again(master, peer, info, force, suppressed, constraints)
    else:
        _subscribe_first(master, peer, info, suppressed, constraints)


def refuse(master: Master, peer: Peer, text: str) -> None:
    """Tell a peer that is not (or no longer) a framework of ours why; ends an HTTP stream."""
    message = internal.FrameworkErrorMessage(message=text)
    master.tell(_messenger_of(peer), message)
    if peer.stream:
        master.commands.append(StreamClose(peer.stream))


def _messenger_of(peer: Peer) -> Framework:
    return Framework(
        mesos.FrameworkInfo(), FrameworkState.DISCONNECTED, 0.0, pid=peer.pid, stream=peer.stream
    )


def _registered(master: Master, framework: Framework, *, again: bool = False) -> None:
    kind = internal.FrameworkReregisteredMessage if again else internal.FrameworkRegisteredMessage
    master.tell(framework, kind(framework_id=framework.info.id, master_info=master.info))
    if framework.stream:
        heartbeat(master, framework.stream)


def heartbeat(master: Master, stream: str) -> None:
    """Show a framework on HTTP that the master lives, now and in regular intervals."""
    if any(framework.stream == stream and framework.connected for framework in master.frameworks.values()):
        master.commands.append(StreamSend(stream, http_events.heartbeat()))
        master.set_timer(("heartbeat", stream), http_events.HEARTBEAT_INTERVAL)


def _subscribe_first(
    master: Master,
    peer: Peer,
    info: mesos.FrameworkInfo,
    suppressed: set[str],
    constraints: scheduler.OfferConstraints | None,
) -> None:
    if peer.pid:
        for known in master.frameworks_by_pid(peer.pid):
            _registered(master, known)
            return
    framework_info = mesos.FrameworkInfo()
    framework_info.CopyFrom(info)
    framework_info.id.value = master.new_id("framework")
    framework = Framework(framework_info, FrameworkState.ACTIVE, master.now, suppressed=suppressed)
    if constraints is not None:
        framework.constraints.CopyFrom(constraints)
    master.frameworks[framework.id] = framework
    _connect(master, framework, peer)
    _registered(master, framework)
    operator_events.framework_added(master, framework)
    log.info("Registered framework %s (%s)", framework.id, info.name)
    master.want_allocation()


def _subscribe_again(
    master: Master,
    peer: Peer,
    info: mesos.FrameworkInfo,
    force: bool,
    suppressed: set[str],
    constraints: scheduler.OfferConstraints | None,
) -> None:
    if peer.pid and any(known.id != info.id.value for known in master.frameworks_by_pid(peer.pid)):
        log.warning("Dropping subscription of %s: another framework is at %s", info.id.value, peer.pid)
        return
    framework = master.frameworks.get(info.id.value)
    if framework is None:
        framework = recover(master, info)
    error = validation.framework_change(framework.info, info)
    if error:
        refuse(master, peer, error)
        return
    same_pid = bool(peer.pid) and framework.pid == peer.pid
    recovered = framework.state is FrameworkState.RECOVERED
    if peer.pid and not (force or recovered or same_pid):
        refuse(master, peer, "Framework failed over")
        return
    _apply_info(master, framework, info, suppressed, constraints)
    if recovered:
        framework.registered_time = master.now
        _connect(master, framework, peer)
        _registered(master, framework)
    elif peer.stream or force:
        _fail_over(master, framework, peer)
    else:
        offers.rescind_all(master, framework.offers)
        framework.reregistered_time = master.now
        _connect(master, framework, peer)
        _registered(master, framework, again=True)
    _tell_agents(master, framework)
    master.want_allocation()


def recover(master: Master, info: mesos.FrameworkInfo) -> Framework:
    """Enter a framework that an earlier master knew."""
    framework = Framework(info, FrameworkState.RECOVERED, master.now)
    master.frameworks[framework.id] = framework
    operator_events.framework_added(master, framework)
    return framework


def _fail_over(master: Master, framework: Framework, peer: Peer) -> None:
    """Hand the framework to a new instance of its scheduler: what was offered to the old one is void."""
    offers.discard_all(master, framework.offers)
    if framework.connected and (framework.stream or framework.pid != peer.pid):
        refuse(master, Peer(framework.pid, framework.stream), "Framework failed over")
        master.authenticated.pop(framework.pid, None)
    framework.reregistered_time = master.now
    _connect(master, framework, peer)
    _registered(master, framework)


def _connect(master: Master, framework: Framework, peer: Peer) -> None:
    framework.pid = peer.pid
    framework.stream = peer.stream
    framework.principal = peer.principal or master.authenticated.get(peer.pid, "")
    framework.state = FrameworkState.ACTIVE
    master.cancel_timer(("failover", framework.id))
    if peer.pid:
        master.link(peer.pid, reconnect=True)


def _apply_info(
    master: Master,
    framework: Framework,
    info: mesos.FrameworkInfo,
    suppressed: Collection[str],
    constraints: scheduler.OfferConstraints | None,
) -> None:
    """Take over what a framework may change about itself; `user` and `checkpoint` stay as they were."""
    changed = mesos.FrameworkInfo()
    changed.CopyFrom(info)
    changed.user = framework.info.user
    changed.checkpoint = framework.info.checkpoint
    framework.info = changed
    framework.suppressed = set(suppressed)
    framework.constraints.Clear()
    if constraints is not None:
        framework.constraints.CopyFrom(constraints)
    gone = [offer for offer in framework.offers if master.offers[offer].role not in framework.roles]
    offers.rescind_all(master, gone)


def _tell_agents(master: Master, framework: Framework) -> None:
    """Broadcast where the framework is now, so that its executors' messages reach it."""
    operator_events.framework_updated(master, framework)
    for agent in master.agents.values():
        master.send(
            agent.pid,
            internal.UpdateFrameworkMessage(
                framework_id=framework.info.id,
                pid=framework.pid or NO_PROCESS,
                framework_info=framework.info,
            ),
        )


def update(
    master: Master,
    framework: Framework,
    info: mesos.FrameworkInfo,
    suppressed: Iterable[str],
    constraints: scheduler.OfferConstraints | None,
) -> str | None:
    """Apply an UPDATE_FRAMEWORK call; give the reason when it cannot be."""
    suppressed = set(suppressed)
    error = validation.framework(master, info, suppressed)
    error = error or validation.framework_change(framework.info, info)
    if error:
        return error
    _apply_info(master, framework, info, suppressed, constraints)
    _tell_agents(master, framework)
    master.want_allocation()
    return None


def deactivate(master: Master, framework: Framework) -> None:
    """Stop offering to a framework that stays connected (its driver was aborted)."""
    offers.rescind_all(master, framework.offers)
    if framework.connected:
        framework.state = FrameworkState.INACTIVE
    master.want_allocation()


def disconnect(master: Master, framework: Framework) -> None:
    """Note that a framework's link or stream broke, and start its failover timer."""
    if not framework.connected:
        return
    log.info("Framework %s disconnected", framework.id)
    if framework.pid:
        master.tell(framework, internal.FrameworkErrorMessage(message="Framework disconnected"))
    offers.rescind_all(master, framework.offers)
    framework.state = FrameworkState.DISCONNECTED
    if framework.stream:
        master.commands.append(StreamClose(framework.stream))
    master.authenticated.pop(framework.pid, None)
    master.set_timer(("failover", framework.id), max(0.0, framework.info.failover_timeout))
    master.want_allocation()


def teardown_timed_out(master: Master, framework_id: str) -> None:
    """Remove a framework that did not come back within its failover timeout."""
    framework = master.frameworks.get(framework_id)
    if framework is not None and not framework.connected:
        log.info("Framework %s did not come back in time", framework_id)
        remove(master, framework)


def remove(master: Master, framework: Framework) -> None:
    """Take a framework out for good: its executors are shut down, its id is never accepted again."""
    was_connected = framework.connected
    offers.discard_all(master, framework.offers)
    for agent in master.agents.values():
        master.send(agent.pid, internal.ShutdownFrameworkMessage(framework_id=framework.info.id))
        for key in [key for key in agent.executors if key[0] == framework.id]:
            tasks.remove_executor(master, agent, key)
    for task in list(framework.tasks.values()):
        if not task.terminal:
            reason, text = mesos.TaskStatus.REASON_FRAMEWORK_REMOVED, f"Framework {framework.id} removed"
            tasks.finish_silently(master, framework, task, mesos.TASK_KILLED, reason, text)
        tasks.complete(master, framework, task)
    if was_connected and framework.stream:
        master.commands.append(StreamClose(framework.stream))
    framework.state = FrameworkState.DISCONNECTED
    framework.unregistered_time = master.now
    master.cancel_timer(("failover", framework.id))
    master.authenticated.pop(framework.pid, None)
    allocator.forget_framework(master, framework.id)
    del master.frameworks[framework.id]
    master.completed_frameworks[framework.id] = framework
    while len(master.completed_frameworks) > MAX_COMPLETED_FRAMEWORKS:
        master.completed_frameworks.popitem(last=False)
    operator_events.framework_removed(master, framework)
    log.info("Removed framework %s", framework.id)
    master.want_allocation()
