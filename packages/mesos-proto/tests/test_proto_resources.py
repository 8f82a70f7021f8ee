"""The arithmetic of resources, after the tables of mesos-go's tests and upstream's."""

from __future__ import annotations

import pytest
from mesos_proto.errors import InsufficientResourcesError, ResourceError
from mesos_proto.resources import Resources
from mesos_proto.v0 import mesos_pb2 as mesos0
from mesos_proto.v1 import mesos_pb2 as mesos
from proto_helpers import disk, layer, old, one, parse, reserved, revocable

EMPTY = Resources()

STATIC = layer("STATIC", "role")
DYNAMIC = layer("DYNAMIC", "role", "principal")
LABELED = layer("DYNAMIC", "role", "principal", a="b")
OTHERWISE = layer("DYNAMIC", "role", "principal", a="e")


@pytest.mark.parametrize(
    ("left", "right", "wanted", "cpus", "mem"),
    [
        ([], [], [], None, None),
        (parse("cpus:1;mem:5"), parse("cpus:2;mem:10"), parse("cpus:3;mem:15"), 3, 15),
        (
            parse("cpus(role1):1;cpus(role2):3"),
            parse("cpus(role1):5"),
            parse("cpus(role1):6;cpus(role2):3"),
            9,
            None,
        ),
        (
            parse("ports:[20000-40000]"),
            parse("ports:[30000-50000,10000-20000]"),
            parse("ports:[10000-50000]"),
            None,
            None,
        ),
        (
            parse("ports:[1-10,5-30,50-60]"),
            parse("ports:[1-65,70-80]"),
            parse("ports:[1-65,70-80]"),
            None,
            None,
        ),
        (parse("ports:[1-2]"), parse("ports:[3-4]"), parse("ports:[1-4]"), None, None),
        (parse("ports:[1-10,20-30]"), parse("ports:[5-8,23-25]"), parse("ports:[1-10,20-30]"), None, None),
        (
            parse("disks:{sda1,sda2,sda3}"),
            parse("disks:{sda1,sda4}"),
            parse("disks:{sda4,sda2,sda1,sda3}"),
            None,
            None,
        ),
        ([disk(10, path="path")], [disk(10)], [disk(20, path="path")], None, None),
        ([revocable("cpus:1")], [revocable("cpus:1")], [revocable("cpus:2")], 2, None),
        ([revocable("cpus:1")], [one("cpus:1")], [one("cpus:1"), revocable("cpus:1")], 2, None),
        ([old("cpus:8", role="role")], [old("cpus:4", role="role")], [old("cpus:12", role="role")], 12, None),
        (
            [old("cpus:8", role="role", principal="p")],
            [old("cpus:4", role="role", principal="p")],
            [old("cpus:12", role="role", principal="p")],
            12,
            None,
        ),
        ([reserved("cpus:8", STATIC)], [reserved("cpus:4", STATIC)], [reserved("cpus:12", STATIC)], 12, None),
        (
            [reserved("cpus:8", DYNAMIC)],
            [reserved("cpus:4", DYNAMIC)],
            [reserved("cpus:12", DYNAMIC)],
            12,
            None,
        ),
        (
            [reserved("cpus:8", LABELED)],
            [reserved("cpus:4", LABELED)],
            [reserved("cpus:12", LABELED)],
            12,
            None,
        ),
        (
            [reserved("cpus:8", LABELED)],
            [reserved("cpus:4", OTHERWISE)],
            [reserved("cpus:8", LABELED), reserved("cpus:4", OTHERWISE)],
            12,
            None,
        ),
    ],
)
def test_addition(left: object, right: object, wanted: object, cpus: float | None, mem: float | None) -> None:
    a, b, c = (Resources(value) for value in (left, right, wanted))  # type: ignore[arg-type]
    before = str(a)
    assert a + b == c and b + a == c
    assert str(a) == before
    assert (a + b).cpus == cpus and (a + b).mem == mem
    assert Resources.sum([a, b]) == c


@pytest.mark.parametrize(
    ("left", "right", "wanted"),
    [
        ([], [], []),
        (parse("cpus:50;mem:4096"), parse("cpus:0.5;mem:1024"), parse("cpus:49.5;mem:3072")),
        (parse("cpus(role1):5;cpus(role2):3"), parse("cpus(role1):1"), parse("cpus(role1):4;cpus(role2):3")),
        (
            parse("ports:[20000-40000]"),
            parse("ports:[10000-20000,30000-50000]"),
            parse("ports:[20001-29999]"),
        ),
        (parse("ports:[50000-60000]"), parse("ports:[50000]"), parse("ports:[50001-60000]")),
        (parse("ports:[50000-60000]"), parse("ports:[50000-50001]"), parse("ports:[50002-60000]")),
        (parse("ports:[50000-60000]"), parse("ports:[50000-60000]"), []),
        (parse("ports:[1-10,20-30,40-50]"), parse("ports:[2-9,15-45,48-50]"), parse("ports:[1,10,46-47]")),
        (parse("ports:[1-10]"), parse("ports:[11-20]"), parse("ports:[1-10]")),
        (parse("disks:{sda1,sda2,sda3,sda4}"), parse("disks:{sda2,sda3,sda4,sda5}"), parse("disks:{sda1}")),
        (parse("cpus:1"), parse("cpus:2"), []),
        (parse("cpus:1"), parse("mem:2"), parse("cpus:1")),
        ([disk(10, path="path")], [disk(10)], []),
        ([disk(10, id="1", path="path")], [disk(10, id="2", path="path")], [disk(10, id="1", path="path")]),
        ([disk(10, id="1", path="path")], [disk(10, id="1", path="path")], []),
        ([disk(10, id="2", path="path")], [disk(10, id="2", path="path2")], []),
        ([disk(10, id="1")], [disk(9, id="1")], [disk(10, id="1")]),
        ([revocable("cpus:1")], [revocable("cpus:1")], []),
        ([revocable("cpus:1")], [one("cpus:1")], [revocable("cpus:1")]),
        (
            [reserved("cpus:8", STATIC), reserved("cpus:8", DYNAMIC)],
            [reserved("cpus:2", STATIC), reserved("cpus:4", DYNAMIC)],
            [reserved("cpus:6", STATIC), reserved("cpus:4", DYNAMIC)],
        ),
        (
            [old("cpus:8", role="role"), old("cpus:8", role="role", principal="principal")],
            [reserved("cpus:2", STATIC), reserved("cpus:4", DYNAMIC)],
            [reserved("cpus:6", STATIC), reserved("cpus:4", DYNAMIC)],
        ),
    ],
)
def test_subtraction(left: object, right: object, wanted: object) -> None:
    a, b, c = (Resources(value) for value in (left, right, wanted))  # type: ignore[arg-type]
    before = str(a)
    assert a - b == c
    assert str(a) == before
    assert not a - a
    if a.contains(b):
        assert a.checked_subtract(b) == c
    else:
        with pytest.raises(InsufficientResourcesError, match="does not contain"):
            a.checked_subtract(b)


PORTS = [
    parse("ports:[1-2,4-5]"),
    parse("ports:[1-10]"),
    parse("ports:[2-3]"),
    parse("ports:[1-2,4-6]"),
    parse("ports:[1-4,5]"),
]
VOLUMES = [disk(10, id="1"), disk(10, id="2"), disk(20, id="1"), disk(20), disk(20, id="2")]
BOTH = Resources(VOLUMES[:2])
REVOCABLES = [revocable("cpus:1"), one("cpus:1"), one("cpus:2"), revocable("cpus:2")]


@pytest.mark.parametrize(
    ("outer", "inner", "wanted"),
    [
        (EMPTY, EMPTY, True),
        (parse("cpus:50;mem:4096"), parse("cpus:50;mem:4096"), True),
        (parse("cpus:50;mem:4096"), EMPTY, True),
        (EMPTY, parse("cpus:1"), False),
        (parse("cpus(role1):50"), parse("cpus(role2):50"), False),
        (parse("cpus:50;mem:3072"), parse("cpus:50;mem:4096"), False),
        (parse("cpus:50;mem:4096"), parse("cpus:50;mem:3072"), True),
        (PORTS[1], PORTS[0], True),
        (PORTS[0], PORTS[1], False),
        (PORTS[2], PORTS[0], False),
        (PORTS[0], PORTS[2], False),
        (PORTS[1], PORTS[2], True),
        (PORTS[2], PORTS[1], False),
        (PORTS[3], PORTS[0], True),
        (PORTS[1], PORTS[3], True),
        (PORTS[4], PORTS[0], True),
        (PORTS[0], PORTS[4], False),
        (parse("disks:{sda1,sda2}"), parse("disks:{sda1,sda3,sda4,sda2}"), False),
        (parse("disks:{sda1,sda3,sda4,sda2}"), parse("disks:{sda1,sda2}"), True),
        (BOTH, VOLUMES[0], True),
        (BOTH, VOLUMES[1], True),
        (BOTH, VOLUMES[2], False),
        (BOTH, VOLUMES[3], False),
        (Resources(VOLUMES[0]), BOTH, False),
        (Resources([VOLUMES[0], VOLUMES[4]]), VOLUMES[4], True),
        (Resources(VOLUMES[0]), [VOLUMES[0], VOLUMES[0]], False),
        (Resources(REVOCABLES[:2]), REVOCABLES[0], True),
        (Resources(REVOCABLES[:2]), REVOCABLES[1], True),
        (Resources(REVOCABLES[:2]), REVOCABLES[2], False),
        (Resources(REVOCABLES[:2]), REVOCABLES[3], False),
        (Resources([REVOCABLES[0]] * 2), REVOCABLES[0], True),
        (Resources(REVOCABLES[0]), Resources([REVOCABLES[0]] * 2), False),
    ],
)
def test_containment(outer: Resources, inner: object, wanted: bool) -> None:
    assert outer.contains(inner) is wanted  # type: ignore[arg-type]
    assert (Resources(inner) in outer) is wanted  # type: ignore[arg-type, operator]


def test_reserved_parts_are_contained_in_their_sum() -> None:
    for principal in (None, "principal"):
        for kind in ("STATIC", "DYNAMIC"):
            small = reserved("cpus:8", layer(kind, "role"))
            large = reserved("cpus:12", layer(kind, "role", principal or "other"))
            both = Resources([small, large])
            assert small in both and large in both and both in both
            assert not Resources(small).contains(both) and not Resources(large).contains(both)


DISKS = [
    disk(10, role=None),
    disk(10, role=None, path="path1"),
    disk(10, role=None, path="path2"),
    disk(10, path="path2"),
    disk(10, id="1", path="path1"),
    disk(10, id="1", path="path2"),
    disk(10, id="2", path="path2"),
    disk(10, role=None, source="PATH", root="/mnt/path1"),
    disk(10, role=None, source="PATH", root="/mnt/path2"),
    disk(10, role=None, source="MOUNT", root="/mnt/path1"),
    disk(10, role=None, source="MOUNT", root="/mnt/path2"),
]


@pytest.mark.parametrize(
    ("left", "right", "wanted"),
    [
        (0, 1, True),
        (1, 2, True),
        (4, 5, True),
        (5, 6, False),
        (3, 6, False),
        (0, 7, False),
        (0, 9, False),
        (7, 9, False),
        (7, 8, False),
        (9, 10, False),
    ],
)
def test_disks_are_equal_whatever_their_path(left: int, right: int, wanted: bool) -> None:
    assert (Resources(DISKS[left]) == Resources(DISKS[right])) is wanted


def test_equality() -> None:
    assert parse("ports:[20-40]") == parse("ports:[20-30,31-39,40]")
    assert parse("disks:{a,b}") == parse("disks:{b,a}") != parse("disks:{b}")
    assert hash(parse("disks:{a,b}")) == hash(parse("disks:{b,a}"))
    assert Resources(revocable("cpus:1")) != parse("cpus:1")
    assert parse("cpus:1;mem:2") == parse("mem:2;cpus:1")
    assert parse("cpus:1") != EMPTY and not EMPTY and Resources([]) == EMPTY
    assert parse("cpus:1") != "cpus:1"


def test_all_kinds_of_reservation_differ() -> None:
    unique = [
        one("cpus:8"),
        reserved("cpus:8", layer("STATIC", "role1")),
        reserved("cpus:8", layer("STATIC", "role2")),
        reserved("cpus:8", layer("DYNAMIC", "role1", "principal1")),
        reserved("cpus:8", layer("DYNAMIC", "role1", "principal2")),
        reserved("cpus:8", layer("DYNAMIC", "role2", "principal1")),
        reserved("cpus:8", layer("DYNAMIC", "role2")),
        reserved("cpus:8", layer("DYNAMIC", "role1", "principal2", foo="bar")),
        reserved("cpus:8", layer("DYNAMIC", "role1", "principal2", foo="baz")),
        reserved("cpus:8", layer("STATIC", "role1"), layer("DYNAMIC", "role1/a")),
    ]
    for index, left in enumerate(unique):
        for other, right in enumerate(unique):
            assert (Resources(left) == Resources(right)) is (index == other)


def test_the_order_of_labels_does_not_count() -> None:
    left = reserved("cpus:1", layer("DYNAMIC", "r", "p", a="1", b="2"))
    right = reserved("cpus:1", layer("DYNAMIC", "r", "p", b="2", a="1"))
    assert Resources(left) == Resources(right) and (Resources(left) + right).cpus == 2
    fewer = reserved("cpus:1", layer("DYNAMIC", "r", "p", a="1"))
    assert Resources(left) != Resources(fewer)
    assert len(Resources(left) + fewer) == 2


@pytest.mark.parametrize("source", ["RAW", "BLOCK", "MOUNT", "PATH"])
@pytest.mark.parametrize("has_id", [False, True])
@pytest.mark.parametrize("has_profile", [False, True])
def test_which_disks_can_be_split(source: str, has_id: bool, has_profile: bool) -> None:
    small, large = disk(1, role=None, source=source), disk(2, role=None, source=source)
    for made in (small, large):
        if has_id:
            made.disk.source.id = "id"
        if has_profile:
            made.disk.source.profile = "profile"
    single, twice = Resources(small), Resources(small) + small
    whole = source in ("BLOCK", "MOUNT") or (source == "RAW" and has_id)
    assert single.contains(small)
    assert Resources(large).contains(small) is not whole
    assert (twice == Resources(large)) is not whole
    assert len(twice) == (2 if whole else 1)
    assert twice - small == single


def test_precision() -> None:
    start = parse("cpus:1.001")
    assert start + start + start - start - start == start
    assert parse("cpus:1.5015").cpus == 1.502 and parse("cpus:1.5011").cpus == 1.501
    total = start
    for _ in range(2000):
        total = total + start
    for _ in range(2000):
        total = total - start
    assert total == start and total.cpus == 1.001
    assert start + one("cpus:5") - one("cpus:5") == start


def test_nothing_of_something_is_nothing() -> None:
    zero = mesos.Resource(name="cpus", type=mesos.Value.SCALAR)
    zero.scalar.value = 0
    assert not Resources(zero) and parse("gpus:0;ports:[];s:{}") == EMPTY
    assert parse("cpus:1") + zero == parse("cpus:1") == parse("cpus:1") - zero
    zero.scalar.value = 0.0001
    with pytest.raises(ResourceError, match="three decimals"):
        Resources(zero)


def test_resource_providers_are_apart() -> None:
    here, there = one("cpus:1"), one("cpus:1")
    here.provider_id.value, there.provider_id.value = "a", "b"
    assert len(Resources([here, there, one("cpus:1")])) == 3
    assert (Resources(here) + here).cpus == 2 and Resources(here) - there == Resources(here)


def test_allocations_are_apart() -> None:
    a, b = parse("cpus:1;mem:1").allocate("a"), parse("cpus:2").allocate("b")
    assert (a + b).allocations() == {"a": a, "b": b}
    assert (a + b).unallocate() == parse("cpus:3;mem:1")
    assert not a.contains(b) and a - b == a


def test_shared_volumes_are_counted() -> None:
    volume = disk(50, role="role1", id="1", path="path", shared=True)
    first = parse("cpus:1;mem:5") + volume
    total = first + parse("cpus:2;mem:10") + volume
    assert first.count(volume) == 1 and total.count(volume) == 2
    assert (total.cpus, total.mem, total.disk) == (3, 15, 50)
    assert Resources(total.messages()) == total and len(total) == 4
    assert (total - first).count(volume) == 1 and (total - first).contains(volume)
    assert (total - first - first).count(volume) == 0
    four, three = parse("cpus:2") + [volume] * 4, parse("cpus:2") + [volume] * 3
    assert four.contains(three) and not three.contains(four)
    assert four + three - four == three and three - four + four == four
    assert not three - four and four - three == Resources(volume)
    unshared = disk(50, role="role1", id="1", path="path")
    both = Resources([volume, volume, unshared])
    assert both.disk == 100 and both.count(volume) == 2 and both.count(unshared) == 1
    assert Resources(unshared) - volume == Resources(unshared)
    assert both.shared() == Resources([volume, volume]) and both.nonshared() == Resources(unshared)


def test_operands_of_both_versions() -> None:
    v0 = mesos0.Resource.FromString(one("cpus(r):1").SerializeToString())
    total = Resources([v0, one("cpus(r):2")])
    assert total.cpus == 3 and v0 in total and total - v0 == parse("cpus(r):2")
    assert all(isinstance(message, mesos.Resource) for message in total)
    assert all(isinstance(message, mesos0.Resource) for message in total.messages(0))
    assert sum([parse("cpus:1"), parse("cpus:2")]) == parse("cpus:3")
    assert one("cpus:1") + parse("cpus:2") == parse("cpus:3")
    with pytest.raises(ValueError, match="version"):
        total.messages(2)  # type: ignore[call-overload]
    for wrong in ("cpus:1", b"cpus:1"):
        with pytest.raises(TypeError, match=r"Resources\.parse"):
            total + wrong  # type: ignore[operator]


def test_messages_are_copies() -> None:
    total = parse("cpus:1")
    next(iter(total)).scalar.value = 7
    source = one("mem:1")
    other = Resources(source)
    source.scalar.value = 7
    assert total.cpus == 1 and other.mem == 1
