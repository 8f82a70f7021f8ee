"""The end of a process: all threads' stacks, a flush, and an exit that nothing can hold up for long."""

from __future__ import annotations

import _thread
import faulthandler
import os
import sys
import threading
import time
import traceback
from types import FrameType
from typing import NoReturn

from . import _core, _stderr
from ._process import Flusher
from .record import Stack
from .severity import Severity

EXIT_STATUS = 2
TIME_LIMIT = 10.0
"""Seconds a fatal record may take to reach the disk before the process ends without it."""


def all_stacks() -> Stack:
    """Return the stacks of all threads but pyglog's own, the present one first."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    frames = sys._current_frames()
    here = threading.get_ident()
    pieces = []
    for ident in sorted(frames, key=lambda ident: ident != here):
        frame = frames[ident]
        if _bottom(frame).f_code in (Flusher.run.__code__, _end_in_time.__code__):
            continue
        if ident == here:
            while frame.f_back is not None and frame.f_globals.get("__package__") == __package__:
                frame = frame.f_back
        stack = "".join(traceback.format_stack(frame)).rstrip("\n")
        pieces.append(f"Thread {names.get(ident, '?')} ({ident}), most recent call last:\n{stack}")
    return Stack("\n\n".join(pieces))


def _bottom(frame: FrameType) -> FrameType:
    """Return the frame a thread began with."""
    while frame.f_back is not None:
        frame = frame.f_back
    return frame


def _end_in_time(seconds: float) -> None:
    """End the process after a time. The body of a thread."""
    time.sleep(seconds)
    _stderr.write("pyglog: the fatal record did not reach the disk in time\n", Severity.INFO)
    os._exit(EXIT_STATUS)


def _watch() -> None:
    """See to it that the process ends within the time limit, whatever hangs."""
    try:
        _thread.start_new_thread(_end_in_time, (TIME_LIMIT,))
    except RuntimeError:  # no thread to be had: the one of faulthandler is not Python's
        faulthandler.dump_traceback_later(TIME_LIMIT, exit=True)


def die() -> NoReturn:
    """Flush all and end the process, without unwinding it."""
    try:
        _core.files.sync()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    finally:
        os._exit(EXIT_STATUS)


def fatal(
    msg: object, *args: object, depth: int = 0, context: object = None, exc_info: object = None
) -> NoReturn:
    """Log at FATAL with the stacks of all threads, flush, and end the process with status 2.

    Neither `finally` blocks nor atexit hooks run. It takes ten seconds at most, even if the disk hangs.
    """
    _watch()
    try:
        _core.log_from(Severity.FATAL, msg, args, depth + 1, False, context, exc_info, all_stacks())
    finally:
        die()


def exit(
    msg: object, *args: object, depth: int = 0, context: object = None, exc_info: object = None
) -> NoReturn:
    """Log at FATAL without stacks, flush, and end the program with status 1.

    In the main thread by `SystemExit`, so `finally` blocks and atexit hooks run; elsewhere, where that
    would end the thread alone, at once.
    """
    _core.log_from(Severity.FATAL, msg, args, depth + 1, False, context, exc_info)
    _core.files.sync()
    if threading.current_thread() is threading.main_thread():
        raise SystemExit(1)
    os._exit(1)
