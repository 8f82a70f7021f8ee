"""How the detector is used, for the type checker."""

from __future__ import annotations

import asyncio

from mesos_detector import (
    AsyncDetector,
    Candidacy,
    Contender,
    Counts,
    Detector,
    DetectorError,
    Leader,
    MasterAddress,
    detect,
    leader_of,
    parse_master,
)
from mesos_detector.testing import ZooKeeperEnsemble
from mesos_proto.v0 import mesos_pb2


def on_leader(leader: Leader | None) -> None:
    if leader is not None:
        pid: str = leader.pid
        url: str = leader.url
        info: mesos_pb2.MasterInfo = leader.info
        confirmed: bool = leader.confirmed
        print(pid, url, info.version, confirmed)


def on_failure(error: DetectorError) -> None:
    raise error


def on_masters(masters: tuple[mesos_pb2.MasterInfo, ...]) -> None:
    print(len(masters))


def blocking() -> Leader:
    with detect("zk://h1:2181/mesos", session_timeout=10, authorization=lambda: "Bearer x") as detector:
        detector.watch(on_leader, on_failure=on_failure)
        detector.watch_masters(on_masters)
        for leader in detector:
            if leader is not None:
                return leader
        counts: Counts = detector.counts
        problem: str | None = detector.problem
        print(counts.changes, problem)
        return detector.leader(timeout=10)


async def asynchronous(detector: Detector) -> None:
    async with AsyncDetector(detector) as following:
        first: Leader = await following.leader(timeout=10)
        print(first.pid)
        async for leader in following:
            on_leader(leader)


def contend(info: mesos_pb2.MasterInfo) -> Candidacy:
    with Contender("zk://h1:2181/mesos", info, on_elected=lambda: None, on_lost=print) as contender:
        contender.wait_elected(timeout=10)
        return contender.state


def main() -> None:
    address: MasterAddress = parse_master("localhost:5050")
    leader: Leader = leader_of(mesos_pb2.MasterInfo())
    print(address, leader)
    with ZooKeeperEnsemble(size=3) as ensemble:
        ensemble.kill(ensemble.leader_index())
        asyncio.run(asynchronous(detect(ensemble.url("/mesos"))))
