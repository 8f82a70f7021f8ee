"""Maps: nested data read and changed by paths."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Protocol, runtime_checkable

from . import text
from .errors import DataError
from .lists import List
from .path import Path, compile_path, describe
from .value import Value


@runtime_checkable
class SupportsMap(Protocol):
    """Something that can give its data as a map (objx's `MSIConvertable`)."""

    def to_map(self) -> Mapping[str, object]:
        """Return the data."""
        ...


class Map(MutableMapping[str, object]):
    """A mapping around a dict (or another mapping), with paths.

    `m["key"]`, `in`, `len`, iteration and `del` are the dict's own, with plain keys; `get`, `set` and
    `has` take paths. Nothing is copied: what is changed here is changed there.
    """

    __slots__ = ("_data",)
    _data: MutableMapping[str, object]

    def __init__(self, data: Mapping[str, object] | SupportsMap | None = None, /, **items: object) -> None:
        """Wrap a mapping (an empty dict if there is none); with items, a copy of it that has them too.

        Raises `DataError` if it is no mapping with texts for keys.
        """
        if isinstance(data, SupportsMap) and not isinstance(data, Mapping):
            data = data.to_map()
        if data is None:
            data = {}
        if not isinstance(data, Mapping):
            raise DataError(f"a map can be made of a mapping, not of {describe(data)}")
        for key in data:
            if not isinstance(key, str):
                raise DataError(f"the keys of a map are texts, not {describe(key)}")
        self._data = {**data, **items} if items else _unwrap(data)

    @classmethod
    def wrap(cls, data: Mapping[str, object]) -> Map:
        """Wrap a mapping without looking at it."""
        made = cls.__new__(cls)
        made._data = _unwrap(data)
        return made

    # ---- by path

    def get(self, path: str | Path) -> Value:  # type: ignore[override]
        """Return what is at a path, to be read as some kind; raise `PathError` if the path is malformed."""
        return Value(self._data, path if isinstance(path, Path) else compile_path(path))

    def set(self, path: str | Path, value: object) -> Map:
        """Put a value at a path, making the maps on the way; return the map. Raises `PathError`."""
        (path if isinstance(path, Path) else compile_path(path)).set(self._data, value)
        return self

    def has(self, path: str | Path) -> bool:
        """Tell whether there is something that is not null at a path."""
        return self.get(path).exists()

    def value(self) -> Value:
        """Return the map itself as a value."""
        return Value(self._data)

    # ---- made of others

    def exclude(self, keys: Iterable[str]) -> Map:
        """Return a map without some keys."""
        left_out = frozenset(keys)
        return Map.wrap({key: value for key, value in self._data.items() if key not in left_out})

    def copy(self) -> Map:
        """Return a copy; what is nested is shared."""
        return Map.wrap(dict(self._data))

    def merge(self, other: Mapping[str, object]) -> Map:
        """Return both in one map, where both have a key the other's value; `a | b` does the same."""
        return Map.wrap({**self._data, **other})

    def merge_here(self, other: Mapping[str, object]) -> Map:
        """Take over what another map has; return this one. `a |= b` does the same."""
        self._data.update(other)
        return self

    def transform(self, function: Callable[[str, object], tuple[str, object]]) -> Map:
        """Return a map with the keys and values that a function makes of each."""
        return Map.wrap(dict(function(key, value) for key, value in self._data.items()))

    def transform_keys(self, names: Mapping[str, str]) -> Map:
        """Return a map with some keys named otherwise."""
        return Map.wrap({names.get(key, key): value for key, value in self._data.items()})

    def __or__(self, other: Mapping[str, object]) -> Map:
        return self.merge(other) if isinstance(other, Mapping) else NotImplemented

    def __ror__(self, other: Mapping[str, object]) -> Map:
        return Map.wrap({**other, **self._data}) if isinstance(other, Mapping) else NotImplemented

    def __ior__(self, other: Mapping[str, object]) -> Map:
        return self.merge_here(other) if isinstance(other, Mapping) else NotImplemented

    __copy__ = copy

    # ---- as text

    def to_json(self, indent: int | None = None) -> str:
        """Return JSON, compact and with sorted keys unless indented; raise `DataError`."""
        return text.to_json(self._data, indent)

    def to_base64(self) -> str:
        """Return the JSON in base64."""
        return text.to_base64(self._data)

    def to_signed_base64(self, key: str) -> str:
        """Return the JSON in base64 with objx's signature.

        It is a SHA-1 of text and key: good against accidents, weak against an attacker.
        """
        return text.sign(self.to_base64(), key)

    def url_values(self, list_suffix: str = "[]") -> dict[str, list[str]]:
        """Return the data as lists of texts by key, `a[b]` for what is nested.

        `list_suffix` is what marks the key of a list: `[]`, `[i]` for the index, or nothing.
        """
        return text.url_values(self._data, list_suffix)

    def to_url_query(self, list_suffix: str = "[]") -> str:
        """Return the data as a URL's query, keys sorted."""
        return text.to_url_query(self._data, list_suffix)

    # ---- the mapping protocol, by plain keys

    def __getitem__(self, key: str) -> object:
        return self._data[key]

    def __setitem__(self, key: str, value: object) -> None:
        self._data[key] = value

    def __delitem__(self, key: str) -> None:
        del self._data[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __contains__(self, key: object) -> bool:
        return key in self._data

    def __eq__(self, other: object) -> bool:
        return self._data == (other._data if isinstance(other, Map) else other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Map({self._data!r})"


def _unwrap(data: Mapping[str, object]) -> MutableMapping[str, object]:
    """Return what a map is around; something that cannot be changed is copied."""
    if isinstance(data, Map):
        return data._data
    return data if isinstance(data, MutableMapping) else dict(data)


def from_json(source: str | bytes) -> Map:
    """Return the map of a JSON object; raise `DataError`."""
    data = text.from_json(source)
    if not isinstance(data, dict):
        raise DataError(f"the JSON is {describe(data)}, not an object: from_json_list reads a list of them")
    return Map.wrap(data)


def from_json_list(source: str | bytes) -> List[Map]:
    """Return the maps of a JSON list of objects; raise `DataError`."""
    data = text.from_json(source)
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise DataError(f"the JSON is {describe(data)}, not a list of objects: from_json reads one object")
    return List(Map.wrap(item) for item in data)


def from_json_file(path: str | os.PathLike[str]) -> Map:
    """Return the map of a file with a JSON object; raise `DataError`, and OSError if it cannot be read."""
    with open(path, "rb") as file:
        return from_json(file.read())


def from_base64(source: str) -> Map:
    """Return the map of a JSON object in base64; raise `DataError`."""
    return from_json(text.from_base64(source))


def from_signed_base64(source: str, key: str) -> Map:
    """Return the map of a JSON object in signed base64; raise `DataError`, also if the signature is wrong."""
    return from_base64(text.check_signature(source, key))


def from_url_query(query: str) -> Map:
    """Return the first value of each key of a URL's query; raise `DataError`."""
    return Map.wrap(text.from_url_query(query))
