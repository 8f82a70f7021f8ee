"""The settings behind the flags: one immutable value, and the parsers of its fields."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ._glob import compile_glob, is_literal
from .errors import FlagError
from .severity import Severity

_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_SIZE = re.compile(r"([0-9]+)\s*(B|KB|MB|GB)?", re.ASCII | re.IGNORECASE)
_UNITS = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}
_TRUE = frozenset({"1", "t", "true", "yes", "on"})
_FALSE = frozenset({"0", "f", "false", "no", "off"})


def module_of(path: str) -> str:
    """Return a source file's path as `-vmodule` matches it: without its suffix."""
    for suffix in (".py", ".pyc", ".pyw"):
        if path.endswith(suffix):
            return path[: -len(suffix)]
    return path


@dataclass(frozen=True, slots=True)
class ModuleLevel:
    """One `pattern=N` of `-vmodule`."""

    pattern: str
    level: int
    _regex: re.Pattern[str] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        literal = is_literal(self.pattern)
        object.__setattr__(self, "_regex", None if literal else compile_glob(self.pattern))

    def matches(self, path: str) -> bool:
        """Tell whether the pattern is for this file: its full path if it has a slash, else its name."""
        module = module_of(path)
        if "/" not in self.pattern:
            module = module.rpartition("/")[2]
        if self._regex is None:
            return module == self.pattern
        return self._regex.fullmatch(module) is not None

    def __str__(self) -> str:
        return f"{self.pattern}={self.level}"


@dataclass(frozen=True, slots=True)
class Location:
    """One `file.py:N` of `-log_backtrace_at`."""

    file: str
    line: int

    def matches(self, path: str, line: int) -> bool:
        """Tell whether a log call at this path and line is meant."""
        return line == self.line and path.rpartition("/")[2] == self.file

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def parse_int(value: object) -> int:
    """Return an integer from an int or its text; raise `FlagError`."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value)
    raise FlagError(f"{value!r} is not an integer")


def parse_bool(value: object) -> bool:
    """Return a boolean from a bool or its text; raise `FlagError`."""
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise FlagError(f"{value!r} is not a boolean: use true or false")


def parse_tristate(value: object) -> bool | None:
    """Return a boolean, or None for `auto`; raise `FlagError`."""
    if value is None or str(value).strip().lower() == "auto":
        return None
    return parse_bool(value)


def parse_text(value: object) -> str:
    """Return a text; raise `FlagError`."""
    if not isinstance(value, str):
        raise FlagError(f"{value!r} is not a text")
    if "\0" in value:
        raise FlagError(f"{value!r} contains a NUL")
    return value


def parse_folder(value: object) -> str:
    """Return the absolute path of a folder, or nothing; raise `FlagError`."""
    text = parse_text(value)
    return os.path.abspath(text) if text else ""


def parse_program(value: object) -> str:
    """Return a program name that can begin a file's name; raise `FlagError`."""
    text = parse_text(value)
    if "/" in text:
        raise FlagError(f"the program name {text!r} contains a slash")
    return text


def parse_seconds(value: object) -> float:
    """Return a positive number of seconds; raise `FlagError`."""
    if isinstance(value, (int, float, str)):
        try:
            seconds = float(value)
        except ValueError:
            seconds = 0.0
        if seconds > 0 and math.isfinite(seconds):
            return seconds
    raise FlagError(f"{value!r} is not a positive number of seconds")


def parse_severity(value: object) -> Severity:
    """Return a severity from its name or number; raise `FlagError`."""
    if isinstance(value, (str, int)):
        return Severity.parse(value)
    raise FlagError(f"{value!r} is not a severity")


def parse_size(value: object) -> int:
    """Return bytes from megabytes (glog's unit) or from a text with a unit, `512KB`; raise `FlagError`."""
    match = _SIZE.fullmatch(str(value).strip())
    if match is None or int(match[1]) == 0 or isinstance(value, bool):
        raise FlagError(f"{value!r} is not a size: use megabytes (1800) or a unit (512KB, 2GB)")
    return int(match[1]) * _UNITS[(match[2] or "MB").upper()]


def parse_vmodule(value: object) -> tuple[ModuleLevel, ...]:
    """Return the `pattern=N` pairs of a text, a mapping or what this returned before; raise `FlagError`."""
    if isinstance(value, Mapping):
        value = ",".join(f"{pattern}={level}" for pattern, level in value.items())
    if isinstance(value, tuple) and all(isinstance(item, ModuleLevel) for item in value):
        return value
    if not isinstance(value, str):
        raise FlagError(f"{value!r} is not a list of pattern=N")
    levels = []
    for item in filter(None, (item.strip() for item in value.split(","))):
        pattern, equals, level = item.partition("=")
        if not pattern or not equals or not _INTEGER.fullmatch(level):
            raise FlagError(f"{item!r} is not pattern=N, as in -vmodule=messenger=2,detector*=3")
        levels.append(ModuleLevel(pattern, int(level)))
    return tuple(levels)


def parse_backtrace_at(value: object) -> tuple[Location, ...]:
    """Return the `file.py:N` places of a text or of an iterable of them; raise `FlagError`."""
    items: Iterable[object]
    if isinstance(value, str):
        items = value.split(",")
    elif isinstance(value, Iterable):
        items = value
    else:
        raise FlagError(f"{value!r} is not a list of file.py:N")
    places = []
    for item in filter(None, (str(item).strip() for item in items)):
        file, _, line = item.rpartition(":")
        if "." not in file or ":" in file or not re.fullmatch("[0-9]+", line, re.ASCII):
            raise FlagError(f"{item!r} is not file.py:N, as in -log_backtrace_at=driver.py:234")
        places.append(Location(file, int(line)))
    return tuple(places)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the flags set; a snapshot, changed with `pyglog.configure`."""

    v: int = 0
    vmodule: tuple[ModuleLevel, ...] = ()
    log_backtrace_at: tuple[Location, ...] = ()
    logtostderr: bool = False
    alsologtostderr: bool = False
    stderrthreshold: Severity = Severity.ERROR
    colorlogtostderr: bool | None = None
    log_dir: str = ""
    log_link: str = ""
    logbuflevel: int = 0
    logbufsecs: float = 1.0
    max_log_size: int = 1800 << 20
    program: str = ""

    def changed(self, changes: Mapping[str, object]) -> Settings:
        """Return settings with some fields given anew, as texts or values; raise `FlagError`."""
        parsed: dict[str, object] = {}
        for name, value in changes.items():
            if name not in PARSERS:
                raise FlagError(f"there is no setting {name!r}: the settings are {', '.join(PARSERS)}")
            try:
                parsed[name] = PARSERS[name](value)
            except FlagError as error:
                raise FlagError(f"{name}: {error}") from None
        return replace(self, **parsed)  # type: ignore[arg-type]

    def level_of(self, path: str) -> int:
        """Return the highest `V` level on in a source file: of the first `-vmodule` to match, else `-v`."""
        for module in self.vmodule:
            if module.matches(path):
                return module.level
        return self.v

    def highest_level(self) -> int:
        """Return the level above which no file is enabled."""
        return max(self.v, *(module.level for module in self.vmodule)) if self.vmodule else self.v


PARSERS = {
    "v": parse_int,
    "vmodule": parse_vmodule,
    "log_backtrace_at": parse_backtrace_at,
    "logtostderr": parse_bool,
    "alsologtostderr": parse_bool,
    "stderrthreshold": parse_severity,
    "colorlogtostderr": parse_tristate,
    "log_dir": parse_folder,
    "log_link": parse_folder,
    "logbuflevel": parse_int,
    "logbufsecs": parse_seconds,
    "max_log_size": parse_size,
    "program": parse_program,
}
