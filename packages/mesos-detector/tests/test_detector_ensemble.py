"""Detection through a real ZooKeeper ensemble of three servers, in good times and bad."""

from __future__ import annotations

import itertools
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from detector_helpers import DEADLINE, News, as_json, free_port, kazoo, master_info, wait_for
from kazoo.client import KazooClient
from kazoo.security import make_digest_acl
from mesos_detector import (
    DetectionFailedError,
    DetectionTimeoutError,
    Detector,
    DetectorError,
    Leader,
    detect,
)
from mesos_detector.testing import ZooKeeperEnsemble
from mesos_proto.v0 import mesos_pb2

BOUND = 1.0
_numbers = itertools.count(1)


@pytest.fixture
def path() -> str:
    return f"/detector-{next(_numbers)}"


def create(client: Any, path: str, number: int, label: str = "json.info") -> str:
    data = as_json(master_info(number)) if label == "json.info" else master_info(number).SerializeToString()
    created: str = client.create(f"{path}/{label}_", data, ephemeral=True, sequence=True, makepath=True)
    return created


def is_master(number: int | None) -> Any:
    wanted = None if number is None else f"master-{number}"
    return lambda leader: (leader.info.id if leader else None) == wanted


@contextmanager
def watching(url: str, session_timeout: float = 10.0) -> Iterator[tuple[Detector, News[Leader | None]]]:
    news: News[Leader | None] = News()
    with detect(url, session_timeout=session_timeout) as detector:
        detector.watch(news)
        yield detector, news
    wait_for(lambda: not any(thread.name.startswith("mesos-detector") for thread in threading.enumerate()))


def test_leader_change_is_delivered_within_a_second(ensemble: ZooKeeperEnsemble, path: str) -> None:
    with kazoo(ensemble.hosts) as client, watching(ensemble.url(path)) as (detector, news):
        nodes = [create(client, path, number) for number in (1, 2, 3, 4)]
        news.until(is_master(1))
        for number, node in zip((2, 3, 4), nodes, strict=False):
            client.delete(node)
            first_since = time.monotonic()
            at, _ = news.until(is_master(number))
            assert at - first_since < BOUND
        client.delete(nodes[3])
        news.until(is_master(None))
        created = time.monotonic()
        create(client, path, 5)
        at, _ = news.until(is_master(5))
        assert at - created < BOUND
        assert detector.problem is None


def test_a_later_master_does_not_lead_and_all_masters_are_shown(
    ensemble: ZooKeeperEnsemble, path: str
) -> None:
    with kazoo(ensemble.hosts) as client, watching(ensemble.url(path)) as (detector, news):
        masters: News[tuple[mesos_pb2.MasterInfo, ...]] = News()
        detector.watch_masters(masters)
        create(client, path, 1)
        news.until(is_master(1))
        create(client, path, 2)
        masters.until(lambda infos: [info.id for info in infos] == ["master-1", "master-2"])
        assert detector.leader(timeout=0).info.id == "master-1"
        assert news.empty()


def test_older_node_wins_and_garbage_is_skipped(ensemble: ZooKeeperEnsemble, path: str) -> None:
    with kazoo(ensemble.hosts) as client:
        client.ensure_path(path)
        client.create(f"{path}/json.info_", b"\xffgarbage", ephemeral=True, sequence=True)
        create(client, path, 1, label="info")
        create(client, path, 2)
        client.create(f"{path}/log_replicas", b"")
        with watching(ensemble.url(path)) as (detector, news):
            news.until(is_master(1))
            wait_for(lambda: detector.counts.malformed_nodes == 1)
            wait_for(lambda: [info.id for info in detector.masters] == ["master-1", "master-2"])


def test_missing_path_is_waited_for(ensemble: ZooKeeperEnsemble, path: str) -> None:
    with watching(ensemble.url(f"{path}/deep/er")) as (detector, news):
        assert news.next() is None
        assert "does not exist yet" in str(detector.problem)
        with kazoo(ensemble.hosts) as client:
            create(client, f"{path}/deep/er", 1)
            news.until(is_master(1))
            client.delete(f"{path}/deep/er", recursive=True)
            news.until(is_master(None))
            create(client, f"{path}/deep/er", 2)
            news.until(is_master(2))


def test_nodes_that_come_and_go_at_once(ensemble: ZooKeeperEnsemble, path: str) -> None:
    with kazoo(ensemble.hosts) as client, watching(ensemble.url(path)) as (_, news):
        client.ensure_path(path)
        for number in range(100):
            client.delete(create(client, path, number))
        create(client, path, 777)
        news.until(is_master(777))


def test_loss_of_the_ensembles_leader_changes_nothing(ensemble: ZooKeeperEnsemble, path: str) -> None:
    with kazoo(ensemble.hosts) as client, watching(ensemble.url(path)) as (detector, news):
        node = create(client, path, 1)
        create(client, path, 2)
        news.until(is_master(1))
        ensemble.kill(ensemble.leader_index())
        ensemble.leader_index()
        wait_for(lambda: client.connected and detector.problem is None)
        assert news.empty()
        client.retry(client.delete, node)
        first_since = time.monotonic()
        at, _ = news.until(is_master(2))
        # The bound holds while connected; the new ensemble may still be sorting out who follows whom.
        assert at - first_since < DEADLINE


def test_majority_lost_for_a_while_and_for_longer(ensemble: ZooKeeperEnsemble, path: str) -> None:
    with kazoo(ensemble.hosts) as client:
        client.ensure_path(path)
        client.create(f"{path}/json.info_0000000001", as_json(master_info(1)))
        with watching(ensemble.url(path), session_timeout=4.0) as (detector, news):
            news.until(is_master(1))
            leader = ensemble.leader_index()
            lost = time.monotonic()
            ensemble.kill(leader)
            ensemble.kill((leader + 1) % 3)
            wait_for(lambda: detector.problem is not None)
            at, _ = news.until(is_master(None))
            assert 4.0 <= at - lost < DEADLINE
            ensemble.restore()
            restored = time.monotonic()
            at, _ = news.until(is_master(1))
            assert at - restored < DEADLINE
            wait_for(lambda: detector.problem is None)


def test_expired_session_is_renewed(ensemble: ZooKeeperEnsemble, path: str) -> None:
    with kazoo(ensemble.hosts) as client, watching(ensemble.url(path)) as (detector, news):
        node = create(client, path, 1)
        create(client, path, 2)
        news.until(is_master(1))
        identity = detector._source._connection._client.client_id  # type: ignore[attr-defined]
        # Whoever resumes a session and closes it ends it for its owner, too.
        usurper = KazooClient(ensemble.hosts, timeout=10, client_id=identity)
        usurper.start(timeout=DEADLINE)
        usurper.stop()
        usurper.close()
        wait_for(lambda: detector.counts.expired_sessions == 1)
        wait_for(lambda: detector.problem is None)
        client.delete(node)
        news.until(is_master(2))
        assert news.empty()


def test_frozen_server_is_left_for_another(ensemble: ZooKeeperEnsemble, path: str) -> None:
    with kazoo(ensemble.hosts) as client:
        client.ensure_path(path)
        client.create(f"{path}/json.info_0000000001", as_json(master_info(1)))
        with watching(ensemble.url(path), session_timeout=4.0) as (detector, news):
            news.until(is_master(1))
            for index in range(3):
                ensemble.freeze(index)
            wait_for(lambda: detector.problem is not None)
            for index in range(3):
                ensemble.thaw(index)
            wait_for(lambda: detector.problem is None)
            assert detector.leader(timeout=DEADLINE).info.id == "master-1"


def test_digest_credentials(ensemble: ZooKeeperEnsemble, path: str) -> None:
    secret = "user:p@ss:word"
    acl = [make_digest_acl("user", "p@ss:word", all=True)]
    with kazoo(ensemble.hosts, auth=secret) as client:
        client.ensure_path(path, acl=acl)
        data = as_json(master_info(1))
        client.create(f"{path}/json.info_", data, acl=acl, ephemeral=True, sequence=True)
        with watching(ensemble.url(path, credential=secret)) as (_, news):
            news.until(is_master(1))
        for credential in ("user:wrong", None):
            failures: News[DetectorError] = News()
            with detect(ensemble.url(path, credential=credential)) as detector:
                detector.watch(lambda leader: None, on_failure=failures)
                assert "does not allow" in str(failures.next())
                with pytest.raises(DetectionFailedError, match="does not allow") as caught:
                    detector.leader(timeout=DEADLINE)
                assert "wrong" not in str(caught.value)


def test_zookeeper_down_at_start(path: str, caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    with caplog.at_level(logging.WARNING):
        with watching(f"zk://127.0.0.1:{port}{path}") as (detector, news):
            with pytest.raises(DetectionTimeoutError):
                detector.leader(timeout=0.2)
            wait_for(lambda: detector.problem is not None)
            assert "cannot be reached" in str(detector.problem)
            with pytest.raises(DetectionTimeoutError, match="cannot be reached"):
                detector.leader(timeout=0.2)
            assert news.empty()
    assert "cannot be reached" in caplog.text
    assert [record.name for record in caplog.records] == ["mesos.detector"]


def test_zookeeper_that_comes_up_later(path: str, running_ensemble: ZooKeeperEnsemble) -> None:
    with ZooKeeperEnsemble(1) as single:
        single.kill(0)
        with watching(single.url(path)) as (_, news):
            single.restore()
            with kazoo(single.hosts) as client:
                create(client, path, 1)
                news.until(is_master(1))


def test_host_name_that_does_not_resolve(path: str) -> None:
    with watching(f"zk://no-such-host.invalid:2181{path}") as (detector, _):
        with pytest.raises(DetectionTimeoutError):
            detector.leader(timeout=0.2)


@pytest.mark.parametrize("delay", [0, 0.001, 0.01, 0.1])
def test_stop_at_any_moment(ensemble: ZooKeeperEnsemble, path: str, delay: float) -> None:
    with kazoo(ensemble.hosts) as client:
        create(client, path, 1)
        with watching(ensemble.url(path)):
            time.sleep(delay)


def test_refresh_again_and_again(ensemble: ZooKeeperEnsemble, path: str) -> None:
    with kazoo(ensemble.hosts) as client, watching(ensemble.url(path)) as (detector, news):
        create(client, path, 1)
        news.until(is_master(1))
        for _ in range(200):
            detector.refresh()
        node = create(client, path, 2)
        wait_for(lambda: len(detector.masters) == 2)
        client.delete(node)
        wait_for(lambda: len(detector.masters) == 1)
        watchers = detector._source._connection._client._child_watchers  # type: ignore[attr-defined]
        assert all(len(entry) == 1 for entry in watchers.values())


def test_stop_is_bounded_while_zookeeper_hangs(
    ensemble: ZooKeeperEnsemble, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mesos_detector._kazoo._CLOSE_SECONDS", 0.2)
    detector = detect(ensemble.url(path), session_timeout=60)
    with kazoo(ensemble.hosts) as client:
        create(client, path, 1)
        detector.leader(timeout=DEADLINE)
    for index in range(3):
        ensemble.freeze(index)
    begin = time.monotonic()
    detector.stop()
    assert time.monotonic() - begin < 20
    ensemble.restore()
    wait_for(lambda: not any("mesos-detector" in thread.name for thread in threading.enumerate()))


def test_stop_is_bounded_while_the_name_service_hangs(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setattr("mesos_detector._kazoo._CLOSE_SECONDS", 0.2)
    asked, release = threading.Event(), threading.Event()

    def hang(*arguments: object, **options: object) -> list[object]:
        asked.set()
        release.wait(60)
        raise socket.gaierror("no such host")

    monkeypatch.setattr("socket.getaddrinfo", hang)
    detector = detect(f"zk://somewhere.example:2181{path}")
    with pytest.raises(DetectionTimeoutError, match="no answer yet"):
        detector.leader(timeout=0.1)
    assert asked.wait(DEADLINE)
    begin = time.monotonic()
    detector.stop()
    assert time.monotonic() - begin < 20
    release.set()
    wait_for(lambda: not any("mesos-detector" in thread.name for thread in threading.enumerate()))
