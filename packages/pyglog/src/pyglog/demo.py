"""`python -m pyglog.demo`: look at levels, colours, files, and `-vmodule` switched while it runs."""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path

import pyglog
from pyglog import V

_FATAL = """\
import pyglog, sys
pyglog.init(log_dir=sys.argv[1], program='demo')
pyglog.fatal('nothing works any more')
"""


def _title(text: str) -> None:
    print(f"\n== {text}", flush=True)


def _levels() -> None:
    _title("severities on stderr, and a record of `logging`")
    pyglog.info("registered with master at %s", "10.0.0.1:5050")
    pyglog.warning("offer %s is about to expire", "offer-7")
    pyglog.error("task %s failed with status %d", "task-1", 137)
    try:
        int("agent")
    except ValueError:
        pyglog.exception("an exception with its traceback")
    logging.getLogger("kazoo.client").warning("a library's own record")
    pyglog.info("anything: % { } %s \u00e9 \u2026 \ud83d")


def _chatter(when: str) -> None:
    for level in (1, 2, 3):
        V(level).info("V(%d) is on: %s", level, when)
    logging.getLogger("mesos.demo").debug("logging.debug is V(1): %s", when)


def _verbosity() -> None:
    _title("-v and -vmodule, switched while the program runs; this file is demo.py")
    for changes in (
        {"v": 0},
        {"v": 1},
        {"vmodule": "demo=3"},
        {"vmodule": "d?m*=2,demo=3"},
        {"vmodule": "other=3"},
    ):
        asked = " ".join(f"-{name}={value}" for name, value in changes.items())
        print(f"  {asked}", flush=True)
        pyglog.configure(**changes)
        _chatter(asked)
    pyglog.configure(v=0, vmodule="")


def _rotation() -> None:
    _title("a file that is full: the chain of files, one a second at most")
    with pyglog.overridden(max_log_size="1KB", alsologtostderr=False, logbuflevel=-1):
        for second in range(3):
            for number in range(20):
                pyglog.info("filling the file, second %d, line %d", second, number)
            time.sleep(1.0)
    for path in pyglog.names("INFO"):
        print(f"  {os.path.basename(path)}  {os.path.getsize(path)} bytes")


def _files(folder: str) -> None:
    _title(f"the files in {folder}")
    pyglog.flush()
    for name in sorted(os.listdir(folder)):
        path = Path(folder, name)
        print(f"  {name} -> {os.readlink(path)}" if path.is_symlink() else f"  {name}")
    link = next(path for path in Path(folder).iterdir() if path.is_symlink() and path.name.endswith(".ERROR"))
    print(f"\n{link.name}:\n" + textwrap.indent(link.read_text(encoding="utf-8"), "  "))
    print("counted:", pyglog.stats.info, pyglog.stats.warning, pyglog.stats.error)


def _fatal(folder: str) -> None:
    _title("fatal, in a process of its own")
    done = subprocess.run([sys.executable, "-c", _FATAL, folder], check=False)
    print(f"exit status {done.returncode}")


def main(argv: Sequence[str] | None = None) -> int:
    """Show everything; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m pyglog.demo", description="Show what pyglog does. Takes glog's flags."
    )
    parser.add_argument("--keep", action="store_true", help="keep the log files")
    pyglog.add_flags(parser)
    args = parser.parse_args(argv)
    folder = tempfile.mkdtemp(prefix="pyglog-demo-")
    pyglog.init(args, alsologtostderr=True, log_dir=folder)
    folder = pyglog.settings().log_dir
    try:
        _levels()
        _verbosity()
        _files(folder)
        _rotation()
        _fatal(folder)
    finally:
        pyglog.configure(logtostderr=True)
        if args.keep or folder == getattr(args, "glog_log_dir", None):
            print(f"\nThe files are in {folder}")
        else:
            shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
