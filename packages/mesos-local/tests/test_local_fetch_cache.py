"""The fetcher's cache: one download for all who want the same, within bounds, and nothing half done."""

from __future__ import annotations

import os
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from local_groups import running_pod
from local_scheduler import Recorder, command_task, running
from mesos_local import LocalCluster
from mesos_local.agent.fetch_cache import FetchCache
from mesos_local.agent.fetcher import fetch
from mesos_local.errors import FetchError
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v1 import mesos_pb2 as mesos


class Source:
    """Something to download, and how often it was."""

    def __init__(self, content: bytes, told: int | None = -1) -> None:
        self.content = content
        self.told = len(content) if told == -1 else told
        self.downloads = 0

    def download(self, path: str) -> None:
        self.downloads += 1
        Path(path).write_bytes(self.content)

    def read(self, cache: FetchCache, uri: str = "http://a/file", user: str = "") -> bytes | None:
        """Fetch it through the cache."""
        name = uri.rpartition("/")[2]
        with cache.entry(user, uri, name, lambda: self.told, self.download) as path:
            return None if path is None else Path(path).read_bytes()


@pytest.fixture
def cache(tmp_path: Path) -> FetchCache:
    return FetchCache(tmp_path / "cache", 100)


def kept(cache: FetchCache) -> list[str]:
    return sorted(path.name[33:] for path in (cache.directory / "entries").iterdir())


def test_the_same_for_the_same_user_is_downloaded_once(cache: FetchCache) -> None:
    source = Source(b"x" * 30)
    assert source.read(cache) == source.read(cache) == source.content
    assert source.downloads == 1
    source.read(cache, user="other")
    source.read(cache, uri="http://b/file")
    assert source.downloads == 3


def test_the_least_recently_used_makes_room(cache: FetchCache) -> None:
    source = Source(b"x" * 40)
    for number, uri in enumerate(("/a", "/b")):
        source.read(cache, uri)
        os.utime(
            next(each for each in (cache.directory / "entries").iterdir() if each.name.endswith(uri[1:])),
            (number, number),
        )
    source.read(cache, "/a")
    source.read(cache, "/c")
    assert kept(cache) == ["a", "c"]


def test_what_is_in_use_is_not_removed_and_what_does_not_fit_goes_past(cache: FetchCache) -> None:
    source = Source(b"x" * 60)
    with cache.entry("", "/a", "a", lambda: 60, source.download) as held:
        assert held is not None
        assert source.read(cache, "/b") is None
        cache.clear()
        assert Path(held).exists()
    assert source.read(cache, "/b") == source.content
    assert kept(cache) == ["b"]
    cache.clear()
    assert kept(cache) == []


@pytest.mark.parametrize("told", [None, 101])
def test_what_is_too_large_or_of_unknown_size_is_not_downloaded_into_the_cache(
    cache: FetchCache, told: int | None
) -> None:
    source = Source(b"x", told)
    assert source.read(cache) is None
    assert source.downloads == 0


def test_more_than_was_told_is_not_kept(cache: FetchCache) -> None:
    source = Source(b"x" * 101, told=10)
    assert source.read(cache) is None
    assert not [path for path in cache.directory.rglob("*file") if path.parent.name != "locks"]


def test_a_download_that_fails_leaves_nothing_and_is_tried_again(cache: FetchCache) -> None:
    source = Source(b"x" * 60)

    def broken(path: str) -> None:
        Path(path).write_bytes(b"half")
        raise OSError("the line broke")

    with pytest.raises(OSError, match="broke"):
        with cache.entry("", "http://a/file", "file", lambda: 60, broken):
            pytest.fail("there is nothing to use")
    assert not [path for path in cache.directory.rglob("*file") if path.parent.name != "locks"]
    assert source.read(cache) == source.content


def test_many_who_want_the_same_at_once_wait_for_one_download(cache: FetchCache) -> None:
    source = Source(b"x" * 60)
    begun, go_on = threading.Event(), threading.Event()

    def slow(path: str) -> None:
        begun.set()
        assert go_on.wait(30.0)
        source.download(path)

    got: list[bytes] = []

    def want() -> None:
        with cache.entry("", "/a", "a", lambda: 60, slow) as path:
            assert path is not None
            got.append(Path(path).read_bytes())

    threads = [threading.Thread(target=want) for _ in range(5)]
    for thread in threads:
        thread.start()
    assert begun.wait(30.0)
    go_on.set()
    for thread in threads:
        thread.join(30.0)
    assert got == [source.content] * 5
    assert source.downloads == 1


def uri(value: str, **fields: object) -> v0.CommandInfo.URI:
    return v0.CommandInfo.URI(value=value, cache=True, **fields)  # type: ignore[arg-type]


def test_what_is_made_of_a_cached_file_is_what_was_asked_for(tmp_path: Path, cache: FetchCache) -> None:
    (tmp_path / "inside").write_text("hi")
    archive = tmp_path / "a.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "inside", "inside")
    cache = FetchCache(cache.directory, 100_000)
    for turn in range(2):
        sandbox = tmp_path / str(turn)
        sandbox.mkdir()
        said: list[str] = []
        uris = [
            uri(str(archive)),
            uri(str(archive), extract=False, output_file="kept/b.tar.gz"),
            uri(str(tmp_path / "inside"), executable=True, output_file="program"),
        ]
        fetch(uris, str(sandbox), said.append, cache)
        files = sorted(str(path.relative_to(sandbox)) for path in sandbox.rglob("*") if path.is_file())
        assert files == ["inside", "kept/b.tar.gz", "program"]
        assert os.access(sandbox / "program", os.X_OK)
        assert (sandbox / "kept/b.tar.gz").read_bytes() == archive.read_bytes()


def test_what_is_not_there_is_no_fetch(tmp_path: Path, cache: FetchCache) -> None:
    with pytest.raises(FetchError, match="no-such-file"):
        fetch([uri(str(tmp_path / "no-such-file"))], str(tmp_path), lambda line: None, cache)


@pytest.fixture
def counted(tmp_path: Path) -> Iterator[tuple[str, Callable[[], list[str]]]]:
    """A server of one file, and the requests it has had."""
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "data").write_text("content")
    requests: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(tmp_path / "served"))  # type: ignore[arg-type]

        def log_request(self, *args: object) -> None:
            requests.append(self.command)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/data", lambda: requests
        finally:
            server.shutdown()
            thread.join(30.0)


def test_commands_and_groups_of_an_agent_share_what_was_downloaded(
    cluster: LocalCluster, counted: tuple[str, Callable[[], list[str]]]
) -> None:
    address, requests = counted

    def cached(tasks: list[mesos.TaskInfo]) -> None:
        for task in tasks:
            task.command.uris.add(value=address, cache=True)

    def single(offer: mesos.Offer) -> list[mesos.TaskInfo]:
        tasks = [command_task(offer, 'test "$(cat data)" = content')]
        cached(tasks)
        return tasks

    recorder = Recorder(single)
    with running(cluster, recorder):
        recorder.until("TASK_FINISHED")
    with running_pod(cluster) as pod:
        pod.launch(cached, one='test "$(cat data)" = content', two='test "$(cat data)" = content')
        for name in ("one", "two"):
            pod.recorder.until("TASK_FINISHED", name)
    assert requests() == ["HEAD", "GET"]
