"""Our detector and contender beside those of the real Mesos, in one ZooKeeper."""

from __future__ import annotations

import queue
import time
from pathlib import Path

import pytest
from mesos_auth import AuthenticationResult, Authenticator, Credential
from mesos_detector import Contender, Leader, detect
from mesos_detector.testing import ZooKeeperEnsemble
from mesos_messenger import Endpoint, Messenger
from mesos_proto.v0 import mesos_pb2 as v0
from realmesos.build import Build
from realmesos.fixtures import ClusterFactory
from realmesos.process import READY
from realmesos.reference import ReferenceScheduler

News = queue.SimpleQueue[Leader | None]


def until(news: News, pid: str | None) -> Leader | None:
    """Wait for the news that this master leads."""
    end = time.monotonic() + READY
    while True:
        leader = news.get(timeout=max(0.01, end - time.monotonic()))
        if (leader.pid if leader else None) == pid:
            return leader


@pytest.mark.ci
def test_a_single_master_says_who_it_is(real_cluster: ClusterFactory) -> None:
    cluster = real_cluster(agents=0)
    state = cluster.masters[0].state()
    assert state is not None
    for form in ("{}", "master@{}", "http://{}"):
        with detect(form.format(cluster.address)) as detector:
            leader = detector.leader(READY)
        assert (leader.pid, leader.info.id, leader.info.version) == (
            state["pid"],
            state["id"],
            state["version"],
        )
        assert leader.confirmed


@pytest.mark.ci
def test_a_master_that_comes_back_is_another(real_cluster: ClusterFactory) -> None:
    cluster = real_cluster(agents=0)
    news: News = queue.SimpleQueue()
    with detect(cluster.address, poll_interval=0.2) as detector:
        detector.watch(news.put)
        pid = f"master@{cluster.address}"
        first = until(news, pid)
        cluster.masters[0].kill()
        until(news, None)
        cluster.masters[0].start()
        second = until(news, pid)
    assert first is not None and second is not None
    assert first.info.id != second.info.id


@pytest.mark.ci
def test_leaders_are_followed_through_zookeeper_and_over_http(real_cluster: ClusterFactory) -> None:
    cluster = real_cluster(masters=3, agents=0)
    leader = cluster.leader()
    other = next(master for master in cluster.masters if master is not leader)
    through_zookeeper: News = queue.SimpleQueue()
    over_http: News = queue.SimpleQueue()
    with detect(cluster.address) as one, detect(f"http://{other.address}", poll_interval=0.2) as two:
        one.watch(through_zookeeper.put)
        two.watch(over_http.put)
        until(through_zookeeper, f"master@{leader.address}")
        until(over_http, f"master@{leader.address}")
        leader.kill()
        leader = cluster.leader()
        found = until(through_zookeeper, f"master@{leader.address}")
        confirmed = until(over_http, f"master@{leader.address}")
    assert found is not None and confirmed is not None
    state = leader.state()
    assert state is not None
    assert found.info.id == confirmed.info.id == state["id"]
    assert found.info.version == state["version"]


@pytest.mark.ci
def test_the_real_driver_finds_our_contender(
    real_build: Build, zookeeper: ZooKeeperEnsemble, tmp_path: Path
) -> None:
    master = zookeeper.url("/ours")
    credential = Credential("framework", "secret-of-test")
    results: queue.SimpleQueue[AuthenticationResult] = queue.SimpleQueue()
    with Endpoint(bind="127.0.0.1:0") as endpoint, Messenger("master", endpoint=endpoint) as messenger:
        authenticator = Authenticator(endpoint, [credential], on_result=results.put)
        authenticator.install(messenger)
        upid = messenger.upid
        info = v0.MasterInfo(id="ours", ip=16777343, port=upid.port, pid=str(upid), hostname="localhost")
        info.address.ip, info.address.hostname, info.address.port = upid.ip, "localhost", upid.port
        framework = v0.FrameworkInfo(user="root", name="reference")
        proof = v0.Credential(principal=credential.principal, secret=credential.secret)
        with Contender(master, info) as contender:
            contender.wait_elected(READY)
            log = tmp_path / "reference.log"
            with ReferenceScheduler(real_build, master, framework, log, credential=proof):
                assert results.get(timeout=READY).principal == "framework"
