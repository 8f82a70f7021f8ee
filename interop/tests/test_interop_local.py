"""The embedded cluster against the real one: the C++ driver must not notice the difference."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from mesos_local import LocalCluster, MasterSettings
from realmesos import Build
from realmesos.fixtures import ClusterFactory
from realmesos.framework import Framework
from realmesos.process import wait_for
from realmesos.transcript import Transcript, takeover

pytestmark = pytest.mark.ci

RESOURCES = "cpus:4;mem:4096;disk:10000;ports:[31000-32000]"


def test_a_framework_lives_through_the_same(
    real_build: Build, real_cluster: ClusterFactory, tmp_path: Path
) -> None:
    cluster = real_cluster(master_flags={"allocation_interval": "100ms"})
    real = Transcript(real_build, cluster.address, tmp_path / "real.log").run()
    with LocalCluster(1, resources=RESOURCES) as embedded:
        local = Transcript(real_build, embedded.master_address, tmp_path / "local.log").run()

    assert local == real


def completed(address: str) -> Callable[[str], None]:
    def wait(framework_id: str) -> None:
        def probe() -> bool:
            with urllib.request.urlopen(f"http://{address}/state", timeout=10) as answer:
                state = json.load(answer)
            return framework_id in {each["id"] for each in state["completed_frameworks"]}

        wait_for("the framework is completed", probe)

    return wait


def test_taking_over_is_told_in_the_same_words(
    real_build: Build, real_cluster: ClusterFactory, tmp_path: Path
) -> None:
    for name in ("real", "local"):
        (tmp_path / name).mkdir()
    address = real_cluster(agents=0).address
    real = takeover(real_build, address, tmp_path / "real", completed(address))
    with LocalCluster(0) as cluster:
        address = cluster.master_address
        local = takeover(real_build, address, tmp_path / "local", completed(address))

    assert local == real


def test_missing_authentication_is_told_in_the_same_words(real_cluster: ClusterFactory) -> None:
    def message(address: str) -> str:
        with Framework(address) as framework:
            text: str = framework.watcher.wait("error").first
        return text.partition("@")[0].partition("-")[0] + text.rpartition(" is ")[2]

    flags = {"authenticate_frameworks": True}
    real = message(real_cluster(agents=0, credentials={"a": "b"}, master_flags=flags).address)
    with LocalCluster(0, master=MasterSettings(authenticate_frameworks=True)) as cluster:
        local = message(cluster.master_address)

    assert local == real == "Framework at schedulernot authenticated"
