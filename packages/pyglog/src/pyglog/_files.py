"""The files: one per severity, each holding the records of its severity and above.

A log call appends its line to `LogFile.pending`, which is atomic and takes no lock; `Files.drain` writes
what is pending: when enough lines wait, when a record above `logbuflevel` comes, each `logbufsecs`, at
exit. A line leaves `pending` only when it is in the file, or, if the file cannot take it, on stderr.
"""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from . import _stderr
from .record import encode
from .settings import Settings
from .severity import LETTERS, Severity

BUFFER_LINES = 1024
"""How many lines may wait before a log call writes them itself."""

_FOOTER = "\nCONTINUED IN NEXT FILE\n"
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
_SECONDS_AHEAD = 5
_REPORT_EVERY = 60.0


def short_hostname(hostname: str) -> str:
    """Return a host name up to its first dot."""
    return hostname.partition(".")[0]


def program_name() -> str:
    """Return what the program is called: its script, or the package run with `-m`."""
    path = sys.argv[0] if sys.argv else ""
    folder, _, name = path.rpartition("/")
    if name == "__main__.py":
        name = folder.rpartition("/")[2]
    return name.removesuffix(".py") if name not in ("", "-c", "-m") else "python"


def user_name() -> str:
    """Return the user's name with everything but letters and digits replaced, as it is part of a path."""
    import getpass

    try:
        name = getpass.getuser()
    except (KeyError, OSError, ImportError):
        name = "unknownuser"
    return "".join(char if char.isascii() and char.isalnum() else "_" for char in name)


def host_name() -> str:
    """Return this machine's short name."""
    return short_hostname(platform.node()) or "unknownhost"


def log_name(program: str, severity: Severity, when: float, pid: int) -> tuple[str, str]:
    """Return the name of a log file made at a time, and that of the symlink to it."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(when))
    name = f"{program}.{host_name()}.{user_name()}.log.{severity.name}.{stamp}.{pid}"
    return name, f"{program}.{severity.name}"


def create(
    folder: str, program: str, severity: Severity, when: float, link_folder: str = ""
) -> tuple[int, str]:
    """Create a log file and point the symlinks at it; return its descriptor and path.

    Raises OSError; FileExistsError if the name is taken, if only by a symlink, which is not followed.
    """
    name, link = log_name(program, severity, when, os.getpid())
    path = os.path.join(folder, name)
    descriptor = os.open(path, _FLAGS, 0o666)
    _point(os.path.join(folder, link), name)
    if link_folder:
        _point(os.path.join(link_folder, link), os.path.abspath(path))
    return descriptor, path


def _point(link: str, target: str) -> None:
    """Make or move a symlink in one step; a log works without, so failing is no error."""
    beside = f"{link}.{os.getpid()}.new"
    with contextlib.suppress(OSError):
        os.symlink(target, beside)
        try:
            os.replace(beside, link)
        except OSError:
            os.unlink(beside)


@dataclass(slots=True)
class Count:
    """Lines and bytes."""

    lines: int = 0
    bytes: int = 0


class Trouble:
    """What has been said on stderr about files that fail: the same once a minute at most, for all of them."""

    def __init__(self) -> None:
        self._reason: str | None = None
        self._told = 0.0

    def tell(self, what: str, error: OSError) -> None:
        """Say that something failed, unless this reason was given within the last minute."""
        reason, now = error.strerror or str(error), time.monotonic()
        if reason != self._reason or now - self._told >= _REPORT_EVERY:
            self._reason, self._told = reason, now
            _stderr.write(f"pyglog: {what}: {reason}; what no file takes comes here\n", Severity.INFO)

    def forget(self) -> None:
        """Begin anew, as the files are elsewhere."""
        self._reason = None


class LogFile:
    """One severity's file and the lines that wait for it."""

    def __init__(self, severity: Severity, trouble: Trouble) -> None:
        self.severity = severity
        self._trouble = trouble
        self.pending: list[str] = []
        self.names: list[str] = []
        self.drained = Count()
        self.settings = Settings()
        self.now: Callable[[], float] = time.time
        self._descriptor: int | None = None
        self._progress = (0, 0)  # bytes in the file, and lines of the batch that are dealt with: one value,
        # as an interrupt may come between any two
        self._made_at = 0
        self._failing = False

    def drain(self) -> None:
        """Write all that is pending; called by one thread at a time.

        An exception that breaks in (Ctrl-C, most likely as a write returns) leaves pending what is not
        in the file, and nothing else.
        """
        while self.pending:
            lines = self.pending[:]
            self._progress = (self._progress[0], 0)
            try:
                self._write(lines)
            except BaseException:
                self._settle(lines)
                raise
            finally:
                taken = self._progress[1]
                del self.pending[:taken]
                self.drained.lines += taken
                self.drained.bytes += len(encode("".join(lines[:taken])))

    def open(self) -> bool:
        """Make the file if there is none; False, and told on stderr, if that fails."""
        return self._descriptor is not None or self._rotate()

    def sync(self) -> None:
        """Ask the system to bring what was written to the disk."""
        if self._descriptor is not None:
            try:
                os.fsync(self._descriptor)
            except OSError as error:
                self._trouble.tell(f"cannot sync {self.names[-1]}", error)

    def close(self) -> None:
        """Close the file; the next line makes a new one."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None
        self._failing = False
        self.names = []

    def _write(self, lines: Sequence[str]) -> None:
        data = encode("".join(lines))
        if not self.open():
            self._to_stderr(lines)
        elif self._progress[0] + len(data) < self.settings.max_log_size:
            self._append(lines, data)
        else:
            self._write_rotating(lines)

    def _write_rotating(self, lines: Sequence[str]) -> None:
        """Write lines one by one, each to a new file if it would fill this one and the name is free."""
        for line in lines:
            data = encode(line)
            full = self._progress[0] + len(data) >= self.settings.max_log_size
            if full and int(self.now()) != self._made_at:
                self._rotate()
            if self.open():
                self._append([line], data)
            else:
                self._to_stderr([line])

    def _append(self, lines: Sequence[str], data: bytes) -> None:
        """Write lines, given with their bytes, to the open file."""
        assert self._descriptor is not None
        size, taken = self._progress
        written = 0
        try:
            while written < len(data):
                written += os.write(self._descriptor, data[written:] if written else data)
        except OSError as error:
            self._fail(f"cannot write {self.names[-1]}", error)
            if error.errno == errno.EBADF:  # closed behind our back: the number may soon be another file's
                self._descriptor = None
            self._to_stderr(self._keep_whole_lines(lines, written))
            return
        self._progress = (size + written, taken + len(lines))
        self._failing = False

    def _settle(self, lines: Sequence[str]) -> None:
        """Find out, from the size of the file, how many lines got in before an exception broke in."""
        size, taken = self._progress
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                self._keep_whole_lines(lines[taken:], os.fstat(self._descriptor).st_size - size)

    def _keep_whole_lines(self, lines: Sequence[str], written: int) -> Sequence[str]:
        """Cut the file back to the last line that got in whole; return the others."""
        size, taken = self._progress
        whole = kept = 0
        for line in lines:
            length = len(encode(line))
            if whole + length > written:
                break
            whole += length
            kept += 1
        if written > whole and self._descriptor is not None:
            try:
                os.ftruncate(self._descriptor, size + whole)
            except OSError as error:
                self._fail(f"cannot cut {self.names[-1]}", error)
        self._progress = (size + whole, taken + kept)
        return lines[kept:]

    def _to_stderr(self, lines: Sequence[str]) -> None:
        """Write lines of this severity to stderr: the others have a file of their own, and some are there."""
        settings, severity = self.settings, self.severity
        if not (settings.alsologtostderr or severity >= settings.stderrthreshold):
            for line in lines:
                if line[0] == LETTERS[severity]:
                    _stderr.write(line, severity, settings.colorlogtostderr)
        size, taken = self._progress
        self._progress = (size, taken + len(lines))

    def _fail(self, what: str, error: OSError) -> None:
        """Say that the file fails, if it did not before."""
        if not self._failing:
            self._failing = True
            self._trouble.tell(what, error)

    def _rotate(self) -> bool:
        """Go on in a new file, linked with the present one; keep that if no new one can be made."""
        previous, now = self._descriptor, self.now()
        folder = self.settings.log_dir or os.environ.get("TMPDIR") or "/tmp"
        program = self.settings.program or program_name()
        for ahead in range(_SECONDS_AHEAD):
            try:
                descriptor, path = create(folder, program, self.severity, now + ahead, self.settings.log_link)
                break
            except FileExistsError as error:
                taken = error
            except OSError as error:
                self._fail(f"cannot make a log file in {folder} (see -log_dir)", error)
                return False
        else:
            self._fail(f"cannot make {taken.filename}", taken)
            return False
        size = 0
        try:
            size = os.write(descriptor, self._header(now))
            if previous is not None:
                os.write(previous, encode(f"Next log: {path}{_FOOTER}"))
        except OSError as error:
            self._fail(f"cannot write {path}", error)
        self._made_at = int(now + ahead)
        self._progress = (size, self._progress[1])
        self._descriptor = descriptor
        self.names.append(path)
        if previous is not None:
            os.close(previous)
        return True

    def _header(self, now: float) -> bytes:
        stamp = time.strftime("%Y/%m/%d %H:%M:%S", time.localtime(now))
        built = f"{platform.python_implementation()} {platform.python_version()}"
        return encode(
            f"Log file created at: {stamp}\n"
            f"Running on machine: {host_name()}\n"
            f"Binary: Built with {built} for {sys.platform}/{platform.machine()}\n"
            f"Previous log: {self.names[-1] if self.names else '<none>'}\n"
            "Log line format: [IWEF]mmdd hh:mm:ss.uuuuuu threadid file:line] msg\n"
        )


class Files:
    """The four files, written by one thread at a time."""

    def __init__(self) -> None:
        self._trouble = Trouble()
        self.logs = tuple(LogFile(severity, self._trouble) for severity in Severity)
        self.lock = threading.RLock()
        self._draining = False

    def append(self, severity: Severity, line: str) -> None:
        """Put a line into the file of a severity and those below it."""
        for log in self.logs[: severity + 1]:
            log.pending.append(line)

    def drain(self) -> None:
        """Write all that is pending.

        Inside a drain of the same thread (a signal handler or a destructor logs) it does nothing: the outer
        one takes what has come.
        """
        with self.lock:
            if self._draining:
                return
            try:
                self._draining = True
                for log in reversed(self.logs):
                    log.drain()
            finally:
                self._draining = False

    def sync(self) -> None:
        """Write all that is pending and bring it to the disk."""
        self.drain()
        with self.lock:
            for log in reversed(self.logs):
                log.sync()

    def apply(self, settings: Settings) -> None:
        """Take over settings; files are closed if they belong elsewhere now."""
        with self.lock:
            self.drain()
            for log in self.logs:
                old, log.settings = log.settings, settings
                before = (old.log_dir, old.log_link, old.program)
                if before != (settings.log_dir, settings.log_link, settings.program):
                    log.close()
                    self._trouble.forget()

    def after_fork(self) -> None:
        """Forget, in a child, the files and lines of the parent."""
        self.lock = threading.RLock()
        self._draining = False
        for log in self.logs:
            log.pending.clear()
            log.close()
            log.drained = Count()
