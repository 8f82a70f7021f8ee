"""Garbage on the ports and in the queries: the cluster goes on, and nothing outside of a sandbox is read."""

from __future__ import annotations

import os
import random
import resource
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest
from local_scheduler import Recorder, command_task, get, running
from mesos_local import LocalCluster
from mesos_local.agent.files import Files, NotFound

SECRET = b"nobody is to read this"
CONNECTIONS = 1000
DEADLINE = 30.0


@pytest.fixture
def sandbox(tmp_path: Path) -> Path:
    """A sandbox as an agent lays it out, with links out of it, beside others and secrets."""
    executors = tmp_path / "work" / "slaves" / "S1" / "frameworks" / "F1" / "executors"
    mine, other = executors / "mine" / "runs" / "c1", executors / "other" / "runs" / "c2"
    for folder in (mine / "inner", other, tmp_path / "work" / "meta"):
        folder.mkdir(parents=True)
    (mine.parent / "latest").symlink_to(mine)
    (mine / "stdout").write_bytes(b"hello")
    (mine / "inner" / "note").write_bytes(b"note")
    for place in (tmp_path / "secret", tmp_path / "work" / "meta" / "secret", other / "secret"):
        place.write_bytes(SECRET)
    for name, target in (
        ("absolute", tmp_path / "secret"),
        ("relative", Path("../../../../../../../../../secret")),
        ("folder", tmp_path),
        ("root", Path("/")),
        ("neighbour", other / "secret"),
        ("loop", mine / "loop"),
        ("within", mine / "inner" / "note"),
    ):
        (mine / name).symlink_to(target)
    os.mkfifo(mine / "pipe")
    return mine


@pytest.fixture
def files(sandbox: Path) -> Files:
    return Files(str(sandbox.parents[7]), lambda: "S1")


def test_what_is_in_a_sandbox_is_read(sandbox: Path, files: Files) -> None:
    virtual = "/frameworks/F1/executors/mine/runs/latest"
    for path in (
        f"{sandbox}/stdout",
        f"{virtual}/stdout",
        f"{sandbox}/inner/../stdout",
        f"{sandbox}//./stdout",
    ):
        assert files.page(path, "0", None) == (0, b"hello")
    assert files.page(f"{virtual}/within", "1", "2") == (1, b"ot")
    names = {Path(entry.path).name for entry in files.browse(virtual)}
    assert {"stdout", "inner", "absolute", "pipe"} <= names


@pytest.mark.parametrize(
    "path",
    [
        "{mine}/absolute",
        "{mine}/relative",
        "{mine}/folder",
        "{mine}/folder/secret",
        "{mine}/root/etc/passwd",
        "{mine}/neighbour",
        "{mine}/loop",
        "{mine}/nothing",
        "{mine}/stdout/",
        "{mine}/../c2/../../../../../../../../../secret",
        "{mine}/../../../../../../../../../../../../../../etc/passwd",
        "{work}/meta/secret",
        "{work}/slaves",
        "{work}/slaves/S1/frameworks/F1/executors/mine/runs",
        "{work}/slavesX",
        "/frameworks/../../../meta/secret",
        "/frameworks/F1/executors/mine/runs/latest/../../../../../../../../meta/secret",
        "frameworks/F1/executors/mine/runs/latest/folder/secret",
        "/frameworks/F1/executors/mine",
        "/etc/passwd",
        "etc/passwd",
        "//etc/passwd",
        "/proc/self/environ",
        ".",
        "~",
        "\0",
        "{mine}/stdout\0",
        "{mine}/\udcff\udc00",
        "{mine}/\ud800",
        "{mine}/%2e%2e/secret",
        "file://{mine}/stdout",
        "x" * 100_000,
        "{mine}/" + "x/" * 20_000,
    ],
)
def test_nothing_else_is_seen(sandbox: Path, files: Files, path: str) -> None:
    named = path.format(mine=sandbox, work=files.work_dir)
    if named.endswith("stdout/"):  # A file with a slash after it: the file, or nothing.
        assert files.page(named, "0", None) == (0, b"hello")
        return
    for ask in (files.browse, lambda each: files.page(each, "0", None), files.download):
        with pytest.raises(NotFound):
            ask(named)


def test_a_pipe_holds_nobody_up(sandbox: Path, files: Files) -> None:
    with pytest.raises(ValueError, match="Cannot read this"):
        files.page(f"{sandbox}/pipe", "0", None)


def test_a_folder_that_becomes_a_link_in_the_meantime_leads_nowhere(
    sandbox: Path, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.path.realpath
    (sandbox.parents[8] / "note").write_bytes(SECRET)

    def swapped(path: str) -> str:
        found = real(path)
        if found.endswith("/inner/note"):
            (sandbox / "inner").rename(sandbox / "gone")
            (sandbox / "inner").symlink_to(sandbox.parents[8])
        return found

    monkeypatch.setattr(os.path, "realpath", swapped)
    with pytest.raises(NotFound):
        files.page(f"{sandbox}/inner/note", "0", None)
    assert (sandbox / "inner" / "note").read_bytes() == SECRET  # The swap has happened.


def test_files_are_closed(sandbox: Path, files: Files) -> None:
    before = len(os.listdir("/dev/fd"))
    for name in ("stdout", "absolute", "pipe", "inner", "nothing", "\0"):
        for ask in (files.browse, lambda each: files.page(each, "0", None)):
            try:
                ask(f"{sandbox}/{name}")
            except ValueError:
                continue
    assert len(os.listdir("/dev/fd")) == before


@pytest.fixture(scope="module")
def agent_url(cluster: LocalCluster) -> str:
    return f"http://{cluster.agents[0].pid.partition('@')[2]}"


def test_encoded_paths_get_nowhere(cluster: LocalCluster, agent_url: str) -> None:
    recorder = Recorder(lambda offer: [command_task(offer, "printf abc; ln -s /etc link")])
    with running(cluster, recorder):
        recorder.until("TASK_FINISHED")
        executor = f"/frameworks/{recorder.framework_ids[0]}/executors/task/runs/latest"
        assert (
            get(f"{agent_url}/files/read?path={quote(executor, safe='')}%2Fstdout&offset=0")["data"] == "abc"
        )
        with urllib.request.urlopen(
            f"{agent_url}/files/download?path={executor}/stdout", timeout=10
        ) as response:
            assert response.read() == b"abc"
            assert response.headers.get_filename() == "stdout"
        for tail in (
            "/link/passwd",
            "/%6cink/passwd",
            "/stdout%00",
            "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
            "/..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
            "/%252e%252e/x",
            "/%c0%ae%c0%ae/%ff",
        ):
            for action in ("browse", "read", "download"):
                url = f"{agent_url}/files/{action}?path={executor}{tail}&offset=0"
                with pytest.raises(urllib.error.HTTPError) as refused:
                    urllib.request.urlopen(url, timeout=10)
                assert refused.value.code == 404
                refused.value.close()


def test_queries_without_sense_are_refused(agent_url: str) -> None:
    for query in (
        "",
        "path=",
        "path=x&offset=-2",
        "path=x&offset=a",
        "path=x&length=1e9",
        f"path=x&offset={'9' * 5000}",
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{agent_url}/files/read?{query}", timeout=10)
        assert refused.value.code == 400
        refused.value.close()


def _exchange(address: tuple[str, int], data: bytes) -> None:
    """Send garbage, and let the other end do with it what it likes."""
    with socket.create_connection(address, DEADLINE) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        except OSError:
            return  # It was cut off, which is an answer.


def _garbage() -> Iterator[bytes]:
    chance = random.Random(4)
    for length in (1, 2, 7, 100, 5000, 200_000):
        yield from (chance.randbytes(length) for _ in range(5))
    yield b""
    yield b"GET /state HTTP/1.1\r\nHost: x\r\n"
    yield b"GET /state HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 2_000_000
    yield b"GET /" + b"a" * 2_000_000
    yield b"GET /state HTTP/1.1\r\n" + b"A: b\r\n" * 200_000 + b"\r\n"
    yield b"POST /master/mesos.internal.RegisterFrameworkMessage HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf"
    yield b"POST /teardown HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzzzz\r\n"
    yield b"POST /api/v1/scheduler HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n"
    yield b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + chance.randbytes(300)
    yield b"GET /files/read?path=%00%ff%zz HTTP/1.1\r\nHost: x\r\n\r\n" * 50


def test_garbage_does_not_stop_it(cluster: LocalCluster, agent_url: str) -> None:
    for url in (cluster.web_url.rstrip("/"), agent_url):
        host, _, port = url.rpartition("/")[2].partition(":")
        for data in _garbage():
            _exchange((host, int(port)), data)
        assert get(f"{url}/state")["pid"]
    _works(cluster)


def test_a_thousand_open_connections_do_not_stop_it(cluster: LocalCluster, agent_url: str) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * CONNECTIONS + 500  # Both ends are in this process.
    if hard != resource.RLIM_INFINITY and hard < needed:
        pytest.skip(f"needs {needed} open files in a process, and has {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    before, threads = len(os.listdir("/dev/fd")), threading.active_count()
    try:
        with ExitStack() as opened:
            for number in range(CONNECTIONS):
                url = (cluster.web_url.rstrip("/"), agent_url)[number % 2]
                host, _, port = url.rpartition("/")[2].partition(":")
                connection = opened.enter_context(socket.create_connection((host, int(port)), DEADLINE))
                connection.sendall(
                    (b"", b"GET /state HT", b"POST /x HTTP/1.1\r\nContent-Length: 9\r\n\r\n")[number % 3]
                )
            _works(cluster)
        _few_files(before + 20)
        assert threading.active_count() <= threads + 2
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _few_files(most: int) -> None:
    """Wait until the cluster has closed its ends too."""
    closed = threading.Event()
    for _ in range(int(DEADLINE / 0.05)):
        if len(os.listdir("/dev/fd")) <= most:
            return
        closed.wait(0.05)
    raise AssertionError(f"{len(os.listdir('/dev/fd'))} files are open, expected {most} at most")


def _works(cluster: LocalCluster) -> None:
    recorder = Recorder(lambda offer: [command_task(offer, "true")])
    with running(cluster, recorder):
        recorder.until("TASK_FINISHED")
