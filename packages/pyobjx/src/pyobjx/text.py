"""Data from text and to text: JSON, base64, signed base64, URL queries."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import NoReturn
from urllib.parse import parse_qsl, urlencode

from .errors import DataError
from .value import text_of

SEPARATOR = "_"
"""What stands between base64 and its signature."""

LIST_SUFFIXES = ("", "[]", "[i]")
_BAD_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")


def from_json(source: str | bytes) -> object:
    """Return the data of a JSON text."""
    try:
        return json.loads(source, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise DataError(f"this is no JSON: {error}") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def to_json(data: object, indent: int | None = None) -> str:
    """Return data as JSON; keys that are no texts become such, as in objx."""
    try:
        plain = _plain(data)
        separators = (",", ":") if indent is None else None
        return json.dumps(plain, allow_nan=False, sort_keys=True, indent=indent, separators=separators)
    except (TypeError, ValueError, RecursionError) as error:
        raise DataError(f"this cannot be written as JSON: {error}") from error


def _plain(data: object) -> object:
    """Return data with dicts for mappings, lists for sequences and texts for keys."""
    if isinstance(data, Mapping):
        return {key if isinstance(key, str) else text_of(key): _plain(value) for key, value in data.items()}
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes, bytearray)):
        return [_plain(item) for item in data]
    return data


def to_base64(data: object) -> str:
    """Return data as JSON in base64."""
    return base64.b64encode(to_json(data).encode()).decode()


def from_base64(source: str) -> bytes:
    """Return the bytes of a base64 text, which may have line breaks."""
    try:
        return base64.b64decode(source.replace("\r", "").replace("\n", "").encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise DataError(f"this is no base64: {error}") from error


def hash_with_key(data: str, key: str) -> str:
    """Return objx's hash of a text and a key: the SHA-1 of both with a colon between, in hex."""
    return hashlib.sha1(f"{data}:{key}".encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def sign(source: str, key: str) -> str:
    """Return a base64 text with its signature."""
    return f"{source}{SEPARATOR}{hash_with_key(source, key)}"


def check_signature(source: str, key: str) -> str:
    """Return what comes before a signature that is right."""
    parts = source.split(SEPARATOR)
    if len(parts) != 2:
        raise DataError(f"signed base64 has two parts with {SEPARATOR!r} between, not {len(parts)}")
    signature = hash_with_key(parts[0], key)
    if not hmac.compare_digest(signature.encode(), parts[1].encode("utf-8", "surrogatepass")):
        raise DataError("the signature does not fit the data: another key, or changed data")
    return parts[0]


def from_url_query(query: str) -> dict[str, object]:
    """Return the first value of each key."""
    bad = _BAD_ESCAPE.search(query)
    if bad is not None:
        raise DataError(f"this is no URL query: the % at {bad.start()} begins no escape")
    data: dict[str, object] = {}
    for key, value in parse_qsl(query, keep_blank_values=True, errors="surrogateescape"):
        data.setdefault(key, value)
    return data


def url_values(data: Mapping[str, object], list_suffix: str = "[]") -> dict[str, list[str]]:
    """Return data as lists of texts by key."""
    if list_suffix not in LIST_SUFFIXES:
        raise DataError(f"{list_suffix!r} is no suffix for the keys of lists: use '[]', '[i]' or ''")
    values: dict[str, list[str]] = {}
    for key, value in data.items():
        _add_values(values, key, value, list_suffix)
    return values


def _add_values(values: dict[str, list[str]], key: str, value: object, suffix: str) -> None:
    if isinstance(value, Mapping):
        for name, item in value.items():
            _add_values(values, f"{key}[{text_of(name)}]", item, suffix)
    elif isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray)):
        for index, item in enumerate(value):
            _add_values(values, f"{key}[{index}]" if suffix == "[i]" else key + suffix, item, suffix)
    else:
        values.setdefault(key, []).append(text_of(value))


def to_url_query(data: Mapping[str, object], list_suffix: str = "[]") -> str:
    """Return data as a URL's query."""
    pairs = [(key, item) for key, items in sorted(url_values(data, list_suffix).items()) for item in items]
    try:
        return urlencode(pairs, errors="surrogateescape")
    except UnicodeEncodeError as error:
        raise DataError(f"this cannot be written as a URL query: {error}") from error
