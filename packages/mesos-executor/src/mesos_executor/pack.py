"""Pack a program and all it imports into one file that any agent with Python 3.10 or newer can run.

    python -m mesos_executor.pack my_executor.py -o my_executor.pyz

An agent gives an executor no environment of its own machine and knows nothing of ours, so the program has
to bring what it needs. The file unpacks itself, into the sandbox, when it starts; it is built with shiv
from what the current environment has installed (or, in a source tree of this project, from the tree), so
nothing is downloaded. Packing the same content again does nothing.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from . import _archive
from .errors import PackError

PROGRAM_DISTRIBUTION = "mesos-executor"

# What only the v1 API needs is as large as all else together.
_V1_ONLY = frozenset({(PROGRAM_DISTRIBUTION, "mesos-http")})
_USES_V1 = re.compile(
    rb"mesos_executor\.v1\b|from\s+mesos_executor\s+import\s+(?:[^\n(]*\bv1\b|\([^)]*\bv1\b)"
)

_LONGEST_INTERPRETER = 125


def pack(
    program: str | Path,
    output: str | Path | None = None,
    *,
    requirements: Sequence[str] = (),
    include: Sequence[str | Path] = (),
    python: str = _archive.DEFAULT_PYTHON,
) -> Path:
    """Pack `program` into `output` (default: beside it, with the suffix `.pyz`) and return the path.

    What the program imports is found by itself; `requirements` names more distributions of this
    environment, `include` more files or folders to lie beside the program, `python` the interpreter in
    the file's first line. Raises `PackError`, saying what to do, when the result could not run.
    """
    program = Path(program)
    if not program.is_file():
        raise PackError(f"{program}: no such program")
    target = program.with_suffix(".pyz") if output is None else Path(output)
    if target.resolve() == program.resolve():
        raise PackError(f"{target}: the packed file would replace the program; name another with -o")
    if not target.parent.is_dir():
        raise PackError(f"{target.parent}: no such folder")
    if len(python.encode()) > _LONGEST_INTERPRETER:
        raise PackError(f"{python!r} is too long for the first line of a program: make a link to it")
    try:
        files = _gather(program, requirements, include)
        build_id = _archive.content_id(files, program.name, python)
    except OSError as error:
        raise PackError(f"a file to pack cannot be read: {error}") from error
    if _archive.packed_id(target) == build_id:
        return target
    try:
        _archive.build(files, program.name, python, build_id, target)
    except OSError as error:
        raise PackError(f"{target} cannot be written ({error}): name another place with -o") from error
    return target


def _gather(program: Path, requirements: Sequence[str], include: Sequence[str | Path]) -> dict[str, Path]:
    """Return every file to pack, by its place in the packed file."""
    try:
        from . import _distributions, _imports
    except ImportError as error:
        raise PackError(
            f"packing needs {error.name}, which is not installed for {sys.executable}: "
            "pip install 'mesos-executor[pack]'"
        ) from error
    found = _distributions.collect([PROGRAM_DISTRIBUTION, *requirements], _V1_ONLY)
    provided = {name.partition("/")[0].removesuffix(".py") for part in found.values() for name in part.files}
    imports = _imports.scan(program, provided, _distributions.find_by_import)
    found |= _distributions.collect(sorted(imports.distributions), _V1_ONLY)
    own = _own_files(program, imports.files, include)
    if _uses_v1([own, *(part.files for name, part in found.items() if name != PROGRAM_DISTRIBUTION)]):
        found |= _distributions.collect([PROGRAM_DISTRIBUTION])
    files: dict[str, Path] = {}
    for part in found.values():
        files.update(part.files)
    packages = {name.partition("/")[0].removesuffix(".py") for name in files}
    for name in own:
        top = name.partition("/")[0].removesuffix(".py")
        if top in packages:
            raise PackError(f"{name} has the name of a package it is packed with, {top}: rename it")
    return {**files, **own}


def _own_files(program: Path, beside: dict[str, Path], include: Sequence[str | Path]) -> dict[str, Path]:
    """Return what is the program's own: itself, the modules beside it, and what the user adds."""
    from ._distributions import tree_files

    own = {program.name: program, **beside}
    for path in map(Path, include):
        if path.is_dir():
            own.update(tree_files(path, path.name))
        elif path.is_file():
            own[path.name] = path
        else:
            raise PackError(f"{path}: no such file or folder to include")
    return own


def _uses_v1(parts: Iterable[dict[str, Path]]) -> bool:
    """Tell whether a source file speaks of `mesos_executor.v1`."""
    return any(
        _USES_V1.search(path.read_bytes())
        for files in parts
        for name, path in files.items()
        if name.endswith(".py")
    )


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m mesos_executor.pack",
        description=(__doc__ or "").partition("\n")[0],
        epilog="Nothing is downloaded: what is packed is what this Python has installed.",
    )
    parser.add_argument("program", type=Path, help="the executor's Python file")
    parser.add_argument("-o", "--output", type=Path, help="the file to write (PROGRAM with suffix .pyz)")
    parser.add_argument(
        "--with",
        dest="requirements",
        metavar="NAME",
        action="append",
        default=[],
        help="pack this installed distribution too; those the program imports are found by themselves",
    )
    parser.add_argument(
        "--include",
        metavar="PATH",
        type=Path,
        action="append",
        default=[],
        help="a file or folder to put beside the program",
    )
    parser.add_argument(
        "--python", default=_archive.DEFAULT_PYTHON, help="interpreter of the first line (%(default)s)"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; exit status 1, with one line that says why, when it could not pack."""
    options = parse_arguments(sys.argv[1:] if arguments is None else arguments)
    started = time.monotonic()
    before = _stamp(options.output or options.program.with_suffix(".pyz"))
    try:
        path = pack(
            options.program,
            options.output,
            requirements=options.requirements,
            include=options.include,
            python=options.python,
        )
    except PackError as error:
        print(f"pack: {error}", file=sys.stderr)
        return 1
    if _stamp(path) == before:
        print(f"{path} is up to date")
    else:
        print(f"packed {path}, {path.stat().st_size / 1e6:.1f} MB, in {time.monotonic() - started:.1f} s")
    return 0


def _stamp(path: Path) -> tuple[int, int] | None:
    return (path.stat().st_ino, path.stat().st_mtime_ns) if path.exists() else None


if __name__ == "__main__":
    sys.exit(main())
