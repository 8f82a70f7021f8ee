"""The Go package's names, for code that is ported: `import pyglog.go as glog`.

Each severity (`Info Warning Error Fatal Exit`) has the forms of the Go package:

| Go | what it does here | Python's way |
|---|---|---|
| `Info(a, b)` | prints the operands; spaces between two that are no strings | `info(f"{a} {b}")` |
| `Infoln(a, b)` | prints the operands, spaces between all | |
| `Infof(format, a)` | `%` formatting; Go's `%v %q %t` are understood | `info(format, a)` |
| `InfoDepth(1, a)`, `InfoDepthf` | for a caller further up | `info(…, depth=1)` |
| `InfoContext(ctx, a)`, `InfoContextf`, `InfoContextDepth`, `InfoContextDepthf` | with a context for sinks | `info(…, context=ctx)` |
| `V(2).Info(a)`, `.Infof`, … , `VDepth(1, 2)` | the same under a verbosity level | `V(2).info(…)` |
| `Flush()`, `Names("INFO")`, `Stats.Info.Lines()` | | `flush()`, `names("INFO")`, `stats.info.lines` |
| `CopyStandardLogTo` | not here: `logging` has severities of its own | `install()` |
| `MaxSize` | not here: it is a flag | `configure(max_log_size=…)` |
"""  # noqa: E501

from __future__ import annotations

import functools
import re
from typing import Protocol

from . import _calls, control, verbosity
from .control import OutputStats, flush, names

_VERB = re.compile(r"%([-+# 0]*)([0-9]*(?:\.[0-9]+)?)([vqt%])")


class _Log(Protocol):
    def __call__(self, msg: object, *args: object, depth: int = 0, context: object = None) -> None: ...


@functools.lru_cache(maxsize=1024)
def translate_format(format: str) -> str:
    """Return a format with Go's `%v`, `%t` as `%s` and `%q`, `%#v` as `%r`."""

    def verb(match: re.Match[str]) -> str:
        flags, width, kind = match.groups()
        if kind == "%":
            return match.group()
        quoted = kind == "q" or (kind == "v" and "#" in flags)
        return f"%{'-' if '-' in flags else ''}{width}{'r' if quoted else 's'}"

    return _VERB.sub(verb, format)


def print_text(args: tuple[object, ...]) -> str:
    """Return operands in a row as Go's `fmt.Print` does: a space between two of which none is a string."""
    pieces: list[str] = []
    for position, arg in enumerate(args):
        if position and not isinstance(arg, str) and not isinstance(args[position - 1], str):
            pieces.append(" ")
        pieces.append(str(arg))
    return "".join(pieces)


def println_text(args: tuple[object, ...]) -> str:
    """Return operands in a row as Go's `fmt.Println` does: a space between all."""
    return " ".join(map(str, args))


class _Forms:
    """The nine forms of one severity, over its function."""

    def __init__(self, function: _Log) -> None:
        self._log = function

    def plain(self, *args: object) -> None:
        self._log(print_text(args), depth=1)

    def line(self, *args: object) -> None:
        self._log(println_text(args), depth=1)

    def format(self, format: str, *args: object) -> None:
        self._log(translate_format(format), *args, depth=1)

    def depth(self, depth: int, *args: object) -> None:
        self._log(print_text(args), depth=depth + 1)

    def depth_format(self, depth: int, format: str, *args: object) -> None:
        self._log(translate_format(format), *args, depth=depth + 1)

    def context(self, context: object, *args: object) -> None:
        self._log(print_text(args), depth=1, context=context)

    def context_format(self, context: object, format: str, *args: object) -> None:
        self._log(translate_format(format), *args, depth=1, context=context)

    def context_depth(self, context: object, depth: int, *args: object) -> None:
        self._log(print_text(args), depth=depth + 1, context=context)

    def context_depth_format(self, context: object, depth: int, format: str, *args: object) -> None:
        self._log(translate_format(format), *args, depth=depth + 1, context=context)


_info, _warning, _error = _Forms(_calls.info), _Forms(_calls.warning), _Forms(_calls.error)
_fatal, _exit = _Forms(_calls.fatal), _Forms(_calls.exit)

Info, Infoln, Infof = _info.plain, _info.line, _info.format
InfoDepth, InfoDepthf = _info.depth, _info.depth_format
InfoContext, InfoContextf = _info.context, _info.context_format
InfoContextDepth, InfoContextDepthf = _info.context_depth, _info.context_depth_format

Warning, Warningln, Warningf = _warning.plain, _warning.line, _warning.format
WarningDepth, WarningDepthf = _warning.depth, _warning.depth_format
WarningContext, WarningContextf = _warning.context, _warning.context_format
WarningContextDepth, WarningContextDepthf = _warning.context_depth, _warning.context_depth_format

Error, Errorln, Errorf = _error.plain, _error.line, _error.format
ErrorDepth, ErrorDepthf = _error.depth, _error.depth_format
ErrorContext, ErrorContextf = _error.context, _error.context_format
ErrorContextDepth, ErrorContextDepthf = _error.context_depth, _error.context_depth_format

Fatal, Fatalln, Fatalf = _fatal.plain, _fatal.line, _fatal.format
FatalDepth, FatalDepthf = _fatal.depth, _fatal.depth_format
FatalContext, FatalContextf = _fatal.context, _fatal.context_format
FatalContextDepth, FatalContextDepthf = _fatal.context_depth, _fatal.context_depth_format

Exit, Exitln, Exitf = _exit.plain, _exit.line, _exit.format
ExitDepth, ExitDepthf = _exit.depth, _exit.depth_format
ExitContext, ExitContextf = _exit.context, _exit.context_format
ExitContextDepth, ExitContextDepthf = _exit.context_depth, _exit.context_depth_format


class Verbose(verbosity.Verbose):
    """What `V` returns here: the Go package's methods, each nothing if the level is off."""

    __slots__ = ()

    def Info(self, *args: object) -> None:
        """Log operands as `fmt.Print` prints them."""
        if self:
            self.info(print_text(args), depth=1)

    def Infoln(self, *args: object) -> None:
        """Log operands with spaces between all."""
        if self:
            self.info(println_text(args), depth=1)

    def Infof(self, format: str, *args: object) -> None:
        """Log by a format."""
        if self:
            self.info(translate_format(format), *args, depth=1)

    def InfoDepth(self, depth: int, *args: object) -> None:
        """Log operands for a caller further up."""
        if self:
            self.info(print_text(args), depth=depth + 1)

    def InfoDepthf(self, depth: int, format: str, *args: object) -> None:
        """Log by a format for a caller further up."""
        if self:
            self.info(translate_format(format), *args, depth=depth + 1)

    def InfoContext(self, context: object, *args: object) -> None:
        """Log operands with a context for sinks."""
        if self:
            self.info(print_text(args), depth=1, context=context)

    def InfoContextf(self, context: object, format: str, *args: object) -> None:
        """Log by a format with a context for sinks."""
        if self:
            self.info(translate_format(format), *args, depth=1, context=context)


_OFF, _ON = Verbose(0), Verbose(1)


def V(level: int) -> Verbose:
    """Tell whether a verbosity level is on in the calling file."""
    return _ON if verbosity.v_depth(level, 1) else _OFF


def VDepth(depth: int, level: int) -> Verbose:
    """Act as `V` for a caller further up."""
    return _ON if verbosity.v_depth(level, depth + 1) else _OFF


def Flush() -> None:
    """Write all that waits to the files and bring it to the disk."""
    flush()


def Names(severity: str) -> list[str]:
    """Return the paths of a severity's files."""
    return names(severity)


class _OutputStats:
    """One severity's numbers, as methods."""

    def __init__(self, stats: OutputStats) -> None:
        self._stats = stats

    def Lines(self) -> int:
        """Return how many records were logged."""
        return self._stats.lines

    def Bytes(self) -> int:
        """Return how many bytes their lines have."""
        return self._stats.bytes


class Stats:
    """What has been logged."""

    Info = _OutputStats(control.stats.info)
    Warning = _OutputStats(control.stats.warning)
    Error = _OutputStats(control.stats.error)
