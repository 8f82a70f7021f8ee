"""Each message a master or an agent handles, one field hostile at a time: nothing raises, all goes on."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.message import Message
from local_helpers import AGENT, EXECUTOR, MASTER, SCHEDULER, Wire, framework_info, task_info
from mesos_local import LocalCluster
from mesos_local._shell import SessionShell
from mesos_local._wire import Link, Send
from mesos_local.agent import session as agent_session
from mesos_local.agent import views as agent_views
from mesos_local.config import parse_resources
from mesos_local.master import session as master_session
from mesos_local.master import views as master_views
from mesos_messenger import UPID, Encoder, Messenger
from mesos_messenger.mutations import as_handled, mutations
from mesos_messenger.testing import MemoryNetwork
from mesos_proto.v0 import authentication_pb2
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as scheduler
from mesos_proto.v1 import scheduler_pb2 as v1_scheduler

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
            lambda: agent_views.metrics(agent),
            lambda: master_views.frameworks(master),
        )
        for view in views[turn % 3 :: 3]:
            json.dumps(view()).encode()

    def still_works(self) -> None:
        """A framework can register, and gets an offer or at least an answer."""
        self.heard.pop("later@127.0.0.1:6001", None)
        self.subscribe("later@127.0.0.1:6001", name="later")
        assert self.take("later@127.0.0.1:6001", internal.FrameworkRegisteredMessage)


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


Sample = Callable[[Running], Message]

TO_MASTER: dict[str, tuple[str, Sample]] = {
    "subscribe": ("new@127.0.0.1:6002", lambda wire: subscribe(wire, again=False)),
    "subscribe_again": (SCHEDULER, lambda wire: subscribe(wire, again=True)),
    "launch": (SCHEDULER, lambda wire: accept(wire, launch(full_task(wire)))),
    "launch_executor": (SCHEDULER, lambda wire: accept(wire, launch(executor_task(wire)))),
    "reserve": (SCHEDULER, lambda wire: accept(wire, reserve())),
    "decline": (
        SCHEDULER,
        lambda wire: call("DECLINE", wire, decline=Call.Decline(offer_ids=[wire.offer.id])),
    ),
    "kill": (SCHEDULER, lambda wire: call("KILL", wire, kill=Call.Kill(**ids(wire, "task_id", "slave_id")))),  # type: ignore[arg-type]
    "acknowledge": (
        SCHEDULER,
        lambda wire: call(
            "ACKNOWLEDGE",
            wire,
            acknowledge=Call.Acknowledge(slave_id=wire.agent_id, task_id=wire.task_id, uuid=wire.status.uuid),
        ),
    ),
    "reconcile": (
        SCHEDULER,
        lambda wire: call(
            "RECONCILE",
            wire,
            reconcile=Call.Reconcile(
                tasks=[Call.Reconcile.Task(task_id=wire.task_id, slave_id=wire.agent_id)]
            ),
        ),
    ),
    "message": (
        SCHEDULER,
        lambda wire: call(
            "MESSAGE",
            wire,
            message=Call.Message(slave_id=wire.agent_id, executor_id=wire.executor_id, data=b"x"),
        ),
    ),
    "shutdown": (
        SCHEDULER,
        lambda wire: call(
            "SHUTDOWN", wire, shutdown=Call.Shutdown(executor_id=wire.executor_id, slave_id=wire.agent_id)
        ),
    ),
    "revive": (SCHEDULER, lambda wire: call("REVIVE", wire, revive=Call.Revive(roles=["*"]))),
    "suppress": (SCHEDULER, lambda wire: call("SUPPRESS", wire, suppress=Call.Suppress(roles=["*"]))),
    "update_framework": (
        SCHEDULER,
        lambda wire: call(
            "UPDATE_FRAMEWORK",
            wire,
            update_framework=Call.UpdateFramework(
                framework_info=framework_info(id=wire.framework_id, checkpoint=True, failover_timeout=60.0)
            ),
        ),
    ),
    "register_framework": (
        "new@127.0.0.1:6002",
        lambda wire: internal.RegisterFrameworkMessage(framework=framework_info(hostname="h")),
    ),
    "register_agent": (
        "slave(9)@127.0.0.1:5059",
        lambda wire: internal.RegisterSlaveMessage(slave=agent_info(wire, known=False), version="1.11.0"),
    ),
    "reregister_agent": (AGENT, reregister_agent),
    "unregister_agent": (AGENT, lambda wire: internal.UnregisterSlaveMessage(slave_id=wire.agent_id)),
    "update": (AGENT, update),
    "executor_exited": (
        AGENT,
        lambda wire: internal.ExitedExecutorMessage(**all_ids(wire), status=1),  # type: ignore[arg-type]
    ),
    "executor_message": (
        AGENT,
        lambda wire: internal.ExecutorToFrameworkMessage(**all_ids(wire), data=b"x"),  # type: ignore[arg-type]
    ),
}

TO_AGENT: dict[str, tuple[str, Sample]] = {
    "registered": (MASTER, lambda wire: internal.SlaveRegisteredMessage(slave_id=wire.agent_id)),
    "reregistered": (MASTER, lambda wire: internal.SlaveReregisteredMessage(slave_id=wire.agent_id)),
    "run": (MASTER, run_task),
    "kill": (MASTER, lambda wire: internal.KillTaskMessage(**ids(wire, "framework_id", "task_id"))),  # type: ignore[arg-type]
    "update_framework": (
        MASTER,
        lambda wire: internal.UpdateFrameworkMessage(
            framework_id=wire.framework_id, pid=SCHEDULER, framework_info=framework_info(id=wire.framework_id)
        ),
    ),
    "framework_message": (
        MASTER,
        lambda wire: internal.FrameworkToExecutorMessage(**all_ids(wire), data=b"x"),  # type: ignore[arg-type]
    ),
    "acknowledgement": (
        MASTER,
        lambda wire: internal.StatusUpdateAcknowledgementMessage(
            **ids(wire, "slave_id", "framework_id", "task_id"),  # type: ignore[arg-type]
            uuid=wire.status.uuid,
        ),
    ),
    "register_executor": (
        "executor(2)@127.0.0.1:7001",
        lambda wire: internal.RegisterExecutorMessage(**ids(wire, "framework_id", "executor_id")),  # type: ignore[arg-type]
    ),
    "reregister_executor": (EXECUTOR, reregister_executor),
    "update": (EXECUTOR, update),
    "executor_message": (
        EXECUTOR,
        lambda wire: internal.ExecutorToFrameworkMessage(**all_ids(wire), data=b"x"),  # type: ignore[arg-type]
    ),
    "checkpoint": (
        MASTER,
        lambda wire: internal.CheckpointResourcesMessage(resources=reserve().reserve.resources),
    ),
}
CASES = [(MASTER, name) for name in TO_MASTER] + [(AGENT, name) for name in TO_AGENT]


@pytest.mark.parametrize(("to", "name"), CASES)
def test_a_hostile_field_neither_raises_nor_ends_what_goes_on(to: str, name: str) -> None:
    sender, make = (TO_MASTER if to == MASTER else TO_AGENT)[name]
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


def test_the_sessions_know_no_message_without_a_sample() -> None:
    fresh = Running()
    sampled = {type(make(fresh)) for _, make in (*TO_MASTER.values(), *TO_AGENT.values())}
    plain = {
        kind
        for kind in (*master_session.MESSAGES, *agent_session.MESSAGES)
        if kind not in sampled and "Slave" in kind.__name__
    }
    assert plain == {internal.PingSlaveMessage, internal.PongSlaveMessage, internal.UpdateSlaveMessage}


def post(pid: str, name: str, body: bytes, sender: str = "") -> None:
    """Send a message's bytes to a process; as from nobody in particular unless told."""
    upid = UPID.parse(pid)
    source = UPID.parse(sender or "evil@127.0.0.1:9")
    with socket.create_connection(upid.address, 10) as connection:
        connection.sendall(Encoder(source, upid, name).encode(body))
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(10)
        while connection.recv(1000):
            pass


def show(pid: str, path: str) -> dict[str, Any]:
    """Give what a process shows."""
    with urllib.request.urlopen(f"http://{pid.partition('@')[2]}{path}", timeout=20) as response:
        shown: dict[str, Any] = json.load(response)
    return shown


def test_over_sockets_master_and_agent_live_on(cluster: LocalCluster) -> None:
    master, agent = cluster.master, cluster.agents[0]
    call = Call(type=Call.SUBSCRIBE)
    call.subscribe.framework_info.CopyFrom(framework_info(name="caf\x02"))
    body = call.SerializeToString()
    broken = body.replace(b"caf\x02", b"caf\xe9")
    for each in (b"\xff" * 30, body[:-1], broken):
        post(master.pid, "mesos.scheduler.Call", each)
    # Who to answer is read from the message: neither a wrong address nor one to be looked up harms.
    for pid in ("", "x", "caf\ufffd@a:5", "x@no-such-host.invalid:5", "a b\r\n@1.2.3.4:5"):
        message = internal.StatusUpdateMessage(pid=pid)
        status = mesos.TaskStatus(task_id=mesos.TaskID(value="t"), state=mesos.TASK_RUNNING)
        update = internal.StatusUpdate(
            framework_id=mesos.FrameworkID(value="f"), status=status, timestamp=0.0, uuid=UUID
        )
        message.update.CopyFrom(update)
        for part in (master, agent):
            post(part.pid, "mesos.internal.StatusUpdateMessage", message.SerializeToString())
    known = show(master.pid, "/frameworks")
    names = [each["name"] for key in ("frameworks", "completed_frameworks") for each in known[key]]
    assert "caf\ufffd" in names
    assert show(agent.pid, "/state")["pid"] == agent.pid
    assert master.messenger.snapshot().total.drops.get("bad_message") == 2
    assert (master.messenger.handler_failures, agent.messenger.handler_failures) == (0, 0)


def test_a_call_over_http_with_broken_text_is_refused(cluster: LocalCluster) -> None:
    call = v1_scheduler.Call(type=v1_scheduler.Call.SUBSCRIBE)
    call.subscribe.framework_info.user, call.subscribe.framework_info.name = "u", "caf\x02"
    body = call.SerializeToString().replace(b"caf\x02", b"caf\xe9")
    request = urllib.request.Request(
        f"http://{cluster.master_address}/api/v1/scheduler",
        body,
        {"Content-Type": "application/x-protobuf", "Accept": "application/x-protobuf"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=20)
    with refused.value as answer:
        assert answer.status == 400


def test_a_wrong_address_stops_nothing_that_comes_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: pytest.fail("a peer's address was looked up"))
    heard: list[str] = []
    with MemoryNetwork() as network:
        shelled = Messenger("master", endpoint=network.endpoint("10.0.0.1:5050"))
        other = Messenger("other", endpoint=network.endpoint("10.0.0.2:9"))
        shelled.start()
        other.start()
        other.install(internal.PongSlaveMessage, lambda sender, _: heard.append(str(sender)))
        wrong = ("", "x", "x@host.invalid:5", "@1.2.3.4:5", "a\0b", "caf\ufffd@:1")
        ping = internal.PingSlaveMessage
        shell = SessionShell(
            shelled,
            lambda event, now: [
                *(Send(to, internal.PongSlaveMessage()) for to in wrong),
                *(Link(to) for to in wrong),
                Send(str(other.upid), internal.PongSlaveMessage()),
            ],
            lambda command: None,
            [ping],
        )
        other.send(shelled.upid, ping(connected=True))
        network.run()
        assert heard == [str(shelled.upid)]
        assert shell.dropped == len(wrong)
        other.send(shelled.upid, ping(connected=True), sender=UPID("nobody", "0.0.0.0", 0))
        network.run()
        assert heard == [str(shelled.upid)]
        assert shell.dropped == len(wrong) + 1
        assert shelled.handler_failures == 0


def test_attempts_to_authenticate_for_nobody_are_not_remembered(cluster: LocalCluster) -> None:
    name = authentication_pb2.AuthenticateMessage.DESCRIPTOR.full_name
    master = cluster.master
    for pid in ("", "x", "x@host.invalid:5", "@1.2.3.4:5", "y" * 100_000):
        message = authentication_pb2.AuthenticateMessage(pid=pid)
        post(master.pid, name, message.SerializeToString())
    show(master.pid, "/version")
    assert master.session.state.authenticating == {}


def test_registrations_that_wait_are_bounded() -> None:
    wire = Running()
    wire.tell(MASTER, master_session.Authenticating("new@127.0.0.1:6002"))
    for number in range(100):
        wire.subscribe("new@127.0.0.1:6002", name=f"name-{number}")
    (waiting,) = wire.master.state.authenticating.values()
    assert 0 < len(waiting) <= 10
    wire.tell(MASTER, master_session.Authenticated("new@127.0.0.1:6002", "p"))
    assert wire.take("new@127.0.0.1:6002", internal.FrameworkRegisteredMessage)
    names = [framework.info.name for framework in wire.master.state.frameworks.values()]
    assert "name-0" in names
