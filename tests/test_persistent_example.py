"""The example for reservations and volumes, against the embedded cluster."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from mesos_auth import Credential
from mesos_executor.pack import pack
from mesos_local import LocalCluster, MasterSettings

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


@pytest.fixture(scope="module")
def executor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(EXAMPLES / "executor.py", tmp_path_factory.mktemp("packed") / "executor.pyz")


@pytest.mark.parametrize("authenticated", [False, True])
def test_it_cleans_up_after_itself(executor: Path, tmp_path: Path, authenticated: bool) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret")
    settings = MasterSettings(allocation_interval=0.1, authenticate_frameworks=authenticated)
    flags = [f"-executor={executor}", "-artifactPort=0", "-task-count=2", "-role=golang", "-logtostderr"]
    if authenticated:
        flags += ["-mesos_authentication_principal=tester", f"-mesos_authentication_secret_file={secret}"]
    with LocalCluster(
        agents=1,
        resources="cpus:2;mem:1024;disk:1024",
        master=settings,
        credentials=[Credential("tester", "s3cret")],
    ) as cluster:
        program = str(EXAMPLES / "persistent_scheduler.py")
        command = [sys.executable, program, f"-master={cluster.master_address}", *flags]
        done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.splitlines()[-1] == "finished 2 of 2 tasks"
        for word in ("RESERVE", "CREATE", "LAUNCH", "DESTROY", "UNRESERVE"):
            assert word in done.stdout
        (agent,) = cluster.master.session.state.agents.values()
        assert not [resource for resource in agent.total if resource.reservations or resource.disk.ByteSize()]
        assert "s3cret" not in done.stdout + done.stderr
