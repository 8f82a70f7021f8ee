"""What objx's own tests pin, in the names of here; where we differ on purpose the test says so."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote_plus

import pyobjx
import pytest
from pyobjx import DataError, Map, PathError, from_json

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
