"""Where records can go besides files and stderr: your own sinks, JSON lines, `logging` handlers.

A text sink is given the finished line, a structured sink the record. They are called in the thread that
logs, so they must be quick and thread-safe; what they raise is told once on stderr and goes no further;
what they log themselves does not come back to them.
"""

from __future__ import annotations

import datetime
import json
import logging
import math
import os
import threading
from collections.abc import Mapping
from typing import IO, Protocol, TypeAlias, runtime_checkable

from .record import Record, format_line
from .severity import Severity


@runtime_checkable
class TextSink(Protocol):
    """Takes lines in glog's format."""

    def enabled(self, record: Record, /) -> bool:
        """Tell whether the sink wants this record's line."""
        ...

    def emit(self, record: Record, line: str, /) -> None:
        """Take a line, which ends with a newline."""
        ...


@runtime_checkable
class StructuredSink(Protocol):
    """Takes records.

    With a method `wants_stack(record) -> bool` it can ask for the call stack in `record.stack`.
    """

    def handle(self, record: Record, /) -> None:
        """Take a record."""
        ...


Sink: TypeAlias = TextSink | StructuredSink


def wants_stack(sink: StructuredSink, record: Record) -> bool:
    """Tell whether a structured sink asks for the stack of a record."""
    ask = getattr(sink, "wants_stack", None)
    return bool(ask(record)) if callable(ask) else False


class JsonSink:
    """A structured sink: one JSON object a line.

    Keys: severity, time (ISO 8601 with offset), thread, file (full path), line, message; verbose, stack,
    context and logger (of a record that came from `logging`) only when there is something to tell.
    """

    def __init__(self, target: str | os.PathLike[str] | IO[str]) -> None:
        """Write to an open text stream, or append to a file, which is flushed at each record."""
        self._stream: IO[str]
        self._owned = isinstance(target, (str, os.PathLike))
        if isinstance(target, (str, os.PathLike)):
            self._stream = open(target, "a", encoding="utf-8")  # noqa: SIM115
        else:
            self._stream = target
        self._lock = threading.RLock()
        self._process = os.getpid()

    def handle(self, record: Record) -> None:
        """Write a record."""
        when = datetime.datetime.fromtimestamp(record.time, datetime.timezone.utc).astimezone()
        fields: dict[str, object] = {
            "severity": record.severity.name,
            "time": when.isoformat(timespec="microseconds"),
            "thread": record.thread,
            "file": record.file,
            "line": record.line,
            "message": record.message,
        }
        if record.verbose:
            fields["verbose"] = True
        if record.stack:
            fields["stack"] = record.stack
        if isinstance(record.context, logging.LogRecord):
            fields["logger"] = record.context.name
        elif record.context is not None:
            fields["context"] = _plain(record.context)
        line = json.dumps(fields) + "\n"
        if self._process != os.getpid():  # a thread that was left behind at a fork may have held the lock
            self._process, self._lock = os.getpid(), threading.RLock()
        with self._lock:
            self._stream.write(line)
            self._stream.flush()

    def close(self) -> None:
        """Close the file, if the sink opened it."""
        if self._owned:
            self._stream.close()


class StructuredTextWrapper:
    """A structured sink that makes lines of records for text sinks.

    A sink of yours between can change records on their way: `wrapper.handle(replace(record, message=…))`.
    """

    def __init__(self, *sinks: TextSink) -> None:
        """Hand lines to these sinks."""
        self._sinks = sinks

    def handle(self, record: Record) -> None:
        """Hand on the line of a record."""
        line = format_line(record)
        for sink in self._sinks:
            if sink.enabled(record):
                sink.emit(record, line)


def _plain(value: object) -> object:
    """Return a value as JSON can hold it: mappings and lists as such, what it does not know as text."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value)


class LoggingSink:
    """A structured sink that hands records to a `logging` handler or logger of the standard library.

    INFO, WARNING and ERROR are logging's, FATAL is CRITICAL and `V` records are DEBUG. The logger's and
    handler's own levels and filters hold. Records that came from `logging` do not go back.
    """

    LEVELS = {
        Severity.INFO: logging.INFO,
        Severity.WARNING: logging.WARNING,
        Severity.ERROR: logging.ERROR,
        Severity.FATAL: logging.CRITICAL,
    }

    def __init__(self, target: logging.Handler | logging.Logger) -> None:
        """Hand records to a handler, or to a logger and so to all of its handlers."""
        self._target = target

    def handle(self, record: Record) -> None:
        """Make a `LogRecord` and pass it on if the target's level lets it."""
        if isinstance(record.context, logging.LogRecord):
            return
        target = self._target
        level = logging.DEBUG if record.verbose else self.LEVELS[record.severity]
        made = logging.LogRecord(
            target.name if isinstance(target, logging.Logger) else "pyglog",
            level,
            record.file,
            record.line,
            record.message,
            None,
            None,
        )
        made.created = record.time
        made.msecs = int((record.time % 1) * 1000) + 0.0
        made.__dict__["glog"] = record
        if isinstance(target, logging.Logger):
            if target.isEnabledFor(level):
                target.handle(made)
        elif level >= target.level:
            target.handle(made)
