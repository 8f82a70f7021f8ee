"""Which files an installed distribution, or a package of this source tree, consists of.

Nothing is downloaded: what is packed is what the current environment runs with, so a pack is quick, works
without a network, and contains the versions that were tested.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import sys
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from .errors import PackError

Files = dict[str, Path]
"""Path inside the packed file -> where the bytes are now."""

Edges = Set[tuple[str, str]]
"""Names of distributions: who requires whom."""

_SKIPPED_SUFFIXES = (".pyc", ".pyi", ".pth")
_METADATA = ("METADATA", "top_level.txt", "entry_points.txt", "WHEEL", "LICENSE", "NOTICE", "licenses")
_SOURCE_TREE = Path(__file__).resolve().parents[4]


@dataclass(slots=True)
class Distribution:
    """One distribution: its name and version, its files, what it requires."""

    name: str
    version: str
    files: Files
    requirements: list[str] = field(default_factory=list)


def normalize(name: str) -> str:
    """Return a distribution's name as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def collect(requirements: Iterable[str], spared: Edges = frozenset()) -> dict[str, Distribution]:
    """Return the distributions that satisfy these requirements and, in turn, what each of them requires.

    `spared` are pairs of names: what the first requires of the second does not count. Raises `PackError` for
    one that the environment lacks.
    """
    found: dict[str, Distribution] = {}
    done: set[tuple[str, str]] = set()
    try:
        todo = [(Requirement(text), "the program") for text in requirements]
    except InvalidRequirement as error:
        raise PackError(f"not the name of a distribution: {error}") from error
    while todo:
        requirement, needed_by = todo.pop()
        name = normalize(requirement.name)
        if name not in found:
            found[name] = find(name, needed_by)
        if not requirement.specifier.contains(found[name].version, prereleases=True):
            raise PackError(
                f"{needed_by} needs {name}{requirement.specifier}, and {found[name].version} is installed "
                f"for {sys.executable}: install a version that fits and pack again"
            )
        for extra in ("", *sorted(requirement.extras)):
            if (name, extra) in done:
                continue
            done.add((name, extra))
            for text in found[name].requirements:
                needed = Requirement(text)
                if (name, normalize(needed.name)) in spared:
                    continue
                if needed.marker is None and extra:
                    continue
                if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                    todo.append((needed, name))
    return found


def find(name: str, needed_by: str) -> Distribution:
    """Return one distribution: of this source tree when it is there, else as installed."""
    sibling = _SOURCE_TREE / "packages" / name
    if (sibling / "pyproject.toml").is_file():
        return _from_source(sibling)
    try:
        installed = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError as error:
        raise PackError(
            f"{needed_by} needs {name}, which is not installed for {sys.executable}: install it there "
            f"(pip install {name}) and pack again"
        ) from error
    requirements = list(installed.requires or [])
    project = _editable_project(installed)
    files = dict(_installed_files(installed) if project is None else _project_files(project, name))
    if not files:
        raise PackError(
            f"{name} is installed without a list of its files: reinstall it with pip and pack again"
        )
    return Distribution(name, installed.version, files, requirements)


def find_by_import(module: str) -> str | None:
    """Return the name of the distribution that provides a top-level module, if any does."""
    name = module.replace("_", "-")
    if (_SOURCE_TREE / "packages" / name / "pyproject.toml").is_file():
        return name
    names = importlib.metadata.packages_distributions().get(module)
    if names:
        return normalize(names[0])
    try:
        installed = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    return normalize(installed.metadata["Name"]) if _editable_project(installed) is not None else None


def tree_files(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    """Yield the files below a folder that are worth packing, under a prefix."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in _SKIPPED_SUFFIXES:
            yield f"{prefix}/{path.relative_to(folder).as_posix()}", path


def _installed_files(installed: importlib.metadata.Distribution) -> Iterator[tuple[str, Path]]:
    for path in installed.files or []:
        if path.parts[0] == ".." or path.is_absolute() or path.suffix in _SKIPPED_SUFFIXES:
            continue
        if "__pycache__" in path.parts:
            continue
        if path.parts[0].endswith(".dist-info") and path.parts[1] not in _METADATA:
            continue
        source = Path(str(installed.locate_file(path)))
        if source.is_file():
            yield path.as_posix(), source


def _editable_project(installed: importlib.metadata.Distribution) -> Path | None:
    """Return the folder of a project that is installed in editable form."""
    text = installed.read_text("direct_url.json")
    if text is None:
        return None
    described = json.loads(text)
    if not described.get("dir_info", {}).get("editable"):
        return None
    return Path(unquote(urlsplit(described["url"]).path))


def _project_files(project: Path, name: str) -> Iterator[tuple[str, Path]]:
    """Yield the files of a project installed in editable form: its package, in `src/` or beside pyproject."""
    module = name.replace("-", "_")
    for base in (project / "src", project):
        if (base / module).is_dir():
            yield from tree_files(base / module, module)
            return
        if (base / f"{module}.py").is_file():
            yield f"{module}.py", base / f"{module}.py"
            return
    raise PackError(
        f"{name} is installed in editable form, and {project} has no package called {module}: "
        f"install it properly (pip install {project}) and pack again"
    )


def _from_source(folder: Path) -> Distribution:
    """Describe a package of this source tree from its `pyproject.toml`."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    files = dict(_project_files(folder, folder.name))
    return Distribution(project["name"], project["version"], files, list(project.get("dependencies", [])))
