"""Exercise mesos_proto under whatever protobuf is at hand; run as a program by test_proto_runtimes.

python proto_runtime_check.py [first|last|never]     # when to load another release's messages
"""

from __future__ import annotations

import copy
import importlib
import json
import pickle
import pkgutil
import random
import sys

from google.protobuf import descriptor_pb2, descriptor_pool


def load_another_release() -> None:
    """Put a `mesos/mesos.proto` of other content into the default pool, as its gencode would."""
    file = descriptor_pb2.FileDescriptorProto(name="mesos/mesos.proto", package="mesos", syntax="proto2")
    message = file.message_type.add(name="Offer")
    message.field.add(name="only_there", number=1, type=9, label=1)
    descriptor_pool.Default().AddSerializedFile(file.SerializeToString())
    assert descriptor_pool.Default().FindMessageTypeByName("mesos.Offer").fields[0].name == "only_there"


def check_messages() -> None:
    """Load every module; copy and pickle messages, nested ones too."""
    import mesos_proto.v0
    import mesos_proto.v1
    from mesos_proto.v1 import master_pb2
    from mesos_proto.v1 import mesos_pb2 as mesos

    for package in (mesos_proto.v0, mesos_proto.v1):
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{package.__name__}.{module.name}")
    task = mesos.TaskInfo(name="x", task_id={"value": "1"}, agent_id=mesos.AgentID(value="a"))
    task.command.uris.add(value="http://host/file")
    task.limits["cpus"].value = 2
    for message in (task, task.command.uris[0]):
        assert pickle.loads(pickle.dumps(message)) == message
        assert copy.deepcopy(message) == message == copy.copy(message)
    assert pickle.loads(pickle.dumps(mesos.TaskInfo())) == mesos.TaskInfo()
    assert type(task.command.uris[0]) is mesos.CommandInfo.URI
    assert mesos.CommandInfo.URI.__module__ == "mesos_proto.v1.mesos_pb2"
    assert mesos.TaskState.Name(mesos.TASK_RUNNING) == "TASK_RUNNING"
    call = master_pb2.Call(type=master_pb2.Call.DRAIN_AGENT)
    call.drain_agent.max_grace_period.FromSeconds(3)
    call.drain_agent.agent_id.value = "a"
    assert call.drain_agent.max_grace_period.ToTimedelta().total_seconds() == 3
    assert mesos_proto.evolve(mesos_proto.devolve(call)) == call


def check_algebra() -> None:
    """Compute with resources, in text, JSON and messages of both versions."""
    from mesos_proto import build
    from mesos_proto import json as mesos_json
    from mesos_proto.resources import Resources, downgrade_resources, upgrade_resources
    from mesos_proto.v1 import mesos_pb2 as mesos

    total = Resources.parse("cpus(r){p}:4;mem:1024;ports:[1-5,7];disk(r)[id:path]:10;s:{a,b}")
    assert Resources(total.messages(0)) == total == Resources.parse(total.to_text())
    assert Resources.parse(json.dumps(total.to_json())) == total
    assert (total - total) == Resources() and (total + total).cpus == 8
    task = build.task("x", "a", total, "true", limits={"cpus": float("inf")})
    assert mesos_json.loads(mesos.TaskInfo, mesos_json.dumps(task)).limits["cpus"].value == float("inf")
    assert upgrade_resources(downgrade_resources(copy.deepcopy(task))) == task
    framework = build.framework("f", "u", roles=["a"], capabilities=["PARTITION_AWARE"])
    assert len(framework.capabilities) == 2


def check_json() -> None:
    """Read documents of many kinds the fast way and field by field."""
    import proto_documents

    for seed in range(300):
        proto_documents.check(random.Random(seed))


def main() -> None:
    """Run the checks and print the runtime."""
    import google.protobuf
    from google.protobuf.internal import api_implementation

    when = sys.argv[1] if len(sys.argv) > 1 else "never"
    if when == "first":
        load_another_release()
    check_messages()
    if when == "last":
        load_another_release()
    check_algebra()
    check_json()
    print(google.protobuf.__version__, api_implementation.Type())


if __name__ == "__main__":
    main()
