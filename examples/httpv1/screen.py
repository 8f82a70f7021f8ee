"""What the program shows: lines, and on a terminal a last line that tells how far it is."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from collections.abc import Iterator
from typing import TextIO

ERASE = "\r\x1b[2K"


class Screen:
    """Writes lines to `out`; if that is a terminal the status stays below them."""

    def __init__(self, out: TextIO) -> None:
        self.live = out.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._out = out
        self._status = ""
        self._lock = threading.RLock()

    def say(self, text: str, stream: TextIO | None = None) -> None:
        """Write lines above the status, to `stream` if one is given."""
        stream = stream or self._out
        with self._lock:
            if self._status:
                self._write(ERASE)
            stream.write(f"{text}\n")
            stream.flush()
            self._write(self._status)

    def status(self, text: str) -> None:
        """Replace the status; without a terminal there is none."""
        with self._lock:
            if not self.live:
                return
            self._status = text[: max(10, columns() - 1)]
            self._write(ERASE + self._status)

    def clear(self) -> None:
        """Take the status away."""
        with self._lock:
            if self._status:
                self._write(ERASE)
            self._status = ""

    def close(self) -> None:
        """Take the status away, and show none any more."""
        with self._lock:
            self.clear()
            self.live = False

    @contextlib.contextmanager
    def over_errors(self) -> Iterator[None]:
        """Keep what others write to standard error above the status, for as long as the block runs."""
        if not self.live:
            yield
            return
        above = _Above(self, sys.stderr)
        with contextlib.redirect_stderr(above):
            try:
                yield
            finally:
                self.close()
                above.finish()

    def _write(self, text: str) -> None:
        if text:
            self._out.write(text)
            self._out.flush()


class _Above(io.TextIOBase):
    """Standard error, whose lines come above the status."""

    def __init__(self, screen: Screen, stream: TextIO) -> None:
        self._screen = screen
        self._stream = stream
        self._begun = ""

    def write(self, text: str) -> int:
        *lines, self._begun = (self._begun + text).split("\n")
        if lines:
            self._screen.say("\n".join(lines), self._stream)
        return len(text)

    def finish(self) -> None:
        """Write what has no newline yet."""
        self._stream.write(self._begun)

    def isatty(self) -> bool:
        return self._stream.isatty()


def columns() -> int:
    """Return how wide the terminal is."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
