"""What objx's own tests pin of merging, testing, typed reads and lists; where we differ the test says so."""

from __future__ import annotations

import pytest
from pyobjx import List, Map, PathError, from_json


def make() -> Map:
    """The map most tests use."""
    return Map(
        {
            "name": "Tyler",
            "address": {"city": "Salt Lake City", "state": "UT"},
            "numbers": ["one", "two", "three", "four", "five"],
        }
    )


# ---- mutations and tests


def test_exclude() -> None:
    m = Map({"name": "Mat", "age": 29, "secret": "ABC"})
    excluded = m.exclude(["secret"])
    assert excluded == {"name": "Mat", "age": 29}
    assert not excluded.has("secret") and m.has("secret")


def test_copy() -> None:
    first = Map({"name": "Tyler", "location": "UT"})
    second = first.copy()
    second["name"] = "Mat"
    assert first.get("name").str() == "Tyler" and second.get("name").str() == "Mat"


def test_merge() -> None:
    first, second = Map({"name": "Mat"}), Map({"name": "Tyler", "location": "UT"})
    for merged in (first.merge(second), first | second, first | {"name": "Tyler", "location": "UT"}):
        assert merged == second and isinstance(merged, Map)
    assert first.get("location").str() == ""


def test_merge_here() -> None:
    first, second = Map({"name": "Mat", "age": 1}), Map({"name": "Tyler", "location": "UT"})
    merged = first.merge_here(second)
    assert merged is first
    assert first == {"name": "Tyler", "age": 1, "location": "UT"}
    first |= {"age": 2}
    assert merged.get("age").int() == 2


def test_transform() -> None:
    m = Map({"name": "Mat", "location": "UK"})
    assert m.transform(lambda key, value: (key.upper(), value)) == {"NAME": "Mat", "LOCATION": "UK"}
    assert Map(a="1", b="2", c="3").transform_keys({"a": "d", "b": "e"}) == {"c": "3", "d": "1", "e": "2"}


def test_has() -> None:
    m = make()
    for path in ("name", "address.state", "numbers[4]"):
        assert m.has(path)
    for path in ("address.state.nope", "address.nope", "nope", "numbers[5]"):
        assert not m.has(path)
    assert not Map().has("nothing")
    assert not Map({"null": None}).has("null")


# ---- values


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("foo", "foo"),
        (True, "true"),
        (False, "false"),
        (1, "1"),
        (2**64, "18446744073709551616"),
        (32.32, "32.32"),
        (64.64, "64.64"),
        (2.0, "2"),
        (1e21, "1000000000000000000000"),
        (1e-7, "0.0000001"),
        (float("inf"), "inf"),
        (["foo", "bar"], "['foo', 'bar']"),
        (None, ""),
    ],
)
def test_text(data: object, text: str) -> None:
    value = Map({"x": data}).get("x")
    assert value.text() == text == str(value)
    assert Map().get("x").text() == ""


@pytest.mark.parametrize(
    ("data", "texts"),
    [
        (["foo", "bar"], ["foo", "bar"]),
        ([True, False], ["true", "false"]),
        ([1, 2], ["1", "2"]),
        ([32.32, 33.33], ["32.32", "33.33"]),
        (["a", 1, None], ["a", "1", ""]),
    ],
)
def test_text_list(data: object, texts: list[str]) -> None:
    assert Map({"x": data}).get("x").text_list() == texts


@pytest.mark.parametrize("data", ["foo", None, 1, {"a": 1}, [{"a": 1}], [[1]]])
def test_text_list_of_other_things(data: object) -> None:
    value = Map({"x": data}).get("x")
    assert value.text_list() == []
    assert value.text_list(["bar"]) == ["bar"]


def test_map_reads() -> None:
    data = {"name": "Tyler"}
    m = Map({"value": data, "nothing": None})
    assert m.get("value").map() == m.get("value").must_map() == data
    assert m.get("nothing").map() == {}
    assert m.get("nothing").map(Map(data)) == data
    with pytest.raises(PathError):
        m.get("age").must_map()


def test_map_list_reads() -> None:
    data = {"name": "Tyler"}
    m = Map({"value": [data], "value2": [Map(data)], "value3": (data,), "nothing": None})
    for key in ("value", "value2", "value3"):
        assert m.get(key).map_list()[0] == m.get(key).must_map_list()[0] == data
        assert m.get(key).is_map_list()
    assert m.get("nothing").map_list() == []
    assert m.get("nothing").map_list([Map(data)])[0] == data
    with pytest.raises(PathError):
        m.get("nothing").must_map_list()
    assert not from_json('{"d":[{"author":"abc"},[1]]}').get("d").is_map_list()


def test_each_stops_early() -> None:
    items = Map({"data": [{"name": "Tyler"}] * 5}).get("data").must_map_list()
    seen = []

    def look(index: int, item: Map) -> bool:
        seen.append(item)
        return index != 2

    assert items.each(look) is items
    assert len(seen) == 3
    assert items.each(lambda index, item: seen.append(item)) is items
    assert len(seen) == 8


def test_where_and_reject() -> None:
    items = Map({"data": [{"name": "Taylor"}] * 5}).get("data").must_map_list()
    # objx's Where… keeps the items its function refuses (two of these five): that is `reject` here.
    assert len(items.reject(lambda index, item: index % 2 == 0)) == 2
    assert len(items.where(lambda index, item: index % 2 == 0)) == 3
    assert isinstance(items.where(lambda index, item: True), List)


def test_group() -> None:
    items = Map({"data": [{"name": "Taylor"}] * 5}).get("data").must_map_list()
    grouped = items.group(lambda index, item: str(index % 2 == 0))
    assert {name: len(group) for name, group in grouped.items()} == {"True": 3, "False": 2}


def test_replace() -> None:
    items = Map({"data": list(range(6))}).get("data").must_int_list()
    replaced = items.replace(lambda index, item: items[index + 1] if index < 5 else items[0])
    assert replaced == [1, 2, 3, 4, 5, 0] and items == [0, 1, 2, 3, 4, 5]


def test_collect() -> None:
    items = Map({"data": ["a", "b"]}).get("data").must_str_list()
    assert items.collect(lambda index, item: (index, item.upper())) == [(0, "A"), (1, "B")]
