"""Options from the environment, the file store, the artifact server, versions, backoff."""

from __future__ import annotations

import os
import queue
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from mesos_proto.v1 import mesos_pb2 as v1
from mesos_scheduler import (
    ArtifactServer,
    DriverMisuse,
    FileFrameworkIdStore,
    FlagError,
    FrameworkIdStoreError,
    SessionOptions,
    UnsupportedByMaster,
)
from mesos_scheduler._backoff import AuthenticationWindow, RegistrationBackoff
from mesos_scheduler._defaults import complete_framework_info
from mesos_scheduler._tasks import BATCH, Tasks
from mesos_scheduler._versions import UNKNOWN, parse_version, require


def test_driver_flags_of_the_environment() -> None:
    options = SessionOptions().with_environ(
        {
            "MESOS_REGISTRATION_BACKOFF_FACTOR": "500ms",
            "MESOS_AUTHENTICATION_BACKOFF_FACTOR": "2secs",
            "MESOS_AUTHENTICATION_TIMEOUT": "3secs",
            "MESOS_AUTHENTICATION_TIMEOUT_MAX": "2mins",
            "MESOS_AUTHENTICATEE": "crammd5",
        }
    )
    assert options.registration_backoff_factor == 0.5
    assert options.authentication_backoff_factor == 2.0
    assert options.authentication_timeout_min == 3.0
    assert options.authentication_timeout_max == 120.0
    assert SessionOptions().with_environ({}) == SessionOptions()


@pytest.mark.parametrize(
    "environ",
    [
        {"MESOS_REGISTRATION_BACKOFF_FACTOR": "2"},
        {"MESOS_REGISTRATION_BACKOFF_FACTOR": "-2secs"},
        {"MESOS_AUTHENTICATEE": "kerberos"},
    ],
)
def test_a_flag_that_cannot_be_used_is_named(environ: dict[str, str]) -> None:
    with pytest.raises(FlagError, match=next(iter(environ))):
        SessionOptions().with_environ(environ)


def test_the_file_store(tmp_path: Path) -> None:
    store = FileFrameworkIdStore(tmp_path / "id")
    assert store.load() is None
    store.save("m-0001")
    store.save("m-0002")
    assert store.load() == "m-0002"
    assert os.listdir(tmp_path) == ["id"]
    store.clear()
    store.clear()
    assert store.load() is None


def test_the_file_store_says_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "id"
    path.write_text("two words\n")
    with pytest.raises(FrameworkIdStoreError, match="remove it"):
        FileFrameworkIdStore(path).load()
    path.write_bytes(b"\xff")
    with pytest.raises(FrameworkIdStoreError, match="cannot read"):
        FileFrameworkIdStore(path).load()
    nowhere = FileFrameworkIdStore(tmp_path / "missing" / "id")
    with pytest.raises(FrameworkIdStoreError, match="cannot write"):
        nowhere.save("m-0001")
    directory = FileFrameworkIdStore(tmp_path)
    with pytest.raises(FrameworkIdStoreError, match="cannot remove"):
        directory.clear()


def test_the_artifact_server_serves_what_was_added_and_nothing_else(tmp_path: Path) -> None:
    program = tmp_path / "my executor.pyz"
    program.write_bytes(b"#!" * 100_000)
    (tmp_path / "secret").write_text("x")
    fetched: queue.SimpleQueue[str] = queue.SimpleQueue()
    with ArtifactServer(fetched=fetched.put) as artifacts:
        uri = artifacts.add(program)
        assert uri.executable and not uri.extract
        with urllib.request.urlopen(uri.value, timeout=10) as answer:
            assert answer.read() == b"#!" * 100_000
        assert fetched.get(timeout=10) == "my executor.pyz"
        head = urllib.request.Request(uri.value, method="HEAD")
        with urllib.request.urlopen(head, timeout=10) as answer:
            assert answer.headers["Content-Length"] == "200000" and answer.read() == b""
        base = uri.value.rpartition("/")[0]
        for path in ("secret", "..%2fsecret", "", "my executor.pyz/x".replace(" ", "%20")):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"{base}/{path}", timeout=10)
            assert refused.value.code == 404
            refused.value.close()
        assert fetched.empty()
        with pytest.raises(DriverMisuse, match="no file"):
            artifacts.add(tmp_path / "missing")


def test_the_artifact_server_says_which_port_is_taken() -> None:
    with (
        ArtifactServer() as artifacts,
        pytest.raises(DriverMisuse, match=rf"127\.0\.0\.1:{artifacts.port}: .*port 0"),
    ):
        ArtifactServer(port=artifacts.port)


def test_versions() -> None:
    assert parse_version("1.11.0-rc1") == (1, 11)
    assert parse_version("") == UNKNOWN
    require("x", (0, 24), (0, 24))
    with pytest.raises(UnsupportedByMaster, match=r"x needs a master of Mesos 0\.25 or newer.*is 0\.24"):
        require("x", (0, 25), (0, 24))
    with pytest.raises(UnsupportedByMaster, match="names no version"):
        require("x", (0, 25), UNKNOWN)


def test_what_the_program_leaves_open_is_filled_in() -> None:
    info = complete_framework_info(v1.FrameworkInfo(name="n"))
    assert info.user and info.hostname
    given = v1.FrameworkInfo(name="n", user="u", hostname="h")
    assert complete_framework_info(given) == given


def test_backoff_is_random_below_its_bound() -> None:
    backoff = RegistrationBackoff(2.0, lambda: 1.0)
    assert [backoff.next(0.0) for _ in range(7)] == [2, 4, 8, 16, 32, 60, 60]
    backoff.reset()
    assert backoff.next(0.0) == 2
    assert RegistrationBackoff(2.0, lambda: 0.0).next(0.0) == 0


def test_the_authentication_window_widens_up_to_its_maximum() -> None:
    window = AuthenticationWindow(1.0, 5.0, 60.0, lambda: 1.0)
    assert [window.next() for _ in range(7)] == [7, 9, 13, 21, 37, 60, 60]
    assert AuthenticationWindow(1.0, 5.0, 1.0, lambda: 1.0).next() == 5.0


def test_questions_are_asked_in_batches() -> None:
    tasks = Tasks()
    for number in range(BATCH + 1):
        tasks.launched(f"t{number}", "S1")
    assert tasks.questions() == []
    tasks.ask_for_all()
    assert [len(batch) for batch in tasks.questions()] == [BATCH, 1]
    tasks.updated("t0", "", v1.TASK_RUNNING)
    assert "t0" in tasks and len(tasks) == BATCH + 1
    tasks.updated("t1", "S1", v1.TASK_FINISHED)
    assert "t1" not in tasks and tasks.unanswered == BATCH - 1
