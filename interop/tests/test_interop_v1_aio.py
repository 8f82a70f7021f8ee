"""The v1 scheduler driver for asyncio against a real master and agent: protobuf and JSON, Basic, failover."""

from __future__ import annotations

import asyncio
import getpass

import pytest
from mesos_auth import Credential
from mesos_http import JSON, PROTOBUF, Codec, FrameworkUnknown, StreamIdRejected
from mesos_http.aio import AsyncClient
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2 as scheduler
from mesos_scheduler import events
from mesos_scheduler.v1 import AsyncHttpSchedulerDriver, HttpOptions, calls
from realmesos import Cluster
from realmesos.fixtures import ClusterFactory
from realmesos.framework import WAIT
from realmesos.http_framework import AsyncHttpFramework

GOOD = Credential("framework", "secret-of-test")
CODECS = pytest.mark.parametrize("codec", [PROTOBUF, JSON], ids=["protobuf", "json"])


@pytest.fixture
def cluster(real_cluster: ClusterFactory) -> Cluster:
    return real_cluster(masters=1, agents=1)


@pytest.fixture
def guarded(real_cluster: ClusterFactory) -> Cluster:
    """A master that wants HTTP Basic of frameworks."""
    flags = {"authenticate_http_frameworks": True, "http_framework_authenticators": "basic"}
    return real_cluster(agents=1, credentials={GOOD.principal: GOOD.secret}, master_flags=flags)


@pytest.mark.ci
@CODECS
def test_a_command_task_with_a_credential(guarded: Cluster, codec: Codec) -> None:
    with AsyncHttpFramework(guarded.address, credential=GOOD, codec=codec) as framework:
        framework.launch(framework.task("t", command="true"))
        assert framework.wait_status("t").state == mesos.TASK_FINISHED
    assert framework.watcher.states("t") == [mesos.TASK_STARTING, mesos.TASK_RUNNING, mesos.TASK_FINISHED]


@pytest.mark.ci
@pytest.mark.parametrize("credential", [Credential(GOOD.principal, "wrong"), None], ids=["bad", "missing"])
def test_a_bad_or_missing_credential(guarded: Cluster, credential: Credential | None) -> None:
    with AsyncHttpFramework(guarded.address, credential=credential) as framework:
        message = framework.watcher.wait("error").first
    assert "HTTP 401" in message and "Basic realm" in message and "wrong" not in message


@CODECS
def test_an_executor_messages_kill_and_executor_lost(cluster: Cluster, codec: Codec) -> None:
    with AsyncHttpFramework(cluster.address, codec=codec) as framework:
        executor = framework.obedient()
        offer = framework.launch(framework.task("t", executor=executor, data=b"wait"))
        framework.wait_status("t", mesos.TASK_RUNNING)
        framework.driver.send_framework_message(executor.executor_id, offer.agent_id, b"\x00who\xff")
        assert framework.watcher.wait("framework_message").arguments == (
            executor.executor_id,
            offer.agent_id,
            b"echo:\x00who\xff",
        )
        framework.driver.kill_task(mesos.TaskID(value="t"))
        assert framework.wait_status("t").state == mesos.TASK_KILLED
        framework.driver.shutdown_executor(executor.executor_id, offer.agent_id)
        lost = framework.watcher.wait("executor_lost").arguments
        assert lost[:2] == (executor.executor_id, offer.agent_id)


@pytest.mark.ci
def test_an_update_is_acknowledged_when_the_next_event_is_asked_for(cluster: Cluster) -> None:
    """One that was not is repeated to the next instance."""

    async def first() -> tuple[mesos.FrameworkID, bytes]:
        async with driver_for("") as driver:
            async for event in driver:
                if isinstance(event, events.ResourceOffers):
                    task = AsyncHttpFramework(cluster.address).task("t", command="true")
                    task.agent_id.CopyFrom(event.offers[0].agent_id)
                    driver.launch_tasks(event.offers[0].id, [task])
                elif isinstance(event, events.StatusUpdate):
                    assert event.status.state == mesos.TASK_STARTING and driver.framework_id is not None
                    driver.stop(failover=True)
                    return driver.framework_id, event.status.uuid
        raise AssertionError("the driver ended before there was an update")

    async def second(framework_id: str) -> list[tuple[mesos.TaskState.ValueType, bytes]]:
        seen = []
        async with driver_for(framework_id) as driver:
            async for event in driver:
                if isinstance(event, events.StatusUpdate) and event.status.uuid:
                    seen.append((event.status.state, event.status.uuid))
                    if event.status.state == mesos.TASK_FINISHED:
                        break
        return seen

    def driver_for(framework_id: str) -> AsyncHttpSchedulerDriver:
        info = mesos.FrameworkInfo(name="interop", user=getpass.getuser(), failover_timeout=600)
        if framework_id:
            info.id.value = framework_id
        return AsyncHttpSchedulerDriver(info, cluster.address, options=HttpOptions(connection_delay=0.1))

    framework_id, uuid = asyncio.run(asyncio.wait_for(first(), WAIT))
    seen = asyncio.run(asyncio.wait_for(second(framework_id.value), WAIT))
    assert seen[0] == (mesos.TASK_STARTING, uuid)
    assert [state for state, _ in dict.fromkeys(seen)] == [
        *(mesos.TASK_STARTING, mesos.TASK_RUNNING, mesos.TASK_FINISHED)
    ]


def test_a_second_scheduler_takes_over_and_the_first_is_told(cluster: Cluster) -> None:
    with AsyncHttpFramework(cluster.address, failover_timeout=600) as first:
        framework_id = first.wait_registered()
        first.launch(first.task("t", command="sleep 1000"))
        first.wait_status("t", mesos.TASK_RUNNING)
        with AsyncHttpFramework(
            cluster.address, framework_id=framework_id, failover_timeout=600, reconcile=True
        ) as second:
            assert second.wait_registered() == framework_id
            assert first.watcher.wait("error").first == "Framework failed over"
            assert second.wait_status("t", mesos.TASK_RUNNING)
            second.driver.kill_task(mesos.TaskID(value="t"))
            assert second.wait_status("t").state == mesos.TASK_KILLED


def test_a_lone_master_restarts(real_cluster: ClusterFactory) -> None:
    master = real_cluster(agents=0).masters[0]  # An agent would not find the new one without ZooKeeper.
    with AsyncHttpFramework(master.address, failover_timeout=600) as framework:
        framework_id = framework.wait_registered()
        position = framework.watcher.position
        master.kill()
        framework.watcher.wait("disconnected", after=position)
        master.start().wait_leading()
        assert framework.watcher.wait("registered", after=position).first.value == framework_id


def test_the_leading_master_dies(real_cluster: ClusterFactory) -> None:
    cluster = real_cluster(masters=3, agents=1)
    with AsyncHttpFramework(cluster.address, failover_timeout=600, reconcile=True) as framework:
        framework_id = framework.wait_registered()
        framework.launch(framework.task("t", command="sleep 1000"))
        framework.wait_status("t", mesos.TASK_RUNNING)
        position = framework.watcher.position
        cluster.leader().kill()
        assert framework.watcher.wait("registered", after=position).first.value == framework_id
        framework.driver.kill_task(mesos.TaskID(value="t"))
        assert framework.wait_status("t").state == mesos.TASK_KILLED


def test_a_master_that_does_not_lead_names_the_leader(real_cluster: ClusterFactory) -> None:
    cluster = real_cluster(masters=3, agents=1)
    leader = cluster.leader()
    (other, *_) = [master for master in cluster.masters if master is not leader]
    with AsyncHttpFramework(f"http://{other.address}/api/v1/scheduler") as framework:
        assert framework.wait_registered()
        framework.launch(framework.task("t", command="true"))
        assert framework.wait_status("t").state == mesos.TASK_FINISHED


@pytest.mark.ci
@CODECS
def test_a_hundred_calls_at_once_and_what_the_master_refuses(cluster: Cluster, codec: Codec) -> None:
    async def main() -> None:
        nobody = mesos.FrameworkID(value="nobody")
        url = f"http://{cluster.address}/api/v1/scheduler"
        info = mesos.FrameworkInfo(name="interop", user=getpass.getuser())
        async with AsyncClient(url, codec=codec) as client:
            with pytest.raises(FrameworkUnknown):
                await client.call(calls.revive(nobody), stream_id="x")
            async with await client.stream(calls.subscribe(info), scheduler.Event) as stream:
                first = await stream.__anext__()
                framework_id = first.subscribed.framework_id
                revive = calls.revive(framework_id)
                with pytest.raises(StreamIdRejected):
                    await client.call(revive, stream_id="stale")
                answers = await asyncio.gather(
                    *(client.call(revive, stream_id=stream.stream_id) for _ in range(100))
                )
                assert [answer.status for answer in answers] == [202] * 100
                await client.call(calls.teardown(framework_id), stream_id=stream.stream_id)

    asyncio.run(asyncio.wait_for(main(), WAIT))
