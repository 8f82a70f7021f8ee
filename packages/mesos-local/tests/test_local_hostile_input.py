"""What nobody should send: it is answered or dropped, and the books still balance."""

from __future__ import annotations

import random
import socket
import urllib.request

import pytest
from local_helpers import AGENT, EXECUTOR, MASTER, SCHEDULER, Wire, task_info
from mesos_local import LocalCluster
from mesos_proto.resources import Resources
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as scheduler

AMOUNTS = (0.0, -1.0, 0.0001, 1.0, 4.0, 1e9, float("nan"), float("inf"), -float("inf"))


def odd_resource(rng: random.Random) -> mesos.Resource:
    """Make a resource that is often wrong in some way."""
    resource = mesos.Resource(
        name=rng.choice(["cpus", "mem", "ports", "gpus", "", "x y"]),
        type=rng.choice([mesos.Value.SCALAR, mesos.Value.RANGES, mesos.Value.SET, mesos.Value.TEXT]),
    )
    if rng.random() < 0.8:
        resource.scalar.value = rng.choice(AMOUNTS)
    if rng.random() < 0.3:
        resource.ranges.range.add(begin=rng.randrange(40000), end=rng.randrange(40000))
    if rng.random() < 0.2:
        resource.role = rng.choice(["*", "ops", "", "a b"])
    if rng.random() < 0.1:
        resource.reservations.add(type=rng.choice([0, 1, 2]), role=rng.choice(["*", "ops", ""]))
    if rng.random() < 0.1:
        resource.disk.persistence.id = "x"
    if rng.random() < 0.1:
        resource.allocation_info.role = rng.choice(["*", "ops"])
    return resource


def odd_operation(rng: random.Random, offer: mesos.Offer, number: int) -> mesos.Offer.Operation:
    """Make an operation with such resources."""
    kind = rng.choice(["LAUNCH", "RESERVE", "UNRESERVE", "CREATE", "DESTROY", "GROW_VOLUME", "SHRINK_VOLUME"])
    operation = mesos.Offer.Operation(type=mesos.Offer.Operation.Type.Value(kind))
    resources = [odd_resource(rng) for _ in range(rng.randrange(3))]
    if kind == "LAUNCH":
        task = task_info(offer, f"task-{number}", executor=rng.choice(["default", None]))
        if rng.random() < 0.7:
            task.ClearField("resources")
            task.resources.extend(resources)
        if task.HasField("executor") and rng.random() < 0.5:
            task.executor.resources.extend(resources)
        operation.launch.task_infos.append(task)
    elif kind in ("RESERVE", "UNRESERVE"):
        getattr(operation, kind.lower()).resources.extend(resources)
    elif kind in ("CREATE", "DESTROY"):
        getattr(operation, kind.lower()).volumes.extend(resources)
    else:
        change = operation.grow_volume if kind == "GROW_VOLUME" else operation.shrink_volume
        change.volume.CopyFrom(odd_resource(rng))
        if kind == "GROW_VOLUME":
            operation.grow_volume.addition.CopyFrom(odd_resource(rng))
        else:
            operation.shrink_volume.subtract.value = rng.choice(AMOUNTS)
    return operation


@pytest.mark.parametrize("seed", range(20))
def test_the_books_balance_whatever_is_accepted(seed: int) -> None:
    rng = random.Random(seed)
    wire = Wire()
    framework_id = wire.registered()
    (agent,) = wire.master.state.agents.values()
    total = agent.total.quantities()
    launched: set[str] = set()
    for number in range(15):
        wire.advance(1.0)
        offers = wire.offers()
        if not offers:
            continue
        operations = [odd_operation(rng, offers[0], 10 * number + each) for each in range(rng.randrange(4))]
        launched |= {task.task_id.value for each in operations for task in each.launch.task_infos}
        accept = scheduler.Call.Accept(offer_ids=[offers[0].id], operations=operations)
        accept.filters.refuse_seconds = rng.choice(AMOUNTS[:4])
        if accept.IsInitialized():
            wire.call(framework_id, scheduler.Call.ACCEPT, accept=accept)
        held = Resources.sum(agent.allocated.values())
        assert (held + agent.available).quantities() == agent.total.quantities() == total
    answered = {each.task_id.value for each in wire.statuses()}
    known = set(wire.master.state.frameworks[framework_id.value].tasks)
    assert launched == answered | known


@pytest.mark.parametrize(
    "message",
    [
        internal.RegisterSlaveMessage(slave=mesos.SlaveInfo(hostname="x"), version="0.28.0"),
        internal.RegisterSlaveMessage(slave=mesos.SlaveInfo(hostname="x"), version="new"),
        internal.RegisterSlaveMessage(
            slave=mesos.SlaveInfo(hostname="x", resources=[mesos.Resource(name="", type=mesos.Value.SCALAR)]),
            version="1.11.0",
        ),
        internal.StatusUpdateMessage(
            update=internal.StatusUpdate(
                framework_id=mesos.FrameworkID(value="f"),
                slave_id=mesos.SlaveID(value="s"),
                status=mesos.TaskStatus(task_id=mesos.TaskID(value="t"), state=mesos.TASK_RUNNING),
                timestamp=0,
                uuid=b"short",
            )
        ),
        internal.ExitedExecutorMessage(
            slave_id=mesos.SlaveID(value="s"),
            framework_id=mesos.FrameworkID(value="f"),
            executor_id=mesos.ExecutorID(value="e"),
            status=0,
        ),
        internal.UnregisterSlaveMessage(slave_id=mesos.SlaveID(value="s")),
        internal.UnregisterFrameworkMessage(framework_id=mesos.FrameworkID(value="f")),
        internal.UpdateSlaveMessage(slave_id=mesos.SlaveID(value="s")),
        internal.PongSlaveMessage(),
        scheduler.Call(type=scheduler.Call.ACCEPT),
        scheduler.Call(),
    ],
)
def test_messages_from_nowhere_change_nothing(message: object) -> None:
    wire = Wire()
    framework_id = wire.registered()
    wire.heard.clear()
    wire.send("stranger@127.0.0.1:1", MASTER, message)  # type: ignore[type-var]
    assert not wire.heard.get("stranger@127.0.0.1:1")
    assert not wire.heard.get(SCHEDULER)
    assert list(wire.master.state.frameworks) == [framework_id.value]
    assert len(wire.master.state.agents) == 1


def test_only_the_master_may_command_an_agent() -> None:
    wire = Wire()
    framework_id = wire.registered()
    (offer,) = wire.offers()
    wire.accept(framework_id, [offer], [task_info(offer)])
    wire.start_executor()
    wire.heard.clear()
    kill = internal.KillTaskMessage(framework_id=framework_id, task_id=mesos.TaskID(value="task"))
    shutdown = internal.ShutdownFrameworkMessage(framework_id=framework_id)
    leave = internal.ShutdownMessage(message="go")
    for message in (kill, shutdown, leave, internal.CheckpointResourcesMessage()):
        wire.send("stranger@127.0.0.1:1", AGENT, message)
    assert not wire.heard.get(EXECUTOR)
    assert framework_id.value in wire.agent.state.frameworks


def test_garbage_on_the_port_stops_nobody(cluster: LocalCluster) -> None:
    rng = random.Random(1)
    for part in (cluster.master, cluster.agents[0]):
        ip, _, port = part.pid.partition("@")[2].rpartition(":")
        pieces = [
            rng.randbytes(2000),
            b"POST /master/mesos.scheduler.Call HTTP/1.1\r\nLibprocess-From: x@1.2.3.4:5\r\n\r\n",
            b"POST /master/x HTTP/1.1\r\nContent-Length: 5\r\nLibprocess-From: a@b:1\r\n\r\n\xff\xff",
            b"GET /" + b"a" * 200_000,
            b"GET /files/read?path=" + b"../" * 500 + b"etc/passwd HTTP/1.1\r\n\r\n",
        ]
        for piece in pieces:
            with socket.create_connection((ip, int(port)), 10) as connection:
                connection.sendall(piece)
        with urllib.request.urlopen(f"http://{ip}:{port}/state", timeout=10) as response:
            assert response.status == 200
