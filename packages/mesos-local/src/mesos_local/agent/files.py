"""The `/files` endpoints: what is in the sandboxes, and nothing else of the host.

Mirrors upstream's src/files/files.cpp. A path is real (below the work directory) or
`/frameworks/F/executors/E/runs/latest/...`. It has to lead into a sandbox, and whatever links are on the way,
what is read lies in that same sandbox. What was found is opened folder by folder without following links, so
that a task which swaps a folder for a link in the meantime gains nothing; only plain files are read.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

__all__ = ["BadRequest", "Entry", "Files", "NotFound"]

MAX_READ = 16 * 4096
_CHUNK = 256 * 1024
_SANDBOX = ("frameworks", "executors", "runs")
"""Every second part of the path of a sandbox, below the folder of all agents."""
_DEPTH = 7


class BadRequest(ValueError):
    """A query that makes no sense."""


class NotFound(ValueError):
    """A path that is not there, or not to be seen."""

    def __init__(self, path: str) -> None:
        super().__init__(f"Path {path!r} does not exist.")


@dataclass(frozen=True, slots=True)
class Entry:
    """What is in a directory: its path as asked for, and what the system says of it, `mtime` in seconds."""

    path: str
    nlink: int
    size: int
    mtime: float
    mode: int
    uid: str
    gid: str


@dataclass(frozen=True, slots=True)
class Files:
    """Looks into the sandboxes of one agent; `agent_id` is asked each time, as it comes with registration."""

    work_dir: str
    agent_id: Callable[[], str]

    def _open(self, path: str | None) -> int:
        """Give a descriptor of what `path` leads to. Raises BadRequest or NotFound."""
        if not path:
            raise BadRequest("Expecting 'path=value' in query.")
        root = os.path.realpath(os.path.join(self.work_dir, "slaves"))
        named = path
        if path.startswith(("/frameworks/", "frameworks/")):
            named = os.path.join(root, self.agent_id(), path.lstrip("/"))
        try:
            parts = _below(root, os.path.realpath(named))
            if parts[:_DEPTH] != _below(root, self._sandbox(root, named)):
                raise NotFound(path)
            return _walk(root, parts)
        except (OSError, ValueError) as error:  # Among them a NUL, and a name that is no text.
            raise NotFound(path) from error

    def _sandbox(self, root: str, named: str) -> str:
        """Give the sandbox that a path names by itself, before any link of a task's."""
        parts = os.path.normpath(named).split(os.sep)
        given = os.path.normpath(os.path.join(self.work_dir, "slaves")).split(os.sep)
        for start in (root.split(os.sep), given):
            if parts[: len(start)] == start:
                return os.path.realpath(os.sep.join(parts[: len(start) + _DEPTH]))
        return ""

    def browse(self, path: str | None) -> list[Entry]:
        """List a directory."""
        folder = self._open(path)
        try:
            if not stat.S_ISDIR(os.fstat(folder).st_mode):
                raise NotFound(path or "")
            shown = (path or "").rstrip("/")
            entries = (_entry(folder, name, f"{shown}/{name}") for name in sorted(os.listdir(folder)))
            return [entry for entry in entries if entry is not None]
        finally:
            os.close(folder)

    def _file(self, path: str | None, action: str) -> int:
        file = self._open(path)
        mode = os.fstat(file).st_mode
        if stat.S_ISREG(mode):
            return file
        os.close(file)
        raise BadRequest(f"Cannot {action} a directory." if stat.S_ISDIR(mode) else f"Cannot {action} this.")

    def read(self, path: str | None, start: int, count: int | None = None) -> tuple[int, bytes]:
        """Read a part of a file, up to a limit; give the size of the file and what is there."""
        file = self._file(path, "read")
        try:
            size = os.fstat(file).st_size
            if start >= size:
                return size, b""
            return size, os.pread(file, MAX_READ if count is None else min(count, MAX_READ), start)
        finally:
            os.close(file)

    def page(self, path: str | None, offset: str | None, length: str | None) -> tuple[int, bytes]:
        """Read as a pager asks: give where the part begins, and what is there.

        Without an offset (or with -1) nothing is read, and the size of the file is told.
        """
        start, count = _number("offset", offset), _number("length", length)
        size, data = self.read(path, max(start, 0), 0 if start == -1 else None if count == -1 else count)
        return (size if start == -1 else start), data

    def download(self, path: str | None) -> tuple[str, AsyncIterator[bytes]]:
        """Give the name of a file and its content, up to its present size, in parts."""
        file = self._file(path, "download")
        return os.path.basename(path or ""), _Parts(file, os.fstat(file).st_size)


class _Parts:
    """Reads a file as fast as somebody takes it, and closes it whether or not all was taken."""

    def __init__(self, file: int, size: int) -> None:
        self._file = os.fdopen(file, "rb", buffering=0)
        self._left = size

    def __aiter__(self) -> _Parts:
        return self

    async def __anext__(self) -> bytes:
        part = b"" if self._file.closed else self._file.read(min(self._left, _CHUNK))
        if not part:
            self._file.close()
            raise StopAsyncIteration
        self._left -= len(part)
        return part

    async def aclose(self) -> None:
        self._file.close()


def _below(root: str, real: str) -> list[str]:
    """Give the parts of a path in a sandbox. Raises ValueError for any other."""
    inside = os.path.relpath(real, root)
    parts = inside.split(os.sep)
    if tuple(parts[1:_DEPTH:2]) != _SANDBOX or len(parts) < _DEPTH or not real.startswith(root + os.sep):
        raise ValueError(f"{real!r} is in no sandbox")
    return parts


def _walk(root: str, parts: list[str]) -> int:
    """Open what is there, no part of which is a link. Raises OSError."""
    here = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    for part in parts:
        try:
            found = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY, dir_fd=here)
        finally:
            os.close(here)
        here = found
    return here


def _number(name: str, text: str | None) -> int:
    if not text:
        return -1
    try:
        number = int(text)
    except ValueError:
        raise BadRequest(f"Failed to parse {name}: '{text}' is not a number.") from None
    if number < -1:
        raise BadRequest(f"Negative {name} provided: {number}.")
    return number


def _entry(folder: int, name: str, shown: str) -> Entry | None:
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:  # It has gone since the folder was read.
        return None
    return Entry(
        shown,
        status.st_nlink,
        status.st_size,
        status.st_mtime,
        status.st_mode,
        _name(pwd.getpwuid, status.st_uid),
        _name(grp.getgrgid, status.st_gid),
    )


def _name(lookup: Callable[[int], object], number: int) -> str:
    try:
        found = lookup(number)
    except KeyError:
        return str(number)
    return str(getattr(found, "pw_name", None) or getattr(found, "gr_name", number))
