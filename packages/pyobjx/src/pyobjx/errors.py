"""What pyobjx raises."""

from __future__ import annotations


class ObjxError(Exception):
    """Base class of pyobjx's errors."""


class PathError(ObjxError):
    """A path is malformed, leads nowhere, or leads to something of another kind.

    `path` is the path as given, `reached` the part of it that could be followed.
    """

    def __init__(self, path: str, reached: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reached = reached
        self.reason = reason

    def __reduce__(self) -> tuple[type[PathError], tuple[str, str, str]]:
        return PathError, (self.path, self.reached, self.reason)


class DataError(ObjxError):
    """A text cannot be read as data, or data cannot be written as text."""
