"""The framework id in a real ZooKeeper."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest
from mesos_detector.testing import ZooKeeperEnsemble, ZooKeeperUnavailableError, find_installation
from mesos_scheduler import FrameworkIdStoreError, ZooKeeperFrameworkIdStore


@pytest.fixture(scope="module")
def server() -> Iterator[ZooKeeperEnsemble]:
    try:
        find_installation()
    except ZooKeeperUnavailableError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"NO ZOOKEEPER: {error}")
    with ZooKeeperEnsemble(1) as ensemble:
        yield ensemble


def test_an_id_is_kept_changed_and_forgotten(server: ZooKeeperEnsemble) -> None:
    store = ZooKeeperFrameworkIdStore(server.url("/frameworks/mine"))
    assert store.load() is None
    store.save("m-0001")
    assert store.load() == "m-0001"
    store.save("m-0002")
    assert ZooKeeperFrameworkIdStore(server.url("/frameworks/mine")).load() == "m-0002"
    store.clear()
    store.clear()
    assert store.load() is None


def test_with_credentials_nobody_else_reads_it(server: ZooKeeperEnsemble) -> None:
    mine = ZooKeeperFrameworkIdStore(server.url("/private/id", credential="me:s3cret"))
    mine.save("m-0003")
    assert mine.load() == "m-0003"
    for credential in ("me:wrong-one", None):
        other = ZooKeeperFrameworkIdStore(server.url("/private/id", credential=credential))
        with pytest.raises(FrameworkIdStoreError, match="cannot read") as refused:
            other.load()
        assert "wrong-one" not in str(refused.value)
    assert "s3cret" not in repr(mine)


def test_what_is_wrong_is_said() -> None:
    for url in ("zk://127.0.0.1:2181", "127.0.0.1:5050", "zk://u:s3cret@127.0.0.1:2181/", "zk://"):
        with pytest.raises(FrameworkIdStoreError) as refused:
            ZooKeeperFrameworkIdStore(url)
        assert "s3cret" not in str(refused.value)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    nobody = ZooKeeperFrameworkIdStore(f"zk://127.0.0.1:{port}/id", timeout=0.5)
    with pytest.raises(FrameworkIdStoreError, match=r"cannot read the framework id at zk://127\.0\.0\.1"):
        nobody.load()
