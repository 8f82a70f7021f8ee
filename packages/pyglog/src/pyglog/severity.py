"""Severities, in glog's order: a record of one also goes to the files of those below it."""

from __future__ import annotations

import enum

from .errors import FlagError

LETTERS = "IWEF"


class Severity(enum.IntEnum):
    """How bad a record is."""

    INFO = 0
    WARNING = 1
    ERROR = 2
    FATAL = 3

    @property
    def letter(self) -> str:
        """The first character of the severity's lines."""
        return LETTERS[self]

    @classmethod
    def parse(cls, value: str | int) -> Severity:
        """Return the severity of a name (in any case) or number; raise `FlagError`."""
        text = str(int(value)) if isinstance(value, int) else value.strip().upper()
        for severity in cls:
            if text in (severity.name, str(severity.value)):
                return severity
        raise FlagError(f"{value!r} is not a severity: use INFO, WARNING, ERROR, FATAL or 0 to 3")
