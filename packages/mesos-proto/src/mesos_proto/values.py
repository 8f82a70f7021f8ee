"""Scalars in fixed point, ranges of integers, and the text form of values.

Mirrors upstream's `values.cpp`: scalars keep three decimals, ranges are inclusive and coalesced, and
sets keep the order of their items. What upstream lets through by accident (an inverted range hidden
under another, a number with trailing text) is an error here.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from mesos_proto.errors import ParseError, ResourceError

__all__ = [
    "Ranges",
    "Text",
    "format_scalar",
    "from_fixed",
    "parse_value",
    "to_fixed",
]

_MAXIMUM = 2**64 - 1
_ErrorMaker = Callable[[str, str, int], ParseError]
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_HEXADECIMAL = re.compile(r"-?0[xX][0-9a-fA-F]+")
_NOT_FINITE = re.compile(r"[+-]?(?:inf|infinity|nan(?:\([^)]*\))?)", re.IGNORECASE)
_SMALLEST_NORMAL = 2.2250738585072014e-308


def to_fixed(value: float) -> int:
    """Return a scalar in thousandths, halves away from zero. Raises `ResourceError` unless finite."""
    try:
        scaled = value * 1000
        whole = int(scaled)
    except (OverflowError, ValueError):
        raise ResourceError(f"a scalar must be finite, not {value}") from None
    rest = scaled - whole
    if rest >= 0.5:
        return whole + 1
    if rest <= -0.5:
        return whole - 1
    return whole


def from_fixed(fixed: int) -> float:
    """Return thousandths as a floating point number, with upstream's rounding."""
    whole, rest = divmod(abs(fixed), 1000)
    try:
        value = float(whole) + rest / 1000.0
    except OverflowError:
        raise ResourceError("a scalar has become too large for a floating point number") from None
    return -value if fixed < 0 else value


def format_scalar(fixed: int) -> str:
    """Write thousandths as Mesos prints scalars: 15 significant digits at most."""
    return f"{from_fixed(fixed):.15g}"


class Ranges:
    """An immutable set of unsigned 64-bit integers, as sorted, disjoint, non-adjacent spans.

    `+` is the union, `-` the difference, `&` the intersection, `<=` inclusion.
    """

    __slots__ = ("_spans",)

    _spans: tuple[tuple[int, int], ...]

    def __init__(self, spans: Iterable[tuple[int, int]] = (), *, swap: bool = False) -> None:
        """Take inclusive (begin, end) pairs in any order.

        Raises `ResourceError` for an inverted one; with `swap`, reads it the other way round.
        """
        pairs = sorted((min(span), max(span)) for span in spans) if swap else sorted(spans)
        for begin, end in pairs:
            if begin > end:
                raise ResourceError(f"range {begin}-{end} ends before it begins")
            if begin < 0 or end > _MAXIMUM:
                raise ResourceError(f"range {begin}-{end} is not of unsigned 64-bit integers")
        self._spans = tuple(_coalesced(pairs))

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """The inclusive (begin, end) pairs, sorted, with a gap between each two."""
        return self._spans

    @classmethod
    def of(cls, numbers: Iterable[int]) -> Ranges:
        """Make ranges of single numbers."""
        return cls((number, number) for number in numbers)

    @classmethod
    def _of_canonical(cls, spans: Iterable[tuple[int, int]]) -> Ranges:
        made = cls.__new__(cls)
        made._spans = tuple(spans)
        return made

    def __add__(self, other: Ranges) -> Ranges:
        if other._spans == self._spans or not other._spans:
            return self
        if not self._spans:
            return other
        if len(other._spans) * 8 < len(self._spans):
            return self._insert(other._spans)
        return Ranges._of_canonical(_coalesced(sorted(self._spans + other._spans)))

    def _insert(self, few: tuple[tuple[int, int], ...]) -> Ranges:
        """Add few spans to many without walking over the many."""
        spans = list(self._spans)
        for begin, end in few:
            # The spans that overlap or touch the new one.
            first = bisect_left(spans, (begin, -1))
            if first and spans[first - 1][1] + 1 >= begin:
                first -= 1
            last = bisect_right(spans, (end + 1, _MAXIMUM + 1))
            if first < last:
                begin = min(begin, spans[first][0])
                end = max(end, spans[last - 1][1])
            spans[first:last] = [(begin, end)]
        return Ranges._of_canonical(spans)

    def __sub__(self, other: Ranges) -> Ranges:
        if not self._spans or not other._spans:
            return self
        left: list[tuple[int, int]] = []
        holes = other._spans
        hole = max(bisect_right(holes, (self._spans[0][0], _MAXIMUM + 1)) - 1, 0)
        for begin, end in self._spans:
            while hole < len(holes) and holes[hole][1] < begin:
                hole += 1
            index = hole
            while index < len(holes) and holes[index][0] <= end:
                if holes[index][0] > begin:
                    left.append((begin, holes[index][0] - 1))
                begin = holes[index][1] + 1
                index += 1
            if begin <= end:
                left.append((begin, end))
        return Ranges._of_canonical(left)

    def __and__(self, other: Ranges) -> Ranges:
        return self - (self - other)

    def __le__(self, other: Ranges) -> bool:
        outer = other._spans
        for begin, end in self._spans:
            index = bisect_right(outer, (begin, _MAXIMUM + 1)) - 1
            if index < 0 or outer[index][1] < end:
                return False
        return True

    def __contains__(self, number: int) -> bool:
        return self.index(number) is not None

    def index(self, number: int) -> int | None:
        """Return which span holds a number, or None."""
        index = bisect_right(self._spans, (number, _MAXIMUM + 1)) - 1
        return index if index >= 0 and self._spans[index][1] >= number else None

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(self._spans)

    def __len__(self) -> int:
        return len(self._spans)

    def numbers(self) -> Iterator[int]:
        """Iterate over the single numbers, smallest first."""
        for begin, end in self._spans:
            yield from range(begin, end + 1)

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return sum(end - begin + 1 for begin, end in self._spans)

    def take(self, count: int) -> Ranges:
        """Return the `count` smallest numbers; fewer when there are fewer."""
        taken = []
        for begin, end in self._spans:
            if count <= 0:
                break
            end = min(end, begin + count - 1)
            taken.append((begin, end))
            count -= end - begin + 1
        return Ranges._of_canonical(taken)

    @property
    def minimum(self) -> int:
        """The smallest number. Raises `ResourceError` when there is none."""
        if not self._spans:
            raise ResourceError("empty ranges have no minimum")
        return self._spans[0][0]

    @property
    def maximum(self) -> int:
        """The largest number. Raises `ResourceError` when there is none."""
        if not self._spans:
            raise ResourceError("empty ranges have no maximum")
        return self._spans[-1][1]

    def __eq__(self, other: object) -> bool:
        return self._spans == other._spans if isinstance(other, Ranges) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._spans)

    def __repr__(self) -> str:
        return f"Ranges({list(self._spans)!r})"

    def __str__(self) -> str:
        return "[" + ", ".join(f"{begin}-{end}" for begin, end in self._spans) + "]"


def _coalesced(pairs: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Merge sorted spans that overlap or touch."""
    current: tuple[int, int] | None = None
    for begin, end in pairs:
        if current is None:
            current = (begin, end)
        elif begin <= current[1] + 1:
            if end > current[1]:
                current = (current[0], end)
        else:
            yield current
            current = (begin, end)
    if current is not None:
        yield current


@dataclass(frozen=True, slots=True)
class Text:
    """A value that is text: attributes have them, resources do not."""

    value: str


def parse_value(
    text: str, *, whole: str | None = None, offset: int = 0
) -> int | Ranges | tuple[str, ...] | Text:
    """Parse a value: thousandths of a scalar, ranges, the items of a set, or text.

    `whole` and `offset` say where the value stands in a larger text, for the error's sake. Raises
    `ParseError`.
    """
    everything = text if whole is None else whole
    check_encodable(everything)
    stripped = text.strip()
    offset += len(text) - len(text.lstrip())

    def error(problem: str, part: str, position: int) -> ParseError:
        return ParseError(problem, everything, part, offset + position)

    if not stripped:
        raise error("a value is missing", stripped, 0)
    for opening, closing in ("[]", "{}"):
        if stripped.startswith(opening):
            if not stripped.endswith(closing):
                raise error(f"{opening!r} is never closed by {closing!r}", stripped, 0)
            inner = stripped[1:-1]
            if opening == "[" and inner.count("[") == inner.count("]"):
                # Upstream takes brackets around single ranges for commas.
                inner = inner.replace("[", " ").replace("]", " ")
            items = list(_items(inner))
            for item, position in items:
                if any(bracket in item for bracket in "[]{}()"):
                    raise error("brackets inside brackets", item, position + 1)
            if opening == "{":
                return _parse_set(items, error)
            return _parse_ranges(items, error)
    if any(bracket in stripped for bracket in "[]{}"):
        raise error("a bracket in the middle of a value", stripped, 0)
    if stripped.count("(") != stripped.count(")"):
        raise error("mismatched parentheses", stripped, 0)
    # Upstream drops every space before it looks.
    compact = stripped.replace(" ", "")
    if _HEXADECIMAL.fullmatch(compact):
        number = _from_hexadecimal(compact)
    elif _NUMBER.fullmatch(compact):
        number = float(compact)
    elif _NOT_FINITE.fullmatch(compact):
        raise error("a scalar must be finite", stripped, 0)
    else:
        return Text(compact)
    if number < 0:
        raise error("a scalar must not be negative", stripped, 0)
    if number * 1000 == float("inf"):
        raise error("a scalar must be finite, and its thousandths too", stripped, 0)
    if 0 < number < _SMALLEST_NORMAL:
        raise error("a scalar must not be subnormal", stripped, 0)
    return to_fixed(number)


def check_encodable(text: str) -> None:
    """Raise `ParseError` for text that UTF-8 cannot say, which no message can hold."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ParseError(
            "not text that UTF-8 can say", text, text[error.start : error.end], error.start
        ) from None


def _from_hexadecimal(text: str) -> float:
    try:
        return float(int(text, 16))
    except OverflowError:
        return float("-inf" if text.startswith("-") else "inf")


def _items(inner: str) -> Iterator[tuple[str, int]]:
    """Split at commas and line ends into (item without blanks around it, position)."""
    for match in re.finditer(r"[^,\n]+", inner):
        item = match.group().strip()
        if item:
            yield item, match.start() + len(match.group()) - len(match.group().lstrip())


def _parse_set(items: list[tuple[str, int]], error: _ErrorMaker) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for item, position in items:
        compact = item.replace(" ", "")
        if compact in found:
            raise error("a set has an item twice", item, position + 1)
        found[compact] = None
    return tuple(found)


def _parse_ranges(items: list[tuple[str, int]], error: _ErrorMaker) -> Ranges:
    spans = []
    for item, position in items:
        match = re.fullmatch(r"([0-9]+)(?:\s*-\s*([0-9]+))?", item)
        if match is None:
            raise error("a range must be one unsigned integer, or two with '-' between", item, position + 1)
        # Python refuses to read numbers of thousands of digits.
        begin, end = (int(digits.lstrip("0")[:21] or "0") for digits in (match[1], match[2] or match[1]))
        if max(begin, end) > _MAXIMUM:
            raise error("a range must be of unsigned 64-bit integers", item, position + 1)
        if begin > end:
            raise error("a range ends before it begins", item, position + 1)
        spans.append((begin, end))
    return Ranges(spans)
