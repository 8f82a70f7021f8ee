"""Filters for offers, alone and combined."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesos_proto.attributes import Attributes
from mesos_proto.errors import ParseError
from mesos_proto.resources import Resources
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.values import Ranges
from mesos_scheduler import DriverMisuse
from mesos_scheduler.extras import offers as o
from scheduler_extras_helpers import offer

RACK = offer(attributes=Attributes.parse("rack:r1;level:3.5;ports:[80-90,443-443];rack:r2").messages())

ATTRIBUTES = [
    (o.attribute("rack"), True),
    (o.attribute("zone"), False),
    (o.attribute("rack", "r1"), True),
    (o.attribute("rack", "r2"), True),
    (o.attribute("rack", "r3"), False),
    (o.attribute("rack", "r3", "r1"), True),
    (o.attribute("rack", 1.0), False),
    (o.attribute("level", 3.5), True),
    (o.attribute("level", 3.5001), True),
    (o.attribute("level", 3.6), False),
    (o.attribute("level", "3.5"), False),
    (o.attribute("level", Ranges([(3, 4)])), False),
    (o.attribute("ports", 85), True),
    (o.attribute("ports", 91), False),
    (o.attribute("ports", 85.5), False),
    (o.attribute("ports", float("inf")), False),
    (o.attribute("ports", Ranges([(80, 82), (443, 443)])), True),
    (o.attribute("ports", Ranges([(80, 91)])), False),
    (o.attribute_like("rack", "r[12]"), True),
    (o.attribute_like("rack", "r"), False),
    (o.attribute_like("level", ".*"), False),
    (o.attribute_between("level", 3, 4), True),
    (o.attribute_between("level", 3.5, 3.5), True),
    (o.attribute_between("level", least=4), False),
    (o.attribute_between("level", most=3), False),
    (o.attribute_between("rack"), False),
]


@pytest.mark.parametrize(("chosen", "passes"), ATTRIBUTES, ids=str)
def test_attributes(chosen, passes):
    assert chosen(RACK) is passes


def test_what_is_no_attribute_does_not_pass():
    broken = offer(attributes=[mesos.Attribute(name="rack", type=mesos.Value.SET)])
    assert not o.attribute("rack")(broken)


def test_hosts_agents_and_roles():
    one = offer(hostname="db1.example.org", agent="S7", role="web/api")
    assert o.hostname("a", "db1.example.org")(one) and not o.hostname("db1")(one)
    assert o.hostname_like(r"db\d\..*")(one) and not o.hostname_like("db1")(one)
    assert o.agent("S1", "S7")(one) and not o.agent("S1")(one)
    assert o.role("web/api")(one) and not o.role("web")(one)
    old = offer()
    old.ClearField("allocation_info")
    assert o.role("*")(old)


def test_executors():
    with_two = offer(executor_ids=[mesos.ExecutorID(value="a"), mesos.ExecutorID(value="b")])
    assert o.executor()(with_two) and o.executor("b")(with_two) and not o.executor("c")(with_two)
    assert not o.executor()(offer())


@pytest.mark.parametrize(
    ("start", "duration", "within", "planned"),
    [
        (500, None, 3600, True),  # It began before now, and nobody knows its end.
        (500, 400, 3600, False),  # It is over.
        (500, 600, 3600, True),
        (1000, 1, 0, True),
        (2000, 60, 999, False),
        (2000, 60, 1000, True),
        (10**9, None, float("inf"), True),
    ],
)
def test_maintenance(start, duration, within, planned):
    maintained = offer()
    maintained.unavailability.start.nanoseconds = start * 10**9
    if duration is not None:
        maintained.unavailability.duration.nanoseconds = duration * 10**9
    chosen = o.unavailable(within, clock=lambda: 1000.0)
    assert chosen(maintained) is planned
    assert not chosen(offer())


RESERVED = "cpus:1;cpus(web):2;mem:512;ports:[31000-31005]"

CONTAINED = [
    ("cpus:1", True, True),
    ("cpus:3", True, False),
    ("cpus:3.001", False, False),
    ("cpus(web):2", True, True),
    ("cpus(web):2;cpus:1", True, True),
    ("cpus(web):2;cpus:2", False, False),
    ("cpus(db):1", False, False),
    ("mem:512;ports:[31001-31002]", True, True),
    ("ports:[31005-31006]", False, False),
    ("gpus:1", False, False),
    ("", True, True),
]


@pytest.mark.parametrize(("wanted", "passes", "passes_unreserved"), CONTAINED)
def test_resources(wanted, passes, passes_unreserved):
    one = offer(resources=RESERVED, role="web")
    assert o.contains(wanted)(one) is passes
    assert o.contains(Resources.parse(wanted))(one) is passes
    assert o.contains(wanted, reserved=False)(one) is passes_unreserved


def test_resources_that_cannot_be_read():
    with pytest.raises(ParseError):
        o.contains("cpus:")
    broken = offer()
    broken.resources.add(name="cpus", type=mesos.Value.SCALAR).scalar.value = -1
    assert o.contains("cpus:4;mem:1024")(broken) and not o.contains("cpus:4.1")(broken)


def test_reserved_revocable_and_volumes():
    plain, kept = offer(), offer(resources=RESERVED)
    assert o.reserved()(kept) and o.reserved("db", "web")(kept) and not o.reserved("db")(kept)
    assert not o.reserved()(plain)
    borrowed = offer()
    borrowed.resources[0].revocable.SetInParent()
    assert o.revocable()(borrowed) and not o.revocable()(plain)
    assert not o.contains("cpus:4")(borrowed)
    disk = offer(resources="disk(web)[v1:data]:100")
    assert o.volume()(disk) and o.volume("v0", "v1")(disk) and not o.volume("v2")(disk)
    assert not o.volume()(plain)


FILTERS = st.recursive(
    st.sampled_from([o.anything, o.hostname("a"), o.hostname("b"), o.agent("S1"), o.contains("cpus:2")]).map(
        lambda one: (one, one)
    ),
    lambda inner: st.one_of(
        inner.map(lambda pair: (~pair[0], lambda candidate: not pair[1](candidate))),
        st.tuples(inner, inner).map(
            lambda two: (
                two[0][0] & two[1][0],
                lambda candidate: two[0][1](candidate) and two[1][1](candidate),
            )
        ),
        st.tuples(inner, inner).map(
            lambda two: (
                two[0][0] | two[1][0],
                lambda candidate: two[0][1](candidate) or two[1][1](candidate),
            )
        ),
    ),
    max_leaves=8,
)
OFFERS = [
    offer(f"O{number}", f"cpus:{cpus};mem:64", agent, hostname=host)
    for number, (host, agent, cpus) in enumerate(
        (host, agent, cpus) for host in "abc" for agent in ("S1", "S2") for cpus in (1, 4)
    )
]


@settings(deadline=None, max_examples=100)
@given(FILTERS)
def test_combinations_are_those_of_the_parts(pair):
    chosen, expected = pair
    passed = [one for one in OFFERS if expected(one)]
    assert chosen.of(OFFERS) == passed
    assert chosen.first(OFFERS) == (passed[0] if passed else None)
    assert chosen.split(OFFERS) == (passed, [one for one in OFFERS if not expected(one)])
    assert (~~chosen).of(OFFERS) == passed and repr(chosen).startswith("<OfferFilter ")


def test_a_filter_of_ones_own():
    few = o.OfferFilter(lambda one: len(one.resources) < 3, "few")
    assert (few & o.hostname("host"))(offer()) and repr(~few | few) == "<OfferFilter (~few | few)>"


def test_groups_and_ids():
    assert {agent: len(those) for agent, those in o.by_agent(OFFERS).items()} == {"S1": 6, "S2": 6}
    assert list(o.group(OFFERS, lambda one: one.hostname)) == ["a", "b", "c"]
    assert list(o.group([offer(role="x"), offer()], o.role_of)) == ["x", "*"]
    assert o.ids(OFFERS[:2]) == [mesos.OfferID(value="O0"), mesos.OfferID(value="O1")]


def test_refusal_is_spread():
    assert o.refuse_up_to(8.0, lambda: 0.25).refuse_seconds == 2.0
    assert 0 <= o.refuse_up_to(5).refuse_seconds < 5
    with pytest.raises(DriverMisuse, match="longest time"):
        o.refuse_up_to(-1)
