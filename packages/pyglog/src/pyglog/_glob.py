"""Shell patterns as `-vmodule` has them: those of Go's `path/filepath.Match`.

`*` and `?` do not match a slash, `[a-c]` and `[^a-c]` are classes, a backslash quotes.
"""

from __future__ import annotations

import re

from .errors import FlagError

_SPECIAL = frozenset("\\*?[]")


def is_literal(pattern: str) -> bool:
    """Tell whether a pattern stands only for itself."""
    return _SPECIAL.isdisjoint(pattern)


def compile_glob(pattern: str) -> re.Pattern[str]:
    """Translate a pattern to a regular expression for `fullmatch`; raise `FlagError`."""
    pieces = []
    position = 0
    while position < len(pattern):
        char = pattern[position]
        position += 1
        if char == "*":
            pieces.append("[^/]*")
        elif char == "?":
            pieces.append("[^/]")
        elif char == "[":
            piece, position = _class(pattern, position)
            pieces.append(piece)
        else:
            if char == "\\":
                char, position = _quoted(pattern, position)
            pieces.append(re.escape(char))
    return re.compile("".join(pieces), re.DOTALL)


def _bad(pattern: str, why: str) -> FlagError:
    return FlagError(f"bad pattern {pattern!r}: {why}")


def _quoted(pattern: str, position: int) -> tuple[str, int]:
    """Return the character at a position after a backslash, and the position behind it."""
    if position >= len(pattern):
        raise _bad(pattern, "nothing follows the backslash")
    return pattern[position], position + 1


def _member(pattern: str, position: int) -> tuple[str, int]:
    """Return one character of a class, and the position behind it."""
    if position >= len(pattern):
        raise _bad(pattern, "a class is not closed with ]")
    char = pattern[position]
    if char in "-]":
        raise _bad(pattern, f"{char!r} in a class must be quoted with a backslash")
    return _quoted(pattern, position + 1) if char == "\\" else (char, position + 1)


def _class(pattern: str, position: int) -> tuple[str, int]:
    """Translate the class whose `[` ends at a position; return it and the position behind its `]`."""
    negated = pattern[position : position + 1] == "^"
    position += negated
    ranges: list[str] = []
    while pattern[position : position + 1] != "]" or not ranges:
        low, position = _member(pattern, position)
        high = low
        if pattern[position : position + 1] == "-":
            high, position = _member(pattern, position + 1)
        if high < low:
            raise _bad(pattern, f"the range {low}-{high} is empty")
        ranges.append(f"{re.escape(low)}-{re.escape(high)}")
    return f"[{'^/' if negated else ''}{''.join(ranges)}]", position + 1
