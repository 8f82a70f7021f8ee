"""The master's event stream for operators: order, contents, many readers, slow readers."""

from __future__ import annotations

import json
import socket

import pytest
from local_helpers import AGENT, MASTER, Wire, task_info
from local_operator import JSON, Watch
from local_scheduler import Recorder, command_task, running
from mesos_local import LocalCluster
from mesos_local._wire import StreamClose, StreamPublish, StreamSend
from mesos_local.master import operator_stream
from mesos_local.master.session import AgentGone, OperatorLeft, OperatorSubscribed, TeardownAsked
from mesos_proto.v0 import master_pb2 as operator
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v1 import master_pb2
from mesos_proto.v1 import mesos_pb2 as mesos

Event = operator.Event


class Ear:
    """What a master on a wire tells its subscribers."""

    def __init__(self, **settings: object) -> None:
        self.wire = Wire(agents=0, **settings)

    def subscribe(self, stream: str = "one") -> None:
        self.wire.tell(MASTER, OperatorSubscribed(stream))

    def launch(self, framework: v0.FrameworkID) -> None:
        """Have a task `t` in the books."""
        (offer,) = self.wire.offers()
        self.wire.accept(framework, [offer], [task_info(offer, "t")])

    def events(self, stream: str = "one") -> list[operator.Event]:
        """Give what came on the stream, and forget it."""
        found = [
            command.event
            for command in self.wire.performed
            if (isinstance(command, StreamSend) and command.stream == stream)
            or (isinstance(command, StreamPublish) and stream in command.streams)
        ]
        self.wire.performed.clear()
        return found

    def kinds(self, stream: str = "one") -> list[str]:
        return [Event.Type.Name(each.type) for each in self.events(stream)]


def test_a_life_is_told_in_order(cluster: LocalCluster) -> None:
    recorder = Recorder(lambda offer: [command_task(offer, "exit 3", "t")])
    with Watch(cluster.master_address) as watch:
        first, second = watch.event(), watch.event()
        assert first.type == master_pb2.Event.SUBSCRIBED and second.type == master_pb2.Event.HEARTBEAT
        assert first.subscribed.heartbeat_interval_seconds == 15
        assert len(first.subscribed.get_state.get_agents.agents) == 1
        with running(cluster, recorder, name="told"):
            added = watch.event().framework_added.framework
            assert added.framework_info.name == "told" and added.active and added.connected
            task = watch.event().task_added.task
            assert (task.name, task.state) == ("t", mesos.TASK_STAGING)
            states = []
            while "TASK_FAILED" not in states:
                updated = watch.event().task_updated
                assert updated.framework_id == added.framework_info.id
                assert updated.status.task_id == task.task_id
                states.append(mesos.TaskState.Name(updated.status.state))
            assert updated.state == mesos.TASK_FAILED
            assert states == ["TASK_STARTING", "TASK_RUNNING", "TASK_FAILED"]
        assert watch.event().framework_removed.framework_info.id == added.framework_info.id


def test_json_tells_the_same(cluster: LocalCluster) -> None:
    recorder = Recorder()
    with Watch(cluster.master_address, JSON) as watch:
        subscribed = json.loads(watch.record())["subscribed"]
        assert subscribed["get_state"]["get_tasks"]["tasks"] == []
        assert json.loads(watch.record()) == {"type": "HEARTBEAT"}
        with running(cluster, recorder, name="told"):
            added = json.loads(watch.record())
            assert added["type"] == "FRAMEWORK_ADDED"
            assert added["framework_added"]["framework"]["framework_info"]["name"] == "told"


def test_agents_come_and_go() -> None:
    ear = Ear(agent_reregister_timeout=60.0)
    ear.subscribe()
    ear.events()
    ear.wire.add_agent(AGENT)
    (added,) = ear.events()
    agent = added.agent_added.agent
    assert agent.pid == AGENT and agent.active and len(agent.total_resources) == 3
    ear.wire.send(AGENT, MASTER, internal.UnregisterSlaveMessage(slave_id=agent.agent_info.id))
    (removed,) = ear.events()
    assert removed.agent_removed.agent_id == agent.agent_info.id


def test_lost_tasks_are_told_and_lost_agents_are_not() -> None:
    """As upstream, which has no event for an agent that becomes unreachable or is marked gone."""
    ear = Ear()
    ear.wire.add_agent(AGENT)
    framework = ear.wire.registered()
    ear.launch(framework)
    agent_id = next(iter(ear.wire.master.state.agents))
    ear.subscribe()
    ear.events()
    ear.wire.tell(MASTER, AgentGone(agent_id))
    (updated,) = ear.events()
    status = updated.task_updated.status
    assert (status.state, status.message) == (v0.TASK_LOST, "Agent has been marked gone")
    assert status.source == v0.TaskStatus.SOURCE_MASTER and status.timestamp == ear.wire.now


def test_a_framework_that_is_removed_ends_its_tasks_first() -> None:
    ear = Ear()
    ear.wire.add_agent(AGENT)
    framework = ear.wire.registered()
    ear.launch(framework)
    ear.subscribe()
    ear.events()
    ear.wire.tell(MASTER, TeardownAsked(framework.value))
    updated, removed = ear.events()
    assert updated.task_updated.state == v0.TASK_KILLED
    assert updated.task_updated.status.reason == v0.TaskStatus.REASON_FRAMEWORK_REMOVED
    assert removed.framework_removed.framework_info.id == framework


def test_a_framework_that_comes_back_is_updated() -> None:
    ear = Ear()
    framework = ear.wire.registered(failover_timeout=60.0)
    ear.subscribe()
    ear.events()
    ear.wire.subscribe(id=framework, failover_timeout=60.0, force=True)
    assert ear.kinds() == ["FRAMEWORK_UPDATED"]


def test_what_a_new_master_learns_is_told() -> None:
    ear = Ear()
    ear.wire.add_agent(AGENT)
    framework = ear.wire.registered()
    ear.launch(framework)
    ear.wire.restart_master()
    ear.subscribe()
    ear.events()
    ear.wire.exited(MASTER, AGENT)
    ear.wire.advance(1.0)
    added, task, agent = ear.events()
    assert added.framework_added.framework.recovered and not added.framework_added.framework.connected
    assert task.task_added.task.task_id.value == "t"
    assert agent.type == Event.AGENT_ADDED


def test_every_reader_has_heartbeats_until_it_leaves() -> None:
    ear = Ear()
    ear.subscribe()
    ear.wire.advance(10.0)
    ear.subscribe("two")
    ear.events()
    ear.wire.advance(10.0)
    assert ear.kinds() == ["HEARTBEAT"]
    ear.wire.advance(10.0)
    assert ear.kinds("two") == ["HEARTBEAT"]
    ear.wire.tell(MASTER, OperatorLeft("one"))
    ear.wire.advance(30.0)
    assert ear.kinds() == [] and "one" not in ear.wire.master.state.subscribers


def test_one_event_is_made_for_all_readers() -> None:
    ear = Ear()
    for number in range(5):
        ear.subscribe(str(number))
    ear.wire.performed.clear()
    ear.wire.registered()
    (published,) = (each for each in ear.wire.performed if isinstance(each, StreamPublish))
    assert published.streams == ("0", "1", "2", "3", "4")


def test_beyond_a_number_the_oldest_reader_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operator_stream, "MAX_SUBSCRIBERS", 2)
    ear = Ear()
    for stream in ("one", "two", "three"):
        ear.subscribe(stream)
    assert list(ear.wire.master.state.subscribers) == ["two", "three"]
    assert StreamClose("one") in ear.wire.performed


def test_who_does_not_read_is_dropped() -> None:
    with LocalCluster(agents=0) as cluster:
        host, _, port = cluster.master_address.rpartition(":")
        state = cluster.master.session.state
        with socket.create_connection((host, int(port))) as lazy, Watch(cluster.master_address) as watch:
            body = b'{"type": "SUBSCRIBE"}'
            head = f"Host: x\r\nContent-Type: {JSON}\r\nContent-Length: {len(body)}\r\n"
            lazy.sendall(b"POST /api/v1 HTTP/1.1\r\n" + head.encode() + b"\r\n" + body)
            assert cluster.master.shell.wait_until(lambda: len(state.subscribers) == 2, 20)
            event = Event(type=Event.FRAMEWORK_REMOVED)
            event.framework_removed.framework_info.name = "x" * 1_000_000
            event.framework_removed.framework_info.user = "u"
            publish = StreamPublish(tuple(state.subscribers), event)
            for _ in range(40):  # Some of it fits the sockets, 16 MB the pipe.
                cluster.master.messenger.call_soon(cluster.master._perform, publish)
                watch.until("FRAMEWORK_REMOVED")
            assert cluster.master.shell.wait_until(lambda: len(state.subscribers) == 1, 20)
