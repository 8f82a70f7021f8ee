"""glog's flags for `argparse`, in both spellings (`-v=2`, `--v 2`), and from the environment (`GLOG_v`).

What is given on the command line wins over the environment, that over what the code says.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping

from . import bridge, control
from .errors import FlagError
from .settings import PARSERS, Settings, parse_bool

ENVIRONMENT_PREFIX = "GLOG_"
_DEST = "glog_"

_VALUE_FLAGS = {
    "v": ("N", "show V logs up to this level"),
    "vmodule": ("PATTERN=N,...", "the V level of files by name or path, as messenger=2,detector*=3"),
    "log_backtrace_at": (
        "FILE:N,...",
        "add a stack trace to what is logged at these lines, as driver.py:234",
    ),
    "stderrthreshold": ("SEVERITY", "log to stderr too from this severity on (ERROR)"),
    "log_dir": ("DIR", "where log files go ($TMPDIR or /tmp)"),
    "log_link": ("DIR", "make links to the log files here as well"),
    "logbuflevel": ("N", "write records above this severity at once; -1: all (0)"),
    "logbufsecs": ("S", "write the others within this many seconds (1)"),
    "max_log_size": ("MB", "begin a new file at this size; units: 512KB (1800)"),
}
_BOOL_FLAGS = {
    "logtostderr": "log to stderr instead of files",
    "alsologtostderr": "log to stderr as well as to files",
    "colorlogtostderr": "colour what goes to stderr (if it is a terminal)",
}
_BOOL_TEXTS = ("true", "false", "1", "0", "t", "f", "True", "False", "TRUE", "FALSE", "T", "F")


def add_flags(parser: argparse.ArgumentParser, prefix: str = "") -> None:
    """Add glog's flags to a parser, each with one dash and two; `init(parser.parse_args())` obeys them.

    A prefix before each name avoids clashes with flags of the program's own.
    """
    group = parser.add_argument_group("logging")
    for name, (metavar, help) in _VALUE_FLAGS.items():
        group.add_argument(
            *(f"-{prefix}{name}", f"--{prefix}{name}"),
            dest=_DEST + name,
            metavar=metavar,
            default=argparse.SUPPRESS,
            type=_argument_type(name),
            help=help,
        )
    for name, help in _BOOL_FLAGS.items():
        _add_bool(group, prefix, name, help)


def _add_bool(group: argparse._ArgumentGroup, prefix: str, name: str, help: str) -> None:
    """Add a flag that is `-name` or `-name=value`, but never takes the next word for its value."""
    for text in ("", *_BOOL_TEXTS):
        tail = f"={text}" if text else ""
        group.add_argument(
            *(f"-{prefix}{name}{tail}", f"--{prefix}{name}{tail}"),
            dest=_DEST + name,
            action="store_const",
            const=parse_bool(text or "true"),
            default=argparse.SUPPRESS,
            help=argparse.SUPPRESS if text else help,
        )


def _argument_type(name: str) -> Callable[[str], object]:
    """Return what argparse checks and converts a value with."""

    def convert(text: str) -> object:
        try:
            PARSERS[name](text)
        except FlagError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        return text

    return convert


def from_environment(environ: Mapping[str, str]) -> dict[str, object]:
    """Return the settings an environment has: `GLOG_v=2`, `GLOG_logtostderr=1`, …; empty ones are none."""
    given = {name: environ.get(ENVIRONMENT_PREFIX + name) for name in PARSERS}
    return {name: value for name, value in given.items() if value}


def init(
    args: argparse.Namespace | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    capture_logging: bool = True,
    **defaults: object,
) -> Settings:
    """Set up a program's logging: settings from code, environment and flags, and `logging` through pyglog.

    `args` is what a parser with `add_flags` has parsed. Raises `FlagError`. Returns the settings in force.
    """
    given = {
        name.removeprefix(_DEST): value
        for name, value in vars(args or argparse.Namespace()).items()
        if name.startswith(_DEST) and name.removeprefix(_DEST) in PARSERS
    }
    try:
        control.configure(**{**defaults, **from_environment(environ), **given})
    except FlagError as error:
        raise FlagError(f"{error} (flag, {ENVIRONMENT_PREFIX}… variable or init argument)") from None
    if capture_logging:
        bridge.install()
    return control.settings()
