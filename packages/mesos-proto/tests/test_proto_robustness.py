"""Resources handed in the wrong way, from elsewhere, to other processes, and in great numbers."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor_pool
from google.protobuf.message import Message
from google.protobuf.reflection import GeneratedProtocolMessageType
from mesos_proto.resources import Resources, downgrade_resources
from mesos_proto.v0 import mesos_pb2 as mesos0
from mesos_proto.v1 import mesos_pb2 as mesos
from proto_helpers import disk, one, parse


def test_what_is_no_resource_is_refused() -> None:
    for wrong in (mesos.Offer(), {"name": "cpus"}, 3, "cpus:1", mesos.Resource):
        with pytest.raises(TypeError, match="want a Resource message, not"):
            Resources([wrong])  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"Resources\.parse"):
        Resources("cpus:1")  # type: ignore[arg-type]


def test_messages_of_another_set_are_read() -> None:
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(mesos0.DESCRIPTOR.serialized_pb)
    kind = GeneratedProtocolMessageType(
        "Resource",
        (Message,),
        {"DESCRIPTOR": pool.FindMessageTypeByName("mesos.Resource"), "__module__": None},
    )
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
