"""Settings at run time, flush, names, statistics and sinks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from . import _core, _stderr, bridge, verbosity
from .errors import GlogError, NoLogError
from .settings import Settings
from .severity import Severity
from .sinks import Sink, StructuredSink, TextSink


def settings() -> Settings:
    """Return the settings in force."""
    return _core.settings


def configure(**changes: object) -> Settings:
    """Change settings, at any time: `configure(v=2, vmodule="messenger=3")`; return those before.

    Values may be texts as on a command line. Raises `FlagError`, and then nothing has changed.
    """
    with _core.files.lock:
        before = _core.settings
        restore(before.changed(changes))
        return before


def restore(new: Settings) -> None:
    """Put settings in force, such as those `configure` returned."""
    with _core.files.lock:
        _core.apply(new)
        verbosity.apply(new)
        bridge.follow()


@contextmanager
def overridden(**changes: object) -> Iterator[Settings]:
    """Change settings for the time of a `with` block, in all threads."""
    before = configure(**changes)
    try:
        yield _core.settings
    finally:
        restore(before)


def flush() -> None:
    """Write all that waits to the files and bring it to the disk."""
    _core.files.sync()


def names(severity: Severity | str) -> list[str]:
    """Return the paths of a severity's files, oldest first; raise `NoLogError` if there is none yet."""
    wanted = Severity.parse(severity)
    _core.files.drain()
    with _core.files.lock:
        found = list(_core.files.logs[wanted].names)
    if not found:
        raise NoLogError(f"nothing has been logged to a {wanted.name} file yet")
    return found


class OutputStats:
    """Lines and bytes logged at one severity by this process."""

    def __init__(self, severity: Severity) -> None:
        self._severity = severity

    @property
    def lines(self) -> int:
        """How many records."""
        return _core.counted(self._severity).lines

    @property
    def bytes(self) -> int:
        """How many bytes their lines have."""
        return _core.counted(self._severity).bytes

    def __repr__(self) -> str:
        return f"OutputStats(lines={self.lines}, bytes={self.bytes})"


class Stats:
    """What has been logged, and what could be written nowhere."""

    info = OutputStats(Severity.INFO)
    warning = OutputStats(Severity.WARNING)
    error = OutputStats(Severity.ERROR)

    @property
    def lost(self) -> int:
        """Lines that neither a file nor stderr took."""
        return _stderr.lost


stats = Stats()


def add_sink(sink: Sink) -> Callable[[], None]:
    """Send records to a text or structured sink too; return what takes it off again."""
    with _core.files.lock:
        text, structured = _core.text_sinks, _core.structured_sinks
        if isinstance(sink, TextSink):
            _core.set_sinks((*text, sink), structured)
        elif isinstance(sink, StructuredSink):
            _core.set_sinks(text, (*structured, sink))
        else:
            raise GlogError(f"{sink!r} is no sink: it has neither enabled and emit nor handle")
    return lambda: remove_sink(sink)


def remove_sink(sink: Sink) -> None:
    """Take a sink off; one that is not on is no error."""
    with _core.files.lock:
        _core.set_sinks(
            tuple(other for other in _core.text_sinks if other is not sink),
            tuple(other for other in _core.structured_sinks if other is not sink),
        )
