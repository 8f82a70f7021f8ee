"""Resources as text that can be read back, upstream's command line form and more.

    text      = item *(";" item)
    item      = name [allocated] *layer ["[" disk "]"] ["<REV>"] ["<SHARED>"] ":" value
    allocated = "(allocated:" role ")"
    layer     = "(" role ")" [ "{" [principal] "}" ]     ; braces: dynamic, else static
    disk      = [source] ["," id] [":" volume]           ; no comma without a source
    source    = ("PATH" | "MOUNT") [":" root] | "BLOCK" | "RAW"
    volume    = [host_path ":"] container_path [":rw" | ":ro"]
    value     = number | "[" [range *("," range)] "]" | "{" [text *("," text)] "}"
    range     = number ["-" number]

Blanks may stand between the parts. A further `(role)` refines the one before. `{REV}` is read like
`<REV>` where no role stands before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mesos_proto.errors import ParseError, ResourceError, RoleError
from mesos_proto.resources._print import amount_text
from mesos_proto.resources._shape import (
    RANGES,
    SCALAR,
    SET,
    Amount,
    Entry,
    Reservation,
    Shape,
    read_disk,
    write,
)
from mesos_proto.resources._validate import validate
from mesos_proto.roles import validate_role
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.values import Ranges, Text, check_encodable, parse_value

_Info = mesos.Resource.ReservationInfo
_Source = mesos.Resource.DiskInfo.Source
_PAIRS = {"(": ")", "{": "}", "[": "]", "<": ">"}
_ALLOCATED = re.compile(r"allocated:\s*(.*)", re.DOTALL)
_NONZERO = re.compile(r"[+-]?[0.]*[1-9]")
_SOURCE = re.compile(r"(PATH|MOUNT|BLOCK|RAW)(?=[,:]|$)")


def parse(text: str, default_role: str) -> list[Entry]:
    """Parse text. Raises `ParseError` with the part and the position that is wrong."""
    check_encodable(text)
    if default_role != "*":
        validate_role(default_role)
    return [_Item(text, start, end).entry(default_role) for start, end in _split(text)]


def checked(entries: list[Entry], text: str, *, flag: bool) -> list[Entry]:
    """Check what one resource cannot know: no name may have two types; and what a flag may not have."""
    types: dict[str, int] = {}
    for entry in entries:
        shape = entry.shape
        if types.setdefault(shape.name, shape.type) != shape.type:
            position = text.rfind(shape.name)
            raise ParseError("two types for one name", text, shape.name, position)
        if flag and (
            shape.persistent or shape.revocable or (shape.reservations and shape.reservations[-1].dynamic)
        ):
            problem = (
                "persistent volumes, revocable and dynamically reserved resources are made by operations"
            )
            raise ParseError(problem, text, shape.name, text.find(shape.name))
    return entries


def _split(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of the items, without blanks around them; the empty ones are skipped."""
    start = 0
    for end in [*(match.start() for match in re.finditer(";", text)), len(text)]:
        piece = text[start:end]
        if piece.strip():
            left = start + len(piece) - len(piece.lstrip())
            yield left, left + len(piece.strip())
        start = end + 1


class _Item:
    """The text of one resource, read from left to right."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text, self.position, self.end = text, start, end
        self.start = start
        self.allocation: str | None = None
        self.reservations: list[Reservation] = []
        self.disk: mesos.Resource.DiskInfo | None = None
        self.revocable = self.shared = False

    def error(self, problem: str, start: int, end: int) -> ParseError:
        return ParseError(problem, self.text, self.text[start:end], start)

    def entry(self, default_role: str) -> Entry:
        """Parse the whole item."""
        name = self._name()
        while self.position < self.end and self.text[self.position] != ":":
            self._decoration()
        if self.position >= self.end:
            raise self.error("a resource needs ':' and a value", self.start, self.end)
        amount = self._amount(self.position + 1)
        if not self.reservations and default_role != "*" and not self._named_star:
            self.reservations.append(Reservation(_Info.STATIC, default_role, None, None))
        disk = None if self.disk is None else read_disk(self.disk)
        kind = SCALAR if isinstance(amount, int) else RANGES if isinstance(amount, Ranges) else SET
        shape = Shape(
            name, kind, self.allocation, tuple(self.reservations), disk, self.revocable, None, self.shared
        )
        entry = Entry(shape, amount)
        try:
            validate(write(entry))
        except ResourceError as error:
            raise self.error(str(error), self.start, self.end) from None
        return entry

    _named_star = False

    def _name(self) -> str:
        stop = self.position
        while stop < self.end and self.text[stop] not in ":({[<":
            if self.text[stop] in ")}]>":
                raise self.error("a bracket that was never opened", stop, stop + 1)
            stop += 1
        name = self.text[self.position : stop].strip()
        if not name:
            raise self.error("a resource needs a name", self.start, self.end)
        self.position = stop
        return name

    def _decoration(self) -> None:
        """Read one bracketed part, or blanks."""
        start = self.position
        opening = self.text[start]
        if opening.isspace():
            self.position += 1
            return
        if opening not in _PAIRS:
            raise self.error("want ':' or an opening bracket", start, self.end)
        close = self.text.find(_PAIRS[opening], start, self.end)
        if close < 0:
            raise self.error(f"{opening!r} is never closed by {_PAIRS[opening]!r}", start, self.end)
        inner = self.text[start + 1 : close]
        self.position = close + 1
        if opening == "(":
            self._role(inner, start + 1, close)
        elif opening == "[":
            if self.disk is not None:
                raise self.error("a second disk", start, close + 1)
            self.disk = self._disk_info(inner, start + 1)
        elif opening == "<" and inner.strip() == "SHARED" and not self.shared:
            self.shared = True
        elif inner.strip() == "REV" and not self.revocable:
            self.revocable = True
        else:
            raise self.error("want <REV>, <SHARED>, or a principal's braces after a role", start, close + 1)

    def _role(self, inner: str, start: int, close: int) -> None:
        allocated = _ALLOCATED.fullmatch(inner.strip())
        if allocated is not None and (not allocated[1] or inner.strip() != f"allocated:{allocated[1]}"):
            if self.allocation is not None or self.reservations:
                raise self.error("an allocation must stand once, before any role", start, close)
            self._check_role(allocated[1], start, close)
            self.allocation = allocated[1]
            return
        role = inner.strip()
        self._check_role(role, start, close)
        brace = self.position
        while brace < self.end and self.text[brace].isspace():
            brace += 1
        principal = None
        kind = _Info.STATIC
        if brace < self.end and self.text[brace] == "{":
            end = self.text.find("}", brace, self.end)
            if end < 0:
                raise self.error("'{' is never closed by '}'", brace, self.end)
            principal = self.text[brace + 1 : end].strip() or None
            kind = _Info.DYNAMIC
            self.position = end + 1
        if role == "*":
            if self.reservations or kind == _Info.DYNAMIC:
                raise self.error("role '*' cannot be reserved", start, close)
            self._named_star = True
            return
        self.reservations.append(Reservation(kind, role, principal, None))

    def _check_role(self, role: str, start: int, close: int) -> None:
        try:
            validate_role(role)
        except RoleError as error:
            raise self.error(str(error), start, close) from None

    def _disk_info(self, inner: str, start: int) -> mesos.Resource.DiskInfo:
        info = mesos.Resource.DiskInfo()
        rest = inner
        match = _SOURCE.match(rest)
        if match is not None:
            info.source.type = _Source.Type.Value(match[1])
            rest = rest[match.end() :]
            if rest.startswith(":") and match[1] in ("PATH", "MOUNT"):
                root, comma, rest = rest[1:].partition(",")
                rest = comma + rest
                (info.source.path if match[1] == "PATH" else info.source.mount).root = root
            if rest.startswith(","):
                rest = rest[1:]
            elif rest and not rest.startswith(":"):
                raise self.error("want ',' after a disk's source", start, start + len(inner))
        identity, colon, volume = rest.partition(":")
        if identity:
            info.persistence.id = identity
        if colon:
            parts = volume.split(":")
            mode = mesos.Volume.RW
            if len(parts) > 1 and parts[-1] in ("rw", "ro"):
                mode = mesos.Volume.RW if parts.pop() == "rw" else mesos.Volume.RO
            if len(parts) > 2 or not all(parts):
                raise self.error("a volume is [host_path:]container_path[:rw|:ro]", start, start + len(inner))
            info.volume.mode = mode
            info.volume.container_path = parts[-1]
            if len(parts) == 2:
                info.volume.host_path = parts[0]
        return info

    def _amount(self, start: int) -> Amount:
        value = self.text[start : self.end]
        colon = value.find(":")
        if colon >= 0:
            raise self.error("a second ':'", start + colon, self.end)
        if not value.strip():
            raise self.error("a value is missing after ':'", self.start, self.end)
        amount = parse_value(value, whole=self.text, offset=start)
        if isinstance(amount, Text):
            raise self.error("a resource must be a number, [ranges] or {a set}, not text", start, self.end)
        if amount == 0 and _NONZERO.match(value.replace(" ", "")):
            raise self.error("less than the three decimals that Mesos keeps", start, self.end)
        return amount


def to_text(entries: Iterable[Entry]) -> str:
    """Write text that `parse` reads back. Raises `ResourceError` for what only JSON can say."""
    return ";".join(_write(entry) for entry in entries for _ in range(entry.copies))


def _write(entry: Entry) -> str:
    shape = entry.shape
    parts = [shape.name]
    if shape.allocation is not None:
        parts.append(f"(allocated: {shape.allocation})")
    for reservation in shape.reservations:
        parts.append(f"({reservation.role})")
        if reservation.dynamic:
            parts.append("{" + (reservation.principal or "") + "}")
    if shape.disk is not None:
        parts.append("[" + _write_disk(mesos.Resource.DiskInfo.FromString(shape.disk.data)) + "]")
    parts += ["<REV>"] * shape.revocable + ["<SHARED>"] * shape.shared
    text = "".join(parts) + ":" + amount_text(entry.amount)
    # What the grammar has no words for does not come back.
    try:
        back = parse(text, "*")
    except ResourceError:
        back = []
    if [write(one) for one in back] != [write(entry)]:
        raise ResourceError(f"only JSON can say all of {write(entry)!s}")
    return text


def _write_disk(info: mesos.Resource.DiskInfo) -> str:
    text = ""
    if info.HasField("source"):
        text = _Source.Type.Name(info.source.type)
        for field in (info.source.path, info.source.mount):
            if field.HasField("root"):
                text += f":{field.root}"
        if info.HasField("persistence") or info.HasField("volume"):
            text += ","
    text += info.persistence.id
    if info.HasField("volume"):
        volume = info.volume
        text += (
            ":"
            + (f"{volume.host_path}:" if volume.HasField("host_path") else "")
            + f"{volume.container_path}"
        )
        if volume.mode == mesos.Volume.RO or volume.HasField("host_path"):
            text += ":ro" if volume.mode == mesos.Volume.RO else ":rw"
    return text
