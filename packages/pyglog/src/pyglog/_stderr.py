"""Lines on standard error: which of them, in which colours, and what if even that fails."""

from __future__ import annotations

import os
import sys
import threading

from .record import encode
from .severity import Severity

COLOURS = {Severity.WARNING: "\x1b[33m", Severity.ERROR: "\x1b[31m", Severity.FATAL: "\x1b[1;31m"}
_PLAIN = "\x1b[0m"

lock = threading.RLock()
lost = 0
"""Lines that could be written nowhere at all."""


def wants_colour(choice: bool | None) -> bool:
    """Tell whether to colour: as said, else when standard error is a terminal that can."""
    if choice is not None:
        return choice
    if os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb":
        return False
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except ValueError:
        return False


def write(text: str, severity: Severity, colour: bool | None = False) -> bool:
    """Write a record to standard error, one writer at a time; False, and counted, if it cannot take it."""
    global lost
    if severity in COLOURS and wants_colour(colour):
        text = f"{COLOURS[severity]}{text[:-1]}{_PLAIN}\n"
    with lock:
        stream = sys.stderr
        try:
            if stream is None:
                raise OSError("there is no standard error")
            try:
                stream.write(text)
                stream.flush()
            except UnicodeEncodeError:
                stream.write(text.encode("ascii", "backslashreplace").decode("ascii"))
                stream.flush()
            except RuntimeError:  # we are in a signal handler that came in the midst of another write
                os.write(stream.fileno(), encode(text))
        except (OSError, ValueError):
            lost += 1
            return False
    return True


def after_fork() -> None:
    """Replace the lock, which a thread that does not exist here may have held."""
    global lock, lost
    lock, lost = threading.RLock(), 0
