"""What objx's own tests pin, in the names of here; where we differ on purpose the test says so."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote_plus

import pyobjx
import pytest
from pyobjx import DataError, List, Map, PathError, from_json


def make() -> Map:
    """The map most tests use."""
    return Map(
        {
            "name": "Tyler",
            "address": {"city": "Salt Lake City", "state": "UT"},
            "numbers": ["one", "two", "three", "four", "five"],
        }
    )


# ---- accessors


def test_get_single_field() -> None:
    assert Map({"name": "Tyler"}).get("name").data == "Tyler"
    assert Map({"name": 10}).get("name").data == 10


def test_get_deep() -> None:
    m = Map({"name": Map({"first": "Tyler", "friends": ["Capitol", "Bollocks"], "more": ("a", "b")})})
    assert m.get("name.first").data == "Tyler"
    assert m.get("name.friends[0]").data == "Capitol"
    assert m.get("name.more[1]").data == "b"


def test_get_deep_deep() -> None:
    m = Map({"one": Map({"two": {"three": Map({"four": 4})}})})
    assert m.get("one.two.three.four").data == 4
    assert m.get("one[two][three][four]").data == 4


def test_get_with_complex_key() -> None:
    m = Map({"domains": {"example-dot-com": {"apex": "example"}, "example.com": {"apex": "example"}}})
    assert m.get("domains.example-dot-com.apex").data == "example"
    assert m.get("domains[example.com].apex").data == "example"
    assert m.get("domains[example.com][apex]").data == "example"


def test_get_inside_list() -> None:
    m = Map({"names": [Map({"first": "Tyler", "last": "Bunnell"}), {"first": "Capitol", "last": "Bollocks"}]})
    assert m.get("names[0].first").data == "Tyler"
    assert m.get("names[1].last").data == "Bollocks"
    assert m.get("names[2]").data is None


@pytest.mark.parametrize("path", ["names[]", "names1]]", "names[1]]", "names[[1]]", "names[[1]", "names[[1"])
def test_malformed_paths(path: str) -> None:
    # objx answers nil, which hides a mistake in the program; here it is an error.
    with pytest.raises(PathError, match="malformed"):
        Map({"names": [1, 2]}).get(path)


def test_set_single_field() -> None:
    m = Map({"name": "Tyler"})
    m.set("name", "Mat").set("age", 29)
    assert m.get("name").data == "Mat" and m.get("age").data == 29


def test_set_deep() -> None:
    m = Map({"name": {"first": "Tyler", "last": "Bunnell"}, "one": {"two": Map({"three": {"four": 4}})}})
    m.set("name.first", "Mat").set("name.last", "Ryer").set("one.two.three.four", 5)
    assert m.get("name.first").data == "Mat" and m.get("name.last").data == "Ryer"
    assert m.get("one.two.three.four").data == 5


def test_set_deep_without_existing() -> None:
    m = Map()
    m.set("one.two.three.four", 5)
    m.set("one.two.three.five", 6)
    assert m.get("one.two.three.four").data == 5 and m.get("one.two.three.five").data == 6
    m.set("one.two", 7)
    assert m.get("one.two").data == 7
    assert m.get("one.two.three.four").data is None
    m.set("one.two.three", 8)
    assert m.get("one.two.three").data == 8


def test_set_in_list() -> None:
    m = Map({"names": ["Tyler"], "people": [Map({"first": "Tyler"}), {"first": "Capitol"}]})
    m.set("names[0]", "Mat").set("people[0].first", "Mat").set("people[1].first", "Captain")
    assert m.get("names[0]").data == "Mat"
    assert m["names"] == ["Mat"]
    assert m.get("people[0].first").data == "Mat" and m.get("people[1].first").data == "Captain"


def test_set_within_a_child() -> None:
    assert (
        from_json('{"a": {"b": 1}}').set("a.c", 2).to_json()
        == Map({"a": Map({"b": 1})}).set("a.c", 2).to_json()
        == '{"a":{"b":1,"c":2}}'
    )


def test_nested_lists() -> None:
    d = from_json('{"values":[["test", "test1"], ["test2", {"name":"Mat"}, {"names": ["Captain", "Mat"]}]]}')
    assert d.get("values[0][0]").text() == "test"
    assert d.get("values[0][1]").text() == "test1"
    assert d.get("values[1][0]").text() == "test2"
    assert d.get("values[1][1].name").text() == "Mat"
    assert d.get("values[1][2].names[0]").text() == "Captain"


@pytest.mark.parametrize(
    ("data", "path", "output"),
    [
        ('{"name": "Mat"}', "name", "Mat"),
        ('{"address": {"city": "Boulder"}}', "address.city", "Boulder"),
        ('{"one": {"two": {"three": {"four": "hello"}}}}', "one.two.three.four", "hello"),
        ('{"one": {"two": {"three": {"four": "hello"}}}}', "one.ten", None),
        ('{"tags": ["one", "two", "three"]}', "tags[1]", "two"),
        ('{"types": { "tags": ["one", "two", "three"]}}', "types.tags[1]", "two"),
        ('{"tags": [{"name":"one"}, {"name":"two"}, {"name":"three"}]}', "tags[1].name", "two"),
        ('{"tags": [{"list": [{"one":"pizza"}]}]}', "tags[0].list[0].one", "pizza"),
        ('{"name":"Tyler"}', "name.something", None),
        ('{"name":"Tyler"}', "name[0]", None),
        ('{"numbers":["one", "two", "three"]}', "numbers[0].nope", None),
    ],
)
def test_fixtures(data: str, path: str, output: object) -> None:
    assert from_json(data).get(path).data == output


def test_simple_example() -> None:
    o = from_json('{"name":"Mat","foods":["indian","chinese"], "location":{"county":"hobbiton"}}')
    assert o["name"] == "Mat"
    value = o.get("name")
    assert not value.is_int() and not value.is_bool() and value.is_str()
    assert value.str() == "Mat"
    assert value.int(1) == 1
    o.set("foods[0]", "italian")
    assert o.get("foods[0]").str() == "italian"
    assert o.get("location.county").str() == "hobbiton"


# ---- conversions


def test_json() -> None:
    o = from_json('{"name":"Mat"}')
    assert o.to_json() == '{"name":"Mat"}'
    i = Map(
        {
            "a": {
                "b": Map({"c": {"d": "e"}}),
                "f": [Map({"g": {"h": "i"}})],
                "j": ({"k": {"l": "m"}},),
                "n": [Map({"o": "p"})],
                "q": {1: "int", False: "bool", None: "nothing"},
            }
        }
    )
    assert i.to_json() == (
        '{"a":{"b":{"c":{"d":"e"}},"f":[{"g":{"h":"i"}}],"j":[{"k":{"l":"m"}}],"n":[{"o":"p"}],'
        '"q":{"":"nothing","1":"int","false":"bool"}}}'
    )


def test_json_base64_and_signed_base64_with_errors() -> None:
    o = Map({"test": lambda: None})
    for convert in (o.to_json, o.to_base64, lambda: o.to_signed_base64("key")):
        with pytest.raises(DataError, match="cannot be written as JSON"):
            convert()


def test_base64() -> None:
    o = Map({"name": "Mat"})
    assert o.to_base64() == "eyJuYW1lIjoiTWF0In0="
    assert o.to_signed_base64("key") == "eyJuYW1lIjoiTWF0In0=_67ee82916f90b2c0d68c903266e8998c9ef0c3d6"
    assert pyobjx.from_base64("eyJuYW1lIjoiTWF0In0=").get("name").str() == "Mat"
    with pytest.raises(DataError, match="no base64"):
        pyobjx.from_base64("eyJuYW1lIjoiTWFasd0In0=")


def test_signed_base64() -> None:
    good = "eyJuYW1lIjoiTWF0In0=_67ee82916f90b2c0d68c903266e8998c9ef0c3d6"
    assert pyobjx.from_signed_base64(good, "key").get("name").str() == "Mat"
    for bad, why in [
        ("eyJuYW1lasdIjoiTWF0In0=_67ee82916f90b2c0d68c903266e8998c9ef0c3d6", "signature does not fit"),
        ("eyJuYW1lasdIjoiTWF0In0=67ee82916f90b2c0d68c903266e8998c9ef0c3d6", "two parts"),
        (good + "_junk", "two parts"),
        ("eyJuYW1lIjoiTWF0In0=_é", "signature does not fit"),
    ]:
        with pytest.raises(DataError, match=why):
            pyobjx.from_signed_base64(bad, "key")
    with pytest.raises(DataError, match="signature"):
        pyobjx.from_signed_base64(good, "other key")


def test_hash_with_key() -> None:
    assert pyobjx.hash_with_key("abc", "def") == "0ce84d8d01f2c7b6e0882b784429c54d280ea2d9"


def make_query() -> Map:
    """What objx's tests make URL queries of."""
    return Map(
        {
            "abc": 123,
            "name": "Mat",
            "data": Map({"age": 30, "height": 162, "arr": [1, 2]}),
            "mapSlice": [Map({"age": 40}), {"height": 152}],
            "stats": ["1", "2"],
            "bools": [True, False],
        }
    )


def test_url_values() -> None:
    assert make_query().url_values() == {
        "abc": ["123"],
        "name": ["Mat"],
        "data[age]": ["30"],
        "data[height]": ["162"],
        "data[arr][]": ["1", "2"],
        "stats[]": ["1", "2"],
        "bools[]": ["true", "false"],
        "mapSlice[][age]": ["40"],
        "mapSlice[][height]": ["152"],
    }


@pytest.mark.parametrize(
    ("suffix", "query"),
    [
        (
            "[]",
            "abc=123&bools[]=true&bools[]=false&data[age]=30&data[arr][]=1&data[arr][]=2&data[height]=162"
            "&mapSlice[][age]=40&mapSlice[][height]=152&name=Mat&stats[]=1&stats[]=2",
        ),
        (
            "",
            "abc=123&bools=true&bools=false&data[age]=30&data[arr]=1&data[arr]=2&data[height]=162"
            "&mapSlice[age]=40&mapSlice[height]=152&name=Mat&stats=1&stats=2",
        ),
        (
            "[i]",
            "abc=123&bools[0]=true&bools[1]=false&data[age]=30&data[arr][0]=1&data[arr][1]=2&data[height]=162"
            "&mapSlice[0][age]=40&mapSlice[1][height]=152&name=Mat&stats[0]=1&stats[1]=2",
        ),
    ],
)
def test_url_query(suffix: str, query: str) -> None:
    assert unquote_plus(make_query().to_url_query(suffix)) == query


def test_bad_list_suffix() -> None:
    with pytest.raises(DataError, match="no suffix"):
        make_query().to_url_query("{}")


# ---- maps


class Convertible:
    """Something that gives a map."""

    def to_map(self) -> Mapping[str, object]:
        """Give it."""
        return {"name": "Tyler"}


def test_map_creation() -> None:
    assert Map(None) == {} and Map() == {}
    assert Map(Convertible())["name"] == "Tyler"
    assert Map(name="Tyler") == Map({}, name="Tyler") == {"name": "Tyler"}
    for bad in ("Tyler", object(), 5, {1: "a"}, ["a", "b"]):  # objx makes nil of these
        with pytest.raises(DataError, match="map"):
            Map(bad)  # type: ignore[arg-type]


def test_map_value() -> None:
    m = Map({"a": 1})
    assert m.value().map() == m == m.value().must_map()
    assert m.value().is_map()


@pytest.mark.parametrize("text", ['"name":"Mat"}', "", "[1]", "1", "null", '{"a":NaN}', '{"a":Infinity}'])
def test_from_json_with_error(text: str) -> None:
    with pytest.raises(DataError, match="JSON"):
        from_json(text)


def test_json_numbers() -> None:
    m = from_json('{"a": 1, "b": {"data": 1}, "c": [1], "d": [[1]]}')
    assert m.get("a").int() == 1 and m.get("b.data").int() == 1
    assert m.get("c").is_list() and m.get("c").list()[0] == 1.0
    assert m.get("d").is_list() and m.get("d").list()[0] == [1.0]


def test_json_list_of_maps() -> None:
    m = from_json('{"a": [{"b": 1}, {"c": 2}], "mixed": [{"b": 1}, "a"]}')
    assert m.get("a").map_list() == [Map({"b": 1}), Map({"c": 2})]
    assert m.get("mixed").map_list() == []
    assert not m.get("mixed").is_map_list()


def test_top_level_list() -> None:
    first, second = pyobjx.from_json_list('[{"id": 10000001}, {"id": 42}]')
    assert first.get("id").must_int() == 10000001 and second.get("id").must_int() == 42
    for bad in ('{"id": 10000001}', "[1]", "x"):
        with pytest.raises(DataError):
            pyobjx.from_json_list(bad)


def test_from_url_query() -> None:
    m = pyobjx.from_url_query("name=tyler&state=UT&name=second&empty=&bare")
    assert m == {"name": "tyler", "state": "UT", "empty": "", "bare": ""}
    for bad in ("%", "a=%zz", "a%2=1"):
        with pytest.raises(DataError, match="begins no escape"):
            pyobjx.from_url_query(bad)


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
