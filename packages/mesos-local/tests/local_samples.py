"""A cluster in which something goes on, and a full sample of what is said to master and agent in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeAlias

from google.protobuf.message import Message
from local_helpers import AGENT, EXECUTOR, SCHEDULER, Wire, framework_info, task_info
from mesos_local.agent import metrics as agent_metrics
from mesos_local.agent import views as agent_views
from mesos_local.config import parse_resources
from mesos_local.master import views as master_views
from mesos_messenger.mutations import as_handled, mutations
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as scheduler

UUID = b"\x00\x01\x02\x03\x04\x05\x46\x07\x88" + bytes(7)
Call = scheduler.Call
Operation = mesos.Offer.Operation


class Running(Wire):
    """A cluster in which a task runs and an offer is out."""

    def __init__(self) -> None:
        super().__init__(agents=0)
        self.add_agent(AGENT, resources=parse_resources("cpus:4;mem:1024;disk:64;ports:[31000-31009]"))
        self.framework_id = self.registered(checkpoint=True, failover_timeout=60.0)
        (offer,) = self.offers()
        self.accept(self.framework_id, [offer], [task_info(offer)], refuse=0.0)
        self.launch = self.start_executor()
        self.update(self.launch, "task", mesos.TASK_RUNNING)
        self.advance(1.0)
        (self.offer,) = self.offers()
        (status,) = self.statuses()
        self.status = status
        self.executor_id = mesos.ExecutorID(value="default")
        self.agent_id = offer.slave_id
        self.task_id = mesos.TaskID(value="task")
        self.heard.clear()

    def look(self, turn: int) -> None:
        """Show a third of what is shown over HTTP, each time another."""
        master, agent = self.master.state, self.agent.state
        views: tuple[Callable[[], object], ...] = (
            lambda: master_views.state(master, {}),
            lambda: master_views.state_summary(master),
            lambda: agent_views.state(agent, {}),
            lambda: master_views.slaves(master),
            lambda: master_views.tasks(master, {}),
            lambda: master_views.roles(master),
            lambda: master_views.metrics(master),
            lambda: agent_metrics.metrics(agent),
            lambda: master_views.frameworks(master),
        )
        for view in views[turn % 3 :: 3]:
            json.dumps(view()).encode()

    def still_works(self) -> None:
        """A framework can register, and gets an offer or at least an answer."""
        self.heard.pop("later@127.0.0.1:6001", None)
        self.subscribe("later@127.0.0.1:6001", name="later")
        assert self.take("later@127.0.0.1:6001", internal.FrameworkRegisteredMessage)


Sample: TypeAlias = Callable[[Running], Message]


def survives(name: str, sender: str, to: str, make: Sample) -> None:
    """Send a sample with one field hostile at a time: nothing raises, and all goes on."""
    fresh = Running()
    sample = make(fresh)
    count, wire = 0, fresh
    for what, body in mutations(sample):
        message = as_handled(type(sample), body)
        if message is None:
            continue
        if count % 4 == 0:
            wire = Running()
        count += 1
        try:
            wire.send(sender, to, message)
            wire.advance(1.0)
            wire.look(count)
            wire.still_works()
        except Exception as error:
            raise AssertionError(f"{name}, {what}: {type(error).__name__}: {error}") from error
    assert count


def full_task(wire: Running) -> mesos.TaskInfo:
    """A task with what schedulers put into one."""
    task = task_info(wire.offer, "new", "cpus:0.1;mem:16", executor=None)
    task.command.environment.variables.add(name="N", value="V")
    task.command.uris.add(value="http://127.0.0.1:1/x", output_file="x")
    task.command.user = "nobody"
    task.command.arguments.append("a")
    task.labels.labels.add(key="k", value="v")
    task.discovery.visibility, task.discovery.name = mesos.DiscoveryInfo.CLUSTER, "d"
    task.health_check.command.value = "true"
    task.kill_policy.grace_period.nanoseconds = 1
    task.data = b"data"
    return task


def executor_task(wire: Running) -> mesos.TaskInfo:
    """A task with an executor of its own."""
    task = task_info(wire.offer, "new", "cpus:0.1;mem:16", executor="own")
    info = task.executor
    info.framework_id.CopyFrom(wire.framework_id)
    info.name, info.source, info.data = "n", "s", b"d"
    info.resources.add(name="cpus", type=mesos.Value.SCALAR).scalar.value = 0.1
    info.labels.labels.add(key="k", value="v")
    return task


def call(kind: str, wire: Running, **members: Message) -> Call:
    """A scheduler's call."""
    return Call(framework_id=wire.framework_id, type=Call.Type.Value(kind), **members)  # type: ignore[arg-type]


def accept(wire: Running, *operations: Operation) -> Call:
    """The call that accepts the offer."""
    part = Call.Accept(offer_ids=[wire.offer.id], operations=operations)
    part.filters.refuse_seconds = 5.0
    return call("ACCEPT", wire, accept=part)


def launch(task: mesos.TaskInfo) -> Operation:
    """The operation that launches a task."""
    return Operation(type=Operation.LAUNCH, launch=Operation.Launch(task_infos=[task]))


def reserved(role: str) -> list[mesos.Resource]:
    """A reservation."""
    resource = mesos.Resource(name="cpus", type=mesos.Value.SCALAR)
    resource.scalar.value = 1.0
    reservation = resource.reservations.add(type=mesos.Resource.ReservationInfo.DYNAMIC, role=role)
    reservation.principal = "p"
    reservation.labels.labels.add(key="k", value="v")
    return [resource]


def volume() -> mesos.Resource:
    """A persistent volume."""
    (made,) = reserved("ops")
    made.name = "disk"
    made.disk.persistence.id = "data"
    made.disk.volume.container_path, made.disk.volume.mode = "data", mesos.Volume.RW
    return made


def reserve() -> Operation:
    """The operation that reserves."""
    return Operation(type=Operation.RESERVE, reserve=Operation.Reserve(resources=reserved("*")))


def subscribe(wire: Running, *, again: bool) -> Call:
    """The call that subscribes."""
    info = framework_info(
        name="other",
        hostname="h",
        webui_url="u",
        principal="p",
        capabilities=["MULTI_ROLE"],
        roles=["a", "b"],
    )
    info.labels.labels.add(key="k", value="v")
    made = Call(type=Call.SUBSCRIBE)
    if again:
        info = framework_info(id=wire.framework_id, checkpoint=True, failover_timeout=60.0)
        made.framework_id.CopyFrom(wire.framework_id)
    made.subscribe.framework_info.CopyFrom(info)
    made.subscribe.suppressed_roles.extend(["b"] if not again else [])
    return made


def update(wire: Running) -> internal.StatusUpdateMessage:
    """A status update with what executors put into one."""
    status = mesos.TaskStatus(task_id=wire.task_id, state=mesos.TASK_FINISHED, slave_id=wire.agent_id)
    status.message, status.source, status.data = "m", mesos.TaskStatus.SOURCE_EXECUTOR, b"d"
    status.reason, status.healthy, status.timestamp, status.uuid = 0, True, 5.0, UUID
    status.executor_id.CopyFrom(wire.executor_id)
    status.labels.labels.add(key="k", value="v")
    status.container_status.network_infos.add().ip_addresses.add(ip_address="10.0.0.1")
    made = internal.StatusUpdate(
        framework_id=wire.framework_id,
        executor_id=wire.executor_id,
        slave_id=wire.agent_id,
        status=status,
        timestamp=5.0,
        uuid=UUID,
        latest_state=mesos.TASK_FINISHED,
    )
    return internal.StatusUpdateMessage(update=made, pid=EXECUTOR)


def agent_info(wire: Running, *, known: bool) -> mesos.SlaveInfo:
    """What an agent says of itself."""
    info = mesos.SlaveInfo(hostname="h", port=5051, checkpoint=True)
    info.resources.add(name="cpus", type=mesos.Value.SCALAR, role="*").scalar.value = 1.0
    info.resources.add(name="ports", type=mesos.Value.RANGES).ranges.range.add(begin=1, end=2)
    info.attributes.add(name="rack", type=mesos.Value.TEXT).text.value = "r"
    info.attributes.add(name="a", type=mesos.Value.SCALAR).scalar.value = 1.0
    info.attributes.add(name="s", type=mesos.Value.SET).set.item.append("x")
    info.domain.fault_domain.region.name = "r"
    info.domain.fault_domain.zone.name = "z"
    if known:
        info.id.CopyFrom(wire.agent_id)
    return info


def reregister_agent(wire: Running) -> internal.ReregisterSlaveMessage:
    """What an agent says to a master that it knows."""
    made = internal.ReregisterSlaveMessage(slave=agent_info(wire, known=True), version="1.11.0")
    made.frameworks.append(framework_info(id=wire.framework_id))
    made.executor_infos.append(executor_task(wire).executor)
    task = made.tasks.add(name="n", state=mesos.TASK_RUNNING)
    task.task_id.CopyFrom(wire.task_id)
    task.framework_id.CopyFrom(wire.framework_id)
    task.slave_id.CopyFrom(wire.agent_id)
    task.executor_id.CopyFrom(wire.executor_id)
    task.statuses.add(state=mesos.TASK_RUNNING).task_id.CopyFrom(wire.task_id)
    return made


def reregister_executor(wire: Running) -> internal.ReregisterExecutorMessage:
    """What an executor says to an agent that came back."""
    made = internal.ReregisterExecutorMessage(executor_id=wire.executor_id, framework_id=wire.framework_id)
    made.tasks.append(task_info(wire.offer))
    made.updates.append(update(wire).update)
    return made


def run_task(wire: Running) -> internal.RunTaskMessage:
    """What a master asks an agent to run."""
    return internal.RunTaskMessage(
        framework_id=wire.framework_id,
        framework=framework_info(id=wire.framework_id, checkpoint=True),
        pid=SCHEDULER,
        task=full_task(wire),
    )


def group(wire: Running) -> mesos.Offer.Operation.LaunchGroup:
    """A group of tasks on a default executor."""
    made = mesos.Offer.Operation.LaunchGroup()
    executor = made.executor
    executor.type, executor.executor_id.value = mesos.ExecutorInfo.DEFAULT, "pod"
    executor.framework_id.CopyFrom(wire.framework_id)
    executor.resources.extend(parse_resources("cpus:0.1;mem:32;disk:10"))
    task = made.task_group.tasks.add()
    task.CopyFrom(full_task(wire))
    task.health_check.type = mesos.HealthCheck.COMMAND
    task.check.type = mesos.CheckInfo.TCP
    task.check.tcp.port = 80
    return made


def launch_group(wire: Running) -> Operation:
    """The operation that launches a group."""
    return Operation(type=Operation.LAUNCH_GROUP, launch_group=group(wire))


def run_group(wire: Running) -> internal.RunTaskGroupMessage:
    """What a master asks an agent to run as a group."""
    made = group(wire)
    return internal.RunTaskGroupMessage(
        framework=framework_info(id=wire.framework_id, checkpoint=True),
        executor=made.executor,
        task_group=made.task_group,
    )


def ids(wire: Running, *names: str) -> dict[str, Message]:
    """The ids of what runs, by the names of fields."""
    values: dict[str, Message] = {
        "framework_id": wire.framework_id,
        "executor_id": wire.executor_id,
        "slave_id": wire.agent_id,
        "task_id": wire.task_id,
    }
    return {name: values[name] for name in names}


def all_ids(wire: Running) -> dict[str, Message]:
    """Those of a message between framework and executor."""
    return ids(wire, "slave_id", "framework_id", "executor_id")
