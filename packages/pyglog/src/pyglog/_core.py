"""The way of a record: from the log call to stderr, the files and the sinks.

`info` has a short way for what is by far the most common: an INFO record that goes to its file and nowhere
else. It builds the line and appends it to what the file writes later. Everything else goes through
`emit`. Which way is open is one number, `_longest`: lines of at most that many characters may take it.

The state is this module's: there is one set of log files in a process. Importing the module changes
nothing outside it; `Process.prepare` does, at the first record.
"""

from __future__ import annotations

import sys
import threading
import time as _clock
from _thread import get_native_id
from dataclasses import replace
from types import CodeType, FrameType

from . import _stderr
from ._files import BUFFER_LINES, Count, Files
from ._process import Process
from .record import (
    MAX_LINE,
    Record,
    Stack,
    encode,
    finish_line,
    format_exception,
    format_message,
    format_stack,
    format_stamp,
    format_thread,
)
from .settings import Settings
from .severity import LETTERS, Severity
from .sinks import Sink, StructuredSink, TextSink, wants_stack

_getframe = sys._getframe
_time = _clock.time

_NO_LINE = "-" * MAX_LINE
# `+ 0.2` below is `record.HALF_TICK`, as a constant.
_SHORT = MAX_LINE // 4 - 1
_SITES = 4096

files = Files()
settings = Settings()
text_sinks: tuple[TextSink, ...] = ()
structured_sinks: tuple[StructuredSink, ...] = ()
counts = {severity: Count() for severity in Severity}
_in_file = Count()
"""What `emit` put into the INFO file: the rest of that file came the short way."""

_pending = files.logs[Severity.INFO].pending
_longest = -1
_tick = (-1, "")
_sites: dict[int, dict[int, str]] = {}
_codes: dict[int, CodeType] = {}


class _Local(threading.local):
    """What each thread keeps: its id as lines have it, and whether a sink of ours is running."""

    def __init__(self) -> None:
        self.id = get_native_id()
        self.thread = format_thread(self.id)
        self.in_sink = False


_local = _Local()


def info(msg: object, *args: object, depth: int = 0, context: object = None, exc_info: object = None) -> None:
    """Log at INFO: `msg % args`.

    `depth` names a caller that many frames up as the place; `context` is handed to the sinks; `exc_info`
    (an exception, a `sys.exc_info()` triple, or True for the current one) adds a traceback.
    """
    now = _time()
    if depth or context is not None or exc_info:
        return log_from(Severity.INFO, msg, args, depth + 1, False, context, exc_info)
    frame = _getframe(1)
    try:
        text = msg % args if args else msg  # type: ignore[operator]
        second = int(now)
        tick = _tick
        if tick[0] != second:
            tick = _new_tick(second)
        line = (
            f"I{tick[1]}{int((now - second) * 1e6 + 0.2):06d} {_local.thread} "
            f"{_sites[id(frame.f_code)][frame.f_lasti]}{text!s}\n"
        )
    except Exception:  # a new place, or arguments that do not fit; left before going on, for those who look
        line = _NO_LINE
    if len(line) > _longest:
        return log_from(Severity.INFO, msg, args, 1, False)
    if line[-2] == "\n":
        line = line[:-1]
    if not _pending:
        process.arm()
    _pending.append(line)
    if len(_pending) > BUFFER_LINES:
        files.drain()
    return None


def log_from(
    severity: Severity,
    msg: object,
    args: tuple[object, ...],
    depth: int,
    verbose: bool,
    context: object = None,
    exc_info: object = None,
    stack: Stack | None = None,
) -> None:
    """Log for the caller that many frames above the function that calls this one."""
    now = _time()
    try:
        frame: FrameType | None = _getframe(depth + 1)
    except ValueError:
        frame = None
    file, line = "???", 1
    if frame is not None:
        file, line = frame.f_code.co_filename, frame.f_lineno
        _remember_site(frame, file, line)
    message = format_message(msg, args)
    traceback = format_exception(exc_info) if exc_info else ""
    if traceback:
        message = f"{message}\n{traceback}"
    if stack is not None:
        message = f"{message}\n\n{stack}\n"
    emit(
        severity, message, file, line, now, frame=frame,
        format=msg, args=args, verbose=verbose, context=context, stack=stack, whole=bool(traceback),
    )  # fmt: skip


def emit(
    severity: Severity,
    message: str,
    file: str,
    line: int,
    now: float,
    *,
    thread: int | None = None,
    frame: FrameType | None = None,
    format: object = "",
    args: tuple[object, ...] = (),
    verbose: bool = False,
    context: object = None,
    stack: Stack | None = None,
    whole: bool = False,
) -> None:
    """Send one record everywhere it goes; its line may be cut unless it is to stay whole, or has a stack."""
    if not process.ready:
        process.prepare()
    now_set, local = settings, _local
    if now_set.log_backtrace_at and any(place.matches(file, line) for place in now_set.log_backtrace_at):
        stack = format_stack(frame or _getframe(1))
        message = f"{message}\n\n{stack}\n"
    second = int(now // 1)
    tick = _tick
    if tick[0] != second:
        tick = _new_tick(second)
    text = finish_line(
        f"{LETTERS[severity]}{tick[1]}{int((now - second) * 1e6 + 0.2):06d} "
        f"{local.thread if thread is None else format_thread(thread)} "
        f"{file.rpartition('/')[2]}:{line}] {message}",
        cut=not whole and stack is None,
    )
    size = len(encode(text))
    counts[severity].lines += 1
    counts[severity].bytes += size
    if now_set.logtostderr or now_set.alsologtostderr or severity >= now_set.stderrthreshold:
        _stderr.write(text, severity, now_set.colorlogtostderr)
    if not now_set.logtostderr:
        _to_files(severity, text, size)
    if (text_sinks or structured_sinks) and not local.in_sink:
        record = Record(
            severity, now, local.id if thread is None else thread, file, line, message,
            format, args, verbose, context, stack,
        )  # fmt: skip
        local.in_sink = True
        try:
            _to_sinks(record, text, frame)
        finally:
            local.in_sink = False


def _to_files(severity: Severity, text: str, size: int) -> None:
    with files.lock:
        first = not _pending
        _in_file.lines += 1
        _in_file.bytes += size
        files.append(severity, text)
    if severity > settings.logbuflevel or process.ending or len(_pending) > BUFFER_LINES:
        files.drain()
    elif first:
        process.arm()


def _to_sinks(record: Record, text: str, frame: FrameType | None) -> None:
    """Hand a record to every sink; one that raises does not keep it from the others."""
    for sink in text_sinks:
        try:
            if sink.enabled(record):
                sink.emit(record, text)
        except Exception as error:
            report_sink(sink, error)
    for structured in structured_sinks:
        try:
            if record.stack is None and wants_stack(structured, record):
                given = (arg for arg in record.args if isinstance(arg, Stack))
                stack = next(given, None) or format_stack(frame or _getframe(1))
                record = replace(record, stack=stack)
            structured.handle(record)
        except Exception as error:
            report_sink(structured, error)


_reported_sinks: set[int] = set()


def report_sink(sink: Sink, error: Exception) -> None:
    """Say on stderr, once for each sink, that it fails."""
    if id(sink) not in _reported_sinks:
        _reported_sinks.add(id(sink))
        text = f"pyglog: the sink {sink!r} fails and misses records: {format_exception(error)}\n"
        _stderr.write(text, Severity.INFO)


def set_sinks(text: tuple[TextSink, ...], structured: tuple[StructuredSink, ...]) -> None:
    """Replace the sinks."""
    global text_sinks, structured_sinks
    text_sinks, structured_sinks = text, structured
    _reported_sinks.clear()
    choose_way()


def apply(new: Settings) -> None:
    """Take over settings, with all that came before written under the old ones."""
    global settings
    with files.lock:
        settings = new
        process.pause = new.logbufsecs
        choose_way()
        files.apply(new)


def choose_way() -> None:
    """Open or close the short way of `info`."""
    global _longest
    closed = (
        not process.ready
        or settings.logtostderr
        or settings.alsologtostderr
        or settings.stderrthreshold == Severity.INFO
        or settings.log_backtrace_at
        or settings.logbuflevel < Severity.INFO
        or text_sinks
        or structured_sinks
        or process.ending
    )
    _longest = -1 if closed else _SHORT


def counted(severity: Severity) -> Count:
    """Return the lines and bytes logged at a severity, by whichever way."""
    with files.lock:
        count = Count(counts[severity].lines, counts[severity].bytes)
        if severity == Severity.INFO:
            log = files.logs[Severity.INFO]
            waiting = log.pending[:]
            count.lines += log.drained.lines + len(waiting) - _in_file.lines
            count.bytes += log.drained.bytes + len(encode("".join(waiting))) - _in_file.bytes
    return count


def after_fork() -> None:
    """Start a child afresh: its own thread id, files and counts."""
    global _local
    _local = _Local()
    files.after_fork()
    _stderr.after_fork()
    for count in (*counts.values(), _in_file):
        count.lines = count.bytes = 0


def _new_tick(second: int) -> tuple[int, str]:
    """Return a second and how lines show it, and keep it for the records of the same second."""
    global _tick
    tick = _tick = (second, format_stamp(second))
    return tick


def _remember_site(frame: FrameType, file: str, line: int) -> None:
    """Keep `file:line] ` for a call site, by its code (kept alive, as its id is the key) and instruction."""
    code = frame.f_code
    if len(_codes) > _SITES:
        _sites.clear()
        _codes.clear()
    _codes[id(code)] = code
    _sites.setdefault(id(code), {})[frame.f_lasti] = f"{file.rpartition('/')[2]}:{line}] "


process = Process(files, choose_way, after_fork)
