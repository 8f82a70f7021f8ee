"""Resources handed in the wrong way, from elsewhere, to other processes, and in great numbers."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.internal import api_implementation
from mesos_proto import Attributes, json
from mesos_proto.errors import JSONError, ParseError, ResourceError
from mesos_proto.resources import Resources, downgrade_resources
from mesos_proto.v0 import mesos_pb2 as mesos0
from mesos_proto.v1 import mesos_pb2 as mesos
from proto_helpers import disk, layer, old, one, parse, reserved


def test_what_is_no_resource_is_refused() -> None:
    for wrong in (mesos.Offer(), {"name": "cpus"}, 3, "cpus:1", mesos.Resource):
        with pytest.raises(TypeError, match="want a Resource message, not"):
            Resources([wrong])  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"Resources\.parse"):
        Resources("cpus:1")  # type: ignore[arg-type]


def test_messages_of_another_set_are_read() -> None:
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(mesos0.DESCRIPTOR.serialized_pb)
    kind = message_factory.GetMessageClass(pool.FindMessageTypeByName("mesos.Resource"))
    foreign = kind()
    foreign.MergeFromString(one("cpus(r){p}:2").SerializeToString())
    assert type(foreign) is not mesos0.Resource
    assert Resources([foreign, one("cpus(r){p}:1")]) == parse("cpus(r){p}:3")
    assert downgrade_resources(foreign).role == "r"


def test_pickled_resources_are_equal_in_another_process() -> None:
    total = parse("cpus(r){p}:1;ports:[1-5];disk(r)[id:path]:3;s:{a}")
    code = (
        "import pickle, sys; from mesos_proto import Resources;"
        "total = pickle.loads(sys.stdin.buffer.read());"
        f"assert total == Resources.parse({total.to_text()!r}) and hash(total); print(total)"
    )
    source = Path(__file__).resolve().parent.parent / "src"
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=pickle.dumps(total),
        env={**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": str(source)},
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    )
    assert done.stdout.decode().strip() == str(total)
    assert copy.deepcopy(total) == total == copy.copy(total)
    assert pickle.loads(pickle.dumps(total.ports)) == total.ports


def test_ten_thousand_volumes_are_summed() -> None:
    # Each of them is apart: a walk over the others for each would take minutes.
    many = [disk(1, id=str(number)) for number in range(10_000)]
    total = Resources(many)
    assert len(total) == 10_000 and total.contains(total)
    assert not total - total
    assert total.disk == 10_000


# Where it is pure Python, protobuf does not parse such messages at all.
parses_anything = pytest.mark.skipif(api_implementation.Type() == "python", reason="protobuf in pure Python")


def spoiled(resource: mesos.Resource, text: bytes) -> mesos.Resource:
    """Return what a peer sends whose strings are not UTF-8."""
    serialized = resource.SerializeToString()
    assert text in serialized
    return mesos.Resource.FromString(serialized.replace(text, b"\xff" * len(text)))


@parses_anything
@pytest.mark.parametrize(
    ("resource", "text"),
    [
        (one("cpus:1"), b"cpus"),
        (one("cpus(rolename):1"), b"rolename"),
        (one("cpus(r){principal}:1"), b"principal"),
        (one("cpus(allocated: rolename):1"), b"rolename"),
        (one("s:{member}"), b"member"),
        (disk(1, id="identity"), b"identity"),
        (old("cpus:1", role="rolename"), b"rolename"),
        (reserved("cpus:1", layer("DYNAMIC", "r", label="value")), b"value"),
    ],
)
def test_strings_that_are_not_utf_8_are_refused(resource: mesos.Resource, text: bytes) -> None:
    wrong = spoiled(resource, text)
    with pytest.raises(ResourceError, match="UTF-8"):
        Resources([wrong])
    assert not Resources([wrong], skip_invalid=True)
    with pytest.raises(JSONError, match="UTF-8"):
        json.dumps(wrong)


@parses_anything
def test_strings_that_are_not_utf_8_elsewhere() -> None:
    volume = spoiled(disk(1, id="a", path="pathname"), b"pathname")
    total = Resources([volume])
    assert "xff" in str(total)
    with pytest.raises(ResourceError, match="only JSON"):
        total.to_text()
    attribute = mesos.Attribute(name="attribute", type=mesos.Value.TEXT, text={"value": "x"})
    wrong = mesos.Attribute.FromString(attribute.SerializeToString().replace(b"attribute", b"\xff" * 9))
    with pytest.raises(ResourceError, match="UTF-8"):
        Attributes([wrong])


def test_long_text_is_shortened_in_errors() -> None:
    text = "cpus:1;" * 1000 + "mem:[3-1];" + "disk:1;" * 1000
    with pytest.raises(ParseError) as caught:
        Resources.parse(text)
    assert len(str(caught.value)) < 400 and "'3-1' at position 7005" in str(caught.value)
    assert "mem:[3-1]" in str(caught.value)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.position) == (str(caught.value), 7005)
