"""The generated messages: all there, as upstream defines them."""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import mesos_proto.v0
import mesos_proto.v1
import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.message import Message
from mesos_proto import errors, registry
from mesos_proto._index import MODULES

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
RECORDED: dict[str, dict[str, object]] = json.loads(
    (HERE / "upstream_facts.json").read_text(encoding="utf-8")
)


def modules() -> dict[str, ModuleType]:
    """Return every generated module by the name of its file."""
    found = {}
    for package in (mesos_proto.v0, mesos_proto.v1):
        for info in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{info.name}")
            found[module.DESCRIPTOR.name] = module
    return found


@pytest.fixture
def compare(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("scripts.compare_protos")


def test_every_file_of_upstream_is_there() -> None:
    assert set(modules()) - {"google/protobuf/duration.proto"} == set(RECORDED)


def test_every_definition_is_upstreams(compare: ModuleType) -> None:
    files = {
        name: descriptor_pb2.FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb)
        for name, module in modules().items()
        if name in RECORDED
    }
    assert compare.summary(files) == RECORDED


def test_a_difference_is_found(compare: ModuleType) -> None:
    file = descriptor_pb2.FileDescriptorProto.FromString(
        modules()["mesos/quota/quota.proto"].DESCRIPTOR.serialized_pb
    )
    file.message_type[0].field[0].number += 1
    changed = compare.summary({file.name: file})[file.name]
    assert changed["digest"] != RECORDED[file.name]["digest"]


def test_every_module_has_a_stub_and_every_message_is_in_the_index() -> None:
    for module in modules().values():
        assert module.__file__ is not None
        assert Path(module.__file__).with_suffix(".pyi").exists()
        for name, descriptor in module.DESCRIPTOR.message_types_by_name.items():
            assert MODULES[descriptor.full_name] == module.__name__.removeprefix("mesos_proto.")
            assert registry.message_class(descriptor.full_name) is getattr(module, name)


def test_registry_finds_nested_messages() -> None:
    found = registry.message_class("mesos.v1.Offer.Operation.CreateDisk")
    assert registry.full_name(found) == "mesos.v1.Offer.Operation.CreateDisk"
    assert registry.full_name(found()) == "mesos.v1.Offer.Operation.CreateDisk"
    assert found().DESCRIPTOR.full_name == registry.full_name(found)


@pytest.mark.parametrize(
    "name",
    ["", "mesos", "mesos.Nothing", "mesos.Offer.", "mesos.Offer.Nothing", "mesos.Offer.__class__", "x.y"],
)
def test_registry_refuses_other_names(name: str) -> None:
    with pytest.raises(errors.UnknownMessageError, match="no message"):
        registry.message_class(name)


def test_registry_lists_top_level_messages_of_both_versions() -> None:
    names = list(registry.message_names())
    assert "mesos.internal.StatusUpdateMessage" in names
    assert "mesos.v1.scheduler.Call" in names
    assert all(issubclass(registry.message_class(name), Message) for name in names)


def test_the_package_names_what_it_exports() -> None:
    assert set(mesos_proto.__all__) <= set(dir(mesos_proto))
    for name in mesos_proto.__all__:
        assert getattr(mesos_proto, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        _ = mesos_proto.nothing  # type: ignore[attr-defined]


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="the pinned protoc has no wheels for this Python")
def test_generated_code_is_current() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "generate_protos.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
