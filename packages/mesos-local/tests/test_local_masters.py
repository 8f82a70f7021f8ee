"""Three masters, a real ZooKeeper: who leads, what the others answer, and what a leader's end does."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from typing import Any

import pytest
from local_scheduler import DEADLINE, Recorder, command_task, get, running, running_v1
from local_zookeeper import three_masters
from mesos_detector import detect
from mesos_detector.testing import ZooKeeperEnsemble
from mesos_local import ClusterError, ConfigurationError, LocalCluster
from mesos_local.master.shell import MasterShell

SURVIVING = {"checkpoint": True, "failover_timeout": 60.0}


def ask(master: MasterShell, path: str, method: str = "GET") -> tuple[int, str | None, bytes]:
    """Give status, Location and body of an answer."""
    connection = http.client.HTTPConnection(master.pid.partition("@")[2], timeout=DEADLINE)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.getheader("Location"), response.read()
    finally:
        connection.close()


def test_one_of_three_leads_and_the_others_say_so(zookeeper: ZooKeeperEnsemble) -> None:
    with three_masters(zookeeper, agents=2) as cluster:
        leader = cluster.master
        assert cluster.leader is leader and [each.leads for each in cluster.masters].count(True) == 1
        assert cluster.master_address == cluster.zk
        with detect(cluster.master_address) as detector:
            assert detector.leader(DEADLINE).pid == leader.pid
        there = f"//localhost:{leader.session.state.info.port}"
        follower = next(each for each in cluster.masters if each is not leader)
        for path, where in (
            ("/state?a=b%20c", "/master/state?a=b%20c"),
            ("/master/slaves", "/master/slaves"),
            ("/api/v1/scheduler", "/master/api/v1/scheduler"),
            ("/api/v1", "/master/api/v1"),
            ("/teardown", "/master/teardown"),
            ("/", "/"),
            ("/redirect", ""),
            ("/master/redirect", ""),
        ):
            assert ask(follower, path) == (307, there + where, b""), path
        assert ask(leader, "/redirect") == (307, there, b"")
        assert [ask(each, "/redirect/more")[0] for each in cluster.masters] == [404, 404, 404]
        for path in ("/health", "/version", "/flags", "/metrics/snapshot", "/static/common.js"):
            assert ask(follower, path)[0] == 200, path
        elected = [
            get(f"http://{each.pid.partition('@')[2]}/metrics/snapshot")["master/elected"]
            for each in cluster.masters
        ]
        assert sorted(elected) == [0.0, 0.0, 1.0]


def stop(master: MasterShell) -> None:
    master.stop()


def expire(master: MasterShell) -> None:
    assert master.election is not None
    master.election.expire()
    assert master.wait_ended(DEADLINE), "a master that is not the leading one any longer ends"
    assert not master.running and master.ended


def crash(master: MasterShell) -> None:
    master.crash()


@pytest.mark.parametrize(
    ("end", "run"),
    [(stop, running), (expire, running), (crash, running), (expire, running_v1), (crash, running_v1)],
)
def test_the_next_master_takes_over_with_agents_and_tasks(
    zookeeper: ZooKeeperEnsemble, end: Callable[[MasterShell], None], run: Callable[..., Any]
) -> None:
    recorder = Recorder(lambda offer: [command_task(offer, "exec sleep 1000")])
    with (
        three_masters(zookeeper, zk_session_timeout=1.0) as cluster,
        run(cluster, recorder, **SURVIVING) as driver,
    ):
        status = recorder.until("TASK_RUNNING")
        old = cluster.master
        end(old)
        new = cluster.wait_leader(DEADLINE, other_than=old)
        assert new is not old
        state = new.session.state
        assert status.agent_id.value in {*state.recovered_agents, *state.agents}
        assert new.shell.wait_until(lambda: status.agent_id.value in state.agents, DEADLINE)
        recorder.wait(lambda: len(recorder.framework_ids) == 2)
        assert len(set(recorder.framework_ids)) == 1
        old.start()
        driver.kill_task(status.task_id)
        recorder.until("TASK_KILLED")
        assert set(recorder.states()) <= {"TASK_STARTING", "TASK_RUNNING", "TASK_KILLED"}


def test_without_a_leader_there_is_nowhere_to_go(zookeeper: ZooKeeperEnsemble) -> None:
    with three_masters(zookeeper, masters=2, agents=0, zk_session_timeout=60.0) as cluster:
        follower = next(each for each in cluster.masters if not each.leads)
        cluster.master.crash()  # Its node is there for a minute.
        with pytest.raises(ClusterError, match="no master leads"):
            _ = cluster.master
        with pytest.raises(ClusterError, match="no master was elected"):
            cluster.wait_leader(0.1)
        state = follower.session.state
        state.leader = None
        assert ask(follower, "/state") == (503, None, b"No leader elected")
        assert ask(follower, "/redirect") == (503, None, b"No leader elected")
        assert ask(follower, "/api/v1/scheduler", "POST") == (503, None, b"No leader elected")


def test_a_single_master_can_be_elected_too(zookeeper: ZooKeeperEnsemble) -> None:
    with three_masters(zookeeper, masters=1) as cluster:
        recorder = Recorder(lambda offer: [command_task(offer, "true")])
        with running(cluster, recorder):
            recorder.until("TASK_FINISHED")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"masters": 3}, "zk='zk://"),
        ({"masters": 0}, "masters=1"),
        ({"zk": "zk://host:2181"}, "zk://"),
        ({"zk": "localhost:5050"}, "zk://host:2181/mesos"),
        ({"registry": "etcd"}, "replicated_log, in_memory"),
    ],
)
def test_what_can_be_no_cluster_is_refused(arguments: dict[str, object], what: str) -> None:
    with pytest.raises(ConfigurationError, match=what):
        LocalCluster(**arguments)  # type: ignore[arg-type]


def test_a_registry_that_cannot_be_read_ends_the_elected_master(
    zookeeper: ZooKeeperEnsemble, tmp_path: object
) -> None:
    with three_masters(zookeeper, masters=1, agents=0) as cluster:
        master = cluster.master
        master.stop()
        cluster.registry_path.write_text("{")
        master.start()
        assert master.wait_ended(DEADLINE)
        assert master.ended is not None and str(cluster.registry_path) in master.ended
        assert cluster.registry_path.read_text() == "{"
