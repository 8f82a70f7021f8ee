"""Compare our `.proto` files with those of an Apache Mesos source tree, definition by definition.

    python -m scripts.compare_protos path/to/mesos        # a source tree at the tag 1.11.0

Compiles both with the pinned protoc, turns each into a set of facts (one a file, option, message,
field, enum, value, oneof, reserved number) and prints what only one side has, and the counts. With
`--record`, writes counts and digests of the upstream side for the tests; upstream's files themselves
stay where they are. Files about CSI that Mesos takes from another project are left out, and so is the
one that imports them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2

from scripts.generate_protos import PROTOS, ROOT, GenerationError, protoc, tools

RECORD = ROOT / "packages" / "mesos-proto" / "tests" / "upstream_facts.json"
LEFT_OUT = ("src/tests/", "src/resource_provider/storage/disk_profile.proto")

_Field = descriptor_pb2.FieldDescriptorProto


def compile_tree(roots: list[Path], files: list[str]) -> dict[str, descriptor_pb2.FileDescriptorProto]:
    """Compile files below roots; return the descriptor of each."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "descriptors"
        more = [f"-I{root}" for root in roots[1:]]
        protoc(tools(), roots[0], f"--descriptor_set_out={output}", files, *more)
        found = descriptor_pb2.FileDescriptorSet.FromString(output.read_bytes())
    return {file.name: file for file in found.file}


def upstream(tree: Path) -> dict[str, descriptor_pb2.FileDescriptorProto]:
    """Compile the files of a source tree."""
    roots = [tree / "include", tree / "src"]
    if not (roots[0] / "mesos" / "mesos.proto").exists():
        raise GenerationError(f"{tree} is no Mesos source tree: include/mesos/mesos.proto is missing")
    files = []
    for root in roots:
        for path in sorted(root.rglob("*.proto")):
            if not str(path.relative_to(tree)).startswith(LEFT_OUT):
                files.append(str(path.relative_to(root)))
    return compile_tree(roots, files)


def ours() -> dict[str, descriptor_pb2.FileDescriptorProto]:
    """Compile our files."""
    return compile_tree([PROTOS], sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto")))


def options(message: Any) -> str:
    """Write the options of a definition that are set."""
    return " ".join(f"{field.name}={value}" for field, value in message.options.ListFields())


def facts(file: descriptor_pb2.FileDescriptorProto) -> Iterator[tuple[str, str]]:
    """Yield (kind, fact) for everything a file defines."""
    yield "file", f"package={file.package} syntax={file.syntax or 'proto2'}"
    for dependency in file.dependency:
        yield "import", dependency
    for field, value in file.options.ListFields():
        yield "option", f"{field.name}={value}"
    for enum in file.enum_type:
        yield from enum_facts(enum, file.package)
    for message in file.message_type:
        yield from message_facts(message, file.package)
    for part in ("service", "extension", "public_dependency", "weak_dependency"):
        for one in getattr(file, part):
            yield part, str(one)


def enum_facts(enum: descriptor_pb2.EnumDescriptorProto, scope: str) -> Iterator[tuple[str, str]]:
    """Yield the facts of an enum."""
    name = f"{scope}.{enum.name}"
    yield "enum", f"{name} {options(enum)}"
    for index, value in enumerate(enum.value):
        # The first one is the default.
        first = "first" if index == 0 else ""
        yield "value", f"{name}.{value.name}={value.number} {first} {options(value)}"
    yield from reserved_facts(enum, name)


def message_facts(message: descriptor_pb2.DescriptorProto, scope: str) -> Iterator[tuple[str, str]]:
    """Yield the facts of a message and of what is nested in it."""
    name = f"{scope}.{message.name}"
    kind = "map" if message.options.map_entry else "message"
    yield kind, f"{name} {options(message)}"
    for field in message.field:
        label, type_name = _Field.Label.Name(field.label), _Field.Type.Name(field.type)
        oneof = message.oneof_decl[field.oneof_index].name if field.HasField("oneof_index") else None
        default = repr(field.default_value) if field.HasField("default_value") else None
        yield (
            "map part" if message.options.map_entry else "field",
            f"{name}.{field.name}={field.number} {label} {type_name} {field.type_name} default={default} "
            f"oneof={oneof} optional={field.proto3_optional} {options(field)}",
        )
    for oneof_decl in message.oneof_decl:
        yield "oneof", f"{name}.{oneof_decl.name}"
    for span in message.extension_range:
        yield "extensions", f"{name} {span}"
    yield from reserved_facts(message, name)
    for enum in message.enum_type:
        yield from enum_facts(enum, name)
    for nested in message.nested_type:
        yield from message_facts(nested, name)


def reserved_facts(definition: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield what a message or an enum reserves."""
    for span in definition.reserved_range:
        yield "reserved", f"{name} {span.start}-{span.end}"
    for reserved in definition.reserved_name:
        yield "reserved", f"{name} {reserved}"


def summary(files: dict[str, descriptor_pb2.FileDescriptorProto]) -> dict[str, dict[str, object]]:
    """Return the counts and a digest of the facts of each file."""
    result: dict[str, dict[str, object]] = {}
    for name, file in sorted(files.items()):
        every = sorted(facts(file))
        digest = hashlib.sha256("\n".join(f"{kind} {fact}" for kind, fact in every).encode()).hexdigest()
        result[name] = {**sorted_counts(every), "digest": digest}
    return result


def sorted_counts(every: list[tuple[str, str]]) -> dict[str, int]:
    """Count facts by kind."""
    return dict(sorted(Counter(kind for kind, _ in every).items()))


def compare(
    theirs: dict[str, descriptor_pb2.FileDescriptorProto], mine: dict[str, descriptor_pb2.FileDescriptorProto]
) -> int:
    """Print the differences and the counts; return how many differences there are."""
    differences = 0
    totals: Counter[str] = Counter()
    for name in sorted(theirs.keys() | mine.keys()):
        left = set(facts(theirs[name])) if name in theirs else set()
        right = set(facts(mine[name])) if name in mine else set()
        totals.update(kind for kind, _ in left)
        for side, only in (("upstream", left - right), ("ours", right - left)):
            for kind, fact in sorted(only):
                print(f"only {side}: {name}: {kind} {fact}")
                differences += 1
    for label, prefix in (("v0 and internal", ""), ("v1", "mesos/v1/")):
        part = Counter[str]()
        for name, file in theirs.items():
            if name.startswith("mesos/v1/") == bool(prefix):
                part.update(kind for kind, _ in facts(file))
        print(f"{label}: " + ", ".join(f"{count} {kind}s" for kind, count in sorted(part.items())))
    print("together: " + ", ".join(f"{count} {kind}s" for kind, count in sorted(totals.items())))
    print(f"{differences} differences")
    return differences


def main() -> int:
    """Compare; exit status 1 when anything differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("tree", type=Path, help="a Mesos source tree at the tag 1.11.0")
    parser.add_argument("--record", action="store_true", help="write the tests' counts and digests")
    arguments = parser.parse_args()
    try:
        theirs, mine = upstream(arguments.tree), ours()
    except GenerationError as error:
        print(error, file=sys.stderr)
        return 1
    if arguments.record:
        RECORD.write_text(json.dumps(summary(theirs), indent=1) + "\n", encoding="utf-8")
    return 1 if compare(theirs, mine) else 0


if __name__ == "__main__":
    sys.exit(main())
