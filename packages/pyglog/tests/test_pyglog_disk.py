"""pyglog and a disk that is really full, and the demo."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyglog
import pytest
from pyglog_helpers import parse_file, read_files, run_program, run_started


def test_file_size_limit_of_the_system_tears_nothing(tmp_path: Path) -> None:
    done = run_started(
        """
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
        for number in range(200):
            pyglog.info("line %d", number)
        """,
        tmp_path,
    )
    assert done.returncode == 0
    (path,) = tmp_path.glob("program.*.log.INFO.*")
    data = path.read_bytes()
    assert 4900 < len(data) <= 5000 and data.endswith(b"\n")
    in_file = [line.message.decode().strip() for line in parse_file(data)]
    on_stderr = re.findall(r"\] (line \d+)\n", done.stderr)
    assert in_file + on_stderr == [f"line {number}" for number in range(200)]
    assert done.stderr.count("pyglog: ") == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with 64 kB."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if sys.platform != "linux" or os.geteuid() != 0 or not mount or not umount:
        pytest.skip("only root can mount a small file system")
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        pytest.skip(f"cannot mount a small file system here: {done.stderr.strip()}")
    yield folder
    subprocess.run([umount, folder], check=True)


def test_disk_that_is_full_tears_and_loses_nothing(tmp_path: Path, small_disk: Path) -> None:
    done = run_started(
        """
        import pathlib
        filler = pathlib.Path(sys.argv[1], "filler")
        filler.write_bytes(bytes(40000))
        pyglog.configure(log_dir=sys.argv[1])
        for number in range(1000):
            pyglog.info("line %d", number)
        pyglog.flush()
        filler.unlink()
        for number in range(1000, 1010):
            pyglog.info("line %d", number)
        pyglog.flush()
        """,
        tmp_path,
        str(small_disk),
    )
    assert done.returncode == 0
    in_file = [line.message.decode().strip() for line in read_files(small_disk)]
    on_stderr = re.findall(r"\] (line \d+)\n", done.stderr)
    assert len(in_file) > 50 and len(on_stderr) > 50
    assert in_file[-10:] == [f"line {number}" for number in range(1000, 1010)]
    assert sorted(in_file + on_stderr, key=lambda text: int(text[5:])) == [f"line {n}" for n in range(1010)]
    assert done.stderr.count("pyglog: ") == 1


def test_colours_on_a_terminal(tmp_path: Path) -> None:
    terminal, end = os.openpty()
    done = subprocess.run(
        [sys.executable, "-c", "import pyglog; pyglog.configure(logtostderr=True); pyglog.error('red')"],
        env={"PYTHONPATH": str(Path(pyglog.__file__).parent.parent), "TERM": "xterm"},
        stderr=end,
        timeout=60,
        check=False,
    )
    os.close(end)
    written = os.read(terminal, 4096).decode()
    os.close(terminal)
    assert done.returncode == 0
    assert re.fullmatch(r"\x1b\[31mE.*\] red\x1b\[0m\r\n", written)


def test_nothing_to_write_to_raises_nothing(tmp_path: Path) -> None:
    done = run_started(
        """
        pyglog.configure(log_dir="/nonexistent")
        os.close(2)
        pyglog.error("lost")
        assert pyglog.stats.lost >= 1
        sys.stderr = None
        pyglog.info("lost too")
        pyglog.flush()
        print("alive")
        """,
        tmp_path,
    )
    assert (done.returncode, done.stdout) == (0, "alive\n")


def test_unwritable_folder_from_the_command_line(tmp_path: Path) -> None:
    done = run_program(
        """
import argparse, pyglog
parser = argparse.ArgumentParser()
pyglog.add_flags(parser)
pyglog.init(parser.parse_args())
pyglog.info("still seen")
""",
        tmp_path,
        "-log_dir=/proc/nowhere",
    )
    assert done.returncode == 0
    assert done.stderr.count("pyglog: cannot make a log file in /proc/nowhere (see -log_dir)") == 1
    assert done.stderr.count("] still seen\n") == 1


def test_demo_shows_everything(tmp_path: Path) -> None:
    done = run_program(
        "import runpy, sys\n"
        "sys.argv = ['demo', '-colorlogtostderr']\n"
        "runpy.run_module('pyglog.demo', run_name='__main__')\n",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    for title in (
        "severities",
        "-vmodule",
        "the files in",
        "a file that is full",
        "fatal, in a process of its own",
    ):
        assert f"== {title}" in done.stdout.replace("== -v and ", "== "), done.stdout
    assert "\x1b[31mE" in done.stderr and "\x1b[33mW" in done.stderr
    assert done.stdout.count("log.INFO.") >= 4 and "exit status 2" in done.stdout
    for message in (
        "V(1) is on: -v=1",
        "V(3) is on: -vmodule=demo=3",
        "V(2) is on: -vmodule=d?m*=2",
        "debug is V(1)",
    ):
        assert message in done.stderr
    assert "V(3) is on: -vmodule=d?m*=2" not in done.stderr
    assert "The files are in" not in done.stdout
