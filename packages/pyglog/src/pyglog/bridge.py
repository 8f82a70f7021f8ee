"""The standard library's `logging` in glog's format, under `-v` and `-vmodule`.

INFO, WARNING and ERROR are glog's. CRITICAL is an ERROR line that says so, as a library's record must not
end the process. DEBUG and what lies between it and INFO is `V(1)`, each level below DEBUG one more: 9 is
`V(2)`, 8 is `V(3)`. NOTSET records do not exist.
"""

from __future__ import annotations

import logging
import threading

from . import _core, verbosity
from .record import format_exception, format_message
from .severity import Severity

_installed: GlogHandler | None = None
_level_before = logging.WARNING


def verbosity_of(level: int) -> int:
    """Return the `V` level of a `logging` level; 0 for INFO and above."""
    if level >= logging.INFO:
        return 0
    return max(1, logging.DEBUG - level + 1)


def level_of(v: int) -> int:
    """Return the lowest `logging` level that a `V` level lets through."""
    return logging.INFO if v <= 0 else max(1, logging.DEBUG - v + 1)


class GlogHandler(logging.Handler):
    """A `logging` handler that writes records as pyglog's own."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, if its level is on in its file."""
        if "glog" in record.__dict__:  # it comes from LoggingSink
            return
        level = record.levelno
        v = verbosity_of(level)
        if v and not verbosity.is_on(v, record.pathname):
            return
        if level >= logging.ERROR:
            severity = Severity.ERROR
        else:
            severity = Severity.WARNING if level >= logging.WARNING else Severity.INFO
        message = self._message(record)
        if level >= logging.CRITICAL:
            message = f"{record.levelname}: {message}"
        thread = None if record.thread == threading.get_ident() else record.thread
        _core.emit(
            severity,
            message,
            record.pathname,
            record.lineno,
            record.created,
            thread=thread,
            format=record.msg,
            args=record.args if isinstance(record.args, tuple) else (record.args,),
            verbose=v > 0,
            context=record,
            whole=bool(record.exc_text or record.stack_info),
        )

    def _message(self, record: logging.LogRecord) -> str:
        if self.formatter is not None:
            return self.formatter.format(record)
        if isinstance(record.args, tuple):
            pieces = [format_message(record.msg, record.args)]
        else:
            pieces = [format_message(record.msg, (record.args,) if record.args else ())]
        if record.exc_info and not record.exc_text:
            record.exc_text = format_exception(record.exc_info) or None
        pieces += [text for text in (record.exc_text, record.stack_info) if text]
        return "\n".join(pieces)


def install(logger: logging.Logger | None = None) -> GlogHandler:
    """Send what a logger gets (the root logger unless one is given) to pyglog too; return the handler.

    The root logger's level follows `-v` and `-vmodule` from now on; levels set on other loggers hold.
    Installing twice changes nothing.
    """
    global _installed, _level_before
    root = logging.getLogger()
    with _core.files.lock:
        if logger is not None and logger is not root:
            for handler in logger.handlers:
                if isinstance(handler, GlogHandler):
                    return handler
            made = GlogHandler()
            logger.addHandler(made)
            return made
        if _installed is None:
            _level_before = root.level
            _installed = GlogHandler()
            root.addHandler(_installed)
            follow()
        return _installed


def uninstall() -> None:
    """Take pyglog off the root logger and give that its level back."""
    global _installed
    with _core.files.lock:
        if _installed is not None:
            logging.getLogger().removeHandler(_installed)
            logging.getLogger().setLevel(_level_before)
            _installed = None


def follow() -> None:
    """Give the root logger the level that lets through all that may be on."""
    if _installed is not None:
        logging.getLogger().setLevel(level_of(verbosity.ceiling()))
