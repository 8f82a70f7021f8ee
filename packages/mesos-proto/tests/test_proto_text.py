"""Resources and attributes as text and as JSON."""

from __future__ import annotations

import copy
import json

import pytest
from mesos_proto import Attributes
from mesos_proto.errors import JSONError, ParseError, ResourceError, RoleError
from mesos_proto.resources import Resources
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.values import Ranges
from proto_helpers import Info, disk, layer, one, parse, reserved


def test_parsing() -> None:
    total = parse("cpus:45.55;ports:[10000-20000, 30000-50000];disks:{sda1}")
    assert total.cpus == 45.55 and total.set("disks") == {"sda1"}
    assert total.ports == Ranges([(10000, 20000), (30000, 50000)])
    assert not parse("") and not parse(" ;; ")


def test_roles_in_text() -> None:
    assert one("cpus(role1):2").reservations[0].role == "role1"
    assert one("cpus(role1):2").reservations[0].type == Info.STATIC
    assert one("cpus(role1){}:2").reservations[0].type == Info.DYNAMIC
    assert one("cpus ( role1 ) { p } : 2") == one("cpus(role1){p}:2")
    assert Resources.parse("cpus:2.5;ports(role2):[0-100]", "role1") == parse(
        "cpus(role1):2.5;ports(role2):[0-100]"
    )
    assert Resources.parse("cpus(*):1", "role1") == parse("cpus:1")
    assert not one("cpus(*):1").reservations
    with pytest.raises(RoleError):
        Resources.parse("cpus:1", "a b")


def test_everything_in_text() -> None:
    text = "cpus(role){principal}:4;mem:1024;ports:[31000-32000,33000];disk(r)[id:path]:10"
    total = parse(text)
    assert (total.cpus, total.mem, total.disk) == (4, 1024, 10)
    (volume,) = total.persistent_volumes()
    assert volume.disk.persistence.id == "id" and volume.disk.volume.container_path == "path"
    assert volume.disk.volume.mode == mesos.Volume.RW
    disk_of = one("disk(allocated: a)(a)(a/b){p}[MOUNT:/mnt,id:/host:path:ro]<REV><SHARED>:10")
    assert disk_of.disk.source.mount.root == "/mnt" and disk_of.disk.volume.host_path == "/host"
    assert disk_of.disk.volume.mode == mesos.Volume.RO and disk_of.allocation_info.role == "a"
    assert disk_of.HasField("revocable") and disk_of.HasField("shared")
    assert one("cpus{REV}:1") == one("cpus<REV>:1")
    assert one("cpus(r){REV}:1").reservations[0].principal == "REV"


@pytest.mark.parametrize(
    "text",
    [
        "cpus:1",
        "cpus(role){principal}:4;mem:1024",
        "cpus(a)(a/b){}(a/b/c){p}:1.5",
        "cpus(allocated: r):1",
        "ports(r):[1-1, 3-4]",
        "disks:{a, b}",
        "cpus<REV>:1",
        "disk(r)[id]:1",
        "disk(r)[id:path]:10",
        "disk(r)[:path]:10",
        "disk[]:10",
        "disk(r)[id:host:path:rw]:1",
        "disk(r)[id:path:ro]:1",
        "disk(r)[id:path]<SHARED>:10;disk(r)[id:path]<SHARED>:10",
        "disk[MOUNT]:1",
        "disk[MOUNT:/mnt]:1",
        "disk[PATH:/mnt,id:path]:1",
        "disk[PATH:/mnt,:path]:1",
        "disk[RAW]:1",
        "disk[BLOCK,id]:1",
        "",
    ],
)
def test_text_comes_back(text: str) -> None:
    assert parse(text).to_text() == text
    assert parse(parse(text).to_text()) == parse(text)


@pytest.mark.parametrize(
    "resource",
    [
        reserved("cpus:1", layer("DYNAMIC", "r", a="b")),
        reserved("cpus:1", layer("STATIC", "r", "p")),
        reserved("cpus:1", layer("DYNAMIC", "r)x")),
        reserved("cpus:1", layer("DYNAMIC", "r", "p}x")),
        reserved("cpus:1", layer("DYNAMIC", "r", " ")),
        disk(1, id="MOUNT"),
        disk(1, id="a:b"),
        disk(1, id="a]b"),
        disk(1, id="a;b"),
    ],
)
def test_what_text_cannot_say(resource: mesos.Resource) -> None:
    total = Resources(resource)
    with pytest.raises(ResourceError, match="only JSON"):
        total.to_text()
    assert Resources.from_json(json.dumps(total.to_json())) == total


def test_what_text_cannot_say_of_disks() -> None:
    for change in ("vendor", "id", "profile"):
        source = disk(1, role=None, source="MOUNT")
        setattr(source.disk.source, change, "x")
        with pytest.raises(ResourceError, match="only JSON"):
            Resources(source).to_text()
    created = disk(1, id="a")
    created.disk.persistence.principal = "p"
    provided = one("cpus:1")
    provided.provider_id.value = "p"
    for resource in (created, provided):
        with pytest.raises(ResourceError, match="only JSON"):
            Resources(resource).to_text()


@pytest.mark.parametrize(
    ("text", "part", "position"),
    [
        ("cpus:", "cpus:", 0),
        ("mem:1; cpus: ", "cpus:", 7),
        ("cpus", "cpus", 0),
        ("cpus(role1)", "cpus(role1)", 0),
        ("mem:1;cpus(role1:1", "(role1:1", 10),
        ("cpus)(role1:1", ")", 4),
        ("cpus:1:2", ":2", 6),
        ("cpus:nan", "nan", 5),
        ("cpus:-1", "-1", 5),
        ("cpus:abc", "abc", 5),
        ("ports:[3-1]", "3-1", 7),
        ("ports:[1-2", "[1-2", 6),
        ("ports:[a-b]", "a-b", 7),
        ("s:{a,a}", "a", 5),
        (":4", ":4", 0),
        ("cpus(/x):1", "/x", 5),
        ("cpus:1;mem(a/../b):2", "a/../b", 11),
        ("cpus():1", "", 5),
        ("cpus(*){p}:1", "*", 5),
        ("cpus(a)(*):1", "*", 8),
        ("cpus(a)(b){}:1", "cpus(a)(b){}:1", 0),
        ("cpus(a){p:1", "{p:1", 7),
        ("cpus{p}:1", "{p}", 4),
        ("cpus<X>:1", "<X>", 4),
        ("cpus<REV><REV>:1", "<REV>", 9),
        ("cpus(a)x:1", "x:1", 7),
        ("cpus(a)(allocated: b):1", "allocated: b", 8),
        ("cpus(allocated: b c):1", "allocated: b c", 5),
        ("cpus[id]:1", "cpus[id]:1", 0),
        ("disk[a][b]:1", "[b]", 7),
        ("disk[a:b:c:d]:1", "a:b:c:d", 5),
        ("disk[a:]:1", "a:", 5),
        ("disk<SHARED>:4", "disk<SHARED>:4", 0),
        ("cpus:0.0001", "0.0001", 5),
        ("foo(role1):1;foo(role2):[0-1]", "foo", 13),
        ('[{"name": "cpus"', "", 16),
        ('[{"name": 3}]', '[{"name": 3}]', 0),
        ("[1]", "[1]", 0),
    ],
)
def test_bad_text_names_the_part_and_the_position(text: str, part: str, position: int) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text)
    error = caught.value
    assert (error.text, error.part, error.position) == (text, part, position)
    assert f"position {position}" in str(error) and repr(part) in str(error)


def test_flags_refuse_what_operations_make() -> None:
    assert Resources.parse("cpus(r):1;disk[MOUNT:/mnt]:5", flag=True).cpus == 1
    for text in ("disk(r)[id:path]:10", "cpus(r){p}:1", "mem:1;cpus<REV>:1"):
        with pytest.raises(ParseError, match="made by operations"):
            Resources.parse(text, flag=True)


def test_printing_as_upstream_does() -> None:
    resource = disk(1, role=None)
    resource.ClearField("disk")

    def printed() -> str:
        return str(Resources(resource))

    assert printed() == "disk:1"
    resource.reservations.add(type=Info.STATIC, role="alice")
    assert printed() == "disk(reservations: [(STATIC,alice)]):1"
    resource.allocation_info.role = "role"
    assert printed() == "disk(allocated: role)(reservations: [(STATIC,alice)]):1"
    resource.ClearField("allocation_info")
    resource.disk.persistence.id = "hadoop"
    resource.disk.volume.container_path = "/data"
    assert printed() == "disk(reservations: [(STATIC,alice)])[hadoop:/data]:1"
    resource.revocable.SetInParent()
    assert printed() == "disk(reservations: [(STATIC,alice)])[hadoop:/data]{REV}:1"
    resource.ClearField("revocable")
    resource.disk.volume.host_path = "/hdfs"
    resource.disk.volume.mode = mesos.Volume.RW
    plain = copy.deepcopy(resource)
    assert printed() == "disk(reservations: [(STATIC,alice)])[hadoop:/hdfs:/data:rw]:1"
    resource.disk.source.type = mesos.Resource.DiskInfo.Source.MOUNT
    resource.disk.source.mount.root = "/mnt1"
    assert printed() == "disk(reservations: [(STATIC,alice)])[MOUNT:/mnt1,hadoop:/hdfs:/data:rw]:1"
    resource.disk.source.profile = "fast"
    assert "[MOUNT(,,fast),hadoop:/hdfs:/data:rw]" in printed()
    resource = plain
    resource.reservations.append(layer("DYNAMIC", "alice/refined", "hdfs-p", foo="bar"))
    resource.reservations[1].labels.labels.add(key="foo")
    assert printed() == (
        "disk(reservations: [(STATIC,alice),(DYNAMIC,alice/refined,hdfs-p,{foo: bar, foo})])"
        "[hadoop:/hdfs:/data:rw]:1"
    )


def test_printing_sums_as_upstream_does() -> None:
    text = "cpus:45.55; ports:[10000-20000, 30000-50000]; disks:{sda1}"
    assert str(parse(text)) == text
    assert str(Resources()) == "{}"
    volume = disk(64, role="role1", id="id1", path="path1", shared=True)
    assert str(Resources([volume, volume])) == "disk(reservations: [(STATIC,role1)])[id1:path1]<SHARED>:64<2>"
    assert "cpus:1" in repr(parse("cpus:1"))


def test_resources_from_json() -> None:
    total = Resources.parse(
        '[{"name": "cpus", "type": "SCALAR", "scalar": {"value": 45.55}},'
        ' {"name": "ports", "type": "RANGES", "ranges": {"range": [{"begin": 1, "end": "3"}]}},'
        ' {"name": "disks", "type": "SET", "set": {"item": ["sda1"]}, "role": "r"}]',
        "d",
    )
    assert total == parse("cpus(d):45.55;ports(d):[1-3];disks(r):{sda1}")
    assert Resources.from_json(total.to_json()) == total
    volume = disk(5, id="x", shared=True)
    assert Resources.from_json(Resources([volume] * 2).to_json()).count(volume) == 2
    for wrong in ("{}", '"x"', "3", "[", "[3]", '[{"name": "cpus", "type": "SCALAR"}, {"type": 3}]'):
        with pytest.raises((JSONError, ResourceError)):
            Resources.from_json(wrong)
    with pytest.raises(ResourceError, match="'cpus'"):
        Resources.from_json('[{"name": "cpus", "type": "SCALAR", "scalar": {"value": -1}}]')


def test_attributes() -> None:
    text = "cpus:45.55;ports:[10000-20000, 30000-50000];rack:rack1,rack2"
    found = Attributes.parse(text)
    assert str(found) == text and len(found) == 3
    assert found.get("cpus") == 45.55 and found.get("rack") == "rack1,rack2" and found.get("no") is None
    assert found.get("ports") == Ranges([(10000, 20000), (30000, 50000)])
    assert Attributes(found.messages(0)) == found == Attributes(found) and hash(found) == hash(
        Attributes(found)
    )
    assert (
        next(iter(found)) in found
        and mesos.Attribute(name="x", type=mesos.Value.TEXT, text={"value": ""}) not in found
    )
    assert Attributes.parse("attr1:foo:bar;attr2:baz:qux:").get("attr2") == "baz:qux:"
    a, b = (
        "rack:rack1;dedicated:customer1;dedicated:customer2",
        "dedicated:customer2;dedicated:customer1;rack:rack1",
    )
    assert Attributes.parse(a) == Attributes.parse(b) != Attributes.parse("")
    assert Attributes.parse("a:1\nb:2\n;") == Attributes.parse("b:2;a:1") and repr(found)
    assert found != Attributes.parse("cpus:45.55;ports:45.55;rack:45.55") and found != text
    with pytest.raises(ValueError, match="version"):
        found.messages(2)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("text", "part", "position"),
    [
        ("a:1;b", "b", 4),
        ("a:1;:2", ":2", 4),
        ("a:", "a:", 0),
        ("a:1;b:{x}", "{x}", 6),
        ("a:1;b:[2-1]", "2-1", 7),
    ],
)
def test_bad_attributes_name_the_part_and_the_position(text: str, part: str, position: int) -> None:
    with pytest.raises(ParseError) as caught:
        Attributes.parse(text)
    assert (caught.value.part, caught.value.position) == (part, position)


def test_attribute_messages_are_checked() -> None:
    for wrong in (
        mesos.Attribute(type=mesos.Value.TEXT, text={"value": "x"}),
        mesos.Attribute(name="x", type=mesos.Value.SET),
        mesos.Attribute(name="x", type=mesos.Value.TEXT),
        mesos.Attribute(name="x", type=mesos.Value.SCALAR, text={"value": "x"}),
        mesos.Attribute(name="x", type=mesos.Value.SCALAR, scalar={"value": float("nan")}),
    ):
        with pytest.raises(ResourceError):
            Attributes([wrong])
