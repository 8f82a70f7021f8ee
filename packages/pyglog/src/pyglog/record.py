"""One log record as sinks see it, and the line that glog's format makes of it.

    Lmmdd hh:mm:ss.uuuuuu threadid file:line] msg

`L` is the severity's letter, the thread id is right-aligned in seven columns, `file` is a base name.
"""

from __future__ import annotations

import sys
import time as _clock
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from types import FrameType

from .severity import LETTERS, Severity

MAX_LINE = 15000
"""Bytes of a line with its prefix and newline; what is longer is cut, as in glog."""


HALF_TICK = 0.2
"""Microseconds added before cutting, as a float near the present is up to 0.12 off; 0.24 is its step."""


class Stack(str):
    """The text of a call stack; as an argument of a record it is what sinks that want a stack get."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of one log call.

    `format` and `args` are as the caller gave them and `message` is what they make together, with a
    traceback when one was asked for; `time` is in seconds since the epoch, `context` is the caller's own.
    """

    severity: Severity
    time: float
    thread: int
    file: str
    line: int
    message: str
    format: object = ""
    args: tuple[object, ...] = ()
    verbose: bool = False
    context: object = None
    stack: Stack | None = None


def format_stamp(second: int) -> str:
    """Return a second as `mmdd hh:mm:ss.`, in local time."""
    return _clock.strftime("%m%d %H:%M:%S.", _clock.localtime(second))


def format_thread(thread: int) -> str:
    """Return a thread id in its seven columns, blank if zero (which glog does not print)."""
    return f"{thread or '':>7}"


def format_header(severity: Severity, time: float, thread: int, file: str, line: int) -> str:
    """Return all of a line that comes before its message."""
    second = int(time // 1)
    micros = int((time - second) * 1e6 + HALF_TICK)
    name = file.rpartition("/")[2]
    return f"{LETTERS[severity]}{format_stamp(second)}{micros:06d} {format_thread(thread)} {name}:{line}] "


def format_line(record: Record) -> str:
    """Return a record's line, cut to `MAX_LINE` bytes and ended with a newline."""
    header = format_header(record.severity, record.time, record.thread, record.file, record.line)
    return finish_line(header + record.message)


def finish_line(line: str, cut: bool = True) -> str:
    """Cut a line to `MAX_LINE` bytes, at a character, and end it with exactly the newline it needs."""
    if cut and len(line) * 4 >= MAX_LINE:
        data = encode(line)
        if len(data) >= MAX_LINE:
            line = data[: MAX_LINE - 1].decode("utf-8", "ignore")
    return line if line.endswith("\n") else line + "\n"


def encode(text: str) -> bytes:
    """Return the bytes written for a text: UTF-8, what cannot be encoded (lone surrogates) escaped."""
    return text.encode("utf-8", "backslashreplace")


def format_message(message: object, args: tuple[object, ...]) -> str:
    """Return a message with its `%` arguments; a bad format or argument is told in the text, never raised."""
    try:
        text = message if type(message) is str else str(message)
        if not args:
            return text
        if len(args) == 1 and isinstance(args[0], Mapping) and args[0]:
            return text % args[0]
        return text % args
    except Exception as error:
        return f"{_safe_text(message)} (arguments {_safe_repr(args)} do not fit: {_safe_text(error)})"


def _safe_text(value: object) -> str:
    try:
        return str(value)
    except Exception:
        return f"<unprintable {type(value).__name__}>"


def _safe_repr(args: tuple[object, ...]) -> str:
    pieces = []
    for value in args:
        try:
            pieces.append(repr(value))
        except Exception:
            pieces.append(f"<unprintable {type(value).__name__}>")
    return f"({', '.join(pieces)})"


def format_exception(exc_info: object) -> str:
    """Return the traceback of an exception, of `sys.exc_info()`'s triple, or of the current one if True."""
    if exc_info is True:
        exc_info = sys.exc_info()
    error = exc_info[1] if isinstance(exc_info, tuple) and len(exc_info) == 3 else exc_info
    if not isinstance(error, BaseException):
        return ""
    try:
        return "".join(traceback.format_exception(type(error), error, error.__traceback__)).rstrip("\n")
    except Exception:
        return f"<no traceback of {type(error).__name__}>"


def format_stack(frame: FrameType | None) -> Stack:
    """Return the stack that ends in a frame, most recent call last."""
    if frame is None:
        return Stack("")
    return Stack("Stack (most recent call last):\n" + "".join(traceback.format_stack(frame)).rstrip("\n"))
