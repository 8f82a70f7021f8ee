"""Leaders that change while tasks are launched, run and end: over v0 and v1, no task is unaccounted for."""

from __future__ import annotations

from pathlib import Path

import pytest
from local_leaders import run
from local_zookeeper import three_masters
from mesos_detector.testing import ZooKeeperEnsemble


@pytest.mark.parametrize("api", ["v0", "v1"])
def test_every_task_is_accounted_for_when_leaders_change(
    zookeeper: ZooKeeperEnsemble, api: str, tmp_path: Path
) -> None:
    with three_masters(zookeeper, agents=2, zk_session_timeout=1.0) as cluster:
        report = run(cluster, api, ways=["expire", "stop", "crash"], tasks=12, ran=tmp_path / "ran")
    assert report.finished + report.lost == 12 and len(report.changes) == 3
    assert report.finished > 0
