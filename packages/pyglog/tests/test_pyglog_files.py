"""Log files: names, symlinks, headers, size rotation, and what happens when they cannot be written."""

from __future__ import annotations

import errno
import os
import platform
import re
import time
from collections.abc import Callable
from pathlib import Path

import pyglog
import pytest
from pyglog import NoLogError, Severity, _core, _files
from pyglog_helpers import Logs, parse_file

MOMENT = time.mktime((2024, 12, 23, 1, 23, 45, 0, 0, -1))


class Clock:
    """The time, as the test says."""

    def __init__(self) -> None:
        self.now = MOMENT

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock for records and files."""
    made = Clock()
    monkeypatch.setattr(_core, "_time", made)
    for log in _core.files.logs:
        monkeypatch.setattr(log, "now", made)
    return made


@pytest.mark.parametrize(
    ("hostname", "short"),
    [("", ""), ("host", "host"), ("host.google.com", "host"), ("host.corp.google.com", "host")],
)
def test_short_hostname(hostname: str, short: str) -> None:
    assert _files.short_hostname(hostname) == short


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (["/usr/bin/app"], "app"),
        (["scheduler.py"], "scheduler"),
        (["/x/mesos_local/__main__.py", "-v"], "mesos_local"),
        (["-c"], "python"),
        ([""], "python"),
        ([], "python"),
    ],
)
def test_program_name(monkeypatch: pytest.MonkeyPatch, argv: list[str], name: str) -> None:
    monkeypatch.setattr("sys.argv", argv)
    assert _files.program_name() == name


def test_user_name_cannot_leave_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(variable, "../A b.é9")
    assert _files.user_name() == "___A_b__9"


def test_file_names_and_symlinks(logs: Logs, clock: Clock, tmp_path: Path) -> None:
    links = tmp_path / "links"
    links.mkdir()
    pyglog.configure(log_link=str(links))
    pyglog.error("x")
    host = platform.node().partition(".")[0]
    for severity in ("INFO", "WARNING", "ERROR"):
        (path,) = pyglog.names(severity)
        name = os.path.basename(path)
        assert re.fullmatch(
            rf"test\.{re.escape(host)}\.\w+\.log\.{severity}\.20241223-012345\.{os.getpid()}", name
        )
        assert os.readlink(logs.folder / f"test.{severity}") == name
        assert os.readlink(links / f"test.{severity}") == path
    assert sorted(os.listdir(links)) == ["test.ERROR", "test.INFO", "test.WARNING"]
    assert len(os.listdir(logs.folder)) == 7
    with pytest.raises(NoLogError):
        pyglog.names("FATAL")


def test_file_header(logs: Logs, clock: Clock) -> None:
    pyglog.info("x")
    lines = logs.raw().decode().split("\n")
    assert lines[0] == "Log file created at: 2024/12/23 01:23:45"
    assert lines[1] == f"Running on machine: {platform.node().partition('.')[0]}"
    assert lines[2].startswith("Binary: Built with ") and platform.python_version() in lines[2]
    assert lines[3] == "Previous log: <none>"
    assert lines[4] == "Log line format: [IWEF]mmdd hh:mm:ss.uuuuuu threadid file:line] msg"


def test_names_of_nothing(logs: Logs) -> None:
    with pytest.raises(NoLogError, match="INFO"):
        pyglog.names("INFO")
    with pytest.raises(pyglog.FlagError):
        pyglog.names("FOO")
    pyglog.info("x")
    assert len(pyglog.names("INFO")) == 1


def test_create_fails_if_the_file_exists(tmp_path: Path) -> None:
    descriptor, path = _files.create(str(tmp_path), "p", Severity.INFO, MOMENT)
    os.close(descriptor)
    with pytest.raises(FileExistsError):
        _files.create(str(tmp_path), "p", Severity.INFO, MOMENT)
    os.unlink(path)
    target = tmp_path / "precious"
    os.symlink(target, path)
    with pytest.raises(FileExistsError):
        _files.create(str(tmp_path), "p", Severity.INFO, MOMENT)
    assert not target.exists()


def test_taken_name_is_passed_over(logs: Logs, clock: Clock) -> None:
    name, _ = _files.log_name("test", Severity.INFO, MOMENT, os.getpid())
    (logs.folder / name).write_text("mine")
    pyglog.info("x")
    (path,) = pyglog.names("INFO")
    assert "-012346." in path
    assert (logs.folder / name).read_text() == "mine"


def test_rollover(logs: Logs, clock: Clock) -> None:
    pyglog.configure(logbuflevel=-1)
    long_message = "x" * 1024
    pyglog.info("x")
    (first,) = pyglog.names("INFO")
    size = os.path.getsize(first) + 2 * len(long_message) - 1
    pyglog.configure(max_log_size=f"{size}B")

    clock.now += 1.5
    pyglog.info(long_message)
    pyglog.info(long_message)
    first_again, second = pyglog.names("INFO")
    assert first_again == first
    assert Path(first).read_text().endswith(f"Next log: {second}\nCONTINUED IN NEXT FILE\n")
    assert f"\nPrevious log: {first}\n" in Path(second).read_text()
    assert os.path.getsize(second) < size
    assert os.readlink(logs.folder / "test.INFO") == os.path.basename(second)

    clock.now += 0.499  # in the same second the name would be the same
    pyglog.info(long_message)
    pyglog.info(long_message)
    assert len(pyglog.names("INFO")) == 2
    clock.now += 0.001
    pyglog.info(long_message)
    pyglog.info(long_message)
    assert len(pyglog.names("INFO")) == 3
    clock.now += 60
    pyglog.info(long_message)
    pyglog.info(long_message)
    assert len(pyglog.names("INFO")) == 4
    texts = [Path(path).read_text() for path in pyglog.names("INFO")]
    assert sum(text.count(long_message) for text in texts) == 8


def test_rollover_of_waiting_lines(logs: Logs, clock: Clock) -> None:
    pyglog.configure(max_log_size="2KB")
    for number in range(30):
        pyglog.info("line %02d %s", number, "x" * 200)
        if number % 10 == 9:
            pyglog.flush()
            clock.now += 1
    files = [Path(path).read_text() for path in pyglog.names("INFO")]
    assert len(files) == 3
    assert re.findall(r"line (\d\d)", "".join(files)) == [f"{number:02d}" for number in range(30)]


def test_other_folder_from_the_next_record_on(logs: Logs, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    pyglog.info("here")
    pyglog.configure(log_dir=str(other))
    pyglog.info("there")
    assert logs.messages() == ["here"]
    assert Logs(other).messages() == ["there"]


def test_missing_folder_falls_back_to_stderr_with_one_message(
    logs: Logs, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    missing = tmp_path / "missing"
    pyglog.configure(log_dir=str(missing))
    for number in range(3):
        pyglog.info("info %d", number)
        pyglog.warning("warning %d", number)
        pyglog.error("error %d", number)
    pyglog.flush()
    err = capsys.readouterr().err
    for severity in ("info", "warning", "error"):
        for number in range(3):
            assert err.count(f"] {severity} {number}\n") == 1
    reports = [line for line in err.splitlines() if line.startswith("pyglog: ")]
    assert len(reports) == 1
    assert str(missing) in reports[0] and "-log_dir" in reports[0] and os.strerror(errno.ENOENT) in reports[0]

    missing.mkdir()
    pyglog.info("at last")
    assert Logs(missing).messages() == ["at last"]
    assert capsys.readouterr().err == ""


def test_what_stderr_has_already_is_not_repeated(
    logs: Logs, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pyglog.configure(log_dir=str(tmp_path / "missing"), stderrthreshold="ERROR")
    pyglog.error("once")
    pyglog.warning("once too")
    err = capsys.readouterr().err
    assert err.count("] once\n") == 1 and err.count("] once too\n") == 1
    pyglog.configure(alsologtostderr=True)
    pyglog.info("and this")
    pyglog.flush()
    assert capsys.readouterr().err.count("and this") == 1


class FullDisk:
    """`os.write` that takes only so many bytes."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.write: Callable[[int, bytes], int] = os.write

    def __call__(self, descriptor: int, data: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = self.write(descriptor, bytes(data)[: self.room])
        self.room -= taken
        return taken


@pytest.mark.parametrize("room", [0, 1, 60, 150, 333, 5000])
def test_full_disk_tears_and_loses_nothing(
    logs: Logs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], room: int
) -> None:
    pyglog.info("fits")
    pyglog.flush()
    disk = FullDisk(room)
    monkeypatch.setattr(_files.os, "write", disk)
    expected = [f"é line {number}" for number in range(40)]
    for line in expected:
        pyglog.info(line)
    pyglog.flush()
    err = capsys.readouterr().err
    data = Path(pyglog.names("INFO")[0]).read_bytes()
    assert data.endswith(b"\n")
    in_file = [line.message.decode().rstrip("\n") for line in parse_file(data)][1:]
    on_stderr = re.findall(r"\] (é line \d+)\n", err)
    assert in_file + on_stderr == expected
    assert err.count("pyglog: cannot write") == (1 if on_stderr else 0)

    disk.room = 1 << 20
    pyglog.info("room again")
    assert logs.messages()[-1] == "room again"
    assert capsys.readouterr().err == ""


def test_disk_that_fills_again_and_again_is_told_once_a_minute(
    logs: Logs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pyglog.warning("fits")
    disk = FullDisk(0)
    monkeypatch.setattr(_files.os, "write", disk)
    for _ in range(5):
        disk.room = 0
        pyglog.warning("does not fit")
        disk.room = 10_000
        pyglog.warning("fits")
    err = capsys.readouterr().err
    assert err.count("] does not fit") == 5
    assert err.count("pyglog: ") == 1


def test_full_disk_while_rotating(
    logs: Logs, clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pyglog.configure(max_log_size="1KB", logbuflevel=-1)
    pyglog.info("x" * 600)
    opened = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    disk = FullDisk(0)
    monkeypatch.setattr(_files.os, "write", disk)
    clock.now += 2
    pyglog.info("does not fit " + "y" * 600)
    assert capsys.readouterr().err.count("does not fit y") == 1
    disk.room = 1 << 20
    pyglog.info("fits")
    assert logs.raw().endswith(b"] fits\n")
    if opened:
        assert len(os.listdir("/proc/self/fd")) == opened


def test_no_folder_to_rotate_into_keeps_the_file(
    logs: Logs, clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pyglog.configure(max_log_size="1KB", logbuflevel=-1)
    pyglog.info("x" * 600)
    real = _files.create

    def refuse(*args: object) -> tuple[int, str]:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(_files, "create", refuse)
    clock.now += 2
    for number in range(3):
        pyglog.info("kept %d %s", number, "y" * 600)
    assert capsys.readouterr().err.count("pyglog: ") == 1
    assert [message[:6] for message in logs.messages()[1:]] == ["kept 0", "kept 1", "kept 2"]
    monkeypatch.setattr(_files, "create", real)
    pyglog.info("moved on")
    assert len(pyglog.names("INFO")) == 2
    assert logs.messages() == ["moved on"]


def test_links_that_cannot_be_made_are_no_trouble(
    logs: Logs, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "test.INFO").mkdir()
    pyglog.configure(log_link=str(tmp_path / "missing"))
    pyglog.info("x")
    pyglog.flush()
    assert Path(pyglog.names("INFO")[0]).read_text().endswith("] x\n")
    assert capsys.readouterr().err == ""
    (tmp_path / "test.INFO").rmdir()
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".new")]


def test_descriptor_closed_behind_our_back(logs: Logs, capsys: pytest.CaptureFixture[str]) -> None:
    pyglog.warning("one")
    for log in _core.files.logs[:2]:
        assert log._descriptor is not None
        os.close(log._descriptor)
    pyglog.warning("two")
    pyglog.warning("three")
    assert capsys.readouterr().err.count("] two\n") == 1
    assert logs.messages() == logs.messages("WARNING") == ["three"]


def test_sync_that_fails_is_told(
    logs: Logs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pyglog.info("x")

    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(_files.os, "fsync", fail)
    pyglog.flush()
    assert "pyglog: cannot sync" in capsys.readouterr().err


def test_nowhere_to_write_is_counted(logs: Logs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pyglog.configure(log_dir=str(tmp_path / "missing"))
    monkeypatch.setattr("sys.stderr", None)
    before = pyglog.stats.lost
    pyglog.warning("lost")
    assert pyglog.stats.lost - before == 2  # the message about the file, and the record


def test_record_logged_inside_a_write_is_taken_along(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    nested = []

    def write(descriptor: int, data: bytes) -> int:
        if not nested:  # as a signal handler or a destructor does
            nested.append(True)
            pyglog.warning("nested")
        return real(descriptor, data)

    monkeypatch.setattr(_files.os, "write", write)
    pyglog.warning("outer")
    assert logs.messages() == ["outer", "nested"] or logs.messages() == ["nested", "outer"]
    assert sorted(logs.messages("WARNING")) == ["nested", "outer"]
