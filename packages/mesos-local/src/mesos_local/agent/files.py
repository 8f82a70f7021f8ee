"""The `/files` endpoints: what is in the sandboxes, and nothing else of the host.

Mirrors upstream's src/files/files.cpp. A path is real (below the work directory) or
`/frameworks/F/executors/E/runs/latest/...`; wherever links lead, what is read lies in the work directory.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Callable
from dataclasses import dataclass

from .._models import Json

__all__ = ["BadRequest", "Files", "NotFound"]

MAX_READ = 16 * 4096


class BadRequest(ValueError):
    """A query that makes no sense."""


class NotFound(ValueError):
    """A path that is not there, or not to be seen."""


@dataclass(frozen=True, slots=True)
class Files:
    """Looks into the sandboxes of one agent; `agent_id` is asked each time, as it comes with registration."""

    work_dir: str
    agent_id: Callable[[], str]

    def resolve(self, path: str | None) -> str:
        """Give the real path behind `path`. Raises BadRequest or NotFound."""
        if not path:
            raise BadRequest("Expecting 'path=value' in query.")
        root = os.path.realpath(os.path.join(self.work_dir, "slaves"))
        if path.startswith(("/frameworks/", "frameworks/")):
            path = os.path.join(root, self.agent_id(), path.lstrip("/"))
        if "\0" in path:
            raise NotFound(f"Path '{path!r}' does not exist.")
        real = os.path.realpath(path)
        if os.path.commonpath([root, real]) != root or not os.path.exists(real):
            raise NotFound(f"Path '{path}' does not exist.")
        return real

    def browse(self, path: str | None) -> list[Json]:
        """List a directory."""
        real = self.resolve(path)
        if not os.path.isdir(real):
            raise NotFound(f"Path '{path}' is not a directory.")
        assert path is not None
        shown = path.rstrip("/")
        return [_entry(os.path.join(real, name), f"{shown}/{name}") for name in sorted(os.listdir(real))]

    def read(self, path: str | None, offset: str | None, length: str | None) -> tuple[int, bytes]:
        """Read a part of a file: where it begins, and what is there.

        Without an offset (or with -1) nothing is read, and the size of the file is told.
        """
        start, count = _number("offset", offset), _number("length", length)
        real = self.resolve(path)
        if os.path.isdir(real):
            raise BadRequest("Cannot read a directory.")
        size = os.path.getsize(real)
        if start == -1:
            return size, b""
        if start >= size:
            return start, b""
        with open(real, "rb") as file:
            file.seek(start)
            return start, file.read(MAX_READ if count == -1 else min(count, MAX_READ))

    def download(self, path: str | None) -> tuple[str, bytes]:
        """Give the name and the content of a file."""
        real = self.resolve(path)
        if os.path.isdir(real):
            raise BadRequest("Cannot download a directory.")
        with open(real, "rb") as file:
            return os.path.basename(real), file.read()


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


def _entry(real: str, shown: str) -> Json:
    status = os.lstat(real)
    return {
        "path": shown,
        "nlink": status.st_nlink,
        "size": status.st_size,
        "mtime": int(status.st_mtime),
        "mode": stat.filemode(status.st_mode),
        "uid": _name(pwd.getpwuid, status.st_uid),
        "gid": _name(grp.getgrgid, status.st_gid),
    }


def _name(lookup: Callable[[int], object], number: int) -> str:
    try:
        found = lookup(number)
    except KeyError:
        return str(number)
    return str(getattr(found, "pw_name", None) or getattr(found, "gr_name", number))
