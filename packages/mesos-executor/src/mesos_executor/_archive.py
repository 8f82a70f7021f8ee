"""Builds the one self-extracting file: shiv's archive, with our own first step in front of its bootstrap."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import marshal
import os
import re
import sys
import tempfile
import warnings
import zipfile
from pathlib import Path

from ._distributions import Files
from .errors import PackError

FORMAT = 2
"""Raised when the same content must be packed anew."""

DEFAULT_PYTHON = "/usr/bin/env python3"

_UNCHECKED = (0b01).to_bytes(4, "little")

# With a date of its own, each archive of the same content would be another one.
_BUILT_AT = "1980-01-01 00:00:00"

_GOOGLE = b'__path__ = __import__("pkgutil").extend_path(__path__, __name__)\n'

_PROGRAM = """\
import os
import runpy
import sys

def main():
    os.environ.pop("SHIV_ROOT", None)
    os.environ.pop("MESOS_EXECUTOR_PYTHON", None)
    path = os.path.join(os.path.dirname(__file__), {program!r})
    runpy.run_path(path, run_name="__main__")
"""


def content_id(files: Files, program: str, python: str) -> str:
    """Return a hash of everything that goes into a packed file."""
    digest = hashlib.sha256(f"{FORMAT} {program} {python} {sys.executable}\n".encode())
    digest.update(_starter_source(files).encode())
    for name in sorted(files):
        data = files[name].read_bytes()
        mode = files[name].stat().st_mode & 0o111
        digest.update(f"{name} {len(data)} {mode}\n".encode())
        digest.update(data)
    return digest.hexdigest()


def packed_id(path: Path) -> str | None:
    """Return the content hash of a packed file, None when it is not one of ours."""
    try:
        with zipfile.ZipFile(path) as archive:
            build_id = json.loads(archive.read("environment.json")).get("build_id")
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
    return build_id if isinstance(build_id, str) else None


def build(files: Files, program: str, python: str, build_id: str, output: Path) -> None:
    """Write the packed file; it appears at `output` whole or not at all."""
    try:
        from shiv.bootstrap.environment import Environment
        from shiv.builder import create_archive
    except ImportError as error:
        raise PackError(
            f"packing needs shiv, which is not installed for {sys.executable}: "
            "pip install 'mesos-executor[pack]'"
        ) from error
    with tempfile.TemporaryDirectory(prefix="mesos-pack-") as work:
        stage = Path(work, "site-packages")
        _stage(files, program, stage)
        handle, name = tempfile.mkstemp(prefix=f".{output.name}-", dir=output.parent)
        os.close(handle)
        unfinished = Path(name)
        try:
            create_archive(
                [stage],
                target=unfinished,
                interpreter=python,
                main="_starter:start",
                env=Environment(
                    built_at=_BUILT_AT,
                    shiv_version="1",
                    build_id=build_id,
                    entry_point="_packed_program:main",
                    compile_pyc=False,
                    reproducible=True,
                ),
                compressed=True,
            )
            _add_starter(unfinished, _starter_source(files))
            _add_compiled(unfinished, stage)
            unfinished.chmod(0o755)
            unfinished.replace(output)
        finally:
            unfinished.unlink(missing_ok=True)


def _stage(files: Files, program: str, stage: Path) -> None:
    """Lay the files out as they will be unpacked, as links to where they are."""
    for name, source in files.items():
        place = stage / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(source.resolve())
    (stage / "_packed_program.py").write_text(_PROGRAM.format(program=program), encoding="utf-8")
    google = stage / "google" / "__init__.py"
    if google.parent.is_dir() and not google.exists():
        # A package of its own right, or a `google/__init__.py` that the system has would hide ours.
        google.write_bytes(_GOOGLE)


def _starter_source(files: Files) -> str:
    """Return the starter's text with what this pack knows filled in."""
    source = Path(__file__).with_name("_starter.py").read_text(encoding="utf-8")
    compiled = {match[1] for name in files if (match := re.search(r"\.cpython-3(\d+)[^/]*\.so$", name))}
    for name, value in (
        ("BUILT_WITH", sys.executable),
        ("COMPILED_FOR", f"3.{compiled.pop()}" if len(compiled) == 1 else ""),
    ):
        assert f'\n{name} = ""' in source
        source = source.replace(f'\n{name} = ""', f"\n{name} = {value!r}")
    return source


def _add_starter(path: Path, source: str) -> None:
    with zipfile.ZipFile(path, "a", compression=zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("_starter.py", (1980, 1, 1, 0, 0, 0)), source)


def _add_compiled(path: Path, stage: Path) -> None:
    """Add the byte code of this Python version: compiling is half of a first start. Other versions make
    their own."""
    with zipfile.ZipFile(path, "a", compression=zipfile.ZIP_DEFLATED) as archive:
        for source in sorted(stage.rglob("*.py")):
            compiled = _compile(source.read_bytes(), str(source.relative_to(stage)))
            if compiled is None:
                continue  # for another version; whoever imports it is told
            place = Path(importlib.util.cache_from_source(str(source))).relative_to(stage.parent)
            info = zipfile.ZipInfo(place.as_posix(), (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, compiled)


def _compile(source: bytes, name: str) -> bytes | None:
    """Return the content of a `.pyc` file that is used without a look at its source (PEP 552)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code = compile(source, name, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return None
    head = importlib.util.MAGIC_NUMBER + _UNCHECKED + importlib.util.source_hash(source)
    return head + marshal.dumps(code)
