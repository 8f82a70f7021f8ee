"""Record the bytes of a real Mesos: `python interop/record.py [--release 1.11.0]`.

Writes `golden/<release>.jsonl`: for each direction and kind of message one request as it was on the
wire. Master and agent are real, and so is the scheduler, the C++ driver of the same library. Only the
executor of these scenarios is ours, because no package has the C++ one: what it sends is not kept.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

from google.protobuf.message import Message
from mesos_proto import registry
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as messages
from mesos_proto.v0 import scheduler_pb2
from realmesos import golden
from realmesos.build import Build, build
from realmesos.capture import Request, body
from realmesos.process import wait_for
from realmesos.reference import Callback, ReferenceScheduler
from realmesos.releases import LATEST, RELEASES
from realmesos.stage import CREDENTIALS, HandMadeExecutor, Stage

QUICK = mesos.Filters(refuse_seconds=0)
NEVER = mesos.Filters(refuse_seconds=3600)


def framework(**fields: object) -> mesos.FrameworkInfo:
    """Return a framework of that role, principal, id …"""
    return mesos.FrameworkInfo(user="root", name="golden", **fields)  # type: ignore[arg-type]


def scalar(name: str, value: float, role: str = "*") -> mesos.Resource:
    """Return a scalar resource."""
    resource = mesos.Resource(name=name, type=mesos.Value.SCALAR, role=role)
    resource.scalar.value = value
    return resource


def task(offer: mesos.Offer, name: str, command: str = "", executor: str = "") -> mesos.TaskInfo:
    """Return a small task, with a command or for an executor made by hand."""
    info = mesos.TaskInfo(name=name, task_id=mesos.TaskID(value=name), slave_id=offer.slave_id)
    small = [scalar("cpus", 0.1), scalar("mem", 32)]
    info.resources.extend(small)
    if executor:
        info.executor.executor_id.value = info.executor.name = executor
        info.executor.command.value = HandMadeExecutor.COMMAND
        info.executor.resources.extend(small)
    elif command:
        info.command.value = command
    return info


def next_offer(scheduler: ReferenceScheduler) -> mesos.Offer:
    """Take the next offer that is large and was not rescinded."""

    def good(callback: Callback) -> bool:
        offer = mesos.Offer.FromString(callback.arguments[0])
        gone = [each.arguments[0] for each in scheduler.pending if each.name == "offerRescinded"]
        cpus = sum(each.scalar.value for each in offer.resources if each.name == "cpus")
        return cpus > 1 and offer.id.SerializeToString() not in gone

    return mesos.Offer.FromString(scheduler.wait("resourceOffers", good).arguments[0])


def wait_state(scheduler: ReferenceScheduler, *states: int) -> mesos.TaskStatus:
    """Take callbacks until an update has one of the states."""
    found = scheduler.wait(
        "statusUpdate", lambda each: mesos.TaskStatus.FromString(each.arguments[0]).state in states
    )
    return mesos.TaskStatus.FromString(found.arguments[0])


# ---- scenarios -------------------------------------------------------------------


def commands(stage: Stage) -> None:
    """Offers, command tasks, reconciliation, refusals of the master; all authenticated."""
    kinds = [mesos.FrameworkInfo.Capability.TASK_KILLING_STATE]
    info = framework(principal="framework", capabilities=[{"type": kind} for kind in kinds])
    scheduler = stage.scheduler(info, CREDENTIALS["framework"])
    offer = next_offer(scheduler)
    scheduler.call("launch", offer.id, QUICK, task(offer, "killed", "exec sleep 1000"))
    wait_state(scheduler, mesos.TASK_RUNNING)
    scheduler.call("reconcile")
    wait_state(scheduler, mesos.TASK_RUNNING)
    unknown = mesos.TaskStatus(task_id=mesos.TaskID(value="nobody"), state=mesos.TASK_RUNNING)
    scheduler.call("reconcile", unknown)
    wait_state(scheduler, mesos.TASK_LOST)
    scheduler.call("kill", mesos.TaskID(value="killed"))
    wait_state(scheduler, mesos.TASK_KILLED)
    offer = next_offer(scheduler)
    scheduler.call("launch", offer.id, QUICK, task(offer, "failed", "exit 3"))
    wait_state(scheduler, mesos.TASK_FAILED)
    scheduler.call("launch", offer.id, QUICK, task(offer, "late", "true"))
    wait_state(scheduler, mesos.TASK_LOST)
    offer = next_offer(scheduler)
    scheduler.call("launch", offer.id, QUICK, task(offer, "invalid"))
    wait_state(scheduler, mesos.TASK_ERROR)
    scheduler.call("suppress")
    scheduler.call("request", mesos.Request(resources=[scalar("cpus", 1)]))
    scheduler.call("revive")
    offer = next_offer(scheduler)
    scheduler.call("decline", offer.id, QUICK)
    offer = next_offer(scheduler)
    scheduler.call("launch", offer.id, NEVER, task(offer, "finished", "true"))
    wait_state(scheduler, mesos.TASK_FINISHED)
    scheduler.stop()


def executors(stage: Stage) -> None:
    """Everything between an agent and an executor, and the agent's restart under it."""
    scheduler = stage.scheduler(framework(checkpoint=True, failover_timeout=600))
    offer = next_offer(scheduler)
    tasks = [task(offer, name, executor="hand-made") for name in ("one", "two", "three")]
    scheduler.call("launch", offer.id, QUICK, *tasks)
    wait_for("the sandbox", lambda: stage.agent.sandboxes)
    executor = stage.executor(stage.agent.sandboxes[0])
    executor.register()
    executor.wait("RunTaskMessage", 3)
    for number, name in enumerate(("one", "two", "three"), 1):
        executor.update(name, mesos.TASK_RUNNING)
        executor.wait("StatusUpdateAcknowledgementMessage", number)
        wait_state(scheduler, mesos.TASK_RUNNING)
    scheduler.call("message", executor.executor_id, executor.agent_id, b"direct")
    executor.wait("FrameworkToExecutorMessage")
    executor.say(b"answer")
    scheduler.wait("frameworkMessage")
    scheduler.call("kill", mesos.TaskID(value="one"))
    executor.wait("KillTaskMessage")
    executor.update("one", mesos.TASK_KILLED)
    wait_state(scheduler, mesos.TASK_KILLED)
    stage.agent.kill()
    stage.agent.start()
    executor.reregister()
    stage.agent.wait_registered()
    executor.update("two", mesos.TASK_FINISHED)
    wait_state(scheduler, mesos.TASK_FINISHED)
    os.kill(stage.sleeper(), signal.SIGKILL)
    wait_state(scheduler, mesos.TASK_FAILED)
    scheduler.wait("executorLost")
    offer = next_offer(scheduler)
    scheduler.call("launch", offer.id, QUICK, task(offer, "four", executor="shut-down"))
    wait_for("the second sandbox", lambda: len(stage.agent.sandboxes) > 1)
    executor = stage.executor(stage.agent.sandboxes[-1])
    executor.register()
    scheduler.stop()
    executor.wait("ShutdownExecutorMessage")


def operations(stage: Stage) -> None:
    """Reservations, volumes, and a task group."""
    scheduler = stage.scheduler(framework(role="golden", principal="framework"))
    offer = next_offer(scheduler)
    reserved = scalar("disk", 64, "golden")
    reserved.reservation.principal = "framework"
    volume = mesos.Resource.FromString(reserved.SerializeToString())
    volume.disk.persistence.id = "volume"
    volume.disk.persistence.principal = "framework"
    volume.disk.volume.container_path = "data"
    volume.disk.volume.mode = mesos.Volume.RW
    reserve = mesos.Offer.Operation(type=mesos.Offer.Operation.RESERVE)
    reserve.reserve.resources.append(reserved)
    create = mesos.Offer.Operation(type=mesos.Offer.Operation.CREATE)
    create.create.volumes.append(volume)
    scheduler.call("accept", offer.id, QUICK, reserve, create)
    offer = next_offer(scheduler)
    destroy = mesos.Offer.Operation(type=mesos.Offer.Operation.DESTROY)
    destroy.destroy.volumes.append(volume)
    unreserve = mesos.Offer.Operation(type=mesos.Offer.Operation.UNRESERVE)
    unreserve.unreserve.resources.append(reserved)
    scheduler.call("accept", offer.id, QUICK, destroy, unreserve)
    offer = next_offer(scheduler)
    group = mesos.Offer.Operation(type=mesos.Offer.Operation.LAUNCH_GROUP)
    group.launch_group.executor.type = mesos.ExecutorInfo.DEFAULT
    group.launch_group.executor.executor_id.value = "default"
    group.launch_group.executor.framework_id.CopyFrom(offer.framework_id)
    group.launch_group.executor.resources.extend([scalar("cpus", 0.1), scalar("mem", 32), scalar("disk", 32)])
    for name in ("one", "two"):
        group.launch_group.task_group.tasks.append(task(offer, name, "true"))
    scheduler.call("accept", offer.id, QUICK, group)
    for _ in range(2):
        wait_state(scheduler, mesos.TASK_FINISHED)
    scheduler.stop()


def departures(stage: Stage) -> None:
    """Failover, abort, refused authentication, an agent that leaves."""
    first = stage.scheduler(framework(failover_timeout=600))
    framework_id = mesos.FrameworkID.FromString(first.wait("registered").arguments[0])
    second = stage.scheduler(framework(failover_timeout=600, id=framework_id))
    second.wait("registered")
    first.wait("error")
    second.wait("resourceOffers")
    refused = stage.scheduler(framework(principal="framework"), "wrong")
    refused.wait("error")
    process = stage.agent.process
    assert process is not None
    os.kill(process.pid, signal.SIGUSR1)
    second.wait("offerRescinded")
    second.wait("slaveLost")
    second.call("abort")
    second.wait("ended")


def reconnection(stage: Stage) -> None:
    """A framework message by way of the master, and an update sent to a framework that comes back."""
    first = stage.scheduler(framework(failover_timeout=600))
    framework_id = mesos.FrameworkID.FromString(first.wait("registered").arguments[0])
    offer = next_offer(first)
    first.call("launch", offer.id, QUICK, task(offer, "one", executor="hand-made"))
    wait_for("the sandbox", lambda: stage.agent.sandboxes)
    executor = stage.executor(stage.agent.sandboxes[0])
    executor.register()
    executor.wait("RunTaskMessage")
    first.call("failover")
    first.wait("ended")
    second = stage.scheduler(framework(failover_timeout=600, id=framework_id))
    second.wait("registered")
    second.call("message", executor.executor_id, executor.agent_id, b"by way of the master")
    executor.wait("FrameworkToExecutorMessage")
    second.stop()


SCENARIOS: dict[Callable[[Stage], None], bool] = {
    commands: True,
    executors: False,
    operations: False,
    departures: False,
    reconnection: False,
}


# ---- samples ---------------------------------------------------------------------


def detail_of(message: Message) -> str:
    """Return what an example of this message is an example of."""
    name = message.DESCRIPTOR.full_name
    if name == "mesos.scheduler.Call":
        call = scheduler_pb2.Call.FromString(message.SerializeToString())
        kinds = [mesos.Offer.Operation.Type.Name(each.type) for each in call.accept.operations]
        return " ".join([scheduler_pb2.Call.Type.Name(call.type), *kinds])
    if name == "mesos.internal.StatusUpdateMessage":
        update = messages.StatusUpdateMessage.FromString(message.SerializeToString())
        return mesos.TaskState.Name(update.update.status.state)
    return ""


def samples(requests: Iterable[Request]) -> Iterable[golden.Sample]:
    """Turn requests into samples, without those that our own code sent."""
    for request in requests:
        sender = golden.role(request.sender)
        if sender == "executor":
            continue
        detail = detail_of(registry.message_class(request.name).FromString(body(request.data)))
        yield golden.Sample(sender, golden.role(request.recipient), request.name, detail, request.data)


def record(release: Build) -> dict[tuple[str, str, str, str], golden.Sample]:
    """Play every scenario, and return the first sample of each key."""
    found: dict[tuple[str, str, str, str], golden.Sample] = {}
    with tempfile.TemporaryDirectory(prefix="golden.") as name:
        for scenario, guarded in SCENARIOS.items():
            with ExitStack() as stack:
                stage = Stage(release, Path(name) / scenario.__name__, stack, guarded=guarded)
                try:
                    scenario(stage)
                finally:
                    stage.settle()
                for sample in samples(stage.requests()):
                    found.setdefault(sample.key, sample)
            print(f"{scenario.__name__}: {len(found)} kinds so far", flush=True)
    return found


def main() -> int:
    """Record one release."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--release", choices=sorted(RELEASES), default=LATEST.version)
    version: str = parser.parse_args().release
    found = record(build(RELEASES[version]))
    golden.save(version, found.values())
    print(f"{golden.path(version)}: {len(found)} samples")
    return 0


if __name__ == "__main__":
    sys.exit(main())
