"""Typed reads: which values are of which kind, defaults, and the errors of the strict forms."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from types import MappingProxyType

import pytest
from pyobjx import List, Map, Path, PathError, Value, from_json

KINDS = ("str", "int", "float", "bool", "map", "list")
SAMPLES: list[tuple[object, set[str]]] = [
    ("text", {"str"}),
    ("", {"str"}),
    (1, {"int", "float"}),
    (1.0, {"int", "float"}),
    (1.5, {"float"}),
    (float("inf"), {"float"}),
    (10**400, {"int"}),
    (True, {"bool"}),
    (None, set()),
    ({"a": 1}, {"map"}),
    (Map(a=1), {"map"}),
    (MappingProxyType({"a": 1}), {"map"}),
    ([1], {"list"}),
    ((1,), {"list"}),
    (b"bytes", set()),
    ({1, 2}, set()),
]


@pytest.mark.parametrize(("data", "kinds"), SAMPLES)
def test_kinds(data: object, kinds: set[str]) -> None:
    m = Map({"x": data, "list": [data, data]})
    value, items = m.get("x"), m.get("list")
    for kind in KINDS:
        is_one = kind in kinds
        assert getattr(value, f"is_{kind}")() is is_one, kind
        if is_one:
            assert getattr(value, kind)() == getattr(value, f"must_{kind}")() == data or kind == "list"
        else:
            assert not getattr(value, kind)()
            with pytest.raises(PathError, match=r"^x: is "):
                getattr(value, f"must_{kind}")()
        if kind == "list":
            continue
        assert getattr(items, f"is_{kind}_list")() is is_one, kind
        if is_one:
            assert getattr(items, f"{kind}_list")() == getattr(items, f"must_{kind}_list")() == [data, data]
            assert isinstance(getattr(items, f"{kind}_list")(), List)
        else:
            assert getattr(items, f"{kind}_list")() == []
            with pytest.raises(PathError, match=r"^list: is a list, but not all of its items are "):
                getattr(items, f"must_{kind}_list")()


def test_defaults() -> None:
    value = Map().get("x")
    assert (
        value.str("d") == "d" and value.int(7) == 7 and value.float(1.5) == 1.5 and value.bool(True) is True
    )
    assert value.map(Map(a=1)) == {"a": 1} and value.list([1]) == [1]
    assert (
        value.str_list(["a"]) == ["a"]
        and value.int_list((1, 2)) == [1, 2]
        and value.bool_list([True]) == [True]
    )
    assert value.float_list([0.5]) == [0.5] and value.map_list([Map()]) == [{}]
    assert value.data is None


def test_numbers_are_given_as_asked() -> None:
    m = from_json('{"whole": 2.0, "int": 3, "list": [1, 2.0, 2.5]}')
    assert type(m.get("whole").int()) is int and type(m.get("int").float()) is float
    assert m.get("list").float_list() == [1.0, 2.0, 2.5]
    assert m.get("list").int_list([9]) == [9]


def test_maps_are_not_copies_and_lists_are() -> None:
    m = from_json('{"a": {"b": 1}, "list": [{"c": 1}, 2]}')
    m.get("a").map().set("b", 2)
    assert m.get("a.b").int() == 2
    m.get("list").list().append(3)
    assert len(m.get("list").list()) == 2


@pytest.mark.parametrize(
    ("path", "reached", "reason"),
    [
        (
            "frameworks[0].tsks",
            "frameworks[0]",
            "there is no 'tsks' in frameworks[0], which has 'id', 'tasks'",
        ),
        ("frameworks[7].id", "frameworks", "there is no [7] in frameworks, which has 1 items"),
        ("frameworks.id", "frameworks", "frameworks is a list, not a map, at id"),
        ("frameworks[0].id.x", "frameworks[0].id", "frameworks[0].id is the text 'f-1', not a map, at x"),
        ("frameworks[0][1]", "frameworks[0]", "frameworks[0] is a map, not a list, at [1]"),
        (
            "nothing",
            "",
            "there is no 'nothing' in the data, which has 'frameworks', 'a b', 'null', 'big', 'c', …",
        ),
        ("null.x", "null", "null is nothing (null), not a map, at x"),
        ('["a b"].x', "a b", "a b is 1.5 (float), not a map, at x"),
        ("big[0]", "big", "big is a text of 1000 characters, not a list, at [0]"),
        ("c.x", "c", "there is no 'x' in c, which is empty"),
    ],
)
def test_error_tells_how_far_the_path_led(path: str, reached: str, reason: str) -> None:
    m = Map(
        {
            "frameworks": [{"id": "f-1", "tasks": []}],
            "a b": 1.5,
            "null": None,
            "big": "x" * 1000,
            "c": {},
            "d": {},
        }
    )
    for call in (m.get(path).must, m.get(path).must_str, lambda: Path(path).require(m)):
        with pytest.raises(PathError) as caught:
            call()
        assert (caught.value.path, caught.value.reached) == (path, reached)
        assert str(caught.value) == f"{path}: {reason}"
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value) and again.reached == reached


def test_error_of_the_wrong_kind() -> None:
    m = from_json('{"a": [{"b": "x"}], "n": null}')
    for call, text in [
        (m.get("a[0].b").must_int, "a[0].b: is the text 'x', not an int"),
        (m.get("a[0]").must_str, "a[0]: is a map, not a text"),
        (m.get("n").must, "n: is nothing (null), not something"),
        (m.value().must_list, "the data: is a map, not a list of anything"),
    ]:
        with pytest.raises(PathError) as caught:
            call()
        assert str(caught.value) == text
    assert m.get("a[0].b").must() == "x"


def test_value_is_neither_true_nor_false() -> None:
    with pytest.raises(TypeError, match="exists"):
        bool(Map(a=False).get("a"))
    assert Map(a=False).get("a").exists() and not Map(a=None).get("a").exists()


def test_value_shows_and_compares() -> None:
    m = Map(a=1, b="x")
    assert repr(m.get("a")) == "<Value at a: 1 (int)>"
    assert repr(m.get("c")) == "<Value at c: missing>"
    assert repr(m.value()) == "<Value: a map>"
    assert m.get("a") == Map(z=1).get("z") and m.get("a") != m.get("b") and m.get("a") != 1
    assert isinstance(m.get("a"), Value)
    with pytest.raises(TypeError, match="unhashable"):
        hash(m.get("a"))


def test_map_is_a_mapping_of_plain_keys() -> None:
    data: dict[str, object] = {"a.b": 1, "c": {"d": 2}}
    m = Map(data)
    assert m["a.b"] == 1 and "a.b" in m and "c.d" not in m and m.get("c.d").int() == 2
    assert list(m) == ["a.b", "c"] and len(m) == 2 and dict(m) == data and {**m} == data
    m["e"] = 3
    del m["a.b"]
    assert data == {"c": {"d": 2}, "e": 3}
    assert m.pop("e") == 3 and m.setdefault("f", 4) == 4
    with pytest.raises(KeyError):
        m["nope"]
    assert repr(Map(a=1)) == "Map({'a': 1})" and Map(a=1) == Map(a=1) != Map(a=2)
    assert {"b": 1} | Map(a=1) == {"a": 1, "b": 1}
    with pytest.raises(TypeError):
        Map() | 5  # type: ignore[operator]
    with pytest.raises(TypeError):
        hash(m)


def test_map_around_other_mappings() -> None:
    fixed = MappingProxyType({"a": 1})
    m = Map(fixed)
    m.set("b", 2)
    assert m == {"a": 1, "b": 2} and "b" not in fixed
    ordered: OrderedDict[str, object] = OrderedDict(a=1)
    Map(ordered).set("b.c", 2)
    assert ordered == {"a": 1, "b": {"c": 2}}
    assert Map(Map(ordered)).get("b.c").int() == 2
    original = {"a": 1}
    assert Map(original, b=2) == {"a": 1, "b": 2} and original == {"a": 1}


def test_copies() -> None:
    m = from_json('{"a": {"b": 1}}')
    shallow, deep = copy.copy(m), copy.deepcopy(m)
    m.set("a.b", 2)
    assert shallow.get("a.b").int() == 2 and deep.get("a.b").int() == 1
    assert pickle.loads(pickle.dumps(m)) == m


def test_json_forms() -> None:
    m = Map({"b": [1, {"é": "\ud800"}], "a": (1, 2)})
    assert m.to_json() == '{"a":[1,2],"b":[1,{"\\u00e9":"\\ud800"}]}'
    assert m.to_json(indent=1).startswith('{\n "a": [\n  1,')
    assert from_json(b'{"a": 1}') == {"a": 1}


def test_json_from_a_file(tmp_path: object) -> None:
    from pathlib import Path as FilePath

    from pyobjx import DataError, from_json_file

    assert isinstance(tmp_path, FilePath)
    file = tmp_path / "state.json"
    file.write_text('{"a": 1}')
    assert from_json_file(file) == {"a": 1}
    file.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(DataError):
        from_json_file(str(file))
    with pytest.raises(FileNotFoundError):
        from_json_file(tmp_path / "missing")


def test_json_too_deep() -> None:
    from pyobjx import DataError

    with pytest.raises(DataError):
        from_json('{"a":' + "[" * 200_000)
    circle: dict[str, object] = {}
    circle["self"] = circle
    with pytest.raises(DataError, match="cannot be written"):
        Map(circle).to_json()
    with pytest.raises(DataError, match="cannot be written"):
        Map({"a": float("nan")}).to_json()
