"""Our executors of commands and groups under a real agent, and health as both clusters tell of it.

Mesos' own executors are not to be had (see README.md), and the stand-ins look at nothing: here the real agent
starts those of the embedded cluster, so that what differs is the agents' and the masters' doing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from differential import health
from differential.client import Site
from mesos_local import LocalCluster
from realmesos import Build, Cluster

pytestmark = pytest.mark.ci

PROGRAM = """#!{python}
import sys
sys.path[:] = {path!r}
from mesos_local.{module} import main
sys.exit(main())
"""


@pytest.fixture(scope="module")
def launcher_dir(real_build: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a real agent, but for the executors."""
    directory = tmp_path_factory.mktemp("libexec")
    for program in real_build.launcher_dir.iterdir():
        (directory / program.name).symlink_to(program)
    path = [os.path.abspath(each) for each in sys.path if each]
    for name, module in (
        ("mesos-executor", "command_executor"),
        ("mesos-default-executor", "default_executor"),
    ):
        program = directory / name
        program.unlink()
        program.write_text(PROGRAM.format(python=sys.executable, path=path, module=module))
        program.chmod(0o755)
    return directory


@pytest.fixture(scope="module")
def addresses(
    real_build: Build, launcher_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """The real master's address, and the embedded one's."""
    directory = tmp_path_factory.mktemp("health")
    with (
        Cluster(
            real_build,
            directory,
            agents=1,
            master_flags={"allocation_interval": "50ms"},
            agent_flags={"launcher_dir": str(launcher_dir)},
        ) as real,
        LocalCluster(resources="cpus:4;mem:4096;disk:10000;ports:[31000-32000]") as local,
    ):
        yield real.address, local.master_address


@pytest.mark.parametrize("script", health.SCRIPTS, ids=lambda script: script.__name__)
def test_health_is_told_alike(addresses: tuple[str, str], script: Callable[[Site], None]) -> None:
    def transcript(address: str) -> list[str]:
        site = Site(address)
        script(site)
        return site.lines

    with ThreadPoolExecutor(len(addresses)) as pool:
        real, local = pool.map(transcript, addresses)
    assert real == local
    assert len(real) > 3
