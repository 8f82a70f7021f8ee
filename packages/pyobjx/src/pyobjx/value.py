"""What is at a path, read as the kind one expects.

Each kind has three forms: `int(default)` answers the default (or the kind's empty value) when there is
nothing of the kind, `must_int()` raises `PathError`, `is_int()` tells. Kinds are JSON's: a bool is no
number, a whole float is an int and each int a float where one is asked for, as JSON does not tell them apart.
"""

from __future__ import annotations

import builtins
import decimal
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar

from .errors import PathError
from .lists import List
from .path import MISSING, Path, describe

if TYPE_CHECKING:
    from .map import Map

T = TypeVar("T")


class _Kind(Generic[T]):
    """A kind: its name, and what makes a T of a value or answers `MISSING`."""

    def __init__(self, name: str, convert: Callable[[object], T | object]) -> None:
        self.name = name
        self.convert = convert

    def list(self) -> _Kind[List[T]]:
        """Return the kind of lists whose items are all of this one."""

        def convert(value: object) -> List[T] | object:
            if not isinstance(value, Sequence) or isinstance(value, (str, bytes, bytearray)):
                return MISSING
            items = [self.convert(item) for item in value]
            return MISSING if any(item is MISSING for item in items) else List(items)

        return _Kind(f"a list of {self.name}", convert)


def _to_int(value: object) -> int | object:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else MISSING


def _to_float(value: object) -> float | object:
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return MISSING
    return value if isinstance(value, float) else MISSING


def _to_map(value: object) -> Map | object:
    from .map import Map

    if isinstance(value, Map):
        return value
    return Map.wrap(value) if isinstance(value, Mapping) else MISSING


_STR = _Kind[str]("a text", lambda value: value if isinstance(value, str) else MISSING)
_BOOL = _Kind[bool]("a bool", lambda value: value if isinstance(value, bool) else MISSING)
_INT = _Kind[int]("an int", _to_int)
_FLOAT = _Kind[float]("a float", _to_float)
_MAP: _Kind[Map] = _Kind("a map", _to_map)
_ANY = _Kind[object]("anything", lambda value: value)
_LIST, _STRS, _BOOLS = _ANY.list(), _STR.list(), _BOOL.list()
_INTS, _FLOATS, _MAPS = _INT.list(), _FLOAT.list(), _MAP.list()


def text_of(value: object) -> str:
    """Return any value as text: nothing as "", true and false as in JSON, numbers without exponent."""
    if value is None or value is MISSING:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value - value == 0:
        text = format(decimal.Decimal(repr(value)), "f")
        return text.removesuffix(".0")
    return str(value)


class Value:
    """What was found at a path, if anything."""

    __slots__ = ("_data", "_path", "_root")

    def __init__(self, root: object, path: Path | None = None) -> None:
        """Look up a path in some data, or stand for the data itself."""
        self._root = root
        self._path = path
        self._data = root if path is None else path.find(root)

    @property
    def data(self) -> object:
        """What is there as it is; None if there is nothing."""
        return None if self._data is MISSING else self._data

    def exists(self) -> builtins.bool:
        """Tell whether there is something that is not null."""
        return self._data is not MISSING and self._data is not None

    def must(self) -> object:
        """Return what is there; raise `PathError` if there is nothing, or null."""
        if not self.exists():
            raise self._error("something")
        return self._data

    def text(self) -> builtins.str:
        """Return what is there as text, whatever it is; `str(value)` does the same."""
        return text_of(self._data)

    def text_list(self, default: Iterable[builtins.str] = ()) -> List[builtins.str]:
        """Return the items of a list of scalars as texts."""
        items = _LIST.convert(self._data)
        if not isinstance(items, List) or any(isinstance(item, (Mapping, List, list)) for item in items):
            return List(default)
        return List(text_of(item) for item in items)

    # ---- one kind after the other

    def str(self, default: builtins.str = "") -> builtins.str:
        """Return the text that is there, or a default."""
        return self._read(_STR, default)

    def must_str(self) -> builtins.str:
        """Return the text that is there, or raise."""
        return self._must(_STR)

    def is_str(self) -> builtins.bool:
        """Tell whether there is a text."""
        return isinstance(self._data, builtins.str)

    def int(self, default: builtins.int = 0) -> builtins.int:
        """Return the int that is there, or a default."""
        return self._read(_INT, default)

    def must_int(self) -> builtins.int:
        """Return the int that is there, or raise."""
        return self._must(_INT)

    def is_int(self) -> builtins.bool:
        """Tell whether there is an int."""
        return self._is(_INT)

    def float(self, default: builtins.float = 0.0) -> builtins.float:
        """Return the number that is there as a float, or a default."""
        return self._read(_FLOAT, default)

    def must_float(self) -> builtins.float:
        """Return the number that is there as a float, or raise."""
        return self._must(_FLOAT)

    def is_float(self) -> builtins.bool:
        """Tell whether there is a number."""
        return self._is(_FLOAT)

    def bool(self, default: builtins.bool = False) -> builtins.bool:
        """Return the bool that is there, or a default."""
        return self._read(_BOOL, default)

    def must_bool(self) -> builtins.bool:
        """Return the bool that is there, or raise."""
        return self._must(_BOOL)

    def is_bool(self) -> builtins.bool:
        """Tell whether there is a bool."""
        return self._is(_BOOL)

    def map(self, default: Map | None = None) -> Map:
        """Return the map that is there (not a copy), or a default, or an empty one."""
        from .map import Map

        return self._read(_MAP, Map() if default is None else default)

    def must_map(self) -> Map:
        """Return the map that is there, or raise."""
        return self._must(_MAP)

    def is_map(self) -> builtins.bool:
        """Tell whether there is a map."""
        return self._is(_MAP)

    def list(self, default: Iterable[object] = ()) -> List[object]:
        """Return the list that is there, of whatever, or a default; a copy, as those of all lists."""
        return self._read_list(_LIST, default)

    def must_list(self) -> List[object]:
        """Return the list that is there, or raise."""
        return self._must(_LIST)

    def is_list(self) -> builtins.bool:
        """Tell whether there is a list."""
        return self._is(_LIST)

    def str_list(self, default: Iterable[builtins.str] = ()) -> List[builtins.str]:
        """Return the list of texts that is there, or a default."""
        return self._read_list(_STRS, default)

    def must_str_list(self) -> List[builtins.str]:
        """Return the list of texts that is there, or raise."""
        return self._must(_STRS)

    def is_str_list(self) -> builtins.bool:
        """Tell whether there is a list of texts."""
        return self._is(_STRS)

    def int_list(self, default: Iterable[builtins.int] = ()) -> List[builtins.int]:
        """Return the list of ints that is there, or a default."""
        return self._read_list(_INTS, default)

    def must_int_list(self) -> List[builtins.int]:
        """Return the list of ints that is there, or raise."""
        return self._must(_INTS)

    def is_int_list(self) -> builtins.bool:
        """Tell whether there is a list of ints."""
        return self._is(_INTS)

    def float_list(self, default: Iterable[builtins.float] = ()) -> List[builtins.float]:
        """Return the list of numbers that is there, as floats, or a default."""
        return self._read_list(_FLOATS, default)

    def must_float_list(self) -> List[builtins.float]:
        """Return the list of numbers that is there, as floats, or raise."""
        return self._must(_FLOATS)

    def is_float_list(self) -> builtins.bool:
        """Tell whether there is a list of numbers."""
        return self._is(_FLOATS)

    def bool_list(self, default: Iterable[builtins.bool] = ()) -> List[builtins.bool]:
        """Return the list of bools that is there, or a default."""
        return self._read_list(_BOOLS, default)

    def must_bool_list(self) -> List[builtins.bool]:
        """Return the list of bools that is there, or raise."""
        return self._must(_BOOLS)

    def is_bool_list(self) -> builtins.bool:
        """Tell whether there is a list of bools."""
        return self._is(_BOOLS)

    def map_list(self, default: Iterable[Map] = ()) -> List[Map]:
        """Return the list of maps that is there (the maps are no copies), or a default."""
        return self._read_list(_MAPS, default)

    def must_map_list(self) -> List[Map]:
        """Return the list of maps that is there, or raise."""
        return self._must(_MAPS)

    def is_map_list(self) -> builtins.bool:
        """Tell whether there is a list of maps."""
        return self._is(_MAPS)

    # ---- how

    def _read(self, kind: _Kind[T], default: T) -> T:
        found = kind.convert(self._data)
        return default if found is MISSING else found  # type: ignore[return-value]

    def _read_list(self, kind: _Kind[List[T]], default: Iterable[T]) -> List[T]:
        found = kind.convert(self._data)
        return List(default) if found is MISSING else found  # type: ignore[return-value]

    def _must(self, kind: _Kind[T]) -> T:
        found = kind.convert(self._data)
        if found is MISSING:
            raise self._error(kind.name)
        return found  # type: ignore[return-value]

    def _is(self, kind: _Kind[T]) -> builtins.bool:
        return kind.convert(self._data) is not MISSING

    def _error(self, wanted: builtins.str) -> PathError:
        if self._data is MISSING and self._path is not None:
            return self._path.explain(self._root)
        path = "the data" if self._path is None else builtins.str(self._path)
        reason = f"is {describe(self._data)}, not {wanted}"
        if isinstance(self._data, list) and wanted.startswith("a list of "):
            reason = f"is a list, but not all of its items are {wanted.removeprefix('a list of ')}"
        return PathError(path, path, reason)

    def __str__(self) -> builtins.str:
        return self.text()

    def __repr__(self) -> builtins.str:
        where = "" if self._path is None else f" at {self._path}"
        return f"<Value{where}: {'missing' if self._data is MISSING else describe(self._data)}>"

    def __eq__(self, other: object) -> builtins.bool:
        return isinstance(other, Value) and self._data == other._data

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> NoReturn:
        raise TypeError("a Value is neither true nor false: ask .exists() or .bool()")
