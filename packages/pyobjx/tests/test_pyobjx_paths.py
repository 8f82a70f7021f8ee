"""Paths: their grammar, setting by them, and the laws that hold for any data."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyobjx import (
    DataError,
    Map,
    ObjxError,
    Path,
    PathError,
    from_base64,
    from_json,
    from_signed_base64,
    from_url_query,
)

quick = settings(max_examples=150, deadline=None, derandomize=True)
KEYS = st.text(max_size=6) | st.text('.[]"\\ 01', max_size=4)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
DATA = st.dictionaries(
    KEYS,
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("a", ("a",)),
        ("a.b", ("a", "b")),
        ("a[0]", ("a", 0)),
        ("a[007]", ("a", 7)),
        ("a[0][1].b", ("a", 0, 1, "b")),
        ("[0].b", (0, "b")),
        ("[a.b].c", ("a.b", "c")),
        ("a[b][c]", ("a", "b", "c")),
        ("a.0", ("a", "0")),
        ('a["0"]', ("a", "0")),
        ('a[""]', ("a", "")),
        ('["a]b"]', ("a]b",)),
        ('["a\\"b\\u00e9"]', ('a"b\u00e9',)),
        ("a b.c-d/e.é", ("a b", "c-d/e", "é")),
        ("a[b c]", ("a", "b c")),
        (" ", (" ",)),
    ],
)
def test_grammar(text: str, steps: tuple[str | int, ...]) -> None:
    path = Path(text)
    assert path.steps == steps
    assert str(path) == text and repr(path) == f"Path({text!r})"
    assert Path(str(Path.of(*steps))) == path == Path.of(*steps)
    assert hash(Path.of(*steps)) == hash(path) and path != text


@pytest.mark.parametrize(
    ("text", "reached", "why"),
    [
        ("", "", "malformed at character 0: a name is missing"),
        (".a", "", "malformed at character 0: a name is missing"),
        ("a.", "a", "malformed at character 1: a name is missing"),
        ("a..b", "a", "a name is missing"),
        ("a.[0]", "a", "a name is missing"),
        ("a]", "a", "a '.' or '[' must come before the next name"),
        ("a[0]b", "a[0]", "malformed at character 4: a '.' or '[' must come before the next name"),
        ("a[", "a", "a '[' is not closed"),
        ("a[b", "a", "a '[' is not closed"),
        ("a[]", "a", "a key or index is missing between"),
        ("a[[0]]", "a", "write one with brackets or quotes as a JSON string"),
        ("a[-1]", "a", '-1 is no index; for a key write ["-1"]'),
        ("a[99999999999999999999]", "a", "is no index"),
        ('a["b]', "a", "as a JSON string"),
        ('a["\\x"]', "a", "is no JSON string"),
    ],
)
def test_malformed(text: str, reached: str, why: str) -> None:
    m = Map(a=[1])
    for call in (lambda: Path(text), lambda: m.get(text), lambda: m.has(text), lambda: m.set(text, 1)):
        with pytest.raises(PathError) as caught:
            call()
        assert (caught.value.path, caught.value.reached) == (text, reached)
        assert why in str(caught.value)


def test_path_of_bad_steps() -> None:
    for steps in ((), ("a", -1)):
        with pytest.raises(PathError):
            Path.of(*steps)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("map.x[0]", "there is no map.x, and only maps are made on the way"),
        ("list[2]", "there is no [2] in list, which has 2 items"),
        ("list.x", "list is a list, not a map, at x"),
        ("list.x.y", "list is a list, not a map, at x"),
        ("missing[0]", "there is no missing, and only maps are made on the way"),
        ("missing[0].x", "there is no missing"),
        ("text[0]", "text is the text 'x', not a list, at [0]"),
        ("map[0]", "map is a map, not a list, at [0]"),
        ("fixed[0]", "fixed is a tuple, which cannot be changed"),
        ("[0]", "the data is a map, not a list, at [0]"),
    ],
)
def test_what_cannot_be_set_changes_nothing(path: str, why: str) -> None:
    data: dict[str, object] = {"list": [1, {"a": 2}], "text": "x", "map": {}, "fixed": (1, [2])}
    before = json.dumps(data)
    with pytest.raises(PathError) as caught:
        Map(data).set(path, 1)
    assert why in str(caught.value)
    reached = caught.value.reached
    assert Map(data).has(reached) if reached else path in ("missing[0]", "missing[0].x", "[0]")
    assert json.dumps(data) == before


def test_set_inside_what_is_fixed() -> None:
    m = Map(fixed=(1, [2], {"a": 3}))
    m.set("fixed[1][0]", 20).set("fixed[2].a", 30)
    assert m["fixed"] == (1, [20], {"a": 30})


def test_compiled_path_on_any_data() -> None:
    path = Path("[1].a")
    data = [{}, {"a": 5}]
    assert path.find(data) == path.require(data) == 5
    path.set(data, 6)
    assert data[1]["a"] == 6
    assert Map(x=1).get(Path("x")).int() == 1 and Map(x=1).has(Path("x"))
    assert Map().set(Path("x.y"), 1) == {"x": {"y": 1}}
    assert path.find([1]) is path.find("ab") is path.find({"a": 1}) is path.find(None)


def test_lookup_makes_nothing() -> None:
    from collections import defaultdict

    data: defaultdict[str, object] = defaultdict(dict)
    assert not Map(data).has("a.b") and not data


@quick
@given(steps=st.lists(KEYS | st.integers(0, 10**6), min_size=1, max_size=5))
def test_text_of_any_path_compiles_to_it(steps: list[str | int]) -> None:
    path = Path.of(*steps)
    assert Path(str(path)).steps == tuple(steps)


@quick
@given(text=st.text('ab.[]"\\01-', max_size=10))
def test_any_text_compiles_or_is_refused(text: str) -> None:
    try:
        path = Path(text)
    except PathError as error:
        assert error.path == text and text.startswith(error.reached)
    else:
        assert Path(str(Path.of(*path.steps))) == path


@quick
@given(data=DATA, keys=st.lists(KEYS, min_size=1, max_size=4), value=SCALARS)
def test_get_after_set(data: dict[str, object], keys: list[str], value: object) -> None:
    path = Path.of(*keys)
    m = Map(data)
    try:
        m.set(path, value)
    except PathError as error:
        assert isinstance(Path.of(*keys[: len(Path(error.reached).steps)]).find(data), list)
        return
    assert m.get(path).data == value
    assert m.get(str(path)).data == value
    assert m.has(path) is (value is not None)


@quick
@given(data=DATA)
def test_every_leaf_is_found(data: dict[str, object]) -> None:
    def walk(at: object, steps: tuple[str | int, ...]) -> None:
        if steps:
            assert Path.of(*steps).find(data) is at
            assert Path(str(Path.of(*steps))).find(data) is at
        if isinstance(at, dict):
            for key, item in at.items():
                walk(item, (*steps, key))
        elif isinstance(at, list):
            for index, item in enumerate(at):
                walk(item, (*steps, index))

    walk(data, ())


@quick
@given(first=DATA, second=DATA, third=DATA)
def test_merge_laws(first: dict[str, object], second: dict[str, object], third: dict[str, object]) -> None:
    a, b, c = Map(first), Map(second), Map(third)
    assert (a | b) | c == a | (b | c)
    assert a | {} == a == {} | a and a | a == a
    assert a | b == {**first, **second}
    assert (a | b).exclude(second) == a.exclude(second)
    copied = a.copy()
    copied |= b
    assert copied == a | b and a == first


@quick
@given(data=DATA, key=st.text())
def test_round_trips(data: dict[str, object], key: str) -> None:
    m = Map(data)
    assert from_json(m.to_json()) == m
    assert from_json(m.to_json(indent=2)) == m
    assert from_base64(m.to_base64()) == m
    signed = m.to_signed_base64(key)
    assert from_signed_base64(signed, key) == m
    with pytest.raises(DataError):
        from_signed_base64(signed, key + "x")


@quick
@given(
    data=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"]))
    )
)
def test_url_round_trip(data: dict[str, object]) -> None:
    query = Map(data).to_url_query()
    assert from_url_query(query) == data
    assert parse_qsl(query, keep_blank_values=True) == sorted(data.items())


@quick
@given(data=DATA, path=st.text('ab.[]"01', max_size=6))
def test_only_our_errors_come_out(data: dict[str, object], path: str) -> None:
    m = Map(data)
    for call in (
        lambda: m.get(path).must_int(),
        lambda: m.get(path).must_str_list(),
        lambda: m.get(path).text(),
        lambda: m.get(path).text_list(),
        lambda: m.set(path, 1),
        m.url_values,
        m.to_url_query,
        m.to_json,
        lambda: from_json(path),
        lambda: from_base64(path),
        lambda: from_signed_base64(path, "k"),
        lambda: from_url_query(path),
    ):
        try:
            call()
        except ObjxError:
            continue
