"""Paths into nested data: `frameworks[0].tasks[1].id`, compiled once and used often.

    path    = step { step }
    step    = name            the first one
            | "." name        a key without `.`, `[` and `]`
            | "[" digits "]"  an index of a list
            | "[" text "]"    a key without `[` and `]`, such as `[example.com]`
            | "[" string "]"  any key, as a JSON string: `["a]b"]`

Following a path copies nothing and looks at nothing beside it.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence
from typing import Final

from .errors import PathError

Step = str | int

_NAME = re.compile(r"[^.\[\]]+")
_DIGITS = re.compile(r"[0-9]{1,18}")
_BRACKET = re.compile(r'\[(?:([0-9]{1,18})|("(?:[^"\\]|\\.)*")|([^\[\]"]+))\]', re.DOTALL)
_SCALARS = (str, int, float, bool, type(None))


class Missing:
    """The type of `MISSING`."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()
"""What a path that leads nowhere finds."""


class Path:
    """A compiled path. Equal paths are equal and hash alike; `str` gives a path that compiles to the same."""

    __slots__ = ("_plan", "_text", "steps")

    steps: tuple[Step, ...]
    _plan: tuple[tuple[type, Step], ...]
    """Each step with the type of what it is nearly always taken from."""

    def __init__(self, text: str) -> None:
        """Compile a path; raise `PathError` if it is malformed."""
        self._compile(_parse(text), text)

    @classmethod
    def of(cls, *steps: Step) -> Path:
        """Make a path of keys and indexes, whatever characters are in them."""
        made = cls.__new__(cls)
        made._compile(steps, _render(steps))
        if not steps or any(isinstance(step, int) and step < 0 for step in steps):
            raise PathError(made._text, "", "a path needs steps, and indexes start at 0")
        return made

    def _compile(self, steps: tuple[Step, ...], text: str) -> None:
        self.steps, self._text = steps, text
        self._plan = tuple((dict if isinstance(step, str) else list, step) for step in steps)

    def find(self, data: object) -> object:
        """Return what is at the path, or `MISSING`."""
        try:
            for kind, step in self._plan:
                if type(data) is kind:
                    data = data[step]  # type: ignore[index]
                else:
                    data = _take(data, step)
                    if data is MISSING:
                        return MISSING
        except (KeyError, IndexError):
            return MISSING
        return data

    def require(self, data: object) -> object:
        """Return what is at the path; raise `PathError`, which tells how far it led."""
        found = self.find(data)
        if found is MISSING:
            raise self.explain(data)
        return found

    def set(self, data: object, value: object) -> None:
        """Put a value at the path, making the maps on the way that are missing.

        A scalar on the way gives place to a map, as in objx; a list does not. Raises `PathError`.
        """
        *way, last = self.steps
        for position, step in enumerate(way):
            found = _take(data, step)
            following = self.steps[position + 1]
            if isinstance(following, str) and (found is MISSING or isinstance(found, _SCALARS)):
                found = {}
                self._put(data, step, found, position)
            data = found
        self._put(data, last, value, len(way))

    def _put(self, data: object, step: Step, value: object, position: int) -> None:
        if isinstance(step, str):
            if isinstance(data, MutableMapping):
                data[step] = value
                return
        elif isinstance(data, MutableSequence) and step < len(data):
            data[step] = value
            return
        raise self._failure(data, position, setting=True)

    def explain(self, data: object) -> PathError:
        """Return the error of a path that leads nowhere: how far it led, and what is there instead."""
        for position, step in enumerate(self.steps):
            found = _take(data, step)
            if found is MISSING:
                return self._failure(data, position)
            data = found
        return PathError(self._text, self._text, "leads to what is not of the kind asked for")

    def _failure(self, data: object, position: int, setting: bool = False) -> PathError:
        """Return the error of a step that cannot be taken from what is there."""
        step = self.steps[position]
        reached = _render(self.steps[: position - (data is MISSING)])
        here = reached or "the data"
        if data is MISSING:
            missing = _render(self.steps[:position])
            reason = f"there is no {missing}, and only maps are made on the way"
        elif isinstance(step, str) and isinstance(data, Mapping):
            if setting:
                reason = f"{here} is a {type(data).__name__}, which cannot be changed"
            else:
                reason = f"there is no {step!r} in {here}, {_keys_of(data)}"
        elif isinstance(step, int) and isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
            if setting and step < len(data):
                reason = f"{here} is a {type(data).__name__}, which cannot be changed"
            else:
                reason = f"there is no [{step}] in {here}, which has {len(data)} items"
        else:
            wanted = "a list" if isinstance(step, int) else "a map"
            reason = f"{here} is {describe(data)}, not {wanted}, at {_render((step,))}"
        return PathError(self._text, reached, reason)

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Path({self._text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Path) and self.steps == other.steps

    def __hash__(self) -> int:
        return hash(self.steps)


@functools.lru_cache(maxsize=4096)
def compile_path(text: str) -> Path:
    """Return the path of a text, compiled before if it was used lately; raise `PathError`."""
    return Path(text)


def describe(value: object) -> str:
    """Return what kind of thing a value is, for a message, without showing much of it."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, (bool, int, float)):
        return f"{value!r:.40} ({type(value).__name__})"
    if isinstance(value, str):
        return f"the text {value!r}" if len(value) <= 40 else f"a text of {len(value)} characters"
    if isinstance(value, Mapping):
        return "a map"
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return "a list"
    return f"a {type(value).__name__}"


def _keys_of(data: Mapping[object, object]) -> str:
    """Tell the keys of a map, the first of them if there are many."""
    keys = [repr(key) for key, _ in zip(data, range(6), strict=False)]
    if not keys:
        return "which is empty"
    return f"which has {', '.join(keys[:5])}{', …' if len(keys) > 5 else ''}"


def _take(data: object, step: Step) -> object:
    """Take one step; return `MISSING` if it cannot be."""
    if isinstance(step, str):
        if isinstance(data, Mapping) and step in data:
            return data[step]
    elif isinstance(data, Sequence) and not isinstance(data, (str, bytes, bytearray)) and step < len(data):
        return data[step]
    return MISSING


def _render(steps: tuple[Step, ...]) -> str:
    """Return the text of steps."""
    pieces: list[str] = []
    for step in steps:
        if isinstance(step, int):
            pieces.append(f"[{step}]")
        elif _NAME.fullmatch(step):
            pieces.append(f".{step}" if pieces else step)
        else:
            pieces.append(f"[{json.dumps(step)}]")
    return "".join(pieces)


def _parse(text: str) -> tuple[Step, ...]:
    """Return the steps of a path."""
    steps: list[Step] = []
    position = 0
    while position < len(text) or not steps:
        start = position
        if text[position : position + 1] == "[":
            match = _BRACKET.match(text, position)
            if match is None:
                raise _malformed(text, start, _bracket_reason(text[start:]))
            digits, quoted, key = match.groups()
            steps.append(int(digits) if digits else _unquote(text, start, quoted) if quoted else key)
            if key is not None and re.fullmatch(r"-[0-9]+|[0-9]+", key):
                raise _malformed(text, start, f'{key} is no index; for a key write ["{key}"]')
        else:
            if steps:
                if text[position] != ".":
                    raise _malformed(text, start, "a '.' or '[' must come before the next name")
                position += 1
            match = _NAME.match(text, position)
            if match is None:
                raise _malformed(text, start, "a name is missing")
            steps.append(match.group())
        position = match.end()
    return tuple(steps)


def _unquote(text: str, start: int, quoted: str) -> str:
    try:
        key = json.loads(quoted)
    except ValueError as error:
        raise _malformed(text, start, f"{quoted} is no JSON string") from error
    assert isinstance(key, str)
    return key


def _bracket_reason(rest: str) -> str:
    if "]" not in rest:
        return "a '[' is not closed"
    if rest.startswith("[]"):
        return "a key or index is missing between '[' and ']'"
    return "what is between '[' and ']' is no key: write one with brackets or quotes as a JSON string"


def _malformed(text: str, start: int, reason: str) -> PathError:
    return PathError(text, text[:start], f"malformed at character {start}: {reason}")
