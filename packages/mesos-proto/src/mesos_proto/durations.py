"""Durations as Mesos writes them: `"15mins"`, `"1.5hrs"`, `"250ms"`.

Mirrors stout's `duration.hpp`: a number of digits and dots, then one unit. Mesos holds nanoseconds in
64 bits; signs are printed but never parsed.
"""

from __future__ import annotations

from mesos_proto.errors import DurationError

__all__ = ["format_duration", "format_nanoseconds", "parse_duration", "parse_nanoseconds"]

# From the smallest to the largest; each divides the next.
_UNITS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "secs": 1_000_000_000,
    "mins": 60 * 1_000_000_000,
    "hrs": 3_600 * 1_000_000_000,
    "days": 86_400 * 1_000_000_000,
    "weeks": 7 * 86_400 * 1_000_000_000,
}
_LADDER = list(_UNITS.items())
_LIMIT = 2**63


def parse_nanoseconds(text: str) -> int:
    """Parse a duration into whole nanoseconds, the rest cut off. Raises `DurationError`."""
    number = text
    for index, character in enumerate(text):
        if character not in "0123456789.":
            number = text[:index]
            break
    unit = text[len(number) :]
    if not number or not unit:
        raise DurationError(f"invalid duration {text!r}: want a number and a unit, '15mins' say")
    if unit not in _UNITS:
        raise DurationError(f"invalid duration {text!r}: unit {unit!r} is none of {', '.join(_UNITS)}")
    try:
        nanoseconds = float(number) * _UNITS[unit]
    except ValueError:
        raise DurationError(f"invalid duration {text!r}: {number!r} is not a number") from None
    if nanoseconds >= _LIMIT:
        raise DurationError(f"invalid duration {text!r}: more than 64-bit nanoseconds can hold")
    return int(nanoseconds)


def parse_duration(text: str) -> float:
    """Parse a duration into seconds. Raises `DurationError`."""
    return parse_nanoseconds(text) / 1e9


def format_nanoseconds(nanoseconds: int) -> str:
    """Write a duration in the largest unit that it fills, or one below where that makes it whole."""
    if not -_LIMIT <= nanoseconds < _LIMIT:
        raise DurationError(f"{nanoseconds}ns is more than 64-bit nanoseconds can hold")
    sign = "-" if nanoseconds < 0 else ""
    size = min(abs(nanoseconds), _LIMIT - 1)
    step = max((index for index, (_, factor) in enumerate(_LADDER) if factor <= size), default=0)
    below = max(step - 1, 0)
    whole_below = size % _LADDER[step][1] != 0 and size % _LADDER[below][1] == 0
    unit, factor = _LADDER[below if whole_below else step]
    if factor == 1:
        return f"{sign}{size}ns"
    return f"{sign}{size / factor:.15g}{unit}"


def format_duration(seconds: float) -> str:
    """Write a number of seconds as Mesos writes durations; what is below a nanosecond is cut off."""
    if not -_LIMIT < seconds * 1e9 < _LIMIT:
        raise DurationError(f"{seconds} seconds are not a duration that 64-bit nanoseconds can hold")
    exact = seconds * 1e9
    nearest = round(exact)
    # 1.001 seconds are 1000999999.9999999 in floating point: not a nanosecond less.
    return format_nanoseconds(nearest if abs(exact - nearest) < 1e-3 else int(exact))
