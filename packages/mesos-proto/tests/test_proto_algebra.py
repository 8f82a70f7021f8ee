"""Resources beyond sums: validity, finding, parts, reservations, operations, formats."""

from __future__ import annotations

import copy

import pytest
from mesos_proto import build, devolve
from mesos_proto.errors import InsufficientResourcesError, OperationError, ResourceError, RoleError
from mesos_proto.resources import (
    ResourceFormat,
    Resources,
    convert_format,
    downgrade_resources,
    upgrade_resources,
    validate,
)
from mesos_proto.v0 import messages_pb2 as messages
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.values import Ranges
from proto_helpers import Source, disk, layer, old, one, parse, reserved, revocable

S, D = "STATIC", "DYNAMIC"


@pytest.mark.parametrize(
    "resource",
    [
        one("cpus:8"),
        disk(10, id="1", path="path"),
        disk(10, path="path"),
        old("cpus:8", role="*"),
        old("cpus:8", role="role"),
        old("cpus:8", role="role", principal="principal2"),
        reserved("cpus:8", layer(S, "role")),
        reserved("cpus:8", layer(S, "role", "principal")),
        reserved("cpus:8", layer(D, "role")),
        reserved("cpus:8", layer(D, "role", "principal", a="b")),
        reserved("cpus:8", layer(S, "role"), layer(D, "role/subrole")),
        reserved("cpus:8", layer(D, "role"), layer(D, "role/subrole")),
    ],
)
def test_valid_resources(resource: mesos.Resource) -> None:
    validate(resource)
    assert Resources(resource)


def both(*layers: object, role: str = "role", principal: str = "p") -> mesos.Resource:
    """Make a resource with its reservation in the old and in the new fields."""
    made = old("cpus:8", role=role, principal=principal)
    made.reservations.extend(layers)  # type: ignore[arg-type]
    return made


def broken(text: str, **fields: object) -> mesos.Resource:
    """Make a resource and set fields that spoil it."""
    made = one(text)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def scalar_of(value: float) -> mesos.Resource:
    made = one("cpus:1")
    made.scalar.value = value
    return made


def ranges_of(*spans: tuple[int, int]) -> mesos.Resource:
    made = mesos.Resource(name="ports", type=mesos.Value.RANGES)
    made.ranges.SetInParent()
    for begin, end in spans:
        made.ranges.range.add(begin=begin, end=end)
    return made


def twice_in_a_set() -> mesos.Resource:
    made = mesos.Resource(name="s", type=mesos.Value.SET)
    made.set.item.extend(["a", "a"])
    return made


def two_values() -> mesos.Resource:
    made = one("cpus:1")
    made.set.SetInParent()
    return made


def with_disk(name: str) -> mesos.Resource:
    made = disk(2, id="1", path="path")
    made.name = name
    return made


def raw_with_root() -> mesos.Resource:
    made = disk(1, source="RAW")
    made.disk.source.mount.root = "/mnt"
    return made


def shared(resource: mesos.Resource) -> mesos.Resource:
    resource.shared.SetInParent()
    return resource


@pytest.mark.parametrize(
    ("resource", "problem"),
    [
        (broken("cpus:1", name=""), "name is empty"),
        (mesos.Resource(name="cpus"), "no type"),
        (mesos.Resource(name="cpus", type=mesos.Value.TEXT), "SCALAR, RANGES or SET"),
        (mesos.Resource(name="cpus", type=mesos.Value.SCALAR), "must have that value"),
        (broken("cpus:1", type=mesos.Value.RANGES), "must have that value"),
        (two_values(), "no other"),
        (scalar_of(-1), "negative"),
        (scalar_of(float("nan")), "finite"),
        (scalar_of(float("inf")), "finite"),
        (ranges_of((3, 1)), "ends before it begins"),
        (ranges_of((1, 5), (5, 9)), "overlaps"),
        (ranges_of((5, 9), (1, 5)), "overlaps"),
        (twice_in_a_set(), "twice"),
        (with_disk("cpus"), "only a resource called 'disk'"),
        (raw_with_root(), "RAW source cannot have 'mount'"),
        (disk(1, source="UNKNOWN"), "unknown type"),
        (old("cpus:8", role="*", principal="p"), "cannot be reserved dynamically"),
        (old("cpus:8", role="a/../b"), "component"),
        (reserved("cpus:8", layer(D, "role"), layer(S, "role/subrole")), "cannot be STATIC"),
        (reserved("cpus:8", layer(S, "role"), layer(D, "role")), "does not refine"),
        (reserved("cpus:8", layer(S, "role1"), layer(D, "role2")), "does not refine"),
        (reserved("cpus:8", layer(S, None)), "no role"),
        (reserved("cpus:8", layer(D, "", "principal")), "empty string"),
        (reserved("cpus:8", layer(D, "*")), "cannot be reserved"),
        (reserved("cpus:8", mesos.Resource.ReservationInfo(role="r")), "no type"),
        (reserved("cpus:8", layer("UNKNOWN", "r")), "unknown type"),
        (both(layer(S, "role", "p")), "beside a STATIC"),
        (both(layer(D, "role", "p"), layer(D, "role/a", "p"), role="role/a"), "beside several"),
        (both(layer(D, "role2", "p")), "is not the"),
        (both(layer(D, "role", "p2")), "different principals"),
        (both(layer(D, "role", "p", a="b")), "different labels"),
        (shared(one("cpus:1")), "only disks"),
        (shared(disk(1)), "only persistent volumes"),
    ],
)
def test_invalid_resources(resource: mesos.Resource, problem: str) -> None:
    with pytest.raises(ResourceError, match=problem) as caught:
        validate(resource)
    assert repr(resource.name) in str(caught.value)
    with pytest.raises(ResourceError):
        Resources([one("mem:1"), resource])
    assert Resources([one("mem:1"), resource], skip_invalid=True) == parse("mem:1")


def test_both_formats_may_say_the_same() -> None:
    assert Resources(both(layer(D, "role", "p"))) == Resources(old("cpus:8", role="role", principal="p"))


@pytest.mark.parametrize(
    ("have", "target", "wanted"),
    [
        ("", "", ""),
        (
            "cpus(role1):2;mem(role1):10;cpus:4;mem:20",
            "cpus(role1):3;mem(role1):15",
            "cpus(role1):2;mem(role1):10;cpus:1;mem:5",
        ),
        (
            "cpus(role1):1;mem(role1):5;cpus(role2):2;mem(role2):8;cpus:1;mem:7",
            "cpus(role1):3;mem(role1):15",
            "cpus(role1):1;mem(role1):5;cpus:1;mem:7;cpus(role2):1;mem(role2):3",
        ),
        (
            "cpus(role1):5;mem(role1):5;cpus:5;mem:5",
            "cpus:6;mem:6",
            "cpus:5;mem:5;cpus(role1):1;mem(role1):1",
        ),
        ("cpus(role1):1;mem(role1):1", "cpus(role1):2;mem(role1):2", None),
        ("cpus:1", "cpus:1;gpus:1", None),
        ("ports(role1):[1-4];ports:[5-9]", "ports(role1):[3-6]", None),
        ("ports(role1):[1-4];ports:[5-9]", "ports(role1):[6-7]", "ports:[6-7]"),
    ],
)
def test_find(have: str, target: str, wanted: str | None) -> None:
    found = parse(have).find(parse(target))
    assert found == (None if wanted is None else parse(wanted))
    assert found is None or parse(have).contains(found)


def test_find_keeps_revocable_apart() -> None:
    plain, other = parse("cpus:1"), Resources(revocable("cpus:1"))
    assert (plain + other).find(other) == other and (plain + other).find(plain) == plain
    assert plain.find(other) is None and other.find(plain) is None
    assert parse("cpus:3").find(one("cpus:1")) == parse("cpus:1")


def test_parts() -> None:
    total = parse("cpus(a):1;cpus(a/b){p}:2;mem:3;ports:[1-2];disk(a)[id:path]:4") + revocable("cpus:9")
    assert total.reserved() == parse("cpus(a):1;cpus(a/b){p}:2;disk(a)[id:path]:4")
    assert total.reserved("a") == parse("cpus(a):1;disk(a)[id:path]:4")
    assert total.unreserved() == parse("mem:3;ports:[1-2];cpus<REV>:9")
    assert total.dynamically_reserved() == parse("cpus(a/b){p}:2")
    assert total.allocatable_to("a/b").reserved() == total.reserved()
    assert total.allocatable_to("a").reserved() == total.reserved("a")
    assert total.reserved_to_subtree("a") == total.reserved()
    assert not total.reserved_to_subtree("a/c")
    assert total.persistent_volumes() == parse("disk(a)[id:path]:4")
    assert total.revocable() == Resources(revocable("cpus:9"))
    assert total.nonrevocable() + total.revocable() == total
    assert total.scalars() + total.get("ports") == total
    assert total.reservations() == {"a": total.reserved("a"), "a/b": total.reserved("a/b")}
    assert total.filter(lambda resource: resource.scalar.value > 3) == parse("disk(a)[id:path]:4;cpus<REV>:9")
    assert total.names() == {"cpus", "mem", "ports", "disk"}
    assert total.types()["ports"] == mesos.Value.RANGES and total.types()["cpus"] == mesos.Value.SCALAR
    assert total.quantities() == {"cpus": 12, "mem": 3, "ports": 2, "disk": 4}
    assert total.scalar("cpus") == 12 and total.scalar("nothing") is None and total.gpus is None
    assert total.ports == Ranges([(1, 2)]) and total.ranges("cpus") is None
    assert parse("s:{a,b}").set("s") == {"a", "b"} and total.set("s") is None


def test_quantities_are_contained() -> None:
    total = parse("cpus(a):1;cpus:1.5;ports:[1-10];s:{a,b}")
    assert total.contains_quantities({"cpus": 2.5, "ports": 10, "s": 2, "mem": 0})
    for missing in ({"cpus": 2.501}, {"ports": 11}, {"s": 3}, {"mem": 1}):
        assert not total.contains_quantities(missing)
    assert total.contains_quantities({}) and Resources().contains_quantities({"x": 0})


def test_ports_are_allocated_lowest_first() -> None:
    have = parse("ports:[10-12];ports(r):[20-21];ports(o):[30-39]")
    assert have.allocate_ports(4) == parse("ports:[10-12];ports(r):[20]")
    assert have.allocate_ports(4, role="r") == parse("ports(r):[20-21];ports:[10-11]")
    assert not have.allocate_ports(0)
    taken = have.allocate_ports(15)
    assert taken == have
    with pytest.raises(InsufficientResourcesError, match="2 more ports"):
        have.allocate_ports(17)
    with pytest.raises(InsufficientResourcesError):
        Resources().allocate_ports(1)
    with pytest.raises(ValueError, match="negative"):
        have.allocate_ports(-1)
    assert (have - have.allocate_ports(3)).allocate_ports(3).ports == Ranges([(20, 21), (30, 30)])


def test_reservations_are_pushed_and_popped() -> None:
    ports = parse("ports:[20000-40000];cpus:1")
    once = ports.push_reservation(layer(S, "role", "bob"))
    assert once == Resources(
        [reserved(text, layer(S, "role", "bob")) for text in ("ports:[20000-40000]", "cpus:1")]
    )
    twice = once.push_reservation(layer(D, "role/a"))
    assert twice.pop_reservation() == once and once.pop_reservation() == ports
    assert twice.to_unreserved() == ports
    for wrong in (layer(S, "role/a"), layer(D, "other"), layer(D, "role"), layer(D, None)):
        with pytest.raises(ResourceError):
            once.push_reservation(wrong)
    with pytest.raises(ResourceError, match="not reserved"):
        ports.pop_reservation()
    v0 = devolve(layer(S, "role", "bob"))
    assert ports.push_reservation(v0) == once  # type: ignore[arg-type]


def test_flatten() -> None:
    many = parse("cpus(role1):1;cpus(role2):2;mem(role1):5")
    assert many.flatten() == parse("cpus:3;mem:5") == many.to_unreserved()
    assert many.flatten("role") == parse("cpus(role):3;mem(role):5")
    assert many.flatten(reservation=layer(D, "r", "p")) == parse("cpus(r){p}:3;mem(r){p}:5")
    with pytest.raises(RoleError):
        many.flatten("a//b")


@pytest.mark.parametrize("reservation", [layer(S, "role"), layer(D, "role", "bob")])
def test_volumes_are_created_and_destroyed(reservation: mesos.Resource.ReservationInfo) -> None:
    total = parse("cpus:1;mem:512") + reserved("disk:1000", reservation)
    volume = build.volume(reserved("disk:200", reservation), "1", "path")
    wanted = parse("cpus:1;mem:512") + reserved("disk:800", reservation) + volume
    created = total.apply(build.create(volume))
    assert created == wanted
    assert total.apply(devolve(build.create(volume))) == wanted
    assert created.apply(build.destroy(volume)) == total
    with pytest.raises(OperationError, match="does not contain"):
        total.apply(build.create(build.volume(reserved("disk:2000", reservation), "1", "path")))
    with pytest.raises(OperationError, match="does not contain"):
        total.apply(build.destroy(volume))
    with pytest.raises(OperationError, match="not a persistent volume"):
        total.apply(build.create(reserved("disk:200", reservation)))


def test_a_volume_on_a_mount_keeps_its_source() -> None:
    mount = disk(200, source="MOUNT", root="/mnt")
    volume = build.volume(mount, "1", "path")
    assert Resources(mount).apply(build.create(volume)) == Resources(volume)
    assert Resources(volume).apply(build.destroy(volume)) == Resources(mount)


def test_a_shared_volume_is_destroyed_when_nobody_else_has_it() -> None:
    volume = build.volume(one("disk(role):200"), "1", "path", shared=True)
    created = parse("disk(role):1000").apply(build.create(volume))
    assert created == parse("disk(role):800") + volume
    assert created.apply(build.destroy(volume)) == parse("disk(role):1000")
    with pytest.raises(OperationError, match="further shared copies"):
        (created + volume).apply(build.destroy(volume))


def test_resources_are_reserved_and_unreserved() -> None:
    total = parse("cpus:1;mem:512")
    assert total.apply(build.reserve("cpus(role){principal}:1")) == parse("cpus(role){principal}:1;mem:512")
    assert total.apply(build.reserve("cpus(role){}:0.4")) == parse("cpus(role){}:0.4;cpus:0.6;mem:512")
    for too_much in ("cpus(role){principal}:2", "gpus(role){}:1"):
        with pytest.raises(OperationError, match="does not contain"):
            total.apply(build.reserve(too_much))
    with pytest.raises(OperationError, match="not dynamically reserved"):
        total.apply(build.reserve("cpus(role):1"))
    with pytest.raises(OperationError, match="not dynamically reserved"):
        total.apply(build.reserve("cpus:1"))
    held = parse("cpus(role){principal}:1;mem(role){principal}:512")
    assert held.apply(build.unreserve("cpus(role){principal}:1")) == parse("cpus:1;mem(role){principal}:512")
    with pytest.raises(OperationError, match="does not contain"):
        held.apply(build.unreserve("cpus(role){principal}:2"))
    refined = parse("cpus(a):1").apply(build.reserve("cpus(a)(a/b){}:1"))
    assert refined == parse("cpus(a)(a/b){}:1")
    moved = refined.apply(build.reserve("cpus(a)(a/c){}:1", source="cpus(a)(a/b){}:1"))
    assert moved == parse("cpus(a)(a/c){}:1")


def test_volumes_grow_and_shrink() -> None:
    volume = build.volume(one("disk(r):100"), "1", "path")
    larger = build.volume(one("disk(r):150"), "1", "path")
    have = parse("disk(r):70") + volume
    grown = have.apply(build.grow_volume(volume, one("disk(r):50")))
    assert grown == parse("disk(r):20") + larger
    assert grown.apply(build.shrink_volume(larger, 50)) == have
    with pytest.raises(OperationError, match="does not contain"):
        have.apply(build.grow_volume(volume, one("disk(r):80")))
    for amount in (0, 100, 200, -1):
        with pytest.raises(OperationError, match="cannot shrink"):
            have.apply(build.shrink_volume(volume, amount))
    with pytest.raises(OperationError, match="only a persistent volume"):
        have.apply(build.shrink_volume(one("disk(r):70"), 1))
    provided = copy.deepcopy(volume)
    provided.provider_id.value = "p"
    with pytest.raises(OperationError, match="resource providers"):
        (have + provided).apply(build.shrink_volume(provided, 1))


def test_disk_operations_need_the_providers_answer() -> None:
    raw, mount = disk(100, role=None, source="RAW"), disk(100, role=None, source="MOUNT", root="/mnt")
    create, destroy = build.create_disk(raw, Source.MOUNT, target_profile="fast"), build.destroy_disk(mount)
    assert Resources(raw).apply(create, converted=[mount]) == Resources(mount)
    assert Resources(mount).apply(destroy, converted=[raw]) == Resources(raw)
    assert not Resources(mount).apply(destroy, converted=[])
    with pytest.raises(OperationError, match="'converted'"):
        Resources(raw).apply(create)
    with pytest.raises(OperationError, match="does not contain"):
        Resources(mount).apply(create, converted=[mount])
    with pytest.raises(OperationError, match="only disk operations"):
        parse("cpus:1").apply(build.reserve("cpus(r){}:1"), converted=[])


@pytest.mark.parametrize(
    "operation", [build.launch(), build.launch_group(build.executor(), []), mesos.Offer.Operation()]
)
def test_operations_that_change_no_resources(operation: mesos.Offer.Operation) -> None:
    with pytest.raises(OperationError, match="changes no resources"):
        parse("cpus:1").apply(operation)


def test_formats() -> None:
    for text, role, principal in (
        ("cpus:1", "*", None),
        ("cpus(r):1", "r", None),
        ("cpus(r){p}:1", "r", "p"),
    ):
        pre = convert_format(one(text), ResourceFormat.PRE_RESERVATION_REFINEMENT)
        assert pre.role == role and not pre.reservations
        assert pre.HasField("reservation") == (principal is not None)
        assert pre.reservation.principal == (principal or "")
        endpoint = convert_format(one(text), ResourceFormat.ENDPOINT)
        assert endpoint.role == role and len(endpoint.reservations) == (role != "*")
        for changed in (pre, endpoint):
            assert convert_format(changed, ResourceFormat.POST_RESERVATION_REFINEMENT) == one(text)
    labeled = reserved("cpus:1", layer(D, "r", a="b"))
    pre = convert_format(copy.deepcopy(labeled), ResourceFormat.PRE_RESERVATION_REFINEMENT)
    assert pre.reservation.labels == labeled.reservations[0].labels and Resources(pre) == Resources(labeled)
    refined = one("cpus(a)(a/b){}:1")
    with pytest.raises(ResourceError, match="refined"):
        convert_format(copy.deepcopy(refined), ResourceFormat.PRE_RESERVATION_REFINEMENT)
    assert not convert_format(refined, ResourceFormat.ENDPOINT).HasField("role")
    assert parse("cpus(r):1").messages(0, ResourceFormat.PRE_RESERVATION_REFINEMENT)[0].role == "r"


def test_resources_inside_messages_change_their_format() -> None:
    task = build.task("x", "a", "cpus(r){p}:1", executor=build.executor("true", resources="mem(r):1"))
    message = messages.ResourceOffersMessage()
    message.offers.add().resources.extend(parse("cpus(r):1;mem:2").messages(0))
    downgraded = downgrade_resources(copy.deepcopy(task))
    assert downgraded.resources[0].role == "r" and downgraded.executor.resources[0].role == "r"
    assert upgrade_resources(downgraded) == task
    assert [r.role for r in downgrade_resources(message).offers[0].resources] == ["r", "*"]
    untouched = mesos.TaskStatus(state=mesos.TASK_RUNNING)
    assert downgrade_resources(untouched) is untouched
    with pytest.raises(ResourceError, match="refined"):
        downgrade_resources(build.launch(build.task("x", "a", "cpus(a)(a/b){}:1")))


def test_offers_are_summed() -> None:
    offers = [mesos.Offer(resources=parse(f"cpus:1;ports:[{n}]").messages()) for n in (1, 2, 4)]
    assert Resources.of_offers(offers) == parse("cpus:3;ports:[1-2,4]")
    assert not Resources.of_offers([])


def test_targets_are_found_in_what_is_allocated() -> None:
    offered = parse("cpus(eng):1;cpus:4;ports:[1-9]").allocate("eng")
    found = offered.find(parse("cpus(eng):2;ports:[3]"))
    assert found == parse("cpus(eng):1;cpus:1;ports:[3]").allocate("eng")
    assert found in offered and (offered - found).cpus == 3
    assert offered.find(parse("cpus:1").allocate("eng")) == parse("cpus:1").allocate("eng")
    assert offered.find(parse("cpus:1").allocate("other")) is None
    assert parse("cpus:1") not in offered and parse("cpus:1") in offered.unallocate()
