"""The v1 scheduler driver against a real master and agent: protobuf and JSON, Basic, failover."""

from __future__ import annotations

import pytest
from mesos_auth import BasicAuth, Credential
from mesos_http import JSON, PROTOBUF, Codec, FrameworkUnknown, StreamIdRejected, Unauthenticated
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2 as scheduler
from mesos_scheduler.v1 import Client, calls
from realmesos import Cluster
from realmesos.fixtures import ClusterFactory
from realmesos.framework import Framework
from realmesos.http_framework import HttpFramework
from realmesos.process import wait_for

GOOD = Credential("framework", "secret-of-test")
CODECS = pytest.mark.parametrize("codec", [PROTOBUF, JSON], ids=["protobuf", "json"])


@pytest.fixture
def cluster(real_cluster: ClusterFactory) -> Cluster:
    return real_cluster(masters=1, agents=1)


@pytest.mark.ci
@CODECS
def test_a_command_task_from_registration_to_teardown(cluster: Cluster, codec: Codec) -> None:
    with HttpFramework(cluster.address, codec=codec) as framework:
        framework_id = framework.wait_registered()
        info = framework.watcher.wait("registered").arguments[1]
        framework.launch(framework.task("t", command="true"))
        status = framework.wait_status("t")

    assert framework_id.startswith(info.id) and info.version == cluster.build.release.version
    assert framework.watcher.states("t") == [mesos.TASK_STARTING, mesos.TASK_RUNNING, mesos.TASK_FINISHED]
    assert status.uuid and status.executor_id.value == "t" and status.agent_id.value

    def completed() -> bool:
        state = cluster.masters[0].state()
        return state is not None and framework_id in {each["id"] for each in state["completed_frameworks"]}

    wait_for("the framework is removed", completed)


@pytest.mark.ci
@CODECS
def test_an_executor_messages_kill_and_executor_lost(cluster: Cluster, codec: Codec) -> None:
    with HttpFramework(cluster.address, codec=codec) as framework:
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
@CODECS
def test_offers_declined_suppressed_revived_and_tasks_reconciled(cluster: Cluster, codec: Codec) -> None:
    with HttpFramework(cluster.address, codec=codec) as framework:
        first = framework.watcher.wait("offer").first
        framework.driver.suppress_offers()
        framework.driver.decline_offer(first.id, mesos.Filters(refuse_seconds=3600))
        framework.fence()  # The master has answered, so it has taken what came before.
        position = framework.watcher.position
        framework.driver.revive_offers()
        assert framework.next_offer(position).agent_id == first.agent_id
        unknown = mesos.TaskStatus(task_id=mesos.TaskID(value="nobody"), agent_id=first.agent_id)
        framework.driver.reconcile_tasks([unknown])
        status = framework.wait_status("nobody")
        assert status.reason == mesos.TaskStatus.REASON_RECONCILIATION and not status.uuid
        framework.info.id.value = framework.wait_registered()
        framework.info.name = "renamed"
        framework.driver.update_framework(framework.info)

        def renamed() -> bool:
            state = cluster.masters[0].state()
            return state is not None and [each["name"] for each in state["frameworks"]] == ["renamed"]

        wait_for("the framework is renamed", renamed)


@pytest.mark.ci
def test_an_update_is_repeated_until_it_is_acknowledged(cluster: Cluster) -> None:
    with HttpFramework(cluster.address, failover_timeout=600, implicit_acknowledgements=False) as first:
        framework_id = first.wait_registered()
        first.launch(first.task("t", command="true"))
        held = first.wait_status("t", mesos.TASK_STARTING)
        first.driver.stop(failover=True)
    with HttpFramework(
        cluster.address, framework_id=framework_id, failover_timeout=600, implicit_acknowledgements=False
    ) as second:
        repeated = second.wait_status("t", mesos.TASK_STARTING)
        assert repeated.uuid == held.uuid
        second.driver.acknowledge_status_update(repeated)
        running = second.wait_status("t", mesos.TASK_RUNNING)
        second.driver.acknowledge_status_update(running)
        assert second.wait_status("t").state == mesos.TASK_FINISHED


@pytest.mark.ci
def test_a_second_scheduler_takes_over_and_the_first_is_told(cluster: Cluster) -> None:
    with HttpFramework(cluster.address, failover_timeout=600) as first:
        framework_id = first.wait_registered()
        first.launch(first.task("t", command="sleep 1000"))
        first.wait_status("t", mesos.TASK_RUNNING)
        with HttpFramework(
            cluster.address, framework_id=framework_id, failover_timeout=600, reconcile=True
        ) as second:
            assert second.wait_registered() == framework_id
            assert first.watcher.wait("error").first == "Framework failed over"
            # The task of the first is told of without having been asked for.
            assert (
                second.wait_status("t", mesos.TASK_RUNNING).reason == mesos.TaskStatus.REASON_RECONCILIATION
            )
            second.driver.kill_task(mesos.TaskID(value="t"))
            assert second.wait_status("t").state == mesos.TASK_KILLED


@pytest.mark.ci
def test_a_v0_framework_becomes_one_of_v1(cluster: Cluster) -> None:
    with Framework(cluster.address, failover_timeout=600) as v0:
        framework_id = v0.wait_registered()
        with HttpFramework(cluster.address, framework_id=framework_id, failover_timeout=600) as v1:
            assert v1.wait_registered() == framework_id
            assert v0.watcher.wait("error").first == "Framework failed over"


@pytest.mark.ci
def test_a_lone_master_restarts(real_cluster: ClusterFactory) -> None:
    master = real_cluster(agents=0).masters[0]  # An agent would not find the new one without ZooKeeper.
    with HttpFramework(master.address, failover_timeout=600) as framework:
        framework_id = framework.wait_registered()
        position = framework.watcher.position
        master.kill()
        framework.watcher.wait("disconnected", after=position)
        master.start().wait_leading()
        assert framework.watcher.wait("registered", after=position).first.value == framework_id


def test_the_leading_master_dies(real_cluster: ClusterFactory) -> None:
    cluster = real_cluster(masters=3, agents=1)
    with HttpFramework(cluster.address, failover_timeout=600, reconcile=True) as framework:
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
    with HttpFramework(f"http://{other.address}/api/v1/scheduler") as framework:
        assert framework.wait_registered()
        framework.launch(framework.task("t", command="true"))
        assert framework.wait_status("t").state == mesos.TASK_FINISHED


@pytest.fixture
def guarded(real_cluster: ClusterFactory) -> Cluster:
    """A master that wants HTTP Basic of frameworks."""
    flags = {"authenticate_http_frameworks": True, "http_framework_authenticators": "basic"}
    return real_cluster(agents=1, credentials={GOOD.principal: GOOD.secret}, master_flags=flags)


@pytest.mark.ci
@CODECS
def test_a_good_credential(guarded: Cluster, codec: Codec) -> None:
    with HttpFramework(guarded.address, credential=GOOD, codec=codec) as framework:
        framework.launch(framework.task("t", command="true"))
        assert framework.wait_status("t").state == mesos.TASK_FINISHED
        state = guarded.masters[0].state()
    assert state is not None
    assert [each["principal"] for each in state["frameworks"]] == [GOOD.principal]


@pytest.mark.ci
@pytest.mark.parametrize("credential", [Credential(GOOD.principal, "wrong"), None], ids=["bad", "missing"])
def test_a_bad_or_missing_credential(guarded: Cluster, credential: Credential | None) -> None:
    with HttpFramework(guarded.address, credential=credential) as framework:
        message = framework.watcher.wait("error").first
    assert "HTTP 401" in message and "Basic realm" in message and "wrong" not in message


@pytest.mark.ci
@CODECS
def test_what_the_master_refuses(guarded: Cluster, codec: Codec) -> None:
    info = mesos.FrameworkInfo(name="low", user="nobody", principal=GOOD.principal)
    nobody = mesos.FrameworkID(value="nobody")
    url = f"http://{guarded.address}"
    with Client(url, codec=codec) as client, pytest.raises(Unauthenticated, match="Basic realm"):
        client.call(calls.revive(nobody), "x")
    with Client(url, codec=codec, auth=BasicAuth(GOOD)) as client:
        with pytest.raises(FrameworkUnknown):
            client.call(calls.revive(nobody), "x")
        with client.subscribe(info) as subscription:
            events = iter(subscription)
            framework_id = next(event.subscribed.framework_id for event in events)
            client.call(calls.revive(framework_id), subscription.stream_id)
            for stale in ("stale", None):
                with pytest.raises(StreamIdRejected):
                    client.call(calls.revive(framework_id), stale)
            seen: set[int] = set()
            while not {scheduler.Event.HEARTBEAT, scheduler.Event.OFFERS} <= seen:
                seen.add(next(events).type)
            client.call(calls.teardown(framework_id), subscription.stream_id)
            assert scheduler.Event.ERROR not in {event.type for event in events}
