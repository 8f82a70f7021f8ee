"""`Resources` against a plain list of messages, walked for each step as Mesos does.

The list knows no keys and no index: it compares messages field by field, so that it agrees with
`Resources` only where both follow the rules. The order of what is left counts too.
"""

from __future__ import annotations

import copy
import random

import pytest
from mesos_proto.resources import Resources
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.values import Ranges, from_fixed, to_fixed
from proto_helpers import Source, disk, layer

Counted = tuple[mesos.Resource, int]


def labels(info: mesos.Resource.ReservationInfo) -> list[tuple[str, bool, str]]:
    return sorted((label.key, label.HasField("value"), label.value) for label in info.labels.labels)


def same_reservation(left: mesos.Resource.ReservationInfo, right: mesos.Resource.ReservationInfo) -> bool:
    left_rest, right_rest = copy.deepcopy(left), copy.deepcopy(right)
    left_rest.ClearField("labels")
    right_rest.ClearField("labels")
    return left_rest == right_rest and labels(left) == labels(right)


def same_but_amount(left: mesos.Resource, right: mesos.Resource) -> bool:
    one, other = copy.deepcopy(left), copy.deepcopy(right)
    for resource in (one, other):
        for field in ("scalar", "ranges", "set", "reservations"):
            resource.ClearField(field)  # type: ignore[arg-type]
        if resource.HasField("disk"):
            resource.disk.ClearField("volume")
    layers = list(zip(left.reservations, right.reservations, strict=False))
    return (
        one == other
        and len(left.reservations) == len(right.reservations)
        and all(same_reservation(*pair) for pair in layers)
    )


def amount(resource: mesos.Resource) -> int | Ranges | frozenset[str]:
    if resource.type == mesos.Value.SCALAR:
        return to_fixed(resource.scalar.value)
    if resource.type == mesos.Value.RANGES:
        return Ranges((span.begin, span.end) for span in resource.ranges.range)
    return frozenset(resource.set.item)


def whole_only(resource: mesos.Resource) -> bool:
    source = resource.disk.source
    return (
        resource.disk.HasField("persistence")
        or source.type in (Source.MOUNT, Source.BLOCK)
        or (source.type == Source.RAW and source.HasField("id"))
    )


def changed(resource: mesos.Resource, other: mesos.Resource, sign: int) -> mesos.Resource:
    made = copy.deepcopy(resource)
    left, right = amount(resource), amount(other)
    if isinstance(left, int) and isinstance(right, int):
        made.scalar.value = from_fixed(left + sign * right)
    elif isinstance(left, Ranges) and isinstance(right, Ranges):
        del made.ranges.range[:]
        for begin, end in left + right if sign > 0 else left - right:
            made.ranges.range.add(begin=begin, end=end)
    else:
        items = [item for item in made.set.item if sign > 0 or item not in other.set.item]
        items += [item for item in other.set.item if sign > 0 and item not in items]
        del made.set.item[:]
        made.set.item.extend(items)
    return made


def empty(counted: Counted) -> bool:
    found = amount(counted[0])
    return counted[1] <= 0 or (found <= 0 if isinstance(found, int) else not len(found))


def add(have: list[Counted], what: Counted) -> None:
    if empty(what):
        return
    for index, (resource, count) in enumerate(have):
        if not same_but_amount(resource, what[0]):
            continue
        if resource.HasField("shared"):
            if amount(resource) == amount(what[0]):
                have[index] = (resource, count + what[1])
                return
        elif not whole_only(resource):
            have[index] = (changed(resource, what[0], +1), 1)
            return
    have.append(what)


def fits(resource: mesos.Resource, what: mesos.Resource) -> bool:
    whole = whole_only(resource) or resource.HasField("shared")
    return same_but_amount(resource, what) and (not whole or amount(resource) == amount(what))


def subtract(have: list[Counted], what: Counted) -> None:
    for index, (resource, count) in enumerate(have):
        if fits(resource, what[0]):
            shared = resource.HasField("shared")
            left = (resource, count - what[1]) if shared else (changed(resource, what[0], -1), 1)
            have[index] = left
            if empty(left):
                have[index] = have[-1]
                have.pop()
            return


def contains(have: list[Counted], wanted: list[Counted]) -> bool:
    have = list(have)
    for what in wanted:
        if not any(holds(one, what) for one in have):
            return False
        if what[0].disk.HasField("persistence"):
            subtract(have, what)
    return True


def holds(one: Counted, what: Counted) -> bool:
    if not fits(one[0], what[0]) or (one[0].HasField("shared") and one[1] < what[1]):
        return False
    left, right = amount(one[0]), amount(what[0])
    return right <= left  # type: ignore[operator]


LAYERS = [
    (),
    (layer("STATIC", "a"),),
    (layer("DYNAMIC", "a", "p"),),
    (layer("DYNAMIC", "a"), layer("DYNAMIC", "a/b", "q", x="1", y="2")),
    (layer("DYNAMIC", "a"), layer("DYNAMIC", "a/b", "q", y="2", x="1")),
]


def draw_disk(pick: random.Random) -> mesos.Resource:
    identity = pick.choice([None, "x", "y"])
    source = pick.choice([None, None, "PATH", "MOUNT", "RAW", "BLOCK"])
    made = disk(
        pick.choice([1, 2]),
        role=pick.choice([None, "a"]),
        id=identity,
        path=pick.choice([None, "p", "q"]),
        source=source,
        root="/m" if source in ("PATH", "MOUNT") and pick.random() < 0.5 else None,
        shared=identity is not None and pick.random() < 0.4,
    )
    if source is not None and pick.random() < 0.3:
        made.disk.source.id = "i"
    return made


def draw(pick: random.Random) -> mesos.Resource:
    kind = pick.choice(["scalar", "scalar", "ranges", "set", "disk", "disk"])
    if kind == "disk":
        made = draw_disk(pick)
    elif kind == "scalar":
        made = mesos.Resource(name=pick.choice(["cpus", "mem"]), type=mesos.Value.SCALAR)
        made.scalar.value = pick.choice([0, 0.5, 1, 2, 3.001])
    elif kind == "ranges":
        made = mesos.Resource(name="ports", type=mesos.Value.RANGES)
        made.ranges.SetInParent()
        for begin in sorted(pick.sample(range(0, 20, 2), pick.randint(0, 4))):
            made.ranges.range.add(begin=begin, end=begin + pick.randint(0, 1))
    else:
        made = mesos.Resource(name="zones", type=mesos.Value.SET)
        made.set.SetInParent()
        made.set.item.extend(pick.sample("abcd", pick.randint(0, 3)))
    if kind != "disk":
        made.reservations.extend(pick.choice(LAYERS))
    if pick.random() < 0.2:
        made.allocation_info.role = "r"
    if pick.random() < 0.2:
        made.revocable.SetInParent()
    if pick.random() < 0.1:
        made.provider_id.value = "p"
    return made


def listed(resources: list[mesos.Resource]) -> list[Counted]:
    have: list[Counted] = []
    for resource in resources:
        add(have, (resource, 1))
    return have


def after(have: list[Counted], wanted: list[Counted], step: object) -> list[Counted]:
    result = list(have)
    for what in wanted:
        step(result, what)  # type: ignore[operator]
    return result


def printed(have: list[Counted]) -> str:
    """Print the list by way of single resources, in its order."""
    texts = []
    for resource, count in have:
        text = str(Resources(resource))
        texts.append(text.removesuffix("<1>") + f"<{count}>" if resource.HasField("shared") else text)
    return "; ".join(texts) or "{}"


@pytest.mark.parametrize("seed", range(60))
def test_resources_agree_with_a_walk_over_lists(seed: int) -> None:
    pick = random.Random(seed)
    for _ in range(3):
        left = [draw(pick) for _ in range(pick.randint(0, 6))]
        right = [draw(pick) for _ in range(pick.randint(0, 4))]
        right += pick.sample(left, pick.randint(0, len(left)))
        a, b = Resources(left), Resources(right)
        one, other = listed(left), listed(right)
        both = after(one, other, add)
        assert str(a) == printed(one)
        assert str(a + b) == printed(both)
        assert str(a - b) == printed(after(one, other, subtract))
        assert str(a + b - b) == printed(after(both, other, subtract))
        assert a.contains(b) is contains(one, other)
        assert (a + b).contains(b) is contains(both, other)
        assert (a == b) is (contains(one, other) and contains(other, one))
