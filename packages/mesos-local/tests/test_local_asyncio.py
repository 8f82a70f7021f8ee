"""A cluster under asyncio."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from local_scheduler import DEADLINE
from mesos_local import ClusterError, LocalCluster
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import AsyncSchedulerDriver


def test_a_driver_and_a_cluster_share_a_loop() -> None:
    async def main() -> str:
        async with LocalCluster() as cluster:
            info = mesos.FrameworkInfo(user="", name="async", failover_timeout=60.0)
            async with AsyncSchedulerDriver(info, cluster.master_address, bind="127.0.0.1:0") as driver:
                async for event in driver:
                    return type(event).__name__
        raise AssertionError("there was no event")

    assert asyncio.run(asyncio.wait_for(main(), DEADLINE)) == "Registered"


def test_a_start_that_is_called_off_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()
    cluster = LocalCluster(work_dir=tmp_path)
    start = cluster.start

    def slow() -> LocalCluster:
        begun.set()
        assert go_on.wait(DEADLINE)
        return start()

    monkeypatch.setattr(cluster, "start", slow)

    async def main() -> None:
        entering = asyncio.ensure_future(cluster.__aenter__())
        await asyncio.to_thread(begun.wait, DEADLINE)
        entering.cancel()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await entering

    asyncio.run(main())
    assert not cluster.agents and not cluster.masters[0].running


def test_an_error_of_the_start_is_raised() -> None:
    async def main() -> None:
        async with LocalCluster(ip="192.0.2.1"):
            raise AssertionError("nobody has this address")

    with pytest.raises(ClusterError, match=r"192\.0\.2\.1"):
        asyncio.run(main())
