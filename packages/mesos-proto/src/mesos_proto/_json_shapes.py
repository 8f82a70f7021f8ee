"""JSON texts of a shape seen before, turned into the wire form of a message without reading them as JSON.

Strategy: the documents of a stream are made by one writer, and most differ in the values of some strings and
numbers only. From such a document a regular expression is made, with a group for each of these values, and a
function that puts the groups into the wire form. What one matches is JSON of the same keys, lists, enums and
booleans, with plain ASCII strings and common numbers for values; any other text, and a value that is too
long, is left to those who read JSON. No text gets into code, which has names of groups and of constants.
"""

from __future__ import annotations

import binascii
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from mesos_proto._fields import INTEGERS, Field, enum_numbers, fields_by_name, is_map, is_repeated
from mesos_proto._wire import tag, varint

__all__ = ["Shapes"]

_LARGEST = 4096
"""Bytes of a document beyond which no shape is made of it: it would take long, and hardly come again."""

_MOST = 8
"""Shapes known at a time; the oldest goes first."""

_PATIENCE = 1000
"""Documents of no known shape between two tries to learn one, each of a millisecond, after the first few."""

_EACH = 16
"""Of documents of no known shape one in so many is looked at, to see whether its shape comes again."""

_TOKEN = re.compile(
    rb'[ \t\r\n]*(?:(?P<text>"[ !#-\[\]-~]*")|(?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?)'
    rb"|(?P<word>true|false)|(?P<mark>[][{}:,]))"
)
_KEY_OR_VALUE = re.compile(rb'("[^"\\]*"[ \t\r\n]*:)|"[^"\\]*"|[-0-9.]+')

_TEXT_GROUP = rb'"([ !#-\[\]-~]*)"'
_BASE64_GROUP = rb'"([A-Za-z0-9+/]*={0,2})"'
_POINT_GROUP = rb"(-?(?:0|[1-9][0-9]{0,15})\.[0-9]{1,17})"
_WHOLE_GROUP = rb"(0|-?[1-9][0-9]{0,%d})"

_PREFIXES = tuple(bytes((size & 0x7F | 0x80, size >> 7)) for size in range(4096))
"""Sizes as varints of two bytes, so that a message's size does not hang on those of the sizes in it."""


class Shapes:
    """The shapes of the documents of one type of message, learnt on the way."""

    def __init__(self, descriptor: Descriptor) -> None:
        self._descriptor = descriptor
        self._shapes: tuple[tuple[Callable[[bytes], re.Match[bytes] | None], Callable[..., bytes]], ...] = ()
        self._seen: set[int] = set()
        self._missed = 0
        self._next = 0
        self._tries = 0

    def wire(self, text: bytes) -> bytes | None:
        """Return the wire form of a document, None when it has no known shape."""
        for match, write in self._shapes:
            found = match(text)
            if found is not None:
                try:
                    return write(*found.groups())
                except (IndexError, ValueError):
                    return None
        return None

    def missed(self, text: bytes) -> None:
        """Take note of a complete message that had no known shape; when its shape comes again, learn it."""
        self._missed += 1
        if self._missed < self._next or len(text) > _LARGEST:
            return
        if self._missed > 2 * _EACH:
            self._next = self._missed + _EACH
        likeness = hash(_KEY_OR_VALUE.sub(rb"\1", text))
        if likeness not in self._seen:
            if len(self._seen) >= 100:
                self._seen.clear()
            self._seen.add(likeness)
            return
        self._seen.discard(likeness)
        self._tries += 1
        if self._tries >= _MOST:
            self._next = self._missed + _PATIENCE
        try:
            match, write = _Learner(text).shape(self._descriptor)
        except ValueError:
            return  # There is more in it than a shape can say.
        if match(text) is not None:
            self._shapes = ((match, write), *self._shapes[: _MOST - 1])


@dataclass(slots=True)
class _Body:
    """The wire form of a message: constants, and expressions for what varies."""

    parts: list[bytes | str] = field(default_factory=list)
    fixed: int = 0
    sizes: list[str] = field(default_factory=list)

    def add(self, constant: bytes) -> None:
        self.parts.append(constant)
        self.fixed += len(constant)

    def add_sized(self, size: str, *parts: bytes | str) -> None:
        """Add parts of some size behind a prefix that says it."""
        self.parts += [f"prefixes[{size}]", *parts]
        self.fixed += 2
        self.sizes.append(size)


class _Learner:
    """Reads one document, of canonical values only, into a pattern and a function; raises ValueError."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._position = 0
        self._copied = 0
        self._pattern: list[bytes] = []
        self._groups = 0
        self._lines: list[str] = []

    def shape(self, descriptor: Descriptor) -> tuple[Callable[[bytes], Any], Callable[..., bytes]]:
        """Return what matches such documents, and what makes the wire form of the groups."""
        body = self._message(descriptor)
        if self._position != len(self._text):
            raise ValueError("more than a document")
        self._copy(self._position)
        return re.compile(b"".join(self._pattern)).fullmatch, self._function(body)

    def _function(self, body: _Body) -> Callable[..., bytes]:
        """Make the function, as `dataclasses` makes its own: written out it is several times as fast."""
        constants: dict[str, object] = {}
        parts: list[str] = []
        pending = b""
        for part in [*body.parts, ""]:
            if isinstance(part, bytes):
                pending += part
                continue
            if pending:
                name = f"constant{len(constants)}"
                constants[name], pending = pending, b""
                parts.append(name)
            if part:
                parts.append(part)
        names = ", ".join(f"group{number}" for number in range(self._groups))
        lines = [f"def write({names}):", *self._lines, f"return join(({', '.join([*parts, ''])}))"]
        scope = {**_HELPERS, **constants}
        exec("\n ".join(lines), scope)
        made: Callable[..., bytes] = scope["write"]  # type: ignore[assignment]
        return made

    def _copy(self, end: int) -> None:
        self._pattern.append(re.escape(self._text[self._copied : end]))
        self._copied = end

    def _group(self, found: re.Match[bytes], kind: str, group: bytes) -> str:
        """Let a value vary; return the name it has in the function."""
        self._copy(found.start(kind))
        self._pattern.append(group)
        self._copied = found.end(kind)
        self._groups += 1
        return f"group{self._groups - 1}"

    def _token(self) -> re.Match[bytes]:
        found = _TOKEN.match(self._text, self._position)
        if found is None:
            raise ValueError("nothing that comes in shapes")
        self._position = found.end()
        return found

    def _mark(self, *wanted: bytes) -> bytes:
        mark: bytes | None = self._token()["mark"]
        if mark not in wanted:
            raise ValueError(f"not one of {wanted}")
        return mark

    def _at(self, mark: bytes) -> bool:
        """Take a mark when it comes next."""
        found = _TOKEN.match(self._text, self._position)
        if found is None or found["mark"] != mark:
            return False
        self._position = found.end()
        return True

    def _message(self, descriptor: Descriptor) -> _Body:
        body = _Body()
        fields = dict(fields_by_name(descriptor))
        self._mark(b"{")
        if self._at(b"}"):
            return body
        while True:
            name: bytes | None = self._token()["text"]
            found = fields.pop((name or b"")[1:-1].decode(), None)
            if found is None or is_map(found):
                raise ValueError("unknown, twice, or a map")
            self._mark(b":")
            if is_repeated(found):
                self._list(found, body)
            else:
                self._value(found, body)
            if self._mark(b",", b"}") == b"}":
                return body

    def _list(self, kind: Field, body: _Body) -> None:
        self._mark(b"[")
        if self._at(b"]"):
            return
        while True:
            self._value(kind, body)
            if self._mark(b",", b"]") == b"]":
                return

    def _value(self, kind: Field, body: _Body) -> None:
        body.add(tag(kind))
        if kind.type == FieldDescriptor.TYPE_MESSAGE:
            inner = self._message(kind.message_type)
            size = f"size{len(self._lines)}"
            self._lines.append(f"{size} = {' + '.join([str(inner.fixed), *inner.sizes])}")
            body.add_sized(size, *inner.parts)
            return
        found = self._token()
        text, number, word = found["text"], found["number"], found["word"]
        if kind.type == FieldDescriptor.TYPE_STRING and text is not None:
            self._add_sized(body, self._group(found, "text", _TEXT_GROUP))
        elif kind.type == FieldDescriptor.TYPE_BYTES and text is not None:
            name = self._group(found, "text", _BASE64_GROUP)
            self._lines.append(f"{name} = from_base64({name})")
            self._add_sized(body, name)
        elif kind.type == FieldDescriptor.TYPE_ENUM and text is not None:
            value = enum_numbers(kind.enum_type).get(text[1:-1].decode())
            if value is None:
                raise ValueError("an unknown enum")
            body.add(varint(value & (2**64 - 1)))
        elif kind.type == FieldDescriptor.TYPE_BOOL and word is not None:
            body.add(b"\1" if word == b"true" else b"\0")
        elif kind.type == FieldDescriptor.TYPE_DOUBLE and number is not None:
            # A whole number is no other one when it becomes a float, if it has few enough digits.
            name = self._group(found, "number", _POINT_GROUP if b"." in number else _WHOLE_GROUP % 14)
            body.parts.append(f"pack(float({name}))")
            body.fixed += 8
        elif kind.type in INTEGERS and number is not None and b"." not in number:
            self._integer(kind, found, body)
        else:
            raise ValueError("a value in an unusual form")

    def _integer(self, kind: Field, found: re.Match[bytes], body: _Body) -> None:
        least, most = INTEGERS[kind.type]
        digits = 17 if most > 2**32 else 8
        name = self._group(found, "number", (_WHOLE_GROUP % digits).replace(b"-?", b"-?" if least else b""))
        self._lines.append(f"{name} = integer({name})")
        self._lines.append(f"{name}size = len({name})")
        body.parts.append(name)
        body.sizes.append(f"{name}size")

    def _add_sized(self, body: _Body, name: str) -> None:
        self._lines.append(f"{name}size = len({name})")
        body.add_sized(f"{name}size", name)


def _from_base64(text: bytes) -> bytes:
    if len(text) % 4:
        raise ValueError("not base64")
    return binascii.a2b_base64(text)


def _integer(text: bytes) -> bytes:
    return varint(int(text) & (2**64 - 1))


_HELPERS: Mapping[str, object] = {
    "from_base64": _from_base64,
    "integer": _integer,
    "join": b"".join,
    "pack": struct.Struct("<d").pack,
    "prefixes": _PREFIXES,
}
