"""The log functions of each severity."""

from __future__ import annotations

from ._core import info, log_from
from ._fatal import exit, fatal
from .severity import Severity

__all__ = ["error", "exception", "exit", "fatal", "info", "log", "warning"]


def warning(
    msg: object, *args: object, depth: int = 0, context: object = None, exc_info: object = None
) -> None:
    """Log at WARNING; arguments as in `info`."""
    log_from(Severity.WARNING, msg, args, depth + 1, False, context, exc_info)


def error(
    msg: object, *args: object, depth: int = 0, context: object = None, exc_info: object = None
) -> None:
    """Log at ERROR; arguments as in `info`."""
    log_from(Severity.ERROR, msg, args, depth + 1, False, context, exc_info)


def exception(
    msg: object, *args: object, depth: int = 0, context: object = None, exc_info: object = True
) -> None:
    """Log at ERROR with the traceback of the exception being handled."""
    log_from(Severity.ERROR, msg, args, depth + 1, False, context, exc_info)


def log(
    severity: Severity,
    msg: object,
    *args: object,
    depth: int = 0,
    context: object = None,
    exc_info: object = None,
) -> None:
    """Log at a severity known at run time; FATAL ends the process, as `fatal`."""
    if severity == Severity.FATAL:
        fatal(msg, *args, depth=depth + 1, context=context, exc_info=exc_info)
    log_from(Severity(severity), msg, args, depth + 1, False, context, exc_info)
