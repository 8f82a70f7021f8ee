"""Scalars, ranges, the text of values, roles, durations."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesos_proto import durations, roles
from mesos_proto.errors import DurationError, ParseError, ResourceError, RoleError
from mesos_proto.labels import equal_labels, format_labels
from mesos_proto.v0 import mesos_pb2 as mesos0
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.values import Ranges, Text, format_scalar, from_fixed, parse_value, to_fixed

few = settings(max_examples=150, deadline=None)
spans = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 8)).map(lambda pair: (pair[0], pair[0] + pair[1])),
    max_size=12,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1.234, "1.234"),
        (1.2345, "1.235"),
        (1.2344, "1.234"),
        (1.1, "1.1"),
        (1000001.0, "1000001"),
        (99999999999.9994, "99999999999.999"),
        (1.5015, "1.502"),
        (-1.5, "-1.5"),
        (0.0005, "0.001"),
        (0.00049999999999999, "0"),
        (1e15, "1e+15"),
    ],
)
def test_scalars_keep_three_decimals(value: float, text: str) -> None:
    assert format_scalar(to_fixed(value)) == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_scalars_are_finite(value: float) -> None:
    with pytest.raises(ResourceError, match="finite"):
        to_fixed(value)


@few
@given(st.integers(-(10**12), 10**12))
def test_fixed_point_survives_floating_point(fixed: int) -> None:
    assert to_fixed(from_fixed(fixed)) == fixed


@pytest.mark.parametrize(
    ("given_spans", "wanted"),
    [
        ([(1, 4), (3, 5), (7, 8), (8, 10)], "[1-5, 7-10]"),
        ([(4, 6), (6, 8), (5, 9), (3, 4), (2, 5), (4, 6), (1, 1), (10, 10)], "[1-10]"),
        ([(6, 8), (4, 6)], "[4-8]"),
        ([(1, 11), (8, 10)], "[1-11]"),
        ([(4, 6), (7, 8)], "[4-8]"),
        ([(4, 6), (7, 7), (9, 10), (9, 11)], "[4-7, 9-11]"),
        ([(0, 2), (3, 5), (6, 10)], "[0-10]"),
        ([(0, 2), (4, 11), (6, 10)], "[0-2, 4-11]"),
        ([(0, 2), (4, 5), (6, 7), (8, 10)], "[0-2, 4-10]"),
        ([(0, 2), (4, 6), (8, 10)], "[0-2, 4-6, 8-10]"),
        ([(0, 1), (2, 5), (4, 8)], "[0-8]"),
        ([(2**64 - 1, 2**64 - 1), (2**64 - 2, 2**64 - 2)], f"[{2**64 - 2}-{2**64 - 1}]"),
        ([], "[]"),
    ],
)
def test_ranges_are_coalesced(given_spans: list[tuple[int, int]], wanted: str) -> None:
    assert str(Ranges(given_spans)) == wanted


def test_ranges_of_numbers() -> None:
    assert Ranges.of([7, 2, 3, 8, 1, 5, 0, 9, 6, 10, 4]).spans == ((0, 10),)
    assert Ranges.of([0, 0, 1, 1, 3, 5, 6, 8, 9]).spans == ((0, 1), (3, 3), (5, 6), (8, 9))
    assert Ranges.of([]).spans == ()


def test_inverted_ranges_can_be_swapped() -> None:
    assert Ranges([(2, 0), (3, 10)], swap=True).spans == ((0, 10),)
    with pytest.raises(ResourceError, match="3-1 ends before it begins"):
        Ranges([(3, 1)])
    for span in ((-1, 3), (0, 2**64)):
        with pytest.raises(ResourceError, match="unsigned 64-bit"):
            Ranges([span])


def test_ranges_measure_and_search() -> None:
    ranges = Ranges([(0, 2), (4, 4), (6, 10)])
    assert (ranges.size, len(ranges), ranges.minimum, ranges.maximum) == (9, 3, 0, 10)
    assert [ranges.index(number) for number in (0, 3, 4, 10, 11)] == [0, None, 1, 2, None]
    assert 4 in ranges and 5 not in ranges
    assert ranges.take(4).spans == ((0, 2), (4, 4))
    assert ranges.take(99) == ranges and not ranges.take(0)
    assert list(ranges.numbers()) == [0, 1, 2, 4, 6, 7, 8, 9, 10]
    assert hash(ranges) == hash(Ranges(list(ranges))) and "0, 2" in repr(ranges)
    for empty in ("minimum", "maximum"):
        with pytest.raises(ResourceError, match="empty"):
            getattr(Ranges(), empty)
    assert Ranges() != ()


@pytest.mark.parametrize(
    ("number", "wanted"),
    [(100, "[0-10, 12-20]"), (0, "[1-10, 12-20]"), (13, "[0-10, 12-12, 14-20]"), (5, "[0-4, 6-10, 12-20]")],
)
def test_one_number_is_taken_out(number: int, wanted: str) -> None:
    assert str(Ranges([(0, 10), (12, 20)]) - Ranges.of([number])) == wanted


@few
@given(spans, spans)
def test_ranges_are_sets_of_numbers(left: list[tuple[int, int]], right: list[tuple[int, int]]) -> None:
    a, b = Ranges(left), Ranges(right)
    one, other = set(a.numbers()), set(b.numbers())
    assert set((a + b).numbers()) == one | other
    assert set((a - b).numbers()) == one - other
    assert set((a & b).numbers()) == one & other
    assert (a <= b) == (one <= other)
    assert a.size == len(one)
    for result in (a + b, a - b, a & b):
        assert result == Ranges(result.spans), "canonical"


def test_few_spans_join_many() -> None:
    many = Ranges([(10 * number, 10 * number + 5) for number in range(100)])
    for few_spans in ([(6, 9)], [(0, 999)], [(2000, 2001)], [(7, 8)], [(15, 33), (996, 996)]):
        assert many + Ranges(few_spans) == Ranges([*many, *few_spans])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("45.55", 45550),
        (" 1e3 ", 1000000),
        (".5", 500),
        ("5.", 5000),
        ("0x10", 16000),
        ("-0", 0),
        ("[10000-20000, 30000-50000]", Ranges([(10000, 20000), (30000, 50000)])),
        ("[1, 3 - 4\n6]", Ranges([(1, 1), (3, 4), (6, 6)])),
        ("[]", Ranges()),
        ("[7-8, 1-4, [8-10], 4-5]", Ranges([(1, 5), (7, 10)])),
        ("{sda1, sda2}", ("sda1", "sda2")),
        ("{}", ()),
        ("123abc,s", Text("123abc,s")),
        ("a b", Text("ab")),
        ("1_000", Text("1_000")),
        ("(x)", Text("(x)")),
    ],
)
def test_values_are_parsed(text: str, value: object) -> None:
    assert parse_value(text) == value


@pytest.mark.parametrize(
    ("text", "part", "position"),
    [
        ("  ", "", 2),
        ("{aa,b}}", "b}", 4),
        ("[1-2]]", "1-2]", 1),
        ("[1-2b]", "1-2b", 1),
        ("[1-2", "[1-2", 0),
        ("a[1]", "a[1]", 0),
        ("[3-1]", "3-1", 1),
        ("[1, 9-2]", "9-2", 4),
        ("[18446744073709551616]", "18446744073709551616", 1),
        ("{a, a}", "a", 4),
        (" nan", "nan", 1),
        ("-inf", "-inf", 0),
        ("Infinity", "Infinity", 0),
        ("1e999", "1e999", 0),
        ("1e308", "1e308", 0),
        ("9" * 5000, "9" * 5000, 0),
        ("0x" + "f" * 5000, "0x" + "f" * 5000, 0),
        (f"[{'9' * 5000}]", "9" * 5000, 1),
        (f"[1-{'9' * 5000}]", f"1-{'9' * 5000}", 1),
        ("a\ud800b", "\ud800", 1),
        ("-1", "-1", 0),
        ("1e-310", "1e-310", 0),
        ("(x", "(x", 0),
    ],
)
def test_bad_values_name_the_part_and_the_position(text: str, part: str, position: int) -> None:
    with pytest.raises(ParseError) as caught:
        parse_value(text)
    assert (caught.value.part, caught.value.position) == (part, position)
    assert repr(part)[:50] in str(caught.value) and f"position {position}" in str(caught.value)


@pytest.mark.parametrize(
    "role", ["*", "a", "a/b", "eng.web", "a-b", "a/b/c", "...", "日本", "a/*b", "role_1"]
)
def test_good_roles(role: str) -> None:
    roles.validate_role(role)


@pytest.mark.parametrize(
    "role",
    [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "a/.",
        "a/../b",
        "*/a",
        "a/*",
        "-a",
        "a/-b",
        "a b",
        "a\tb",
        "a\x7f",
    ],
)
def test_bad_roles(role: str) -> None:
    with pytest.raises(RoleError):
        roles.validate_role(role)


def test_roles_are_a_tree() -> None:
    assert roles.ancestors("a/b/c") == ["a/b", "a"] and roles.ancestors("a") == []
    assert roles.is_strict_subrole("a/b", "a") and roles.is_strict_subrole("a/b/c", "a")
    for role, ancestor in (("a", "a"), ("ab", "a"), ("a", "a/b"), ("a/", "a")):
        assert not roles.is_strict_subrole(role, ancestor)
    assert roles.parse_roles("a,b/c,,*") == ["a", "b/c", "*"]
    with pytest.raises(RoleError):
        roles.parse_roles("a,/b")


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("3hrs", 10800 * 10**9),
        ("3.5hrs", 12600 * 10**9),
        ("15mins", 900 * 10**9),
        ("1ns", 1),
        ("1.9ns", 1),
        ("2us", 2000),
        ("1001ms", 1001 * 10**6),
        (".5secs", 5 * 10**8),
        ("1weeks", 604800 * 10**9),
        ("10days", 864000 * 10**9),
        ("0secs", 0),
    ],
)
def test_durations_are_parsed(text: str, nanoseconds: int) -> None:
    assert durations.parse_nanoseconds(text) == nanoseconds
    assert durations.parse_duration(text) == nanoseconds / 1e9


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "secs",
        "-5secs",
        "5 secs",
        "5s",
        "5seconds",
        "1.2.3secs",
        ".secs",
        "9223372037secs",
        "1e3secs",
        "٣secs",
    ],
)
def test_bad_durations(text: str) -> None:
    with pytest.raises(DurationError):
        durations.parse_duration(text)


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0ns"),
        (1, "1ns"),
        (1001, "1001ns"),
        (2000, "2us"),
        (1_500_000, "1500us"),
        (1_000_001, "1.000001ms"),
        (3140 * 10**6, "3140ms"),
        (3141592653, "3.141592653secs"),
        (90 * 10**9, "90secs"),
        (36000 * 10**9, "10hrs"),
        (-36000 * 10**9, "-10hrs"),
        (864000 * 10**9, "10days"),
        (1209600 * 10**9, "2weeks"),
        (102600 * 10**9, "1.1875days"),
        (2**63 - 1, "15250.2844524715weeks"),
        (-(2**63), "-15250.2844524715weeks"),
    ],
)
def test_durations_are_printed(nanoseconds: int, text: str) -> None:
    assert durations.format_nanoseconds(nanoseconds) == text


def test_durations_in_seconds_are_printed() -> None:
    assert durations.format_duration(3.14159265358979) == "3.141592653secs"
    assert durations.format_duration(1.001) == "1001ms"
    assert durations.format_duration(900) == "15mins"
    for seconds in (1e10, -1e10, float("inf"), float("nan")):
        with pytest.raises(DurationError):
            durations.format_duration(seconds)
    with pytest.raises(DurationError):
        durations.format_nanoseconds(2**63)


@few
@given(st.integers(0, 10**15))
def test_what_is_printed_is_parsed_to_fifteen_digits(nanoseconds: int) -> None:
    back = durations.parse_nanoseconds(durations.format_nanoseconds(nanoseconds))
    assert abs(back - nanoseconds) <= max(1, nanoseconds * 1e-14)


LABELS = [[], ["a"], ["b", "a"], ["a", "b"], ["a", "c"], ["c"], [("a", "1")], [("a", "")], ["a", "a"]]


def labels(values: list[str | tuple[str, str]]) -> mesos.Labels:
    made = mesos.Labels()
    for value in values:
        if isinstance(value, tuple):
            made.labels.add(key=value[0], value=value[1])
        else:
            made.labels.add(key=value)
    return made


def test_labels_are_equal_in_any_order() -> None:
    for index, left in enumerate(LABELS):
        for other, right in enumerate(LABELS):
            assert equal_labels(labels(left), labels(right)) is (index == other or {index, other} == {2, 3})
    assert (
        equal_labels(None, None)
        and equal_labels(None, mesos.Labels())
        and equal_labels(mesos0.Labels(), None)
    )
    assert not equal_labels(None, labels(["a"]))


def test_labels_are_printed() -> None:
    assert format_labels(None) == format_labels(mesos.Labels()) == ""
    assert format_labels(labels(["a", ("b", "1"), "c"])) == "a,b=1,c"
