"""Fixtures for pytest: an embedded cluster for a test. Name the plugin in the `conftest.py` at the top:

    pytest_plugins = ["mesos_local.pytest_plugin"]

    def test_my_framework(mesos_cluster):
        run(mesos_cluster.master_address)

`@pytest.mark.mesos_cluster(agents=3, resources="cpus:8")` says what kind of cluster a test wants; the
arguments are those of `LocalCluster`, and `authenticate=True`. Several masters without a `zk` get a ZooKeeper
of the plugin's (Java and Debian's package `zookeeper`). Without the mark, all tests of a module share a
cluster, which they must not harm.

For that shared one there are three settings, for the ini file and the command line:
`mesos_cluster_scope` (`function`, `class`, `module`, `package` or `session`), `mesos_cluster_agents`, and
`mesos_cluster_authenticate`: frameworks have to prove that they are `mesos_credential`.

Tests of coroutines use the same fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Any, Literal, cast

import pytest

if TYPE_CHECKING:
    from mesos_auth import Credential
    from mesos_detector.testing import ZooKeeperEnsemble

    from .cluster import LocalCluster

__all__ = ["mesos_cluster", "mesos_credential", "mesos_zookeeper"]

MARK = "mesos_cluster"
_Scope = Literal["session", "package", "module", "class", "function"]
_numbers = count(1)
_SCOPES = ("function", "class", "module", "package", "session")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the settings of the shared cluster."""
    group = parser.getgroup("mesos", "an embedded Mesos cluster")
    for name, default, help in (
        ("scope", "module", "which tests share a cluster: " + ", ".join(_SCOPES)),
        ("agents", "1", "how many agents the shared cluster has"),
        ("authenticate", "false", "whether frameworks have to authenticate: true or false"),
    ):
        parser.addini(f"mesos_cluster_{name}", help, default=default)
        group.addoption(f"--mesos-cluster-{name}", dest=f"mesos_cluster_{name}", help=help)


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known, and read the settings. Raises UsageError for one that cannot be read."""
    text = f"{MARK}(agents=1, ...): the fixture mesos_cluster starts a LocalCluster(agents=1, ...)"
    config.addinivalue_line("markers", text)
    for name, allowed in (("scope", _SCOPES), ("authenticate", ("true", "false"))):
        if _setting(config, name) not in allowed:
            raise pytest.UsageError(
                f"mesos_cluster_{name} is {_setting(config, name)!r}; write one of {', '.join(allowed)}"
            )
    if not _setting(config, "agents").isdecimal():
        raise pytest.UsageError(
            f"mesos_cluster_agents is {_setting(config, 'agents')!r}; write a number of agents"
        )


def _setting(config: pytest.Config, name: str) -> str:
    given = config.getoption(f"mesos_cluster_{name}")
    return str(config.getini(f"mesos_cluster_{name}") if given is None else given)


def _scope(fixture_name: str, config: pytest.Config) -> _Scope:
    return cast(_Scope, _setting(config, "scope"))


@pytest.fixture(scope="session")
def mesos_credential() -> Credential:
    """The credential of clusters with `authenticate`."""
    from mesos_auth import Credential  # Only who asks for a cluster waits for its import.

    return Credential("mesos", "secret")


@pytest.fixture(scope="session")
def mesos_zookeeper() -> Iterator[ZooKeeperEnsemble]:
    """A ZooKeeper server, for clusters of several masters; tests are skipped where it cannot be had."""
    from mesos_detector.testing import ZooKeeperEnsemble, ZooKeeperUnavailableError

    ensemble = ZooKeeperEnsemble(1)
    try:
        ensemble.start()
    except ZooKeeperUnavailableError as error:
        pytest.skip(f"no ZooKeeper: {error}")
    try:
        yield ensemble
    finally:
        ensemble.stop()


def _make(request: pytest.FixtureRequest, *arguments: Any, **wanted: Any) -> LocalCluster:
    """Describe the cluster that is wanted."""
    from .cluster import QUICK_INTERVAL, LocalCluster
    from .master.state import MasterSettings

    if wanted.pop("authenticate", False):
        wanted.setdefault("credentials", [request.getfixturevalue("mesos_credential")])
        wanted.setdefault(
            "master",
            MasterSettings(
                allocation_interval=QUICK_INTERVAL,
                authenticate_frameworks=True,
                authenticate_http_frameworks=True,
            ),
        )
    if wanted.get("masters", 1) > 1 and "zk" not in wanted:
        zookeeper = request.getfixturevalue("mesos_zookeeper")
        wanted["zk"] = zookeeper.url(f"/mesos-{next(_numbers)}")
    return LocalCluster(*arguments, **wanted)


@pytest.fixture(scope=_scope)
def _mesos_shared(request: pytest.FixtureRequest) -> Iterator[LocalCluster]:
    agents = int(_setting(request.config, "agents"))
    authenticate = _setting(request.config, "authenticate") == "true"
    with _make(request, agents, authenticate=authenticate) as cluster:
        yield cluster


@pytest.fixture
def mesos_cluster(request: pytest.FixtureRequest) -> Iterator[LocalCluster]:
    """A running embedded cluster, `LocalCluster`."""
    mark = request.node.get_closest_marker(MARK)
    if mark is None:
        yield request.getfixturevalue("_mesos_shared")
        return
    with _make(request, *mark.args, **mark.kwargs) as cluster:
        yield cluster
