"""Messages that do not arrive, streams that break, requests that are answered otherwise, refusals."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from typing import Any

import pytest
from local_scheduler import DEADLINE, Recorder, command_task, running, running_v1
from local_zookeeper import three_masters
from mesos_auth import Credential
from mesos_detector.testing import ZooKeeperEnsemble
from mesos_local import (
    AgentSettings,
    ClusterError,
    ConfigurationError,
    FaultError,
    LocalCluster,
    MasterSettings,
)
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as v0_scheduler
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2 as scheduler

SURVIVING = {"checkpoint": True, "failover_timeout": 60.0}
DONE = ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]


@pytest.fixture(scope="module")
def shared() -> Iterator[LocalCluster]:
    agent = AgentSettings(update_retry_min=0.2)
    with LocalCluster(
        resources="cpus:4;mem:1024",
        agent=agent,
        master=MasterSettings(allocation_interval=0.1),
        credentials=[Credential("someone", "secret")],
    ) as cluster:
        yield cluster


@pytest.fixture
def cluster(shared: LocalCluster) -> Iterator[LocalCluster]:
    yield shared
    shared.faults.heal()


def tasks(name: str) -> Recorder:
    return Recorder(lambda offer: [command_task(offer, "true", name)])


def test_an_update_that_the_agent_loses_is_sent_again(cluster: LocalCluster) -> None:
    fault = cluster.faults.drop(
        internal.StatusUpdateMessage, source=cluster.agents[0], target=cluster.master, nth=2
    )
    recorder = tasks("a")
    with running(cluster, recorder):
        recorder.until("TASK_FINISHED")
    assert fault.hits == 1 and recorder.states() == DONE


def test_what_the_master_says_to_a_scheduler_can_be_lost(cluster: LocalCluster) -> None:
    fault = cluster.faults.drop(
        internal.StatusUpdateMessage,
        source=cluster.master,
        target="scheduler",
        when=lambda message: message.update.status.state == mesos.TASK_FINISHED,  # type: ignore[attr-defined]
        times=2,
    )
    recorder = tasks("b")
    with running(cluster, recorder):
        fault.wait(2)
        assert "TASK_FINISHED" not in recorder.states()
        recorder.until("TASK_FINISHED")
    assert recorder.states() == DONE


def test_what_a_scheduler_says_can_be_lost(cluster: LocalCluster) -> None:
    acknowledges: Any = lambda call: call.type == scheduler.Call.ACKNOWLEDGE  # noqa: E731
    fault = cluster.faults.drop(scheduler.Call, source="scheduler", when=acknowledges, times=None)
    recorder = tasks("c")
    with running(cluster, recorder):
        fault.wait(2)
        assert set(recorder.states()) == {"TASK_STARTING"}, "the next waits for the acknowledgement"
        fault.heal()
        recorder.until("TASK_FINISHED")


def test_events_of_a_stream_can_be_lost(cluster: LocalCluster) -> None:
    updates: Any = lambda event: event.type == scheduler.Event.UPDATE  # noqa: E731
    fault = cluster.faults.drop(scheduler.Event, when=updates)
    recorder = tasks("d")
    with running_v1(cluster, recorder):
        recorder.until("TASK_FINISHED")
    assert fault.hits == 1 and recorder.states() == DONE


def test_a_stream_that_breaks_in_mid_record_is_taken_up_again(cluster: LocalCluster) -> None:
    updates: Any = lambda event: event.type == scheduler.Event.UPDATE  # noqa: E731
    fault = cluster.faults.cut_stream(scheduler.Event, nth=2, when=updates)
    recorder = tasks("e")
    with running_v1(cluster, recorder, **SURVIVING):
        recorder.until("TASK_FINISHED")
        assert fault.hits == 1 and not recorder.errors
        seen = recorder.states()
        assert [state for index, state in enumerate(seen) if state not in seen[:index]] == DONE


def test_heartbeats_can_be_stopped(cluster: LocalCluster) -> None:
    with cluster.faults.stop_heartbeats() as fault:
        body = b'{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u","name":"n"}}}'
        connection = http.client.HTTPConnection(cluster.master_address, timeout=DEADLINE)
        connection.request("POST", "/api/v1/scheduler", body, {"Content-Type": "application/json"})
        read = b""
        with connection.getresponse() as response:
            while b"OFFERS" not in read:
                read += response.read1()
        connection.close()
        fault.wait()
    assert b"SUBSCRIBED" in read and b'"HEARTBEAT"' not in read


@pytest.mark.parametrize("status", [503, None, 307])
def test_requests_are_answered_otherwise_for_a_time(cluster: LocalCluster, status: int | None) -> None:
    location = f"//{cluster.master_address}/master/api/v1/scheduler" if status == 307 else None
    fault = cluster.faults.answer(status, "/api/v1/scheduler", times=2, location=location)
    recorder = tasks(f"answer-{status}")
    with running_v1(cluster, recorder):
        recorder.until("TASK_FINISHED")
    assert fault.hits == 2


def test_an_answer_is_for_its_path_and_part_alone(cluster: LocalCluster) -> None:
    def status(path: str, part: Any) -> int:
        connection = http.client.HTTPConnection(part.pid.partition("@")[2], timeout=DEADLINE)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()

    master, agent = cluster.master, cluster.agents[0]
    with cluster.faults.answer(418, "/state", part=master):
        paths = ("/state", "/master/state", "/state/x", "/state-summary", "/slaves")
        assert [status(path, master) for path in paths] == [418, 418, 418, 200, 200]
        assert status("/state", agent) == 200
    with cluster.faults.answer(418, "/"):
        assert [status("/health", agent), status("/slave(1)/state", agent)] == [418, 418]
    assert status("/state", master) == 200


def test_authentication_can_be_refused(cluster: LocalCluster) -> None:
    recorder = Recorder()
    credential = Credential("someone", "secret")
    with cluster.faults.refuse_authentication() as fault:
        with running(cluster, recorder, credential, principal="someone"):
            recorder.wait(lambda: bool(recorder.errors))
        assert fault.hits == 1 and not recorder.framework_ids
    again = Recorder()
    with running(cluster, again, credential, principal="someone"):
        again.wait(lambda: bool(again.framework_ids))


def test_the_leadership_can_be_ended(zookeeper: ZooKeeperEnsemble) -> None:
    with three_masters(zookeeper, masters=2) as cluster:
        old = cluster.faults.expire_leadership()
        assert old.ended and not old.running
        assert cluster.wait_leader(DEADLINE) is not old


def test_misuse_is_refused(cluster: LocalCluster) -> None:
    faults = cluster.faults
    for call, what in (
        (lambda: faults.drop(nth=0), "counted from 1"),
        (lambda: faults.drop(times=0), "counted from 1"),
        (lambda: faults.answer(99), "99 is no status"),
        (lambda: faults.answer(307), "needs a location"),
        (lambda: faults.answer(503, "state"), "does not begin with /"),
    ):
        with pytest.raises(ConfigurationError, match=what):
            call()
    with pytest.raises(ClusterError, match="there is no election"):
        faults.expire_leadership()
    with pytest.raises(FaultError, match="0 times"):
        faults.drop(v0_scheduler.Call).wait(timeout=0.01)


def test_a_condition_that_fails_drops_nothing(
    cluster: LocalCluster, caplog: pytest.LogCaptureFixture
) -> None:
    cluster.faults.drop(internal.StatusUpdateMessage, when=lambda message: 1 / 0 > 1)
    recorder = tasks("f")
    with running(cluster, recorder):
        recorder.until("TASK_FINISHED")
    assert "The condition of a fault failed" in caplog.text
