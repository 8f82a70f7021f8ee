"""Generate `mesos_proto.v0` and `mesos_proto.v1` from the files in `protos/`; `--check` fails on drift.

Strategy: a pinned old protoc turns the `.proto` files into descriptors, and each generated module
hands its descriptor to `mesos_proto._pool`, which makes the classes at import. Nothing in a generated
module depends on the release of protoc, so one set of files serves every protobuf from the oldest
that the package declares. Stubs come from a pinned mypy-protobuf, run over copies of the files under
the names of their Python modules, so that its imports need no rewriting.

The pinned tools live in a virtual environment of their own in the user's cache folder: it is made on
first use, which needs the package index once.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
SOURCE = ROOT / "packages" / "mesos-proto" / "src" / "mesos_proto"

TOOLS = (
    "grpcio==1.49.1",
    "grpcio-tools==1.49.1",
    "mypy-protobuf==3.6.0",
    "protobuf==4.25.8",
    "setuptools==65.5.0",
    "six==1.16.0",
)

# Files of Google's own that ours import; they come with protoc.
BORROWED = {"google/protobuf/duration.proto": "v1.duration"}

# Modules whose name is not simply that of the file: several files share a base name.
MODULES = {
    "csi/state.proto": "v0.csi_state",
    "master/registry.proto": "v0.master_registry",
    "mesos/appc/spec.proto": "v0.appc_spec",
    "mesos/docker/spec.proto": "v0.docker_spec",
    "mesos/docker/v1.proto": "v0.docker_v1",
    "mesos/docker/v2.proto": "v0.docker_v2",
    "mesos/docker/v2_2.proto": "v0.docker_v2_2",
    "mesos/oci/spec.proto": "v0.oci_spec",
    "messages/state.proto": "v0.messages_state",
    "resource_provider/registry.proto": "v0.resource_provider_registry",
    "resource_provider/state.proto": "v0.resource_provider_state",
    "slave/containerizer/mesos/isolators/docker/volume/state.proto": "v0.docker_volume_state",
    "slave/containerizer/mesos/isolators/network/cni/spec.proto": "v0.cni_spec",
    "slave/containerizer/mesos/isolators/volume/csi/state.proto": "v0.csi_volume_state",
    "slave/containerizer/mesos/provisioner/docker/message.proto": "v0.docker_provisioner_message",
    "slave/state.proto": "v0.slave_state",
    "slave/volume_gid_manager/state.proto": "v0.volume_gid_manager_state",
    **BORROWED,
}


class GenerationError(Exception):
    """The files could not be generated."""


def module_of(proto: str) -> str:
    """Return the module of a file below `mesos_proto`, without its `_pb2`: `v1.mesos`."""
    if proto in MODULES:
        return MODULES[proto]
    return ("v1." if proto.startswith("mesos/v1/") else "v0.") + Path(proto).stem


def run(command: list[str | Path]) -> str:
    """Run a command and return what it prints; its errors become ours."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = " ".join(str(part) for part in command[:4])
        raise GenerationError(f"{words} … failed:\n{done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def tools() -> Path:
    """Return the folder of programs of the pinned tools' environment; make it when it is missing."""
    if sys.version_info >= (3, 12):
        raise GenerationError(
            "the pinned protoc has wheels for Python 3.10 and 3.11 only; run with one of them"
        )
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    digest = hashlib.sha256(json.dumps([version, sys.base_prefix, *TOOLS]).encode()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mesos-python"
    home = cache / f"protoc-{digest}"
    programs = home / "bin"
    if (home / "complete").exists():
        return programs
    if home.exists():
        shutil.rmtree(home)
    print(f"installing {', '.join(TOOLS[1:4])} into {home}", file=sys.stderr)
    venv.create(home, with_pip=True, symlinks=True)
    pip: list[str | Path] = [programs / "python", "-m", "pip", "install", "--quiet", "--no-deps"]
    run([*pip, "--disable-pip-version-check", "--only-binary", ":all:", *TOOLS])
    (home / "complete").touch()
    return programs


def protoc(programs: Path, root: Path, output: str, files: list[str], *more: str | Path) -> None:
    """Run the pinned protoc over files below a root."""
    run([programs / "python", "-m", "grpc_tools.protoc", f"-I{root}", output, *more, *files])


def split(descriptor_set: bytes) -> list[tuple[str, list[str], list[str], bytes]]:
    """Split a serialized FileDescriptorSet into (name, imports, top-level messages, serialized file).

    The files are kept as the bytes protoc wrote, so the output does not depend on the protobuf
    runtime at hand.
    """
    files = []
    for number, serialized in fields(descriptor_set):
        if number == 1:
            parts = list(fields(serialized))
            name = next(value for field, value in parts if field == 1).decode()
            package = next((value for field, value in parts if field == 2), b"").decode()
            imports = [value.decode() for field, value in parts if field == 3]
            messages = [
                package + "." + next(value for inner, value in fields(message) if inner == 1).decode()
                for field, message in parts
                if field == 4
            ]
            files.append((name, imports, messages, serialized))
    return files


def fields(data: bytes) -> list[tuple[int, bytes]]:
    """Return the length-delimited fields of a serialized message; skip the others."""
    found = []
    position = 0

    def varint() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while position < len(data):
        number, kind = divmod(varint(), 8)
        if kind == 0:
            varint()
        elif kind == 2:
            length = varint()
            found.append((number, data[position : position + length]))
            position += length
        else:
            raise GenerationError(f"a descriptor holds wire type {kind}")
    return found


def module_text(name: str, imports: list[str], serialized: bytes) -> str:
    """Write the module of one file."""
    origin = f"protos/{name}" if name not in BORROWED else f"protoc's {name}"
    lines = [f'"""Generated by scripts/generate_protos.py from {origin}; do not edit."""', ""]
    lines.append("from mesos_proto import _pool")
    for module in sorted(module_of(dependency) for dependency in imports):
        lines.append(f"import mesos_proto.{module}_pb2")
    lines += ["", "DESCRIPTOR = _pool.load(", "    __name__,", "    globals(),", f'    "{name}",']
    lines += [f"    {serialized[start : start + 64]!r}" for start in range(0, len(serialized), 64)]
    return "\n".join([*lines, ")"]) + "\n"


def index_text(files: list[tuple[str, list[str], list[str], bytes]]) -> str:
    """Write the table of top-level messages and their modules."""
    lines = ['"""Generated by scripts/generate_protos.py; do not edit."""', ""]
    lines += ["# Full name of each top-level message, and the module below mesos_proto that holds it.", ""]
    lines.append("MODULES = {")
    for name, _, messages, _ in sorted(files):
        lines += [f'    "{message}": "{module_of(name)}_pb2",' for message in messages]
    return "\n".join([*lines, "}"]) + "\n"


# Libprocess messages that become events, by the event's module.
EVENTS = {
    "v1.scheduler_pb2": (
        "FrameworkRegisteredMessage FrameworkReregisteredMessage ResourceOffersMessage InverseOffersMessage "
        "RescindResourceOfferMessage RescindInverseOfferMessage StatusUpdateMessage LostSlaveMessage "
        "ExitedExecutorMessage ExecutorToFrameworkMessage UpdateOperationStatusMessage FrameworkErrorMessage"
    ),
    "v1.executor_pb2": (
        "ExecutorRegisteredMessage RunTaskMessage RunTaskGroupMessage KillTaskMessage "
        "StatusUpdateAcknowledgementMessage FrameworkToExecutorMessage ShutdownExecutorMessage"
    ),
}
NESTED = {
    "mesos.Offer": ["Operation"],
    "mesos.Resource": ["AllocationInfo", "DiskInfo", "ReservationInfo"],
    "mesos.FrameworkInfo": ["Capability"],
    "mesos.CommandInfo": ["URI"],
}


def conversions_text(files: list[tuple[str, list[str], list[str], bytes]]) -> str:
    """Write the stub of `mesos_proto.convert`: one overload a message."""
    homes = {message: module_of(name) + "_pb2" for name, _, messages, _ in files for message in messages}
    evolved = []
    for old, module in sorted(homes.items()):
        new = "mesos.v1." + old[len("mesos.") :].replace("Slave", "Agent")
        if new in homes and not old.startswith(("mesos.v1.", "mesos.internal.")):
            for nested in ["", *("." + name for name in NESTED.get(old, []))]:
                left = f"{module}.{old.rpartition('.')[2]}{nested}"
                evolved.append((left, f"{homes[new]}.{new.rpartition('.')[2]}{nested}"))
    events = [
        (f"v0.messages_pb2.{name}", f"{module}.Event")
        for module, names in EVENTS.items()
        for name in names.split()
    ]
    modules = sorted({name.rpartition("_pb2.")[0] for pair in evolved + events for name in pair})
    lines = [
        '"""Generated by scripts/generate_protos.py; do not edit."""',
        "",
        "from typing import overload",
        "",
    ]
    lines += ["from google.protobuf.message import Message", ""]
    lines += [f"from mesos_proto.{m[:2]} import {m[3:]}_pb2 as {m.replace('.', '_')}_pb2" for m in modules]
    lines += ["", '__all__ = ["devolve", "evolve"]', ""]
    for function, pairs in (("evolve", evolved + events), ("devolve", [(new, old) for old, new in evolved])):
        for source, target in [*pairs, ("Message", "Message")]:
            source, target = (re.sub(r"^(v[01])\.", r"\1_", name) for name in (source, target))
            lines += ["@overload", f"def {function}(message: {source}) -> {target}: ..."]
    return "\n".join(lines) + "\n"


def stubs(programs: Path, scratch: Path, files: list[str]) -> dict[str, str]:
    """Return the stub of each file, under its path below `mesos_proto`."""
    include = Path(run([programs / "python", "-c", "import grpc_tools as g; print(g.__path__[0])"]).strip())
    renamed = scratch / "renamed"
    for file in files:
        origin = include / "_proto" / file if file in BORROWED else PROTOS / file
        text = re.sub(
            r'(?m)^import "([^"]+)";',
            lambda match: f'import "mesos_proto/{module_of(match[1]).replace(".", "/")}.proto";',
            origin.read_text(encoding="utf-8"),
        )
        path = renamed / "mesos_proto" / (module_of(file).replace(".", "/") + ".proto")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    output = scratch / "stubs"
    output.mkdir()
    names = sorted(str(path.relative_to(renamed)) for path in renamed.rglob("*.proto"))
    plugin = f"--plugin=protoc-gen-mypy={programs / 'protoc-gen-mypy'}"
    protoc(programs, renamed, f"--mypy_out=quiet:{output}", names, plugin)
    return {
        str(path.relative_to(output / "mesos_proto")): path.read_text(encoding="utf-8")
        for path in output.rglob("*.pyi")
    }


def generate() -> dict[str, str]:
    """Return the text of every generated file, under its path below `mesos_proto`."""
    programs = tools()
    protos = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        output = scratch / "descriptors"
        protoc(programs, PROTOS, f"--descriptor_set_out={output}", protos, "--include_imports")
        files = split(output.read_bytes())
        texts = stubs(programs, scratch, [name for name, *_ in files])
    for name, imports, _, serialized in files:
        path = module_of(name).replace(".", "/") + "_pb2.py"
        if path in texts:
            raise GenerationError(f"two files make {path}; name one of them in MODULES")
        texts[path] = module_text(name, imports, serialized)
    texts["_index.py"] = index_text(files)
    texts["convert.pyi"] = conversions_text(files)
    return texts


def checked_in() -> dict[str, str]:
    """Return the text of every generated file in the tree."""
    paths = [
        SOURCE / "_index.py",
        SOURCE / "convert.pyi",
        *SOURCE.glob("v[01]/*_pb2.py"),
        *SOURCE.glob("v[01]/*_pb2.pyi"),
    ]
    return {
        str(path.relative_to(SOURCE)): path.read_text(encoding="utf-8") for path in paths if path.exists()
    }


def main() -> int:
    """Generate, or check; exit status 1 when the tree differs or the tools fail."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; fail when the tree differs")
    arguments = parser.parse_args()
    try:
        wanted = generate()
    except GenerationError as error:
        print(error, file=sys.stderr)
        return 1
    found = checked_in()
    stale = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    if arguments.check:
        for name in stale:
            print(f"packages/mesos-proto/src/mesos_proto/{name}: run scripts/generate_protos.py")
        return 1 if stale else 0
    for name in stale:
        path = SOURCE / name
        if name in wanted:
            path.write_text(wanted[name], encoding="utf-8")
        else:
            path.unlink()
        print(("wrote " if name in wanted else "removed ") + str(path.relative_to(ROOT)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
